from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from memsvc.compression.entropy import GateSettings
from memsvc.compression.rules import RulesCompressor
from memsvc.compression.telling import Density
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.models.surprisal import WordFrequencySurprisal
from memsvc.models.tokens import Cl100kCounter
from memsvc.ports import Vectors
from memsvc.types import Compression, Disposition, MemoryState, PendingTurns, Role, Scope, SpaceKey, Turn

SAID = (
    "My uncle repairs accordions in a workshop in Porto.",
    "My uncle repairs accordions in Porto.",
    "It was good to see all of them there again. The harbour smelled of tar and fried sardines.",
    "We had a good time there with everybody.",
)


class Flat:
    """Vectors that say nothing: what is told does not depend on them."""

    dimension = 2

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return np.ones((len(texts), 2), dtype=np.float32)


async def compress(analyzer: SpacyAnalyzer, density: Density, said: Sequence[str] = SAID) -> Compression:
    compressor = RulesCompressor(
        analyzer=analyzer,
        embedder=Flat(),  # type: ignore[arg-type]
        surprisal=WordFrequencySurprisal(),
        tokens=Cl100kCounter(),
        gate=GateSettings(threshold=0.0),
        density=density,
    )
    time = datetime(2024, 3, 4, tzinfo=UTC)
    turns = [
        Turn(turn_id=str(i), scope=Scope("u"), role=Role.USER, content=text, event_time=time, speaker="Ana")
        for i, text in enumerate(said)
    ]
    return await compressor.compress(SpaceKey("t", "s"), PendingTurns((), tuple(turns), frozenset()))


def active(found: Compression) -> list[str]:
    return [memory.text for memory in found.memories if memory.state is MemoryState.ACTIVE]


async def test_terse_tells_each_thing_once_and_leaves_out_the_rest_with_its_reason(analyzer: SpacyAnalyzer) -> None:
    found = await compress(analyzer, Density.TERSE)
    text = " ".join(active(found))
    assert text.count("accordions") == 1
    assert "sardines" in text
    assert "good" not in text
    assert [outcome.ref.turn_id for outcome in found.outcomes] == ["0", "1", "2", "3"]
    out = {o.ref.turn_id: o.reason for o in found.outcomes if o.disposition is Disposition.LEFT_OUT}
    assert "LOW_INFORMATION" in out.values()
    left = [memory for memory in found.memories if memory.state is MemoryState.LEFT_OUT]
    assert [memory.sources[0].turn_id for memory in left] == list(out)
    cuts = [cut.text for memory in found.memories if memory.gate for cut in memory.gate.cuts]
    assert any(cut.startswith("It was good") for cut in cuts)


async def test_densities_nest(analyzer: SpacyAnalyzer) -> None:
    sizes = [sum(map(len, active(await compress(analyzer, density)))) for density in Density]
    assert sizes[0] >= sizes[1] > sizes[2] > 0


@pytest.mark.parametrize(
    "said", ["Gestern waren wir im Hafen und haben Sardinen mit Brot gegessen.", "昨日、港で鰯を食べました。"]
)
async def test_terse_tells_all_of_other_languages(analyzer: SpacyAnalyzer, said: str) -> None:
    assert said in active(await compress(analyzer, Density.TERSE, [said]))[0]

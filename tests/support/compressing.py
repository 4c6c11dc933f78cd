"""Turns, and the compressor that works without a language model, for tests that load no embedder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from memsvc.compression.entropy import GateSettings
from memsvc.compression.judging import Density
from memsvc.compression.reading import Reading, read
from memsvc.compression.rules import RulesCompressor
from memsvc.models.surprisal import WordFrequencySurprisal
from memsvc.models.tokens import Cl100kCounter
from memsvc.ports import Vectors
from memsvc.types import (
    Compression,
    Disposition,
    Memory,
    MemoryState,
    PendingTurns,
    Role,
    Scope,
    SpaceKey,
    Turn,
    TurnRef,
)

SPACE = SpaceKey("acme", "default")
THURSDAY = datetime(2026, 5, 7, 10, tzinfo=UTC)
TOKENS = Cl100kCounter()


class FlatEmbedder:
    """The same vector for every text: no window is newer than another."""

    model = "flat"
    dimension = 2
    languages: frozenset[str] | None = None

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> Vectors:
        return np.ones((len(texts), self.dimension), dtype=np.float32)

    async def close(self) -> None:
        """Nothing is held."""


def rules(*, threshold: float = 0.35, density: Density = Density.BALANCED) -> RulesCompressor:
    """A compressor whose gate, at the default threshold, finds the first window new and later ones not."""
    return RulesCompressor(
        embedder=FlatEmbedder(),
        surprisal=WordFrequencySurprisal(),
        tokens=TOKENS,
        gate=GateSettings(threshold=threshold),
        density=density,
    )


def say(content: str, speaker: str = "Ana", *, role: Role = Role.USER, number: int = 0) -> Turn:
    """A turn of one session, `number` minutes after Thursday 7 May 2026, 10:00 UTC."""
    return Turn(
        turn_id=f"t{number}",
        scope=Scope("ana", "", "s"),
        role=role,
        content=content,
        event_time=THURSDAY + timedelta(minutes=number),
        speaker=speaker,
    )


Line = tuple[str, str] | tuple[str, str, Role]
"""Speaker, what they say, and their role."""


def talk(*lines: Line) -> tuple[Turn, ...]:
    """Turns of one session, a minute apart."""
    return tuple(
        say(content, speaker, role=rest[0] if rest else Role.USER, number=i)
        for i, (speaker, content, *rest) in enumerate(lines)
    )


def readings(*lines: Line) -> list[Reading]:
    """Turns of one session, read."""
    return read(talk(*lines), known=(), tokens=TOKENS)


async def compress(
    *lines: Line,
    threshold: float = 0.35,
    density: Density = Density.BALANCED,
    told: Sequence[str] = (),
) -> Compression:
    """Compress a session, all turns pending; `told` are texts of memories from before."""
    pending = PendingTurns((), talk(*lines), frozenset(), tuple(told))
    return await rules(threshold=threshold, density=density).compress(SPACE, pending)


def active(compression: Compression) -> list[str]:
    """The texts of the memories that are served."""
    return [memory.text for memory in compression.memories if memory.state is MemoryState.ACTIVE]


def outcomes(compression: Compression) -> dict[str, tuple[Disposition, str]]:
    """What became of each turn, by its id."""
    return {outcome.ref.turn_id: (outcome.disposition, outcome.reason) for outcome in compression.outcomes}


def assert_own_words(memory: Memory, turns: Sequence[Turn], *, cited: bool = True) -> None:
    """A text is its turns' words: spans equal the turns' slices, and with the additions cover it without overlap.

    Its sources name the turns of its spans, unless it is a text alone, that is not `cited`.
    """
    contents: dict[TurnRef, str] = {turn.ref: turn.content for turn in turns}
    for span in memory.spans:
        assert contents[span.turn][span.start : span.end] == memory.text[span.text_start : span.text_end]
        assert not cited or span.turn in memory.sources
    ranges = [
        *((span.text_start, span.text_end) for span in memory.spans),
        *((addition.text_start, addition.text_end) for addition in memory.additions),
    ]
    at = 0
    for start, end in sorted(ranges):
        assert start == at < end
        at = end
    assert at == len(memory.text)
    assert without_additions(memory) == "".join(contents[span.turn][span.start : span.end] for span in memory.spans)


def without_additions(memory: Memory) -> str:
    """The text of a memory less what memsvc added."""
    text = memory.text
    for addition in reversed(memory.additions):
        text = text[: addition.text_start] + text[addition.text_end :]
    return text

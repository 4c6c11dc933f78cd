"""What words say within their turn decides which sentences are told."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from memsvc.compression.entropy import GateSettings
from memsvc.compression.rules import RulesCompressor
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.models.embedder import SentenceTransformerEmbedder
from memsvc.models.tokens import Cl100kCounter
from memsvc.ports import Surprisal
from memsvc.types import PendingTurns, Role, Scope, SpaceKey, Turn


class Bits:
    """The same bits for every word; within a text, what `texts` gives it."""

    def __init__(self, value: float, texts: Mapping[str, float]) -> None:
        self.value = value
        self.texts = texts

    def bits(self, word: str, language: str) -> float:
        return self.value

    async def within(self, texts: Sequence[str]) -> Sequence[Surprisal]:
        return [Bits(self.texts[text], {}) for text in texts]


async def test_each_turn_is_judged_by_its_own_words() -> None:
    contents = ("I planted tulips beside the shed.", "I painted the kitchen yellow.")
    surprisal = Bits(1.0, dict(zip(contents, (5.0, 9.0), strict=True)))
    compressor = RulesCompressor(
        analyzer=SpacyAnalyzer(),
        embedder=SentenceTransformerEmbedder(device="cpu"),
        surprisal=surprisal,
        tokens=Cl100kCounter(),
        gate=GateSettings(),
    )
    scope, time = Scope("ann", "", "s"), datetime(2024, 3, 1, tzinfo=UTC)
    turns = [
        Turn(turn_id=str(n), scope=scope, role=Role.USER, content=text, event_time=time)
        for n, text in enumerate(contents)
    ]
    compression = await compressor.compress(SpaceKey("t", "s"), PendingTurns((), tuple(turns), frozenset()))
    assert [memory.gate.surprisal for memory in compression.memories if memory.gate] == [5.0, 9.0]

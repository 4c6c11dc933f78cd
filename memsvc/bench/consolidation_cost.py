"""What consolidation costs as one user's memories grow: batches of fresh ones, each with its nearest known ones.

Neighbours are drawn from the memories that share a subject, so that every comparison the rules can make is made;
finding them is the index's work and is not counted here. Texts are parsed before; frames are embedded as they come, and
the templates have few of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from memsvc.bench.consolidating import NEIGHBOURS
from memsvc.bench.templates.development import DEVELOPMENT
from memsvc.consolidation.consolidator import Consolidator
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.models.embedder import SentenceTransformerEmbedder
from memsvc.models.tokens import Cl100kCounter
from memsvc.ports import Vectors
from memsvc.types import Analysis, Memory, Scope, Symbolic

BATCH = 64
DIMENSION = 384
_START = datetime(2024, 1, 1, tzinfo=UTC)


class _Remembering:
    """An analyzer that parses each text once, so that deciding can be timed alone."""

    def __init__(self) -> None:
        self._analyzer = SpacyAnalyzer()
        self._known: dict[str, Analysis] = {}

    async def analyze(self, texts: Sequence[str]) -> list[Analysis]:
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        self._known |= dict(zip(new, await self._analyzer.analyze(new), strict=True))
        return [self._known[text] for text in texts]


async def growth(sizes: Sequence[int]) -> list[dict[str, float]]:
    """Processor time and decisions for a scope of each size.

    Rows of `units`, `cpu_seconds`, `cpu_microseconds_per_unit` and `decisions`.
    """
    analyzer = _Remembering()
    embedder, tokens = SentenceTransformerEmbedder(device="cpu"), Cl100kCounter()
    texts = _texts()
    await analyzer.analyze(texts)
    rows = []
    for size in sizes:
        memories, vectors = _scope(texts, size)
        consolidator = Consolidator(analyzer=analyzer, tokens=tokens, embedder=embedder)
        begin, decisions = time.process_time(), 0
        for first in range(0, size, BATCH):
            fresh = memories[first : first + BATCH]
            known = _known(memories, first, len(fresh))
            done = await consolidator.consolidate(fresh, known, vectors, now=fresh[-1].event_time)
            decisions += len(done.decisions)
        seconds = time.process_time() - begin
        rows.append(
            {
                "units": size,
                "cpu_seconds": round(seconds, 2),
                "cpu_microseconds_per_unit": round(1e6 * seconds / size),
                "decisions": decisions,
            }
        )
    await embedder.close()
    return rows


def _texts() -> list[str]:
    return [
        text.format(v=v, w=v, k=k, l=k)
        for fact in DEVELOPMENT.facts
        for text in (*fact.says, *fact.near)
        for v in fact.values
        for k in fact.seconds
    ]


def _scope(texts: Sequence[str], size: int) -> tuple[list[Memory], dict[str, Vectors]]:
    rng = np.random.default_rng(0)
    middle = rng.standard_normal((len(texts), DIMENSION)).astype(np.float32)
    scope = Scope("user", "", "session")
    memories, vectors = [], {}
    for i in range(size):
        which = int(rng.integers(len(texts)))
        memory = Memory(
            id=f"{i:08}",
            scope=scope,
            text=texts[which],
            event_time=_START + timedelta(hours=i),
            symbolic=Symbolic(speaker="Ben"),
            token_count=10,
            dense_text=texts[which],
        )
        vector = middle[which] + 0.1 * rng.standard_normal(DIMENSION).astype(np.float32)
        memories.append(memory)
        vectors[memory.id] = vector / np.linalg.norm(vector)
    return memories, vectors


def _known(memories: Sequence[Memory], before: int, fresh: int) -> list[Memory]:
    wanted = min(before, fresh * NEIGHBOURS)
    if not wanted:
        return []
    chosen = np.random.default_rng(before).choice(before, wanted, replace=False)
    return [memories[int(i)] for i in chosen]


def measure_growth(sizes: Sequence[int]) -> list[dict[str, float]]:
    """As `growth`, for callers without an event loop."""
    return asyncio.run(growth(sizes))

"""Brings the vector index up to SQL: embeds what changed, writes it, and records that it was written."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from memsvc.language.detection import detect, recognize
from memsvc.language.lexical import LexicalEncoder
from memsvc.ports import Embedder, MemoryLog, VectorIndex
from memsvc.types import OUT_OF_INDEX, Memory, Scope, SpaceKey

BATCH = 128


class Indexes(Protocol):
    """What makes memories searchable."""

    def index(
        self, space: SpaceKey, memory_ids: Sequence[str] | None = None, *, scope: Scope | None = None
    ) -> AsyncGenerator[int, None]:
        """Index what is due among `memory_ids`, in `scope`, or else in the whole space; yield each batch's size."""
        ...

    async def prepare(self, space: SpaceKey, memories: Sequence[Memory]) -> None:
        """Write points of memories that are about to be stored: queries find them as soon as they are."""
        ...

    async def discard(self, space: SpaceKey, memories: Sequence[Memory]) -> None:
        """Remove the points of those that were not stored after all."""
        ...


class Indexer:
    """Indexes memories whose current version is not in the index yet, with the embedding model of one slot.

    Points have the memories' ids and a memory is marked only after its point is written, so a crash at any
    moment costs a repeated write and nothing else.
    """

    def __init__(self, *, memories: MemoryLog, index: VectorIndex, embedder: Embedder, slot: int = 0) -> None:
        self._memories = memories
        self._index = index
        self._embedder = embedder
        self._slot = slot
        self._lexical = LexicalEncoder()

    async def index(
        self, space: SpaceKey, memory_ids: Sequence[str] | None = None, *, scope: Scope | None = None
    ) -> AsyncGenerator[int, None]:
        """Index what is due among `memory_ids`, in `scope`, or else in the whole space; yield each batch's size."""
        while due := await self._memories.unindexed(space, memory_ids, limit=BATCH, scope=scope, slot=self._slot):
            await self._write(space, due)
            await self._memories.mark_indexed(space, due, self._slot)
            yield len(due)

    async def prepare(self, space: SpaceKey, memories: Sequence[Memory]) -> None:
        """Write points of memories that are about to be stored: queries find them as soon as they are."""
        for start in range(0, len(memories), BATCH):
            await self._write(space, memories[start : start + BATCH])

    async def discard(self, space: SpaceKey, memories: Sequence[Memory]) -> None:
        """Remove the points of those that were not stored after all."""
        ids = [memory.id for memory in memories]
        stored = await self._memories.get_many(space, ids)
        if unknown := [memory_id for memory_id in ids if memory_id not in stored]:
            await self._index.delete(space, unknown)

    async def _write(self, space: SpaceKey, due: Sequence[Memory]) -> None:
        gone = [memory.id for memory in due if memory.state in OUT_OF_INDEX]
        live = [memory for memory in due if memory.state not in OUT_OF_INDEX]
        if gone:
            await self._index.delete(space, gone)
        if live:
            dense = await self._embedder.embed([memory.dense_text for memory in live])
            lexical = [self._lexical.document(memory.searched_text, language_of(memory)) for memory in live]
            await self._index.upsert(space, live, dense, lexical)


def language_of(memory: Memory) -> str:
    """The language of a memory: of its statement, or where that is too short to tell, of what was said around it."""
    return recognize(memory.dense_text) or detect(memory.lexical_text)

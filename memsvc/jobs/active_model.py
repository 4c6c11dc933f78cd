"""The embedder and the index of whichever embedding model is active at the time of a call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from memsvc.jobs.embeddings import CurrentModels
from memsvc.ports import Vectors
from memsvc.types import IndexHit, Memory, MemoryFilter, SpaceKey, SparseVector, SymbolicQuery


class ActiveEmbedder:
    """`ports.Embedder`: the active model's."""

    def __init__(self, models: CurrentModels) -> None:
        self._models = models

    @property
    def model(self) -> str:
        """Name of the active model."""
        return self._models.active.embedder.model

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        return self._models.active.embedder.dimension

    @property
    def languages(self) -> frozenset[str] | None:
        """Languages of the active model."""
        return self._models.active.embedder.languages

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> Vectors:
        """See `ports.Embedder.embed`."""
        return await self._models.active.embedder.embed(texts, urgent=urgent)

    async def close(self) -> None:
        """The models close themselves."""


class ActiveIndex:
    """`ports.VectorIndex`: reads are those of the active model's index, removals go to all."""

    def __init__(self, models: CurrentModels) -> None:
        self._models = models

    async def ensure(self) -> None:
        """Done when a model is opened."""

    @property
    def unsure_since(self) -> datetime | None:
        """See `ports.VectorIndex.unsure_since`; an index is caught up on when it is opened."""
        return self._models.active.index.unsure_since

    async def caught_up(self) -> None:
        """See `ports.VectorIndex.caught_up`."""
        await self._models.active.index.caught_up()

    async def upsert(
        self, space: SpaceKey, memories: Sequence[Memory], dense: Vectors, lexical: Sequence[SparseVector]
    ) -> None:
        """Write to the active index; `dense` are vectors of the active model."""
        await self._models.active.index.upsert(space, memories, dense, lexical)

    async def delete(self, space: SpaceKey, memory_ids: Sequence[str]) -> None:
        """Remove points from every index."""
        for opened in (self._models.active, *self._models.others):
            await opened.index.delete(space, memory_ids)

    async def delete_space(self, space: SpaceKey) -> None:
        """Remove every point of a space from every index."""
        for opened in (self._models.active, *self._models.others):
            await opened.index.delete_space(space)

    async def search_dense(
        self,
        space: SpaceKey,
        vector: Vectors,
        where: MemoryFilter,
        *,
        limit: int,
        match: SymbolicQuery | None = None,
    ) -> list[IndexHit]:
        """See `ports.VectorIndex.search_dense`; `vector` is one of the active model."""
        return await self._models.active.index.search_dense(space, vector, where, limit=limit, match=match)

    async def search_lexical(
        self, space: SpaceKey, query: SparseVector, where: MemoryFilter, *, limit: int
    ) -> list[IndexHit]:
        """See `ports.VectorIndex.search_lexical`."""
        return await self._models.active.index.search_lexical(space, query, where, limit=limit)

    async def vectors(self, space: SpaceKey, memory_ids: Sequence[str]) -> dict[str, Vectors]:
        """See `ports.VectorIndex.vectors`."""
        return await self._models.active.index.vectors(space, memory_ids)

    async def present(self, space: SpaceKey, memory_ids: Sequence[str]) -> set[str]:
        """See `ports.VectorIndex.present`."""
        return await self._models.active.index.present(space, memory_ids)

    async def count(self, space: SpaceKey) -> int:
        """See `ports.VectorIndex.count`."""
        return await self._models.active.index.count(space)

    async def close(self) -> None:
        """The indexes close themselves."""

"""The vector index, and what turns texts into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memsvc.types import IndexHit, Memory, MemoryFilter, SpaceKey, SparseVector, SymbolicQuery

Vectors: TypeAlias = NDArray[np.float32]


class VectorIndex(Protocol):
    """The derived index: a dense, a lexical and a symbolic view of every memory that is not deleted.

    Every search is bounded to one space by a filter that this port adds itself.
    """

    async def ensure(self) -> None:
        """Create the collection, its named vectors and payload indexes where missing. Idempotent.

        Raises:
            FailedPrecondition: a collection of another dimension or layout stands in its place.
        """
        ...

    @property
    def unsure_since(self) -> datetime | None:
        """Since when the index may lack what was written to it, of a new one the earliest time; None: it lacks nothing.

        Known after `ensure`, and kept until `caught_up`.
        """
        ...

    async def caught_up(self) -> None:
        """Say that the index was rebuilt from SQL, or that jobs which do so are safely queued."""
        ...

    async def upsert(
        self, space: SpaceKey, memories: Sequence[Memory], dense: Vectors, lexical: Sequence[SparseVector]
    ) -> None:
        """Write points; ids are the memories' ids, so a repeat overwrites. `dense` has shape [n, dimension]."""
        ...

    async def delete(self, space: SpaceKey, memory_ids: Sequence[str]) -> None:
        """Remove points of this space; unknown ids are ignored."""
        ...

    async def delete_space(self, space: SpaceKey) -> None:
        """Remove every point of a space."""
        ...

    async def search_dense(
        self,
        space: SpaceKey,
        vector: Vectors,
        where: MemoryFilter,
        *,
        limit: int,
        match: SymbolicQuery | None = None,
    ) -> list[IndexHit]:
        """Nearest memories by cosine, best first; `vector` has shape [dimension].

        With `match`, only memories that match any part of it: the symbolic view, ranked by cosine.
        """
        ...

    async def search_lexical(
        self, space: SpaceKey, query: SparseVector, where: MemoryFilter, *, limit: int
    ) -> list[IndexHit]:
        """Best memories by BM25 (document weights stored, IDF applied by the index), best first."""
        ...

    async def vectors(self, space: SpaceKey, memory_ids: Sequence[str]) -> dict[str, Vectors]:
        """Dense unit vectors of shape [dimension] of those of the memories that have a point, by id."""
        ...

    async def present(self, space: SpaceKey, memory_ids: Sequence[str]) -> set[str]:
        """Those of the memories that have a point."""
        ...

    async def count(self, space: SpaceKey) -> int:
        """Exact number of points of a space."""
        ...

    async def close(self) -> None:
        """Flush and release the index."""
        ...


class Embedder(Protocol):
    """Text to dense vectors."""

    @property
    def model(self) -> str:
        """Name and version of the model; part of the collection's name."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    @property
    def languages(self) -> frozenset[str] | None:
        """ISO 639-1 codes of the languages that the model knows; None for all, or where that is not known."""
        ...

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> Vectors:
        """Return unit-length float32 vectors of shape [len(texts), dimension], in order.

        `urgent` (a waiting query) goes before background work. Raises Unavailable EMBEDDER_UNAVAILABLE.
        """
        ...

    async def close(self) -> None:
        """Release the model."""
        ...

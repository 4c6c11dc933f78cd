"""Remembers embeddings, so that a text that comes again costs nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from cachetools import LRUCache

from memsvc.ports import Embedder, Vectors


class CachedEmbedder:
    """An embedder that keeps the vectors of the texts used most recently.

    Args:
        inner: computes what is not remembered, and is closed with this.
        max_entries: texts to remember, at least 1; one takes about four bytes per dimension and its text.
    """

    def __init__(self, inner: Embedder, max_entries: int) -> None:
        self._inner = inner
        self._vectors: LRUCache[str, Vectors] = LRUCache(max_entries)
        self._hits = 0
        self._misses = 0

    @property
    def model(self) -> str:
        """Name of the inner model."""
        return self._inner.model

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._inner.dimension

    @property
    def hits(self) -> int:
        """Texts answered from memory so far."""
        return self._hits

    @property
    def misses(self) -> int:
        """Texts that had to be computed so far; one repeated within a call is computed once."""
        return self._misses

    @property
    def languages(self) -> frozenset[str] | None:
        """Languages of the inner model."""
        return self._inner.languages

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> Vectors:
        """Return unit-length float32 vectors of shape [len(texts), dimension], in order; errors as the inner one."""
        known = {text: self._vectors[text] for text in dict.fromkeys(texts) if text in self._vectors}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        self._misses += len(missing)
        self._hits += len(texts) - len(missing)
        if missing:
            computed = await self._inner.embed(missing, urgent=urgent)
            # Copies, because a row of the batch would keep the whole batch in memory.
            known |= {text: row.copy() for text, row in zip(missing, computed, strict=True)}
            self._vectors.update((text, known[text]) for text in missing)
        return np.stack([known[text] for text in texts]) if texts else np.zeros((0, self.dimension), np.float32)

    async def close(self) -> None:
        """Forget everything and close the inner embedder."""
        self._vectors.clear()
        await self._inner.close()

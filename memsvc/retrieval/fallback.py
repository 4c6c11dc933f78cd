"""Where the index is out of reach: BM25 over the newest memories in SQL, said to be less than an answer."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from threading import Lock

from cachetools import LRUCache

from memsvc.language.lexical import LexicalEncoder
from memsvc.ports import MemoryLog
from memsvc.types import IndexHit, Memory, MemoryFilter, SpaceKey

NEWEST = 1_000
"""Memories that one query reads: some 0.1 s of SQL, and up to a second to encode what was not encoded before."""

CACHED = 20_000
"""Memories whose weights are kept for the next query while the index is away: about 50 MB."""


class LexicalFallback:
    """The lexical view without the index: the same weights, with the IDF of the memories read.

    It sees the newest `newest` memories that pass the filter and nothing older, no paraphrases and no rewording.
    """

    def __init__(self, memories: MemoryLog, *, newest: int = NEWEST) -> None:
        self._memories = memories
        self._newest = newest
        self._encoder = LexicalEncoder()
        self._cache: LRUCache[tuple[SpaceKey, str, int], dict[int, float]] = LRUCache(CACHED)
        self._lock = Lock()  # queries are ranked on threads of their own

    async def search(self, space: SpaceKey, text: str, where: MemoryFilter, *, limit: int) -> list[IndexHit]:
        """Best memories by BM25, best first; a text without content words matches nothing.

        Raises:
            NotFound: the space.
            Unavailable: SQL is out of reach too.
        """
        terms = self._encoder.query(text).indices
        if not terms:
            return []
        page = await self._memories.page(space, where, limit=self._newest)
        return await asyncio.to_thread(self._rank, space, page.items, terms, limit)

    def _rank(self, space: SpaceKey, memories: Sequence[Memory], terms: Sequence[int], limit: int) -> list[IndexHit]:
        with self._lock:
            weights = [self._weights(space, memory) for memory in memories]
        found = Counter(term for each in weights for term in terms if term in each)
        idf = {term: math.log(1 + (len(weights) - n + 0.5) / (n + 0.5)) for term, n in found.items()}
        scores = [sum(idf[term] * each[term] for term in terms if term in each) for each in weights]
        best = sorted(range(len(scores)), key=lambda number: -scores[number])[:limit]
        return [IndexHit(memories[number].id, scores[number]) for number in best if scores[number] > 0]

    def _weights(self, space: SpaceKey, memory: Memory) -> dict[int, float]:
        key = (space, memory.id, memory.version)
        weights = self._cache.get(key)
        if weights is None:
            vector = self._encoder.document(memory.lexical_text)
            weights = dict(zip(vector.indices, vector.values, strict=True))
            self._cache[key] = weights
        return weights

"""Where the index is out of reach: BM25 over the memories in SQL, said to be less than an answer."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from memsvc.language.detection import detect
from memsvc.language.lexical import LexicalEncoder
from memsvc.language.words import stems
from memsvc.ports import MemoryLog
from memsvc.types import IndexHit, LexicalText, MemoryFilter, SpaceKey

SECONDS = 1.0
"""For which one query reads memories: some ten thousand of them in English."""

PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, best first."""

    hits: tuple[IndexHit, ...]
    complete: bool
    """Whether every memory was read: without it older ones were not seen."""


class LexicalFallback:
    """The lexical view without the index: the same weights, with the IDF of the memories read.

    It reads the memories that pass the filter, the newest first, for up to `seconds`; it knows no paraphrases. All are
    stemmed in the question's language: to tell that of each would take longer than to read it.
    """

    def __init__(
        self, memories: MemoryLog, *, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._memories = memories
        self._seconds = seconds
        self._clock = clock
        self._encoder = LexicalEncoder()

    async def search(self, space: SpaceKey, text: str, where: MemoryFilter, *, limit: int, share: float = 1.0) -> Found:
        """Best memories by BM25; a text without content words matches nothing.

        Args:
            space: where to search.
            text: the question.
            where: the hard filter.
            limit: of hits.
            share: of the time, for one of several searches.

        Raises:
            NotFound: the space.
            Unavailable: SQL is out of reach too.
        """
        language = detect(text)
        terms = frozenset(stems(text, language))
        if not terms:
            return Found((), complete=True)
        until = self._clock() + share * self._seconds
        count, weights, cursor = 0, dict[str, dict[str, float]](), None
        while True:
            page = await self._memories.lexical_texts(space, where, limit=PAGE, cursor=cursor)
            count += len(page.items)
            weights |= await asyncio.to_thread(self._weights, page.items, terms, language)
            cursor = page.cursor
            if cursor is None or self._clock() >= until:
                return Found(_ranked(weights, count, limit), complete=cursor is None)

    def _weights(
        self, texts: Sequence[LexicalText], terms: Collection[str], language: str
    ) -> dict[str, dict[str, float]]:
        """By memory, the weights of the terms that it has; none for one that has none."""
        found = ((each.memory_id, self._encoder.weights(each.text, terms, language)) for each in texts)
        return {memory_id: weights for memory_id, weights in found if weights}


def _ranked(weights: Mapping[str, Mapping[str, float]], count: int, limit: int) -> tuple[IndexHit, ...]:
    frequency = Counter(term for each in weights.values() for term in each)
    idf = {term: math.log(1 + (count - n + 0.5) / (n + 0.5)) for term, n in frequency.items()}
    hits = [IndexHit(id_, sum(idf[term] * weight for term, weight in each.items())) for id_, each in weights.items()]
    return tuple(sorted(hits, key=lambda hit: -hit.score)[:limit])

"""Small real parts for tests of retrieval: no model files, no database, no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5
from zlib import crc32

import numpy as np

from memsvc.errors import MemsvcError, Unavailable
from memsvc.language.lexical import LexicalEncoder
from memsvc.language.words import stems, tokenize
from memsvc.ports import VectorIndex, Vectors
from memsvc.types import (
    Analysis,
    IndexHit,
    LexicalText,
    Memory,
    MemoryFilter,
    Page,
    Scope,
    SpaceKey,
    SparseVector,
    Symbolic,
    SymbolicQuery,
    Token,
)

SPACE = SpaceKey("acme", "support")


def make_memory(text: str, *, day: datetime | None = None, people: tuple[str, ...] = (), **fields: object) -> Memory:
    """A stored memory whose id follows from its text and whose views index that text."""
    event_time = day or datetime(2023, 5, 8, 12, tzinfo=UTC)
    defaults: dict[str, object] = {
        "id": str(uuid5(NAMESPACE_URL, f"{text} {event_time.isoformat()}")),
        "scope": Scope(user_id="caroline"),
        "text": text,
        "event_time": event_time,
        "symbolic": Symbolic(people=people),
        "dense_text": text,
        "lexical_text": text,
        "version": 1,
    }
    return Memory(**(defaults | fields))  # type: ignore[arg-type]  # a test's keyword arguments


class HashingEmbedder:
    """Embeds a text as its stems hashed into a few hundred dimensions: related texts share words."""

    model = "hashing"
    dimension = 256
    languages: frozenset[str] | None = None

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for stem in stems(text):
                row[crc32(stem.encode()) % self.dimension] += 1.0
            row[0] += 1e-3
            row /= np.linalg.norm(row)
        return vectors

    async def close(self) -> None:
        """Nothing is held."""


class FailingEmbedder(HashingEmbedder):
    """An embedder that is down."""

    def __init__(self, error: MemsvcError) -> None:
        self.error = error

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> Vectors:
        raise self.error


class PlainAnalyzer:
    """Splits into words and leaves every tag empty, as the analyzer port does for a language without a model."""

    async def analyze(self, texts: Sequence[str]) -> list[Analysis]:
        return [plain_analysis(text) for text in texts]


def plain_analysis(text: str, language: str = "en") -> Analysis:
    """Words without tags, one sentence."""
    tokens, position = [], 0
    for i, word in enumerate(text.replace("?", " ").replace("'s", "  ").split()):
        start = text.index(word, position)
        position = start + len(word)
        tokens.append(Token(word, word.casefold(), "", "", "", i, start, position))
    return Analysis(text, language, tuple(tokens), ((0, len(tokens)),), ())


class WordCounter:
    """Counts words and punctuation-free line breaks; cheap enough for property tests."""

    def count(self, text: str) -> int:
        return len(tokenize(text)) + text.count("\n") + text.count("- ")


class DictMemories:
    """The part of a memory log that retrieval reads."""

    def __init__(self, memories: Sequence[Memory]) -> None:
        self.stored = {memory.id: memory for memory in memories}

    async def get_many(self, space: SpaceKey, memory_ids: Sequence[str]) -> dict[str, Memory]:
        if space != SPACE:
            return {}
        return {id_: self.stored[id_] for id_ in memory_ids if id_ in self.stored}

    async def page(self, space: SpaceKey, where: MemoryFilter, *, limit: int) -> Page[Memory]:
        newest = [memory for memory in reversed(self.stored.values()) if where.matches(memory)]
        return Page(tuple(newest[:limit]) if space == SPACE else (), None)

    async def ids(self, space: SpaceKey, where: MemoryFilter, *, limit: int) -> list[str]:
        return [memory.id for memory in (await self.page(space, where, limit=limit)).items]

    async def lexical_texts(
        self, space: SpaceKey, where: MemoryFilter, *, limit: int, cursor: str | None = None
    ) -> Page[LexicalText]:
        start = int(cursor or 0)
        newest = (await self.page(space, where, limit=len(self.stored))).items
        texts = [LexicalText(memory.id, memory.searched_text) for memory in newest[start : start + limit]]
        return Page(tuple(texts), str(start + limit) if len(newest) > start + limit else None)


class ObservedIndex:
    """Wraps an index: records the filter of every search and raises `errors` of the named views."""

    def __init__(self, inner: VectorIndex, errors: dict[str, MemsvcError] | None = None) -> None:
        self.inner = inner
        self.errors = errors or {}
        self.failing_calls: dict[str, set[int]] = {}
        """By view, the calls that find the index down, counted from 0."""
        self.calls: Counter[str] = Counter()
        self.filters: dict[str, MemoryFilter] = {}

    async def search_dense(
        self,
        space: SpaceKey,
        vector: Vectors,
        where: MemoryFilter,
        *,
        limit: int,
        match: SymbolicQuery | None = None,
    ) -> list[IndexHit]:
        self._observe("symbolic" if match else "dense", where)
        return await self.inner.search_dense(space, vector, where, limit=limit, match=match)

    async def search_lexical(
        self, space: SpaceKey, query: SparseVector, where: MemoryFilter, *, limit: int
    ) -> list[IndexHit]:
        self._observe("lexical", where)
        return await self.inner.search_lexical(space, query, where, limit=limit)

    async def vectors(self, space: SpaceKey, memory_ids: Sequence[str]) -> dict[str, Vectors]:
        if "vectors" in self.errors:
            raise self.errors["vectors"]
        return await self.inner.vectors(space, memory_ids)

    def _observe(self, view: str, where: MemoryFilter) -> None:
        self.filters[view] = where
        if view in self.errors:
            raise self.errors[view]
        self.calls[view] += 1
        if self.calls[view] - 1 in self.failing_calls.get(view, ()):
            raise Unavailable("the index is down")


async def fill(index: VectorIndex, memories: Sequence[Memory]) -> None:
    """Index memories with the hashing embedder."""
    encoder = LexicalEncoder()
    dense = await HashingEmbedder().embed([memory.dense_text for memory in memories])
    await index.upsert(SPACE, memories, dense, [encoder.document(memory.searched_text) for memory in memories])

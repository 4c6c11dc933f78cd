from collections.abc import Sequence

import numpy as np
import pytest

from memsvc.models.cache import CachedEmbedder
from memsvc.models.embedder import SentenceTransformerEmbedder
from memsvc.ports import Vectors


class Recording(SentenceTransformerEmbedder):
    """The real embedder, noting what it was asked."""

    def __init__(self) -> None:
        super().__init__(device="cpu")
        self.asked: list[tuple[list[str], bool]] = []

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> Vectors:
        self.asked.append((list(texts), urgent))
        return await super().embed(texts, urgent=urgent)


@pytest.fixture(scope="module")
def model() -> Recording:
    return Recording()


@pytest.fixture
def inner(model: Recording) -> Recording:
    model.asked.clear()
    return model


async def test_a_text_is_computed_once(inner: Recording) -> None:
    cached = CachedEmbedder(inner, max_entries=10)
    first = await cached.embed(["a", "b", "a"], urgent=True)
    second = await cached.embed(["b", "c", "a"])
    assert inner.asked == [(["a", "b"], True), (["c"], False)]
    assert (cached.hits, cached.misses) == (3, 3)
    np.testing.assert_array_equal(second[[2, 0, 2]], first)


async def test_the_text_used_least_recently_is_forgotten(inner: Recording) -> None:
    cached = CachedEmbedder(inner, max_entries=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        await cached.embed([text])
    assert [texts for texts, _ in inner.asked] == [["a"], ["b"], ["c"], ["b"]]


async def test_a_call_larger_than_the_cache_is_answered(inner: Recording) -> None:
    texts = ["a", "b", "c", "d"]
    np.testing.assert_array_equal(
        await CachedEmbedder(inner, max_entries=1).embed(texts), await CachedEmbedder(inner, max_entries=9).embed(texts)
    )


async def test_writing_into_a_result_leaves_the_cache_as_it_was(inner: Recording) -> None:
    cached = CachedEmbedder(inner, max_entries=10)
    before = await cached.embed(["a"])
    kept = before.copy()
    before[:] = 0
    np.testing.assert_array_equal(await cached.embed(["a"]), kept)

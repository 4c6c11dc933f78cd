from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.language.lexical import LexicalEncoder
from memsvc.retrieval.fallback import PAGE, LexicalFallback
from memsvc.types import Memory, MemoryFilter
from memsvc.vectors.edge import EdgeIndex
from support.retrieval import SPACE, DictMemories, HashingEmbedder, fill, make_memory

TEXTS = [
    "Ann adopted a grey cat from the shelter.",
    "The cat, a grey cat, sleeps.",
    "Bo visited the shelter for a walk.",
    "The invoice was paid.",
]


def fallback_over(memories: list[Memory]) -> LexicalFallback:
    return LexicalFallback(DictMemories(memories))  # type: ignore[arg-type]  # it only lists


async def ids_of(fallback: LexicalFallback, text: str, limit: int = 9) -> list[str]:
    found = await fallback.search(SPACE, text, MemoryFilter(), limit=limit)
    assert found.complete
    return [hit.memory_id for hit in found.hits]


async def test_scores_are_those_of_the_index(tmp_path: Path) -> None:
    memories = [make_memory(text) for text in TEXTS]
    edge = EdgeIndex(tmp_path, "memories", HashingEmbedder.dimension)
    await edge.ensure()
    await fill(edge, memories)
    for question in ("Which cat is at the shelter?", "grey", "Was the invoice paid?", "nothing of it"):
        sparse = LexicalEncoder().query(question)
        expected = await edge.search_lexical(SPACE, sparse, MemoryFilter(), limit=9)
        found = (await fallback_over(memories).search(SPACE, question, MemoryFilter(), limit=9)).hits
        assert {hit.memory_id: hit.score for hit in found} == pytest.approx(
            {hit.memory_id: hit.score for hit in expected}, rel=1e-4
        )
        assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    await edge.close()


async def test_old_memories_are_found_among_many() -> None:
    oldest = make_memory(TEXTS[0])
    memories = [oldest, *(make_memory(f"Invoice {number} was paid.") for number in range(2 * PAGE))]
    assert await ids_of(fallback_over(memories), "cat") == [oldest.id]


@pytest.mark.parametrize(
    ("share", "pages", "complete"), [(1.0, 2, False), (0.5, 1, False), (2.0, 3, True)], ids=["all", "half", "twice"]
)
async def test_once_the_time_is_up_older_ones_are_not_read_and_that_is_told(
    share: float, pages: int, complete: bool
) -> None:
    memories = DictMemories([make_memory(f"The cat ate {number}.") for number in range(2 * PAGE + 1)])
    ticks = itertools.count(0.0, 5.0)  # seconds, at each look
    fallback = LexicalFallback(memories, seconds=10.0, clock=lambda: next(ticks))  # type: ignore[arg-type]
    found = await fallback.search(SPACE, "cat", MemoryFilter(), limit=3 * PAGE, share=share)
    assert found.complete == complete
    assert len(found.hits) == min(pages * PAGE, len(memories.stored))


async def test_a_changed_memory_is_read_anew() -> None:
    old = make_memory(TEXTS[0])
    memories = DictMemories([old])
    fallback = LexicalFallback(memories)  # type: ignore[arg-type]  # it only lists
    assert await ids_of(fallback, "cat") == [old.id]
    memories.stored[old.id] = make_memory("Ann adopted a dog.", id=old.id, version=2)
    assert await ids_of(fallback, "cat") == []
    assert await ids_of(fallback, "dog") == [old.id]


async def test_a_question_of_stop_words_only_matches_nothing() -> None:
    assert await ids_of(fallback_over([make_memory("the of and")]), "what is the") == []


@given(
    texts=st.lists(st.sampled_from(TEXTS), max_size=6, unique=True),
    question=st.sampled_from(["cat", "shelter", "grey cat", "Bo", ""]),
    limit=st.integers(1, 3),
)
async def test_what_is_found_shares_a_word_and_is_no_more_than_asked_for(
    texts: list[str], question: str, limit: int
) -> None:
    fallback = fallback_over([make_memory(text) for text in texts])
    found = (await fallback.search(SPACE, question, MemoryFilter(), limit=limit)).hits
    sharing = {
        make_memory(text).id
        for text in texts
        if set(LexicalEncoder().query(question).indices) & set(LexicalEncoder().document(text).indices)
    }
    assert {hit.memory_id for hit in found} <= sharing
    assert len(found) == min(limit, len(sharing))
    assert all(hit.score > 0 for hit in found)

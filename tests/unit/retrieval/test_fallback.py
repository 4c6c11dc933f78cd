from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.language.lexical import LexicalEncoder
from memsvc.retrieval.fallback import LexicalFallback
from memsvc.types import Memory, MemoryFilter
from memsvc.vectors.edge import EdgeIndex
from support.retrieval import SPACE, DictMemories, HashingEmbedder, fill, make_memory

TEXTS = [
    "Ann adopted a grey cat from the shelter.",
    "The cat, a grey cat, sleeps.",
    "Bo visited the shelter for a walk.",
    "The invoice was paid.",
]


def fallback_over(memories: list[Memory], newest: int = 100) -> LexicalFallback:
    return LexicalFallback(DictMemories(memories), newest=newest)  # type: ignore[arg-type]  # it only lists


async def ids_of(fallback: LexicalFallback, text: str, limit: int = 9) -> list[str]:
    return [hit.memory_id for hit in await fallback.search(SPACE, text, MemoryFilter(), limit=limit)]


async def test_scores_are_those_of_the_index(tmp_path: Path) -> None:
    memories = [make_memory(text) for text in TEXTS]
    edge = EdgeIndex(tmp_path, "memories", HashingEmbedder.dimension)
    await edge.ensure()
    await fill(edge, memories)
    for question in ("Which cat is at the shelter?", "grey", "Was the invoice paid?", "nothing of it"):
        sparse = LexicalEncoder().query(question)
        expected = await edge.search_lexical(SPACE, sparse, MemoryFilter(), limit=9)
        found = await fallback_over(memories).search(SPACE, question, MemoryFilter(), limit=9)
        assert {hit.memory_id: hit.score for hit in found} == pytest.approx(
            {hit.memory_id: hit.score for hit in expected}, rel=1e-4
        )
        assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    await edge.close()


async def test_only_the_newest_are_read() -> None:
    memories = [make_memory(text) for text in TEXTS]
    assert len(await ids_of(fallback_over(memories), "cat")) == 2
    assert await ids_of(fallback_over(memories, newest=3), "cat") == [memories[1].id]
    assert await ids_of(fallback_over(memories, newest=2), "cat") == []


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
    found = await fallback_over([make_memory(text) for text in texts]).search(
        SPACE, question, MemoryFilter(), limit=limit
    )
    sharing = {
        make_memory(text).id
        for text in texts
        if set(LexicalEncoder().query(question).indices) & set(LexicalEncoder().document(text).indices)
    }
    assert {hit.memory_id for hit in found} <= sharing
    assert len(found) == min(limit, len(sharing))
    assert all(hit.score > 0 for hit in found)

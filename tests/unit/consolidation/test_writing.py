"""Episodes and themes in the words of a writer that is there, away, broken, or says anything at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsvc.consolidation.decisions import Action, Decision
from memsvc.consolidation.params import ConsolidationParams
from memsvc.consolidation.synthesis import abstract
from memsvc.consolidation.topics import grow
from memsvc.consolidation.units import SENTENCE_SOURCES
from memsvc.consolidation.writing import AT_ONCE, Sentence, Wording
from memsvc.errors import ModelRefused, ModelUnavailable, Unavailable
from memsvc.models.tokens import Cl100kCounter
from memsvc.ports import Vectors
from memsvc.types import Memory, MemoryKind, MemoryState, Scope, SpaceKey
from support.retrieval import PlainAnalyzer

SPACE = SpaceKey("acme", "default")
START = datetime(2024, 3, 1, tzinfo=UTC)
PARAMS, TOKENS = ConsolidationParams(), Cl100kCounter()
Said = Callable[[Sequence[Memory]], Sequence[Sentence]]


class Fake:
    """Says what it is told to, and keeps what it was asked."""

    name = "fake"

    def __init__(self, says: Said) -> None:
        self.says = says
        self.asked: list[list[str]] = []

    async def write(self, space: SpaceKey, memories: Sequence[Memory], most_tokens: int) -> Sequence[Sentence]:
        assert space == SPACE
        assert 0 < most_tokens < sum(TOKENS.count(m.text) for m in memories)
        self.asked.append([m.text for m in memories])
        return self.says(memories)


def wording(writer: Fake) -> Wording:
    return Wording(writer, analyzer=PlainAnalyzer(), tokens=TOKENS, params=PARAMS)


def memory(i: int, text: str) -> Memory:
    return Memory(
        id=f"m{i:02}",
        scope=Scope("ben"),
        text=text,
        event_time=START + timedelta(hours=i),
        token_count=TOKENS.count(text),
        dense_text=text,
    )


def two(memories: Sequence[Memory]) -> Sequence[Sentence]:
    """One sentence on the first two memories, in words that both have."""
    words = memories[0].text.removesuffix(".").split()
    shared = [word for word in words if word in memories[1].text]
    return [Sentence(" ".join(shared), (0, 1))]


def tree() -> tuple[dict[str, Memory], dict[str, Vectors]]:
    """Statements of two themes of three episodes of four statements each, far from each other at every level."""
    rng = np.random.default_rng(0)
    memories, vectors = {}, {}
    for i in range(24):
        theme, episode = i // 12, i // 4
        vector = rng.normal(0, 0.01, 32)
        vector[theme] += 1.0
        vector[8 + episode] += 0.5
        made = memory(i, f"They walked the coast near town {episode} with maps, day {i}.")
        memories[made.id] = made
        vectors[made.id] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return memories, vectors


def made_by(decisions: Sequence[Decision], kind: MemoryKind) -> list[Decision]:
    return [d for d in decisions if d.result is not None and d.result.kind is kind]


async def test_themes_are_made_of_episodes_as_they_were_worded() -> None:
    memories, vectors = tree()
    writer = Fake(two)
    reword = partial(wording(writer).reword, SPACE)
    worded = await grow(memories, vectors, TOKENS, PARAMS, reword)
    plain = await grow(memories, vectors, TOKENS, PARAMS)
    assert [(d.action, d.memory_ids, d.score) for d in worded] == [(d.action, d.memory_ids, d.score) for d in plain]
    episodes, themes = made_by(worded, MemoryKind.EPISODE), made_by(worded, MemoryKind.THEME)
    assert (len(episodes), len(themes)) == (6, 2)
    texts = {d.result.id: d.result.text for d in episodes if d.result}
    assert all(text.startswith("They walked the coast near town ") for text in texts.values())
    for theme in themes:
        assert [texts[i] for i in theme.memory_ids] in writer.asked
        assert theme.result is not None
        assert theme.result.compressor == "consolidation/1:fake"
        first, second = theme.memory_ids[:2]
        assert theme.result.metadata[SENTENCE_SOURCES] == f"{first},{second}"


async def test_what_is_made_anew_is_worded_anew_and_what_stands_is_not_asked_about() -> None:
    memories, vectors = tree()
    writer = Fake(two)
    reword = partial(wording(writer).reword, SPACE)
    (episode, *_) = made_by(await grow(memories, vectors, TOKENS, PARAMS), MemoryKind.EPISODE)
    assert episode.result is not None
    children = {i: memories[i] for i in episode.memory_ids}
    standing = {**children, episode.result.id: episode.result}
    placed = {**vectors, episode.result.id: vectors[episode.memory_ids[0]]}
    assert await grow(standing, placed, TOKENS, PARAMS, reword) == []
    assert writer.asked == []
    gone = episode.memory_ids[0]
    standing[gone] = replace(memories[gone], state=MemoryState.SUPERSEDED)
    retired, again = await grow(standing, placed, TOKENS, PARAMS, reword)
    assert (retired.action, retired.reason) == (Action.RETIRE, "What it was made from has changed.")
    assert again.memory_ids == episode.memory_ids[1:]
    assert again.result is not None
    assert again.result.compressor == "consolidation/1:fake"
    assert again.reason == ("Made anew after what it was made from changed; the language model wrote its text.")


def episodes(count: int) -> tuple[list[Decision], dict[str, Memory]]:
    decisions, memories = [], {}
    for start in range(0, 4 * count, 4):
        children = [
            memory(i, f"They walked the coast near the town with maps, day {i}.") for i in range(start, start + 4)
        ]
        vectors = {child.id: np.ones(4, np.float32) / 2 for child in children}
        result = abstract(MemoryKind.EPISODE, children, vectors, TOKENS, PARAMS)
        assert result is not None
        decisions.append(
            Decision(action=Action.ABSTRACT, memory_ids=result.derived_from, result=result, reason="Near.")
        )
        memories |= {child.id: child for child in children}
    return decisions, memories


async def test_a_writer_that_is_away_is_asked_no_further() -> None:
    def away(memories: Sequence[Memory]) -> Sequence[Sentence]:
        if memories[0].id == "m04":
            raise ModelUnavailable("away")
        return two(memories)

    decisions, memories = episodes(2 * AT_ONCE + 1)
    writer = Fake(away)
    found = await wording(writer).reword(SPACE, decisions, memories)
    assert len(writer.asked) == AT_ONCE
    failed = "Near; its text quotes them, as the language model failed (LLM_UNAVAILABLE)."
    assert [d.reason == failed for d in found] == [False, True, False, False, *[True] * (AT_ONCE + 1)]
    assert [d.result for d in found if d.reason == failed] == [d.result for d in (decisions[1], *decisions[AT_ONCE:])]


async def test_a_refusal_is_of_one_text_alone() -> None:
    def refuses(memories: Sequence[Memory]) -> Sequence[Sentence]:
        if memories[0].id == "m04":
            raise ModelRefused("no")
        return two(memories)

    decisions, memories = episodes(AT_ONCE + 1)
    writer = Fake(refuses)
    found = await wording(writer).reword(SPACE, decisions, memories)
    assert len(writer.asked) == AT_ONCE + 1
    assert ["LLM_REFUSED" in d.reason for d in found] == [i == 1 for i in range(AT_ONCE + 1)]


@pytest.mark.parametrize("error", [Unavailable("the ledger is away"), RuntimeError("a bug"), asyncio.CancelledError()])
async def test_other_failures_are_not_taken_for_the_writers(error: BaseException) -> None:
    def fails(memories: Sequence[Memory]) -> Sequence[Sentence]:
        raise error

    decisions, memories = episodes(2)
    with pytest.raises(type(error)):
        await wording(Fake(fails)).reword(SPACE, decisions, memories)


async def test_other_decisions_stay_in_their_places() -> None:
    decisions, memories = episodes(2)
    retire = Decision(action=Action.RETIRE, memory_ids=("x",), score=1.0, reason="Gone.")
    found = await wording(Fake(two)).reword(SPACE, [retire, decisions[0], retire, decisions[1]], memories)
    assert [d.action for d in found] == [Action.RETIRE, Action.ABSTRACT, Action.RETIRE, Action.ABSTRACT]
    assert found[0] is found[2] is retire
    assert all(d.result and d.result.compressor == "consolidation/1:fake" for d in (found[1], found[3]))


WORDS = st.sampled_from(
    ["They", "walked", "the coast", "near Porto", "town", "with maps", "day 0", "1", "17", "never", ".", "I"]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=30).map(" ".join))
SENTENCES = st.lists(st.builds(Sentence, TEXTS, st.lists(st.integers(-2, 6), max_size=6).map(tuple)), max_size=6)


@settings(max_examples=60, deadline=None)
@given(SENTENCES)
async def test_whatever_it_says_the_text_is_short_and_of_the_memories(sentences: list[Sentence]) -> None:
    (decision,), memories = episodes(1)
    (found,) = await wording(Fake(lambda _: sentences)).reword(SPACE, [decision], memories)
    assert found.result is not None
    assert found.result.token_count < sum(m.token_count for m in memories.values())
    assert (found.result == decision.result) is ("its text quotes them" in found.reason)
    assert "Porto" not in found.result.text
    assert "17" not in found.result.text
    assert found.result.derived_from == tuple(memories)

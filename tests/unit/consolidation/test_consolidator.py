"""The consolidator with the real parser and embedder: what it merges, replaces, and leaves alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memsvc.consolidation.consolidator import Consolidator
from memsvc.consolidation.decisions import Action, Consolidation, Decision
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.models.embedder import SentenceTransformerEmbedder
from memsvc.models.tokens import Cl100kCounter
from memsvc.types import Memory, MemoryKind, Scope, Symbolic, TurnRef

START = datetime(2024, 3, 1, 9, tzinfo=UTC)
TOKENS = Cl100kCounter()


@pytest.fixture(scope="module")
def consolidator() -> Consolidator:
    return Consolidator(analyzer=SpacyAnalyzer(), tokens=TOKENS)


class Talk:
    """Consolidates sentences of one speaker, told a day apart."""

    def __init__(self, consolidator: Consolidator, embedder: SentenceTransformerEmbedder) -> None:
        self.consolidator = consolidator
        self.embedder = embedder

    async def decide(
        self, memories: Sequence[Memory], known: Sequence[Memory] = (), now: datetime | None = None
    ) -> Consolidation:
        everything = [*memories, *known]
        vectors = await self.embedder.embed([memory.dense_text for memory in everything])
        by_id = {memory.id: vector for memory, vector in zip(everything, vectors, strict=True)}
        return await self.consolidator.consolidate(memories, known, by_id, now=now or START + timedelta(days=90))

    async def of(self, *texts: str) -> list[Decision]:
        return list((await self.decide([told(i, text) for i, text in enumerate(texts)])).decisions)


@pytest.fixture
def talk(consolidator: Consolidator, embedder: SentenceTransformerEmbedder) -> Talk:
    return Talk(consolidator, embedder)


def told(i: int, text: str, *, user: str = "ben", speaker: str = "Ben", time: datetime | None = None) -> Memory:
    scope = Scope(user, "", f"s{i}")
    return Memory(
        id=f"m{i:02}",
        scope=scope,
        text=text,
        event_time=time or START + timedelta(days=i),
        symbolic=Symbolic(speaker=speaker),
        token_count=TOKENS.count(text),
        sources=(TurnRef(scope, f"t{i}"),),
        compressor="rules/1",
        dense_text=text,
        lexical_text=text,
    )


def pairs(decisions: Sequence[Decision], action: Action) -> list[tuple[str, ...]]:
    return [decision.memory_ids for decision in decisions if decision.action is action]


async def test_a_fact_in_other_words_becomes_one_memory_that_keeps_all_sources(talk: Talk) -> None:
    decisions = await talk.of("I live in Porto.", "My home is in Porto.", "I'm based in Porto.")
    assert pairs(decisions, Action.MERGE) == [("m00", "m01", "m02")]
    result = decisions[0].result
    assert result is not None
    assert [ref.turn_id for ref in result.sources] == ["t0", "t1", "t2"]
    assert result.derived_from == decisions[0].memory_ids
    assert result.event_time == START
    assert result.compressor == "consolidation/1"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I like tea.", "I hate tea."),
        ("I like tea.", "I like coffee."),
        ("I like tea.", "I don't like tea."),
        ("I visited Porto in May 2021.", "I visited Porto in June 2021."),
        ("I have two cats.", "I have three cats."),
        ("I live in Porto.", "My sister lives in Porto."),
        ("I live in Porto.", "I visited Porto."),
        ("I bought a tent for 120 euros.", "I bought a tent for 250 euros."),
        ("I have a dog called Rex.", "I have a dog called Max."),
        ("I live in Porto.", "I would like to live in Porto."),
    ],
)
async def test_what_only_looks_alike_is_not_merged(talk: Talk, one: str, other: str) -> None:
    assert pairs(await talk.of(one, other), Action.MERGE) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("I live in Porto.", "I moved to Lisbon."),
        ("I work at Acme.", "I started working at Globex."),
        ("I work at Acme.", "I no longer work at Acme."),
        ("My phone number is 555 1234.", "My phone number is 555 9876."),
        ("My favourite colour is green.", "Actually, my favourite colour is blue."),
        ("I have two cats.", "I have three cats now."),
        ("The meeting with the lawyer is on 5 May 2024.", "The meeting with the lawyer was postponed to 9 May 2024."),
        ("The meeting with the lawyer is on 5 May 2024.", "The meeting with the lawyer was cancelled."),
        ("My rent is 800 euros.", "My rent went up to 950 euros."),
        ("I drive a Toyota.", "I sold my Toyota."),
        ("I'm dating Tom.", "Tom and I split up."),
        ("Rex is sick.", "Rex has recovered, and Rex is healthy now."),
    ],
)
async def test_a_newer_statement_closes_the_older(talk: Talk, old: str, new: str) -> None:
    decisions = await talk.of(old, new)
    assert [(d.memory_ids, d.winner, d.valid_to) for d in decisions if d.action is Action.SUPERSEDE] == [
        (("m00",), "m01", START if new.startswith("Actually") else START + timedelta(days=1))
    ]


@pytest.mark.parametrize(
    "new",
    [
        "My sister moved to Lisbon.",
        "I might move to Lisbon.",
        "If I get rich I will move to Lisbon.",
        "I visited Lisbon.",
        "I was born in Lisbon.",
        "Should I move to Lisbon?",
        "I like Lisbon.",
    ],
)
async def test_what_is_not_a_change_closes_nothing(talk: Talk, new: str) -> None:
    assert pairs(await talk.of("I live in Porto.", new), Action.SUPERSEDE) == []


async def test_a_value_that_returns_is_a_memory_of_its_own(talk: Talk) -> None:
    decisions = await talk.of("I live in Porto.", "I moved to Lisbon.", "I moved to Porto.")
    assert pairs(decisions, Action.MERGE) == []
    closed = [(d.memory_ids, d.winner) for d in decisions if d.action is Action.SUPERSEDE]
    assert closed == [(("m00",), "m01"), (("m01",), "m02")]


async def test_the_date_of_a_change_ends_the_older_value(talk: Talk) -> None:
    decisions = await talk.of("I live in Porto.", "I moved to Lisbon on 20 February 2024.")
    closed = next(d for d in decisions if d.action is Action.SUPERSEDE)
    assert closed.valid_to == datetime(2024, 2, 20, tzinfo=UTC)


async def test_contradictions_of_one_time_are_kept_and_marked(talk: Talk) -> None:
    memories = [told(0, "I live in Porto.", time=START), told(1, "I live in Lisbon.", time=START)]
    decisions = (await talk.decide(memories)).decisions
    assert pairs(decisions, Action.CONFLICT) == [("m00", "m01")]
    assert pairs(decisions, Action.SUPERSEDE) == []


async def test_speakers_who_contradict_each_other_about_somebody_else_are_both_kept(talk: Talk) -> None:
    memories = [told(0, "Tom lives in Porto."), told(1, "Tom lives in Lisbon.", speaker="Ana")]
    assert pairs((await talk.decide(memories)).decisions, Action.CONFLICT) == [("m00", "m01")]


async def test_a_fresh_repeat_joins_an_earlier_merge(talk: Talk) -> None:
    first = await talk.decide([told(0, "I live in Porto."), told(1, "My home is in Porto.")])
    earlier = first.decisions[0].result
    assert earlier is not None
    again = await talk.decide([told(2, "I reside in Porto.")], [earlier])
    merge = again.decisions[0]
    assert merge.action is Action.MERGE
    assert set(merge.memory_ids) == {earlier.id, "m02"}
    assert merge.result is not None
    assert [ref.turn_id for ref in merge.result.sources] == ["t0", "t1", "t2"]
    assert again.examined == ("m02",)


async def test_what_was_examined_before_is_left_alone(talk: Talk) -> None:
    known = [told(0, "I live in Porto."), told(1, "I moved to Lisbon.")]
    decisions = (await talk.decide([told(2, "I like tea.")], known)).decisions
    assert decisions == ()


async def test_a_memory_is_closed_only_with_all_that_it_says(talk: Talk) -> None:
    decisions = await talk.of("I live in Porto. I have a dog called Rex.", "I moved to Lisbon.")
    assert pairs(decisions, Action.SUPERSEDE) == []


async def test_users_are_never_mixed(talk: Talk) -> None:
    with pytest.raises(ValueError, match="2 users or agents"):
        await talk.decide([told(0, "I live in Porto."), told(1, "I live in Porto.", user="ana")])


async def test_a_missing_vector_is_named(consolidator: Consolidator) -> None:
    with pytest.raises(ValueError, match="none for memory m00"):
        await consolidator.consolidate([told(0, "I live in Porto.")], [], {}, now=START)


async def test_unused_memories_fade_and_pinned_ones_do_not(talk: Talk) -> None:
    old = replace(told(0, "I like tea."), salience=0.1, create_time=START)
    pinned = replace(told(1, "I play chess."), salience=0.1, create_time=START, pinned=True)
    used = replace(told(2, "I own a boat."), salience=0.1, create_time=START, use_count=3)
    decisions = (await talk.decide([old, pinned, used], now=START + timedelta(days=2000))).decisions
    assert pairs(decisions, Action.RETIRE) == [("m00",)]


async def test_episodes_are_shorter_than_their_children_and_quote_them(talk: Talk) -> None:
    texts = [
        *(
            f"I went hiking on the {place} trail with my tent."
            for place in ("Alpine", "Jura", "Tatra", "Pyrenees", "Rila")
        ),
        *(f"My {who} had a fever and saw the doctor." for who in ("sister", "brother", "mother", "father", "cousin")),
    ]
    decisions = [d for d in await talk.of(*texts) if d.action is Action.ABSTRACT]
    assert decisions
    for decision in decisions:
        result = decision.result
        assert result is not None
        assert result.kind is MemoryKind.EPISODE
        children = [texts[int(i[1:])] for i in decision.memory_ids]
        assert result.token_count < sum(TOKENS.count(text) for text in children)
        quoted = [texts[int(i[1:])] for i in result.metadata["sentence_sources"].split()]
        assert result.text == " ".join(quoted)


SENTENCES = (
    "I live in Porto.",
    "My home is in Porto.",
    "I moved to Lisbon.",
    "I like tea.",
    "I love tea.",
    "I hate tea.",
    "I have two cats.",
    "I have three cats.",
    "My sister lives in Porto.",
    "I no longer live in Lisbon.",
)


@given(chosen=st.lists(st.sampled_from(SENTENCES), min_size=2, max_size=7), seed=st.integers(0, 2**16))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_properties_hold_for_any_conversation(talk: Talk, chosen: list[str], seed: int) -> None:
    memories = [told(i, text) for i, text in enumerate(chosen)]
    shuffled = [memories[i] for i in np.random.default_rng(seed).permutation(len(memories))]
    first, second = await talk.decide(memories), await talk.decide(shuffled)
    assert first == second  # order and repetition change nothing, ids included
    ended = [i for d in first.decisions if d.action in (Action.MERGE, Action.SUPERSEDE) for i in d.memory_ids]
    assert len(ended) == len(set(ended))
    for decision in first.decisions:
        if decision.action is Action.MERGE and decision.result is not None:
            texts = {chosen[int(i[1:])] for i in decision.memory_ids}
            assert set(decision.result.sources) == {
                ref for i in decision.memory_ids for ref in memories[int(i[1:])].sources
            }
            assert (
                len(texts & {"I like tea.", "I love tea."}) == len(texts)
                or "I hate tea." not in texts
                or len(texts) == 1
            )
            assert not {"I have two cats.", "I have three cats."} <= texts
            assert not ("My sister lives in Porto." in texts and len(texts) > 1)

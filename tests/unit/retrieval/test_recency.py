"""The newest first: of memories about the same thing, where the present is asked about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.ports import Vectors
from memsvc.retrieval.fusion import Candidate
from memsvc.retrieval.question import read_question
from memsvc.retrieval.recency import LOOKED_AT, SIGNAL, compared, newest_first
from memsvc.types import Memory, Role, Scope, Signal, Symbolic, TurnRef
from support.retrieval import make_memory

MAY_4 = datetime(2026, 5, 4, 9, tzinfo=UTC)
WANTED = read_question("How much is the rent of the studio?")
OLD, NEW = "The rent of the studio is 610 a month.", "The rent of the studio goes up to 655 now."
UNRELATED = "The neighbour of the studio plays the tuba on Sundays."


def told(text: str, day: int, *, speaker: str = "Ida", role: Role = Role.USER, **fields: object) -> Memory:
    symbolic = Symbolic(speaker=speaker)
    return make_memory(text, day=MAY_4 + timedelta(days=day), symbolic=symbolic, role=role, **fields)


def ranked(*memories: Memory | None) -> list[Candidate]:
    return [
        Candidate(memory.id if memory else f"gone-{i}", memory, (), (Signal("dense", 1.0, 1.0),), 1.0 - i / 10)
        for i, memory in enumerate(memories)
    ]


def alike(candidates: Sequence[Candidate], *cosines: float) -> dict[str, Vectors]:
    """Unit vectors with these cosines to the first one's, the last for all that follow; 0.95 by default."""
    every = [1.0, *cosines, *[cosines[-1] if cosines else 0.95] * len(candidates)]
    return {
        candidate.memory_id: np.array([cosine, math.sqrt(1 - cosine**2)], dtype=np.float32)
        for candidate, cosine in zip(candidates, every, strict=False)
    }


def texts(candidates: Sequence[Candidate]) -> list[str]:
    return [candidate.memory.text for candidate in candidates if candidate.memory]


def test_what_renews_the_best_comes_before_it_and_says_why() -> None:
    before = ranked(told(OLD, 0), told(NEW, 9), told(UNRELATED, 3))
    ordered = newest_first(before, WANTED, alike(before, 0.9, 0.1))
    assert texts(ordered.candidates) == [NEW, OLD, UNRELATED]
    assert ordered.renewed_by == {before[0].memory_id: before[1].memory_id}
    first = ordered.candidates[0]
    assert first.score == before[0].score
    assert first.signals[-1].name == SIGNAL
    assert sum(signal.value * signal.weight for signal in first.signals) == pytest.approx(
        first.score - before[1].score + sum(s.value * s.weight for s in before[1].signals)
    )


def test_of_several_that_renew_it_the_newest_comes_first() -> None:
    newest = "The rent of the studio is 700 now."
    before = ranked(told(OLD, 0), told(NEW, 9), told(newest, 20))
    ordered = newest_first(before, WANTED, alike(before))
    assert texts(ordered.candidates) == [newest, NEW, OLD]
    assert ordered.renewed_by == {before[0].memory_id: before[2].memory_id}


def test_what_was_told_before_renews_nothing() -> None:
    before = ranked(told(NEW, 9), told(OLD, 0))
    assert compared(before, WANTED) == ()
    assert newest_first(before, WANTED, alike(before)).candidates == before


def test_an_answer_does_not_renew_its_question() -> None:
    asked, answer = (TurnRef(Scope("ida"), turn_id) for turn_id in ("t0", "t1"))
    question = told("Does the rent of the studio go up now?", 0, sources=(asked,))
    reply = told(f"Does the rent of the studio go up now?\nYes. {NEW}", 9, sources=(answer, asked))
    before = ranked(question, reply)
    assert newest_first(before, WANTED, alike(before)).candidates == before
    elsewhere = ranked(question, replace(reply, sources=(answer,)))
    assert newest_first(elsewhere, WANTED, alike(elsewhere)).candidates != elsewhere


def test_what_lacks_a_word_of_the_question_is_of_something_else() -> None:
    asked = read_question("When is my mother's birthday?")
    before = ranked(told("My mother's birthday is 3 May.", 0), told("My father's birthday is 9 August.", 9))
    assert newest_first(before, asked, alike(before)).candidates == before
    moved = ranked(told("I live in Graz.", 0), told("I moved to Basel.", 9))
    assert newest_first(moved, read_question("Where do I live?"), alike(moved)).candidates != moved


def test_what_is_about_something_else_stays_where_it_is() -> None:
    before = ranked(told(OLD, 0), told(UNRELATED, 9))
    ordered = newest_first(before, WANTED, alike(before, 0.3))
    assert (ordered.candidates, ordered.renewed_by) == (before, {})


def test_what_another_says_of_their_own_does_not_renew() -> None:
    mine = ranked(told(OLD, 0), told("My studio has a rent of 655 a month.", 9))
    others = ranked(told(OLD, 0), told("My studio has a rent of 655 a month.", 9, speaker="Per"))
    assert newest_first(mine, WANTED, alike(mine, 0.5)).renewed_by
    assert not newest_first(others, WANTED, alike(others, 0.5)).renewed_by


def test_a_user_renews_what_an_assistant_only_repeated_of_them() -> None:
    update = told("The rent of the studio is 655 a month.", 9)
    repeated = told(OLD, 0, speaker="", role=Role.ASSISTANT, repetition=0.9)
    own = told(OLD, 0, speaker="", role=Role.ASSISTANT)
    for older, renews in ((repeated, True), (own, False)):
        before = ranked(older, update)
        assert bool(newest_first(before, WANTED, alike(before, 0.5)).renewed_by) is renews


def test_what_an_assistant_says_of_it_is_no_news() -> None:
    before = ranked(
        told(OLD, 0), told("The rent of a studio is often 655 a month.", 9, speaker="", role=Role.ASSISTANT)
    )
    assert newest_first(before, WANTED, alike(before)).renewed_by == {}


@pytest.mark.parametrize(
    "asked", ["How much was the rent of the studio?", "What did the studio cost?", "Where was the studio before?"]
)
def test_asked_about_the_past_the_order_stays(asked: str) -> None:
    before = ranked(told(OLD, 0), told(NEW, 9))
    assert compared(before, read_question(asked)) == ()
    assert newest_first(before, read_question(asked), alike(before)).candidates == before


def test_what_has_no_vector_is_not_compared() -> None:
    before = ranked(told(OLD, 0), told(NEW, 9))
    assert newest_first(before, WANTED, {}).candidates == before
    only_newer = {before[1].memory_id: alike(before)[before[1].memory_id]}
    assert newest_first(before, WANTED, only_newer).candidates == before


def test_only_the_first_few_are_looked_at() -> None:
    fillers = [told(f"Ida painted wall {n}.", -n) for n in range(1, LOOKED_AT)]
    before = ranked(told(OLD, 0), *fillers, told(NEW, 9))
    assert compared(before, WANTED) == ()
    assert newest_first(before, WANTED, alike(before)).candidates == before


def test_a_best_one_that_is_no_longer_stored_is_renewed_by_nothing() -> None:
    before = ranked(None, told(NEW, 9))
    assert compared(before, WANTED) == ()
    assert newest_first(before, WANTED, alike(before)).candidates == before


@given(st.lists(st.tuples(st.sampled_from([OLD, NEW, UNRELATED, "I ski."]), st.integers(0, 9)), max_size=8))
def test_nothing_is_lost_and_scores_never_rise(found: list[tuple[str, int]]) -> None:
    before = ranked(*(told(text, day, id=f"m{i}") for i, (text, day) in enumerate(found)))
    ordered = newest_first(before, WANTED, alike(before))
    assert sorted(c.memory_id for c in ordered.candidates) == sorted(c.memory_id for c in before)
    scores = [candidate.score for candidate in ordered.candidates]
    assert scores == sorted(scores, reverse=True)
    for older, newer in ordered.renewed_by.items():
        order = [candidate.memory_id for candidate in ordered.candidates]
        assert order.index(newer) < order.index(older)

"""Copies of conversations: exact in number, the same for the same seed, and other than their original."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.bench.growth import EVERYONE, Told, _spliced, copies, copy
from memsvc.bench.recall import Truth
from memsvc.types import Memory, Scope, Symbolic

SATURDAY = datetime(2024, 3, 2, 10, tzinfo=UTC)


def told(count: int = 3) -> Told:
    memories = tuple(
        Memory(
            id=f"00000000-0000-5000-8000-{number:012d}",
            scope=Scope("ida", "", "s"),
            text=f"Ida saw Kiel on 2 March 2024. It was day {number}.",
            dense_text=f"saw Kiel on 2 March 2024. It was day {number}.",
            lexical_text=f"Ida saw Kiel on 2 March 2024. It was day {number}.\nIda, Saturday 2 March 2024",
            event_time=SATURDAY,
            symbolic=Symbolic(people=("Ida",), entities=("Kiel",), speaker="Ida"),
        )
        for number in range(count)
    )
    return Told("ida", memories, np.eye(count, 384, dtype=np.float32))


@given(st.integers(1, 40), st.booleans())
def test_exactly_so_many_with_ids_of_their_own(units: int, one_user: bool) -> None:
    grown = list(copies([told(3), told(5)], units, seed=1, one_user=one_user))
    memories = [memory for some in grown for memory in some.memories]
    assert len(memories) == units
    assert sum(len(some.vectors) for some in grown) == units
    if one_user:
        assert {memory.scope.user_id for memory in memories} == {EVERYONE}


def test_the_first_copy_says_what_the_original_says() -> None:
    first = copy(told(), 0, Scope("x", "", "y"), seed=1)
    assert [memory.text for memory in first.memories] == [memory.text for memory in told().memories]
    assert np.array_equal(first.vectors, told().vectors)


def test_a_copy_has_other_names_and_dates_on_the_same_weekday() -> None:
    grown = copy(told(), 7, Scope("x", "", "y"), seed=1)
    for memory in grown.memories:
        assert "Ida" not in memory.lexical_text
        assert "Kiel" not in memory.text
        assert "2 March 2024" not in memory.lexical_text
        assert memory.event_time < SATURDAY
        assert memory.event_time.weekday() == SATURDAY.weekday()
        assert memory.text.startswith(memory.symbolic.speaker)
        assert memory.symbolic.entities[0] in memory.text
        assert memory.text in memory.lexical_text
    again = copy(told(), 7, Scope("x", "", "y"), seed=1)
    assert again.memories == grown.memories
    assert np.array_equal(again.vectors, grown.vectors)


def test_vectors_stay_of_length_one_and_near_their_original() -> None:
    grown = copy(told(50), 1, Scope("x", "", "y"), seed=1)
    assert np.linalg.norm(grown.vectors, axis=1) == pytest.approx(np.ones(50), abs=1e-5)
    assert (grown.vectors * told(50).vectors).sum(axis=1).mean() == pytest.approx(0.857, abs=0.01)


def test_recall_is_against_the_exact_neighbours() -> None:
    truth = Truth(np.eye(2, 4, dtype=np.float32), 2)
    truth.add(["a", "b"], np.array([[1, 0, 0, 0], [0, 1, 0, 0]], np.float32))
    truth.add(["c", "d"], np.array([[0.5, 0.4, 0, 0], [0, 0, -1, 0]], np.float32))
    assert truth.recall([["a", "c"], ["b", "c"]]) == 1
    assert truth.recall([["a", "d"], ["b", "c"]]) == 0.75


@pytest.mark.parametrize(
    ("text", "other", "spliced"),
    [
        ("Ann left. Bo stayed.", "Cleo sang. Dan ran.", "Ann left. Dan ran."),
        ("Ann left.", "Dan ran.", "Ann left. Dan ran."),
        ("Ann left.", "", "Ann left."),
    ],
)
def test_the_last_sentence_of_another_memory_takes_the_place_of_the_last(text: str, other: str, spliced: str) -> None:
    assert _spliced(text, other) == spliced

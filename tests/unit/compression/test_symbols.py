"""The symbolic view of a memory."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.compression.reading import Reading
from memsvc.compression.symbols import among, mean_bits, named, salience, symbols, validity
from memsvc.models.surprisal import WordFrequencySurprisal
from memsvc.types import Interval, Name, NameKind, Symbolic
from support.compressing import readings

SURPRISAL = WordFrequencySurprisal()


def whole(reading: Reading) -> tuple[Reading, list[tuple[int, int]]]:
    return reading, [(0, len(reading.turn.content))]


def test_names_of_what_is_told_and_of_who_says_it() -> None:
    (reading,) = readings(("Ida", "Marta moved to Antwerp. Pavel stayed in Tallinn."))
    first = [(0, len("Marta moved to Antwerp."))]
    symbolic = symbols([(reading, first)], SURPRISAL)
    assert symbolic.people == ("Marta", "Ida")
    assert symbolic.place == "Antwerp"
    assert symbolic.speaker == "Ida"
    assert "Tallinn" not in symbolic.entities
    assert "marta" not in symbolic.topic


def test_a_question_lends_its_names_and_not_its_speaker() -> None:
    asker, reply = readings(("Leo", "Is Marta in Antwerp?"), ("Ida", "No."))
    symbolic = symbols([whole(asker), whole(reply)], SURPRISAL)
    assert set(symbolic.people) == {"Marta", "Leo", "Ida"}
    assert symbolic.speaker == "Ida"


def test_a_name_in_two_cases_is_one() -> None:
    (reading,) = readings(("Marta", "Marta and MARTA."))
    assert symbols([whole(reading)], SURPRISAL).people == ("Marta",)


def test_names_leave_out_the_speaker() -> None:
    (reading,) = readings(("Marta", "Marta met Pavel in Antwerp."))
    assert named(reading) == {"pavel", "antwerp"}


def test_a_memory_that_names_one_time_holds_then() -> None:
    (one,) = readings(("Ida", "The exam is on 12 May 2026."))
    (two,) = readings(("Ida", "The exams are on 12 May 2026 and on 19 May 2026."))
    assert validity(one.times) == Interval(datetime(2026, 5, 12, tzinfo=UTC), datetime(2026, 5, 13, tzinfo=UTC))
    assert len(two.times) == 2
    assert validity(two.times) is None
    assert validity([]) is None


def test_what_says_more_is_more_salient() -> None:
    plain = salience("it was a good time", "en", Symbolic(), dated=False, surprisal=SURPRISAL)
    rare = salience(
        "the harpsichord has 61 keys", "en", Symbolic(entities=("Antwerp",)), dated=True, surprisal=SURPRISAL
    )
    assert 0 <= plain < rare <= 1
    assert salience("", "en", Symbolic(), dated=False, surprisal=SURPRISAL) == 0


def test_bits_of_nothing_are_none() -> None:
    assert mean_bits("", "en", SURPRISAL) == 0
    assert mean_bits("harpsichord", "en", SURPRISAL) > mean_bits("the", "en", SURPRISAL)


@given(
    st.lists(st.integers(0, 60), max_size=20, unique=True).map(sorted),
    st.lists(st.integers(0, 60), min_size=2, max_size=8, unique=True).map(sorted),
)
def test_mentions_among_ranges(starts: list[int], bounds: list[int]) -> None:
    names = [Name("x", start, start + 1, NameKind.PERSON) for start in starts]
    ranges = list(zip(bounds[::2], bounds[1::2], strict=False))
    expected = [name for name in names if any(start <= name.start < end for start, end in ranges)]
    assert among(names, ranges) == expected


@pytest.mark.parametrize("content", ["", "漢字", "???"])
def test_any_turn_has_symbols(content: str) -> None:
    (reading,) = readings(("", content))
    assert symbols([whole(reading)], SURPRISAL).people == ()

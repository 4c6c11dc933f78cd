"""Answer-token recall: stems, stop words, and dates however they are written."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.bench.answer_words import answer_words, date_parts, text_words, token_recall

MAY_7 = {"2023", "2023-05", "2023-05-07"}
words = st.frozensets(st.sampled_from("abcdefgh"))


def recall(answer: str, text: str, *, temporal: bool = False) -> float:
    return token_recall(answer_words(answer, "en", temporal=temporal), text_words(text, "en"))


@pytest.mark.parametrize(
    "text", ["7 May 2023", "May 7, 2023", "2023-05-07", "7th of May, 2023", "on May 7 2023.", "7 MAY 2023:"]
)
def test_a_date_has_the_same_parts_however_it_is_written(text: str) -> None:
    assert date_parts(text) == MAY_7


@pytest.mark.parametrize("text", ["May 7", "2023", "the 7th", "12023-05-07", "45 May 2023x", "2023-13-01", ""])
def test_what_names_no_month_and_year_is_no_date(text: str) -> None:
    assert date_parts(text) == frozenset()


def test_a_month_has_two_parts() -> None:
    assert date_parts("in Sept. 2022") == {"2022", "2022-09"}


@pytest.mark.parametrize("text", ["It was on May 7, 2023.", "2023-05-07", "7 May 2023:\n- Ida: today we sailed"])
def test_a_temporal_answer_matches_any_spelling(text: str) -> None:
    assert recall("7 May 2023", text, temporal=True) == 1


def test_a_temporal_answer_gets_credit_for_the_month() -> None:
    assert recall("7 May 2023", "They met in May 2023.", temporal=True) == pytest.approx(2 / 3)
    assert recall("The week before 7 May 2023", "the weeks before 2023-05-07", temporal=True) == 1


def test_a_day_that_is_not_the_answer_does_not_match() -> None:
    assert recall("7 May 2023", "8 May 2023", temporal=True) == pytest.approx(2 / 3)


def test_words_are_stemmed_and_stop_words_left_out() -> None:
    assert recall("She is baking the cakes", "he bakes a cake") == 1
    assert recall("a grey cat", "the grey dog") == 0.5
    assert math.isnan(recall("the", "the"))


@given(words, words, words)
def test_more_text_never_costs_recall(answer: frozenset[str], text: frozenset[str], more: frozenset[str]) -> None:
    if answer:
        assert 0 <= token_recall(answer, text) <= token_recall(answer, text | more) <= 1
        assert token_recall(answer, answer | more) == 1

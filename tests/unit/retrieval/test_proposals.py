"""What a model proposes for a search says what the question says, or is dropped with a reason."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.language.words import tokenize
from memsvc.retrieval.proposals import (
    MAX_CHARACTERS,
    MAX_NAMES,
    MAX_SUB_QUERIES,
    Grounds,
    Rejection,
    grounds,
    judge_names,
    judge_sub_query,
    judge_time,
    shown,
)
from memsvc.retrieval.question import read_question
from memsvc.types import Interval, QuerySpec

ASKED = datetime(2023, 6, 30, 15, tzinfo=UTC)
QUESTION = "Which 2 sports have Ana and ben tried since May?"


def known(text: str = QUESTION) -> Grounds:
    return grounds(QuerySpec(text=text, ask_time=ASKED), read_question(text))


def judged(text: str, question: str = QUESTION, kept: tuple[str, ...] = ()) -> Rejection | None:
    return judge_sub_query(text, known(question), kept)


def day(year: int, month: int, number: int) -> datetime:
    return datetime(year, month, number, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "sports Ana has tried",
        "sports Ben has tried",  # spelled as names are
        "what Ana tried in May 2023",  # the time said absolutely
        "Ana's new hobbies",  # a paraphrase that shares the name alone
        "Ana tried 2 sports this year",  # a longer time around the one named
        "Ana trying a sport",  # other endings
    ],
)
def test_what_the_question_says_in_other_words_is_searched_for(text: str) -> None:
    assert judged(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Rejection.EMPTY),
        (" ?! ", Rejection.EMPTY),
        ("sports\x00Ana", Rejection.UNPRINTABLE),
        ("Ana \ud800 sports", Rejection.UNPRINTABLE),
        ("Ana sports " * 40, Rejection.TOO_LONG),
        ("WHICH 2 sports have Ana and Ben tried since May", Rejection.DUPLICATE),
        ("sports, Ana!", Rejection.DUPLICATE),
        ("the capital of a country", Rejection.UNRELATED),
        ("is it?", Rejection.UNRELATED),
        ("what sports has she tried?", Rejection.NOT_SELF_CONTAINED),
        ("sports Ana and Carla tried", Rejection.UNSUPPORTED_NAME),
        ("sports Ana tried in Lisbon", Rejection.UNSUPPORTED_NAME),
        ("the 3 sports of Ana", Rejection.UNSUPPORTED_NUMBER),
        ("sports Ana tried in 2021", Rejection.UNSUPPORTED_DATE),
        ("sports Ana tried on 3 May 2023", Rejection.UNSUPPORTED_DATE),
        ("sports Ana tried in April", Rejection.UNSUPPORTED_DATE),
    ],
)
def test_what_the_question_does_not_bear_out_is_dropped(text: str, reason: Rejection) -> None:
    assert judged(text, kept=("sports Ana",)) is reason


def test_sub_queries_beyond_the_limit_are_dropped() -> None:
    kept = tuple(f"sports Ana {'tried ' * n}" for n in range(MAX_SUB_QUERIES))
    assert judged("Ben's sports", kept=kept[1:]) is None
    assert judged("Ben's sports", kept=kept) is Rejection.TOO_MANY
    assert judged("what Carla tried", kept=kept) is Rejection.UNSUPPORTED_NAME


@given(st.text())
def test_a_sub_query_that_passes_has_a_word_of_the_question_and_fits(text: str) -> None:
    if judged(text) is None:
        assert set(tokenize(text)) & {"sport", "sports", "ana", "ben", "tried", "try", "trying", "2"} or (
            known().stems & set(tokenize(text))
        )
        assert len(text) <= MAX_CHARACTERS


def test_names_that_the_rules_missed_are_added() -> None:
    names, dropped = judge_names([" ben ", "Ana", "Ben", "Carla", "", "which", "Ana and ben"], known())
    assert names == ("ben", "Ana and ben")
    assert [(drop.text, drop.reason) for drop in dropped] == [
        ("Carla", Rejection.UNSUPPORTED_NAME),
        ("", Rejection.UNSUPPORTED_NAME),
    ]


def test_names_are_bounded_and_may_be_in_any_script() -> None:
    words = [f"w{number}" for number in range(MAX_NAMES + 1)]
    names, dropped = judge_names(words, known(" ".join(words)))
    assert (len(names), [drop.reason for drop in dropped]) == (MAX_NAMES, [Rejection.TOO_MANY])
    assert judge_names(["阿宝"], known("阿宝在哪里工作？"))[0] == ("阿宝",)
    assert judge_names(["李娜"], known("阿宝在哪里工作？"))[0] == ()


def timed(words: str, start: str, end: str, question: str = QUESTION) -> Interval | str | None:
    interval, dropped = judge_time({"words": words, "start": start, "end": end}, known(question))
    return dropped[0].reason if dropped else interval


def test_a_time_may_join_ends_that_the_question_names() -> None:
    assert timed("since May", "2023-05-01", "2023-06-30") == Interval(day(2023, 5, 1), day(2023, 7, 1))
    since = "Which jobs has Ana had since 2022?"
    assert timed("since 2022", "2022-01-01", "2023-06-30", since) == Interval(day(2022, 1, 1), day(2023, 7, 1))


def test_a_time_as_the_rules_read_it_adds_nothing() -> None:
    assert timed("in May", "2023-05-01", "2023-05-31", "What did Ana do in May?") is None
    both = "What did Ana do between March and May?"
    assert timed("between March and May", "2023-03-01", "2023-05-31", both) is None
    assert timed("", "", "") is None


@pytest.mark.parametrize(
    ("words", "start", "end", "reason"),
    [
        ("since May", "2023-04-01", "2023-06-30", Rejection.UNSUPPORTED_DATE),
        ("since June", "2023-05-01", "2023-06-30", Rejection.UNSUPPORTED_DATE),
        ("", "2023-05-01", "2023-06-30", Rejection.UNSUPPORTED_DATE),
        ("since May", "", "2023-06-30", Rejection.NO_DATE),
        ("since May", "May", "June", Rejection.NO_DATE),
        ("since May", "2023-06-30", "2023-05-01", Rejection.NO_DATE),
        ("since May", "0001-01-01", "9999-12-31", Rejection.NO_DATE),
    ],
)
def test_a_time_that_the_question_does_not_state_is_dropped(words: str, start: str, end: str, reason: str) -> None:
    assert timed(words, start, end) == reason


def test_a_question_without_a_time_gets_none() -> None:
    question = "What did Ana do at the festival?"
    assert timed("at the festival", "2023-05-01", "2023-05-31", question) == Rejection.UNSUPPORTED_DATE
    assert timed("", "2023-06-30", "2023-06-30", question) == Rejection.UNSUPPORTED_DATE


def test_times_of_other_languages_need_their_words_and_lie_in_the_year_named() -> None:
    german = "Was hat Ana letzten März mit dem Auto gemacht?"
    march = Interval(day(2023, 3, 1), day(2023, 4, 1))
    assert timed("letzten März", "2023-03-01", "2023-03-31", german) == march
    assert timed("letzten Mai", "2023-03-01", "2023-03-31", german) == Rejection.UNSUPPORTED_DATE
    dated = "Was hat Ana im März 2021 mit dem Auto gemacht?"
    assert timed("im März 2021", "2023-03-01", "2023-03-31", dated) == Rejection.UNSUPPORTED_DATE


@given(st.text())
def test_what_is_shown_of_a_proposal_can_be_sent(text: str) -> None:
    assert "\x00" not in shown(text)
    assert len(shown(text).encode()) <= 4 * MAX_CHARACTERS

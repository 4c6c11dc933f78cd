"""Time expressions said on Thursday 25 May 2023."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.language.timeline import Granularity, find_times, render, render_bare

BASE = datetime(2023, 5, 25, 13, 5, tzinfo=UTC)

ROWS = [
    ("I went yesterday", "yesterday", "on 24 May 2023"),
    ("last Friday night we met", "last Friday night", "on the night of 19 May 2023"),
    ("two weekends ago", "two weekends ago", "on the weekend of 13 May 2023"),
    ("last week", "last week", "in the week of 15 May 2023"),
    ("this past weekend", "this past weekend", "on the weekend of 20 May 2023"),
    ("this weekend", "this weekend", "on the weekend of 27 May 2023"),
    ("next month", "next month", "in June 2023"),
    ("a few days ago", "a few days ago", "a few days before 25 May 2023"),
    ("a couple of weeks ago", "a couple of weeks ago", "a couple of weeks before 25 May 2023"),
    ("10 years ago", "10 years ago", "in 2013"),
    ("three hours ago", "three hours ago", "at 10:00 on 25 May 2023"),
    ("in two weeks", "in two weeks", "in the week of 5 June 2023"),
    ("We met on Monday.", "on Monday", "on 22 May 2023"),
    ("I will go on Monday.", "on Monday", "on 29 May 2023"),
    ("next Tuesday", "next Tuesday", "on 30 May 2023"),
    ("the day before yesterday", "the day before yesterday", "on 23 May 2023"),
    ("the other day", "the other day", "a few days before 25 May 2023"),
    ("tonight", "tonight", "on the night of 25 May 2023"),
    ("this morning", "this morning", "on the morning of 25 May 2023"),
    ("tomorrow evening", "tomorrow evening", "on the evening of 26 May 2023"),
    ("born on May 7th", "on May 7th", "on 7 May 2023"),
    ("since May 7, 2021", "May 7, 2021", "on 7 May 2021"),
    ("7 May 2023", "7 May 2023", "on 7 May 2023"),
    ("2023-05-07", "2023-05-07", "on 7 May 2023"),
    ("in 2021", "in 2021", "in 2021"),
    ("back in June 2020", "back in June 2020", "in June 2020"),
    ("last May", "last May", "in May 2022"),
    ("next January", "next January", "in January 2024"),
    ("summer 2022", "summer 2022", "in summer 2022"),
    ("last summer", "last summer", "in summer 2022"),
    ("next summer", "next summer", "in summer 2023"),
    ("last Christmas", "last Christmas", "on Christmas 2022"),
    ("on New Year’s Eve", "on New Year’s Eve", "on New Year's Eve 2022"),
    ("last year", "last year", "in 2022"),
]


@pytest.mark.parametrize(("text", "mention", "rendered"), ROWS)
def test_finds_and_says_absolutely(text: str, mention: str, rendered: str) -> None:
    (found,) = find_times(text, BASE)
    assert found.text == mention == text[found.start : found.end]
    assert render(found) == rendered
    assert rendered.endswith(render_bare(found))


@pytest.mark.parametrize(("text", "mention", "rendered"), ROWS)
def test_what_is_rendered_means_the_same_at_any_time(text: str, mention: str, rendered: str) -> None:
    (found,) = find_times(text, BASE)
    (again,) = find_times(rendered, BASE + timedelta(days=4000))
    assert (again.interval, again.granularity, again.relative) == (found.interval, found.granularity, False) or (
        again.interval == found.interval
    )


@pytest.mark.parametrize(
    "text",
    [
        *("every Monday", "it feels like just yesterday", "it may rain", "for three years", "Mondays", "30 red cars"),
        *("I always run on Monday.", "Monday is when I go running.", "We usually meet at Bo's on Friday evening."),
    ],
)
def test_recurrences_durations_and_other_words_are_no_times(text: str) -> None:
    assert find_times(text, BASE) == []


def test_several_in_one_text_do_not_overlap() -> None:
    found = find_times("We moved in March 2020, on the 3rd of March, and came back last year.", BASE)
    assert [m.text for m in found] == ["in March 2020", "on the 3rd of March", "last year"]
    assert [m.relative for m in found] == [False, True, True]


@given(st.text(max_size=200), st.datetimes(timezones=st.just(UTC)))
def test_never_raises_and_spans_are_right(text: str, base: datetime) -> None:
    for mention in find_times(text, base):
        assert text[mention.start : mention.end] == mention.text
        assert mention.interval.start < mention.interval.end


_TIME_WORDS = """
last next this few couple of days weeks ago 99 999 years in May 31 February 2020 Christmas winter on Monday the
yesterday night before two weekends month , . year's
"""
_WORDS = st.sampled_from(_TIME_WORDS.split())


@given(st.lists(_WORDS, max_size=12), st.datetimes(timezones=st.just(UTC)))
def test_texts_made_of_time_words_never_raise(words: list[str], base: datetime) -> None:
    text = " ".join(words)
    ends = 0
    for mention in find_times(text, base):
        assert mention.start >= ends
        ends = mention.end
        assert render(mention)


_BASES = st.dates(date(1950, 1, 1), date(2090, 1, 1)).map(lambda d: datetime.combine(d, time(13, 5), UTC))


@given(st.integers(1, 400), _BASES)
def test_days_ago_is_that_day(count: int, base: datetime) -> None:
    (found,) = find_times(f"{count} days ago", base)
    assert found.interval.start <= base - timedelta(days=count) < found.interval.end
    assert found.granularity is Granularity.DAY


@given(_BASES)
def test_this_unit_holds_the_base_and_last_lies_before_it(base: datetime) -> None:
    for unit in ("week", "month", "year"):
        (this,), (last,) = find_times(f"this {unit}", base), find_times(f"last {unit}", base)
        assert this.interval.start <= base < this.interval.end
        assert last.interval.end == this.interval.start


@given(
    _BASES, st.sampled_from(["yesterday", "two weeks ago", "last weekend", "next month", "last winter", "on Friday"])
)
def test_rendered_text_means_the_same_interval(base: datetime, text: str) -> None:
    (found,) = find_times(text, base)
    (again,) = find_times(render(found), datetime(2001, 2, 3, tzinfo=UTC))
    assert again.interval == found.interval


@given(st.dates(date(1901, 1, 1), date(2099, 12, 31)))
def test_an_absolute_day_is_that_day_whatever_the_base(day: date) -> None:
    (found,) = find_times(day.isoformat(), BASE)
    assert found.interval.start.date() == day
    assert not found.relative

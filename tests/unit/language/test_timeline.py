"""Time expressions: what each means on many days and clocks, how it is said in full, and bounds of the search."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.language.timeline import Granularity, bracket, find_times, render, render_bare, under_discussion

THURSDAY = "2026-05-07T10:00+00:00"


def brackets(text: str, base: str, language: str = "en") -> list[str]:
    """The brackets of all mentions of a text."""
    return [bracket(mention) for mention in find_times(text, datetime.fromisoformat(base), language=language)]


@pytest.mark.parametrize(
    ("expression", "base", "expected"),
    [
        ("yesterday", "2026-03-01T08:00+00:00", "28 February 2026"),
        ("yesterday", "2024-03-01T08:00+00:00", "29 February 2024"),
        ("yesterday", "2026-01-01T00:10+00:00", "31 December 2025"),
        ("tomorrow", "2026-12-31T23:50+00:00", "1 January 2027"),
        ("tomorrow", "2024-02-28T12:00+00:00", "29 February 2024"),
        ("today", "2026-06-30T18:00-07:00", "30 June 2026"),
        ("tomorrow", "2026-03-10T08:00+09:00", "11 March 2026"),
        ("tomorrow", "2026-03-10T23:59-11:00", "11 March 2026"),
        ("the day after tomorrow", "2026-03-30T00:00+14:00", "1 April 2026"),
        ("the day before yesterday", "2026-03-01T00:00+05:30", "27 February 2026"),
        ("tonight", "2026-05-07T20:00-05:00", "night of 7 May 2026"),
        ("tonight", "2026-05-07T01:30-05:00", None),
        ("last night", "2026-05-07T08:00+10:00", "night of 6 May 2026"),
        ("last night", "2026-05-07T02:00+10:00", None),
        ("this morning", "2026-05-07T22:00+00:00", "morning of 7 May 2026"),
        ("tomorrow evening", "2026-05-31T22:00+00:00", "evening of 1 June 2026"),
        ("an hour ago", "2026-05-07T00:20+02:00", "6 May 2026, 23:00"),
        ("three hours ago", THURSDAY, "7 May 2026, 07:00"),
        ("last month", "2026-03-31T10:00+00:00", "February 2026"),
        ("last month", "2026-01-15T10:00+00:00", "December 2025"),
        ("next month", "2026-01-31T10:00+00:00", "February 2026"),
        ("next month", "2026-12-01T10:00+00:00", "January 2027"),
        ("last year", "2024-02-29T10:00+00:00", "2023"),
        ("next year", "2026-12-31T23:00-08:00", "2027"),
        ("this week", "2026-05-04T10:00+00:00", "week of 4 May 2026"),
        ("this week", "2026-05-10T10:00+00:00", None),
        ("last week", "2026-05-09T10:00+00:00", "week of 27 April 2026"),
        ("next week", THURSDAY, "week of 11 May 2026"),
        ("next week", "2026-05-10T10:00+00:00", None),
        ("this weekend", "2026-05-04T10:00+00:00", "weekend of 9 May 2026"),
        ("this weekend", "2026-05-09T10:00+00:00", "weekend of 9 May 2026"),
        ("this weekend", "2026-05-10T10:00+00:00", None),
        ("last weekend", "2026-05-04T10:00+00:00", "weekend of 2 May 2026"),
        ("last weekend", "2026-05-10T10:00+00:00", "weekend of 2 May 2026"),
        ("next weekend", THURSDAY, None),
        ("next weekend", "2026-05-09T10:00+00:00", "weekend of 16 May 2026"),
        ("next Friday", THURSDAY, None),
        ("next Friday", "2026-05-08T10:00+00:00", "15 May 2026"),
        ("next Friday", "2026-05-09T10:00+00:00", "15 May 2026"),
        ("next Friday", "2026-05-10T10:00+00:00", None),
        ("next Monday", "2026-12-31T10:00+00:00", "4 January 2027"),
        ("last Friday", THURSDAY, "1 May 2026"),
        ("last Tuesday", THURSDAY, None),
        ("last Thursday", THURSDAY, "30 April 2026"),
        ("this Friday", THURSDAY, "8 May 2026"),
        ("this coming Friday", "2026-05-04T10:00+00:00", "8 May 2026"),
        ("this past Monday", THURSDAY, "4 May 2026"),
        ("Friday next week", "2026-05-04T10:00+00:00", "15 May 2026"),
        ("next week on Friday", "2026-05-04T10:00+00:00", "15 May 2026"),
        ("Tuesday last week", THURSDAY, "28 April 2026"),
        ("two days ago", "2024-03-01T08:00+00:00", "28 February 2024"),
        ("ten days ago", THURSDAY, "27 April 2026"),
        ("a fortnight ago", THURSDAY, "week of 20 April 2026"),
        ("two months ago", "2026-01-31T10:00+00:00", "November 2025"),
        ("three years ago", THURSDAY, "2023"),
        ("thirty years ago", THURSDAY, None),
        ("50 years ago", THURSDAY, None),
        ("two or three days ago", THURSDAY, None),
        ("about two weeks ago", THURSDAY, None),
        ("a few days ago", THURSDAY, None),
        ("a couple of weeks ago", THURSDAY, None),
        ("the other day", THURSDAY, None),
        ("recently", THURSDAY, None),
        ("soon", THURSDAY, None),
        ("in two weeks' time", THURSDAY, "week of 18 May 2026"),
        ("ten days from now", THURSDAY, "17 May 2026"),
        ("last May", THURSDAY, "May 2025"),
        ("last April", THURSDAY, None),
        ("last summer", THURSDAY, "summer 2025"),
        ("last summer", "2026-11-01T10:00+00:00", None),
        ("this summer", THURSDAY, "summer 2026"),
        ("next summer", THURSDAY, None),
        ("last winter", THURSDAY, "winter 2025/26"),
        ("summer 2022", THURSDAY, "summer 2022"),
        ("last Christmas", THURSDAY, "25 December 2025"),
        ("last Christmas", "2026-01-02T10:00+00:00", None),
        ("New Year’s Eve 2024", THURSDAY, "31 December 2024"),
        ("12 June 2026", THURSDAY, "12 June 2026"),
        ("June 12th, 2026", THURSDAY, "12 June 2026"),
        ("the 12th of June 2026", THURSDAY, "12 June 2026"),
        ("the third of March 2026", THURSDAY, "3 March 2026"),
        ("29 February 2025", THURSDAY, None),
        ("31 April 2026", THURSDAY, None),
        ("2026-06-12", THURSDAY, "12 June 2026"),
        ("13/06/2026", THURSDAY, "13 June 2026"),
        ("06/13/2026", THURSDAY, "13 June 2026"),
        ("12/06/2026", THURSDAY, None),
        ("12.06.2026", THURSDAY, "12 June 2026"),
        ("June 2026", THURSDAY, "June 2026"),
        ("12 to 14 June 2026", THURSDAY, "12 to 14 June 2026"),
        ("Saturday 16 May", THURSDAY, "16 May 2026"),
        ("Sunday 16 May", THURSDAY, None),
        ("Friday the 15th", THURSDAY, "15 May 2026"),
        ("Friday", THURSDAY, None),
        ("12 June", THURSDAY, None),
        ("June", THURSDAY, None),
        ("Q3", THURSDAY, None),
    ],
)
def test_expression_on_a_day(expression: str, base: str, expected: str | None) -> None:
    assert brackets(f"({expression})", base) == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("text", "base", "expected"),
    [
        ("I leave on Monday.", "2026-05-03T10:00+00:00", ["4 May 2026"]),
        ("I left on Monday.", "2026-05-03T10:00+00:00", ["27 April 2026"]),
        ("I leave on Sunday.", "2026-05-03T10:00+00:00", []),
        ("I leave on Monday.", "2026-12-30T10:00+00:00", ["4 January 2027"]),
        ("I left on Saturday.", "2024-03-01T23:30-08:00", ["24 February 2024"]),
        ("I left on 29 February.", "2024-03-10T10:00+00:00", ["29 February 2024"]),
        ("The lease ends on 3 January.", "2026-12-30T10:00+00:00", ["3 January 2027"]),
        ("The lease ended on 30 December.", "2027-01-02T10:00+00:00", ["30 December 2026"]),
        ("We fly on the 2nd.", "2026-12-30T10:00+00:00", ["2 January 2027"]),
        ("We flew on the 31st.", "2026-03-02T10:00+00:00", []),
        ("We met in December.", "2026-01-20T10:00+00:00", ["December 2025"]),
        ("We meet in January.", "2026-12-20T10:00+00:00", []),
        ("The course starts in January.", "2026-12-20T10:00+00:00", ["January 2027"]),
        ("Our aunt flies in for Thanksgiving.", THURSDAY, ["26 November 2026"]),
        ("Our host family invited us for Easter.", THURSDAY, ["5 April 2026"]),
    ],
)
def test_tense_and_calendar(text: str, base: str, expected: list[str]) -> None:
    assert brackets(text, base) == expected


def test_days_are_those_of_the_speakers_clock() -> None:
    zone = timezone(timedelta(hours=9))
    (found,) = find_times("See you tomorrow.", datetime(2026, 3, 10, 8, tzinfo=zone))
    assert found.interval.start == datetime(2026, 3, 11, tzinfo=zone)
    assert found.interval.end == datetime(2026, 3, 12, tzinfo=zone)
    assert found.interval.start.utcoffset() == timedelta(hours=9)


def test_only_what_does_not_say_its_date_in_full_is_relative() -> None:
    text = "We moved in March 2020, signed on the 3rd of March, paid on 2020-03-04, left last year and in 2019."
    found = find_times(text, datetime.fromisoformat(THURSDAY))
    assert [(m.text, m.relative) for m in found] == [
        ("in March 2020", False),
        ("on 2020-03-04", False),
        ("last year", True),
        ("in 2019", False),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("My shift only ends at ten on Friday", []),
        ("My shift ends at ten on Friday.", []),
        ("I saw Bo on Monday.", ["4 May 2026"]),
        ("I fly next Tuesday.", ["12 May 2026"]),
    ],
)
def test_a_conversation_about_another_week_is_not_this_week(text: str, expected: list[str]) -> None:
    base = datetime.fromisoformat(THURSDAY)
    about = under_discussion([find_times("The regatta is from 9 to 11 June.", base), find_times("Fine by me.", base)])
    assert [bracket(m) for m in find_times(text, base, about=about)] == expected


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I moved thirty five days ago.", "en"),
        ("They left ninety-two hours ago.", "en"),
        ("He rang half an hour ago.", "en"),
        ("It broke 1,5 hours ago.", "en"),
        ("We met a quarter of a year ago.", "en"),
        ("A month from tomorrow I start.", "en"),
        ("I landed three days before yesterday.", "en"),
        ("I saw her yesterday week.", "en"),
        ("Heute in einer Woche fahre ich.", "de"),
        ("Mañana en ocho días salgo.", "es"),
        ("大后天我去北京。", "zh"),
        ("しあさって行きます。", "ja"),
    ],
)
def test_a_part_of_a_longer_expression_is_no_date(text: str, language: str) -> None:
    assert brackets(text, THURSDAY, language) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("From: Bo\nSent: 3 March 2026\n\nI sold the boat yesterday. We leave tomorrow.", ["3 March 2026"]),
        ("My diary, 14 Feb 2020: Yesterday I met Bo.", ["14 February 2020"]),
        ("On 3 March 2026 he said that he would come tomorrow.", ["3 March 2026"]),
        ("In my novel the hero leaves tomorrow.", []),
        ("Imagine we had met yesterday.", []),
        ("It has to be 9 to 13 June now, Friday to Tuesday again.", []),
        ("We met on 3 March 2026 and again yesterday.", ["3 March 2026", "6 May 2026"]),
    ],
)
def test_what_is_told_of_another_day_or_made_up_is_not_counted_from_today(text: str, expected: list[str]) -> None:
    assert brackets(text, THURSDAY) == expected


def test_this_week_under_discussion_leaves_weekdays_as_they_are() -> None:
    base = datetime.fromisoformat(THURSDAY)
    about = under_discussion([find_times("Are you free tomorrow or on Saturday?", base)])
    assert [bracket(m) for m in find_times("I arrive on Sunday.", base, about=about)] == ["10 May 2026"]


RENDERED = [
    "yesterday", "two weeks ago", "last weekend", "last month", "last winter", "last year", "three hours ago",
    "tomorrow evening", "12 June 2026",
]  # fmt: skip
_BASES = st.datetimes(timezones=st.timezones()).map(lambda base: base.replace(year=1950 + base.year % 140, day=1))


@given(_BASES, st.sampled_from(RENDERED))
def test_what_is_rendered_means_the_same_at_any_time(base: datetime, text: str) -> None:
    (found,) = find_times(text, base)
    (again,) = find_times(render(found), datetime(2001, 2, 3, tzinfo=base.tzinfo))
    assert (again.interval, again.granularity, again.relative) == (found.interval, found.granularity, False)
    assert render(found).endswith(render_bare(found))


@given(st.integers(1, 400), _BASES)
def test_days_ago_is_that_day(count: int, base: datetime) -> None:
    (found,) = find_times(f"{count} days ago", base)
    assert found.interval.start.date() == base.date() - timedelta(days=count)
    assert found.granularity is Granularity.DAY


@given(_BASES)
def test_last_lies_directly_before_this(base: datetime) -> None:
    for unit in ("month", "year"):
        (this,), (last,) = find_times(f"this {unit}", base), find_times(f"last {unit}", base)
        assert this.interval.start.date() <= base.date() < this.interval.end.date()
        assert last.interval.end == this.interval.start


@given(st.dates(date(1901, 1, 1), date(2099, 12, 31)))
def test_an_absolute_day_is_that_day_whatever_the_base(day: date) -> None:
    (found,) = find_times(day.isoformat(), datetime(2023, 5, 25, tzinfo=UTC))
    assert found.interval.start.date() == day
    assert not found.relative


_TIME_WORDS = """
last next this few couple of days weeks ago 99 999 years in May 31 February 2020 Christmas winter on Monday the
yesterday night before two weekends month , . year's will went arrive and leaves to from since 12 June 14th Friday's
vorgestern morgen letzten Montag 12. Juni el lunes pasado 12 de junio lundi prochain 昨天 5月12日 вчера ` " http://x *
"""
_LANGUAGES = st.sampled_from(["en", "de", "es", "fr", "it", "pt", "nl", "zh", "ja", "ru", "xx"])
_TEXTS = st.text(max_size=200) | st.lists(st.sampled_from(_TIME_WORDS.split()), max_size=14).map(" ".join)
_ANY_BASE = st.datetimes(timezones=st.timezones())


@given(_TEXTS, _ANY_BASE, _LANGUAGES)
def test_any_text_is_read_and_mentions_are_its_slices_in_order(text: str, base: datetime, language: str) -> None:
    end = 0
    for mention in find_times(text, base, language=language):
        assert mention.start >= end
        assert mention.end > mention.start
        assert text[mention.start : mention.end] == mention.text
        assert mention.interval.start < mention.interval.end
        assert bracket(mention)
        assert render(mention)
        end = mention.end


@pytest.mark.parametrize(
    "piece",
    [
        "monday ", "We go on Monday and leave on Tuesday ", "12 June and ", "3 days ago ", "tomorrow ", '"', "`a",
        "I left on Monday, ", "*a ", " 'a", "<a ", "a@", "next last this ", "every Monday to Friday in May 2020 ",
        "\n- Friday",
    ],
)  # fmt: skip
def test_time_grows_with_the_length_of_the_text(piece: str) -> None:
    base = datetime.fromisoformat(THURSDAY)
    find_times(piece, base)

    def seconds(characters: int) -> float:
        text = (piece * (characters // len(piece) + 1))[:characters]
        best = 9.0
        for _ in range(3):
            begun = time.process_time()
            find_times(text, base)
            best = min(best, time.process_time() - begun)
        return best

    assert seconds(32_768) < 3.2 * seconds(16_384) + 0.01

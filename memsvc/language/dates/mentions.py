"""What a time expression of a text means, and how it is said in full."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from memsvc.language import spans
from memsvc.types import Interval


class Granularity(StrEnum):
    """How exact a time expression is."""

    HOUR = "hour"
    PART_OF_DAY = "part_of_day"
    DAY = "day"
    WEEKEND = "weekend"
    WEEK = "week"
    MONTH = "month"
    SEASON = "season"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class TimeMention:
    """A time expression at the half-open character span [start, end) of a text, and the interval it means.

    The interval is in the time zone of the base time it was read against. `relative` tells that the expression does
    not say its date in full ("yesterday", "12 June"), so that it needs its base time, or a bracket, to be understood.
    """

    text: str
    start: int
    end: int
    interval: Interval
    granularity: Granularity
    relative: bool


def bracket(mention: TimeMention) -> str:
    """What stands in square brackets behind the expression: "11 May 2026", "week of 4 May 2026", "April 2026".

    A week is named by its Monday, a weekend by its Saturday, an hour by its first minute ("7 May 2026, 07:00"), days
    in a row by the first and the last ("12 to 14 June 2026"), a winter by both its years ("winter 2025/26").
    """
    if mention.granularity is Granularity.SEASON:
        return _season(mention)
    return _BRACKETS[mention.granularity](mention.interval)


def render(mention: TimeMention) -> str:
    """Say a mention absolutely, with its preposition: "on 7 May 2023", "in the week of 1 May 2023"."""
    return f"{_PREPOSITIONS[mention.granularity]} {render_bare(mention)}"


def render_bare(mention: TimeMention) -> str:
    """Say a mention absolutely without a preposition: "7 May 2023", "the week of 1 May 2023"."""
    start = mention.interval.start
    if mention.granularity is Granularity.HOUR:
        return f"{start:%H}:00 on {_date(start)}"
    article = "the " if mention.granularity in _WITH_ARTICLE else ""
    return article + bracket(mention)


def _date(d: date) -> str:
    return f"{d.day} {spans.MONTHS[d.month - 1]} {d.year}"


def _days(interval: Interval) -> str:
    first, last = interval.start.date(), interval.end.date() - timedelta(days=1)
    if first == last:
        return _date(first)
    month = "" if first.month == last.month else f" {spans.MONTHS[first.month - 1]}"
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first.day}{month}{year} to {_date(last)}"


def _season(mention: TimeMention) -> str:
    """A season under the name it was given: "fall" or "autumn"."""
    start = mention.interval.start
    names = [name for name, month in spans.SEASONS.items() if month == start.month]
    name = next((name for name in names if name in mention.text.lower()), names[0])
    following = f"/{(start.year + 1) % 100:02}" if name == "winter" else ""
    return f"{name} {start.year}{following}"


def _part(start: datetime) -> str:
    name = next(name for name, (hour, _) in spans.PARTS.items() if hour == start.hour)
    return f"{name} of {_date(start)}"


_BRACKETS: dict[Granularity, Callable[[Interval], str]] = {
    Granularity.HOUR: lambda i: f"{_date(i.start)}, {i.start:%H}:00",
    Granularity.PART_OF_DAY: lambda i: _part(i.start),
    Granularity.DAY: _days,
    Granularity.WEEKEND: lambda i: f"weekend of {_date(i.start)}",
    Granularity.WEEK: lambda i: f"week of {_date(i.start)}",
    Granularity.MONTH: lambda i: f"{spans.MONTHS[i.start.month - 1]} {i.start.year}",
    Granularity.YEAR: lambda i: str(i.start.year),
}
_WITH_ARTICLE = frozenset({Granularity.PART_OF_DAY, Granularity.WEEKEND, Granularity.WEEK})
_PREPOSITIONS = {
    Granularity.HOUR: "at",
    Granularity.PART_OF_DAY: "on",
    Granularity.DAY: "on",
    Granularity.WEEKEND: "on",
    Granularity.WEEK: "in",
    Granularity.MONTH: "in",
    Granularity.SEASON: "in",
    Granularity.YEAR: "in",
}

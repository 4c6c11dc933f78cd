"""Calendar arithmetic: half-open intervals of days, weeks, months, seasons and years, by the clock of one time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from dateutil.easter import easter
from dateutil.relativedelta import relativedelta

from memsvc.types import Interval

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
SEASONS = {"spring": 3, "summer": 6, "fall": 9, "autumn": 9, "winter": 12}
"""First month of each meteorological season of the northern hemisphere; a winter has the year it begins in."""
PARTS = {"morning": (5, 7), "afternoon": (12, 5), "evening": (17, 5), "night": (18, 12)}
"""First hour and length in hours of the parts of a day."""


def days(first: date, last: date, zone: tzinfo = UTC) -> Interval:
    """From midnight of `first` to the midnight that ends `last`."""
    begin, end = (datetime.combine(d, time(), zone) for d in (first, last + timedelta(days=1)))
    return Interval(begin, end)


def day(d: date, zone: tzinfo = UTC) -> Interval:
    """The day `d`."""
    return days(d, d, zone)


def week(d: date, zone: tzinfo = UTC) -> Interval:
    """The week, Monday to Sunday, that holds `d`."""
    monday = d - timedelta(days=d.weekday())
    return days(monday, monday + timedelta(days=6), zone)


def weekend(d: date, zone: tzinfo = UTC) -> Interval:
    """Saturday and Sunday of the week that holds `d`."""
    saturday = d + timedelta(days=5 - d.weekday())
    return days(saturday, saturday + timedelta(days=1), zone)


def month(d: date, zone: tzinfo = UTC) -> Interval:
    """The month that holds `d`."""
    first = d.replace(day=1)
    return days(first, first + relativedelta(months=1, days=-1), zone)


def season(year: int, name: str, zone: tzinfo = UTC) -> Interval:
    """The season `name` that begins in `year`."""
    first = date(year, SEASONS[name], 1)
    return days(first, first + relativedelta(months=3, days=-1), zone)


def year(number: int, zone: tzinfo = UTC) -> Interval:
    """The calendar year."""
    return days(date(number, 1, 1), date(number, 12, 31), zone)


def part(d: date, name: str, zone: tzinfo = UTC) -> Interval:
    """Part `name` of the day `d`; a night ends on the next morning."""
    first, hours = PARTS[name]
    begin = datetime.combine(d, time(first), zone)
    return Interval(begin, begin + timedelta(hours=hours))


def hour(d: date, first: int, zone: tzinfo = UTC) -> Interval:
    """The hour of the day `d` that begins at `first` o'clock."""
    begin = datetime.combine(d, time(first), zone)
    return Interval(begin, begin + timedelta(hours=1))


def shift(d: date, count: int, unit: str) -> date:
    """`d` moved by `count` units (day, week, weekend, month, year)."""
    units = {"day": "days", "week": "weeks", "weekend": "weeks", "month": "months", "year": "years"}
    return d + relativedelta(**{units[unit]: count})  # type: ignore[arg-type]


def holiday(name: str, in_year: int) -> date:
    """Date of a holiday in a year; `name` is a key of `HOLIDAYS` or one of `MOVABLE`."""
    if name in _FROM_EASTER:
        return easter(in_year) + timedelta(days=_FROM_EASTER[name])
    if name == "thanksgiving":
        first = date(in_year, 11, 1)
        return first + timedelta(days=(3 - first.weekday()) % 7 + 21)
    return date(in_year, *HOLIDAYS[name])


_FROM_EASTER = {"good friday": -2, "easter sunday": 0, "easter monday": 1, "easter": 0}
MOVABLE = (*_FROM_EASTER, "thanksgiving")
"""Holidays whose date changes with the year."""
HOLIDAYS = {
    "christmas eve": (12, 24), "christmas day": (12, 25), "christmas": (12, 25), "boxing day": (12, 26),
    "new year's eve": (12, 31), "new year's day": (1, 1), "new year's": (1, 1), "valentine's day": (2, 14),
    "halloween": (10, 31), "independence day": (7, 4),
}  # fmt: skip
"""Month and day of the holidays with a fixed date."""

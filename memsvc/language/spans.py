"""Calendar arithmetic: half-open UTC intervals of days, weeks, months, seasons and years."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

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


def span(start: date, **length: int) -> Interval:
    """Interval from midnight of `start`, as long as `relativedelta(**length)`."""
    begin = datetime.combine(start, time(), UTC)
    return Interval(begin, begin + relativedelta(**length))  # type: ignore[arg-type]


def day(d: date) -> Interval:
    """The day `d`."""
    return span(d, days=1)


def week(d: date) -> Interval:
    """The week, Monday to Sunday, that holds `d`."""
    return span(d - timedelta(days=d.weekday()), weeks=1)


def weekend(d: date) -> Interval:
    """Saturday and Sunday of the week that holds `d`."""
    return span(d + timedelta(days=5 - d.weekday()), days=2)


def month(d: date) -> Interval:
    """The month that holds `d`."""
    return span(d.replace(day=1), months=1)


def season(year: int, name: str) -> Interval:
    """The season `name` that begins in `year`."""
    return span(date(year, SEASONS[name], 1), months=3)


def year(number: int) -> Interval:
    """The calendar year."""
    return span(date(number, 1, 1), years=1)


def part(d: date, name: str) -> Interval:
    """Part `name` of the day `d`; a night ends on the next morning."""
    first, hours = PARTS[name]
    begin = datetime.combine(d, time(first), UTC)
    return Interval(begin, begin + timedelta(hours=hours))


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

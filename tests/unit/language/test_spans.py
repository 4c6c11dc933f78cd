"""Calendar arithmetic."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.language import spans
from memsvc.types import Interval

DATES = st.dates(date(1900, 1, 1), date(2200, 1, 1))


def between(first: date, last: date) -> Interval:
    """From midnight of `first` to midnight of `last`."""
    start, end = (datetime(d.year, d.month, d.day, tzinfo=UTC) for d in (first, last))
    return Interval(start, end)


@pytest.mark.parametrize(
    ("interval", "first", "last"),
    [
        (spans.day(date(2024, 2, 29)), date(2024, 2, 29), date(2024, 3, 1)),
        (spans.week(date(2024, 3, 13)), date(2024, 3, 11), date(2024, 3, 18)),
        (spans.weekend(date(2024, 3, 13)), date(2024, 3, 16), date(2024, 3, 18)),
        (spans.weekend(date(2024, 3, 17)), date(2024, 3, 16), date(2024, 3, 18)),
        (spans.month(date(2024, 2, 10)), date(2024, 2, 1), date(2024, 3, 1)),
        (spans.season(2023, "winter"), date(2023, 12, 1), date(2024, 3, 1)),
        (spans.season(2024, "autumn"), date(2024, 9, 1), date(2024, 12, 1)),
        (spans.year(2024), date(2024, 1, 1), date(2025, 1, 1)),
    ],
)
def test_intervals(interval: Interval, first: date, last: date) -> None:
    assert interval == between(first, last)


def test_a_night_ends_on_the_next_morning() -> None:
    night = spans.part(date(2024, 3, 13), "night")
    assert night == Interval(datetime(2024, 3, 13, 18, tzinfo=UTC), datetime(2024, 3, 14, 6, tzinfo=UTC))


@pytest.mark.parametrize(
    ("count", "unit", "expected"),
    [
        (-1, "day", date(2024, 3, 30)),
        (1, "month", date(2024, 4, 30)),
        (-1, "month", date(2024, 2, 29)),
        (2, "weekend", date(2024, 4, 14)),
        (1, "year", date(2025, 3, 31)),
    ],
)
def test_shift(count: int, unit: str, expected: date) -> None:
    assert spans.shift(date(2024, 3, 31), count, unit) == expected


@pytest.mark.parametrize(
    ("name", "year", "expected"),
    [
        ("easter", 2024, date(2024, 3, 31)),
        ("good friday", 2025, date(2025, 4, 18)),
        ("easter monday", 2025, date(2025, 4, 21)),
        ("thanksgiving", 2023, date(2023, 11, 23)),
        ("christmas eve", 2023, date(2023, 12, 24)),
    ],
)
def test_holiday(name: str, year: int, expected: date) -> None:
    assert spans.holiday(name, year) == expected


@given(DATES)
def test_every_unit_holds_its_day(d: date) -> None:
    noon = datetime(d.year, d.month, d.day, 12, tzinfo=UTC)
    for unit in (spans.day(d), spans.week(d), spans.month(d), spans.year(d.year)):
        assert unit.start <= noon < unit.end
    assert spans.weekend(d).end - spans.weekend(d).start == timedelta(days=2)
    assert spans.weekend(d).end == spans.week(d).end

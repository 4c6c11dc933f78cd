from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.types import LEAST_OFFSET, MOST_OFFSET, Role, Scope, Turn, fixed_zone, offset_minutes, zone_of

times = st.datetimes(datetime(1901, 1, 2), datetime(2199, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - in UTC


@pytest.mark.parametrize(
    ("name", "moment", "minutes"),
    [
        ("Europe/Lisbon", datetime(2026, 1, 1, tzinfo=UTC), 0),
        ("Europe/Lisbon", datetime(2026, 7, 1, tzinfo=UTC), 60),
        ("Asia/Kathmandu", datetime(2026, 7, 1, tzinfo=UTC), 345),
        ("America/St_Johns", datetime(2026, 1, 1, tzinfo=UTC), -210),
        ("Pacific/Kiritimati", datetime(2026, 1, 1, tzinfo=UTC), 840),
        ("Europe/Amsterdam", datetime(1910, 1, 1, tzinfo=UTC), 20),  # 0:19:32 by the sun
        ("UTC", datetime(2026, 1, 1, tzinfo=UTC), 0),
        ("+09:00", datetime(2026, 1, 1, tzinfo=UTC), 540),
        ("-03:30", datetime(2026, 1, 1, tzinfo=UTC), -210),
        ("-12:00", datetime(2026, 1, 1, tzinfo=UTC), LEAST_OFFSET),
        ("+14:00", datetime(2026, 1, 1, tzinfo=UTC), MOST_OFFSET),
    ],
)
def test_offset_of_a_clock(name: str, moment: datetime, minutes: int) -> None:
    assert offset_minutes(zone_of(name), moment) == minutes


@pytest.mark.parametrize(
    "name",
    [
        *("", "Lisbon", "europe/lisbon", "Europe/", "Europe", "../etc/passwd", "/etc/localtime", "Europe/Lisbon\x00"),
        *("CEST", "localtime", "x" * 5000, "UTC+1", " UTC"),
        *("+9", "+0900", "+14:01", "-12:01", "+09:60", "09:00"),
    ],
)
def test_what_names_no_clock(name: str) -> None:
    with pytest.raises(ValueError, match="IANA time zone such as Europe/Lisbon"):
        zone_of(name)


@given(st.text(max_size=20))
def test_any_text_is_a_clock_or_refused(name: str) -> None:
    try:
        found = zone_of(name)
    except ValueError:
        return
    assert datetime(2026, 1, 1, tzinfo=found).utcoffset() is not None


@given(times, st.none() | st.integers(LEAST_OFFSET, MOST_OFFSET))
def test_local_time_is_the_same_instant_on_the_speakers_clock(moment: datetime, offset: int | None) -> None:
    said = Turn(
        turn_id="t", scope=Scope("u"), role=Role.USER, content="Hi.", event_time=moment, utc_offset_minutes=offset
    )
    assert said.local_time == moment
    assert said.local_time.utcoffset() == timedelta(minutes=offset or 0)


@given(st.integers(LEAST_OFFSET, MOST_OFFSET), times)
def test_a_fixed_clock_has_one_offset(minutes: int, moment: datetime) -> None:
    assert offset_minutes(fixed_zone(minutes), moment) == minutes

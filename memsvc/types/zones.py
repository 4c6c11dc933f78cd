"""Clocks: IANA time zones, fixed offsets from UTC, and the local time of a moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

LEAST_OFFSET, MOST_OFFSET = -12 * 60, 14 * 60
"""Offsets of civil time from UTC, in minutes."""
ZONE_RULE = "an IANA time zone such as Europe/Lisbon, or an offset from -12:00 to +14:00 such as +09:00"
_FIXED = re.compile(r"([+-])([01]\d):([0-5]\d)")


def zone_of(name: str) -> tzinfo:
    """The clock that `name` names, see `ZONE_RULE`. Raises ValueError."""
    fixed = _FIXED.fullmatch(name)
    if fixed:
        sign, hours, minutes = fixed.groups()
        offset = (60 * int(hours) + int(minutes)) * (1 if sign == "+" else -1)
        if LEAST_OFFSET <= offset <= MOST_OFFSET:
            return fixed_zone(offset)
    elif name in _names():
        return ZoneInfo(name)
    raise ValueError(f"not {ZONE_RULE}")


def fixed_zone(offset_minutes: int) -> tzinfo:
    """The clock that is always so many minutes ahead of UTC."""
    return timezone(timedelta(minutes=offset_minutes))


def offset_minutes(zone: tzinfo, moment: datetime) -> int:
    """How far a clock is ahead of UTC at an aware moment; local mean times of old are rounded to minutes."""
    offset = moment.astimezone(zone).utcoffset() or timedelta()
    return round(offset / timedelta(minutes=1))


def local_time(moment: datetime, offset_minutes: int | None) -> datetime:
    """The moment as a clock with this offset shows it; None: as UTC does."""
    return moment.astimezone(UTC if offset_minutes is None else fixed_zone(offset_minutes))


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    """Every name that the package tzdata knows, whatever files the machine has."""
    return frozenset(files("tzdata").joinpath("zones").read_text().split())

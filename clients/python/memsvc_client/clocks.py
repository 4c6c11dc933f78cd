"""Times as callers write them, and the clocks they are written by."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from google.protobuf.timestamp_pb2 import Timestamp

from memsvc_client.errors import invalid

Time: TypeAlias = datetime | str
_OFFSET = re.compile(r"([+-])([01]\d):([0-5]\d)")
_LEAST, _MOST = -12 * 60, 14 * 60


def zone_of(name: str | None) -> tzinfo | None:
    """The clock of the argument `time_zone`: an IANA name, or an offset such as `+09:00`; None for none."""
    if name is None:
        return None
    if not isinstance(name, str):
        raise invalid("time_zone", f"must be a str, not {type(name).__name__}")
    fixed = _OFFSET.fullmatch(name)
    if fixed:
        sign, hours, minutes = fixed.groups()
        ahead = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(ahead if sign == "+" else -ahead)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        told = f"{name!r} is neither an IANA time zone such as Europe/Lisbon nor an offset such as +09:00"
        raise invalid("time_zone", told) from None


def instant(value: Time, field: str, zone: tzinfo | None = None) -> datetime:
    """An aware datetime of a datetime or an ISO 8601 text; `zone` is the clock of one that names none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise invalid(field, f"{value!r} is not ISO 8601, such as 2026-05-07T09:30:00+02:00") from None
    if not isinstance(value, datetime):
        raise invalid(field, f"must be a datetime or an ISO 8601 text, not {type(value).__name__}")
    if value.utcoffset() is not None:
        return value
    if zone is None:
        written = f"write it with an offset, such as {value}+00:00, or pass time_zone"
        raise invalid(field, f"{value.isoformat()} has no time zone; {written}")
    return value.replace(tzinfo=zone)


def timestamp(value: datetime, field: str) -> Timestamp:
    """The Timestamp of an aware datetime."""
    stamp = Timestamp()
    try:
        stamp.FromDatetime(value.astimezone(UTC))
    except OverflowError:
        raise invalid(field, f"{value.isoformat()} lies outside the years 1 to 9999 in UTC") from None
    return stamp


def offset_minutes(value: datetime, field: str) -> int | None:
    """How far the clock of an aware datetime is ahead of UTC; None for UTC itself, which is nobody's own clock.

    A time in UTC tells when, not where: as in RFC 9557, its local offset is unknown.
    """
    offset = value.utcoffset()
    if offset is None or value.tzname() == "UTC":
        return None
    minutes = round(offset / timedelta(minutes=1))
    if not _LEAST <= minutes <= _MOST:
        raise invalid(field, f"{value.isoformat()} is written by a clock outside of -12:00 to +14:00")
    return minutes


def zone_name(value: datetime, field: str) -> str:
    """What to call the clock of an aware datetime, empty for UTC itself: its IANA name where it has one."""
    minutes = offset_minutes(value, field)
    if minutes is None:
        return ""
    if isinstance(value.tzinfo, ZoneInfo) and value.tzinfo.key:
        return value.tzinfo.key
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"

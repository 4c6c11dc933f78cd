"""Checks of single request fields that proto types leave open: timestamps, enums, sizes, masks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from google.protobuf.descriptor import Descriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from memsvc.errors import InvalidInput, Violation
from memsvc.ingest.limits import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from memsvc.ingest.violations import Violations

E = TypeVar("E")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(2, 1, 1, tzinfo=UTC)
LATEST = datetime(9998, 12, 31, tzinfo=UTC)
"""Times are kept a year away from what a datetime can hold, so that a change of time zone cannot overflow."""
NANOS = 1_000_000_000


def time_of(field: str, timestamp: Timestamp, violations: Violations) -> datetime | None:
    """The moment of a timestamp, cut to microseconds; None, and a violation, when it is out of range."""
    if not 0 <= timestamp.nanos < NANOS:
        violations.add(f"{field}.nanos", f"is {timestamp.nanos}; 0 to {NANOS - 1} are allowed")
        return None
    if not EARLIEST.timestamp() <= timestamp.seconds <= LATEST.timestamp():
        violations.add(f"{field}.seconds", f"is outside of {EARLIEST:%Y}-01-01 to {LATEST:%Y-%m-%d}")
        return None
    return EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1_000)


def timestamp(moment: datetime | None) -> Timestamp | None:
    """The timestamp of a moment, None for None."""
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def enums_of(field: str, numbers: Iterable[int], known: Mapping[int, E], violations: Violations) -> tuple[E, ...]:
    """The values of a repeated enum field, each once; unknown or unset ones are violations."""
    found: dict[E, None] = {}
    for position, number in enumerate(numbers):
        if number in known:
            found[known[number]] = None
        else:
            violations.add(f"{field}[{position}]", f"is {number}, which names nothing known")
            return ()
    return tuple(found)


def page_size(size: int) -> int:
    """The number of items of a page; 0 means the default. Raises InvalidInput."""
    if not 0 <= size <= MAX_PAGE_SIZE:
        raise InvalidInput([Violation("page_size", f"is {size}; 0 to {MAX_PAGE_SIZE} are allowed")])
    return size or DEFAULT_PAGE_SIZE


def check_read_mask(field: str, mask: FieldMask, message: Descriptor, violations: Violations) -> None:
    """Check that every path of a mask names a field; `*` stands for all of them."""
    for position, path in enumerate(mask.paths):
        if path != "*" and not FieldMask(paths=[path]).IsValidForDescriptor(message):
            violations.add(f"{field}.paths[{position}]", f"names no field of {message.name}")


def check_update_mask(mask: FieldMask, allowed: Collection[str], violations: Violations) -> frozenset[str]:
    """The fields an update changes: at least one, each of them changeable."""
    if not mask.paths:
        violations.add("update_mask", f"is empty; name at least one of {', '.join(allowed)}")
    for position, path in enumerate(mask.paths):
        if path not in allowed:
            violations.add(f"update_mask.paths[{position}]", f"cannot be changed; only {', '.join(allowed)} can")
    return frozenset(mask.paths)

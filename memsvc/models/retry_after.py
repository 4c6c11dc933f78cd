"""How long an endpoint asks to wait."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

LONGEST = 3600.0
"""Seconds; an endpoint that asks for more is asked again after that."""


def retry_after(error: BaseException | None) -> float | None:
    """The seconds of an error's Retry-After header, given in seconds or as a date; None without a usable one.

    RFC 9110, section 10.2.3.
    """
    for source in (getattr(error, "litellm_response_headers", None), getattr(error, "response", None)):
        headers: Any = getattr(source, "headers", source)
        value = headers.get("retry-after") if isinstance(headers, Mapping) else None
        if value:
            return _seconds(str(value))
    return None


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value) if value.replace(".", "", 1).isdigit() else _until(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(LONGEST, max(0.0, seconds))


def _until(value: str) -> float:
    moment = parsedate_to_datetime(value)
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()

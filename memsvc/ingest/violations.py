"""Collects everything that is wrong with a request, so that a caller can mend it in one go."""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Mapping
from typing import Any

from memsvc.errors import InvalidInput, Reason, Violation
from memsvc.ingest.limits import MAX_ID
from memsvc.types import (
    MAX_METADATA_BYTES,
    MAX_METADATA_DEPTH,
    MAX_METADATA_KEY,
    MAX_METADATA_KEYS,
    ZONE_RULE,
    Metadata,
    Scope,
    canonical_json,
    zone_of,
)

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
SURROGATE = re.compile(r"[\ud800-\udfff]")


class Violations:
    """The violations found so far, in order. Descriptions never quote what a user wrote."""

    def __init__(self) -> None:
        self._found: list[Violation] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, field: str, description: str) -> None:
        """Record that `field` is wrong: what was wrong and what is allowed."""
        self._found.append(Violation(field, description))

    def check(self, *, reason: Reason | None = None, metadata: Mapping[str, str] | None = None) -> None:
        """Raise InvalidInput with every violation, if there is one."""
        if self._found:
            raise InvalidInput(self._found, reason=reason, metadata=metadata)

    def text(self, field: str, value: str, *, least: int = 0, most: int) -> None:
        """Check a text: its length, and no character that a database cannot store."""
        self._length(field, value, least, most)
        if "\x00" in value:
            self.add(field, "contains the character U+0000, which cannot be stored")
        if SURROGATE.search(value):
            self.add(field, "contains an unpaired surrogate, which is not valid Unicode text")

    def identifier(self, field: str, value: str, *, least: int = 0, most: int = MAX_ID) -> None:
        """Check an id: its length, and no control characters."""
        self._length(field, value, least, most)
        if CONTROL.search(value):
            self.add(field, "contains a control character; none is allowed")
        if SURROGATE.search(value):
            self.add(field, "contains an unpaired surrogate, which is not valid Unicode text")

    def scope(self, field: str, scope: Scope, *, required: bool) -> None:
        """Check a scope; a write names at least one of its fields."""
        for name in ("user_id", "agent_id", "session_id"):
            value = getattr(scope, name)
            self.identifier(f"{field}.{name}", value)
            if value.isspace():
                self.add(f"{field}.{name}", "holds nothing but blanks; leave it unset or name somebody")
        if required and not scope:
            self.add(field, "is empty; at least one of user_id, agent_id and session_id is required")

    def number(self, field: str, value: float) -> None:
        """Check a number of JSON."""
        if not math.isfinite(value):
            self.add(field, "is not a finite number")

    def metadata(self, field: str, metadata: Metadata) -> None:
        """Check annotations; `key[n]` and `value[n]` in paths count the keys of an object in their order."""
        if len(metadata) > MAX_METADATA_KEYS:
            self.add(field, f"has {len(metadata)} keys; at most {MAX_METADATA_KEYS} are allowed")
            return
        found = len(self._found)
        self._json(field, metadata, 1)
        if len(self._found) == found and (size := len(canonical_json(metadata).encode())) > MAX_METADATA_BYTES:
            self.add(field, f"takes {size} bytes as JSON; at most {MAX_METADATA_BYTES} are allowed")

    def time_zone(self, field: str, name: str) -> str:
        """Check the name of a clock and return it, empty when it is wrong; an empty one says that none is given."""
        try:
            if name:
                zone_of(name)
        except ValueError:
            self.add(field, f"is not {ZONE_RULE}")
            return ""
        return name

    def uuid(self, field: str, value: str, *, required: bool = False) -> str:
        """Check a UUID and return it in its canonical form; empty when it is not one."""
        if not value and not required:
            return ""
        found = canonical_uuid(value)
        if not found:
            self.add(field, "is not a UUID such as 123e4567-e89b-12d3-a456-426614174000")
        return found

    def _json(self, field: str, value: Any, depth: int) -> None:
        if isinstance(value, Mapping | list) and depth > MAX_METADATA_DEPTH:
            self.add(field, f"is nested deeper than {MAX_METADATA_DEPTH} levels, which is the most allowed")
        elif isinstance(value, Mapping):
            for position, key in enumerate(sorted(value)):
                self.identifier(f"{field}.key[{position}]", key, least=1, most=MAX_METADATA_KEY)
                self._json(f"{field}.value[{position}]", value[key], depth + 1)
        elif isinstance(value, list):
            for position, element in enumerate(value):
                self._json(f"{field}[{position}]", element, depth + 1)
        elif isinstance(value, str):
            self.text(field, value, most=MAX_METADATA_BYTES)
        elif isinstance(value, float):
            self.number(field, value)

    def _length(self, field: str, value: str, least: int, most: int) -> None:
        if not value and least:
            self.add(field, f"is empty; {least} to {most} characters are required")
        elif not least <= len(value) <= most:
            self.add(field, f"has {len(value)} characters; {least} to {most} are allowed")


UUID_FORM = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def canonical_uuid(value: str) -> str:
    """The UUID in lower case, empty when `value` is not one in the usual form with hyphens."""
    return str(uuid.UUID(value)) if UUID_FORM.fullmatch(value) else ""

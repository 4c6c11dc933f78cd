"""Collects everything that is wrong with a request, so that a caller can mend it in one go."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping

from memsvc.errors import InvalidInput, Reason, Violation
from memsvc.ingest.limits import MAX_ID, MAX_METADATA_ENTRIES, MAX_METADATA_KEY, MAX_METADATA_VALUE
from memsvc.types import ZONE_RULE, Scope, zone_of

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
        self.identifier(f"{field}.user_id", scope.user_id)
        self.identifier(f"{field}.agent_id", scope.agent_id)
        self.identifier(f"{field}.session_id", scope.session_id)
        if required and not scope:
            self.add(field, "is empty; at least one of user_id, agent_id and session_id is required")

    def metadata(self, field: str, entries: Mapping[str, str]) -> None:
        """Check annotations."""
        if len(entries) > MAX_METADATA_ENTRIES:
            self.add(field, f"has {len(entries)} entries; at most {MAX_METADATA_ENTRIES} are allowed")
            return
        for position, (key, value) in enumerate(sorted(entries.items())):
            self.identifier(f"{field}.key[{position}]", key, least=1, most=MAX_METADATA_KEY)
            self.text(f"{field}.value[{position}]", value, most=MAX_METADATA_VALUE)

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

    def _length(self, field: str, value: str, least: int, most: int) -> None:
        if not value and least:
            self.add(field, f"is empty; {least} to {most} characters are required")
        elif not least <= len(value) <= most:
            self.add(field, f"has {len(value)} characters; {least} to {most} are allowed")


UUID_FORM = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def canonical_uuid(value: str) -> str:
    """The UUID in lower case, empty when `value` is not one in the usual form with hyphens."""
    return str(uuid.UUID(value)) if UUID_FORM.fullmatch(value) else ""

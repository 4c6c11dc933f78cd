"""Drafts of turns, as callers send them, and the check that makes turns of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from memsvc.ingest.limits import EARLIEST_EVENT, MAX_CONTENT, MAX_FUTURE, MAX_SPEAKER, MAX_TURNS
from memsvc.ingest.names import name_faults
from memsvc.ingest.violations import Violations
from memsvc.types import LEAST_OFFSET, MOST_OFFSET, Metadata, Role, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnDraft:
    """A turn as a caller sent it, unchecked. `role` None: none or an unknown one; `event_time` None: now."""

    turn_id: str
    scope: Scope
    role: Role | None
    content: str
    speaker: str = ""
    event_time: datetime | None = None
    utc_offset_minutes: int | None = None
    metadata: Metadata = field(default_factory=dict)


def check_turns(drafts: Sequence[TurnDraft], violations: Violations, now: datetime) -> None:
    """Check the turns of one call; paths look like `turns[3].content`."""
    if not 1 <= len(drafts) <= MAX_TURNS:
        violations.add("turns", f"has {len(drafts)} entries; 1 to {MAX_TURNS} are allowed")
        return
    for position, draft in enumerate(drafts):
        check_turn(draft, f"turns[{position}]", violations, now)


def check_turn(draft: TurnDraft, path: str, violations: Violations, now: datetime) -> None:
    """Check one turn, every field of it."""
    violations.identifier(f"{path}.turn_id", draft.turn_id, least=1)
    violations.scope(f"{path}.scope", draft.scope, required=True)
    if draft.role is None:
        violations.add(f"{path}.role", "is not set or unknown; USER, ASSISTANT, SYSTEM or TOOL is required")
    violations.identifier(f"{path}.speaker", draft.speaker, most=MAX_SPEAKER)
    for fault in name_faults(draft.speaker[:MAX_SPEAKER], draft.role):
        violations.add(f"{path}.speaker", fault)
    violations.text(f"{path}.content", draft.content, least=1, most=MAX_CONTENT)
    violations.metadata(f"{path}.metadata", draft.metadata)
    _check_event_time(draft.event_time, f"{path}.event_time", violations, now)
    offset = draft.utc_offset_minutes
    if offset is not None and not LEAST_OFFSET <= offset <= MOST_OFFSET:
        violations.add(
            f"{path}.utc_offset_minutes",
            f"is {offset}; {LEAST_OFFSET} (-12:00) to {MOST_OFFSET} (+14:00) are allowed, or leave it unset",
        )


def _check_event_time(event_time: datetime | None, path: str, violations: Violations, now: datetime) -> None:
    if event_time is None:
        return
    if event_time < EARLIEST_EVENT:
        violations.add(path, f"lies before {EARLIEST_EVENT:%Y-%m-%d}, the earliest time allowed")
    elif event_time > now + MAX_FUTURE:
        violations.add(path, "lies more than 24 hours in the future")

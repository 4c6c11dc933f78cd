"""What a merged memory takes over from those in whose place it stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from memsvc.consolidation.merging import joined
from memsvc.consolidation.units import LAST_TOLD, SENTENCE_SOURCES, last_told
from memsvc.types import Memory, Scope

NOON = datetime(2026, 5, 7, 12, tzinfo=UTC)


def memory(day: int, metadata: dict[str, Any], **fields: Any) -> Memory:
    told = NOON + timedelta(days=day)
    return Memory(id=f"m{day}", scope=Scope("ana"), text="Ana is 40.", event_time=told, metadata=metadata, **fields)


def test_metadata_is_merged_and_the_last_wins() -> None:
    first = memory(0, {"a": 1, "b": 1, SENTENCE_SOURCES: "x"})
    last = memory(1, {"b": [2], LAST_TOLD: "a caller's"})
    result = joined([last, first], first)
    assert result.metadata == {"a": 1, "b": [2], LAST_TOLD: last.event_time.isoformat()}
    assert last_told(result) == last.event_time


@pytest.mark.parametrize("value", ["yesterday", "2026-05-09", 7, None, ["2026-05-09T00:00:00+00:00"]])
def test_what_a_caller_notes_is_no_time_of_ours(value: object) -> None:
    assert last_told(memory(0, {LAST_TOLD: value}, derived_from=("m9",))) == NOON
    assert last_told(memory(0, {LAST_TOLD: "2026-05-09T00:00:00+00:00"})) == NOON

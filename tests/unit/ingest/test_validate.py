"""Checks of drafts, and what becomes of valid ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.errors import InvalidInput
from memsvc.ingest.accept import TurnAcceptor, digest
from memsvc.ingest.limits import MAX_CONTENT, MAX_TURNS
from memsvc.ingest.validate import TurnDraft, check_turns
from memsvc.ingest.violations import Violations, canonical_uuid
from memsvc.types import (
    MAX_METADATA_BYTES,
    MAX_METADATA_KEYS,
    Accepted,
    IngestRequestId,
    Priority,
    Role,
    Scope,
    SpaceKey,
    Turn,
)

NOW = datetime(2025, 1, 1, tzinfo=UTC)
GOOD = TurnDraft(turn_id="t", scope=Scope("u"), role=Role.USER, content="Hi.", speaker="Ana", event_time=NOW)


def fields(*drafts: TurnDraft) -> list[str]:
    violations = Violations()
    check_turns(drafts, violations, NOW)
    try:
        violations.check()
    except InvalidInput as error:
        return [violation.field for violation in error.violations]
    return []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"turn_id": ""}, "turn_id"),
        ({"turn_id": "x" * 257}, "turn_id"),
        ({"turn_id": "a\x00"}, "turn_id"),
        ({"turn_id": "a\x1f"}, "turn_id"),
        ({"scope": Scope()}, "scope"),
        ({"scope": Scope("u\x85")}, "scope.user_id"),
        ({"scope": Scope("u", "", "s" * 257)}, "scope.session_id"),
        ({"role": None}, "role"),
        ({"speaker": "x" * 129}, "speaker"),
        ({"speaker": "Ana. Ben"}, "speaker"),
        ({"speaker": "assistant"}, "speaker"),
        ({"speaker": "Ana\u200b"}, "speaker"),
        ({"speaker": "A\x00"}, "speaker"),
        ({"content": ""}, "content"),
        ({"content": "x" * (MAX_CONTENT + 1)}, "content"),
        ({"content": "a\x00b"}, "content"),
        ({"content": "\ud800"}, "content"),
        ({"event_time": datetime(1899, 12, 31, tzinfo=UTC)}, "event_time"),
        ({"event_time": NOW + timedelta(hours=24, seconds=1)}, "event_time"),
        ({"utc_offset_minutes": -721}, "utc_offset_minutes"),
        ({"utc_offset_minutes": 841}, "utc_offset_minutes"),
        ({"metadata": {"": "v"}}, "metadata.key[0]"),
        ({"metadata": {"k" * 65: "v"}}, "metadata.key[0]"),
        ({"metadata": {"a": "", "b": "\x00"}}, "metadata.value[1]"),
        ({"metadata": {"a": [1, {"b": {"": 1}}]}}, "metadata.value[0][1].value[0].key[0]"),
        ({"metadata": {"a": [1, float("nan")]}}, "metadata.value[0][1]"),
        ({"metadata": {"a": {"b": {"c": {"d": {}}}}}}, "metadata.value[0].value[0].value[0].value[0]"),
        ({"metadata": {str(n): "" for n in range(MAX_METADATA_KEYS + 1)}}, "metadata"),
        ({"metadata": {"a": "v" * (MAX_METADATA_BYTES - 7)}}, "metadata"),
    ],
)
def test_what_is_refused(change: dict[str, Any], field: str) -> None:
    assert fields(GOOD, replace(GOOD, **change)) == [f"turns[1].{field}"]


@pytest.mark.parametrize(
    "change",
    [
        {"content": "x" * MAX_CONTENT},
        {"content": "line\n\ttab"},
        {"event_time": None},
        {"event_time": datetime(1900, 1, 1, tzinfo=UTC)},
        {"event_time": NOW + timedelta(hours=24)},
        {"metadata": {f"{n:064}": n for n in range(MAX_METADATA_KEYS)}},
        {"metadata": {"a": "v" * (MAX_METADATA_BYTES - 8)}},
        {"metadata": {"a": {"b": {"c": [1, 2.5, None, True, "x"]}}}},
        {"speaker": ""},
        {"utc_offset_minutes": -720},
        {"utc_offset_minutes": 840},
        {"scope": Scope("", "", "s" * 256)},
    ],
)
def test_what_is_accepted(change: dict[str, Any]) -> None:
    assert fields(replace(GOOD, **change)) == []


@pytest.mark.parametrize("count", [0, MAX_TURNS + 1])
def test_number_of_turns(count: int) -> None:
    assert fields(*[GOOD] * count) == ["turns"]


@given(st.text())
def test_descriptions_never_quote_the_caller(text: str) -> None:
    violations = Violations()
    marked = f"secret{text}\x00"
    check_turns([replace(GOOD, turn_id=marked, content=marked, metadata={marked: marked})], violations, NOW)
    with pytest.raises(InvalidInput) as caught:
        violations.check()
    assert "secret" not in str(caught.value.violations)


@pytest.mark.parametrize(
    "wrong", ["", "x", "123", "{123e4567-e89b-12d3-a456-426614174000}", "123e4567e89b12d3a456426614174000"]
)
def test_uuids(wrong: str) -> None:
    assert canonical_uuid(wrong) == ""
    assert canonical_uuid("123E4567-e89b-12d3-a456-426614174000") == "123e4567-e89b-12d3-a456-426614174000"


class Log:
    def __init__(self) -> None:
        self.accepted: list[tuple[Sequence[Turn], IngestRequestId | None]] = []

    async def accept(
        self,
        space: SpaceKey,
        turns: Sequence[Turn],
        *,
        request: IngestRequestId | None = None,
        stream: Any = None,
        priority: Priority = Priority.INTERACTIVE,
        time_zone: str = "",
    ) -> Accepted:
        self.accepted.append((turns, request))
        return Accepted("job", len(turns), 0)


class Words:
    def count(self, text: str) -> int:
        return len(text.split())


async def test_turns_are_dated_and_measured() -> None:
    log: Any = Log()
    acceptor = TurnAcceptor(log, Words(), lambda: NOW)
    unnamed = replace(GOOD, speaker="", content="three four five", event_time=None)
    drafts = [replace(GOOD, event_time=None, content="one two"), unnamed]
    request_id = "123E4567-E89B-12D3-A456-426614174000"
    await acceptor.accept(SpaceKey("a", "b"), drafts, request_id=request_id, violations=Violations())
    (turns, request) = log.accepted[0]
    assert [(turn.event_time, turn.token_count) for turn in turns] == [(NOW, 3), (NOW + timedelta(microseconds=1), 4)]
    assert request == IngestRequestId(request_id.lower(), digest(drafts))


async def test_nothing_is_stored_when_anything_is_wrong() -> None:
    log: Any = Log()
    with pytest.raises(InvalidInput) as caught:
        await TurnAcceptor(log, Words(), lambda: NOW).accept(
            SpaceKey("a", "b"), [GOOD, replace(GOOD, content="")], request_id="no", violations=Violations()
        )
    assert [violation.field for violation in caught.value.violations] == ["request_id", "turns[1].content"]
    assert log.accepted == []


@given(st.sampled_from(["turn_id", "content", "speaker"]), st.text(min_size=1))
def test_digest_tells_bodies_apart(field: str, value: str) -> None:
    other = replace(GOOD, **{field: value})
    assert (digest([GOOD]) == digest([other])) == (getattr(GOOD, field) == value)
    assert digest([GOOD]) != digest([GOOD, GOOD])


def test_a_backfill_is_another_body_and_what_is_interactive_is_the_same_as_ever() -> None:
    assert digest([GOOD], Priority.INTERACTIVE) == digest([GOOD]) == "ea29124ad4324c7786c4ad719e81101b"
    assert digest([GOOD], Priority.BACKFILL) != digest([GOOD])


def test_clocks_belong_to_the_body() -> None:
    bodies = [
        digest([GOOD]),
        digest([replace(GOOD, utc_offset_minutes=0)]),
        digest([replace(GOOD, utc_offset_minutes=60)]),
        digest([GOOD], Priority.INTERACTIVE, "Europe/Lisbon"),
        digest([GOOD], Priority.BACKFILL),
        digest([GOOD], Priority.BACKFILL, "Europe/Lisbon"),
    ]
    assert len(set(bodies)) == len(bodies)


async def test_an_unknown_clock_stores_nothing() -> None:
    log: Any = Log()
    acceptor = TurnAcceptor(log, Words(), lambda: NOW)
    with pytest.raises(InvalidInput) as caught:
        await acceptor.accept(
            SpaceKey("a", "b"), [GOOD], request_id="", violations=Violations(), time_zone="Lisbon/Europe"
        )
    (violation,) = caught.value.violations
    assert violation.field == "time_zone"
    assert "Europe/Lisbon" in violation.description
    assert log.accepted == []

"""Messages as callers write them, and what becomes of them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_client import InvalidArgument, messages
from memsvc_client.parsing import moment, turn
from memsvc_client.v1 import memory_pb2

SEED = uuid.UUID("00000000-0000-4000-8000-000000000001")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
ZONES = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES)  # noqa: DTZ001 - bounds are naive
JSON = st.recursive(
    st.one_of(TEXT, st.booleans(), st.none(), st.integers(-(2**53), 2**53), st.floats(-1e300, 1e300)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=5,
)
MESSAGES = st.fixed_dictionaries(
    {"content": TEXT},
    optional={
        "role": st.sampled_from(["user", "assistant", "system", "tool"]),
        "name": TEXT,
        "created_at": TIMES,
        "id": TEXT,
        "metadata": st.dictionaries(TEXT, JSON, max_size=3),
    },
)


def envelope(**metadata: str) -> messages.Envelope:
    return messages.Envelope(memory_pb2.Scope(user_id="ana"), metadata, SEED)


def own_offset(time: datetime | None) -> int | None:
    """The offset of a clock that is not UTC itself, in minutes."""
    return None if time is None or time.utcoffset() == timedelta(0) else time.utcoffset() // timedelta(minutes=1)


@given(st.lists(MESSAGES, min_size=1, max_size=5))
def test_what_is_passed_is_what_is_sent(given_messages):
    prepared = messages.turns(given_messages, envelope(app="demo"))
    for given_message, sent in zip(given_messages, map(turn, prepared.turns), strict=True):
        assert sent.content == given_message["content"]
        assert sent.role == given_message.get("role", "user")
        assert sent.name == given_message.get("name", "")
        assert sent.created_at == given_message.get("created_at")
        assert sent.utc_offset_minutes == own_offset(given_message.get("created_at"))
        assert sent.metadata == {"app": "demo", **given_message.get("metadata", {})}
        assert sent.user_id == "ana"
        assert sent.id == given_message.get("id", sent.id) != ""


@given(st.lists(TEXT, min_size=1, max_size=5))
def test_made_up_ids_differ_and_repeat_with_the_seed(texts):
    first, second = (messages.turns(texts, envelope()) for _ in range(2))
    assert first == second
    assert len({turn.turn_id for turn in first.turns}) == len(texts)


def test_a_text_and_a_single_message_are_lists_of_one():
    assert messages.turns("hello", envelope()) == messages.turns({"content": "hello"}, envelope())


@given(st.lists(st.integers(0, 200_000), max_size=700))
def test_batches_keep_order_and_limits(sizes):
    turns = [memory_pb2.Turn(turn_id=str(n), content="x" * (size // 100)) for n, size in enumerate(sizes)]
    batches = list(messages.batches(turns))
    assert [turn for batch in batches for turn in batch] == turns
    assert all(0 < len(batch) <= 256 for batch in batches)


def test_batches_are_cut_by_size():
    turns = [memory_pb2.Turn(content="x" * 1_000_000)] * 7
    assert [len(batch) for batch in messages.batches(turns)] == [3, 3, 1]


@given(TIMES)
def test_times_survive_as_datetime_and_as_text(time):
    for written in (time, time.isoformat()):
        sent = memory_pb2.Turn(event_time=messages.timestamp(written, "created_at"))
        assert moment(sent, "event_time") == time


def test_a_z_is_an_offset():
    assert messages.timestamp("2026-05-07T09:30:00Z", "f").ToDatetime(tzinfo=UTC) == datetime(
        2026, 5, 7, 9, 30, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("message", "field", "told"),
    [
        ({"content": "x", "created_at": "2026-05-07T09:30:00"}, "messages[0].created_at", "no time zone"),
        ({"content": "x", "created_at": datetime(2026, 5, 7)}, "messages[0].created_at", "no time zone"),  # noqa: DTZ001
        ({"content": "x", "created_at": "yesterday"}, "messages[0].created_at", "ISO 8601"),
        ({"content": "x", "created_at": ""}, "messages[0].created_at", "ISO 8601"),
        ({"content": "x", "created_at": 1715000000}, "messages[0].created_at", "not int"),
        ({"content": "x", "created_at": "0001-01-01T00:00:00+14:00"}, "messages[0].created_at", "outside the years"),
        ({"content": 7}, "messages[0].content", "not int"),
        ({"content": "\ud800"}, "messages[0].content", "surrogate"),
        ({"role": "user"}, "messages[0].content", "is missing"),
        ("  ", "messages[0]", "is empty"),
        ({"content": "x", "role": "robot"}, "messages[0].role", "'robot' is unknown"),
        ({"content": "x", "text": "y"}, "messages[0].text", "allowed: role, content, name"),
        ({"content": "x", "name": 7}, "messages[0].name", "not int"),
        ({"content": "x", "metadata": {"n": {1}}}, "messages[0].metadata.n", "must be JSON"),
        ({"content": "x", "metadata": {"n": [2**53 + 1]}}, "messages[0].metadata.n[0]", "write it as a str"),
        ({"content": "x", "metadata": {"n": float("inf")}}, "messages[0].metadata.n", "must be finite"),
        ({"content": "x", "metadata": {1: "n"}}, "messages[0].metadata key", "must be a str"),
        ({"content": "x", "metadata": "m"}, "messages[0].metadata", "must be a dict"),
        (7, "messages[0]", "a str, a dict or an object"),
    ],
)
def test_a_wrong_message_names_its_field(message, field, told):
    with pytest.raises(ValueError, match=told) as raised:
        messages.turns([message], envelope())
    assert isinstance(raised.value, InvalidArgument)
    assert [violation.field for violation in raised.value.violations] == [field]


def test_nothing_to_add_is_refused():
    with pytest.raises(InvalidArgument, match="must not be empty"):
        messages.turns([], envelope())

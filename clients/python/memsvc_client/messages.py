"""What callers pass, checked and turned into protobuf messages before any call is made."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypedDict

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.timestamp_pb2 import Timestamp

from memsvc_client import conditions
from memsvc_client.errors import invalid
from memsvc_client.json_values import plain, struct, text
from memsvc_client.v1 import memory_pb2
from memsvc_client.v1 import memory_service_pb2 as service

MAX_TURNS_PER_REQUEST = 256
MAX_REQUEST_BYTES = 3 * 1024 * 1024
"""Below gRPC's default limit of 4 MiB a message, with room for the envelope."""


class Message(TypedDict, total=False):
    """One chat message. `content` is required, `role` is `user` when left out."""

    role: str
    content: str
    name: str
    created_at: datetime | str
    id: str
    metadata: Mapping[str, Any]


Messages: TypeAlias = str | Message | Mapping[str, Any] | Sequence[str | Message | Mapping[str, Any]]
Time: TypeAlias = datetime | str


Filters: TypeAlias = Mapping[str, Any]
"""Hard filters of a search, a list or a deletion: entries are ANDed.

`people`, `entities`, `states` and `kinds` are lists, whose values are ORed; `start_time` (inclusive) and `end_time`
(exclusive) are times. All else is about metadata, see `conditions`.
"""

NAMED_FILTERS = frozenset({"people", "entities", "start_time", "end_time", "states", "kinds"})


def timestamp(value: Time, field: str) -> Timestamp:
    """Turn an aware datetime, or an ISO 8601 text with an offset, into a Timestamp."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise invalid(field, f"{value!r} is not ISO 8601, such as 2026-05-07T09:30:00+02:00") from None
    if not isinstance(value, datetime):
        raise invalid(field, f"must be a datetime or an ISO 8601 text, not {type(value).__name__}")
    if value.utcoffset() is None:
        raise invalid(field, f"{value.isoformat()} has no time zone; write it with an offset, such as {value}+00:00")
    stamp = Timestamp()
    try:
        stamp.FromDatetime(value.astimezone(UTC))
    except OverflowError:
        raise invalid(field, f"{value.isoformat()} lies outside the years 1 to 9999 in UTC") from None
    return stamp


def optional_timestamp(value: Time | None, field: str) -> Timestamp | None:
    """Turn a time into a Timestamp, and None into an unset field."""
    return None if value is None else timestamp(value, field)


def request_uuid(value: str | uuid.UUID | None, field: str = "request_id") -> uuid.UUID:
    """Return the caller's UUID, or a new random one."""
    if value is None:
        return uuid.uuid4()
    try:
        return uuid.UUID(str(value))
    except ValueError:
        raise invalid(field, f"{value!r} is not a UUID") from None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What all messages of one call share: their scope, their metadata, and what ids are derived from."""

    scope: memory_pb2.Scope
    metadata: Mapping[str, Any]
    seed: uuid.UUID

    def turn(self, message: object, position: int, field: str) -> memory_pb2.Turn:
        """Build the turn of one message.

        Without an id of its own it gets one made from the seed and its position: a repeat of the call, by the
        client or by its user, names the same turns.
        """
        fields = _fields(message, field)
        return memory_pb2.Turn(
            turn_id=text(fields.get("id") or str(uuid.uuid5(self.seed, f"turn-{position}")), f"{field}.id"),
            scope=self.scope,
            role=_role(fields.get("role") or "user", f"{field}.role"),
            speaker=text(fields.get("name") or "", f"{field}.name"),
            content=text(fields.get("content"), f"{field}.content"),
            event_time=optional_timestamp(fields.get("created_at"), f"{field}.created_at"),
            metadata=struct({**self.metadata, **check_metadata(fields.get("metadata"), f"{field}.metadata")}, field),
        )


def turns(messages: Messages, envelope: Envelope) -> list[memory_pb2.Turn]:
    """Build the turns of a text, a message or a list of them."""
    several = [messages] if isinstance(messages, str | Mapping) else list(messages)
    if not several:
        raise invalid("messages", "must not be empty")
    return [envelope.turn(message, n, f"messages[{n}]") for n, message in enumerate(several)]


def batches(items: Iterable[memory_pb2.Turn]) -> Iterator[list[memory_pb2.Turn]]:
    """Cut turns into requests that stay within the service's count and gRPC's size."""
    batch: list[memory_pb2.Turn] = []
    size = 0
    for item in items:
        weight = item.ByteSize()
        if batch and (len(batch) == MAX_TURNS_PER_REQUEST or size + weight > MAX_REQUEST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += weight
    if batch:
        yield batch


def check_metadata(metadata: object, field: str) -> dict[str, Any]:
    """Check caller's metadata: a JSON object, as it is by the time of the call."""
    return plain(struct(metadata, field))


def filters(where: memory_pb2.Scope, given: Filters | None, *, whole_space: bool = False) -> service.MemoryFilter:
    """Build a filter from a scope and a dict of filters."""
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        raise invalid("filters", f"must be a dict, not {type(given).__name__}")
    on_metadata = {key: value for key, value in given.items() if key not in NAMED_FILTERS}
    return service.MemoryFilter(
        scope=where,
        people=_texts(given.get("people", ()), "filters.people"),
        entities=_texts(given.get("entities", ()), "filters.entities"),
        start_time=optional_timestamp(given.get("start_time"), "filters.start_time"),
        end_time=optional_timestamp(given.get("end_time"), "filters.end_time"),
        states=values(memory_pb2.MemoryState.DESCRIPTOR, "MEMORY_STATE_", given.get("states", ()), "filters.states"),
        kinds=values(memory_pb2.MemoryKind.DESCRIPTOR, "MEMORY_KIND_", given.get("kinds", ()), "filters.kinds"),
        whole_space=whole_space,
        metadata=conditions.condition(on_metadata, "filters", NAMED_FILTERS),
    )


def values(enum: EnumDescriptor, prefix: str, words: Sequence[str], field: str) -> list[Any]:
    """Turn lower-case words into enum values."""
    return [_value(enum, prefix, item, field) for item in _texts(words, field)]


def priority(word: str | None) -> service.Priority.ValueType:
    """Turn `interactive` or `backfill` into the enum value; None leaves it unset."""
    if word is None:
        return service.PRIORITY_UNSPECIFIED
    [value] = values(service.Priority.DESCRIPTOR, "PRIORITY_", [word], "priority")
    chosen: service.Priority.ValueType = value
    return chosen


def identifier(value: str, field: str = "id") -> str:
    """Check the final segment of a resource name."""
    if not value or not isinstance(value, str) or "/" in value:
        raise invalid(field, f"{value!r} is not an id; an id is not empty and holds no '/'")
    return value


def _fields(message: object, field: str) -> Mapping[str, Any]:
    if isinstance(message, str):
        return {"content": message}
    if not isinstance(message, Mapping):
        raise invalid(field, f"must be a str or a dict, not {type(message).__name__}")
    unknown = set(message) - set(Message.__annotations__)
    if unknown:
        # Refused rather than dropped: what is stored must be what was passed.
        raise invalid(field, f"{sorted(map(str, unknown))} is unknown; known are {sorted(Message.__annotations__)}")
    return message


def _role(value: object, field: str) -> Any:
    return _value(memory_pb2.Role.DESCRIPTOR, "ROLE_", text(value, field), field)


def _value(enum: EnumDescriptor, prefix: str, item: str, field: str) -> Any:
    known = {value.name.removeprefix(prefix).lower(): value.number for value in enum.values if value.number}
    if item not in known:
        raise invalid(field, f"{item!r} is unknown; known are {sorted(known)}")
    return known[item]


def _texts(items: object, field: str) -> list[str]:
    if isinstance(items, str) or not isinstance(items, Sequence):
        raise invalid(field, f"must be a list of str, not {type(items).__name__}")
    return [text(item, field) for item in items]

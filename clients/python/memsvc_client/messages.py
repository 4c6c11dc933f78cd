"""What callers pass, checked and turned into protobuf messages before any call is made."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, TypeAlias, TypedDict

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.timestamp_pb2 import Timestamp

from memsvc_client import clocks, conditions
from memsvc_client.clocks import Time
from memsvc_client.errors import invalid
from memsvc_client.histories import Reading, read
from memsvc_client.json_values import plain, struct, text
from memsvc_client.models import Skipped
from memsvc_client.v1 import memory_pb2
from memsvc_client.v1 import memory_service_pb2 as service

MAX_TURNS_PER_REQUEST = 256
MAX_REQUEST_BYTES = 3 * 1024 * 1024
"""Below gRPC's default limit of 4 MiB a message, with room for the envelope."""


class Message(TypedDict, total=False):
    """One chat message. `content` is required, `role` is `user` when left out; see `histories` for other shapes."""

    role: str
    content: str | Sequence[Any] | None
    name: str
    created_at: datetime | str
    id: str
    metadata: Mapping[str, Any]


Messages: TypeAlias = str | Message | Mapping[str, Any] | Sequence[Any]
"""A text, a message or a list of them: dicts, or objects of the libraries of OpenAI and Anthropic."""


Filters: TypeAlias = Mapping[str, Any]
"""Hard filters of a search, a list or a deletion: entries are ANDed.

`people`, `entities`, `states` and `kinds` are lists, whose values are ORed; `start_time` (inclusive) and `end_time`
(exclusive) are times. All else is about metadata, see `conditions`.
"""

NAMED_FILTERS = frozenset({"people", "entities", "start_time", "end_time", "states", "kinds"})


def timestamp(value: Time, field: str, zone: tzinfo | None = None) -> Timestamp:
    """Turn a datetime, or an ISO 8601 text, into a Timestamp; `zone` is the clock of one that names none."""
    return clocks.timestamp(clocks.instant(value, field, zone), field)


def optional_timestamp(value: Time | None, field: str, zone: tzinfo | None = None) -> Timestamp | None:
    """Turn a time into a Timestamp, and None into an unset field."""
    return None if value is None else timestamp(value, field, zone)


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
    zone: tzinfo | None = None
    """The clock of times that name none."""

    def turns(self, reading: Reading, position: int, field: str) -> list[memory_pb2.Turn]:
        """Build the turns of one message.

        Without an id of its own it gets one made from the seed and its position: a repeat of the call, by the
        client or by its user, names the same turns. Every turn of a message but the first has a number behind it.
        """
        fields = reading.fields
        first = text(fields.get("id") or str(uuid.uuid5(self.seed, f"turn-{position}")), f"{field}.id")
        shared = memory_pb2.Turn(
            scope=self.scope,
            metadata=struct({**self.metadata, **check_metadata(fields.get("metadata"), f"{field}.metadata")}, field),
        )
        if fields.get("created_at") is not None:
            moment = clocks.instant(fields["created_at"], f"{field}.created_at", self.zone)
            shared.event_time.CopyFrom(clocks.timestamp(moment, f"{field}.created_at"))
            offset = clocks.offset_minutes(moment, f"{field}.created_at")
            if offset is not None:
                shared.utc_offset_minutes = offset
        made = []
        for number, said in enumerate(reading.turns):
            turn = memory_pb2.Turn(
                turn_id=f"{first}.{number}" if number else first,
                role=_role(said.role, f"{field}.role"),
                speaker=text(said.name, f"{field}.name"),
                content=text(said.content, f"{field}.content"),
            )
            turn.MergeFrom(shared)
            made.append(turn)
        return made


@dataclass(frozen=True, slots=True)
class Prepared:
    """The turns of a call; `origins` tells of each the position of the message it comes from."""

    turns: list[memory_pb2.Turn]
    origins: list[int]
    skipped: list[Skipped]


def turns(messages: Messages, envelope: Envelope) -> Prepared:
    """Build the turns of a text, a message or a list of them. Raises InvalidArgument for the first that is wrong."""
    # Objects of the libraries can be iterated too: over their fields.
    single = (
        isinstance(messages, str | Mapping) or hasattr(messages, "model_dump") or not isinstance(messages, Iterable)
    )
    several = [messages] if single else list(messages)
    if not several:
        raise invalid("messages", "must not be empty")
    prepared = Prepared([], [], [])
    for position, message in enumerate(several):
        reading = read(message, f"messages[{position}]")
        made = envelope.turns(reading, position, f"messages[{position}]")
        prepared.turns.extend(made)
        prepared.origins.extend([position] * len(made))
        if not made:
            prepared.skipped.append(Skipped(position, reading.reason))
    return prepared


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

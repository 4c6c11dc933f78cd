"""What a point of the index looks like: its id, its vectors, its payload and the payload's indexes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from memsvc.types import Memory, SpaceKey, folded
from memsvc.vectors.metadata_terms import numbers_of, terms_of

LAYOUT_VERSION = 2
"""Raised when points, payloads or term indices change so that an index has to be rebuilt.

It is part of the collection's name: a service that writes another layout finds no collection, makes one, and fills it
from SQL in the background.
"""

DENSE = "dense"
"""Named vector, cosine: the embedding of the memory's dense text."""

HNSW_EF = 512
"""Candidates that a dense search of the graph keeps in view.

Of a million units' 100 neighbours Edge finds 94 % with 512, in 5.4 ms, and 91 % in 4.4 ms with what it takes without
(three for each neighbour); 96 % with 1,024, in 12.4 ms.
"""

LEXICAL = "lexical"
"""Named sparse vector with the IDF modifier: the BM25 weights of the memory's lexical text."""

MEMORY_ID = "memory_id"
"""Payload field that carries the memory's id; not indexed."""

METADATA = "metadata"
"""Payload field of the terms that metadata consists of; see `metadata_terms`."""

NUMBERS = "numbers"
"""Payload field of an object that holds the numbers among metadata; not indexed, as its fields are the callers'."""

TENANT = "tenant"
SPACE = "space"


class FieldType(StrEnum):
    """Kinds of payload index."""

    KEYWORD = "keyword"
    DATETIME = "datetime"


FIELDS: Mapping[str, FieldType] = {
    TENANT: FieldType.KEYWORD,
    SPACE: FieldType.KEYWORD,
    "user_id": FieldType.KEYWORD,
    "agent_id": FieldType.KEYWORD,
    "session_id": FieldType.KEYWORD,
    "kind": FieldType.KEYWORD,
    "state": FieldType.KEYWORD,
    "people": FieldType.KEYWORD,
    "entities": FieldType.KEYWORD,
    "place": FieldType.KEYWORD,
    "topic": FieldType.KEYWORD,
    "event_time": FieldType.DATETIME,
    "valid_from": FieldType.DATETIME,
    "valid_to": FieldType.DATETIME,
    "supersede_time": FieldType.DATETIME,
    METADATA: FieldType.KEYWORD,
}
"""Every payload field a filter may test, but for `NUMBERS`, with its index. The engine groups points by `tenant`."""

_POINTS = uuid.UUID("5f0c8a4e-6f0b-5d7c-9a37-2f1d0f6f7c11")
ALWAYS = datetime.min.replace(tzinfo=UTC)
"""The earliest time there is."""

_FOREVER = datetime.max.replace(tzinfo=UTC)


def point_id(space: SpaceKey, memory_id: str) -> str:
    """Return the UUID of a memory's point. It depends on the space, so no space can overwrite another's point."""
    return str(uuid.uuid5(_POINTS, "\x1f".join((space.tenant, space.space, memory_id))))


def payload(space: SpaceKey, memory: Memory) -> dict[str, object]:
    """Return a memory's payload: attributes to filter on and the memory's id, never its text."""
    symbolic, scope = memory.symbolic, memory.scope
    return {
        MEMORY_ID: memory.id,
        TENANT: space.tenant,
        SPACE: space.space,
        "user_id": scope.user_id,
        "agent_id": scope.agent_id,
        "session_id": scope.session_id,
        "kind": memory.kind.value,
        "state": memory.state.value,
        "people": sorted(folded(symbolic.people)),
        "entities": sorted(folded(symbolic.entities)),
        "place": symbolic.place.casefold(),
        "topic": symbolic.topic.casefold(),
        "event_time": timestamp(memory.event_time),
        METADATA: terms_of(memory.metadata),
        NUMBERS: numbers_of(memory.metadata),
        **_validity(memory),
        **({"supersede_time": timestamp(memory.supersede_time)} if memory.supersede_time else {}),
    }


def timestamp(time: datetime) -> str:
    """Return an aware time as RFC 3339 in UTC, as both engines read it (they keep microseconds)."""
    return time.astimezone(UTC).isoformat()


def _validity(memory: Memory) -> dict[str, object]:
    """Both ends, an open one at the limit of time, so that overlap needs two comparisons; nothing when unknown."""
    if memory.valid_from is None and memory.valid_to is None:
        return {}
    return {
        "valid_from": timestamp(memory.valid_from or ALWAYS),
        "valid_to": timestamp(memory.valid_to or _FOREVER),
    }

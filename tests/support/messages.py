"""Requests and memories that tests of the RPC layer share."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from memsvc.types import Memory, Scope, SpaceKey, TurnRef
from memsvc.v1 import memory_pb2
from memsvc.v1 import memory_service_pb2 as pb

SPACE_A = SpaceKey("a", "default")
PARENT = "spaces/default"
SCOPE = Scope("user-1", "agent-1", "session-1")
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
EVERYBODY = pb.MemoryFilter(whole_space=True)


def turn(turn_id: str = "t1", content: str = "Ana moved to Lisbon.", **fields: Any) -> memory_pb2.Turn:
    """A valid turn."""
    message = memory_pb2.Turn(
        turn_id=turn_id,
        scope=memory_pb2.Scope(user_id=SCOPE.user_id, agent_id=SCOPE.agent_id, session_id=SCOPE.session_id),
        role=memory_pb2.ROLE_USER,
        speaker="Ana",
        content=content,
    )
    message.event_time.FromDatetime(NOON)
    message.MergeFrom(memory_pb2.Turn(**fields))
    return message


def ingest(*turns: memory_pb2.Turn, request_id: str = "") -> pb.IngestRequest:
    """An ingest request to the default space."""
    return pb.IngestRequest(parent=PARENT, turns=turns or [turn()], request_id=request_id)


def memory(text: str = "Ana moved to Lisbon.", turn_id: str = "t1", **fields: Any) -> Memory:
    """A memory of the turn `turn_id`."""
    made = Memory(
        id=str(uuid.uuid4()),
        scope=fields.pop("scope", SCOPE),
        text=text,
        event_time=NOON,
        sources=(TurnRef(SCOPE, turn_id),),
        **fields,
    )
    return made.with_text(text, 5)

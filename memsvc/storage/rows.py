"""Between table rows and the nouns of `memsvc.types`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from memsvc.storage.tables import BACKFILL, ChangeRow, JobRow, KeyRow, MemoryRow, SpaceRow, TurnRow
from memsvc.types import (
    Addition,
    Change,
    ChangeKind,
    Disposition,
    Gate,
    Job,
    JobError,
    JobKind,
    JobState,
    JobSummary,
    Key,
    KeyRole,
    Memory,
    MemoryKind,
    MemoryState,
    Neighbour,
    Role,
    Scope,
    Space,
    SpaceKey,
    Span,
    Symbolic,
    Turn,
    TurnRef,
    folded,
)

_MEMORY = TypeAdapter(Memory)
_SYMBOLIC = TypeAdapter(Symbolic)
_SOURCES = TypeAdapter(tuple[TurnRef, ...])
_SPANS = TypeAdapter(tuple[Span, ...])
_ADDITIONS = TypeAdapter(tuple[Addition, ...])
_NEIGHBOURS = TypeAdapter(tuple[Neighbour, ...])
_GATE = TypeAdapter(Gate | None)
_ERROR = TypeAdapter(JobError | None)
_SUMMARY = TypeAdapter(JobSummary | None)

LONGEST_NAME = 256


def space_of(row: SpaceRow) -> Space:
    """The space of a row."""
    return Space(
        key=SpaceKey(row.tenant, row.name),
        display_name=row.display_name,
        create_time=row.create_time,
        update_time=row.update_time,
        version=row.version,
        time_zone=row.time_zone,
    )


def key_of(row: KeyRow) -> Key:
    """The API key of a row."""
    return Key(
        id=row.id,
        tenant=row.tenant,
        display_name=row.display_name,
        role=KeyRole(row.role),
        create_time=row.create_time,
        revoke_time=row.revoke_time,
    )


def turn_of(row: TurnRow) -> Turn:
    """The turn of a row."""
    return Turn(
        turn_id=row.turn_id,
        scope=Scope(row.user_id, row.agent_id, row.session_id),
        role=Role(row.role),
        content=row.content,
        event_time=row.event_time,
        speaker=row.speaker,
        metadata=row.labels,
        token_count=row.token_count,
        ingest_time=row.ingest_time,
        disposition=Disposition(row.disposition),
        disposition_reason=row.reason,
        utc_offset_minutes=row.utc_offset_minutes,
    )


def turn_values(space: SpaceKey, turn: Turn, now: datetime) -> dict[str, Any]:
    """The row of a new turn, without its job."""
    return {
        "tenant": space.tenant,
        "space": space.space,
        "scope_key": turn.scope.key,
        "user_id": turn.scope.user_id,
        "agent_id": turn.scope.agent_id,
        "session_id": turn.scope.session_id,
        "turn_id": turn.turn_id,
        "role": turn.role.value,
        "speaker": turn.speaker,
        "content": turn.content,
        "event_time": turn.event_time,
        "labels": dict(turn.metadata),
        "token_count": turn.token_count,
        "digest": turn_digest(turn),
        "ingest_time": now,
        "disposition": Disposition.PENDING.value,
        "reason": "",
        "utc_offset_minutes": turn.utc_offset_minutes,
    }


def turn_digest(turn: Turn) -> str:
    """SHA-256 of everything that makes a repeated turn id the same turn."""
    event_time = turn.event_time.astimezone(UTC).isoformat()
    parts: list[object] = [turn.role.value, turn.speaker, turn.content, event_time, dict(turn.metadata)]
    if turn.utc_offset_minutes is not None:  # without one the digest is that of earlier releases
        parts.append(turn.utc_offset_minutes)
    return digest(parts)


def digest(value: object) -> str:
    """SHA-256 of a JSON value in canonical form, as hex."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def memory_of(row: MemoryRow) -> Memory:
    """The memory of a row."""
    return Memory(
        id=row.id,
        scope=Scope(row.user_id, row.agent_id, row.session_id),
        text=row.text,
        event_time=row.event_time,
        kind=MemoryKind(row.kind),
        state=MemoryState(row.state),
        symbolic=_SYMBOLIC.validate_python(row.symbolic),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        salience=row.salience,
        token_count=row.token_count,
        sources=_SOURCES.validate_python(row.sources),
        derived_from=tuple(row.derived_from),
        gate=_GATE.validate_python(row.gate),
        compressor=row.compressor,
        metadata=row.labels,
        spans=_SPANS.validate_python(row.spans),
        additions=_ADDITIONS.validate_python(row.additions),
        role=Role(row.role) if row.role else None,
        part_count=row.part_count,
        repetition=row.repetition,
        dense_text=row.dense_text,
        lexical_text=row.lexical_text,
        neighbours=neighbours_of(row.neighbours),
        create_time=row.create_time,
        update_time=row.update_time,
        version=row.version,
        superseded_by=row.superseded_by,
        supersede_time=row.supersede_time,
        conflicts_with=tuple(row.conflicts_with),
        pinned=row.pinned,
        use_count=row.use_count,
        last_use_time=row.last_use_time,
        utc_offset_minutes=row.utc_offset_minutes,
    )


def memory_values(memory: Memory) -> dict[str, Any]:
    """The columns of a memory, those excepted that say where it is and how often it was used."""
    return {
        "id": memory.id,
        "user_id": memory.scope.user_id,
        "agent_id": memory.scope.agent_id,
        "session_id": memory.scope.session_id,
        "kind": memory.kind.value,
        "state": memory.state.value,
        "text": memory.text,
        "dense_text": memory.dense_text,
        "lexical_text": memory.lexical_text,
        "spans": _SPANS.dump_python(memory.spans, mode="json"),
        "additions": _ADDITIONS.dump_python(memory.additions, mode="json"),
        "role": memory.role.value if memory.role else "",
        "part_count": memory.part_count,
        "repetition": memory.repetition,
        "neighbours": neighbours_dump(memory.neighbours),
        "event_time": memory.event_time,
        "valid_from": memory.valid_from,
        "valid_to": memory.valid_to,
        "salience": memory.salience,
        "token_count": memory.token_count,
        "symbolic": _SYMBOLIC.dump_python(memory.symbolic, mode="json"),
        "sources": _SOURCES.dump_python(memory.sources, mode="json"),
        "derived_from": list(memory.derived_from),
        "gate": _GATE.dump_python(memory.gate, mode="json"),
        "compressor": memory.compressor,
        "labels": dict(memory.metadata),
        "create_time": memory.create_time,
        "update_time": memory.update_time,
        "version": memory.version,
        "superseded_by": memory.superseded_by,
        "supersede_time": memory.supersede_time,
        "conflicts_with": list(memory.conflicts_with),
        "pinned": memory.pinned,
        "utc_offset_minutes": memory.utc_offset_minutes,
    }


def neighbours_of(dumped: Sequence[Any]) -> tuple[Neighbour, ...]:
    """The neighbours that `neighbours_dump` dumped."""
    return _NEIGHBOURS.validate_python(dumped)


def neighbours_dump(neighbours: tuple[Neighbour, ...]) -> list[Any]:
    """Neighbours as a JSON array."""
    dumped: list[Any] = _NEIGHBOURS.dump_python(neighbours, mode="json")
    return dumped


def memory_names(memory: Memory) -> set[tuple[str, str]]:
    """(kind, name) of every name a filter may test the memory for."""
    people = {("person", name_key(name)) for name in folded(memory.symbolic.people)}
    return people | {("entity", name_key(name)) for name in folded(memory.symbolic.entities)}


def name_key(name: str) -> str:
    """How a case-folded name stands in the table: itself, or its digest when it is too long for an index."""
    return name if len(name) <= LONGEST_NAME else digest(name)


def dump_memory(memory: Memory) -> dict[str, Any]:
    """A memory as a JSON object."""
    dumped: dict[str, Any] = _MEMORY.dump_python(memory, mode="json")
    return dumped


def load_memory(dumped: dict[str, Any]) -> Memory:
    """The memory that `dump_memory` dumped."""
    return _MEMORY.validate_python(dumped)


def change_of(row: ChangeRow) -> Change:
    """The change of a row."""
    return Change(
        sequence=row.sequence,
        kind=ChangeKind(row.kind),
        time=row.time,
        memory=load_memory(row.memory),
        previous_text=row.previous_text,
        actor=row.actor,
        reason=row.reason,
    )


def job_of(row: JobRow) -> Job:
    """The job of a row."""
    return Job(
        id=row.id,
        space=SpaceKey(row.tenant, row.space),
        kind=JobKind(row.kind),
        state=JobState(row.state),
        payload=row.payload,
        attempt=row.attempt,
        progress=row.progress,
        create_time=row.create_time,
        end_time=row.end_time,
        error=_ERROR.validate_python(row.error),
        summary=_SUMMARY.validate_python(row.summary),
        lease_owner=row.lease_owner,
        urgent=row.priority < BACKFILL,
    )


def dump_error(error: JobError) -> dict[str, Any]:
    """An error as a JSON object."""
    return {"reason": str(error.reason), "message": error.message}


def dump_summary(summary: JobSummary) -> dict[str, Any]:
    """A summary as a JSON object."""
    dumped: dict[str, Any] = _SUMMARY.dump_python(summary, mode="json")
    return dumped

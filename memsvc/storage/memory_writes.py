"""Writes of memories within a transaction: rows, the names that filters test, their origins, changes, INDEX jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, insert
from sqlmodel import Session, col, select

from memsvc.errors import NotFound, StaleEtag
from memsvc.storage.changelog import append_changes, erase_changes
from memsvc.storage.enqueue import INDEX_LOCK, enqueue
from memsvc.storage.memory_query import in_space
from memsvc.storage.rows import memory_names, memory_of, memory_values
from memsvc.storage.tables import MemoryNameRow, MemoryOriginRow, MemoryRow
from memsvc.types import ChangeKind, JobKind, Memory, MemoryState, SpaceKey


def insert_new(
    session: Session, space: SpaceKey, memories: Sequence[Memory], *, actor: str, now: datetime, reason: str = ""
) -> tuple[str, ...]:
    """Insert the memories whose ids are unknown, with their CREATED changes; return their ids."""
    wanted = {memory.id: memory for memory in memories}
    for memory_id in _ordinals(session, space, list(wanted)):
        del wanted[memory_id]
    new = [replace(memory, create_time=now, update_time=now, version=1) for memory in wanted.values()]
    if not new:
        return ()
    rows = [
        {
            "tenant": space.tenant,
            "space": space.space,
            "indexed_version": 0,
            "indexed_version_1": 0,
            "consolidated_version": 0,
            "use_count": memory.use_count,
            "last_use_time": memory.last_use_time,
            **memory_values(memory),
        }
        for memory in new
    ]
    session.exec(insert(MemoryRow), params=rows)
    ordinals = _ordinals(session, space, list(wanted))
    _insert_links(session, [(ordinals[memory.id], memory) for memory in new])
    changed = [(memory, "") for memory in new]
    append_changes(session, space, ChangeKind.CREATED, changed, actor=actor, now=now, reason=reason)
    return tuple(wanted)


def rewrite(session: Session, row: MemoryRow, memory: Memory) -> None:
    """Make a row say what `memory` says."""
    for column, value in memory_values(memory).items():
        setattr(row, column, value)
    session.add(row)
    ordinal = row.ordinal or 0
    session.exec(delete(MemoryNameRow).where(col(MemoryNameRow.ordinal) == ordinal))
    session.exec(delete(MemoryOriginRow).where(col(MemoryOriginRow.ordinal) == ordinal))
    _insert_links(session, [(ordinal, memory)])


def touch(row: MemoryRow, now: datetime, *, indexed: bool = False) -> None:
    """Count a change of the row that is no reason to consolidate it again, and with `indexed` none to index it."""
    if row.consolidated_version == row.version:
        row.consolidated_version += 1
    if indexed and row.indexed_version == row.version:
        row.indexed_version += 1
    if indexed and row.indexed_version_1 == row.version:
        row.indexed_version_1 += 1
    row.version += 1
    row.update_time = now


def is_withdrawn(row: MemoryRow) -> bool:
    """Whether it was superseded by nothing: what it was made of was corrected, or its turns were compressed again."""
    return row.state == MemoryState.SUPERSEDED and not row.superseded_by


def mark_deleted(
    session: Session, space: SpaceKey, rows: Sequence[MemoryRow], *, actor: str, now: datetime, reason: str = ""
) -> str:
    """Mark live memories deleted, append the changes, defer their INDEX job; return its id.

    What they said is gone with that, from the change log too: their ids, kinds and times stay.
    """
    gone: list[Memory] = []
    for row in rows:
        row.state = MemoryState.DELETED.value
        row.version += 1
        row.update_time = now
        left = memory_of(row).without_words()
        for column, value in memory_values(left).items():
            if getattr(row, column) != value:
                setattr(row, column, value)
        session.add(row)
        gone.append(left)
    ordinals = [row.ordinal for row in rows]
    session.exec(delete(MemoryNameRow).where(col(MemoryNameRow.ordinal).in_(ordinals)))
    erase_changes(session, space, [memory.id for memory in gone])
    changed = [(memory, "") for memory in gone]
    append_changes(session, space, ChangeKind.DELETED, changed, actor=actor, now=now, reason=reason)
    return defer_index(session, space, [memory.id for memory in gone], now)


def defer_index(session: Session, space: SpaceKey, memory_ids: Sequence[str], now: datetime) -> str:
    """Queue the job that brings the index up to these memories; return its id."""
    payload = {"memory_ids": list(memory_ids)}
    return enqueue(session, space, JobKind.INDEX, payload, lock=INDEX_LOCK, now=now)


def live_row(session: Session, space: SpaceKey, memory_id: str, *, lock: bool = False) -> MemoryRow:
    """Return a memory's row, locked if asked for. Raises NotFound for an unknown or deleted one."""
    query = select(MemoryRow).where(*in_space(space), MemoryRow.id == memory_id, MemoryRow.state != MemoryState.DELETED)
    row = session.exec(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(f"memory {memory_id!r} does not exist")
    return row


def check_etag(row: MemoryRow, etag: str) -> None:
    """Raises StaleEtag unless the row is of that version."""
    if etag != memory_of(row).etag:
        raise StaleEtag("the memory was changed since it was read", metadata={"memory_id": row.id})


def _ordinals(session: Session, space: SpaceKey, memory_ids: Sequence[str]) -> dict[str, int]:
    query = select(MemoryRow.id, MemoryRow.ordinal).where(*in_space(space), col(MemoryRow.id).in_(memory_ids))
    return {memory_id: ordinal or 0 for memory_id, ordinal in session.exec(query)}


def _insert_links(session: Session, memories: Sequence[tuple[int, Memory]]) -> None:
    """Write what finds the memories by name and by origin."""
    names = [
        {"ordinal": ordinal, "kind": kind, "name": name}
        for ordinal, memory in memories
        for kind, name in sorted(memory_names(memory))
    ]
    origins = [
        {"ordinal": ordinal, "origin_id": origin}
        for ordinal, memory in memories
        for origin in dict.fromkeys(memory.derived_from)
    ]
    if names:
        session.exec(insert(MemoryNameRow), params=names)
    if origins:
        session.exec(insert(MemoryOriginRow), params=origins)

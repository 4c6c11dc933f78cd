"""Turns that a deletion closes: none of them is compressed, joined or searched from then on.

A turn is DELETED when its scope is, or when no memory tells it any more; nothing that was said stays of it. One that a
memory still tells stays as it is, and is closed to everything new.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, or_, tuple_, update
from sqlmodel import Session, col, select

from memsvc.errors import TurnsDeleted
from memsvc.storage.memory_query import exactly, in_space, owned_by, within
from memsvc.storage.memory_writes import is_withdrawn, touch
from memsvc.storage.metadata_query import satisfying
from memsvc.storage.rows import memory_of, neighbours_dump
from memsvc.storage.tables import MemoryRow, TurnRow
from memsvc.types import (
    LLM_FAILED,
    LLM_SKIPPED,
    Compression,
    Disposition,
    MemoryFilter,
    MemoryState,
    Scope,
    SpaceKey,
    TurnRef,
)

REASON = "DELETED"
"""Why a turn is DELETED, as its listing tells."""
LOOKUP = 200
FEW = 20
"""Turns that the database looks for by their ids; for more than that it is asked for every memory's."""


def require_open(session: Session, space: SpaceKey, refs: Iterable[TurnRef]) -> None:
    """Keep the turns from being closed until the transaction ends. Raises TurnsDeleted if one is closed already."""
    for some in _batches(refs):
        rows = session.exec(
            select(TurnRow.ordinal, TurnRow.closed)
            .where(*_named(space, some))
            .order_by(col(TurnRow.ordinal))
            .with_for_update()
        ).all()
        if any(closed for _, closed in rows):
            raise TurnsDeleted("a turn that was read was deleted meanwhile")


def turns_of(compression: Compression) -> Iterator[TurnRef]:
    """Every turn that a compression names."""
    for outcome in compression.outcomes:
        yield outcome.ref
    for memory in compression.memories:
        yield from memory.sources
        yield from (neighbour.ref for neighbour in memory.neighbours)


def close_scope(session: Session, space: SpaceKey, scope: Scope) -> int:
    """Delete every turn within the scope; return how many of them were not compressed yet."""
    here = (col(TurnRow.tenant) == space.tenant, col(TurnRow.space) == space.space, *within(TurnRow, scope))
    deleted = update(TurnRow).where(*here).values(_ERASED).execution_options(synchronize_session=False)
    pending = int(session.exec(deleted.where(col(TurnRow.disposition) == Disposition.PENDING)).rowcount)
    session.exec(deleted.where(col(TurnRow.disposition) != Disposition.DELETED))
    return pending


def close_waiting(session: Session, space: SpaceKey, scope: Scope, where: MemoryFilter) -> int:
    """Delete the turns within the scope that wait to be compressed and pass a filter; return how many.

    Whom and what a turn names is known once it is compressed, so a filter by names or kinds covers none that waits; nor
    does one by states other than ACTIVE, which most of its memories will have.
    """
    if where.people or where.entities or where.kinds or MemoryState.ACTIVE not in where.states:
        return 0
    conditions = [*within(TurnRow, scope), col(TurnRow.disposition) == Disposition.PENDING]
    if where.metadata is not None:
        conditions.append(satisfying(col(TurnRow.labels), where.metadata))
    if where.start_time is not None:
        conditions.append(col(TurnRow.event_time) >= where.start_time)
    if where.end_time is not None:
        conditions.append(col(TurnRow.event_time) < where.end_time)
    here = (col(TurnRow.tenant) == space.tenant, col(TurnRow.space) == space.space)
    deleted = update(TurnRow).where(*here, *conditions).values(_ERASED)
    return int(session.exec(deleted.execution_options(synchronize_session=False)).rowcount)


def close_turns(session: Session, space: SpaceKey, refs: Collection[TurnRef]) -> list[MemoryRow]:
    """Close the turns of memories that were deleted, and empty those that nothing else tells.

    Returns the memories that were withdrawn and tell nothing but what is gone.
    """
    turns = [row for some in _batches(refs) for row in session.exec(_locked(space, some))]
    citing = _citing(session, space, refs)
    told = {ref for row in citing if not is_withdrawn(row) for ref in memory_of(row).sources}
    for row in turns:
        _close(row, told=_ref(row) in told)
        session.add(row)
    return [row for row in citing if is_withdrawn(row) and told.isdisjoint(memory_of(row).sources)]


def forget_neighbours(session: Session, space: SpaceKey, closed: Collection[TurnRef], now: datetime) -> list[MemoryRow]:
    """Take what the turns say out of the views of the memories beside them; return the memories that had it."""
    changed: list[MemoryRow] = []
    for scope, refs in _by_scope(closed):
        for row in _mentioning(session, space, exactly(scope), MemoryRow.neighbours, refs):
            neighbours = memory_of(row).neighbours
            left = tuple(neighbour for neighbour in neighbours if neighbour.ref not in refs)
            if len(left) < len(neighbours):
                row.neighbours = neighbours_dump(left)
                touch(row, now)
                changed.append(row)
    return changed


_ERASED: dict[str, Any] = {
    "closed": True,
    "disposition": Disposition.DELETED.value,
    "reason": REASON,
    "content": "",
    "speaker": "",
    "labels": {},
    "token_count": 0,
}


def _close(row: TurnRow, *, told: bool) -> None:
    if not told:
        for column, value in _ERASED.items():
            setattr(row, column, value)
    row.closed = True
    if row.reason.startswith(LLM_FAILED):
        row.reason = LLM_SKIPPED


def _citing(session: Session, space: SpaceKey, refs: Collection[TurnRef]) -> list[MemoryRow]:
    """Live memories with one of the turns among their sources: of its session, or consolidated from several."""
    found: dict[str, MemoryRow] = {}
    for scope, some in _by_scope(refs):
        sessions = col(MemoryRow.session_id).in_({scope.session_id, ""})
        where = (*owned_by(scope.owner), sessions)
        for row in _mentioning(session, space, where, MemoryRow.sources, some):
            if not some.isdisjoint(memory_of(row).sources):
                found[row.id] = row
    return list(found.values())


def _mentioning(
    session: Session, space: SpaceKey, where: Sequence[ColumnElement[bool]], column: Any, refs: Collection[TurnRef]
) -> Iterator[MemoryRow]:
    """Live memories whose JSON column, of sources or neighbours, may name one of the turns: it has one of their ids."""
    here = (*in_space(space), *where, col(MemoryRow.state) != MemoryState.DELETED)
    query = select(MemoryRow.ordinal, column).where(*here)
    ids = {ref.turn_id for ref in refs}
    if len(ids) <= FEW:
        query = query.where(or_(*(cast(column, Text).contains(json.dumps(id_), autoescape=True) for id_ in ids)))
    named = [ordinal for ordinal, listed in session.exec(query) if not ids.isdisjoint(map(_turn_id, listed))]
    for start in range(0, len(named), LOOKUP):
        some = col(MemoryRow.ordinal).in_(named[start : start + LOOKUP])
        yield from session.exec(select(MemoryRow).where(*here, some).order_by(col(MemoryRow.ordinal)).with_for_update())


def _turn_id(dumped: dict[str, Any]) -> str:
    ref: dict[str, Any] = dumped.get("ref", dumped)
    turn_id: str = ref["turn_id"]
    return turn_id


def _by_scope(refs: Iterable[TurnRef]) -> Iterator[tuple[Scope, frozenset[TurnRef]]]:
    grouped: dict[Scope, set[TurnRef]] = {}
    for ref in refs:
        grouped.setdefault(ref.scope, set()).add(ref)
    for scope in sorted(grouped, key=lambda scope: scope.key):
        yield scope, frozenset(grouped[scope])


def _locked(space: SpaceKey, refs: Sequence[TurnRef]) -> Any:
    return select(TurnRow).where(*_named(space, refs)).order_by(col(TurnRow.ordinal)).with_for_update()


def _named(space: SpaceKey, refs: Sequence[TurnRef]) -> tuple[ColumnElement[bool], ...]:
    addresses = [(ref.scope.key, ref.turn_id) for ref in refs]
    named = tuple_(col(TurnRow.scope_key), col(TurnRow.turn_id)).in_(addresses)
    return col(TurnRow.tenant) == space.tenant, col(TurnRow.space) == space.space, named


def _batches(refs: Iterable[TurnRef]) -> Iterator[list[TurnRef]]:
    ordered = sorted(set(refs), key=lambda ref: (ref.scope.key, ref.turn_id))
    for start in range(0, len(ordered), LOOKUP):
        yield ordered[start : start + LOOKUP]


def _ref(row: TurnRow) -> TurnRef:
    return TurnRef(Scope(row.user_id, row.agent_id, row.session_id), row.turn_id)

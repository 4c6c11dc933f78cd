"""A second compression of turns takes the place of the first one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from memsvc.storage.cascade import CALLER, CONSOLIDATION
from memsvc.storage.changelog import append_changes
from memsvc.storage.enqueue import enqueue
from memsvc.storage.memory_query import exactly, in_space
from memsvc.storage.memory_writes import insert_new
from memsvc.storage.rows import memory_of
from memsvc.storage.tables import ChangeRow, MemoryRow, TurnRow
from memsvc.types import (
    LLM_FAILED,
    LLM_SKIPPED,
    ChangeKind,
    Compression,
    JobKind,
    Memory,
    MemoryState,
    Scope,
    SpaceKey,
    TurnOutcome,
    TurnRef,
)

REDO_DELAY = timedelta(seconds=60)
"""From a failed compression to the first attempt to redo it: most outages of a model are longer than a few seconds."""


def defer_redo(session: Session, space: SpaceKey, refs: Iterable[TurnRef], priority: int, now: datetime) -> None:
    """Queue one RECOMPRESS job for every session among the turns; it joins the one that already waits."""
    for scope in sorted({ref.scope for ref in refs}, key=lambda scope: scope.key):
        payload = {"scope": [scope.user_id, scope.agent_id, scope.session_id]}
        enqueue(
            session, space, JobKind.RECOMPRESS, payload, lock=scope.key, now=now, delay=REDO_DELAY, priority=priority
        )


def replace_compression(
    session: Session, space: SpaceKey, compression: Compression, *, actor: str, now: datetime
) -> tuple[tuple[str, ...], int]:
    """Write the new memories and outcomes and supersede the old memories; return the new ids and how many went."""
    redone = {outcome.ref for outcome in compression.outcomes}
    rows = [row for scope in {ref.scope for ref in redone} for row in _memories(session, space, scope)]
    theirs = changed_by_callers(session, space, [row.id for row in rows if row.version > 1], actor)
    theirs |= {row.id for row in rows if row.compressor == CALLER}
    frozen = frozenset(ref for row in rows if row.id in theirs for ref in memory_of(row).sources)
    fresh = [memory for memory in compression.memories if frozen.isdisjoint(memory.sources)]
    kept_ids = {memory.id for memory in fresh}
    old = [row for row in rows if row.id not in kept_ids and _is_replaced(row, redone - frozen)]
    written = insert_new(session, space, fresh, actor=actor, now=now)
    supersede(session, space, old, actor=actor, now=now)
    for outcome in compression.outcomes:
        _settle_again(
            session, space, replace(outcome, reason=LLM_SKIPPED) if outcome.ref in frozen else outcome, frozen
        )
    return written, len(old)


def _memories(session: Session, space: SpaceKey, scope: Scope) -> Sequence[MemoryRow]:
    query = select(MemoryRow).where(*in_space(space), *exactly(scope)).order_by(col(MemoryRow.ordinal))
    return session.exec(query.with_for_update()).all()


def changed_by_callers(session: Session, space: SpaceKey, changed: Collection[str], actor: str) -> frozenset[str]:
    """Which of the changed memories a caller deleted or changed: no compression may undo that."""
    by_callers = session.exec(
        select(ChangeRow.memory_id)
        .where(ChangeRow.tenant == space.tenant, ChangeRow.space == space.space)
        .where(col(ChangeRow.memory_id).in_(changed), col(ChangeRow.actor).not_in([actor, CONSOLIDATION]))
    ).all()
    return frozenset(by_callers)


def _is_current(row: MemoryRow) -> bool:
    return row.state in (MemoryState.ACTIVE, MemoryState.LEFT_OUT)


def _is_replaced(row: MemoryRow, redone: Collection[TurnRef]) -> bool:
    sources = memory_of(row).sources
    return _is_current(row) and bool(sources) and all(ref in redone for ref in sources)


def supersede(session: Session, space: SpaceKey, rows: Sequence[MemoryRow], *, actor: str, now: datetime) -> None:
    """End memories of turns that were compressed again: none of them is served any longer, now or as of any time."""

    def gone() -> Iterator[Memory]:
        for row in rows:
            row.state = MemoryState.SUPERSEDED.value
            row.superseded_by, row.supersede_time = "", None
            row.version += 1
            row.update_time = now
            session.add(row)
            yield memory_of(row)

    changed = [(memory, memory.text) for memory in gone()]
    append_changes(session, space, ChangeKind.SUPERSEDED, changed, actor=actor, now=now)


def _settle_again(session: Session, space: SpaceKey, outcome: TurnOutcome, frozen: Collection[TurnRef]) -> None:
    values = {"reason": outcome.reason}
    if outcome.ref not in frozen:
        values["disposition"] = outcome.disposition.value
    session.exec(
        update(TurnRow)
        .where(
            col(TurnRow.tenant) == space.tenant,
            col(TurnRow.space) == space.space,
            col(TurnRow.scope_key) == outcome.ref.scope.key,
            col(TurnRow.turn_id) == outcome.ref.turn_id,
            col(TurnRow.reason).startswith(LLM_FAILED),
        )
        .values(**values)
        .execution_options(synchronize_session=False)
    )

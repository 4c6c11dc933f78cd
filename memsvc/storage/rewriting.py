"""Memories that an earlier release worded, and what takes their place: the own words of the turns they were made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import case, tuple_, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from memsvc.errors import NotFound, TurnsDeleted
from memsvc.storage.cascade import follow_replacement
from memsvc.storage.closing import require_open, turns_of
from memsvc.storage.database import Database
from memsvc.storage.enqueue import active, defer_consolidation, enqueue
from memsvc.storage.leases import require_held
from memsvc.storage.memory_query import in_space
from memsvc.storage.memory_writes import insert_new
from memsvc.storage.outdated import IS_OUTDATED, read_outdated
from memsvc.storage.redo import supersede
from memsvc.storage.spaces import require_space
from memsvc.storage.tables import BACKFILL, MemoryRow, TurnRow
from memsvc.types import (
    LLM_FAILED,
    Compression,
    Job,
    JobKind,
    MemoryState,
    OutdatedTurns,
    Scope,
    SpaceKey,
    TurnOutcome,
    utc_now,
)

ACTOR = "worker"
SESSIONS = 200
"""Sessions whose jobs are queued in one transaction."""
_SESSION = (
    col(MemoryRow.tenant),
    col(MemoryRow.space),
    col(MemoryRow.user_id),
    col(MemoryRow.agent_id),
    col(MemoryRow.session_id),
)


class SqlRewriteLog:
    """Implements `jobs.rewriting.RewriteLog`."""

    def __init__(
        self, db: Database, clock: Callable[[], datetime] = utc_now, *, consolidate_after: timedelta | None = None
    ) -> None:
        self._db = db
        self._clock = clock
        self._consolidate_after = consolidate_after

    async def queue_all(self) -> int:
        """Queue a REWRITE job for every session with outdated memories that has none under way; return how many."""
        count, last = 0, ("",) * len(_SESSION)
        while page := await self._db.read(partial(_sessions, after=last)):
            count += await self._db.write(partial(_queue_all, found=page, now=self._clock()))
            last = page[-1]
            self._db.work.deferred()
        return count

    async def outdated(self, job: Job, scope: Scope, *, limit: int, context: int) -> OutdatedTurns:
        """Return the first turns of a session with outdated memories, up to `limit`, with up to `context` before them.

        Those of a turn of which a caller deleted or changed a memory, and those merged into a memory that a caller
        changed, are outdated no longer: they stay as they are, with the compressor of callers. So do those whose turn
        is gone. Raises LeaseLost.
        """

        def read(session: Session) -> OutdatedTurns:
            require_held(session, job)
            return read_outdated(
                session, job.space, scope, limit=limit, context=context, actor=ACTOR, now=self._clock()
            )

        return await self._db.write(read)

    async def replace(
        self, job: Job, batch: OutdatedTurns, compression: Compression
    ) -> tuple[tuple[str, ...], int] | None:
        """Put the new memories of turns in the place of their outdated ones, in one transaction.

        What consolidation made of those is withdrawn, and made anew. Returns ids of the written memories and the number
        of replaced ones; None, with nothing written, where one of them was changed, or a turn deleted, since they were
        read. Raises LeaseLost.
        """

        def replace(session: Session) -> tuple[tuple[str, ...], int] | None:
            require_held(session, job)
            space, now = job.space, self._clock()
            rows = session.exec(
                select(MemoryRow)
                .where(*in_space(space), col(MemoryRow.id).in_(batch.versions))
                .order_by(col(MemoryRow.ordinal))
                .with_for_update()
            ).all()
            if {row.id: row.version for row in rows} != batch.versions:
                return None
            require_open(session, space, {*batch.turns.context_refs, *turns_of(compression)})
            written = insert_new(session, space, compression.memories, actor=ACTOR, now=now)
            kept = {memory.id for memory in compression.memories}
            old = [row for row in rows if row.id not in kept]
            follow_replacement(session, space, old, now=now, delay=self._consolidate_after)
            supersede(session, space, old, actor=ACTOR, now=now)
            for outcome in compression.outcomes:
                _settle(session, space, outcome)
            new = [m.scope for m in compression.memories if m.id in written and m.state is MemoryState.ACTIVE]
            defer_consolidation(session, space, new, now=now, delay=self._consolidate_after)
            return written, len(old)

        try:
            return await self._db.write(replace)
        except TurnsDeleted:
            return None


def _sessions(session: Session, after: tuple[str, ...]) -> list[tuple[str, ...]]:
    query = (
        columns(*_SESSION)
        .where(IS_OUTDATED, tuple_(*_SESSION) > tuple_(*after))
        .distinct()
        .order_by(*_SESSION)
        .limit(SESSIONS)
    )
    return [tuple(row) for row in session.execute(query)]


def _queue_all(session: Session, found: Sequence[tuple[str, ...]], now: datetime) -> int:
    count = 0
    for tenant, space_id, *scope in found:
        space, lock = SpaceKey(tenant, space_id), Scope(*scope).key
        with suppress(NotFound):  # deleted meanwhile
            require_space(session, space)
            if not active(session, space, JobKind.REWRITE, lock, priority=BACKFILL):
                enqueue(session, space, JobKind.REWRITE, {"scope": scope}, lock=lock, now=now)
                count += 1
    return count


def _settle(session: Session, space: SpaceKey, outcome: TurnOutcome) -> None:
    """Say what became of a turn; that a language model is still to compress it stays said."""
    reason = col(TurnRow.reason)
    session.exec(
        update(TurnRow)
        .where(
            col(TurnRow.tenant) == space.tenant,
            col(TurnRow.space) == space.space,
            col(TurnRow.scope_key) == outcome.ref.scope.key,
            col(TurnRow.turn_id) == outcome.ref.turn_id,
        )
        .values(
            disposition=outcome.disposition.value,
            reason=case((reason.startswith(LLM_FAILED), reason), else_=outcome.reason),
        )
        .execution_options(synchronize_session=False)
    )

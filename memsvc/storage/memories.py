"""Memories and their change log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from memsvc.errors import NotFound
from memsvc.storage.cascade import Deleted, close_behind, delete_memories, follow_correction
from memsvc.storage.changelog import append_changes
from memsvc.storage.closing import close_scope, close_waiting, require_open, turns_of
from memsvc.storage.cursors import number_at, page_of
from memsvc.storage.database import Database
from memsvc.storage.enqueue import defer_consolidation
from memsvc.storage.index_marks import IndexMarks
from memsvc.storage.leases import require_held
from memsvc.storage.lookup import MemoryLookup
from memsvc.storage.memory_query import in_space, passing, within
from memsvc.storage.memory_writes import check_etag, defer_index, insert_new, live_row, rewrite
from memsvc.storage.redo import defer_redo, replace_compression
from memsvc.storage.requests import answered, remember
from memsvc.storage.rows import change_of, dump_memory, load_memory, memory_of, neighbours_of
from memsvc.storage.spaces import require_space
from memsvc.storage.tables import ChangeRow, MemoryOriginRow, MemoryRow, TurnRow
from memsvc.types import (
    Change,
    ChangeKind,
    Compression,
    Disposition,
    IngestRequestId,
    Job,
    LexicalText,
    Memory,
    MemoryFilter,
    MemoryState,
    Page,
    Scope,
    SpaceKey,
    TurnOutcome,
    TurnRef,
    searched_text,
    utc_now,
)

UPDATE = "memories.update"
BATCH = 500


class SqlMemoryLog(IndexMarks):
    """Implements `ports.MemoryLog`.

    Whatever is written for a user and agent is consolidated `consolidate_after` that; never with None.
    """

    def __init__(
        self, db: Database, clock: Callable[[], datetime] = utc_now, *, consolidate_after: timedelta | None = None
    ) -> None:
        super().__init__(db, clock)
        self._consolidate_after = consolidate_after
        self._lookup = MemoryLookup(db)

    async def commit(
        self,
        space: SpaceKey,
        job: Job,
        compression: Compression,
        *,
        context: Collection[TurnRef] = (),
        actor: str = "worker",
    ) -> tuple[str, ...]:
        """Write new memories, their CREATED changes and the turns' outcomes, in one transaction.

        `context` are the other turns that were read with those compressed.

        Raises:
            LeaseLost: `job.lease_owner` no longer holds the job; nothing was written.
            TurnsDeleted: one of the turns was deleted since it was read; nothing was written.
        """

        def commit(session: Session) -> tuple[str, ...]:
            priority = require_held(session, job).priority
            require_open(session, space, {*context, *turns_of(compression)})
            written = insert_new(session, space, compression.memories, actor=actor, now=self._clock())
            for outcome in compression.outcomes:
                _settle(session, space, outcome)
            defer_redo(session, space, compression.redo, priority, self._clock())
            self._defer_consolidation(session, space, compression, written)
            return written

        return await self._db.write(commit)

    async def redo(
        self,
        space: SpaceKey,
        job: Job,
        compression: Compression,
        *,
        context: Collection[TurnRef] = (),
        actor: str = "worker",
    ) -> tuple[tuple[str, ...], int]:
        """Put a new compression of turns in the place of their earlier one, in one transaction.

        Returns ids of the written memories and the number of superseded ones. Raises LeaseLost and TurnsDeleted, as
        `commit` does.
        """

        def redo(session: Session) -> tuple[tuple[str, ...], int]:
            require_held(session, job)
            written, superseded = replace_compression(session, space, compression, actor=actor, now=self._clock())
            require_open(session, space, {*context, *turns_of(compression)})
            self._defer_consolidation(session, space, compression, written)
            return written, superseded

        return await self._db.write(redo)

    def _defer_consolidation(
        self, session: Session, space: SpaceKey, compression: Compression, written: Collection[str]
    ) -> None:
        new = [m.scope for m in compression.memories if m.id in written and m.state is MemoryState.ACTIVE]
        defer_consolidation(session, space, new, now=self._clock(), delay=self._consolidate_after)

    async def get(self, space: SpaceKey, memory_id: str) -> Memory:
        """Return one memory, deleted ones excepted. Raises NotFound."""
        return await self._db.read(lambda session: memory_of(live_row(session, space, memory_id)))

    async def get_many(self, space: SpaceKey, memory_ids: Sequence[str]) -> dict[str, Memory]:
        """Return those of the memories that exist in this space, in any state, by id."""
        return await self._lookup.get_many(space, memory_ids)

    async def page(
        self, space: SpaceKey, where: MemoryFilter, *, limit: int, cursor: str | None = None, children_of: str = ""
    ) -> Page[Memory]:
        """List memories, the last created first; with `children_of` only those that one was made of.

        Raises:
            NotFound: the space, or the memory `children_of`.
        """
        query = (
            select(MemoryRow)
            .where(*in_space(space), *passing(where))
            .order_by(col(MemoryRow.ordinal).desc())
            .limit(limit + 1)
        )
        if cursor is not None:
            query = query.where(col(MemoryRow.ordinal) < number_at(cursor))

        def load(session: Session) -> Page[Memory]:
            require_space(session, space)
            wanted = query
            if children_of:
                parent = live_row(session, space, children_of).ordinal
                children = select(MemoryOriginRow.origin_id).where(MemoryOriginRow.ordinal == parent)
                wanted = query.where(col(MemoryRow.id).in_(children))
            return page_of(session.exec(wanted).all(), limit, memory_of, lambda row: (row.ordinal or 0,))

        return await self._db.read(load)

    async def ids(self, space: SpaceKey, where: MemoryFilter, *, limit: int) -> list[str]:
        """Return the ids of up to `limit` memories that pass, the last created first; none of an unknown space."""
        query = (
            select(MemoryRow.id)
            .where(*in_space(space), *passing(where))
            .order_by(col(MemoryRow.ordinal).desc())
            .limit(limit)
        )
        return await self._db.read(lambda session: list(session.exec(query)))

    async def lexical_texts(
        self, space: SpaceKey, where: MemoryFilter, *, limit: int, cursor: str | None = None
    ) -> Page[LexicalText]:
        """List ids and lexical texts of memories, the last created first. Raises NotFound for the space."""
        query = (
            select(MemoryRow.ordinal, MemoryRow.id, MemoryRow.lexical_text, MemoryRow.neighbours)
            .where(*in_space(space), *passing(where))
            .order_by(col(MemoryRow.ordinal).desc())
            .limit(limit + 1)
        )
        if cursor is not None:
            query = query.where(col(MemoryRow.ordinal) < number_at(cursor))

        def load(session: Session) -> Page[LexicalText]:
            require_space(session, space)
            rows = session.exec(query).all()
            return page_of(rows, limit, _lexical_text, lambda row: (row[0] or 0,))

        return await self._db.read(load)

    async def update(
        self, space: SpaceKey, memory: Memory, *, etag: str, actor: str, request: IngestRequestId | None = None
    ) -> tuple[Memory, str]:
        """Replace text with its views, compressor, symbolic, metadata, validity, salience and pin, and nothing else.

        What consolidation made of the memory's earlier content is withdrawn with the change; see `cascade`. A retired
        one that is pinned is active again. Returns the memory after the change and the id of the INDEX job.

        Raises:
            NotFound: it does not exist or was deleted.
            StaleEtag: `etag` is not the stored one.
            Conflict: REQUEST_ID_CONFLICT.
        """

        def change(session: Session) -> tuple[Memory, str]:
            response = answered(session, space, UPDATE, request)
            if response is not None:
                live_row(session, space, memory.id)  # what was answered is gone with a memory deleted since
                return load_memory(response["memory"]), response["job_id"]
            now = self._clock()
            row = live_row(session, space, memory.id, lock=True)
            check_etag(row, etag)
            before = memory_of(row)
            after = _edited(before, memory, now)
            rewrite(session, row, after)
            append_changes(session, space, ChangeKind.UPDATED, [(after, before.text)], actor=actor, now=now)
            if _is_corrected(before, after):
                follow_correction(session, space, row, before, now=now, delay=self._consolidate_after)
                after = memory_of(row)
            job_id = defer_index(session, space, [memory.id], now)
            remember(session, space, UPDATE, request, {"memory": dump_memory(after), "job_id": job_id}, now)
            return after, job_id

        changed = await self._db.write(change)
        self._db.work.deferred()
        return changed

    async def delete(self, space: SpaceKey, memory_id: str, *, etag: str, actor: str) -> None:
        """Mark a memory deleted, append the change, defer an INDEX job. An empty `etag` is not checked.

        So goes what consolidation made of it, and what tells nothing but what it tells; see `cascade`.

        Raises:
            NotFound: it does not exist or was already deleted.
            StaleEtag: `etag` is not the stored one.
        """

        def drop(session: Session) -> None:
            row = live_row(session, space, memory_id, lock=True)
            if etag:
                check_etag(row, etag)
            gone = self._drop(session, space, [row], actor=actor, whole=True)
            self._close(session, space, gone.turns, actor=actor)

        await self._db.write(drop)
        self._db.work.deferred()

    async def delete_scope(
        self, space: SpaceKey, scope: Scope, where: MemoryFilter | None = None, *, actor: str
    ) -> tuple[int, int]:
        """Delete every turn and memory within the scope, and that passes `where`, in one transaction.

        What consolidation made of memories in and outside of the scope goes too; those outside are served again.
        Returns how many memories are gone, and how many turns that were not compressed yet.
        """
        batch = (
            select(MemoryRow)
            .where(*in_space(space), *within(MemoryRow, scope), MemoryRow.state != MemoryState.DELETED)
            .where(*(() if where is None else passing(where)))
            .order_by(col(MemoryRow.ordinal))
            .limit(BATCH)
            .with_for_update()
        )

        def drop(session: Session) -> tuple[int, int]:
            require_space(session, space)
            # The turns first: a compression that committed before this has them, and its memories are seen below.
            closed = (
                close_scope(session, space, scope) if where is None else close_waiting(session, space, scope, where)
            )
            memories, turns = 0, set[TurnRef]()
            while rows := session.exec(batch).all():
                gone = self._drop(session, space, rows, actor=actor, whole=False)
                memories += gone.count
                turns |= gone.turns
                session.flush()
                session.expunge_all()
            if where is not None:
                memories += self._close(session, space, turns, actor=actor)
            return memories, closed

        deleted = await self._db.write(drop)
        self._db.work.deferred()
        return deleted

    def _drop(
        self, session: Session, space: SpaceKey, rows: Sequence[MemoryRow], *, actor: str, whole: bool
    ) -> Deleted:
        now, delay = self._clock(), self._consolidate_after
        return delete_memories(session, space, rows, actor=actor, whole=whole, now=now, delay=delay)

    def _close(self, session: Session, space: SpaceKey, turns: Collection[TurnRef], *, actor: str) -> int:
        return close_behind(session, space, turns, actor=actor, now=self._clock(), delay=self._consolidate_after)

    async def history(self, space: SpaceKey, memory_id: str, *, limit: int, cursor: str | None = None) -> Page[Change]:
        """List a memory's changes, oldest first, deleted memories included. Raises NotFound."""
        query = (
            select(ChangeRow)
            .where(*_changes_of(space), ChangeRow.memory_id == memory_id)
            .order_by(col(ChangeRow.sequence))
            .limit(limit + 1)
        )
        if cursor is not None:
            query = query.where(ChangeRow.sequence > number_at(cursor))

        def load(session: Session) -> Page[Change]:
            known = session.exec(select(MemoryRow.ordinal).where(*in_space(space), MemoryRow.id == memory_id)).first()
            if known is None:
                raise NotFound(f"memory {memory_id!r} does not exist")
            return page_of(session.exec(query).all(), limit, change_of, lambda row: (row.sequence,))

        return await self._db.read(load)

    async def changes(self, space: SpaceKey, scope: Scope, *, after: int, limit: int) -> tuple[list[Change], int]:
        """Return changes with a sequence above `after`, in order, and the sequence up to which the log was read."""

        def load(session: Session) -> tuple[list[Change], int]:
            last = require_space(session, space).change_sequence
            rows = session.exec(
                select(ChangeRow)
                .where(*_changes_of(space), *within(ChangeRow, scope))
                .where(ChangeRow.sequence > after, ChangeRow.sequence <= last)
                .order_by(col(ChangeRow.sequence))
                .limit(limit)
            ).all()
            read = rows[-1].sequence if len(rows) == limit else max(last, after)
            return [change_of(row) for row in rows], read

        return await self._db.read(load)

    async def last_sequence(self, space: SpaceKey) -> int:
        """Return the newest sequence of the space's change log, 0 when empty. Raises NotFound for the space."""
        return await self._db.read(lambda session: require_space(session, space).change_sequence)


def _lexical_text(row: tuple[int | None, str, str, Sequence[Any]]) -> LexicalText:
    _, memory_id, own, neighbours = row
    return LexicalText(memory_id, searched_text(own, neighbours_of(neighbours)))


def _settle(session: Session, space: SpaceKey, outcome: TurnOutcome) -> None:
    session.exec(
        update(TurnRow)
        .where(
            col(TurnRow.tenant) == space.tenant,
            col(TurnRow.space) == space.space,
            col(TurnRow.scope_key) == outcome.ref.scope.key,
            col(TurnRow.turn_id) == outcome.ref.turn_id,
            col(TurnRow.disposition) == Disposition.PENDING,
        )
        .values(disposition=outcome.disposition.value, reason=outcome.reason)
        .execution_options(synchronize_session=False)
    )


def _edited(before: Memory, wanted: Memory, now: datetime) -> Memory:
    called_back = wanted.pinned and before.state is MemoryState.RETIRED
    return replace(
        before,
        state=MemoryState.ACTIVE if called_back else before.state,
        pinned=wanted.pinned,
        conflicts_with=() if _is_corrected(before, wanted) else before.conflicts_with,
        text=wanted.text,
        spans=wanted.spans,
        additions=wanted.additions,
        dense_text=wanted.dense_text,
        lexical_text=wanted.lexical_text,
        neighbours=wanted.neighbours,
        token_count=wanted.token_count,
        symbolic=wanted.symbolic,
        compressor=wanted.compressor,
        metadata=wanted.metadata,
        valid_from=wanted.valid_from,
        valid_to=wanted.valid_to,
        salience=wanted.salience,
        update_time=now,
        version=before.version + 1,
    )


def _is_corrected(before: Memory, after: Memory) -> bool:
    """Whether a change is one of what the memory says."""
    return (before.text, before.symbolic, before.valid_from, before.valid_to) != (
        after.text,
        after.symbolic,
        after.valid_from,
        after.valid_to,
    )


def _changes_of(space: SpaceKey) -> tuple[bool, bool]:
    return ChangeRow.tenant == space.tenant, ChangeRow.space == space.space

"""What consolidation reads, and how what it decided is applied: in one transaction, or dropped where it is outdated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, tuple_, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from memsvc.consolidation.decisions import ASK_AGAIN, Action, Consolidation, Decision
from memsvc.storage.cascade import CONSOLIDATION, withdraw_abstracts
from memsvc.storage.changelog import append_changes
from memsvc.storage.cursors import number_at, page_of
from memsvc.storage.database import Database
from memsvc.storage.enqueue import defer_consolidation
from memsvc.storage.leases import require_held
from memsvc.storage.memory_query import in_space, owned_by, within
from memsvc.storage.memory_writes import defer_index, insert_new, is_withdrawn, rewrite, touch
from memsvc.storage.rows import memory_of
from memsvc.storage.spaces import require_space
from memsvc.storage.tables import JobRow, MemoryOriginRow, MemoryRow
from memsvc.types import (
    ChangeKind,
    Job,
    JobKind,
    JobState,
    JobSummary,
    Memory,
    MemoryKind,
    MemoryState,
    Page,
    Scope,
    SpaceKey,
    utc_now,
)

BATCH = 500
_CONFLICT_MOVED = "A memory that it contradicted was superseded."


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a consolidation."""

    changed: tuple[str, ...]
    """Ids of the memories that are due for the index."""
    marked_count: int
    """Fresh memories that are not fresh any longer."""
    summary: JobSummary


class SqlConsolidationLog:
    """Implements `jobs.consolidation.ConsolidationLog`."""

    def __init__(self, db: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._db = db
        self._clock = clock

    async def owners(self, space: SpaceKey, scope: Scope) -> list[Scope]:
        """Users and agents within `scope` that have fresh memories. Raises NotFound for the space."""
        query = (
            select(MemoryRow.user_id, MemoryRow.agent_id)
            .where(*in_space(space), *_fresh(), *within(MemoryRow, scope.owner))
            .distinct()
            .order_by(col(MemoryRow.user_id), col(MemoryRow.agent_id))
        )

        def load(session: Session) -> list[Scope]:
            require_space(session, space)
            return [Scope(*row) for row in session.exec(query)]

        return await self._db.read(load)

    async def unconsolidated(
        self, space: SpaceKey, owner: Scope, *, limit: int, cursor: str | None = None
    ) -> Page[Memory]:
        """List the owner's ACTIVE memories whose version was not examined yet, the first created first."""
        query = (
            select(MemoryRow)
            .where(*in_space(space), *owned_by(owner), *_fresh())
            .order_by(col(MemoryRow.ordinal))
            .limit(limit + 1)
        )
        if cursor is not None:
            query = query.where(col(MemoryRow.ordinal) > number_at(cursor))

        def load(session: Session) -> Page[Memory]:
            return page_of(session.exec(query).all(), limit, memory_of, lambda row: (row.ordinal or 0,))

        return await self._db.read(load)

    async def active(self, space: SpaceKey, owner: Scope, memory_ids: Sequence[str]) -> list[Memory]:
        """Return those of the memories that are ACTIVE and the owner's, by event time."""

        def load(session: Session) -> list[Memory]:
            return [
                memory_of(row)
                for start in range(0, len(memory_ids), BATCH)
                for row in session.exec(
                    select(MemoryRow)
                    .where(*in_space(space), *owned_by(owner), MemoryRow.state == MemoryState.ACTIVE)
                    .where(col(MemoryRow.id).in_(memory_ids[start : start + BATCH]))
                )
            ]

        return sorted(await self._db.read(load), key=lambda memory: (memory.event_time, memory.id))

    async def above(self, space: SpaceKey, owner: Scope, memory_ids: Sequence[str]) -> list[str]:
        """Return ids of the owner's ACTIVE episodes and themes that stand above any of the memories."""

        def load(session: Session) -> list[str]:
            found: dict[str, None] = {}
            level = list(memory_ids)
            while level:
                new = [
                    id_
                    for start in range(0, len(level), BATCH)
                    for id_ in session.exec(_abstracts(space, owner, level[start : start + BATCH]))
                ]
                level = [id_ for id_ in dict.fromkeys(new) if id_ not in found]
                found |= dict.fromkeys(level)
            return list(found)

        return await self._db.read(load)

    async def rival(self, job: Job, owner: Scope) -> str | None:
        """Return the id of a job that consolidates the owner's memories now and was queued before `job`, or None."""
        mine = select(JobRow.ordinal).where(JobRow.id == job.id).scalar_subquery()
        query = (
            select(JobRow)
            .where(JobRow.tenant == job.space.tenant, JobRow.space == job.space.space)
            .where(JobRow.kind == JobKind.CONSOLIDATE, JobRow.state == JobState.RUNNING, col(JobRow.ordinal) < mine)
            .order_by(col(JobRow.ordinal))
        )
        return await self._db.read(
            lambda session: next((row.id for row in session.exec(query) if _covers(row.payload, owner)), None)
        )

    async def consolidate(
        self, space: SpaceKey, job: Job, owner: Scope, read: Sequence[Memory], consolidation: Consolidation
    ) -> Applied:
        """Apply the decisions in order, mark what was examined and defer an INDEX job, in one transaction.

        `read` is what was decided on. A decision about a memory that was changed since, or is not ACTIVE any longer, is
        dropped and its memories stay fresh. One whose result a caller deleted is dropped for good. What waits for
        somebody who is away is looked at again after `ASK_AGAIN`.

        Raises:
            LeaseLost: `job.lease_owner` no longer holds the job; nothing was written.
            ValueError: a result is not the owner's.
        """

        def apply(session: Session) -> Applied:
            require_held(session, job)
            named = {id_ for decision in consolidation.decisions for id_ in (*decision.memory_ids, decision.winner)}
            now, rows = self._clock(), _unchanged(session, space, owner, read, named)
            changes = _Changes(session, space, owner, now, rows, frozenset(consolidation.waiting))
            for decision in consolidation.decisions:
                changes.apply(decision)
            if consolidation.waiting:
                defer_consolidation(session, space, [owner], now=now, delay=ASK_AGAIN)
            return changes.finish(read, consolidation.examined)

        applied = await self._db.write(apply)
        self._db.work.deferred()
        return applied


def _abstracts(space: SpaceKey, owner: Scope, origins: Sequence[str]) -> SelectOfScalar[str]:
    made = select(MemoryOriginRow.ordinal).where(col(MemoryOriginRow.origin_id).in_(origins))
    return select(MemoryRow.id).where(
        *in_space(space),
        *owned_by(owner),
        MemoryRow.state == MemoryState.ACTIVE,
        MemoryRow.kind != MemoryKind.STATEMENT,
        col(MemoryRow.ordinal).in_(made),
    )


def _covers(payload: Mapping[str, Any], owner: Scope) -> bool:
    """Whether a CONSOLIDATE job of this payload works on the owner's memories."""
    if "owner" in payload:
        return Scope(*payload["owner"]) == owner
    user_id, agent_id = payload["scope"]
    return user_id in ("", owner.user_id) and agent_id in ("", owner.agent_id)


def _fresh() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(MemoryRow.state) == MemoryState.ACTIVE, col(MemoryRow.consolidated_version) != col(MemoryRow.version)


def _unchanged(
    session: Session, space: SpaceKey, owner: Scope, read: Sequence[Memory], named: Iterable[str]
) -> dict[str, MemoryRow]:
    """The rows of the named memories that are as they were read, locked."""
    versions = {memory.id: memory.version for memory in read}
    wanted = sorted(set(named) & versions.keys())
    rows = session.exec(
        select(MemoryRow)
        .where(*in_space(space), *owned_by(owner), MemoryRow.state == MemoryState.ACTIVE)
        .where(col(MemoryRow.id).in_(wanted))
        .order_by(col(MemoryRow.ordinal))
        .with_for_update()
    )
    return {row.id: row for row in rows if row.version == versions[row.id]}


@dataclass(slots=True)
class _Changes:
    """The transaction's work: `rows` are the memories that decisions may still name, `waiting` what stays fresh."""

    session: Session
    space: SpaceKey
    owner: Scope
    now: datetime
    rows: dict[str, MemoryRow]
    waiting: frozenset[str]
    summary: JobSummary = field(default_factory=JobSummary)
    merged: dict[str, str] = field(default_factory=dict)
    due: dict[str, None] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    outdated: set[str] = field(default_factory=set)

    def apply(self, decision: Decision) -> None:
        """Carry out one decision, or drop it whole."""
        ids = tuple(dict.fromkeys(self._current(id_) for id_ in decision.memory_ids))
        winner = self._current(decision.winner)
        rows = [self.rows[id_] for id_ in ids if id_ in self.rows and self.rows[id_].state == MemoryState.ACTIVE]
        if len(rows) < len(ids) or (winner and winner not in self.rows):
            self.dropped.update(decision.memory_ids)
            return
        match decision.action:
            case Action.MERGE | Action.ABSTRACT:
                self._make(decision, rows)
            case Action.SUPERSEDE:
                self._supersede_by(self.rows[winner], [row for row in rows if row.id != winner], decision)
            case Action.CONFLICT:
                self._flag(rows, decision.reason)
            case Action.RETIRE:
                self._retire([row for row in rows if not row.pinned], decision.reason)

    def finish(self, read: Sequence[Memory], examined: Sequence[str]) -> Applied:
        """Mark what was examined and queue the index's share."""
        versions = {memory.id: memory.version for memory in read}
        done = [id_ for id_ in examined if id_ in versions and id_ not in self.dropped]
        self.session.flush()
        marked = 0
        for start in range(0, len(done), BATCH):
            some = done[start : start + BATCH]
            as_read = tuple_(MemoryRow.id, MemoryRow.version).in_([(id_, versions[id_]) for id_ in some])
            mine = col(MemoryRow.id).in_([id_ for id_ in some if id_ in self.rows])
            result = self.session.exec(
                update(MemoryRow)
                .where(*in_space(self.space), *owned_by(self.owner), col(MemoryRow.id).in_(some), as_read | mine)
                .values(consolidated_version=MemoryRow.version)
                .execution_options(synchronize_session=False)
            )
            marked += int(result.rowcount)
        self.session.expire_all()  # the marks were set past the rows that the session holds
        if self.due:
            defer_index(self.session, self.space, list(self.due), self.now)
        if self.outdated:
            withdraw_abstracts(self.session, self.space, self.outdated, now=self.now, delay=None)
        return Applied(tuple(self.due), marked, replace(self.summary, examined_count=marked))

    def _current(self, memory_id: str) -> str:
        """The id of what a memory was merged into by an earlier decision, or its own."""
        while memory_id in self.merged:
            memory_id = self.merged[memory_id]
        return memory_id

    def _make(self, decision: Decision, rows: Sequence[MemoryRow]) -> None:
        merging = decision.action is Action.MERGE
        if merging and len(rows) < 2:
            return  # an earlier decision merged them already
        made = None if decision.result is None else self._write(decision.result, rows, decision, merging=merging)
        if made is None:
            return  # a caller deleted it, or it is there already
        if not merging:
            self._count(abstracted_count=1, created_count=1)
            return
        inputs = [row for row in rows if row.id != made.id]
        self._end(inputs, made, decision.reason)
        self._move_conflicts(inputs, made)
        self.merged |= {row.id: made.id for row in inputs}
        self._count(merged_count=len(inputs), created_count=1)

    def _write(
        self, result: Memory, rows: Sequence[MemoryRow], decision: Decision, *, merging: bool
    ) -> MemoryRow | None:
        """Write a result, unless its id is taken by a memory that is served or that a caller deleted."""
        if result.scope.owner != self.owner:
            raise ValueError(f"the result {result.id} is of another user or agent than its memories")
        result = replace(result, derived_from=tuple(row.id for row in rows))
        if merging:
            pinned = result.pinned or any(row.pinned for row in rows)
            conflicts = {other for row in rows for other in row.conflicts_with} - {row.id for row in rows}
            result = replace(result, pinned=pinned, conflicts_with=tuple(sorted(conflicts)))
        row = self._row(result.id)
        if row is None:
            insert_new(self.session, self.space, [result], actor=CONSOLIDATION, now=self.now, reason=decision.reason)
            row = self._row(result.id)
        elif is_withdrawn(row):
            before, created, version = row.text, row.create_time, row.version + 1
            rewrite(self.session, row, replace(result, create_time=created, update_time=self.now, version=version))
            self._log(ChangeKind.UPDATED, [(memory_of(row), before)], decision.reason)
        else:
            return None
        if row is None:
            raise AssertionError("a memory that was just written is there")
        if row.id not in self.waiting:
            row.consolidated_version = row.version
        self.rows[row.id] = row
        self.due[row.id] = None
        return row

    def _supersede_by(self, winner: MemoryRow, rows: Sequence[MemoryRow], decision: Decision) -> None:
        for row in rows:
            if decision.valid_to is not None and (row.valid_from is None or row.valid_from < decision.valid_to):
                row.valid_to = decision.valid_to
        self._end(rows, winner, decision.reason)
        self._move_conflicts(rows, None)
        self.outdated |= {row.id for row in rows}
        self._count(superseded_count=len(rows))

    def _end(self, rows: Sequence[MemoryRow], successor: MemoryRow, reason: str) -> None:
        for row in rows:
            row.state = MemoryState.SUPERSEDED.value
            row.superseded_by, row.supersede_time = successor.id, successor.event_time
            touch(row, self.now)
            self.due[row.id] = None
        self._log(ChangeKind.SUPERSEDED, [(memory_of(row), row.text) for row in rows], reason)

    def _flag(self, rows: Sequence[MemoryRow], reason: str) -> None:
        ids = [row.id for row in rows]
        flagged = []
        for row in rows:
            new = [id_ for id_ in ids if id_ != row.id and id_ not in row.conflicts_with]
            if new:
                row.conflicts_with = [*row.conflicts_with, *new]
                touch(row, self.now, indexed=True)
                flagged.append(row)
        self._log(ChangeKind.UPDATED, [(memory_of(row), row.text) for row in flagged], reason)
        self._count(conflict_count=len(flagged))

    def _move_conflicts(self, ended: Sequence[MemoryRow], successor: MemoryRow | None) -> None:
        """Let what contradicted memories that ended contradict their successor, if there is one, and else nothing."""
        gone = {row.id for row in ended}
        heirs = set() if successor is None else {successor.id}
        for id_ in sorted({other for row in ended for other in row.conflicts_with} - gone - heirs):
            other = self._row(id_)
            if other is not None and other.state != MemoryState.DELETED:
                kept = [id_ for id_ in other.conflicts_with if id_ not in gone]
                other.conflicts_with = [*kept, *sorted(heirs - set(kept))]
                touch(other, self.now, indexed=True)
                self.session.add(other)
                self._log(ChangeKind.UPDATED, [(memory_of(other), other.text)], _CONFLICT_MOVED)

    def _retire(self, rows: Sequence[MemoryRow], reason: str) -> None:
        for row in rows:
            row.state = MemoryState.RETIRED.value
            touch(row, self.now)
            self.due[row.id] = None
        self._log(ChangeKind.RETIRED, [(memory_of(row), row.text) for row in rows], reason)
        self._count(retired_count=len(rows))

    def _row(self, memory_id: str) -> MemoryRow | None:
        query = select(MemoryRow).where(*in_space(self.space), MemoryRow.id == memory_id)
        return self.session.exec(query.with_for_update()).first()

    def _log(self, kind: ChangeKind, changed: Sequence[tuple[Memory, str]], reason: str) -> None:
        append_changes(self.session, self.space, kind, changed, actor=CONSOLIDATION, now=self.now, reason=reason)

    def _count(self, **counts: int) -> None:
        added = {name: getattr(self.summary, name) + count for name, count in counts.items()}
        self.summary = replace(self.summary, **added)

"""Which job is next: the most urgent class, in it the tenant with the least under way, of it the spaces in turn.

All of it is read from the jobs themselves, so no counter can be wrong. A claim costs one step of a loose index scan for
each tenant that waits, however many jobs it has queued.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, exists, func, literal_column, tuple_, union_all
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from memsvc.storage.tables import JobRow
from memsvc.types import JobKind, JobState

# Partial indexes are used only where the statement names the state itself, not a parameter.
QUEUED: ColumnElement[str] = literal_column(f"'{JobState.QUEUED.value}'")
RUNNING: ColumnElement[str] = literal_column(f"'{JobState.RUNNING.value}'")
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Line:
    """The due jobs of one tenant, class and kind, as they stand in the index."""

    priority: int
    tenant: str
    kind: JobKind
    head: tuple[datetime, int]
    """When its first job became due, and the job's ordinal."""
    served: datetime
    """When a worker last took up a job of it."""


def next_job(session: Session, kinds: Sequence[JobKind], now: datetime, *, idle_tenants: bool) -> JobRow | None:
    """Return the job to take up next, its row locked; None when none of `kinds` is due and free.

    `idle_tenants` leaves out tenants of which a job of these kinds is running.
    """
    if not idle_tenants and (expired := session.exec(_expired(kinds, now)).first()):
        return expired
    for line in _in_turn(session, kinds, now, idle_tenants=idle_tenants):
        for query in _of(line, now):
            if row := session.exec(query).first():
                return row
    return None


def _expired(kinds: Sequence[JobKind], now: datetime) -> SelectOfScalar[JobRow]:
    """Jobs whose worker has been silent for longer than its lease."""
    return (
        select(JobRow)
        .where(col(JobRow.state) == RUNNING, col(JobRow.kind).in_(kinds), col(JobRow.lease_until) < now)
        .order_by(col(JobRow.lease_until))
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _in_turn(session: Session, kinds: Sequence[JobKind], now: datetime, *, idle_tenants: bool) -> Iterator[_Line]:
    """Lines with a due job: by class, then the tenant with the fewest running jobs, then the one served longest ago.

    Running jobs count by class, so what consolidates for a tenant holds up none of its turns.
    """
    running: dict[tuple[int, str], int] = {
        (priority, tenant): count
        for priority, tenant, count in session.exec(
            select(JobRow.priority, JobRow.tenant, func.count())
            .where(col(JobRow.state) == RUNNING, col(JobRow.kind).in_(kinds))
            .group_by(col(JobRow.priority), col(JobRow.tenant))
        )
    }
    tenants: defaultdict[tuple[int, str], list[_Line]] = defaultdict(list)
    for line in _lines(session, kinds, now):
        if not (idle_tenants and running.get((line.priority, line.tenant))):
            tenants[line.priority, line.tenant].append(line)

    def turn(tenant: tuple[int, str]) -> tuple[int, int, datetime, tuple[datetime, int]]:
        lines = tenants[tenant]
        served, head = max(line.served for line in lines), min(line.head for line in lines)
        return tenant[0], running.get(tenant, 0), served, head

    for tenant in sorted(tenants, key=turn):
        yield from sorted(tenants[tenant], key=lambda line: line.head)


def _lines(session: Session, kinds: Sequence[JobKind], now: datetime) -> Iterator[_Line]:
    heads = union_all(*(select(_heads(kind).c.ordinal) for kind in kinds)).subquery()
    started = aliased(JobRow)
    served = (
        select(started.start_time)
        .where(
            col(started.kind) == col(JobRow.kind),
            col(started.priority) == col(JobRow.priority),
            col(started.tenant) == col(JobRow.tenant),
            col(started.start_time).is_not(None),
        )
        .order_by(col(started.start_time).desc())
        .limit(1)
        .correlate(JobRow)
        .scalar_subquery()
    )
    rows = session.exec(
        select(JobRow.priority, JobRow.tenant, JobRow.kind, JobRow.run_at, JobRow.ordinal, served)  # type: ignore[call-overload]
        .join(heads, heads.c.ordinal == JobRow.ordinal)
        .where(col(JobRow.run_at) <= now)
    )
    for priority, tenant, kind, run_at, ordinal, last in rows:
        yield _Line(priority, tenant, JobKind(kind), (run_at, ordinal), last or NEVER)


def _heads(kind: JobKind) -> CTE:
    """The queued job of each class and tenant that is due first: a loose scan of `ix_jobs_line`, a step for each."""
    first, here, after = aliased(JobRow), aliased(JobRow), aliased(JobRow)
    start = _first(select(first.ordinal), first, kind).subquery()  # SQLite takes no LIMIT inside a UNION
    heads = select(start.c.ordinal).cte(f"heads_{kind.value}", recursive=True)
    beyond = tuple_(after.priority, after.tenant) > tuple_(here.priority, here.tenant)
    following = _first(select(after.ordinal).where(beyond), after, kind).correlate(here).scalar_subquery()
    return heads.union_all(select(following).select_from(heads).join(here, col(here.ordinal) == heads.c.ordinal))


def _first(query: SelectOfScalar[Any], row: type[JobRow], kind: JobKind) -> SelectOfScalar[Any]:
    return (
        query.where(col(row.state) == QUEUED, col(row.kind) == kind)
        .order_by(col(row.priority), col(row.tenant), col(row.run_at), col(row.ordinal))
        .limit(1)
    )


def _of(line: _Line, now: datetime) -> Iterator[SelectOfScalar[JobRow]]:
    """The line's first free job of the spaces after the one served last, then of all spaces from the beginning."""
    due = (
        select(JobRow)
        .where(
            col(JobRow.state) == QUEUED,
            col(JobRow.kind) == line.kind,
            col(JobRow.priority) == line.priority,
            col(JobRow.tenant) == line.tenant,
            col(JobRow.run_at) <= now,
            ~_is_locked(),
        )
        .order_by(col(JobRow.space), col(JobRow.run_at), col(JobRow.ordinal))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if line.served is not NEVER:
        started = aliased(JobRow)
        last = (
            select(started.space)
            .where(
                col(started.kind) == line.kind,
                col(started.priority) == line.priority,
                col(started.tenant) == line.tenant,
                col(started.start_time) == line.served,
            )
            .limit(1)
            .scalar_subquery()
        )
        yield due.where(col(JobRow.space) > last)
    yield due


def _is_locked() -> ColumnElement[bool]:
    other = aliased(JobRow)
    return exists().where(
        col(other.tenant) == col(JobRow.tenant),
        col(other.space) == col(JobRow.space),
        col(other.lock) == col(JobRow.lock),
        col(other.state) == RUNNING,
    )

"""Which job is next: the most urgent class, in it the tenant with the least under way, of it the spaces in turn.

All of it is read from the jobs themselves, so no counter can be wrong. A claim costs one step of a loose index scan for
each tenant that waits, however many jobs it has queued.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from sqlalchemy import ColumnElement, TextClause, TextualSelect, bindparam, exists, func, literal_column, text
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from memsvc.storage.columns import UtcDateTime
from memsvc.storage.tables import BACKFILL, JobRow
from memsvc.types import JobKind, JobState

# Partial indexes are used only where the statement names the state itself, not a parameter.
QUEUED: ColumnElement[str] = literal_column(f"'{JobState.QUEUED.value}'")
RUNNING: ColumnElement[str] = literal_column(f"'{JobState.RUNNING.value}'")
SPACES = 8
"""Spaces of a tenant that are looked into before any of its jobs will do."""
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
    space: str | None
    """The space which that job was of."""


def next_job(session: Session, kinds: Sequence[JobKind], now: datetime, *, idle_tenants: bool) -> JobRow | None:
    """Return the job to take up next, its row locked; None when none of `kinds` is due and free.

    `idle_tenants` leaves out what nobody waits for, and tenants of which a job of these kinds is running that somebody
    waits for.
    """
    if not idle_tenants and (expired := session.exec(_expired(kinds, now)).first()):
        return expired
    for line in _in_turn(session, kinds, now, idle_tenants=idle_tenants):
        if row := _of(session, line, now):
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

    A class waits for as long as jobs of a more urgent one are due, whoever's they are. Running jobs count by class, so
    what consolidates or is filled in for a tenant holds up none of its turns.
    """
    # PostgreSQL takes milliseconds to plan the scan of a kind, mostly for nothing: few kinds have jobs at once.
    queued = tuple(JobKind(kind) for (kind,) in session.execute(_queued_of(tuple(kinds))))
    if not queued:
        return
    running: dict[tuple[int, str], int] = {
        (priority, tenant): count
        for priority, tenant, count in session.exec(
            select(JobRow.priority, JobRow.tenant, func.count())
            .where(col(JobRow.state) == RUNNING, col(JobRow.kind).in_(kinds))
            .group_by(col(JobRow.priority), col(JobRow.tenant))
        )
    }
    tenants: defaultdict[tuple[int, str], list[_Line]] = defaultdict(list)
    for line in _lines(session, queued, now):
        if not (idle_tenants and (line.priority >= BACKFILL or running.get((line.priority, line.tenant)))):
            tenants[line.priority, line.tenant].append(line)

    def turn(tenant: tuple[int, str]) -> tuple[int, int, datetime, tuple[datetime, int]]:
        lines = tenants[tenant]
        served, head = max(line.served for line in lines), min(line.head for line in lines)
        return tenant[0], running.get(tenant, 0), served, head

    for tenant in sorted(tenants, key=turn):
        yield from sorted(tenants[tenant], key=lambda line: line.head)


def _lines(session: Session, kinds: tuple[JobKind, ...], now: datetime) -> Iterator[_Line]:
    for row in session.execute(_lines_of(kinds), {"now": now}):
        yield _Line(
            row.priority, row.tenant, JobKind(row.kind), (row.run_at, row.ordinal), row.served or NEVER, row.space
        )


@cache
def _queued_of(kinds: tuple[JobKind, ...]) -> TextClause:
    """Those of `kinds` of which there is a queued job."""
    return text(
        " UNION ALL ".join(f"SELECT '{kind.value}' WHERE EXISTS ({_FIRST.format(kind=kind.value)})" for kind in kinds)
    )


@cache
def _lines_of(kinds: tuple[JobKind, ...]) -> TextualSelect:
    """Every line's first job, found by a loose scan of `ix_jobs_line`: a step for each line, whatever its length."""
    heads = ", ".join(f"{kind.value}_heads (ordinal) AS ({_HEADS.format(kind=kind.value)})" for kind in kinds)
    every = " UNION ALL ".join(f"SELECT ordinal FROM {kind.value}_heads" for kind in kinds)  # noqa: S608 - our own names
    return (
        text(f"WITH RECURSIVE {heads} {_LINES.format(heads=every)}")
        .bindparams(bindparam("now", type_=UtcDateTime))
        .columns(run_at=UtcDateTime, served=UtcDateTime)
    )


# Joins would do, but PostgreSQL plans them for many rows: a scan of the whole table for each step.
_FIRST = "SELECT ordinal FROM jobs WHERE state = 'queued' AND kind = '{kind}'"
_HERE = "(SELECT {column} FROM jobs WHERE ordinal = head.ordinal)"
_PRIORITY, _TENANT = _HERE.format(column="priority"), _HERE.format(column="tenant")
_HEADS = f"""
    SELECT ordinal FROM ({_FIRST} ORDER BY priority, tenant, run_at, ordinal LIMIT 1) AS first
    UNION ALL
    SELECT COALESCE(
        ({_FIRST} AND priority = {_PRIORITY} AND tenant > {_TENANT} ORDER BY tenant, run_at, ordinal LIMIT 1),
        ({_FIRST} AND priority > {_PRIORITY} ORDER BY priority, tenant, run_at, ordinal LIMIT 1)
    )
    FROM {{kind}}_heads AS head WHERE head.ordinal IS NOT NULL
"""  # noqa: S608 - nothing of a caller's
_SERVED = """
    SELECT {column} FROM jobs AS started
    WHERE started.kind = head.kind AND started.priority = head.priority AND started.tenant = head.tenant
        AND started.start_time IS NOT NULL
    ORDER BY started.start_time DESC LIMIT 1
"""
_LINES = f"""
    SELECT priority, tenant, kind, run_at, head.ordinal,
        ({_SERVED.format(column="start_time")}) AS served, ({_SERVED.format(column="space")}) AS space
    FROM ({{heads}}) AS heads JOIN jobs AS head ON head.ordinal = heads.ordinal
    WHERE head.run_at <= :now
"""  # noqa: S608 - nothing of a caller's


def _of(session: Session, line: _Line, now: datetime) -> JobRow | None:
    """The line's first free job: of the space after the one served last, or one of the next, or of any."""
    queued = (
        col(JobRow.state) == QUEUED,
        col(JobRow.kind) == line.kind,
        col(JobRow.priority) == line.priority,
        col(JobRow.tenant) == line.tenant,
    )
    free = (
        select(JobRow)
        .where(*queued, col(JobRow.run_at) <= now, ~_is_locked())
        .order_by(col(JobRow.run_at), col(JobRow.ordinal))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    first = select(JobRow.space).where(*queued).order_by(col(JobRow.space)).limit(1)
    space, seen = line.space, set[str]()
    while len(seen) < SPACES:
        beyond = first.where(col(JobRow.space) > space) if space else first
        space = session.exec(select(func.coalesce(beyond.scalar_subquery(), first.scalar_subquery()))).one()
        if space is None or space in seen:
            return None
        seen.add(space)
        if row := session.exec(free.where(col(JobRow.space) == space)).first():
            return row
    return session.exec(free).first()


def _is_locked() -> ColumnElement[bool]:
    other = aliased(JobRow)
    return exists().where(
        col(other.tenant) == col(JobRow.tenant),
        col(other.space) == col(JobRow.space),
        col(other.lock) == col(JobRow.lock),
        col(other.state) == RUNNING,
    )

"""Jobs written in the transaction of whatever caused them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from memsvc.storage.clock import fleet_time
from memsvc.storage.rows import digest
from memsvc.storage.tables import BACKFILL, URGENT, JobRow
from memsvc.types import JobKind, JobState, Priority, Scope, SpaceKey

INDEX_LOCK = "index"
REINDEX_LOCK = "reindex"
_OF_KIND = {JobKind.REWRITE: BACKFILL, JobKind.CONSOLIDATE: 10}
_OF_INGEST = {Priority.INTERACTIVE: URGENT, Priority.BACKFILL: BACKFILL}


def enqueue(
    session: Session,
    space: SpaceKey,
    kind: JobKind,
    payload: Mapping[str, Any],
    *,
    lock: str,
    now: datetime,
    delay: timedelta = timedelta(0),
    priority: int | None = None,
) -> str:
    """Join the QUEUED job of the same space, kind, lock and payload, or write one due after `delay`; return its id.

    The most urgent one is joined, and made as urgent as `priority`, which is by default that of the kind. It stays
    locked until the transaction ends, so no worker can take it up before what it is for is committed.
    """
    payload_digest = digest(payload)
    priority = _OF_KIND.get(kind, URGENT) if priority is None else priority
    found = session.exec(
        select(JobRow.id, JobRow.priority)
        .where(
            *_with_lock(space, kind, lock),
            JobRow.state == JobState.QUEUED,
            JobRow.payload_digest == payload_digest,
        )
        # Ordered by bare columns, a tenant's whole queue would be read along an index that has them in this order.
        .order_by(col(JobRow.priority) + 0, col(JobRow.ordinal))
        .limit(1)
        .with_for_update()
    ).first()
    if found is not None:
        job_id, joined = found
        if joined > priority:
            session.exec(update(JobRow).where(col(JobRow.id) == job_id).values(priority=priority))
        return job_id
    # A server whose clock is ahead must not put its jobs off.
    due = min(now, fleet_time(session, lambda: now)) + delay
    job = JobRow(
        id=str(uuid.uuid4()),
        tenant=space.tenant,
        space=space.space,
        kind=kind.value,
        lock=lock,
        payload=dict(payload),
        payload_digest=payload_digest,
        priority=priority,
        state=JobState.QUEUED.value,
        run_at=due,
        create_time=now,
    )
    session.add(job)
    session.flush()
    return job.id


def defer_consolidation(
    session: Session, space: SpaceKey, scopes: Iterable[Scope], *, now: datetime, delay: timedelta | None
) -> None:
    """Queue one CONSOLIDATE job for every user and agent of the scopes; it joins the one that waits. None: never."""
    if delay is None:
        return
    for owner in sorted({scope.owner for scope in scopes}, key=lambda owner: owner.key):
        payload = {"owner": [owner.user_id, owner.agent_id]}
        enqueue(session, space, JobKind.CONSOLIDATE, payload, lock=consolidation_lock(owner), now=now, delay=delay)


def consolidation_lock(owner: Scope) -> str:
    """The lock of whatever consolidates the memories of a user and agent."""
    return f"consolidate:{owner.key}"


def priority_of(priority: Priority) -> int:
    """The `priority` of jobs that compress what came in with this one."""
    return _OF_INGEST[priority]


def active(session: Session, space: SpaceKey, kind: JobKind, lock: str, *, priority: int) -> str | None:
    """Return the job that is queued or running for a lock and at least so urgent, the queued one if both, or None."""
    return session.exec(
        select(JobRow.id)
        .where(
            *_with_lock(space, kind, lock),
            col(JobRow.state).in_([JobState.QUEUED, JobState.RUNNING]),
            col(JobRow.priority) <= priority,
        )
        .order_by(col(JobRow.state), col(JobRow.ordinal))
        .limit(1)
    ).first()


def _with_lock(space: SpaceKey, kind: JobKind, lock: str) -> tuple[bool, ...]:
    return (
        JobRow.tenant == space.tenant,
        JobRow.space == space.space,
        JobRow.kind == kind,
        JobRow.lock == lock,
    )

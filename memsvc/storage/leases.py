"""The check that a job is still its worker's, made in the transaction that depends on it."""

from __future__ import annotations

from sqlmodel import Session, select

from memsvc.errors import LeaseLost
from memsvc.storage.tables import JobRow
from memsvc.types import Job, JobState


def held_row(session: Session, job: Job) -> JobRow | None:
    """Return and lock the job's row while this very attempt holds it; None when it does not."""
    return session.exec(
        select(JobRow)
        .where(
            JobRow.tenant == job.space.tenant,
            JobRow.space == job.space.space,
            JobRow.id == job.id,
            JobRow.state == JobState.RUNNING,
            JobRow.lease_owner == job.lease_owner,
            JobRow.attempt == job.attempt,
        )
        .with_for_update()
    ).first()


def require_held(session: Session, job: Job) -> JobRow:
    """As `held_row`. Raises LeaseLost when the job was handed on, cancelled or ended."""
    row = held_row(session, job)
    if row is None:
        raise LeaseLost(f"job {job.id} is no longer held", metadata={"job_id": job.id})
    return row

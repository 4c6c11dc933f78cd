"""The job queue in SQL: jobs are leased, and the partial unique index on running jobs keeps locks exclusive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Delete, delete, tuple_
from sqlmodel import Session, col, select

from memsvc.errors import FailedPrecondition, NotFound, Reason
from memsvc.jobs.claiming import next_job
from memsvc.storage.clock import fleet_time
from memsvc.storage.cursors import number_at, page_of
from memsvc.storage.database import Database
from memsvc.storage.enqueue import enqueue
from memsvc.storage.leases import held_row, require_held
from memsvc.storage.requests import answered, remember
from memsvc.storage.rows import dump_error, dump_summary, job_of
from memsvc.storage.spaces import require_space
from memsvc.storage.tables import JobRow, RequestRow
from memsvc.types import IngestRequestId, Job, JobError, JobKind, JobState, JobSummary, Page, SpaceKey, utc_now

PURGE_BATCH = 1_000
DEFER = "jobs.defer"


class SqlJobQueue:
    """Implements `ports.JobQueue`.

    Leases and due times are measured by the database's clock where it has one, so the clocks of servers and workers
    need not agree; or by `clock`.
    """

    def __init__(self, db: Database, clock: Callable[[], datetime] | None = None) -> None:
        self._db = db
        self._clock = clock

    def _now(self, session: Session) -> datetime:
        return self._clock() if self._clock else fleet_time(session, utc_now)

    async def defer(
        self,
        space: SpaceKey,
        kind: JobKind,
        payload: dict[str, object],
        *,
        lock: str,
        request: IngestRequestId | None = None,
    ) -> str:
        """Queue a job and return its id; joins a QUEUED job of the same space, kind, lock and payload.

        Raises:
            NotFound: SPACE_NOT_FOUND.
            Conflict: REQUEST_ID_CONFLICT.
        """

        def defer(session: Session) -> str:
            require_space(session, space)
            response = answered(session, space, DEFER, request)
            if response is not None:
                return str(response["job_id"])
            now = self._now(session)
            job_id = enqueue(session, space, kind, payload, lock=lock, now=now)
            remember(session, space, DEFER, request, {"job_id": job_id}, now)
            return job_id

        job_id = await self._db.write(defer)
        self._db.work.deferred()
        return job_id

    async def claim(
        self, owner: str, kinds: Sequence[JobKind], *, lease_seconds: float, idle_tenants: bool = False
    ) -> Job | None:
        """Lease the job whose turn it is (`claiming.next_job`), raising its attempt; None when there is none."""
        notices = self._db.work.notices

        def claim(session: Session) -> Job | None:
            now = self._now(session)
            row = next_job(session, kinds, now, idle_tenants=idle_tenants)
            if row is None:
                return None
            row.state = JobState.RUNNING.value
            row.attempt += 1
            row.progress = 0.0
            row.lease_owner = owner
            row.lease_until = now + timedelta(seconds=lease_seconds)
            row.start_time = now
            session.add(row)
            return job_of(row)

        job = await self._claimed(asyncio.ensure_future(self._db.write(claim)))
        if job is None:
            self._db.work.found_none(notices)
        return job

    async def _claimed(self, claim: asyncio.Future[Job | None]) -> Job | None:
        """Await a claim; when cancelled meanwhile, give back what it got rather than let the lease run out."""
        try:
            return await asyncio.shield(claim)
        except asyncio.CancelledError:
            if job := await claim:
                await self.release(job)
            raise

    async def heartbeat(self, job: Job, *, lease_seconds: float, progress: float | None = None) -> bool:
        """Extend the lease; False when it was lost or the job was cancelled."""

        def extend(session: Session) -> bool:
            row = held_row(session, job)
            if row is None:
                return False
            row.lease_until = self._now(session) + timedelta(seconds=lease_seconds)
            row.progress = row.progress if progress is None else progress
            session.add(row)
            return True

        return await self._db.write(extend)

    async def succeed(self, job: Job, summary: JobSummary) -> None:
        """End a job well. Raises LeaseLost."""

        def succeed(session: Session) -> None:
            row = require_held(session, job)
            row.summary = dump_summary(summary)
            row.error = None
            row.progress = 1.0
            _end(session, row, JobState.SUCCEEDED, self._now(session))

        await self._db.write(succeed)
        self._db.work.notify()  # the lock is free

    async def fail(self, job: Job, error: JobError, *, retry_in: float | None, counted: bool = True) -> None:
        """Record a failed attempt: due again in `retry_in` seconds, or FAILED for good when None.

        `counted` False takes the attempt back: the job waits for a part that is down. Raises LeaseLost.
        """

        def fail(session: Session) -> None:
            now = self._now(session)
            row = require_held(session, job)
            row.error = dump_error(error)
            row.attempt -= 0 if counted else 1
            if retry_in is None:
                _end(session, row, JobState.FAILED, now)
            else:
                _requeue(session, row, now + timedelta(seconds=retry_in))

        await self._db.write(fail)
        self._db.work.notify()

    async def give_way(self, job: Job, summary: JobSummary) -> None:
        """Queue a job that got on but is not done behind what is due by now; its attempts count afresh.

        Raises LeaseLost.
        """

        def give_way(session: Session) -> None:
            row = require_held(session, job)
            row.summary = dump_summary(summary)
            row.error = None
            row.attempt = 0
            _requeue(session, row, self._now(session))

        await self._db.write(give_way)
        self._db.work.notify()

    async def release(self, job: Job) -> None:
        """Give an unfinished job back, due at once, its attempt not counted; nothing if it is no longer held."""

        def release(session: Session) -> None:
            row = held_row(session, job)
            if row is not None:
                row.attempt -= 1
                _requeue(session, row, self._now(session))

        await self._db.write(release)
        self._db.work.notify()

    async def cancel(self, space: SpaceKey, job_id: str) -> Job:
        """Cancel a job that has not ended; one that has stays as it is. Raises NotFound OPERATION_NOT_FOUND."""

        def cancel(session: Session) -> Job:
            row = _require(session, space, job_id, lock=True)
            if not JobState(row.state).ended:
                _end(session, row, JobState.CANCELLED, self._now(session))
            return job_of(row)

        job = await self._db.write(cancel)
        self._db.work.notify()
        return job

    async def retry(self, space: SpaceKey, job_id: str) -> Job:
        """Queue a FAILED job again, due at once, its attempts counted afresh; its error stays until one succeeds.

        Raises NotFound OPERATION_NOT_FOUND, FailedPrecondition OPERATION_NOT_FAILED.
        """

        def retry(session: Session) -> Job:
            row = _require_failed(session, space, job_id)
            row.attempt, row.progress, row.end_time = 0, 0.0, None
            _requeue(session, row, self._now(session))
            return job_of(row)

        job = await self._db.write(retry)
        self._db.work.deferred()
        return job

    async def drop(self, space: SpaceKey, job_id: str) -> None:
        """Forget a FAILED job; what it was to do stays undone. Raises as `retry`."""

        def drop(session: Session) -> None:
            session.delete(_require_failed(session, space, job_id))

        await self._db.write(drop)

    async def get(self, space: SpaceKey, job_id: str) -> Job:
        """Return one job. Raises NotFound OPERATION_NOT_FOUND."""
        return await self._db.read(lambda session: job_of(_require(session, space, job_id)))

    async def page(
        self, space: SpaceKey, states: Sequence[JobState], *, limit: int, cursor: str | None = None
    ) -> Page[Job]:
        """List jobs, newest first. Raises NotFound for the space."""
        query = (
            select(JobRow)
            .where(JobRow.tenant == space.tenant, JobRow.space == space.space)
            .order_by(col(JobRow.ordinal).desc())
            .limit(limit + 1)
        )
        if states:
            query = query.where(col(JobRow.state).in_(states))
        if cursor is not None:
            query = query.where(col(JobRow.ordinal) < number_at(cursor))

        def load(session: Session) -> Page[Job]:
            require_space(session, space)
            return page_of(session.exec(query).all(), limit, job_of, lambda row: (row.ordinal or 0,))

        return await self._db.read(load)

    async def purge(self, before: datetime) -> int:
        """Forget jobs that succeeded or were cancelled before then, and answers to request ids; return how many.

        Answers go first: none is left that names a job which is gone. FAILED jobs stay, for operators.
        """
        answer = (col(RequestRow.tenant), col(RequestRow.space), col(RequestRow.method), col(RequestRow.request_id))
        old_answers = select(*answer).where(col(RequestRow.create_time) < before).limit(PURGE_BATCH)
        old_jobs = (
            select(JobRow.ordinal)
            .where(col(JobRow.state).in_([JobState.SUCCEEDED, JobState.CANCELLED]), col(JobRow.end_time) < before)
            .limit(PURGE_BATCH)
        )
        return await self._purge(delete(RequestRow).where(tuple_(*answer).in_(old_answers))) + await self._purge(
            delete(JobRow).where(col(JobRow.ordinal).in_(old_jobs))
        )

    async def _purge(self, some: Delete) -> int:
        """Delete batch by batch, so that no other write waits for long."""
        total = 0
        while count := await self._db.write(
            lambda session: int(session.exec(some.execution_options(synchronize_session=False)).rowcount)
        ):
            total += count
        return total

    async def wait_for_work(self, timeout: float) -> None:
        """Return when a job may have become due, at the latest after `timeout` seconds.

        What other processes defer is known where `storage.notices` runs; retries are seen at the timeout only.
        """
        await self._db.work.wait(timeout)


def _require(session: Session, space: SpaceKey, job_id: str, *, lock: bool = False) -> JobRow:
    query = select(JobRow).where(JobRow.tenant == space.tenant, JobRow.space == space.space, JobRow.id == job_id)
    row = session.exec(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(f"operation {job_id!r} does not exist", reason=Reason.OPERATION_NOT_FOUND)
    return row


def _require_failed(session: Session, space: SpaceKey, job_id: str) -> JobRow:
    row = _require(session, space, job_id, lock=True)
    if JobState(row.state) is not JobState.FAILED:
        raise FailedPrecondition(
            f"operation {job_id!r} has not failed: {row.state}",
            reason=Reason.OPERATION_NOT_FAILED,
            metadata={"operation": job_id, "state": row.state},
        )
    return row


def _requeue(session: Session, row: JobRow, run_at: datetime) -> None:
    row.state = JobState.QUEUED.value
    row.run_at = run_at
    row.lease_owner, row.lease_until = "", None
    session.add(row)


def _end(session: Session, row: JobRow, state: JobState, now: datetime) -> None:
    row.state = state.value
    row.end_time = now
    row.lease_owner, row.lease_until = "", None
    session.add(row)

"""The worker: claims jobs, keeps their leases alive, and settles how each attempt ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from memsvc.errors import LeaseLost, MemsvcError, Reason, Unavailable
from memsvc.jobs.giving_way import Unfinished
from memsvc.jobs.handlers import Handler
from memsvc.ports import JobQueue
from memsvc.types import Job, JobError, JobKind, utc_now

log = structlog.get_logger(__name__)

PROMPT = (JobKind.COMPRESS, JobKind.INDEX)
"""What callers wait for."""
LEASE_SECONDS = 30.0
IDLE_SECONDS = 2.0
WAIT_SECONDS = 3.0
MAX_ATTEMPTS = 8
"""Attempts that may fail with an error of the job's own."""
MAX_CLAIMS = 25
"""Attempts in all: those whose worker died say little about the job, unless there are many."""
MAX_BACKOFF_SECONDS = 60.0
RETENTION = timedelta(days=7)
"""How long ended jobs and the answers to request ids are kept."""
PURGE_SECONDS = 3600.0


def backoff(attempt: int) -> float:
    """Seconds until the next attempt: 0.5 · 2^attempt, at most 60, with full jitter over its upper half."""
    ceiling = min(MAX_BACKOFF_SECONDS, 0.5 * 2.0 ** min(attempt, 16))
    return ceiling * (0.5 + random.random() / 2)  # noqa: S311 - jitter is no secret


class Worker:
    """Runs up to `concurrency` jobs at once until it is stopped, and one more of a tenant that has none under way.

    The one more is of what callers wait for: neither a tenant whose jobs fill every slot nor a backfill must make the
    others wait until one of them ends.

    An attempt that fails because a part is down (`Unavailable`) is repeated for as long as it takes. Any other
    failure is repeated up to `MAX_ATTEMPTS` times; then the job is dead-lettered with its reason. A worker that dies
    leaves its lease to expire, which counts as an attempt too; a job that outlives `MAX_CLAIMS` of them is taken to be
    what kills its workers, and dead-lettered as well.
    """

    def __init__(
        self,
        queue: JobQueue,
        handlers: Mapping[JobKind, Handler],
        *,
        concurrency: int,
        lease_seconds: float = LEASE_SECONDS,
        heartbeat_seconds: float = LEASE_SECONDS / 3,
        wait_seconds: float = WAIT_SECONDS,
        backoff: Callable[[int], float] = backoff,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._queue = queue
        self._handlers = handlers
        self._concurrency = concurrency
        self._lease_seconds = lease_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._wait_seconds = wait_seconds
        self._backoff = backoff
        self._clock = clock
        self._owner = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._claiming = asyncio.Lock()
        """One claim at a time, so that each sees what the slots beside it hold."""
        self._stopping = asyncio.Event()
        self._slots: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to claim jobs."""
        if not self._concurrency:
            return
        self._slots = [
            asyncio.create_task(self._slot(f"{self._owner}/{n}", tuple(self._handlers)))
            for n in range(self._concurrency)
        ]
        if prompt := tuple(kind for kind in PROMPT if kind in self._handlers):
            self._slots.append(asyncio.create_task(self._slot(f"{self._owner}/idle", prompt, idle_tenants=True)))
        self._slots.append(asyncio.create_task(self._forget(), name="worker-retention"))

    async def stop(self, grace: float) -> None:
        """Claim nothing more; give running jobs `grace` seconds to end, then hand them back unfinished."""
        self._stopping.set()
        if not self._slots:
            return
        _, running = await asyncio.wait(self._slots, timeout=grace)
        for task in running:
            task.cancel()
        await asyncio.gather(*self._slots, return_exceptions=True)

    async def _forget(self) -> None:
        """Now and every hour, forget what ended longer than `RETENTION` ago."""
        while not self._stopping.is_set():
            try:
                count = await self._queue.purge(self._clock() - RETENTION)
                log.debug("worker.purged", count=count)
            except MemsvcError as error:
                log.warning("worker.purge_failed", reason=error.reason, message=error.message)
            await self._pause(PURGE_SECONDS)

    async def _slot(self, owner: str, kinds: Sequence[JobKind], *, idle_tenants: bool = False) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                async with self._claiming:
                    job = await self._queue.claim(
                        owner, kinds, lease_seconds=self._lease_seconds, idle_tenants=idle_tenants
                    )
                if job is not None and self._stopping.is_set():  # meanwhile
                    await self._queue.release(job)
                    return
            except MemsvcError as error:
                failures += 1
                log.warning("worker.claim_failed", reason=error.reason, message=error.message)
                await self._pause(self._backoff(failures))
                continue
            failures = 0
            if job is None:
                await self._idle()
            else:
                await self._run(job)

    async def _idle(self) -> None:
        wait = asyncio.create_task(self._queue.wait_for_work(IDLE_SECONDS))
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((wait, stop), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (wait, stop):
                task.cancel()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _run(self, job: Job) -> None:
        with structlog.contextvars.bound_contextvars(job=job.id, kind=job.kind, attempt=job.attempt):
            try:
                await self._attempt(job)
            except LeaseLost:
                log.warning("job.lease_lost")
            except MemsvcError as error:
                # The queue itself could not be reached; the lease expires and the job is taken up again.
                log.warning("job.unsettled", reason=error.reason, message=error.message)

    async def _attempt(self, job: Job) -> None:
        if job.attempt > MAX_CLAIMS:
            await self._dead_letter(job, job.error or JobError(Reason.LEASE_LOST, "its workers died"))
            return
        work = asyncio.create_task(self._work(job))
        beat = asyncio.create_task(self._heartbeat(job, work))
        try:
            await work
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                await self._queue.release(job)
                raise
            log.info("job.stopped")  # by the heartbeat: cancelled by a caller, or the lease is gone
        finally:
            beat.cancel()

    async def _work(self, job: Job) -> None:
        async def progress(fraction: float) -> None:
            await self._queue.heartbeat(job, lease_seconds=self._lease_seconds, progress=fraction)

        try:
            done = await self._handlers[job.kind](job, progress)
        except LeaseLost:
            raise
        except Unavailable as error:
            log.warning("job.waiting", reason=error.reason, message=error.message)
            wait = max(error.retry_after, self._wait_seconds * (0.5 + random.random()))  # noqa: S311 - jitter is no secret
            await self._queue.fail(job, JobError(error.reason, error.message), retry_in=wait, counted=False)
        except MemsvcError as error:
            await self._failed(job, JobError(error.reason, error.message))
        except Exception as error:
            log.exception("job.crashed")
            await self._failed(job, JobError(Reason.INTERNAL, type(error).__name__))
        else:
            if isinstance(done, Unfinished):
                await self._queue.give_way(job, done.summary)
                log.info("job.gave_way", turns=done.summary.turn_count)
            else:
                await self._queue.succeed(job, done)
                log.info("job.succeeded", turns=done.turn_count, created=done.created_count)

    async def _failed(self, job: Job, error: JobError) -> None:
        if job.attempt >= MAX_ATTEMPTS:
            await self._dead_letter(job, error)
            return
        log.warning("job.retrying", reason=error.reason, message=error.message)
        await self._queue.fail(job, error, retry_in=self._backoff(job.attempt))

    async def _dead_letter(self, job: Job, error: JobError) -> None:
        log.error("job.dead_lettered", reason=error.reason, message=error.message)
        await self._queue.fail(job, error, retry_in=None)

    async def _heartbeat(self, job: Job, work: asyncio.Task[None]) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            try:
                held = await self._queue.heartbeat(job, lease_seconds=self._lease_seconds)
            except MemsvcError as error:
                log.warning("job.heartbeat_failed", reason=error.reason)
                continue
            if not held:
                work.cancel()
                return

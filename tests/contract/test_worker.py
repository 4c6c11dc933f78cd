"""The worker over the real queue: how every kind of attempt ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from memsvc.errors import Corrupt, Reason, Unavailable
from memsvc.jobs.handlers import Progress
from memsvc.jobs.queue import SqlJobQueue
from memsvc.jobs.worker import MAX_ATTEMPTS, MAX_BACKOFF_SECONDS, MAX_CLAIMS, RETENTION, Worker, backoff
from memsvc.types import Job, JobError, JobKind, JobState, JobSummary
from support.storage import SPACE, turn

if TYPE_CHECKING:
    from contract.conftest import Stores

SECONDS = 30.0
"""Longer than anything here takes; only a failing test waits for it."""

Handle = Callable[[Job, Progress], Awaitable[JobSummary]]


class Queue(SqlJobQueue):
    """The queue, which tells when a lease was renewed, whether it was still held, and what was forgotten.

    While `may_beat` is clear no lease is renewed.
    """

    def __init__(self, stores: Stores) -> None:
        super().__init__(stores.database, stores.clock)
        self.may_beat = asyncio.Event()
        self.may_beat.set()
        self.beats: asyncio.Queue[bool] = asyncio.Queue()
        self.purged: asyncio.Queue[int] = asyncio.Queue()

    async def heartbeat(self, job: Job, *, lease_seconds: float, progress: float | None = None) -> bool:
        await self.may_beat.wait()
        held = await super().heartbeat(job, lease_seconds=lease_seconds, progress=progress)
        self.beats.put_nowait(held)
        return held

    async def purge(self, before: datetime) -> int:
        count = await super().purge(before)
        self.purged.put_nowait(count)
        return count


@asynccontextmanager
async def working(stores: Stores, handle: Handle, **options: Any) -> AsyncIterator[Worker]:
    settings: dict[str, Any] = {"concurrency": 1, "backoff": lambda attempt: 0.0, "clock": stores.clock, **options}
    worker = Worker(settings.pop("queue", stores.jobs), {JobKind.INDEX: handle}, **settings)
    worker.start()
    try:
        yield worker
    finally:
        await worker.stop(0.0)


async def _defer(stores: Stores, lock: str = "a") -> str:
    return await stores.jobs.defer(SPACE, JobKind.INDEX, {"memory_ids": ["1"]}, lock=lock)


async def _until(stores: Stores, job_id: str, wanted: Callable[[Job], bool]) -> Job:
    async with asyncio.timeout(SECONDS):
        while True:
            job = await stores.jobs.get(SPACE, job_id)
            if wanted(job):
                return job
            await asyncio.sleep(0.005)


async def _ended(stores: Stores, job_id: str) -> Job:
    return await _until(stores, job_id, lambda job: job.state.ended)


async def test_a_job_that_is_done_succeeds_with_its_summary(stores: Stores) -> None:
    async def handle(job: Job, progress: Progress) -> JobSummary:
        await progress(0.5)
        return JobSummary(indexed_count=3)

    job_id = await _defer(stores)
    async with working(stores, handle):
        job = await _ended(stores, job_id)
    assert (job.state, job.summary, job.attempt) == (JobState.SUCCEEDED, JobSummary(indexed_count=3), 1)


async def test_a_failed_attempt_is_repeated_after_its_backoff(stores: Stores) -> None:
    waits: list[int] = []

    async def handle(job: Job, progress: Progress) -> JobSummary:
        if job.attempt < 4:
            raise Corrupt("damaged")
        assert job.error == JobError(Reason.CHECKSUM_MISMATCH, "damaged")
        return JobSummary()

    def wait(attempt: int) -> float:
        waits.append(attempt)
        return 0.0

    job_id = await _defer(stores)
    async with working(stores, handle, backoff=wait):
        job = await _ended(stores, job_id)
    assert (job.state, job.attempt, job.error, waits) == (JobState.SUCCEEDED, 4, None, [1, 2, 3])


def test_backoff_grows_to_its_ceiling() -> None:
    for attempt in range(1, 200):
        ceiling = min(MAX_BACKOFF_SECONDS, 0.5 * 2 ** min(attempt, 16))
        assert ceiling / 2 <= backoff(attempt) <= ceiling


async def test_waiting_for_a_part_that_is_down_costs_no_attempts(stores: Stores) -> None:
    tries = 0

    async def handle(job: Job, progress: Progress) -> JobSummary:
        nonlocal tries
        tries += 1
        if tries <= 2 * MAX_ATTEMPTS:
            raise Unavailable("down", reason=Reason.EMBEDDER_UNAVAILABLE, retry_after=0.0)
        return JobSummary()

    job_id = await _defer(stores)
    async with working(stores, handle, wait_seconds=0.0):
        job = await _ended(stores, job_id)
    assert (job.state, job.attempt, tries) == (JobState.SUCCEEDED, 1, 2 * MAX_ATTEMPTS + 1)


async def test_a_job_waits_as_long_as_the_part_asks(stores: Stores) -> None:
    async def handle(job: Job, progress: Progress) -> JobSummary:
        raise Unavailable("down", reason=Reason.INDEX_UNAVAILABLE, retry_after=60.0)

    job_id = await _defer(stores)
    async with working(stores, handle):
        job = await _until(stores, job_id, lambda job: job.error is not None)
    assert (job.state, job.attempt, job.error) == (
        JobState.QUEUED,
        0,
        JobError(Reason.INDEX_UNAVAILABLE, "down"),
    )
    stores.clock.advance(59)
    assert await stores.jobs.claim("w", list(JobKind), lease_seconds=30) is None
    stores.clock.advance(1)
    assert await stores.jobs.claim("w", list(JobKind), lease_seconds=30) is not None


async def test_a_bug_ends_in_the_dead_letter_state_and_tells_nothing_of_the_content(stores: Stores) -> None:
    attempts: list[int] = []

    async def handle(job: Job, progress: Progress) -> JobSummary:
        attempts.append(job.attempt)
        raise KeyError("what Ana said")

    job_id, other = await _defer(stores), await _defer(stores, "b")
    async with working(stores, handle):
        job = await _ended(stores, job_id)
        assert (await _ended(stores, other)).state is JobState.FAILED
    assert (job.state, job.error) == (JobState.FAILED, JobError(Reason.INTERNAL, "KeyError"))
    assert sorted(attempts) == sorted([*range(1, MAX_ATTEMPTS + 1)] * 2)


async def test_a_job_whose_workers_died_is_dead_lettered(stores: Stores) -> None:
    job_id = await _defer(stores)
    for _ in range(MAX_CLAIMS):
        assert await stores.jobs.claim("dies", list(JobKind), lease_seconds=30) is not None
        stores.clock.advance(31)

    async def handle(job: Job, progress: Progress) -> JobSummary:
        raise AssertionError("it killed enough workers")

    async with working(stores, handle):
        job = await _ended(stores, job_id)
    assert (job.state, job.error) == (JobState.FAILED, JobError(Reason.LEASE_LOST, "its workers died"))


async def test_a_long_job_keeps_its_lease(stores: Stores) -> None:
    queue = Queue(stores)

    async def handle(job: Job, progress: Progress) -> JobSummary:
        for _ in range(4):
            while not queue.beats.empty():
                queue.beats.get_nowait()
            stores.clock.advance(25)
            await queue.beats.get()  # it may have begun before the clock moved; the next one has not
            assert await queue.beats.get()
            assert await stores.jobs.claim("thief", list(JobKind), lease_seconds=30) is None
        return JobSummary()

    job_id = await _defer(stores)
    async with working(stores, handle, queue=queue, heartbeat_seconds=0.01):
        job = await _ended(stores, job_id)
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 1)


async def test_a_lost_lease_stops_the_job_and_writes_nothing(stores: Stores) -> None:
    stopped = asyncio.Event()
    queue = Queue(stores)
    queue.may_beat.clear()  # a renewal under way would keep the heir out

    async def handle(job: Job, progress: Progress) -> JobSummary:
        stores.clock.advance(31)
        heir = await stores.jobs.claim("heir", list(JobKind), lease_seconds=30)
        assert heir is not None
        queue.may_beat.set()
        try:
            await asyncio.sleep(SECONDS)
        finally:
            stopped.set()
        return JobSummary()

    job_id = await _defer(stores)
    async with working(stores, handle, queue=queue, heartbeat_seconds=0.01):
        await asyncio.wait_for(stopped.wait(), SECONDS)
    job = await stores.jobs.get(SPACE, job_id)
    assert (job.state, job.attempt, job.lease_owner, job.error) == (JobState.RUNNING, 2, "heir", None)


async def test_a_result_that_comes_after_the_lease_was_lost_is_not_recorded(stores: Stores) -> None:
    done = asyncio.Event()

    async def handle(job: Job, progress: Progress) -> JobSummary:
        stores.clock.advance(31)
        assert await stores.jobs.claim("heir", list(JobKind), lease_seconds=30) is not None
        done.set()
        return JobSummary()

    job_id = await _defer(stores)
    async with working(stores, handle) as worker:
        await asyncio.wait_for(done.wait(), SECONDS)
        await worker.stop(SECONDS)
    job = await stores.jobs.get(SPACE, job_id)
    assert (job.state, job.lease_owner, job.summary) == (JobState.RUNNING, "heir", None)


async def test_a_callers_cancel_stops_a_running_job_and_the_worker_goes_on(stores: Stores) -> None:
    started, stopped = asyncio.Event(), asyncio.Event()

    async def handle(job: Job, progress: Progress) -> JobSummary:
        if job.id != first:
            return JobSummary()
        started.set()
        try:
            await asyncio.sleep(SECONDS)
        finally:
            stopped.set()
        return JobSummary()

    first = await _defer(stores)
    async with working(stores, handle, heartbeat_seconds=0.01):
        await asyncio.wait_for(started.wait(), SECONDS)
        await stores.jobs.cancel(SPACE, first)
        await asyncio.wait_for(stopped.wait(), SECONDS)
        assert (await _ended(stores, await _defer(stores, "b"))).state is JobState.SUCCEEDED
    assert (await stores.jobs.get(SPACE, first)).state is JobState.CANCELLED


async def test_stopping_hands_unfinished_jobs_back_uncounted(stores: Stores) -> None:
    started = asyncio.Queue[str]()

    async def handle(job: Job, progress: Progress) -> JobSummary:
        started.put_nowait(job.id)
        await asyncio.sleep(SECONDS)
        return JobSummary()

    ids = {await _defer(stores), await _defer(stores, "b")}
    async with working(stores, handle, concurrency=2) as worker:
        assert {await started.get(), await started.get()} == ids
        await worker.stop(0.05)
    for job_id in ids:
        job = await stores.jobs.get(SPACE, job_id)
        assert (job.state, job.attempt, job.lease_owner) == (JobState.QUEUED, 0, "")


async def test_stopping_lets_a_job_end_within_the_grace(stores: Stores) -> None:
    started, may_end = asyncio.Event(), asyncio.Event()

    async def handle(job: Job, progress: Progress) -> JobSummary:
        started.set()
        await may_end.wait()
        return JobSummary()

    job_id, next_id = await _defer(stores), await _defer(stores, "b")
    async with working(stores, handle) as worker:
        await started.wait()
        stopping = asyncio.create_task(worker.stop(SECONDS))
        await asyncio.sleep(0)
        may_end.set()
        await stopping
    assert (await stores.jobs.get(SPACE, job_id)).state is JobState.SUCCEEDED
    assert (await stores.jobs.get(SPACE, next_id)).state is JobState.QUEUED


async def test_a_worker_forgets_what_ended_long_ago(stores: Stores) -> None:
    async def handle(job: Job, progress: Progress) -> JobSummary:
        return JobSummary()

    old = (await stores.turns.accept(SPACE, [turn(1)])).job_id
    await stores.jobs.cancel(SPACE, old)
    stores.clock.advance((RETENTION + timedelta(seconds=1)).total_seconds())
    recent = await stores.jobs.cancel(SPACE, await _defer(stores))
    queue = Queue(stores)
    async with working(stores, handle, queue=queue):
        assert await asyncio.wait_for(queue.purged.get(), SECONDS) == 1
    assert (await stores.jobs.page(SPACE, (), limit=9)).items == (recent,)


@pytest.mark.parametrize("concurrency", [0, 3])
async def test_stopping_an_idle_worker_is_quick(stores: Stores, concurrency: int) -> None:
    async def handle(job: Job, progress: Progress) -> JobSummary:
        return JobSummary()

    async with asyncio.timeout(SECONDS), working(stores, handle, concurrency=concurrency) as worker:
        await asyncio.sleep(0.05)
        await worker.stop(SECONDS * 10)

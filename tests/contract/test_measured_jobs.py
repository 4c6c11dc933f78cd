"""What the metrics learn of jobs, from a real queue on each kind of database."""

import asyncio

import pytest

from memsvc import metrics
from memsvc.errors import NotFound, Reason, Unavailable
from memsvc.jobs.handlers import Progress
from memsvc.jobs.measured import MeasuredHandler
from memsvc.jobs.queue import SqlJobQueue
from memsvc.storage import backlog
from memsvc.storage.database import Database
from memsvc.storage.spaces import SqlSpaceStore
from memsvc.storage.turns import SqlTurnLog
from memsvc.types import Job, JobError, JobKind, JobState, JobSummary, Priority, SpaceKey
from support.storage import turn

SPACE = SpaceKey("acme", "main")


async def progress(fraction: float) -> None:
    """Nobody listens."""


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "done"),
        (Unavailable("down"), "waiting"),
        (NotFound("gone", reason=Reason.SPACE_NOT_FOUND), "failed"),
        (ValueError("a fault"), "failed"),
        (asyncio.CancelledError(), "stopped"),
    ],
)
async def test_every_attempt_ends_in_one_outcome(database: Database, error: BaseException | None, outcome: str) -> None:
    async def handle(job: Job, report: Progress) -> JobSummary:
        if error:
            raise error
        return JobSummary()

    job = await deferred(database)
    before = value("memsvc_jobs_total", kind="index", outcome=outcome)
    runs = value("memsvc_job_run_seconds_count", kind="index")
    waits = value("memsvc_job_wait_seconds_count", kind="index", urgency="urgent")
    attempt = asyncio.ensure_future(MeasuredHandler(handle)(job, progress))
    await asyncio.wait((attempt,))
    assert value("memsvc_jobs_total", kind="index", outcome=outcome) == before + 1
    assert value("memsvc_job_run_seconds_count", kind="index") == runs + 1
    assert value("memsvc_job_wait_seconds_count", kind="index", urgency="urgent") == waits + 1
    assert attempt.cancelled() or attempt.exception() is error


async def test_the_waits_of_a_backfill_are_counted_apart(database: Database) -> None:
    async def handle(job: Job, report: Progress) -> JobSummary:
        return JobSummary()

    await SqlSpaceStore(database).create(SPACE, "")
    await SqlTurnLog(database).accept(SPACE, [turn(1)], priority=Priority.BACKFILL)
    job = await SqlJobQueue(database).claim("tester", [JobKind.COMPRESS], lease_seconds=60)
    assert job is not None
    before = [value("memsvc_job_wait_seconds_count", kind="compress", urgency=u) for u in ("urgent", "background")]
    await MeasuredHandler(handle)(job, progress)
    after = [value("memsvc_job_wait_seconds_count", kind="compress", urgency=u) for u in ("urgent", "background")]
    assert after == [before[0], before[1] + 1]


async def test_the_backlog_is_counted_by_kind_state_and_urgency(database: Database) -> None:
    queue = SqlJobQueue(database)
    job = await deferred(database)
    await queue.defer(SPACE, JobKind.INDEX, {"memory_ids": ["b"]}, lock="b")
    await queue.defer(SPACE, JobKind.CONSOLIDATE, {"scope": ["", ""]}, lock="c")
    counts = await backlog.count(database)
    assert counts[JobKind.INDEX, JobState.RUNNING, True] == counts[JobKind.INDEX, JobState.QUEUED, True] == 1
    assert counts[JobKind.CONSOLIDATE, JobState.QUEUED, False] == 1
    assert sum(counts.values()) == 3
    assert counts[JobKind.COMPRESS, JobState.QUEUED, True] == 0
    await queue.fail(job, JobError(Reason.INTERNAL, "poison"), retry_in=None)
    assert (await backlog.count(database))[JobKind.INDEX, JobState.FAILED, True] == 1


async def deferred(database: Database) -> Job:
    queue = SqlJobQueue(database)
    await SqlSpaceStore(database).create(SPACE, "")
    await queue.defer(SPACE, JobKind.INDEX, {"memory_ids": ["a"]}, lock="a")
    job = await queue.claim("tester", [JobKind.INDEX], lease_seconds=60)
    assert job is not None
    return job


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0

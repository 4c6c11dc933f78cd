"""Servers and workers whose clocks differ by minutes, over one PostgreSQL."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from memsvc.errors import Conflict
from memsvc.jobs import queue as queue_module
from memsvc.jobs.queue import SqlJobQueue
from memsvc.jobs.worker import Worker
from memsvc.storage import requests
from memsvc.storage import turns as turns_module
from memsvc.storage.database import Database
from memsvc.storage.keys import SqlKeyStore
from memsvc.storage.turns import SqlTurnLog
from memsvc.types import Accepted, IngestRequestId, Job, JobKind, JobState, JobSummary, utc_now
from support.postgres import PostgresServer
from support.storage import SCOPE, SPACE, make_tenants, turn

ALL = list(JobKind)


def ahead(minutes: float) -> Callable[[], datetime]:
    return lambda: utc_now() + timedelta(minutes=minutes)


@pytest_asyncio.fixture
async def shared(postgres: PostgresServer) -> AsyncIterator[Database]:
    name = postgres.create()
    database = Database(postgres.url(name))
    await make_tenants(SqlKeyStore(database))
    yield database
    await database.close()
    postgres.drop(name)


@pytest.mark.parametrize("minutes", [10, -10])
async def test_a_lease_holds_whatever_the_time_is_on_the_other_machine(
    shared: Database, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    mine, other = SqlJobQueue(shared), SqlJobQueue(shared)
    await mine.defer(SPACE, JobKind.INDEX, {"memory_ids": ["1"]}, lock="a")
    held = await mine.claim("mine", ALL, lease_seconds=30)
    assert held is not None
    monkeypatch.setattr(queue_module, "utc_now", ahead(minutes))
    assert await other.claim("other", ALL, lease_seconds=30) is None
    assert await mine.heartbeat(held, lease_seconds=30)
    assert await other.claim("other", ALL, lease_seconds=30) is None


@pytest.mark.parametrize("minutes", [10, -10])
async def test_turns_of_a_server_whose_clock_is_wrong_are_due_at_once(shared: Database, minutes: int) -> None:
    await SqlTurnLog(shared, ahead(minutes)).accept(SPACE, [turn(1)])
    job = await SqlJobQueue(shared).claim("worker", ALL, lease_seconds=30)
    assert job is not None
    assert job.payload["scope"] == [SCOPE.user_id, SCOPE.agent_id, SCOPE.session_id]


async def test_a_dead_workers_job_is_handed_on_whatever_its_clock_said(
    shared: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = SqlJobQueue(shared)
    await queue.defer(SPACE, JobKind.INDEX, {"memory_ids": ["1"]}, lock="a")
    with monkeypatch.context() as skewed:
        skewed.setattr(queue_module, "utc_now", ahead(60))
        dead = await queue.claim("dead", ALL, lease_seconds=0.0)
    assert dead is not None
    heir = await queue.claim("heir", ALL, lease_seconds=30)
    assert heir is not None
    assert (heir.id, heir.attempt) == (dead.id, 2)


async def test_two_workers_with_different_clocks_run_each_job_once(
    shared: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocks = iter((ahead(7), ahead(-7)) * 1000)
    monkeypatch.setattr(queue_module, "utc_now", lambda: next(clocks)())
    runs: Counter[str] = Counter()
    all_ran = asyncio.Event()

    async def run(job: Job, _: object) -> JobSummary:
        runs[job.id] += 1
        if len(runs) == len(ids):
            all_ran.set()
        await asyncio.sleep(0)
        return JobSummary()

    queue = SqlJobQueue(shared)
    ids = [await queue.defer(SPACE, JobKind.INDEX, {"memory_ids": [str(n)]}, lock=f"l{n}") for n in range(20)]
    workers = [Worker(SqlJobQueue(shared), {JobKind.INDEX: run}, concurrency=2) for _ in range(2)]
    for worker in workers:
        worker.start()
    await all_ran.wait()
    for worker in workers:
        await worker.stop(5.0)
    assert runs == Counter(ids)
    assert {(await queue.get(SPACE, job_id)).state for job_id in ids} == {JobState.SUCCEEDED}


async def test_a_repeat_that_meets_its_first_try_is_answered_as_that_was(
    shared: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both try to set the time of a turn that has none, each by its own clock."""
    request = IngestRequestId("5b3d6f0e-0000-4000-8000-000000000000", "digest")
    log, loop = SqlTurnLog(shared), asyncio.get_running_loop()
    first: list[Accepted] = []

    def answered_just_before(*args: Any) -> dict[str, Any] | None:
        found = requests.answered(*args)
        if not first:  # commits the first try between what the repeat reads of the request and of the turns
            monkeypatch.setattr(turns_module, "answered", requests.answered)
            trying = asyncio.run_coroutine_threadsafe(log.accept(SPACE, [turn(1)], request=request), loop)
            first.append(trying.result(30))
        return found

    monkeypatch.setattr(turns_module, "answered", answered_just_before)
    later = replace(turn(1), event_time=turn(1).event_time + timedelta(seconds=1))
    assert await log.accept(SPACE, [later], request=request) == first[0]
    assert len((await log.page(SPACE, SCOPE, (), limit=10)).items) == 1
    with pytest.raises(Conflict):
        await log.accept(SPACE, [later], request=replace(request, id="5b3d6f0e-0000-4000-8000-000000000001"))

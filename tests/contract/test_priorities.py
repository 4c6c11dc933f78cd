"""What callers wait for comes before backfills, and a session that somebody talks in is no backfill any longer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from memsvc.jobs.handlers import Progress
from memsvc.jobs.worker import Worker
from memsvc.storage.redo import REDO_DELAY
from memsvc.types import Job, JobKind, JobSummary, Priority, Scope, SpaceKey, Turn
from support.storage import OTHER_TENANT, SCOPE, SPACE, kept, turn

if TYPE_CHECKING:
    from contract.conftest import Stores

BACKFILL, INTERACTIVE = Priority.BACKFILL, Priority.INTERACTIVE
SECONDS = 30.0
"""Longer than anything here takes; only a failing test waits for it."""


def said(session: str, number: int = 1) -> Turn:
    return turn(number, scope=replace(SCOPE, session_id=session))


async def _ingest(stores: Stores, space: SpaceKey, priority: Priority, *turns: Turn) -> str:
    """Ingest, a moment after what came before; return the last session's job."""
    stores.clock.advance(0.001)
    return (await stores.turns.accept(space, turns, priority=priority)).job_id


async def _claim(
    stores: Stores, kinds: Sequence[JobKind] = tuple(JobKind), *, idle_tenants: bool = False
) -> Job | None:
    stores.clock.advance(0.001)
    return await stores.jobs.claim("w", kinds, lease_seconds=30, idle_tenants=idle_tenants)


async def _order(stores: Stores, count: int) -> list[str]:
    """Take up `count` jobs, one after the other's end, and tell whose sessions they were."""
    sessions = []
    for _ in range(count):
        job = await _claim(stores)
        assert job is not None
        sessions.append(job.payload["scope"][2] if "scope" in job.payload else job.kind.value)
        await stores.jobs.succeed(job, JobSummary())
    return sessions


async def test_what_somebody_waits_for_comes_before_every_tenants_backfill(stores: Stores) -> None:
    for n in range(3):
        await _ingest(stores, SPACE, BACKFILL, said(f"a-old{n}"))
        await _ingest(stores, OTHER_TENANT, BACKFILL, said(f"b-old{n}"))
    assert await _order(stores, 1) == ["a-old0"]
    for n in range(2):
        await _ingest(stores, SPACE, INTERACTIVE, said(f"a-new{n}"))
    await _ingest(stores, OTHER_TENANT, INTERACTIVE, said("b-new"))
    assert await _order(stores, 3) == ["a-new0", "b-new", "a-new1"]
    assert await _order(stores, 1) == ["b-old0"]
    await _ingest(stores, SPACE, INTERACTIVE, said("a-new2"))
    assert await _order(stores, 5) == ["a-new2", "a-old1", "b-old1", "a-old2", "b-old2"]


async def test_one_that_was_served_often_is_still_before_anothers_backfill(stores: Stores) -> None:
    """Turns are taken within a class: however much a tenant talks, it is not behind what nobody waits for."""
    await _ingest(stores, OTHER_TENANT, BACKFILL, said("old"))
    for n in range(4):
        await _ingest(stores, SPACE, INTERACTIVE, said(f"new{n}"))
    assert await _order(stores, 5) == ["new0", "new1", "new2", "new3", "old"]


async def test_a_backfill_comes_before_consolidation(stores: Stores) -> None:
    await stores.jobs.defer(SPACE, JobKind.CONSOLIDATE, {"owner": ["ana", "bot"]}, lock="c")
    await _ingest(stores, OTHER_TENANT, BACKFILL, said("old"))
    assert await _order(stores, 2) == ["old", "consolidate"]


async def test_who_talks_in_a_session_that_is_filled_in_does_not_wait_for_the_backlog(stores: Stores) -> None:
    jobs = [await _ingest(stores, SPACE, BACKFILL, said(f"old{n}")) for n in range(3)]
    assert await _ingest(stores, SPACE, INTERACTIVE, said("old2", 2)) == jobs[2]
    assert await _order(stores, 3) == ["old2", "old0", "old1"]


async def test_what_fills_a_session_in_does_not_make_it_less_urgent(stores: Stores) -> None:
    await _ingest(stores, SPACE, BACKFILL, said("old"))
    urgent = await _ingest(stores, SPACE, INTERACTIVE, said("new"))
    assert await _ingest(stores, SPACE, BACKFILL, said("new", 2)) == urgent
    assert await _ingest(stores, SPACE, BACKFILL, said("new")) == urgent
    assert await _order(stores, 2) == ["new", "old"]


async def test_the_most_urgent_of_a_sessions_jobs_is_joined(stores: Stores) -> None:
    first = await _ingest(stores, SPACE, BACKFILL, said("s"))
    running = await _claim(stores)
    assert running is not None
    urgent = await _ingest(stores, SPACE, INTERACTIVE, said("s", 2))
    await stores.jobs.give_way(running, JobSummary())
    assert first != urgent
    for priority in (BACKFILL, INTERACTIVE):
        assert await _ingest(stores, SPACE, priority, said("s", 3 + len(priority))) == urgent
    job = await _claim(stores)
    assert job is not None
    assert job.id == urgent


async def test_asking_again_for_turns_that_wait_in_a_backfill_makes_them_urgent(stores: Stores) -> None:
    jobs = [await _ingest(stores, SPACE, BACKFILL, said(f"old{n}")) for n in range(3)]
    assert await _ingest(stores, SPACE, INTERACTIVE, said("old1")) == jobs[1]
    assert await _order(stores, 1) == ["old1"]


async def test_a_backfill_that_runs_is_overtaken_at_its_next_window(stores: Stores) -> None:
    first = await _ingest(stores, SPACE, BACKFILL, said("s"), said("s", 2))
    running = await _claim(stores)
    assert running is not None
    assert await _ingest(stores, SPACE, BACKFILL, said("s")) == first
    urgent = await _ingest(stores, SPACE, INTERACTIVE, said("s"))
    assert urgent != first
    assert await _claim(stores) is None
    await _ingest(stores, SPACE, BACKFILL, said("other"))
    await stores.jobs.give_way(running, JobSummary(turn_count=1))
    job = await _claim(stores)
    assert job is not None
    assert job.id == urgent


async def test_a_redo_of_a_backfill_is_one_too(stores: Stores) -> None:
    for session, priority in (("old", BACKFILL), ("new", INTERACTIVE)):
        await _ingest(stores, SPACE, priority, said(session))
        job = await _claim(stores)
        assert job is not None
        ref = said(session).ref
        await stores.memories.commit(SPACE, job, replace(kept(turns=(said(session),)), redo=(ref,)))
        await stores.jobs.succeed(job, JobSummary())
    stores.clock.advance(REDO_DELAY.total_seconds())
    await _ingest(stores, SPACE, INTERACTIVE, said("newer"))
    assert await _order(stores, 3) == ["new", "newer", "old"]


async def test_the_slot_for_tenants_with_nothing_under_way_takes_no_backfill(stores: Stores) -> None:
    await _ingest(stores, SPACE, BACKFILL, said("old"))
    assert await _claim(stores, idle_tenants=True) is None
    assert await _claim(stores) is not None
    await _ingest(stores, SPACE, INTERACTIVE, said("new"))
    job = await _claim(stores, idle_tenants=True)
    assert job is not None
    assert job.payload["scope"][2] == "new"


async def test_a_worker_full_of_backfills_serves_who_waits_at_once(stores: Stores) -> None:
    may_end, begun = asyncio.Event(), asyncio.Queue[str]()

    async def handle(job: Job, progress: Progress) -> JobSummary:
        session = job.payload["scope"][2]
        begun.put_nowait(session)
        if session.startswith("old"):
            await may_end.wait()
        return JobSummary()

    for n in range(4):
        await _ingest(stores, SPACE, BACKFILL, said(f"old{n}"))
    worker = Worker(stores.jobs, {JobKind.COMPRESS: handle}, concurrency=2, clock=stores.clock)
    worker.start()
    async with asyncio.timeout(SECONDS):
        assert {await begun.get(), await begun.get()} == {"old0", "old1"}
        for space in (SPACE, OTHER_TENANT):
            await _ingest(stores, space, INTERACTIVE, said("new"))
            assert await begun.get() == "new"
        may_end.set()
        assert {await begun.get(), await begun.get()} == {"old2", "old3"}
        await worker.stop(SECONDS)


@pytest.mark.parametrize("seed", range(3))
async def test_servers_that_write_to_one_session_at_once_leave_it_urgent(servers: list[Stores], seed: int) -> None:
    stores = servers[0]
    await _ingest(stores, SPACE, BACKFILL, said("s", 99), *(said(f"old{n}") for n in range(3)))
    priorities = [INTERACTIVE if n % 5 == seed else BACKFILL for n in range(12)]
    await asyncio.gather(
        *(
            servers[n % len(servers)].turns.accept(SPACE, [said("s", n)], priority=priority)
            for n, priority in enumerate(priorities)
        )
    )
    assert await _order(stores, 1) == ["s"]
    scope = Scope("ana", "bot", "s")
    assert len((await stores.turns.pending(SPACE, scope, limit=99, context=0)).pending) == 13

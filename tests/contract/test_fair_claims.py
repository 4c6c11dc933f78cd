"""Whose turn it is: tenants, and the spaces of one, share workers however much each has queued."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from memsvc.errors import LeaseLost
from memsvc.jobs.giving_way import Unfinished
from memsvc.jobs.handlers import Progress
from memsvc.jobs.worker import Worker
from memsvc.storage.tables import JobRow
from memsvc.types import Job, JobError, JobKind, JobState, JobSummary, KeyRole, SpaceKey
from support.storage import NOON, OTHER_TENANT, SPACE

if TYPE_CHECKING:
    from contract.conftest import Stores

ALL = list(JobKind)
SECONDS = 30.0
"""Longer than anything here takes; only a failing test waits for it."""
SECOND_SPACE = SpaceKey(SPACE.tenant, "second")
THIRD_TENANT = SpaceKey("initech", "default")


async def _defer(stores: Stores, space: SpaceKey, *names: str, kind: JobKind = JobKind.INDEX) -> list[str]:
    """Jobs of a space, each with a lock of its own."""
    return [await stores.jobs.defer(space, kind, {"memory_ids": [name]}, lock=name) for name in names]


async def _claim(stores: Stores, kinds: Sequence[JobKind] = ALL, *, idle_tenants: bool = False) -> Job | None:
    stores.clock.advance(0.001)
    return await stores.jobs.claim("w", kinds, lease_seconds=30, idle_tenants=idle_tenants)


async def _order(stores: Stores, count: int, kinds: Sequence[JobKind] = ALL, *, end: bool = True) -> list[str]:
    """Take up `count` jobs, one after the other's end or all at once, and tell which they were."""
    names = []
    for _ in range(count):
        job = await _claim(stores, kinds)
        assert job is not None
        names.append(job.payload["memory_ids"][0])
        if end:
            await stores.jobs.succeed(job, JobSummary())
    return names


@pytest.mark.parametrize("end", [True, False])
async def test_a_tenant_with_much_to_do_makes_another_wait_for_one_job(stores: Stores, end: bool) -> None:
    await _defer(stores, SPACE, *(f"a{n}" for n in range(6)))
    assert await _order(stores, 2, end=end) == ["a0", "a1"]
    await _defer(stores, OTHER_TENANT, "b0")
    assert await _order(stores, 1, end=end) == ["b0"]
    await _defer(stores, OTHER_TENANT, "b1", "b2")
    # What ended is forgotten but for whose turn it was; what still runs counts: acme has two under way, globex one.
    expected = ["a2", "b1", "a3", "b2", "a4"] if end else ["b1", "a2", "b2", "a3", "a4"]
    assert await _order(stores, 5, end=end) == expected


async def test_tenants_take_turns_whatever_their_names_and_order(stores: Stores) -> None:
    await stores.keys.create(THIRD_TENANT.tenant, "key", KeyRole.ADMIN)
    for space in (THIRD_TENANT, SPACE, OTHER_TENANT):
        await _defer(stores, space, *(f"{space.tenant}{n}" for n in range(3)))
    turns = [name[:-1] for name in await _order(stores, 9)]
    assert turns == ["initech", "acme", "globex"] * 3


async def test_the_spaces_of_a_tenant_take_turns_too(stores: Stores) -> None:
    await stores.spaces.create(SECOND_SPACE, "")
    await _defer(stores, SPACE, "a0", "a1", "a2", "a3")
    await _defer(stores, SECOND_SPACE, "s0", "s1")
    await _defer(stores, OTHER_TENANT, "b0", "b1", "b2")
    assert await _order(stores, 9) == ["a0", "b0", "s0", "b1", "a1", "b2", "s1", "a2", "a3"]


async def test_a_tenant_whose_jobs_are_all_locked_is_passed_over(stores: Stores) -> None:
    for name in ("a0", "a1"):
        await stores.jobs.defer(SPACE, JobKind.INDEX, {"memory_ids": [name]}, lock="same")
    await _defer(stores, OTHER_TENANT, "b0", "b1")
    assert await _order(stores, 3, end=False) == ["a0", "b0", "b1"]
    assert await _claim(stores) is None


async def test_a_tenant_whose_jobs_are_not_due_is_passed_over(stores: Stores) -> None:
    await _defer(stores, SPACE, "a0")
    job = await _claim(stores)
    assert job is not None
    await stores.jobs.fail(job, JobError("INTERNAL", "boom"), retry_in=10)
    await _defer(stores, OTHER_TENANT, "b0")
    assert await _order(stores, 1) == ["b0"]
    assert await _claim(stores) is None
    stores.clock.advance(10)
    assert await _order(stores, 1) == ["a0"]


async def test_consolidation_gives_way_to_every_tenant(stores: Stores) -> None:
    await _defer(stores, SPACE, "c0", kind=JobKind.CONSOLIDATE)
    await _defer(stores, OTHER_TENANT, "c1", kind=JobKind.CONSOLIDATE)
    await _defer(stores, OTHER_TENANT, "b0", "b1", "b2")
    assert await _order(stores, 5) == ["b0", "b1", "b2", "c0", "c1"]


async def test_kinds_of_one_tenant_share_its_turns_but_for_the_first_of_each(stores: Stores) -> None:
    for kind in (JobKind.INDEX, JobKind.REINDEX):
        await _defer(stores, SPACE, f"{kind}0", f"{kind}1", kind=kind)
    await _defer(stores, OTHER_TENANT, "b0", "b1", "b2")
    assert await _order(stores, 6) == ["index0", "b0", "index1", "reindex0", "b1", "reindex1"]


async def test_only_tenants_with_nothing_under_way_are_served_where_that_is_asked_for(stores: Stores) -> None:
    await _defer(stores, SPACE, "a0", "a1")
    first = await _claim(stores, idle_tenants=True)
    assert first is not None
    assert await _claim(stores, idle_tenants=True) is None
    await _defer(stores, OTHER_TENANT, "b0")
    other = await _claim(stores, idle_tenants=True)
    assert other is not None
    assert other.space == OTHER_TENANT
    await stores.jobs.succeed(first, JobSummary())
    assert await _claim(stores, idle_tenants=True) is not None


async def test_a_job_that_gives_way_comes_after_what_waits_and_keeps_what_it_did(stores: Stores) -> None:
    await _defer(stores, SPACE, "long", "short")
    job = await _claim(stores)
    assert job is not None
    await stores.jobs.give_way(job, JobSummary(turn_count=256))
    with pytest.raises(LeaseLost):
        await stores.jobs.give_way(job, JobSummary())
    assert await _order(stores, 1) == ["short"]
    again = await _claim(stores)
    assert again is not None
    assert (again.id, again.attempt, again.summary) == (job.id, 1, JobSummary(turn_count=256))


async def test_twenty_thousand_jobs_ahead_are_one_turn(stores: Stores) -> None:
    count = 20_000
    rows = [_row(n) for n in range(count)]
    await stores.database.write(lambda session: session.exec(insert(JobRow), params=rows))
    await _defer(stores, OTHER_TENANT, "b0")
    assert "b0" in await _order(stores, 2)


def _row(number: int) -> dict[str, object]:
    return {
        "id": f"a{number}",
        "tenant": SPACE.tenant,
        "space": SPACE.space,
        "kind": JobKind.INDEX.value,
        "lock": f"a{number}",
        "payload": {"memory_ids": [f"a{number}"]},
        "payload_digest": "",
        "state": JobState.QUEUED.value,
        "run_at": NOON,
        "create_time": NOON,
    }


async def test_a_worker_whose_slots_one_tenant_fills_serves_the_others(stores: Stores) -> None:
    may_end, begun = asyncio.Event(), asyncio.Queue[str]()

    async def handle(job: Job, progress: Progress) -> JobSummary:
        begun.put_nowait(job.payload["memory_ids"][0])
        if job.space == SPACE:
            await may_end.wait()
        return JobSummary()

    await _defer(stores, SPACE, "a0", "a1", "a2")
    worker = Worker(stores.jobs, {JobKind.INDEX: handle}, concurrency=2, clock=stores.clock)
    worker.start()
    async with asyncio.timeout(SECONDS):
        assert {await begun.get(), await begun.get()} == {"a0", "a1"}
        for name in ("b0", "b1"):
            await _defer(stores, OTHER_TENANT, name)
            assert await begun.get() == name
        may_end.set()
        assert await begun.get() == "a2"
        await worker.stop(SECONDS)


async def test_what_consolidates_for_a_tenant_holds_up_none_of_its_turns(stores: Stores) -> None:
    may_end, begun = asyncio.Event(), asyncio.Queue[JobKind]()

    async def handle(job: Job, progress: Progress) -> JobSummary:
        begun.put_nowait(job.kind)
        if job.kind is JobKind.CONSOLIDATE:
            await may_end.wait()
        return JobSummary()

    await _defer(stores, SPACE, "c0", kind=JobKind.CONSOLIDATE)
    kinds = (JobKind.CONSOLIDATE, JobKind.INDEX)
    worker = Worker(stores.jobs, dict.fromkeys(kinds, handle), concurrency=1, clock=stores.clock)
    worker.start()
    async with asyncio.timeout(SECONDS):
        assert await begun.get() is JobKind.CONSOLIDATE
        await _defer(stores, SPACE, "a0")
        assert await begun.get() is JobKind.INDEX
        may_end.set()
        await worker.stop(SECONDS)


async def test_a_worker_takes_an_unfinished_job_up_again(stores: Stores) -> None:
    async def handle(job: Job, progress: Progress) -> JobSummary | Unfinished:
        done = JobSummary(turn_count=(job.summary or JobSummary()).turn_count + 1)
        return done if done.turn_count == 3 else Unfinished(done)

    [job_id] = await _defer(stores, SPACE, "a0")
    worker = Worker(stores.jobs, {JobKind.INDEX: handle}, concurrency=1, clock=stores.clock)
    worker.start()
    async with asyncio.timeout(SECONDS):
        while not (await stores.jobs.get(SPACE, job_id)).state.ended:  # noqa: ASYNC110 - other processes end jobs too
            await asyncio.sleep(0.005)
        await worker.stop(SECONDS)
    job = await stores.jobs.get(SPACE, job_id)
    assert (job.state, job.summary, job.attempt) == (JobState.SUCCEEDED, JobSummary(turn_count=3), 1)

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from memsvc.errors import FailedPrecondition, LeaseLost, NotFound, Reason
from memsvc.types import IngestRequestId, Job, JobError, JobKind, JobState, JobSummary, SpaceKey
from support.storage import NOON, OTHER_TENANT, SCOPE, SPACE, turn, walk

if TYPE_CHECKING:
    from contract.conftest import Stores

ALL = list(JobKind)
ERROR = JobError("INTERNAL", "boom")
NOWHERE = SpaceKey("acme", "nowhere")


async def _defer(stores: Stores, number: int = 0, *, lock: str = "a", space: SpaceKey = SPACE) -> str:
    return await stores.jobs.defer(space, JobKind.INDEX, {"memory_ids": [str(number)]}, lock=lock)


async def _claim(stores: Stores, owner: str = "w") -> Job | None:
    return await stores.jobs.claim(owner, ALL, lease_seconds=30)


async def _held(stores: Stores, owner: str = "w") -> Job:
    job = await _claim(stores, owner)
    assert job is not None
    return job


async def test_jobs_are_claimed_oldest_first_and_only_of_the_kinds_asked_for(stores: Stores) -> None:
    ids = [await _defer(stores, n, lock=f"l{n}") for n in range(3)]
    assert await stores.jobs.claim("w", [JobKind.REINDEX], lease_seconds=30) is None
    assert [(await _held(stores)).id for _ in ids] == ids
    assert await _claim(stores) is None


async def test_a_claimed_job_is_running_and_counts_the_attempt(stores: Stores) -> None:
    job_id = await _defer(stores, 7)
    job = await _held(stores)
    assert job == await stores.jobs.get(SPACE, job_id)
    assert (job.state, job.attempt, job.lease_owner, job.space) == (JobState.RUNNING, 1, "w", SPACE)
    assert (job.payload, job.create_time) == ({"memory_ids": ["7"]}, NOON)


async def test_only_an_equal_queued_job_is_joined(stores: Stores) -> None:
    first = await _defer(stores, 1)
    assert await _defer(stores, 1) == first
    others = [await _defer(stores, 2), await _defer(stores, 1, lock="b"), await _defer(stores, 1, space=OTHER_TENANT)]
    assert len({first, *others}) == 4
    assert (await _held(stores)).id == first
    assert await _defer(stores, 1) != first


async def test_a_lock_is_held_by_one_job_of_a_space(stores: Stores) -> None:
    first, second = await _defer(stores, 1), await _defer(stores, 2)
    other = await _defer(stores, 1, space=OTHER_TENANT)
    job = await _held(stores)
    assert job.id == first
    assert (await _held(stores)).id == other
    assert await _claim(stores) is None
    await stores.jobs.succeed(job, JobSummary())
    assert (await _held(stores)).id == second


async def test_locks_stay_exclusive_among_many_claimers(servers: list[Stores]) -> None:
    jobs = 24
    for n in range(jobs):
        await _defer(servers[0], n, lock=f"l{n % 3}")
    running: Counter[str] = Counter()
    done: list[str] = []

    async def work(stores: Stores, owner: str) -> None:
        while len(done) < jobs:
            job = await _claim(stores, owner)
            if job is None:
                await asyncio.sleep(0.01)
                continue
            lock = f"l{int(job.payload['memory_ids'][0]) % 3}"
            running[lock] += 1
            assert running[lock] == 1
            await asyncio.sleep(0)
            running[lock] -= 1
            await stores.jobs.succeed(job, JobSummary())
            done.append(job.id)

    await asyncio.gather(*(work(servers[n % 4], f"w{n}") for n in range(8)))
    assert len(set(done)) == jobs


async def test_eight_claimers_get_eight_different_jobs(servers: list[Stores]) -> None:
    ids = {await _defer(servers[0], n, lock=f"l{n}") for n in range(8)}
    claimed: set[str] = set()
    while len(claimed) < len(ids):
        found = await asyncio.gather(*(_claim(servers[n % 4], f"w{n}") for n in range(8)))
        new = [job.id for job in found if job is not None]
        assert new
        assert len(new) == len(set(new))
        assert not claimed & set(new)
        claimed.update(new)
    assert claimed == ids


async def test_an_expired_lease_hands_the_job_on_and_counts(stores: Stores) -> None:
    await _defer(stores)
    lost = await _held(stores, "dead")
    stores.clock.advance(29)
    assert await _claim(stores, "heir") is None
    stores.clock.advance(2)
    taken = await _held(stores, "heir")
    assert (taken.id, taken.attempt) == (lost.id, 2)
    assert await stores.jobs.heartbeat(lost, lease_seconds=30) is False
    for call in (stores.jobs.succeed(lost, JobSummary()), stores.jobs.fail(lost, ERROR, retry_in=None)):
        with pytest.raises(LeaseLost):
            await call
    await stores.jobs.release(lost)
    assert await stores.jobs.heartbeat(taken, lease_seconds=30) is True


async def test_the_same_owner_cannot_go_on_with_an_attempt_it_lost(stores: Stores) -> None:
    await _defer(stores)
    lost = await _held(stores)
    stores.clock.advance(31)
    await _held(stores)
    assert await stores.jobs.heartbeat(lost, lease_seconds=30) is False


async def test_heartbeats_keep_the_lease_and_report_progress(stores: Stores) -> None:
    await _defer(stores)
    job = await _held(stores)
    for _ in range(3):
        stores.clock.advance(25)
        assert await stores.jobs.heartbeat(job, lease_seconds=30, progress=0.5)
    assert await stores.jobs.heartbeat(job, lease_seconds=30)
    assert await _claim(stores) is None
    assert (await stores.jobs.get(SPACE, job.id)).progress == 0.5


async def test_success_ends_a_job(stores: Stores) -> None:
    await _defer(stores)
    job = await _held(stores)
    await stores.jobs.succeed(job, JobSummary(turn_count=3, created_count=2))
    ended = await stores.jobs.get(SPACE, job.id)
    assert (ended.state, ended.progress, ended.end_time, ended.lease_owner) == (JobState.SUCCEEDED, 1.0, NOON, "")
    assert ended.summary == JobSummary(turn_count=3, created_count=2)
    stores.clock.advance(3600)
    assert await _claim(stores) is None


async def test_a_failed_attempt_is_due_again_after_its_delay_and_keeps_its_error(stores: Stores) -> None:
    await _defer(stores)
    await stores.jobs.fail(await _held(stores), ERROR, retry_in=10)
    waiting = (await stores.jobs.page(SPACE, (JobState.QUEUED,), limit=5)).items[0]
    assert (waiting.error, waiting.attempt) == (ERROR, 1)
    stores.clock.advance(9)
    assert await _claim(stores) is None
    stores.clock.advance(1)
    again = await _held(stores)
    assert (again.attempt, again.error) == (2, ERROR)
    await stores.jobs.succeed(again, JobSummary())
    assert (await stores.jobs.get(SPACE, again.id)).error is None


async def test_a_waiting_retry_does_not_block_its_lock(stores: Stores) -> None:
    await _defer(stores, 1)
    second = await _defer(stores, 2)
    await stores.jobs.fail(await _held(stores), ERROR, retry_in=10)
    assert (await _held(stores)).id == second


async def test_an_uncounted_failure_takes_the_attempt_back(stores: Stores) -> None:
    await _defer(stores)
    await stores.jobs.fail(await _held(stores), ERROR, retry_in=0, counted=False)
    assert (await _held(stores)).attempt == 1


async def test_the_last_failure_is_a_dead_letter(stores: Stores) -> None:
    await _defer(stores)
    job = await _held(stores)
    await stores.jobs.fail(job, ERROR, retry_in=None)
    dead = await stores.jobs.get(SPACE, job.id)
    assert (dead.state, dead.error, dead.end_time) == (JobState.FAILED, ERROR, NOON)
    stores.clock.advance(3600)
    assert await _claim(stores) is None
    assert (await stores.spaces.stats(SPACE)).failed_job_count == 1


async def test_a_dead_letter_is_retried_with_fresh_attempts_or_dropped(stores: Stores) -> None:
    job_id = await _defer(stores)
    for call in (stores.jobs.retry, stores.jobs.drop):
        with pytest.raises(FailedPrecondition) as caught:
            await call(SPACE, job_id)
        assert caught.value.reason is Reason.OPERATION_NOT_FAILED
    await stores.jobs.fail(await _held(stores), ERROR, retry_in=None)
    for call in (stores.jobs.retry, stores.jobs.drop):
        with pytest.raises(NotFound):
            await call(OTHER_TENANT, job_id)
    queued = await stores.jobs.retry(SPACE, job_id)
    assert (queued.state, queued.attempt, queued.error, queued.end_time) == (JobState.QUEUED, 0, ERROR, None)
    again = await _held(stores)
    assert (again.id, again.attempt) == (job_id, 1)
    await stores.jobs.fail(again, ERROR, retry_in=None)
    await stores.jobs.drop(SPACE, job_id)
    assert (await stores.jobs.page(SPACE, (), limit=5)).items == ()


async def test_turns_of_a_dropped_job_are_compressed_with_the_next_of_their_session(stores: Stores) -> None:
    first = await stores.turns.accept(SPACE, [turn(1)])
    await stores.jobs.fail(await _held(stores), ERROR, retry_in=None)
    await stores.jobs.drop(SPACE, first.job_id)
    assert await _claim(stores) is None
    await stores.turns.accept(SPACE, [turn(2)])
    job = await _held(stores)
    assert job.kind is JobKind.COMPRESS
    assert len((await stores.turns.pending(SPACE, SCOPE, limit=9, context=0)).pending) == 2


async def test_a_released_job_is_due_at_once_and_uncounted(stores: Stores) -> None:
    await _defer(stores)
    await stores.jobs.release(await _held(stores))
    again = await _held(stores, "other")
    assert (again.attempt, again.lease_owner) == (1, "other")


async def test_a_worker_stopped_while_it_claims_leaves_no_lease(stores: Stores) -> None:
    await _defer(stores)
    claiming = asyncio.create_task(_claim(stores, "stopped"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    claiming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await claiming
    assert (await _held(stores)).attempt == 1


async def test_cancelling_ends_a_queued_and_a_running_job_once(stores: Stores) -> None:
    queued = await stores.jobs.cancel(SPACE, await _defer(stores))
    assert (queued.state, queued.end_time) == (JobState.CANCELLED, NOON)
    assert await _claim(stores) is None
    await _defer(stores)
    job = await _held(stores)
    assert (await stores.jobs.cancel(SPACE, job.id)).state is JobState.CANCELLED
    assert await stores.jobs.heartbeat(job, lease_seconds=30) is False
    stores.clock.advance(60)
    again = await stores.jobs.cancel(SPACE, job.id)
    assert again.end_time == NOON
    assert await _claim(stores) is None


async def test_cancelled_compression_leaves_its_turns_pending(stores: Stores) -> None:
    accepted = await stores.turns.accept(SPACE, [turn(1)])
    await stores.jobs.cancel(SPACE, accepted.job_id)
    assert len((await stores.turns.pending(SPACE, SCOPE, limit=9, context=0)).pending) == 1


async def test_jobs_of_another_tenant_cannot_be_seen_or_cancelled(stores: Stores) -> None:
    job_id = await _defer(stores)
    for call in (stores.jobs.get(OTHER_TENANT, job_id), stores.jobs.cancel(OTHER_TENANT, job_id)):
        with pytest.raises(NotFound) as caught:
            await call
        assert caught.value.reason is Reason.OPERATION_NOT_FOUND
    assert (await stores.jobs.page(OTHER_TENANT, (), limit=5)).items == ()
    assert (await stores.jobs.get(SPACE, job_id)).state is JobState.QUEUED
    for wrong in (stores.jobs.page(NOWHERE, (), limit=5), _defer(stores, space=NOWHERE)):
        with pytest.raises(NotFound):
            await wrong


async def test_pages_walk_every_job_newest_first(stores: Stores) -> None:
    ids = [await _defer(stores, n, lock=f"l{n}") for n in range(5)]
    await stores.jobs.succeed(await _held(stores), JobSummary())
    found = await walk(lambda cursor: stores.jobs.page(SPACE, (), limit=2, cursor=cursor))
    assert [job.id for job in found] == ids[::-1]
    ended = (await stores.jobs.page(SPACE, (JobState.SUCCEEDED,), limit=5)).items
    assert [job.id for job in ended] == ids[:1]


async def test_what_ended_long_ago_is_forgotten_and_failures_are_not(stores: Stores) -> None:
    request = IngestRequestId("5b3d6f0e-0000-4000-8000-000000000000", "digest")
    accepted = await stores.turns.accept(SPACE, [turn(1)], request=request)
    await stores.jobs.succeed(await _held(stores), JobSummary())
    cancelled = await stores.jobs.cancel(SPACE, await _defer(stores, 1, space=SPACE))
    failed = await _defer(stores, 2)
    await stores.jobs.fail(await _held(stores), ERROR, retry_in=None)
    waiting = await _defer(stores, 3)
    assert await stores.jobs.purge(stores.clock.now) == 0
    stores.clock.advance(1)
    young = await stores.jobs.cancel(SPACE, await _defer(stores, 4))
    assert await stores.jobs.purge(stores.clock.now) == 3
    left = await walk(lambda cursor: stores.jobs.page(SPACE, (), limit=9, cursor=cursor))
    assert {job.id for job in left} == {failed, waiting, young.id}
    assert not {accepted.job_id, cancelled.id} & {job.id for job in left}
    again = await stores.turns.accept(SPACE, [turn(2)], request=replace(request, digest="another"))
    assert again.accepted_count == 1


async def test_purging_goes_on_past_one_batch(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memsvc.jobs.queue.PURGE_BATCH", 2)
    for n in range(5):
        await stores.jobs.cancel(SPACE, await _defer(stores, n))
    stores.clock.advance(1)
    assert await stores.jobs.purge(stores.clock.now) == 5
    assert (await stores.jobs.page(SPACE, (), limit=9)).items == ()


async def test_waiting_ends_when_a_job_is_deferred(stores: Stores) -> None:
    assert await _claim(stores) is None
    waiting = asyncio.create_task(stores.jobs.wait_for_work(60))
    await asyncio.sleep(0)
    assert not waiting.done()
    await _defer(stores)
    await asyncio.wait_for(waiting, 10)
    await stores.jobs.wait_for_work(60)  # nobody found the queue empty since
    await _held(stores)
    assert await _claim(stores) is None
    before = asyncio.get_running_loop().time()
    await stores.jobs.wait_for_work(0.05)
    assert asyncio.get_running_loop().time() - before >= 0.04

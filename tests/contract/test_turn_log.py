from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from memsvc.errors import Conflict, InvalidInput, NotFound, Reason
from memsvc.types import (
    Disposition,
    IngestRequestId,
    JobKind,
    JobState,
    Scope,
    SpaceKey,
    StreamPosition,
    TurnOutcome,
)
from support.storage import NOON, OTHER_TENANT, SCOPE, SPACE, held_job, kept, memory, turn, walk

if TYPE_CHECKING:
    from contract.conftest import Stores

REQUEST = IngestRequestId("5b3d6f0e-0000-4000-8000-000000000000", "digest")
NOWHERE = SpaceKey("acme", "nowhere")
SECOND = Scope("ana", "bot", "s2")


async def test_a_turn_comes_back_as_it_was_ingested(stores: Stores) -> None:
    sent = turn(1, event_time=datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=5, minutes=30))))
    accepted = await stores.turns.accept(SPACE, [sent])
    (found,) = (await stores.turns.page(SPACE, Scope(), (), limit=10)).items
    assert found == replace(sent, ingest_time=NOON, event_time=sent.event_time.astimezone(UTC))
    assert found.event_time.utcoffset() == timedelta(0)
    assert (accepted.accepted_count, accepted.duplicate_count) == (1, 0)


async def test_ingest_queues_one_job_per_session_and_answers_the_last(stores: Stores) -> None:
    accepted = await stores.turns.accept(SPACE, [turn(1), turn(2), turn(1, scope=SECOND)])
    jobs = (await stores.jobs.page(SPACE, (), limit=10)).items
    assert {tuple(job.payload["scope"]) for job in jobs} == {("ana", "bot", "s1"), ("ana", "bot", "s2")}
    assert {(job.kind, job.state) for job in jobs} == {(JobKind.COMPRESS, JobState.QUEUED)}
    assert (await stores.jobs.get(SPACE, accepted.job_id)).payload["scope"] == ["ana", "bot", "s2"]
    assert set(accepted.job_ids) == {job.id for job in jobs}


async def test_new_turns_join_the_queued_job_and_not_the_running_one(stores: Stores) -> None:
    first = await stores.turns.accept(SPACE, [turn(1)])
    assert (await stores.turns.accept(SPACE, [turn(2)])).job_id == first.job_id
    await stores.jobs.claim("w", list(JobKind), lease_seconds=30)
    later = await stores.turns.accept(SPACE, [turn(3)])
    assert later.job_id != first.job_id
    assert await stores.jobs.claim("v", list(JobKind), lease_seconds=30) is None


async def test_a_repeated_turn_changes_nothing_and_names_the_job_to_wait_for(stores: Stores) -> None:
    first = await stores.turns.accept(SPACE, [turn(1)])
    again = await stores.turns.accept(SPACE, [turn(1, token_count=99), turn(1)])
    assert (again.job_id, again.accepted_count, again.duplicate_count) == (first.job_id, 0, 2)
    job = await stores.jobs.claim("w", list(JobKind), lease_seconds=30)
    assert job is not None
    assert (await stores.turns.accept(SPACE, [turn(1)])).job_id == first.job_id
    await stores.memories.commit(SPACE, job, kept(turns=(turn(1),)))
    assert (await stores.turns.accept(SPACE, [turn(1)])).job_id == ""
    assert len((await stores.turns.page(SPACE, Scope(), (), limit=10)).items) == 1


async def test_repeating_a_turn_whose_job_was_cancelled_queues_another(stores: Stores) -> None:
    first = await stores.turns.accept(SPACE, [turn(1)])
    await stores.jobs.cancel(SPACE, first.job_id)
    again = await stores.turns.accept(SPACE, [turn(1)])
    assert (await stores.jobs.get(SPACE, again.job_id)).state is JobState.QUEUED


@pytest.mark.parametrize(
    "change",
    [
        {"content": "another"},
        {"speaker": "Bo"},
        {"metadata": {}},
        {"event_time": NOON},
        {"role": "assistant"},
    ],
)
async def test_a_known_id_with_another_content_conflicts_and_stores_nothing(stores: Stores, change: dict) -> None:
    await stores.turns.accept(SPACE, [turn(1)])
    if "role" in change:
        change = {"role": type(turn(1).role)(change["role"])}
    with pytest.raises(Conflict) as caught:
        await stores.turns.accept(SPACE, [turn(2), turn(1, **change)], request=REQUEST)
    assert caught.value.reason is Reason.TURN_ID_CONFLICT
    assert [t.turn_id for t in (await stores.turns.page(SPACE, Scope(), (), limit=9)).items] == ["t1"]
    assert (await stores.turns.accept(SPACE, [turn(2)], request=REQUEST)).accepted_count == 1


async def test_two_contents_for_one_id_in_a_batch_conflict(stores: Stores) -> None:
    with pytest.raises(Conflict):
        await stores.turns.accept(SPACE, [turn(1), turn(1, content="another")])


async def test_a_repeated_request_is_answered_the_same(stores: Stores) -> None:
    first = await stores.turns.accept(SPACE, [turn(1), turn(1, scope=SECOND)], request=REQUEST)
    assert len(first.job_ids) == 2
    assert await stores.turns.accept(SPACE, [turn(1)], request=REQUEST) == first
    with pytest.raises(Conflict) as caught:
        await stores.turns.accept(SPACE, [turn(2)], request=replace(REQUEST, digest="other"))
    assert caught.value.reason is Reason.REQUEST_ID_CONFLICT
    elsewhere = await stores.turns.accept(OTHER_TENANT, [turn(5)], request=replace(REQUEST, digest="other"))
    assert elsewhere.accepted_count == 1


async def test_concurrent_repeats_store_each_turn_once(servers: list[Stores]) -> None:
    batch = [turn(n) for n in range(5)]
    answers = await asyncio.gather(*(s.turns.accept(SPACE, batch) for s in servers for _ in range(3)))
    assert sum(a.accepted_count for a in answers) == 5
    assert sum(a.duplicate_count for a in answers) == 5 * 11
    assert all(a.job_id for a in answers)
    assert len((await servers[0].turns.page(SPACE, Scope(), (), limit=99)).items) == 5


async def test_concurrent_repeats_of_a_request_get_one_answer(servers: list[Stores]) -> None:
    answers = await asyncio.gather(*(s.turns.accept(SPACE, [turn(1)], request=REQUEST) for s in servers))
    assert len(set(answers)) == 1
    assert answers[0].accepted_count == 1


async def test_concurrent_ingest_in_opposite_orders_ends(servers: list[Stores]) -> None:
    scopes = [Scope("ana", "bot", f"s{n}") for n in range(6)]
    orders = [scopes, scopes[::-1]] * 6
    await asyncio.gather(
        *(
            servers[n % 4].turns.accept(SPACE, [turn(n, scope=scope) for scope in order])
            for n, order in enumerate(orders)
        )
    )
    assert (await servers[0].spaces.stats(SPACE)).turn_count == 72


async def test_streams_go_forward(stores: Stores) -> None:
    assert await stores.turns.stream_position(SPACE, "s") == 0
    await stores.turns.accept(SPACE, [turn(1)], stream=StreamPosition("s", 3))
    assert await stores.turns.stream_position(SPACE, "s") == 3
    repeat = await stores.turns.accept(SPACE, [turn(1)], stream=StreamPosition("s", 3))
    assert repeat.duplicate_count == 1
    for sequence in (2, 3):
        with pytest.raises(Conflict) as caught:
            await stores.turns.accept(SPACE, [turn(2)], stream=StreamPosition("s", sequence))
        assert caught.value.reason is Reason.STREAM_SEQUENCE_CONFLICT
    assert (await stores.spaces.stats(SPACE)).turn_count == 1
    assert await stores.turns.stream_position(OTHER_TENANT, "s") == 0


async def test_unknown_spaces_are_not_found(stores: Stores) -> None:
    for call in (
        stores.turns.accept(NOWHERE, [turn(1)]),
        stores.turns.stream_position(NOWHERE, "s"),
        stores.turns.page(NOWHERE, Scope(), (), limit=1),
    ):
        with pytest.raises(NotFound) as caught:
            await call
        assert caught.value.reason is Reason.SPACE_NOT_FOUND


async def test_pages_walk_every_turn_and_stay_put_under_inserts(stores: Stores) -> None:
    await stores.turns.accept(SPACE, [turn(n) for n in range(5)])
    await stores.turns.accept(OTHER_TENANT, [turn(50)])
    first = await stores.turns.page(SPACE, Scope(), (), limit=2)
    await stores.turns.accept(SPACE, [turn(-5), turn(9)])
    rest = await walk(lambda cursor: stores.turns.page(SPACE, Scope(), (), limit=2, cursor=cursor or first.cursor))
    assert [t.turn_id for t in (*first.items, *rest)] == ["t0", "t1", "t2", "t3", "t4", "t-5", "t9"]
    with pytest.raises(InvalidInput) as caught:
        await stores.turns.page(SPACE, Scope(), (), limit=2, cursor="%")
    assert caught.value.reason is Reason.PAGE_TOKEN_INVALID


async def test_pages_filter_by_scope_and_disposition(stores: Stores) -> None:
    await stores.turns.accept(SPACE, [turn(1), turn(2), turn(3, scope=SECOND), turn(4, scope=Scope("bo"))])
    job = await stores.jobs.claim("w", list(JobKind), lease_seconds=30)
    assert job is not None
    left = TurnOutcome(turn(1).ref, Disposition.LEFT_OUT, "small talk")
    await stores.memories.commit(SPACE, job, replace(kept(), outcomes=(left,)))

    async def ids(scope: Scope, *dispositions: Disposition) -> list[str]:
        return [t.turn_id for t in (await stores.turns.page(SPACE, scope, dispositions, limit=9)).items]

    assert await ids(Scope("ana")) == ["t1", "t2", "t3"]
    assert await ids(SECOND) == ["t3"]
    assert await ids(Scope("ana"), Disposition.PENDING) == ["t2", "t3"]
    assert await ids(Scope(), Disposition.LEFT_OUT, Disposition.KEPT) == ["t1"]


async def test_pending_turns_come_in_order_of_event_time_with_what_was_before(stores: Stores) -> None:
    await stores.turns.accept(SPACE, [turn(n) for n in (4, 1, 2, 3)])
    await stores.turns.accept(SPACE, [turn(0, scope=SECOND), turn(0, scope=Scope("ana", "bot"))])
    await stores.turns.accept(OTHER_TENANT, [turn(0)])
    job = await stores.jobs.claim("w", list(JobKind), lease_seconds=30)
    assert job is not None
    await stores.memories.commit(SPACE, job, kept(memory(1), turns=(turn(1), turn(2))))
    await stores.turns.accept(SPACE, [turn(7, event_time=turn(3).event_time)])
    found = await stores.turns.pending(SPACE, SCOPE, limit=2, context=1)
    assert [t.turn_id for t in found.pending] == ["t3", "t7"]
    assert [t.turn_id for t in found.context] == ["t2"]
    assert found.known_entities == {"ana", "strasse", "e1"}
    wide = await stores.turns.pending(SPACE, SCOPE, limit=9, context=9)
    assert [t.turn_id for t in (*wide.context, *wide.pending)] == ["t1", "t2", "t3", "t7", "t4"]


async def test_nothing_pending_is_empty(stores: Stores) -> None:
    found = await stores.turns.pending(SPACE, SCOPE, limit=2, context=1)
    assert (found.context, found.pending) == ((), ())


async def test_a_worker_without_the_lease_settles_nothing(stores: Stores) -> None:
    await stores.turns.accept(SPACE, [turn(1)])
    with pytest.raises(Exception, match="no longer held"):
        await stores.memories.commit(SPACE, held_job(), kept(turns=(turn(1),)))
    assert len((await stores.turns.pending(SPACE, SCOPE, limit=9, context=0)).pending) == 1

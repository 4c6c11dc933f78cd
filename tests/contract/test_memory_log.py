from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, event

from memsvc.errors import Conflict, LeaseLost, NotFound, Reason, StaleEtag
from memsvc.types import (
    ChangeKind,
    Disposition,
    IngestRequestId,
    Job,
    JobKind,
    JobSummary,
    LexicalText,
    Memory,
    MemoryFilter,
    MemoryKind,
    MemoryState,
    Scope,
    SpaceKey,
    Symbolic,
)
from support.storage import NOON, OTHER_TENANT, SCOPE, SPACE, held_job, kept, memory, turn, walk

if TYPE_CHECKING:
    from contract.conftest import Stores

NOWHERE = SpaceKey("acme", "nowhere")
REQUEST = IngestRequestId("r", "d")
SECOND = Scope("ana", "bot", "s2")


async def _job(stores: Stores, space: SpaceKey = SPACE, owner: str = "w") -> Job:
    await stores.jobs.defer(space, JobKind.REINDEX, {}, lock=f"{owner}/{space.tenant}")
    job = await stores.jobs.claim(owner, [JobKind.REINDEX], lease_seconds=30)
    assert job is not None
    return job


async def _store(stores: Stores, *memories: Memory, space: SpaceKey = SPACE) -> None:
    job = await _job(stores, space)
    await stores.memories.commit(space, job, kept(*memories))
    await stores.jobs.succeed(job, JobSummary())


async def _index_jobs(stores: Stores) -> list[list[str]]:
    jobs = (await stores.jobs.page(SPACE, (), limit=99)).items
    return [job.payload["memory_ids"] for job in jobs if job.kind is JobKind.INDEX]


async def test_a_memory_comes_back_as_it_was_committed(stores: Stores) -> None:
    full = memory(1)
    bare = memory(2, gate=None, valid_from=None, sources=(), symbolic=Symbolic(), scope=Scope(), metadata={})
    await _store(stores, full, bare)
    stored = {"create_time": NOON, "update_time": NOON, "version": 1}
    assert await stores.memories.get(SPACE, full.id) == replace(full, **stored)
    assert await stores.memories.get(SPACE, bare.id) == replace(bare, **stored)


async def test_commit_settles_pending_turns_and_a_repeat_changes_nothing(stores: Stores) -> None:
    await stores.turns.accept(SPACE, [turn(1), turn(2)])
    job = await stores.jobs.claim("w", list(JobKind), lease_seconds=30)
    assert job is not None
    compression = kept(memory(1), memory(2), turns=(turn(1),))
    assert await stores.memories.commit(SPACE, job, compression) == (memory(1).id, memory(2).id)
    changed = replace(compression, memories=(memory(1, text="other"), memory(3)))
    assert await stores.memories.commit(SPACE, job, changed) == (memory(3).id,)
    assert (await stores.memories.get(SPACE, memory(1).id)).text == memory(1).text
    assert await stores.memories.last_sequence(SPACE) == 3
    found = (await stores.turns.page(SPACE, Scope(), (), limit=9)).items
    assert [(t.disposition, t.disposition_reason) for t in found] == [
        (Disposition.KEPT, "said something new"),
        (Disposition.PENDING, ""),
    ]


async def test_a_turn_that_is_settled_keeps_its_outcome(stores: Stores) -> None:
    await stores.turns.accept(SPACE, [turn(1)])
    job = await stores.jobs.claim("w", list(JobKind), lease_seconds=30)
    assert job is not None
    first = kept(turns=(turn(1),))
    await stores.memories.commit(SPACE, job, first)
    late = replace(first, outcomes=(replace(first.outcomes[0], disposition=Disposition.LEFT_OUT),))
    await stores.memories.commit(SPACE, job, late)
    assert (await stores.turns.page(SPACE, Scope(), (), limit=1)).items[0].disposition is Disposition.KEPT


async def test_nothing_is_written_without_the_lease(stores: Stores) -> None:
    job = await _job(stores)
    stores.clock.advance(31)
    heir = await stores.jobs.claim("heir", [JobKind.REINDEX], lease_seconds=30)
    assert heir is not None
    for holder in (job, replace(heir, lease_owner="w"), held_job()):
        with pytest.raises(LeaseLost):
            await stores.memories.commit(SPACE, holder, kept(memory(1)))
    await stores.jobs.cancel(SPACE, heir.id)
    with pytest.raises(LeaseLost):
        await stores.memories.commit(SPACE, heir, kept(memory(1)))
    assert (await stores.memories.page(SPACE, MemoryFilter(), limit=9)).items == ()
    assert await stores.memories.last_sequence(SPACE) == 0


async def test_spaces_and_tenants_do_not_see_each_other(stores: Stores) -> None:
    await _store(stores, memory(1))
    memories, known = stores.memories, memory(1).id
    stored = await memories.get(SPACE, known)
    for call in (
        memories.get(OTHER_TENANT, known),
        memories.update(OTHER_TENANT, stored, etag=stored.etag, actor="a"),
        memories.delete(OTHER_TENANT, known, etag="", actor="a"),
        memories.history(OTHER_TENANT, known, limit=1),
    ):
        with pytest.raises(NotFound) as caught:
            await call
        assert caught.value.reason is Reason.MEMORY_NOT_FOUND
    await memories.mark_indexed(OTHER_TENANT, [stored])
    assert await memories.mark_all_unindexed(OTHER_TENANT) == 0
    await memories.reindex(OTHER_TENANT, [known])
    assert (await memories.indexed(OTHER_TENANT, limit=9)).items == ()
    assert await memories.delete_scope(OTHER_TENANT, SCOPE, actor="a") == (0, 0)
    assert await memories.get_many(OTHER_TENANT, [known]) == {}
    assert (await memories.page(OTHER_TENANT, MemoryFilter(), limit=9)).items == ()
    assert await memories.changes(OTHER_TENANT, Scope(), after=0, limit=9) == ([], 0)
    assert await memories.unindexed(OTHER_TENANT, None, limit=9) == []
    assert await memories.unindexed(SPACE, None, limit=9) == [stored]
    await _store(stores, memory(1, text="theirs"), space=OTHER_TENANT)
    assert (await memories.get(OTHER_TENANT, known)).text == "theirs"
    assert await memories.get(SPACE, known) == stored


async def test_unknown_spaces_are_not_found(stores: Stores) -> None:
    for call in (
        stores.memories.page(NOWHERE, MemoryFilter(), limit=1),
        stores.memories.changes(NOWHERE, Scope(), after=0, limit=1),
        stores.memories.last_sequence(NOWHERE),
        stores.memories.delete_scope(NOWHERE, Scope(), actor="a"),
        stores.memories.mark_all_unindexed(NOWHERE),
        stores.memories.reindex(NOWHERE),
    ):
        with pytest.raises(NotFound) as caught:
            await call
        assert caught.value.reason is Reason.SPACE_NOT_FOUND


async def test_pages_walk_every_memory_newest_first_and_stay_put_under_inserts(stores: Stores) -> None:
    await _store(stores, *(memory(n) for n in range(5)))
    first = await stores.memories.page(SPACE, MemoryFilter(), limit=2)
    await _store(stores, memory(9))
    rest = await walk(
        lambda cursor: stores.memories.page(SPACE, MemoryFilter(), limit=2, cursor=cursor or first.cursor)
    )
    assert [m.id for m in (*first.items, *rest)] == [memory(n).id for n in (4, 3, 2, 1, 0)]


async def test_marking_reads_no_more_than_what_it_marks(stores: Stores, database_url: str) -> None:
    asked: list[tuple[str, tuple[object, ...]]] = []

    def note(_: object, __: object, statement: str, parameters: tuple[object, ...], *___: object) -> None:
        asked.append((statement, parameters))

    await _store(stores, memory(1), memory(2))
    due = await stores.memories.unindexed(SPACE, None, limit=9)
    event.listen(Engine, "before_cursor_execute", note)
    try:
        await stores.memories.mark_indexed(SPACE, due)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    (update,) = [each for each in asked if each[0].startswith("UPDATE")]
    if not database_url.startswith("sqlite"):
        return  # how PostgreSQL plans it depends on what the tables hold
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {update[0]}", update[1]).fetchall()
    assert plan[0][3].endswith("(tenant=? AND space=? AND id=?)")


LONG = "x" * 5000
ZOO = (
    memory(1),
    memory(2, scope=SECOND, symbolic=Symbolic(people=("Bo",), entities=("STRASSE",))),
    memory(3, scope=Scope("bo"), kind=MemoryKind.THEME, symbolic=Symbolic(entities=("Ana", LONG))),
    memory(4, state=MemoryState.LEFT_OUT),
    memory(5, state=MemoryState.SUPERSEDED, event_time=NOON + timedelta(days=9)),
)


@pytest.mark.parametrize(
    "where",
    [
        MemoryFilter(),
        MemoryFilter(states=()),
        MemoryFilter(states=tuple(MemoryState)),
        MemoryFilter(states=(MemoryState.LEFT_OUT, MemoryState.SUPERSEDED)),
        MemoryFilter(scope=Scope("ana")),
        MemoryFilter(scope=SECOND),
        MemoryFilter(people=("ana",)),
        MemoryFilter(people=("ANA", "bO")),
        MemoryFilter(entities=("strasse",)),
        MemoryFilter(entities=("straße", "E3"), kinds=(MemoryKind.THEME,)),
        MemoryFilter(entities=(LONG.upper(),)),
        MemoryFilter(people=("' OR 1=1 --",)),
        MemoryFilter(kinds=(MemoryKind.THEME, MemoryKind.EPISODE)),
        MemoryFilter(start_time=ZOO[1].event_time),
        MemoryFilter(end_time=ZOO[1].event_time),
        MemoryFilter(start_time=ZOO[0].event_time, end_time=ZOO[2].event_time, people=("Ana",)),
    ],
)
async def test_filters_mean_in_sql_what_they_mean_in_python(stores: Stores, where: MemoryFilter) -> None:
    await _store(stores, *ZOO)
    found = (await stores.memories.page(SPACE, where, limit=9)).items
    assert {m.id for m in found} == {m.id for m in ZOO if where.matches(m)}
    texts = await walk(lambda cursor: stores.memories.lexical_texts(SPACE, where, limit=2, cursor=cursor))
    assert texts == [LexicalText(m.id, m.searched_text) for m in found]
    with pytest.raises(NotFound):
        await stores.memories.lexical_texts(NOWHERE, where, limit=2)


async def test_an_update_replaces_what_can_be_edited_and_logs_it(stores: Stores) -> None:
    await _store(stores, memory(1))
    before = await stores.memories.get(SPACE, memory(1).id)
    stores.clock.advance(5)
    edit = replace(
        before.with_text("Ana said no.", 4),
        compressor="caller",
        symbolic=Symbolic(people=("Cy",)),
        metadata={"k": "v"},
        valid_from=None,
        valid_to=NOON,
        salience=0.9,
        event_time=NOON - timedelta(days=1),
        scope=Scope("eve"),
        state=MemoryState.LEFT_OUT,
    )
    after, job_id = await stores.memories.update(SPACE, edit, etag=before.etag, actor="key-1")
    fixed = {"event_time": before.event_time, "scope": before.scope, "state": before.state}
    assert after == replace(edit, **fixed, version=2, update_time=stores.clock.now)
    assert await stores.memories.get(SPACE, before.id) == after
    assert (await stores.jobs.get(SPACE, job_id)).payload == {"memory_ids": [before.id]}
    (change,), _ = await stores.memories.changes(SPACE, Scope(), after=1, limit=9)
    assert (change.kind, change.memory, change.previous_text) == (ChangeKind.UPDATED, after, before.text)
    assert (change.actor, change.time, change.sequence) == ("key-1", stores.clock.now, 2)
    assert (await stores.memories.page(SPACE, MemoryFilter(people=("ana",)), limit=9)).items == ()
    assert (await stores.memories.page(SPACE, MemoryFilter(people=("cy",)), limit=9)).items == (after,)


async def test_an_update_always_checks_the_etag(stores: Stores) -> None:
    await _store(stores, memory(1))
    for etag in ("", "v2"):
        with pytest.raises(StaleEtag):
            await stores.memories.update(SPACE, memory(1), etag=etag, actor="a")
    assert await _index_jobs(stores) == []
    assert await stores.memories.last_sequence(SPACE) == 1


async def test_one_of_many_concurrent_updates_wins(servers: list[Stores]) -> None:
    await _store(servers[0], memory(1))
    calls = (s.memories.update(SPACE, memory(1, text=f"{n}"), etag="v1", actor="a") for n, s in enumerate(servers * 2))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(result, StaleEtag) for result in results) == 7
    assert await servers[0].memories.last_sequence(SPACE) == 2


async def test_a_repeated_update_request_is_answered_the_same(stores: Stores) -> None:
    await _store(stores, memory(1))
    edit = memory(1).with_text("new", 1)
    first = await stores.memories.update(SPACE, edit, etag="v1", actor="a", request=REQUEST)
    assert await stores.memories.update(SPACE, edit, etag="v1", actor="a", request=REQUEST) == first
    assert await stores.memories.last_sequence(SPACE) == 2
    with pytest.raises(Conflict) as caught:
        await stores.memories.update(SPACE, edit, etag="v1", actor="a", request=replace(REQUEST, digest="x"))
    assert caught.value.reason is Reason.REQUEST_ID_CONFLICT


async def test_a_deleted_memory_is_gone_but_for_its_history(stores: Stores) -> None:
    await _store(stores, memory(1))
    known = memory(1).id
    with pytest.raises(StaleEtag):
        await stores.memories.delete(SPACE, known, etag="v9", actor="a")
    await stores.memories.delete(SPACE, known, etag="v1", actor="a")
    for call in (
        stores.memories.get(SPACE, known),
        stores.memories.delete(SPACE, known, etag="", actor="a"),
        stores.memories.update(SPACE, memory(1), etag="v2", actor="a"),
    ):
        with pytest.raises(NotFound):
            await call
    changes = (await stores.memories.history(SPACE, known, limit=9)).items
    assert [change.kind for change in changes] == [ChangeKind.CREATED, ChangeKind.DELETED]
    assert changes[1].memory.state is MemoryState.DELETED
    assert (await stores.memories.get_many(SPACE, [known, "x"]))[known].state is MemoryState.DELETED
    assert await _index_jobs(stores) == [[known]]
    assert [m.id for m in await stores.memories.unindexed(SPACE, [known], limit=9)] == [known]


async def test_deleting_a_scope_takes_everything_within_it(stores: Stores) -> None:
    await _store(stores, memory(1), memory(2, scope=SECOND), memory(3, scope=Scope("bo", "bot", "s1")))
    assert await stores.memories.delete_scope(SPACE, Scope("ana"), actor="a") == (2, 0)
    assert await stores.memories.delete_scope(SPACE, Scope("ana"), actor="a") == (0, 0)
    assert [m.id for m in (await stores.memories.page(SPACE, MemoryFilter(), limit=9)).items] == [memory(3).id]
    assert await _index_jobs(stores) == [[memory(1).id, memory(2).id]]
    assert await stores.memories.last_sequence(SPACE) == 5


async def test_large_scopes_are_deleted_in_batches(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memsvc.storage.memories.BATCH", 2)
    await _store(stores, *(memory(n) for n in range(5)))
    assert await stores.memories.delete_scope(SPACE, SCOPE, actor="a") == (5, 0)
    assert sorted(map(len, await _index_jobs(stores))) == [1, 2, 2]


async def test_history_pages_oldest_first(stores: Stores) -> None:
    await _store(stores, memory(1), memory(2))
    for version in (1, 2, 3):
        await stores.memories.update(SPACE, memory(1, text=f"v{version}"), etag=f"v{version}", actor="a")
    found = await walk(lambda cursor: stores.memories.history(SPACE, memory(1).id, limit=2, cursor=cursor))
    assert [(change.kind, change.memory.version) for change in found] == [
        (ChangeKind.CREATED, 1),
        *((ChangeKind.UPDATED, version) for version in (2, 3, 4)),
    ]
    assert [change.previous_text for change in found] == ["", memory(1).text, "v1", "v2"]


async def test_changes_can_be_followed_by_scope(stores: Stores) -> None:
    await _store(stores, *(memory(n, scope=SECOND if n % 2 else SCOPE) for n in range(6)))
    seen, after = [], 0
    while True:
        changes, reached = await stores.memories.changes(SPACE, SECOND, after=after, limit=2)
        seen += [change.sequence for change in changes]
        if reached == after:
            break
        after = reached
    assert seen == [2, 4, 6]
    assert await stores.memories.changes(SPACE, Scope("nobody"), after=0, limit=2) == ([], 6)
    assert await stores.memories.changes(SPACE, Scope(), after=10, limit=2) == ([], 10)


async def test_sequences_have_no_gaps_and_readers_never_miss_one(servers: list[Stores]) -> None:
    jobs = [await _job(servers[0], owner=f"w{n}") for n in range(4)]
    seen: list[int] = []
    done = asyncio.Event()

    async def follow() -> None:
        after = 0
        while not done.is_set() or after < await servers[0].memories.last_sequence(SPACE):
            changes, after = await servers[0].memories.changes(SPACE, Scope(), after=after, limit=7)
            seen.extend(change.sequence for change in changes)

    async def write(n: int) -> None:
        for step in range(6):
            some = (memory(100 * n + 10 * step + k) for k in range(3))
            await servers[n].memories.commit(SPACE, jobs[n], kept(*some))
            failing = memory(100 * n + 10 * step, text="no")
            with pytest.raises(StaleEtag):
                await servers[n].memories.update(SPACE, failing, etag="v7", actor="a")

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(n) for n in range(4)))
    done.set()
    await following
    assert seen == list(range(1, 4 * 6 * 3 + 1))


async def test_only_the_indexed_version_counts_as_indexed(stores: Stores) -> None:
    await _store(stores, memory(1), memory(2, scope=SECOND), memory(3, scope=Scope("ana")))
    due = await stores.memories.unindexed(SPACE, None, limit=9)
    assert [m.id for m in due] == [memory(n).id for n in (1, 2, 3)]
    assert [m.id for m in await stores.memories.unindexed(SPACE, None, limit=9, scope=SECOND)] == [memory(2).id]
    only = await stores.memories.unindexed(SPACE, None, limit=9, scope=Scope("ana"))
    assert [m.id for m in only] == [memory(3).id]
    assert await stores.memories.unindexed(SPACE, [], limit=9) == []
    assert len(await stores.memories.unindexed(SPACE, None, limit=2)) == 2
    await stores.memories.update(SPACE, memory(1, text="newer"), etag="v1", actor="a")
    await stores.memories.mark_indexed(SPACE, due)
    (left,) = await stores.memories.unindexed(SPACE, None, limit=9)
    assert (left.id, left.text) == (memory(1).id, "newer")
    await stores.memories.mark_indexed(SPACE, [left])
    assert await stores.memories.unindexed(SPACE, None, limit=9) == []
    assert await stores.memories.mark_all_unindexed(SPACE) == 3
    assert len(await stores.memories.unindexed(SPACE, None, limit=9)) == 3


async def test_what_is_made_due_is_listed_no_longer_as_indexed_and_has_one_job(stores: Stores) -> None:
    memories, ids = stores.memories, [memory(n).id for n in range(4)]
    await _store(stores, *(memory(n) for n in range(4)))
    assert (await memories.indexed(SPACE, limit=9)).items == ()
    await memories.delete(SPACE, ids[3], etag="", actor="a")
    for slot in (0, 1):
        await memories.mark_indexed(SPACE, await memories.unindexed(SPACE, None, limit=9, slot=slot), slot)
    listed = await walk(lambda c: memories.indexed(SPACE, limit=3, cursor=c))
    assert [(m.memory_id, m.version, m.has_point) for m in listed] == [
        *((id_, 1, True) for id_ in ids[:3]),
        (ids[3], 2, False),
    ]
    assert [m.update_time for m in listed] == [stores.clock()] * 4
    job = await memories.reindex(SPACE, [ids[1], "nothing"], slot=1)
    assert [m.memory_id for m in (await memories.indexed(SPACE, limit=9, slot=1)).items] == [ids[0], ids[2], ids[3]]
    assert len((await memories.indexed(SPACE, limit=9)).items) == 4
    assert [m.id for m in await memories.unindexed(SPACE, None, limit=9, slot=1)] == [ids[1]]
    assert await memories.reindex(SPACE) == job
    assert (
        (await memories.indexed(SPACE, limit=9, slot=1)).items == (await memories.indexed(SPACE, limit=9)).items == ()
    )
    queued = await stores.jobs.get(SPACE, job)
    assert (queued.kind, queued.payload, queued.attempt) == (JobKind.REINDEX, {}, 0)

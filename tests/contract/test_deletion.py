"""What a deletion takes with it: turns that wait, turns that memories came from, and every word of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from memsvc.errors import Conflict, NotFound, Reason, TurnsDeleted
from memsvc.storage.closing import REASON
from memsvc.types import (
    LLM_FAILED,
    LLM_SKIPPED,
    ChangeKind,
    Compression,
    Disposition,
    IngestRequestId,
    Job,
    JobKind,
    JobSummary,
    Memory,
    MemoryFilter,
    MemoryState,
    Neighbour,
    Scope,
    Symbolic,
    Turn,
    TurnOutcome,
    TurnRef,
)
from support.storage import NOON, SCOPE, SPACE, kept, memory, turn

if TYPE_CHECKING:
    from contract.conftest import Stores

EVERY_STATE = MemoryFilter(states=tuple(MemoryState))


async def claimed(stores: Stores, kind: JobKind = JobKind.COMPRESS) -> Job:
    job = await stores.jobs.claim("w", [kind], lease_seconds=30)
    assert job is not None
    return job


async def told(stores: Stores, *memories: Memory, turns: tuple[Turn, ...], disposition: str = "kept") -> None:
    """Accept turns, and commit memories of them as a worker does."""
    await stores.turns.accept(SPACE, turns)
    job = await claimed(stores)
    outcomes = tuple(TurnOutcome(each.ref, Disposition(disposition), "said something new") for each in turns)
    await stores.memories.commit(SPACE, job, Compression(memories, outcomes))
    await stores.jobs.succeed(job, JobSummary())


async def turns_by_id(stores: Stores) -> dict[str, Turn]:
    return {each.turn_id: each for each in (await stores.turns.page(SPACE, SCOPE, (), limit=99)).items}


async def dispositions(stores: Stores) -> dict[str, str]:
    return {turn_id: each.disposition.value for turn_id, each in (await turns_by_id(stores)).items()}


def beside(number: int, *others: int, **changes: Any) -> Memory:
    """A memory of one turn, found by what other turns say too."""
    near = tuple(Neighbour(TurnRef(SCOPE, f"t{other}"), f"word{other}") for other in others)
    return memory(number, neighbours=near, derived_from=(), **changes)


async def test_a_scope_is_deleted_with_the_turns_that_wait(stores: Stores) -> None:
    elsewhere = turn(9, scope=Scope("bo", "bot", "s1"))
    await stores.turns.accept(SPACE, [turn(1), turn(2), elsewhere])
    assert await stores.memories.delete_scope(SPACE, Scope("ana"), actor="a") == (0, 2)
    assert (await stores.turns.pending(SPACE, SCOPE, limit=9, context=9)).pending == ()
    assert (await stores.turns.pending(SPACE, elsewhere.scope, limit=9, context=9)).pending != ()
    gone = (await turns_by_id(stores))["t1"]
    assert (gone.disposition, gone.disposition_reason) == (Disposition.DELETED, REASON)
    assert (gone.content, gone.speaker, gone.metadata, gone.token_count) == ("", "", {}, 0)
    assert (gone.event_time, gone.role, gone.ingest_time) == (turn(1).event_time, turn(1).role, NOON)
    assert await stores.memories.delete_scope(SPACE, Scope("ana"), actor="a") == (0, 0)


async def test_compressed_turns_of_the_scope_are_deleted_too(stores: Stores) -> None:
    await told(stores, memory(1), turns=(turn(1),))
    await stores.turns.accept(SPACE, [turn(2)])
    assert await stores.memories.delete_scope(SPACE, SCOPE, actor="a") == (1, 1)
    assert await dispositions(stores) == {"t1": "deleted", "t2": "deleted"}
    stats = await stores.spaces.stats(SPACE)
    assert (stats.turn_count, stats.pending_turn_count, stats.raw_token_count, stats.memory_count) == (2, 0, 0, 0)


async def test_a_repeat_of_a_deleted_turn_stays_deleted(stores: Stores) -> None:
    await stores.turns.accept(SPACE, [turn(1)])
    await stores.memories.delete_scope(SPACE, SCOPE, actor="a")
    again = await stores.turns.accept(SPACE, [turn(1)])
    assert (again.accepted_count, again.duplicate_count, again.job_id) == (0, 1, "")
    with pytest.raises(Conflict) as caught:
        await stores.turns.accept(SPACE, [turn(1, content="something else")])
    assert caught.value.reason is Reason.TURN_ID_CONFLICT
    assert await dispositions(stores) == {"t1": "deleted"}


async def test_what_is_said_after_a_deletion_is_compressed_as_usual(stores: Stores) -> None:
    await stores.turns.accept(SPACE, [turn(1)])
    await stores.memories.delete_scope(SPACE, SCOPE, actor="a")
    accepted = await stores.turns.accept(SPACE, [turn(2)])
    assert accepted.accepted_count == 1
    batch = await stores.turns.pending(SPACE, SCOPE, limit=9, context=9)
    assert ([each.turn_id for each in batch.pending], batch.context) == (["t2"], ())


async def test_nothing_is_written_of_turns_deleted_while_they_were_compressed(stores: Stores) -> None:
    await stores.turns.accept(SPACE, [turn(1), turn(2)])
    job = await claimed(stores)
    await stores.memories.delete_scope(SPACE, SCOPE, actor="a")
    with pytest.raises(TurnsDeleted):
        await stores.memories.commit(SPACE, job, kept(memory(1), memory(2), turns=(turn(1), turn(2))))
    assert (await stores.memories.page(SPACE, EVERY_STATE, limit=9)).items == ()
    assert await dispositions(stores) == {"t1": "deleted", "t2": "deleted"}


@pytest.mark.parametrize("how", ["context", "source", "neighbour"])
async def test_nothing_is_written_of_what_was_read_with_a_turn_deleted_meanwhile(stores: Stores, how: str) -> None:
    await told(stores, memory(1), turns=(turn(1),))
    await stores.turns.accept(SPACE, [turn(2)])
    job = await claimed(stores)
    await stores.memories.delete(SPACE, memory(1).id, etag="", actor="a")
    question, answer = turn(1).ref, turn(2).ref
    made = {
        "context": memory(2),
        "source": memory(2, sources=(question, answer)),
        "neighbour": memory(2, neighbours=(Neighbour(question, "word1"),)),
    }[how]
    context = (question,) if how == "context" else ()
    with pytest.raises(TurnsDeleted):
        await stores.memories.commit(SPACE, job, kept(made, turns=(turn(2),)), context=context)
    assert await dispositions(stores) == {"t1": "deleted", "t2": "pending"}


@pytest.mark.parametrize("round_", range(6))
async def test_a_deletion_and_a_commit_at_once_leave_nothing(stores: Stores, round_: int) -> None:
    scopes = [Scope("ana", "bot", f"s{n}") for n in range(8)]
    for scope in scopes:
        await stores.turns.accept(SPACE, [turn(n, scope=scope) for n in range(3)])
    jobs = [await claimed(stores) for _ in scopes]

    async def commit(job: Job) -> None:
        scope = Scope(*job.payload["scope"])
        turns = tuple(turn(n, scope=scope) for n in range(3))
        base = 10 * scopes.index(scope)
        made = [memory(base + n, scope=scope, sources=(turns[n].ref,), derived_from=()) for n in range(3)]
        try:
            await stores.memories.commit(SPACE, job, kept(*made, turns=turns))
        except TurnsDeleted:
            return

    async def delete() -> tuple[int, int]:
        await asyncio.sleep(0.002 * round_)
        return await stores.memories.delete_scope(SPACE, Scope("ana"), actor="a")

    memories, turns = (await asyncio.gather(delete(), *map(commit, jobs)))[0]
    assert (await stores.memories.page(SPACE, MemoryFilter(), limit=99)).items == ()
    gone = (await stores.memories.page(SPACE, EVERY_STATE, limit=99)).items
    assert {each.state for each in gone} <= {MemoryState.DELETED}
    assert memories + turns == 24
    assert len(gone) == memories
    listed = (await stores.turns.page(SPACE, Scope("ana"), (), limit=99)).items
    assert {each.disposition for each in listed} == {Disposition.DELETED}


async def test_a_deleted_question_is_no_context_of_its_answer(stores: Stores) -> None:
    await told(stores, memory(0), memory(1), turns=(turn(0), turn(1)))
    await stores.memories.delete(SPACE, memory(1).id, etag="", actor="a")
    await stores.turns.accept(SPACE, [turn(2), turn(3)])
    batch = await stores.turns.pending(SPACE, SCOPE, limit=9, context=9)
    assert [each.turn_id for each in batch.pending] == ["t2", "t3"]
    # Nor is what stood before it, which the answer does not answer.
    assert batch.context == ()


async def test_a_turn_that_nothing_tells_any_more_is_deleted(stores: Stores) -> None:
    joined = memory(2, sources=(turn(1).ref, turn(2).ref))
    await told(stores, joined, memory(3), turns=(turn(1), turn(2), turn(3)))
    await stores.memories.delete(SPACE, joined.id, etag="", actor="a")
    assert await dispositions(stores) == {"t1": "deleted", "t2": "deleted", "t3": "kept"}


async def test_a_turn_that_another_memory_tells_stays_and_is_closed(stores: Stores) -> None:
    pieces = [memory(n, sources=(turn(1).ref,)) for n in (1, 2)]
    near = beside(4, 1, 3)
    await told(stores, *pieces, memory(3), near, turns=(turn(1), turn(3), turn(4)))
    await stores.memories.delete(SPACE, pieces[0].id, etag="", actor="a")
    assert (await dispositions(stores))["t1"] == "kept"
    assert [each.ref for each in (await stores.memories.get(SPACE, near.id)).neighbours] == [turn(3).ref]
    early = turn(5, event_time=turn(1).event_time + timedelta(seconds=1))
    await stores.turns.accept(SPACE, [early])
    assert (await stores.turns.pending(SPACE, SCOPE, limit=9, context=9)).context == ()
    await stores.memories.delete(SPACE, pieces[1].id, etag="", actor="a")
    assert (await dispositions(stores))["t1"] == "deleted"


async def test_an_earlier_compression_of_a_turn_goes_with_the_last_memory_of_it(stores: Stores) -> None:
    await told(stores, memory(1), turns=(turn(1),))
    await stores.turns.accept(SPACE, [turn(2)])
    job = await claimed(stores)
    again = Compression((memory(7, sources=(turn(1).ref,)),), (TurnOutcome(turn(1).ref, Disposition.KEPT, "LLM"),))
    await stores.memories.redo(SPACE, job, again)
    assert (await stores.memories.get(SPACE, memory(1).id)).state is MemoryState.SUPERSEDED
    await stores.memories.delete(SPACE, memory(7).id, etag="", actor="a")
    with pytest.raises(NotFound):
        await stores.memories.get(SPACE, memory(1).id)
    assert (await dispositions(stores))["t1"] == "deleted"


async def test_a_closed_turn_is_not_compressed_again_by_a_language_model(stores: Stores) -> None:
    pieces = [memory(n, sources=(turn(1).ref,)) for n in (1, 2)]
    await stores.turns.accept(SPACE, [turn(1)])
    job = await claimed(stores)
    failed = TurnOutcome(turn(1).ref, Disposition.KEPT, f"{LLM_FAILED}: LLM_UNAVAILABLE")
    await stores.memories.commit(SPACE, job, Compression(tuple(pieces), (failed,)))
    await stores.memories.delete(SPACE, pieces[0].id, etag="", actor="a")
    assert (await turns_by_id(stores))["t1"].disposition_reason == LLM_SKIPPED
    assert (await stores.turns.to_redo(SPACE, SCOPE, limit=9, context=9)).pending == ()
    redone = Compression((memory(7, sources=(turn(1).ref,)),), (replace(failed, reason="LLM"),))
    with pytest.raises(TurnsDeleted):
        await stores.memories.redo(SPACE, job, redone)


@pytest.mark.parametrize("turn_id", ["t1", 'quo"ted', "%", "back\\slash", "日本", "a" * 256])
async def test_what_a_deleted_turn_said_is_searched_nowhere(stores: Stores, turn_id: str) -> None:
    deleted = turn(1, turn_id=turn_id)
    near = replace(
        beside(2), neighbours=(Neighbour(deleted.ref, "hibiscus"), Neighbour(TurnRef(SCOPE, "x"), "oleander"))
    )
    far = beside(3, 2)
    await told(
        stores, memory(1, sources=(deleted.ref,)), near, far, turns=(deleted, turn(2), turn(3)), disposition="kept"
    )
    before = await stores.memories.get(SPACE, near.id)
    await stores.memories.mark_indexed(SPACE, await stores.memories.unindexed(SPACE, None, limit=9))
    await stores.memories.delete(SPACE, memory(1).id, etag="", actor="a")
    after = await stores.memories.get(SPACE, near.id)
    assert after.searched_text == f"{near.lexical_text}\noleander"
    assert (after.text, after.version) == (before.text, before.version + 1)
    texts = await stores.memories.lexical_texts(SPACE, MemoryFilter(), limit=9)
    assert not any("hibiscus" in each.text for each in texts.items)
    due = await stores.memories.unindexed(SPACE, None, limit=9)
    assert {each.id for each in due} == {memory(1).id, near.id}
    jobs = (await stores.jobs.page(SPACE, (), limit=99)).items
    assert {near.id} <= {id_ for job in jobs if job.kind is JobKind.INDEX for id_ in job.payload["memory_ids"]}
    last = (await stores.memories.history(SPACE, near.id, limit=9)).items[-1]
    assert (last.kind, last.actor) == (ChangeKind.UPDATED, "consolidation")


@pytest.mark.parametrize("count", [3, 30])
async def test_a_filtered_deletion_closes_the_turns_it_is_about(stores: Stores, count: int) -> None:
    gone = [beside(n, event_time=NOON, sources=(turn(n).ref,)) for n in range(1, count)]
    near = [beside(100 + n, n, 200, event_time=NOON + timedelta(days=2)) for n in range(1, count)]
    later = tuple(turn(100 + n, event_time=NOON + timedelta(days=2)) for n in range(1, count))
    await told(stores, *gone, *near, turns=(*(turn(n) for n in range(1, count)), *later))
    where = replace(MemoryFilter(), end_time=NOON + timedelta(days=1))
    assert await stores.memories.delete_scope(SPACE, SCOPE, where, actor="a") == (count - 1, 0)
    found = await dispositions(stores)
    assert {found[f"t{n}"] for n in range(1, count)} == {"deleted"}
    assert {found[each.turn_id] for each in later} == {"kept"}
    left = (await stores.memories.page(SPACE, MemoryFilter(), limit=99)).items
    assert {tuple(each.text for each in m.neighbours) for m in left} == {("word200",)}
    assert len(left) == count - 1


async def test_nothing_that_a_deleted_memory_said_is_kept(stores: Stores) -> None:
    await told(stores, memory(1, text="Ana keeps bees."), turns=(turn(1),))
    write = IngestRequestId("11111111-1111-4111-8111-111111111111", "digest")
    stored = await stores.memories.get(SPACE, memory(1).id)
    edited = stored.with_text("Ana keeps wasps.", 4)
    await stores.memories.update(SPACE, edited, etag=stored.etag, actor="a", request=write)
    await stores.memories.delete(SPACE, stored.id, etag="", actor="a")
    gone = (await stores.memories.get_many(SPACE, [stored.id]))[stored.id]
    assert (gone.text, gone.searched_text, gone.dense_text, gone.metadata) == ("", "", "", {})
    assert (gone.symbolic, gone.token_count) == (Symbolic(), 0)
    assert gone.gate is not None
    assert gone.gate.cuts == ()
    assert (gone.sources, gone.event_time, gone.scope) == (stored.sources, stored.event_time, stored.scope)
    changes = (await stores.memories.history(SPACE, stored.id, limit=9)).items
    assert [change.kind for change in changes] == [ChangeKind.CREATED, ChangeKind.UPDATED, ChangeKind.DELETED]
    assert [change.sequence for change in changes] == [1, 2, 3]
    assert {(change.previous_text, change.memory.text) for change in changes} == {("", "")}
    assert (await stores.memories.page(SPACE, replace(EVERY_STATE, people=("Ana",)), limit=9)).items == ()
    with pytest.raises(NotFound):
        await stores.memories.update(SPACE, edited, etag=stored.etag, actor="a", request=write)


async def test_the_change_log_does_not_keep_what_is_beside_a_memory(stores: Stores) -> None:
    await told(stores, beside(2, 1), turns=(turn(2),))
    [created] = (await stores.memories.history(SPACE, memory(2).id, limit=9)).items
    assert created.memory.neighbours == ()
    assert (await stores.memories.get(SPACE, memory(2).id)).neighbours == beside(2, 1).neighbours

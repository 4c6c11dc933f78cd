"""A consolidation is applied whole or dropped where it is outdated; what callers delete or correct undoes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from memsvc.consolidation.decisions import ASK_AGAIN, Action, Consolidation, Decision
from memsvc.errors import LeaseLost, TurnsDeleted
from memsvc.storage.consolidating import Applied, SqlConsolidationLog
from memsvc.storage.memories import SqlMemoryLog
from memsvc.types import (
    AsOf,
    ChangeKind,
    Job,
    JobKind,
    JobState,
    JobSummary,
    Memory,
    MemoryFilter,
    MemoryKind,
    MemoryState,
    Scope,
    TurnRef,
)
from support.storage import NOON, OTHER_TENANT, SCOPE, SPACE, kept, memory, turn, walk

if TYPE_CHECKING:
    from contract.conftest import Stores

OWNER = SCOPE.owner
DELAY = timedelta(seconds=60)
A, B, C, D = (memory(n).id for n in range(4))


@dataclass
class World:
    """Four memories of one user and agent, the log that consolidates them, and a job that holds its lease."""

    stores: Stores
    memories: SqlMemoryLog
    log: SqlConsolidationLog
    job: Job

    async def fresh(self, owner: Scope = OWNER) -> list[str]:
        return [m.id for m in await walk(lambda c: self.log.unconsolidated(SPACE, owner, limit=2, cursor=c))]

    async def read(self) -> list[Memory]:
        return await self.log.active(SPACE, OWNER, await self.ids(MemoryState.ACTIVE))

    async def ids(self, *states: MemoryState) -> list[str]:
        return sorted(m.id for m in await self.all(*states))

    async def all(self, *states: MemoryState) -> list[Memory]:
        where = MemoryFilter(states=states or tuple(MemoryState))
        return await walk(lambda c: self.memories.page(SPACE, where, limit=50, cursor=c))

    async def one(self, memory_id: str) -> Memory:
        return (await self.memories.get_many(SPACE, [memory_id]))[memory_id]

    async def apply(
        self, *decisions: Decision, read: Sequence[Memory] | None = None, waiting: tuple[str, ...] = ()
    ) -> Applied:
        read = await self.read() if read is None else read
        examined = tuple(sorted(m.id for m in read if m.id not in waiting))
        consolidation = Consolidation(decisions, examined, waiting)
        return await self.log.consolidate(SPACE, self.job, OWNER, read, consolidation)

    async def seen_at(self, minute: float, known: float | None = None) -> list[str]:
        at = NOON + timedelta(minutes=minute)
        as_of = AsOf(at, at if known is None else NOON + timedelta(minutes=known))
        where = MemoryFilter(as_of=as_of)
        listed = await walk(lambda c: self.memories.page(SPACE, where, limit=50, cursor=c))
        assert {m.id for m in listed} == {m.id for m in await self.all() if where.matches(m)}
        return sorted(m.id for m in listed)

    async def waiting(self, kind: JobKind) -> list[Job]:
        page = await self.stores.jobs.page(SPACE, [JobState.QUEUED], limit=99)
        return [job for job in page.items if job.kind is kind]

    async def correct(self, memory_id: str, text: str) -> Memory:
        stored = await self.one(memory_id)
        changed, _ = await self.memories.update(SPACE, stored.with_text(text, 3), etag=stored.etag, actor="key")
        return changed


@pytest.fixture
async def world(stores: Stores) -> World:
    memories = SqlMemoryLog(stores.database, stores.clock, consolidate_after=DELAY)
    await stores.turns.accept(SPACE, [turn(n) for n in range(4)])
    job = await stores.jobs.claim("w", [JobKind.COMPRESS], lease_seconds=60)
    assert job is not None
    made = [memory(n, derived_from=(), valid_from=None) for n in range(4)]
    await memories.commit(SPACE, job, kept(*made, turns=tuple(turn(n) for n in range(4))))
    return World(stores, memories, SqlConsolidationLog(stores.database, stores.clock), job)


def result(number: int, *inputs: str, kind: MemoryKind = MemoryKind.STATEMENT, **fields: Any) -> Memory:
    made = memory(number, scope=OWNER, derived_from=inputs, kind=kind, valid_from=None, compressor="consolidation/1")
    return replace(made, **{"event_time": NOON, "sources": (TurnRef(SCOPE, "t0"),), **fields})


def merge(number: int, *inputs: str, **fields: Any) -> Decision:
    made = result(number, *inputs, **fields)
    return Decision(action=Action.MERGE, memory_ids=inputs, result=made, reason="They say the same.")


def abstract(number: int, *inputs: str, kind: MemoryKind = MemoryKind.EPISODE) -> Decision:
    return Decision(action=Action.ABSTRACT, memory_ids=inputs, result=result(number, *inputs, kind=kind), reason="near")


def supersede(older: str, winner: str, minute: float | None = None) -> Decision:
    end = None if minute is None else NOON + timedelta(minutes=minute)
    return Decision(action=Action.SUPERSEDE, memory_ids=(older,), winner=winner, valid_to=end, reason="Newer.")


def conflict(*ids: str) -> Decision:
    return Decision(action=Action.CONFLICT, memory_ids=ids, reason="They contradict each other.")


P, Q, E = (memory(n).id for n in (50, 51, 52))


async def test_what_waits_stays_fresh_and_is_looked_at_again_in_a_while(world: World) -> None:
    world.stores.clock.advance(DELAY.total_seconds() + 1)
    running = await world.stores.jobs.claim("w", [JobKind.CONSOLIDATE], lease_seconds=9_999)
    assert running is not None
    world.job = running
    applied = await world.apply(merge(50, A, B), waiting=(C, P))
    assert applied.marked_count == 3
    assert await world.fresh() == [C, P]
    (again,) = await world.waiting(JobKind.CONSOLIDATE)
    assert again.payload == running.payload
    await world.apply(conflict(C, P), waiting=(C,))
    assert await world.fresh() == [C]
    assert [job.id for job in await world.waiting(JobKind.CONSOLIDATE)] == [again.id]
    await world.apply()
    assert await world.fresh() == []
    await world.stores.jobs.succeed(running, JobSummary())
    world.stores.clock.advance(ASK_AGAIN.total_seconds() - 1)
    assert await world.stores.jobs.claim("w", [JobKind.CONSOLIDATE], lease_seconds=60) is None
    world.stores.clock.advance(2)
    assert await world.stores.jobs.claim("w", [JobKind.CONSOLIDATE], lease_seconds=60) is not None


async def test_a_merge_takes_the_place_of_its_inputs(world: World) -> None:
    assert await world.fresh() == [A, B, C, D]
    applied = await world.apply(merge(50, A, B))
    summary = applied.summary
    assert (summary.merged_count, summary.created_count, summary.examined_count) == (2, 1, 4)
    assert set(applied.changed) == {A, B, P}
    assert await world.ids(MemoryState.ACTIVE) == [C, D, P]
    assert await world.fresh() == []
    merged = await world.one(A)
    assert (merged.superseded_by, merged.supersede_time, merged.version) == (P, NOON, 2)
    last = (await world.memories.history(SPACE, A, limit=9)).items[-1]
    assert (last.kind, last.actor, last.reason) == (ChangeKind.SUPERSEDED, "consolidation", "They say the same.")
    created = (await world.memories.history(SPACE, P, limit=9)).items[0]
    assert (created.kind, created.actor) == (ChangeKind.CREATED, "consolidation")
    assert [set(job.payload["memory_ids"]) for job in await world.waiting(JobKind.INDEX)] == [{A, B, P}]


async def test_compression_defers_one_consolidation_that_waits(world: World) -> None:
    (job,) = await world.waiting(JobKind.CONSOLIDATE)
    assert job.payload == {"owner": [OWNER.user_id, OWNER.agent_id]}
    assert await world.stores.jobs.claim("w", [JobKind.CONSOLIDATE], lease_seconds=9) is None
    await world.stores.turns.accept(SPACE, [turn(9, scope=Scope("ana", "bot", "s2"))])
    later = await world.stores.jobs.claim("w", [JobKind.COMPRESS], lease_seconds=60)
    assert later is not None
    await world.memories.commit(SPACE, later, kept(memory(9, scope=Scope("ana", "bot", "s2"), derived_from=())))
    assert [waiting.id for waiting in await world.waiting(JobKind.CONSOLIDATE)] == [job.id]
    world.stores.clock.advance(DELAY.total_seconds())
    await world.stores.turns.accept(SPACE, [turn(10, scope=Scope("ana", "bot", "s3"))])
    first = await world.stores.jobs.claim("w", list(JobKind), lease_seconds=9)
    assert first is not None
    assert first.kind is JobKind.COMPRESS  # queued later, and yet it goes first


async def test_without_the_lease_nothing_is_written(world: World) -> None:
    await world.stores.jobs.release(world.job)
    with pytest.raises(LeaseLost):
        await world.apply(merge(50, A, B))
    assert await world.ids(MemoryState.ACTIVE) == [A, B, C, D]
    assert await world.fresh() == [A, B, C, D]


async def test_a_repeat_changes_nothing(world: World) -> None:
    read = await world.read()
    decisions = (merge(50, A, B), supersede(C, D, 3), conflict(P, D))
    await world.apply(*decisions, read=read)
    sequence = await world.memories.last_sequence(SPACE)
    again = await world.apply(*decisions, read=read)
    assert (again.changed, again.summary.merged_count, again.summary.superseded_count) == ((), 0, 0)
    assert await world.memories.last_sequence(SPACE) == sequence


async def test_what_was_changed_meanwhile_is_left_alone_and_stays_fresh(world: World) -> None:
    read = await world.read()
    await world.correct(A, "Ana said otherwise.")
    applied = await world.apply(merge(50, A, B), supersede(C, D, 3), read=read)
    assert await world.ids(MemoryState.ACTIVE) == [A, B, D]
    assert sorted(await world.fresh()) == [A, B]
    assert applied.marked_count == 2


async def test_decisions_may_name_what_earlier_ones_made(world: World) -> None:
    await world.apply(merge(50, A, B), supersede(P, C, 2), supersede(B, C), supersede(C, D, 3), abstract(52, P, D))
    assert await world.ids(MemoryState.ACTIVE) == [D]
    assert [(await world.one(id_)).superseded_by for id_ in (A, B, P, C)] == [P, P, C, D]


async def test_a_result_that_a_caller_deleted_is_not_made_again(world: World) -> None:
    await world.apply(merge(50, A, B), read=await world.read())
    await world.memories.delete(SPACE, P, etag="", actor="key")
    assert await world.ids(MemoryState.DELETED) == [A, B, P]
    assert await world.ids(MemoryState.ACTIVE) == [C, D]
    await world.apply(merge(50, C, D))
    assert await world.ids(MemoryState.ACTIVE) == [C, D]
    assert await world.fresh() == []
    with pytest.raises(TurnsDeleted):
        await world.memories.commit(SPACE, world.job, kept(*(memory(n) for n in range(4))))
    assert await world.ids(MemoryState.ACTIVE) == [C, D]
    for minute in (0, 1, 5):
        assert {A, B, P}.isdisjoint(await world.seen_at(minute))


async def test_a_deleted_input_withdraws_the_merge_and_leaves_the_rest(world: World) -> None:
    await world.apply(merge(50, A, B), merge(51, P, C))
    await world.memories.delete(SPACE, A, etag="", actor="key")
    assert await world.ids(MemoryState.DELETED) == [A, P, Q]
    assert await world.ids(MemoryState.ACTIVE) == [B, C, D]
    assert sorted(await world.fresh()) == [B, C]
    for minute in (0, 5):
        assert {A, P, Q}.isdisjoint(await world.seen_at(minute))
    deleted = (await world.memories.history(SPACE, Q, limit=9)).items[-1]
    assert (deleted.kind, deleted.actor) == (ChangeKind.DELETED, "consolidation")
    assert deleted.reason
    assert len(await world.waiting(JobKind.CONSOLIDATE)) == 1


async def test_deleting_a_scope_spares_what_lies_outside_of_it(world: World) -> None:
    elsewhere = memory(9, scope=Scope("ana", "bot", "s2"), derived_from=(), valid_from=None)
    await world.memories.commit(SPACE, world.job, kept(elsewhere))
    await world.apply(merge(50, A, elsewhere.id, scope=SCOPE))
    assert await world.memories.delete_scope(SPACE, SCOPE, actor="key") == (5, 0)
    assert await world.ids(MemoryState.ACTIVE) == [elsewhere.id]
    assert await world.fresh() == [elsewhere.id]


async def test_a_deleted_winner_lets_the_older_one_hold_again(world: World) -> None:
    await world.apply(supersede(A, B, 0.5))
    assert (await world.one(A)).valid_to is not None
    await world.memories.delete(SPACE, B, etag="", actor="key")
    again = await world.one(A)
    assert (again.state, again.superseded_by, again.valid_to) == (MemoryState.ACTIVE, "", None)
    assert await world.fresh() == [A]


async def test_a_deleted_link_of_a_chain_is_bridged(world: World) -> None:
    await world.apply(supersede(A, B, 1), supersede(B, C, 2))
    await world.memories.delete(SPACE, B, etag="", actor="key")
    assert ((await world.one(A)).state, (await world.one(A)).superseded_by) == (MemoryState.SUPERSEDED, C)
    assert await world.ids(MemoryState.ACTIVE) == [C, D]
    await world.memories.delete(SPACE, C, etag="", actor="key")
    assert await world.ids(MemoryState.ACTIVE) == [A, D]


async def test_the_rest_of_a_merge_inherits_what_had_superseded_it(world: World) -> None:
    await world.apply(merge(50, A, B), supersede(P, D, 2))
    await world.memories.delete(SPACE, A, etag="", actor="key")
    rest = await world.one(B)
    assert (rest.state, rest.superseded_by, rest.valid_to) == (
        MemoryState.SUPERSEDED,
        D,
        NOON + timedelta(minutes=2),
    )
    assert await world.ids(MemoryState.ACTIVE) == [C, D]


async def test_what_a_merge_superseded_is_closed_by_the_rest_of_it(world: World) -> None:
    await world.apply(merge(50, B, C), supersede(A, P, 1))
    await world.memories.delete(SPACE, B, etag="", actor="key")
    assert (await world.one(A)).superseded_by == C
    assert await world.ids(MemoryState.ACTIVE) == [C, D]


async def test_a_corrected_input_withdraws_the_merge_until_it_is_made_anew(world: World) -> None:
    await world.apply(merge(50, A, B))
    corrected = await world.correct(A, "Ana said otherwise.")
    assert corrected == await world.one(A)
    assert await world.ids(MemoryState.ACTIVE) == [A, B, C, D]
    assert sorted(await world.fresh()) == [A, B]
    assert P not in await world.seen_at(5)
    await world.apply(merge(50, A, B, text="They say the same again."))
    made = await world.one(P)
    assert (made.state, made.text) == (MemoryState.ACTIVE, "They say the same again.")
    assert await world.ids(MemoryState.ACTIVE) == [C, D, P]


async def test_a_corrected_winner_and_a_corrected_loser_are_judged_anew(world: World) -> None:
    await world.apply(supersede(A, B, 1), supersede(C, D, 3))
    await world.correct(B, "Ana said nothing of the kind.")
    await world.correct(C, "Ana always said so.")
    assert await world.ids(MemoryState.ACTIVE) == [A, B, C, D]
    assert sorted(await world.fresh()) == [A, B, C]
    assert (await world.one(A)).valid_to is (await world.one(C)).valid_to is None
    await world.apply(supersede(A, B, 1))
    stored, end = await world.one(A), NOON + timedelta(minutes=9)
    await world.memories.update(SPACE, replace(stored, valid_to=end), etag=stored.etag, actor="key")
    assert ((await world.one(A)).state, (await world.one(A)).valid_to) == (MemoryState.ACTIVE, end)


async def test_what_does_not_change_the_statement_withdraws_nothing(world: World) -> None:
    await world.apply(merge(50, A, B))
    stored = await world.one(A)
    await world.memories.update(SPACE, replace(stored, salience=0.9), etag=stored.etag, actor="key")
    assert await world.ids(MemoryState.ACTIVE) == [C, D, P]


async def test_contradictions_are_flagged_and_end_with_what_they_are_about(world: World) -> None:
    applied = await world.apply(conflict(A, B), conflict(B, C))
    assert applied.summary.conflict_count == 4
    assert [set((await world.one(id_)).conflicts_with) for id_ in (A, B, C)] == [{B}, {A, C}, {B}]
    assert await world.fresh() == []
    await world.apply(merge(50, C, D))
    assert [set((await world.one(id_)).conflicts_with) for id_ in (B, P)] == [{A, P}, {B}]
    await world.memories.delete(SPACE, A, etag="", actor="key")
    assert set((await world.one(B)).conflicts_with) == {P}
    await world.correct(P, "Ana agrees.")
    assert (await world.one(B)).conflicts_with == (await world.one(P)).conflicts_with == ()


async def test_the_topic_tree(world: World) -> None:
    theme = memory(53).id
    applied = await world.apply(abstract(52, A, B), abstract(53, E, kind=MemoryKind.THEME))
    assert (applied.summary.abstracted_count, applied.summary.created_count) == (2, 2)
    assert await world.ids(MemoryState.ACTIVE) == [A, B, C, D, E, theme]

    async def children(of: str) -> list[str]:
        where = MemoryFilter(states=tuple(MemoryState))
        return [
            m.id for m in await walk(lambda c: world.memories.page(SPACE, where, limit=1, cursor=c, children_of=of))
        ]

    assert (await children(theme), await children(E), await children(A)) == ([E], [B, A], [])
    assert sorted(await world.log.above(SPACE, OWNER, [A, C])) == [E, theme]
    assert await world.log.above(SPACE, Scope("bo"), [A]) == await world.log.above(OTHER_TENANT, OWNER, [A]) == []
    await world.memories.delete(SPACE, A, etag="", actor="key")
    assert await world.ids(MemoryState.DELETED) == [A, E, theme]
    assert await world.fresh() == [B]


async def test_an_episode_does_not_outlive_what_it_told(world: World) -> None:
    await world.apply(abstract(52, A, B))
    await world.apply(supersede(A, C, 2))
    assert await world.ids(MemoryState.ACTIVE) == [B, C, D]
    assert await world.fresh() == [B]


async def test_retired_memories_leave_and_a_pin_calls_them_back(world: World) -> None:
    stored = await world.one(B)
    await world.memories.update(SPACE, replace(stored, pinned=True), etag=stored.etag, actor="key")
    applied = await world.apply(Decision(action=Action.RETIRE, memory_ids=(A, B), reason="Faded."))
    assert applied.summary.retired_count == 1
    assert await world.ids(MemoryState.RETIRED) == [A]
    retired = await world.one(A)
    await world.memories.update(SPACE, replace(retired, pinned=True), etag=retired.etag, actor="key")
    assert await world.ids(MemoryState.ACTIVE) == [A, B, C, D]
    await world.apply(merge(50, A, C))
    assert (await world.one(P)).pinned


async def test_as_of_shows_what_held_and_was_known(world: World) -> None:
    """Memory n was told in minute n; C says in minute 2 that what A says ended in minute 1.5."""
    await world.apply(supersede(A, C, 1.5))
    assert [await world.seen_at(minute) for minute in (-1, 0, 1, 1.7, 2)] == [[], [A], [A, B], [A, B], [B, C]]
    # With hindsight, what had ended is not shown, though nobody had said so yet; and C began only when it was told.
    assert await world.seen_at(1, known=9) == [A, B]
    assert await world.seen_at(1.7, known=9) == [B]


async def test_as_of_a_merged_memory_stands_for_what_it_was_made_of(world: World) -> None:
    """Though the one it was first told by states a date: a validity that has not ended by then."""
    stored = await world.one(A)
    dated = replace(stored, valid_from=NOON, valid_to=NOON + timedelta(minutes=30))
    await world.memories.update(SPACE, dated, etag=stored.etag, actor="key")
    await world.apply(merge(50, A, B))
    assert [await world.seen_at(minute) for minute in (0, 1, 2, 9)] == [[P], [P], sorted([C, P]), sorted([C, D, P])]


async def test_as_of_a_plan_ends_when_another_one_replaces_it(world: World) -> None:
    """A, told in minute 0, is planned for minutes 20 to 30; in minute 2 C says otherwise."""
    stored = await world.one(A)
    planned = replace(stored, valid_from=NOON + timedelta(minutes=20), valid_to=NOON + timedelta(minutes=30))
    await world.memories.update(SPACE, planned, etag=stored.etag, actor="key")
    await world.apply(supersede(A, C, 2))
    assert [await world.seen_at(minute) for minute in (1, 2, 25)] == [[A, B], [B, C], [B, C, D]]


async def test_users_and_spaces_are_kept_apart(world: World) -> None:
    stranger = memory(9, scope=Scope("bo", "bot", "s1"), derived_from=())
    await world.memories.commit(SPACE, world.job, kept(stranger))
    assert await world.log.owners(SPACE, Scope()) == [OWNER, Scope("bo", "bot")]
    assert await world.log.owners(SPACE, Scope("bo")) == [Scope("bo", "bot")]
    assert await world.log.owners(OTHER_TENANT, Scope()) == []
    assert await world.log.active(SPACE, OWNER, [A, stranger.id]) == [await world.one(A)]
    read = [*await world.read(), await world.one(stranger.id)]
    await world.apply(merge(50, A, stranger.id), read=read)
    assert stranger.id in await world.ids(MemoryState.ACTIVE)
    assert A in await world.ids(MemoryState.ACTIVE)
    with pytest.raises(ValueError, match="another user"):
        await world.apply(merge(51, A, B, scope=Scope("bo", "bot")))
    assert await world.ids(MemoryState.SUPERSEDED) == []

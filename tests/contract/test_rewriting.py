"""Memories that an earlier release worded are replaced by those of this one, and no query sees both or none of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from memsvc.consolidation.decisions import Action, Consolidation, Decision
from memsvc.errors import LeaseLost, StaleEtag, Unavailable
from memsvc.jobs.giving_way import Unfinished
from memsvc.jobs.indexer import Indexer
from memsvc.jobs.rewriting import RewriteHandler, queue_rewrites
from memsvc.storage.consolidating import SqlConsolidationLog
from memsvc.storage.rewriting import SqlRewriteLog
from memsvc.storage.tables import TurnRow
from memsvc.types import (
    LLM_FAILED,
    ChangeKind,
    Compression,
    Disposition,
    Job,
    JobKind,
    JobState,
    JobSummary,
    Memory,
    MemoryFilter,
    MemoryState,
    OutdatedTurns,
    PendingTurns,
    Scope,
    SpaceKey,
    Symbolic,
    TurnOutcome,
    TurnRef,
)
from memsvc.vectors.edge import EdgeIndex
from support.retrieval import HashingEmbedder
from support.storage import NOON, OTHER_TENANT, SCOPE, SPACE, memory, turn

if TYPE_CHECKING:
    from contract.conftest import Stores

DELAY = timedelta(seconds=60)


def old(number: int, *turns: int, **changes: Any) -> Memory:
    """A memory as the earlier release made it, of turn `number` or of the turns named."""
    sources = tuple(turn(n).ref for n in turns or (number,))
    made = memory(number, sources=sources, derived_from=(), valid_from=None, text=f"Ana told {number}.")
    return replace(made, **{"dense_text": "harbour", "lexical_text": "harbour", **changes})


class Rules:
    """Makes a memory of every turn in its own words, remembers what it was given, and fails or is held up at will."""

    name = "rules/2"

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.given: list[PendingTurns] = []
        self.fails_on = ""
        self.meanwhile: Any = None

    async def compress(self, space: SpaceKey, turns: PendingTurns) -> Compression:
        self.given.append(turns)
        self.batches.append([each.turn_id for each in turns.pending])
        if self.fails_on in self.batches[-1]:
            raise Unavailable("down")
        if self.meanwhile:
            happening, self.meanwhile = self.meanwhile, None
            await happening()
        made = [
            old(
                int(each.turn_id[1:]) + 100,
                scope=each.scope,
                text=each.content,
                event_time=each.event_time,
                sources=(each.ref,),
                compressor=self.name,
            )
            for each in turns.pending
        ]
        return Compression(tuple(made), tuple(TurnOutcome(t.ref, Disposition.KEPT, "KEPT") for t in turns.pending))


class Parts:
    """A store as the earlier release left it, and what rewrites it."""

    def __init__(self, stores: Stores, index: EdgeIndex) -> None:
        self.stores, self.memories, self.index = stores, stores.memories, index
        self.rules, self.embedder = Rules(), HashingEmbedder()
        self.log = SqlRewriteLog(stores.database, stores.clock, consolidate_after=DELAY)
        self.fractions: list[float] = []
        self.indexer = Indexer(memories=stores.memories, index=index, embedder=self.embedder)

    def handler(self, *, log: Any = None, seconds: float = 3600, turns: int = 64) -> RewriteHandler:
        return RewriteHandler(
            log=log or self.log,
            compressor=self.rules,
            indexer=self.indexer,
            context_turns=3,
            batch_turns=turns,
            stint_seconds=seconds,
        )

    async def store(self, *memories: Memory, turns: int = 0, scope: Scope = SCOPE, **changes: Any) -> None:
        """Turns 0 to `turns` of a session and `memories` of them, indexed."""
        ingested = [turn(n, scope=scope, **changes) for n in range(turns)]
        await self.stores.turns.accept(SPACE, ingested)
        job = await self.claimed(JobKind.COMPRESS)
        outcomes = tuple(TurnOutcome(each.ref, Disposition.KEPT, "INFORMATIVE") for each in ingested)
        await self.memories.commit(SPACE, job, Compression(memories, outcomes))
        await self.stores.jobs.succeed(job, JobSummary())
        async for _ in self.indexer.index(SPACE):
            pass

    async def claimed(self, kind: JobKind, owner: str = "w") -> Job:
        job = await self.stores.jobs.claim(owner, [kind], lease_seconds=30)
        assert job is not None
        return job

    async def job(self) -> Job:
        await queue_rewrites(self.log)
        return await self.claimed(JobKind.REWRITE)

    async def progress(self, fraction: float) -> None:
        self.fractions.append(fraction)

    async def rewrite(self, **options: Any) -> JobSummary:
        job = await self.job()
        summary = await self.handler(**options)(job, self.progress)
        assert isinstance(summary, JobSummary)
        await self.stores.jobs.succeed(job, summary)
        return summary

    async def all(self, *states: MemoryState) -> list[Memory]:
        where = MemoryFilter(states=states or (MemoryState.ACTIVE,))
        return sorted((await self.memories.page(SPACE, where, limit=99)).items, key=lambda m: m.id)

    async def numbers(self, *states: MemoryState) -> list[int]:
        return [int(each.id[-12:]) for each in await self.all(*states)]

    async def one(self, number: int) -> Memory:
        return (await self.memories.get_many(SPACE, [memory(number).id]))[memory(number).id]

    async def found(self) -> list[int]:
        """Numbers of what a query finds: what the index finds, as far as it is served."""
        (vector,) = await self.embedder.embed(["harbour"])
        hits = await self.index.search_dense(SPACE, vector, MemoryFilter(), limit=99)
        stored = await self.memories.get_many(SPACE, [hit.memory_id for hit in hits])
        return sorted(int(each.id[-12:]) for each in stored.values() if each.state is MemoryState.ACTIVE)

    async def outdated_count(self) -> int:
        return (await self.stores.spaces.stats(SPACE)).outdated_memory_count

    async def consolidated(self, *decisions: Decision) -> None:
        await self.stores.turns.accept(SPACE, [turn(99, scope=Scope("bo"))])
        job = await self.claimed(JobKind.COMPRESS)
        read = await self.all()
        log = SqlConsolidationLog(self.stores.database, self.stores.clock)
        examined = tuple(each.id for each in read)
        await log.consolidate(SPACE, job, SCOPE.owner, read, Consolidation(decisions, examined, ()))
        await self.stores.jobs.succeed(job, JobSummary())

    async def fresh(self) -> list[int]:
        log = SqlConsolidationLog(self.stores.database, self.stores.clock)
        page = await log.unconsolidated(SPACE, SCOPE.owner, limit=99)
        return sorted(int(each.id[-12:]) for each in page.items)


def merged(number: int, *inputs: int) -> Decision:
    made = old(number, *inputs, derived_from=tuple(memory(n).id for n in inputs), compressor="consolidation/1")
    return Decision(action=Action.MERGE, memory_ids=made.derived_from, result=made, reason="They say the same.")


@pytest.fixture
async def parts(stores: Stores, tmp_path: Path) -> AsyncIterator[Parts]:
    index = EdgeIndex(tmp_path / "index", "test", HashingEmbedder.dimension)
    await index.ensure()
    yield Parts(stores, index)
    await index.close()


async def test_every_memory_of_a_session_is_replaced_and_the_old_ones_stay_in_the_history(parts: Parts) -> None:
    await parts.store(*(old(n) for n in range(5)), turns=5)
    assert await parts.outdated_count() == 5
    summary = await parts.rewrite(turns=2)
    assert (summary.turn_count, summary.created_count, summary.superseded_count) == (5, 5, 5)
    assert parts.rules.batches == [["t0", "t1"], ["t2", "t3"], ["t4"]]
    assert await parts.numbers() == [100, 101, 102, 103, 104]
    assert await parts.numbers(MemoryState.SUPERSEDED) == [0, 1, 2, 3, 4]
    assert parts.fractions == [0.0, 0.4, 0.8]
    assert await parts.outdated_count() == 0
    assert await parts.memories.unindexed(SPACE, None, limit=9) == []
    history = await parts.memories.history(SPACE, memory(1).id, limit=9)
    assert [change.kind for change in history.items] == [ChangeKind.CREATED, ChangeKind.SUPERSEDED]
    turns = await parts.stores.turns.page(SPACE, SCOPE, (), limit=9)
    assert {each.disposition_reason for each in turns.items} == {"KEPT"}


async def test_what_was_left_out_is_judged_anew(parts: Parts) -> None:
    await parts.store(old(0), old(1, state=MemoryState.LEFT_OUT), turns=2)
    await parts.rewrite()
    assert await parts.numbers() == [100, 101]
    assert await parts.outdated_count() == 0


async def test_a_query_finds_the_old_or_the_new_memories_at_any_moment(parts: Parts) -> None:
    await parts.store(*(old(n) for n in range(4)), turns=4)
    seen: list[list[int]] = []

    class Watched(SqlRewriteLog):
        async def replace(self, job: Job, batch: OutdatedTurns, compression: Compression) -> Any:
            seen.append(await parts.found())
            done = await super().replace(job, batch, compression)
            seen.append(await parts.found())
            return done

    await parts.rewrite(log=Watched(parts.stores.database, parts.stores.clock), turns=2)
    assert seen == [[0, 1, 2, 3], [2, 3, 100, 101], [2, 3, 100, 101], [100, 101, 102, 103]]


async def test_a_lost_attempt_loses_no_batch_before_it(parts: Parts) -> None:
    await parts.store(*(old(n) for n in range(6)), turns=6)
    job, parts.rules.fails_on = await parts.job(), "t2"
    with pytest.raises(Unavailable):
        await parts.handler(turns=2)(job, parts.progress)
    assert await parts.numbers() == [2, 3, 4, 5, 100, 101]
    parts.stores.clock.advance(3600)  # the worker is gone, and its lease with it
    parts.rules.fails_on, parts.rules.batches = "", []
    again = await parts.claimed(JobKind.REWRITE, "another")
    assert (again.id, again.attempt) == (job.id, 2)
    while isinstance(done := await parts.handler(turns=4)(again, parts.progress), Unfinished):
        await parts.stores.jobs.give_way(again, done.summary)
        again = await parts.claimed(JobKind.REWRITE, "another")
    assert [len(batch) for batch in parts.rules.batches] == [2, 2]  # fewer at once, after a lost attempt
    assert await parts.numbers() == [100, 101, 102, 103, 104, 105]
    with pytest.raises(LeaseLost):
        await parts.handler()(job, parts.progress)


async def test_a_commit_whose_index_was_lost_is_indexed_by_the_next_attempt(parts: Parts) -> None:
    await parts.store(old(0), turns=1)
    job = await parts.job()
    batch = await parts.log.outdated(job, SCOPE, limit=9, context=3)
    await parts.log.replace(job, batch, await parts.rules.compress(SPACE, batch.turns))
    summary = await parts.handler()(job, parts.progress)
    assert isinstance(summary, JobSummary)
    assert (summary.indexed_count, await parts.memories.unindexed(SPACE, None, limit=9)) == (2, [])


async def test_it_gives_way_between_batches(parts: Parts) -> None:
    await parts.store(*(old(n) for n in range(3)), turns=3)
    done = await parts.handler(seconds=0, turns=2)(await parts.job(), parts.progress)
    assert isinstance(done, Unfinished)
    assert (done.summary.turn_count, parts.rules.batches) == (2, [["t0", "t1"]])


async def test_what_callers_changed_pinned_or_deleted_stays_with_its_turns(parts: Parts) -> None:
    await parts.store(
        *(old(n) for n in range(5)),
        old(10, 0, event_time=NOON),
        old(11, 1, event_time=NOON + timedelta(minutes=1)),
        turns=5,
    )
    edited, pinned = await parts.one(0), await parts.one(1)
    await parts.memories.update(
        SPACE, replace(edited.with_text("Mine.", 2), compressor="caller"), etag=edited.etag, actor="key"
    )
    await parts.memories.update(SPACE, replace(pinned, pinned=True), etag=pinned.etag, actor="key")
    await parts.memories.delete(SPACE, memory(3).id, etag="", actor="key")
    kept = {number: await parts.one(number) for number in (0, 1, 10, 11)}
    fresh = await parts.fresh()
    await parts.rewrite()
    assert await parts.numbers() == [0, 1, 10, 11, 102, 104]
    for number, before in kept.items():
        after = await parts.one(number)
        assert after == replace(before, compressor="caller", version=after.version, update_time=after.update_time)
    assert await parts.fresh() == sorted({*fresh, 102, 104} - {2, 4})
    assert await parts.outdated_count() == 0


async def test_a_change_while_it_is_compressed_is_kept(parts: Parts) -> None:
    await parts.store(old(0), old(1), turns=2)

    async def edit() -> None:
        stored = await parts.one(1)
        await parts.memories.update(SPACE, replace(stored, salience=0.9), etag=stored.etag, actor="key")

    parts.rules.meanwhile = edit
    await parts.rewrite()
    assert parts.rules.batches == [["t0", "t1"], ["t0"]]
    assert await parts.numbers() == [1, 100]
    assert await parts.index.count(SPACE) == 3  # the point of what was not stored is gone


async def test_a_memory_that_is_changed_at_every_try_ends_the_attempt(parts: Parts) -> None:
    await parts.store(old(0), turns=1)

    class Late(SqlRewriteLog):
        async def replace(self, job: Job, batch: OutdatedTurns, compression: Compression) -> Any:
            return None

    job = await parts.job()
    with pytest.raises(StaleEtag, match="3 times in a row"):
        await parts.handler(log=Late(parts.stores.database, parts.stores.clock))(job, parts.progress)
    assert len(parts.rules.batches) == 3
    assert (await parts.numbers(), await parts.index.count(SPACE)) == ([0], 1)


async def test_an_answer_is_not_cut_from_its_question(parts: Parts) -> None:
    await parts.store(old(0), old(2, 1, 2), old(3), turns=4)
    await parts.rewrite(turns=2)
    assert parts.rules.batches == [["t0"], ["t1", "t2"], ["t3"]]
    assert await parts.numbers() == [100, 101, 102, 103]


async def test_a_chain_of_answers_longer_than_a_batch_comes_to_its_end(parts: Parts) -> None:
    await parts.store(*(old(n, n - 1, n) for n in range(1, 6)), turns=6)
    await parts.rewrite(turns=2)
    assert await parts.numbers() == [100, 101, 102, 103, 104, 105]
    assert await parts.outdated_count() == 0


async def test_a_turn_that_came_later_between_a_question_and_its_answer_is_left_to_its_own_job(parts: Parts) -> None:
    await parts.store(old(5, 0, 5), turns=6)
    late = [turn(10 + n, event_time=NOON + timedelta(minutes=2)) for n in range(9)]
    await parts.stores.turns.accept(SPACE, late)
    await parts.rewrite(turns=2)
    assert parts.rules.batches == [["t0", "t5"]]
    assert (await parts.stores.spaces.stats(SPACE)).pending_turn_count == 9


async def test_what_a_language_model_worded_is_left_alone(parts: Parts) -> None:
    worded = [old(1, compressor="llm/1:m"), old(2, compressor="llm/1:m")]
    await parts.store(old(0), *worded, old(3, 2, 3), old(4), turns=5)
    await parts.rewrite()
    assert parts.rules.batches == [["t0"], ["t3", "t4"]]
    assert await parts.numbers() == [1, 2, 100, 103, 104]


async def test_a_turn_that_a_language_model_is_still_to_compress_stays_marked(parts: Parts) -> None:
    await parts.store(old(0), turns=1)
    marked = update(TurnRow).where(col(TurnRow.turn_id) == "t0").values(reason=f"{LLM_FAILED} X; INFORMATIVE")
    await parts.stores.database.write(lambda session: session.exec(marked))
    await parts.rewrite()
    assert (await parts.stores.spaces.stats(SPACE)).llm_redo_turn_count == 1
    assert await parts.numbers() == [100]


async def test_what_consolidation_made_of_it_is_withdrawn_and_made_anew(parts: Parts) -> None:
    await parts.store(*(old(n) for n in range(4)), turns=4)
    older = Decision(action=Action.SUPERSEDE, memory_ids=(memory(2).id,), winner=memory(3).id, reason="Newer.")
    await parts.consolidated(merged(50, 0, 1), older)
    assert await parts.numbers() == [3, 50]
    assert await parts.outdated_count() == 4
    await parts.rewrite(turns=2)
    assert await parts.numbers() == [100, 101, 102, 103]
    assert {50, 0, 1, 2, 3} == set(await parts.numbers(MemoryState.SUPERSEDED))
    assert {each.superseded_by for each in await parts.all(MemoryState.SUPERSEDED)} == {""}
    assert await parts.fresh() == [100, 101, 102, 103]
    jobs = (await parts.stores.jobs.page(SPACE, [JobState.QUEUED], limit=9)).items
    assert JobKind.CONSOLIDATE in {job.kind for job in jobs}


async def test_what_was_merged_across_sessions_is_served_again_until_its_own_session_is_rewritten(parts: Parts) -> None:
    elsewhere = replace(SCOPE, session_id="s2")
    await parts.store(old(0), turns=1)
    await parts.store(old(20, scope=elsewhere, sources=(TurnRef(elsewhere, "t0"),)), turns=1, scope=elsewhere)
    await parts.consolidated(merged(50, 0, 20))
    await queue_rewrites(parts.log)
    done = await parts.handler()(await parts.claimed(JobKind.REWRITE), parts.progress)
    assert isinstance(done, JobSummary)
    assert await parts.numbers() in ([20, 100], [0, 100])
    assert await parts.outdated_count() == 1


async def test_what_is_beneath_a_merge_that_a_caller_corrected_stays_beneath_it(parts: Parts) -> None:
    await parts.store(*(old(n) for n in range(3)), turns=3)
    made = merged(50, 0, 1)
    assert made.result is not None
    await parts.consolidated(replace(made, result=replace(made.result, scope=SCOPE.owner)))
    stored = await parts.one(50)
    await parts.memories.update(
        SPACE, replace(stored.with_text("Mine.", 2), compressor="caller"), etag=stored.etag, actor="key"
    )
    await parts.rewrite()
    assert await parts.numbers() == [50, 102]
    assert {(await parts.one(n)).superseded_by for n in (0, 1)} == {memory(50).id}
    assert await parts.outdated_count() == 0


async def test_turns_are_told_nothing_of_what_is_outdated_of_them_or_later(parts: Parts) -> None:
    names = [Symbolic(people=(f"P{n}",)) for n in range(4)]
    await parts.store(*(old(n, symbolic=names[n]) for n in range(4)), turns=4)
    await parts.rewrite(turns=2)
    first, second = parts.rules.given
    assert (first.told, first.known_entities) == ((), frozenset())
    assert set(second.told) == {"Ana told 0.", "Ana told 1.", *(turn(n).content for n in range(2))}
    assert {"p0", "p1"} <= second.known_entities
    assert not {"p2", "p3"} & second.known_entities
    assert [each.turn_id for each in second.context] == ["t0", "t1"]


async def test_a_session_of_one_moment_is_told_nothing_of_itself(parts: Parts) -> None:
    await parts.store(*(old(n, event_time=NOON) for n in range(6)), turns=6, event_time=NOON)
    await parts.rewrite(turns=2)
    assert [given.told for given in parts.rules.given] == [(), (), ()]
    assert parts.rules.batches == [["t0", "t1"], ["t2", "t3"], ["t4", "t5"]]
    assert await parts.numbers() == [100, 101, 102, 103, 104, 105]


async def test_a_memory_whose_turn_is_gone_stays_and_holds_up_nothing(parts: Parts) -> None:
    await parts.store(old(0, 77), old(1), old(2, sources=()), turns=3)
    await parts.rewrite()
    assert await parts.numbers() == [0, 2, 101]
    assert await parts.outdated_count() == 0


async def test_a_repeat_changes_nothing(parts: Parts) -> None:
    await parts.store(old(0), old(1), turns=2)
    job = await parts.job()
    await parts.handler()(job, parts.progress)
    before = await parts.memories.last_sequence(SPACE)
    summary = await parts.handler()(job, parts.progress)
    assert isinstance(summary, JobSummary)
    assert (summary.turn_count, await parts.memories.last_sequence(SPACE)) == (0, before)


async def test_without_the_lease_nothing_is_written(parts: Parts) -> None:
    await parts.store(old(0), turns=1)
    job = await parts.job()
    batch = await parts.log.outdated(job, SCOPE, limit=9, context=0)
    await parts.stores.jobs.release(job)
    compression = await parts.rules.compress(SPACE, batch.turns)
    with pytest.raises(LeaseLost):
        await parts.log.replace(job, batch, compression)
    assert await parts.numbers() == [0]


async def test_every_session_is_queued_once(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memsvc.storage.rewriting.SESSIONS", 2)
    scopes = [Scope("ana", "bot", f"s{n}") for n in range(5)]
    for number, scope in enumerate(scopes):
        source = TurnRef(scope, "t0")
        await parts.store(old(20 + number, scope=scope, sources=(source,)), turns=1, scope=scope)
    await parts.store(old(30, compressor="rules/2", scope=Scope("new")), turns=1, scope=Scope("new"))
    assert await parts.log.queue_all() == 5
    assert await parts.log.queue_all() == 0
    running = await parts.claimed(JobKind.REWRITE)
    assert await parts.log.queue_all() == 0
    jobs = (await parts.stores.jobs.page(SPACE, (), limit=99)).items
    rewrites = [job for job in jobs if job.kind is JobKind.REWRITE]
    assert sorted(Scope(*job.payload["scope"]).session_id for job in rewrites) == [f"s{n}" for n in range(5)]
    assert not any(job.urgent for job in (*rewrites, running))
    assert (await parts.stores.spaces.stats(SPACE)).pending_job_count == 0
    assert (await parts.stores.jobs.page(OTHER_TENANT, (), limit=9)).items == ()


async def test_without_outdated_memories_nothing_is_queued_or_written(parts: Parts) -> None:
    await parts.store(old(0, compressor="rules/2"), turns=1)
    assert await parts.log.queue_all() == 0
    assert [job.kind for job in (await parts.stores.jobs.page(SPACE, (), limit=9)).items] == [JobKind.COMPRESS]


async def test_turns_that_come_in_meanwhile_overtake_the_rewriting(parts: Parts) -> None:
    await parts.store(*(old(n) for n in range(4)), turns=4)
    await queue_rewrites(parts.log)
    await parts.stores.turns.accept(SPACE, [turn(9)])
    job = await parts.stores.jobs.claim("w", [JobKind.REWRITE, JobKind.COMPRESS], lease_seconds=30)
    assert job is not None
    assert job.kind is JobKind.COMPRESS
    assert await parts.stores.jobs.claim("w", [JobKind.REWRITE], lease_seconds=30) is None  # one lock for a session

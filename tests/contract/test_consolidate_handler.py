"""The CONSOLIDATE job over real stores and a real index: batch by batch, and stopped anywhere it ends the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from memsvc.consolidation.decisions import ASK_AGAIN, Action, Consolidation, Decision
from memsvc.errors import LeaseLost, Reason, StaleEtag, Unavailable
from memsvc.jobs.consolidation import BATCH, MOST_LOST, ConsolidateHandler, MemoryConsolidation
from memsvc.jobs.giving_way import Unfinished
from memsvc.jobs.indexer import Indexer
from memsvc.storage.consolidating import SqlConsolidationLog
from memsvc.types import Job, JobError, JobKind, JobSummary, Memory, MemoryFilter, MemoryState, Scope, SpaceKey
from memsvc.vectors.edge import EdgeIndex
from support.retrieval import HashingEmbedder
from support.storage import SCOPE, SPACE, kept, memory, turn, walk

if TYPE_CHECKING:
    from contract.conftest import Stores

    from memsvc.ports import Vectors

OWNER = SCOPE.owner


class SameText:
    """Merges memories of the same text, makes an episode of the rest if topics are wanted, and notes what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], list[str]]] = []
        self.down = False
        self.before_it_answers: Callable[[Sequence[Memory]], Awaitable[None]] | None = None
        self.away: set[str] = set()
        """Texts that only somebody who is away can decide about."""

    async def consolidate(
        self,
        fresh: Sequence[Memory],
        known: Sequence[Memory],
        vectors: Mapping[str, Vectors],
        *,
        now: datetime,
        space: SpaceKey | None = None,
        topics: bool = True,
    ) -> Consolidation:
        if self.down:
            raise Unavailable("down")
        assert space is not None
        assert sorted(vectors) == sorted(m.id for m in (*fresh, *known))
        assert all(abs(float(np.linalg.norm(vector)) - 1) < 1e-5 for vector in vectors.values())
        assert len({m.scope.owner for m in (*fresh, *known)}) == 1
        self.asked.append(([m.text for m in fresh], [m.text for m in known]))
        if self.before_it_answers:
            await self.before_it_answers(fresh)
        pool = sorted((*fresh, *known), key=lambda m: (m.event_time, m.id))
        texts = dict.fromkeys(m.text for m in pool)
        groups = [[m for m in pool if m.text == text] for text in texts]
        merges = [self.merge(group) for group in groups if len(group) > 1]
        alone = tuple(group[0].id for group in groups if len(group) == 1)
        episode = Decision(action=Action.ABSTRACT, memory_ids=alone, result=made(900, pool[0], "All of it.", *alone))
        decisions = (*merges, *([episode] if alone and topics else []))
        examined = tuple(m.id for m in fresh if m.text not in self.away)
        return Consolidation(decisions, examined, tuple(m.id for m in fresh if m.text in self.away))

    def merge(self, group: Sequence[Memory]) -> Decision:
        ids = tuple(m.id for m in group)
        number = 100 + sum(int(id_[-3:]) for id_ in ids)
        return Decision(action=Action.MERGE, memory_ids=ids, result=made(number, group[0], group[0].text, *ids))


def made(number: int, like: Memory, text: str, *ids: str) -> Memory:
    return replace(memory(number, scope=like.scope.owner, derived_from=ids), event_time=like.event_time).with_text(
        text, 3
    )


class Parts:
    """The handler over one space's stores and index."""

    def __init__(self, stores: Stores, index: EdgeIndex, *, topics: bool = False) -> None:
        self.stores, self.index, self.decider = stores, index, SameText()
        embedder = HashingEmbedder()
        self.log = SqlConsolidationLog(stores.database, stores.clock)
        self.indexer = Indexer(memories=stores.memories, index=index, embedder=embedder)
        self.consolidation = MemoryConsolidation(
            log=self.log, index=index, embedder=embedder, consolidator=self.decider, topics=topics, clock=stores.clock
        )
        self.handler = ConsolidateHandler(self.consolidation, indexer=self.indexer, stint_seconds=3600)
        self.brief = ConsolidateHandler(self.consolidation, indexer=self.indexer, stint_seconds=0)
        self.told: list[float] = []

    async def progress(self, fraction: float) -> None:
        self.told.append(fraction)

    async def remember(self, *memories: Memory) -> None:
        await self.stores.turns.accept(SPACE, [turn(int(m.id[-3:]), scope=m.scope) for m in memories])
        while job := await self.stores.jobs.claim("w", [JobKind.COMPRESS], lease_seconds=60):
            await self.stores.memories.commit(SPACE, job, kept(*memories))
            await self.stores.jobs.succeed(job, JobSummary())

    async def started(self, **payload: list[str]) -> Job:
        await self.stores.jobs.defer(
            SPACE, JobKind.CONSOLIDATE, dict(payload or {"owner": [OWNER.user_id, OWNER.agent_id]}), lock="c"
        )
        job = await self.stores.jobs.claim("w", [JobKind.CONSOLIDATE], lease_seconds=60)
        assert job is not None
        return job

    async def died_with(self, job: Job) -> Job:
        """The next attempt at a job whose worker died."""
        self.stores.clock.advance(61)
        again = await self.stores.jobs.claim("w", [job.kind], lease_seconds=60)
        assert again is not None
        assert (again.id, again.attempt) == (job.id, job.attempt + 1)
        return again

    async def finished(self, job: Job, *, turns: int) -> JobSummary:
        """Do a job that gives way after every batch, which must take so many turns."""
        for _ in range(turns - 1):
            part = await self.brief(job, self.progress)
            assert isinstance(part, Unfinished)
            await self.stores.jobs.give_way(job, part.summary)
            again = await self.stores.jobs.claim("w", [JobKind.CONSOLIDATE], lease_seconds=60)
            assert again is not None
            assert again.id == job.id
            job = again
        summary = await self.brief(job, self.progress)
        assert isinstance(summary, JobSummary)
        return summary

    async def touch(self, memories: Sequence[Memory]) -> None:
        """Change memories as a caller would."""
        for m in memories:
            stored = await self.stores.memories.get(SPACE, m.id)
            await self.stores.memories.update(
                SPACE, replace(stored, metadata={"version": stored.etag}), etag=stored.etag, actor="a"
            )

    async def texts(self) -> list[str]:
        where = MemoryFilter()
        return sorted(m.text for m in await walk(lambda c: self.stores.memories.page(SPACE, where, limit=50, cursor=c)))

    async def found(self, text: str) -> int:
        """Memories of exactly that text that the index returns."""
        (vector,) = await HashingEmbedder().embed([text])
        hits = await self.index.search_dense(SPACE, vector, MemoryFilter(), limit=50)
        stored = await self.stores.memories.get_many(SPACE, [hit.memory_id for hit in hits])
        assert len(stored) == len(hits)
        assert all(m.state is MemoryState.ACTIVE for m in stored.values())
        return sum(m.text == text for m in stored.values())


def said(number: int, text: str, scope: Scope = SCOPE) -> Memory:
    return memory(number, scope=scope, derived_from=(), valid_from=None).with_text(text, 3)


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[EdgeIndex]:
    opened = EdgeIndex(tmp_path / "index", "test", HashingEmbedder.dimension)
    await opened.ensure()
    yield opened
    await opened.close()


@pytest.fixture
def parts(stores: Stores, index: EdgeIndex) -> Parts:
    return Parts(stores, index)


BEES, FISH = "Ana keeps bees in Lisbon.", "Bo sells fresh fish."


async def test_repeats_become_one_memory_that_is_searchable(parts: Parts) -> None:
    await parts.remember(said(1, BEES), said(2, FISH), said(3, BEES, Scope("ana", "bot", "s2")))
    summary = await parts.handler(await parts.started(), parts.progress)
    assert (summary.examined_count, summary.merged_count, summary.created_count) == (3, 2, 1)
    assert (summary.abstracted_count, summary.indexed_count) == (0, 6)
    assert await parts.texts() == [BEES, FISH]
    assert await parts.found(BEES) == 1
    assert parts.told
    assert await parts.stores.memories.unindexed(SPACE, None, limit=9) == []


async def test_later_memories_meet_what_earlier_ones_became(parts: Parts) -> None:
    await parts.remember(said(1, BEES), said(3, BEES))
    job = await parts.started()
    await parts.stores.jobs.succeed(job, await parts.handler(job, parts.progress))
    await parts.remember(said(2, FISH), said(4, BEES))
    await parts.handler(await parts.started(owner=["ana", "bot"]), parts.progress)
    assert parts.decider.asked[-1] == ([FISH, BEES], [BEES])
    assert await parts.texts() == [BEES, FISH]


async def test_batches_end_when_all_was_looked_at(parts: Parts) -> None:
    await parts.remember(*(said(n, f"{BEES[:-1]} {n % 7}.") for n in range(BATCH + 9)))
    summary = await parts.handler(await parts.started(), parts.progress)
    assert summary.examined_count == BATCH + 9
    assert len(parts.decider.asked) == 2
    assert len(await parts.texts()) == 7


async def test_a_job_gives_way_after_a_batch_and_adds_up_over_its_turns(parts: Parts) -> None:
    await parts.remember(*(said(n, f"{BEES[:-1]} {n % 7}.") for n in range(2 * BATCH + 9)))
    job = await parts.started()
    summary = await parts.finished(job, turns=3)
    assert (summary.examined_count, summary.created_count) == (2 * BATCH + 9, 21)
    assert summary.merged_count == 2 * BATCH + 9 + 14  # what the first two batches made was merged again
    assert len(parts.decider.asked) == 3
    assert len(await parts.texts()) == 7


async def test_a_job_whose_workers_die_takes_smaller_batches_and_hands_each_in(parts: Parts) -> None:
    await parts.remember(*(said(n, f"{BEES[:-1]} {n % 7}.") for n in range(BATCH + 9)))
    job = await parts.died_with(await parts.started())
    job = await parts.died_with(job)
    part = await parts.handler(job, parts.progress)
    assert isinstance(part, Unfinished)
    assert part.summary.examined_count == BATCH // 3
    await parts.stores.jobs.give_way(job, part.summary)
    again = await parts.stores.jobs.claim("w", [JobKind.CONSOLIDATE], lease_seconds=60)
    assert again is not None
    assert again.attempt == 1
    summary = await parts.handler(again, parts.progress)
    assert isinstance(summary, JobSummary)
    assert summary.examined_count == BATCH + 9


async def test_a_job_with_nothing_left_does_not_give_way(parts: Parts) -> None:
    await parts.remember(said(1, BEES), said(2, FISH))
    assert (await parts.finished(await parts.started(), turns=1)).examined_count == 2


async def test_a_job_for_everybody_goes_on_with_the_next_in_a_turn_of_its_own(parts: Parts) -> None:
    for number, user in enumerate(("ana", "bo", "cy")):
        await parts.remember(said(number, BEES, Scope(user, "bot", "s")))
    assert (await parts.finished(await parts.started(scope=["", ""]), turns=3)).examined_count == 3
    assert parts.decider.asked == [([BEES], [])] * 3


async def test_a_job_all_of_whose_memories_are_changed_meanwhile_fails_and_is_tried_again(parts: Parts) -> None:
    parts.decider.before_it_answers = parts.touch
    await parts.remember(*(said(n, f"{BEES[:-1]} {n}.") for n in range(BATCH + 9)))
    job = await parts.started()
    with pytest.raises(StaleEtag, match="64 memories were changed while they were looked at, 3 times"):
        await parts.handler(job, parts.progress)
    assert len(parts.decider.asked) == MOST_LOST
    parts.decider.before_it_answers = None
    summary = await parts.handler(job, parts.progress)
    assert isinstance(summary, JobSummary)
    assert summary.examined_count == BATCH + 9


async def test_one_whose_memories_are_changed_meanwhile_holds_up_nobody(parts: Parts) -> None:
    for number, user in enumerate(("ana", "bo", "cy")):
        await parts.remember(said(number, BEES, Scope(user, "bot", "s")))

    async def touch_ana(fresh: Sequence[Memory]) -> None:
        await parts.touch([m for m in fresh if m.scope.user_id == "ana"])

    parts.decider.before_it_answers = touch_ana
    job = await parts.started(scope=["", ""])
    part = await parts.handler(job, parts.progress)
    assert isinstance(part, Unfinished)
    assert part.summary.examined_count == 2
    assert await parts.log.owners(SPACE, Scope()) == [Scope("ana", "bot")]
    with pytest.raises(StaleEtag, match="1 memories"):
        await parts.handler(replace(job, summary=part.summary), parts.progress)
    parts.decider.before_it_answers = None
    assert (await parts.finished(replace(job, summary=part.summary), turns=1)).examined_count == 3


async def test_of_two_jobs_for_the_same_memories_the_later_waits(parts: Parts) -> None:
    for number, user in enumerate(("ana", "bo")):
        await parts.remember(said(number, BEES, Scope(user, "bot", "s")))
    jobs = []
    for lock, payload in (
        ("all", {"scope": ["", ""]}),
        ("ana", {"owner": ["ana", "bot"]}),
        ("x", {"scope": ["", "x"]}),
    ):
        await parts.stores.jobs.defer(SPACE, JobKind.CONSOLIDATE, payload, lock=lock)
        job = await parts.stores.jobs.claim("w", [JobKind.CONSOLIDATE], lease_seconds=60)
        assert job is not None
        jobs.append(job)
    whole, later, other = jobs
    with pytest.raises(Unavailable, match=whole.id) as waits:
        await parts.handler(later, parts.progress)
    assert waits.value.reason is Reason.CONSOLIDATION_RUNNING
    assert parts.decider.asked == []
    assert await parts.handler(other, parts.progress) == JobSummary()
    summary = await parts.handler(whole, parts.progress)
    assert isinstance(summary, JobSummary)
    assert summary.examined_count == 2
    assert await parts.handler(later, parts.progress) == JobSummary()


async def test_a_job_for_everybody_leaves_one_user_to_an_older_job_and_does_the_others(parts: Parts) -> None:
    for number, user in enumerate(("ana", "bo")):
        await parts.remember(said(number, BEES, Scope(user, "bot", "s")))
    older = await parts.started(owner=["ana", "bot"])
    await parts.stores.jobs.defer(SPACE, JobKind.CONSOLIDATE, {"scope": ["", ""]}, lock="all")
    whole = await parts.stores.jobs.claim("w", [JobKind.CONSOLIDATE], lease_seconds=60)
    assert whole is not None
    part = await parts.handler(whole, parts.progress)
    assert isinstance(part, Unfinished)
    assert parts.decider.asked == [([BEES], [])]
    assert await parts.log.owners(SPACE, Scope()) == [Scope("ana", "bot")]
    with pytest.raises(Unavailable, match=older.id):
        await parts.handler(replace(whole, summary=part.summary), parts.progress)
    await parts.stores.jobs.release(older)  # its worker is stopped
    assert (await parts.finished(replace(whole, summary=part.summary), turns=1)).examined_count == 2


async def test_what_waits_for_somebody_holds_up_nothing_and_is_looked_at_again(parts: Parts) -> None:
    hard = [f"{FISH[:-1]} {n}." for n in range(BATCH + 3)]
    await parts.remember(*(said(n, text) for n, text in enumerate(hard)), said(200, BEES), said(201, BEES))
    parts.decider.away = set(hard)
    job = await parts.started()
    summary = await parts.handler(job, parts.progress)
    assert isinstance(summary, JobSummary)
    assert (summary.examined_count, summary.merged_count) == (2, 2)
    assert len(parts.decider.asked) == 2  # each once, and the job ends
    await parts.stores.jobs.succeed(job, summary)
    assert len((await parts.log.unconsolidated(SPACE, OWNER, limit=99)).items) == len(hard)
    parts.decider.away = set()
    later = ConsolidateHandler(parts.consolidation, indexer=parts.indexer, stint_seconds=3600)  # as after a while
    parts.stores.clock.advance(ASK_AGAIN.total_seconds() + 1)
    again = await parts.stores.jobs.claim("w", [JobKind.CONSOLIDATE], lease_seconds=60)
    assert again is not None
    assert (await later(again, parts.progress)).examined_count == len(hard)
    assert (await parts.log.unconsolidated(SPACE, OWNER, limit=1)).items == ()


async def test_topics_are_a_setting(stores: Stores, index: EdgeIndex) -> None:
    parts = Parts(stores, index, topics=True)
    await parts.remember(said(1, BEES), said(2, FISH))
    summary = await parts.handler(await parts.started(), parts.progress)
    assert summary.abstracted_count == 1
    assert await parts.texts() == ["All of it.", BEES, FISH]


async def test_no_user_meets_another(parts: Parts) -> None:
    """Not even those without a name, whose filter would match everybody."""
    for number, owner in enumerate((Scope("ana", "bot"), Scope("bo", "bot"), Scope("", "bot"), Scope("ana", ""))):
        await parts.remember(said(number, BEES, replace(owner, session_id="s")))
    summary = await parts.handler(await parts.started(scope=["", ""]), parts.progress)
    assert (summary.examined_count, summary.merged_count) == (4, 0)
    assert parts.decider.asked == [([BEES], [])] * 4


@pytest.mark.parametrize("moment", ["deciding", "indexing"])
async def test_a_job_that_was_interrupted_goes_on(parts: Parts, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await parts.remember(said(1, BEES), said(2, FISH), said(3, BEES))
    job = await parts.started()
    parts.decider.down = moment == "deciding"
    with monkeypatch.context() as patched:
        if moment == "indexing":
            real, calls = parts.indexer.index, iter([False, True])

            def broken(*args: object, **kwargs: object) -> AsyncIterator[int]:
                if next(calls):
                    raise Unavailable("index down")
                return real(*args, **kwargs)  # type: ignore[arg-type]

            patched.setattr(parts.indexer, "index", broken)
        with pytest.raises(Unavailable):
            await parts.handler(job, parts.progress)
    assert len(await parts.texts()) == (3 if moment == "deciding" else 2)
    await parts.stores.jobs.fail(job, JobError("INDEX_UNAVAILABLE", "down"), retry_in=0.0)
    parts.decider.down = False
    again = await parts.stores.jobs.claim("w", [JobKind.CONSOLIDATE], lease_seconds=60)
    assert again is not None
    await parts.handler(again, parts.progress)
    # The crash after the commit left its share of the index to a job of its own.
    while due := await parts.stores.jobs.claim("w", [JobKind.INDEX], lease_seconds=60):
        async for _ in parts.indexer.index(SPACE, due.payload["memory_ids"]):
            pass
        await parts.stores.jobs.succeed(due, JobSummary())
    assert await parts.texts() == [BEES, FISH]
    assert (await parts.found(BEES), await parts.found(FISH)) == (1, 1)
    assert await parts.stores.memories.last_sequence(SPACE) == 6


async def test_a_job_that_was_handed_on_writes_nothing(parts: Parts) -> None:
    await parts.remember(said(1, BEES), said(3, BEES))
    job = await parts.started()
    await parts.stores.jobs.release(job)
    with pytest.raises(LeaseLost):
        await parts.handler(job, parts.progress)
    assert await parts.texts() == [BEES, BEES]


async def test_a_preview_changes_nothing(parts: Parts) -> None:
    await parts.remember(said(1, BEES), said(2, FISH), said(3, BEES))
    before = await parts.stores.memories.last_sequence(SPACE)
    preview = await parts.consolidation.preview(SPACE, Scope())
    assert [decision.action for decision in preview.decisions] == [Action.MERGE]
    assert (preview.examined_count, preview.complete) == (3, True)
    assert await parts.stores.memories.last_sequence(SPACE) == before
    assert await parts.index.count(SPACE) == 0
    assert len(await parts.log.owners(SPACE, Scope())) == 1

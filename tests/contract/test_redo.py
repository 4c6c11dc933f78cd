"""Turns that a language model failed to compress are marked, and redone later in the place of what they have."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from memsvc.errors import LeaseLost, ModelMalformed, ModelUnavailable
from memsvc.jobs.giving_way import Unfinished
from memsvc.jobs.handlers import CompressHandler, RecompressHandler
from memsvc.jobs.indexer import Indexer
from memsvc.storage.closing import REASON as DELETED
from memsvc.storage.redo import REDO_DELAY
from memsvc.types import (
    LLM_FAILED,
    LLM_SKIPPED,
    ChangeKind,
    Compression,
    Disposition,
    Job,
    JobKind,
    JobSummary,
    MemoryFilter,
    MemoryState,
    PendingTurns,
    Scope,
    SpaceKey,
    TurnOutcome,
    TurnRef,
)
from memsvc.vectors.edge import EdgeIndex
from support.retrieval import HashingEmbedder
from support.storage import NOON, SCOPE, SPACE, memory, turn

if TYPE_CHECKING:
    from contract.conftest import Stores

FAILED = f"{LLM_FAILED} LLM_UNAVAILABLE; INFORMATIVE"


class Compressor:
    """Compresses each turn by rules, or by a model where it is not down."""

    name = "model/1"

    def __init__(self) -> None:
        self.down: Exception | None = ModelUnavailable("down")
        self.fails_on: set[str] = set()
        self.batches: list[list[str]] = []

    def _made(self, turns: PendingTurns, offset: int, reason: str, name: str) -> Compression:
        memories, outcomes = [], []
        for one in turns.pending:
            number = int(one.turn_id[1:])
            made = memory(
                number + offset, scope=one.scope, sources=(one.ref,), compressor=name, text=f"{name} {number}"
            )
            memories.append(made)
            outcomes.append(TurnOutcome(one.ref, Disposition.KEPT, reason))
        return Compression(tuple(memories), tuple(outcomes))

    async def compress(self, space: SpaceKey, turns: PendingTurns) -> Compression:
        return replace(self._made(turns, 0, FAILED, "rules/1"), redo=tuple(t.ref for t in turns.pending))

    async def recompress(self, space: SpaceKey, turns: PendingTurns) -> Compression:
        self.batches.append([t.turn_id for t in turns.pending])
        if self.down is not None and (not self.fails_on or self.fails_on & set(self.batches[-1])):
            raise self.down
        return self._made(turns, 100, "LLM", self.name)


class Parts:
    def __init__(self, stores: Stores, index: EdgeIndex) -> None:
        self.stores, self.index = stores, index
        self.compressor = Compressor()
        options: dict[str, Any] = {
            "turns": stores.turns,
            "memories": stores.memories,
            "indexer": Indexer(memories=stores.memories, index=index, embedder=HashingEmbedder()),
        }
        self.compress = CompressHandler(compressor=self.compressor, **options)
        self.recompress = RecompressHandler(recompressor=self.compressor, stint_seconds=3600, **options)
        self.brief = RecompressHandler(recompressor=self.compressor, stint_seconds=0, **options)

    async def progress(self, fraction: float) -> None:
        """Nobody looks."""

    async def ingest(self, count: int = 3, **changes: Any) -> None:
        """Turns, compressed by the rules because the model is down."""
        await self.stores.turns.accept(SPACE, [turn(n, **changes) for n in range(count)])
        job = await self.claimed(JobKind.COMPRESS)
        await self.stores.jobs.succeed(job, await self.compress(job, self.progress))

    async def claimed(self, kind: JobKind) -> Job:
        job = await self.stores.jobs.claim("w", [kind], lease_seconds=30)
        assert job is not None
        return job

    async def redo_job(self) -> Job:
        self.stores.clock.advance(REDO_DELAY.total_seconds())
        return await self.claimed(JobKind.RECOMPRESS)

    async def texts(self, state: MemoryState = MemoryState.ACTIVE) -> list[str]:
        page = await self.stores.memories.page(SPACE, MemoryFilter(states=(state,)), limit=99)
        return sorted(found.text for found in page.items)

    async def reasons(self) -> list[str]:
        page = await self.stores.turns.page(SPACE, Scope(), (), limit=99)
        return [found.disposition_reason for found in page.items]


@pytest.fixture
async def parts(stores: Stores, tmp_path: Path) -> AsyncIterator[Parts]:
    index = EdgeIndex(tmp_path / "index", "test", HashingEmbedder.dimension)
    await index.ensure()
    yield Parts(stores, index)
    await index.close()


async def test_failed_turns_are_counted_and_redone_after_a_while(parts: Parts) -> None:
    await parts.ingest()
    assert await parts.stores.jobs.claim("w", [JobKind.RECOMPRESS], lease_seconds=30) is None
    stats = await parts.stores.spaces.stats(SPACE)
    assert (stats.llm_redo_turn_count, stats.pending_turn_count, stats.pending_job_count) == (3, 0, 0)
    parts.compressor.down = None
    job = await parts.redo_job()
    summary = await parts.recompress(job, parts.progress)
    assert (summary.turn_count, summary.created_count, summary.superseded_count) == (3, 3, 3)
    assert await parts.texts() == ["model/1 0", "model/1 1", "model/1 2"]
    assert await parts.texts(MemoryState.SUPERSEDED) == ["rules/1 0", "rules/1 1", "rules/1 2"]
    assert await parts.reasons() == ["LLM"] * 3
    assert (await parts.stores.spaces.stats(SPACE)).llm_redo_turn_count == 0
    assert await parts.stores.memories.unindexed(SPACE, None, limit=9) == []
    history = await parts.stores.memories.history(SPACE, memory(1).id, limit=9)
    assert [change.kind for change in history.items] == [ChangeKind.CREATED, ChangeKind.SUPERSEDED]


async def test_a_model_that_is_still_down_changes_nothing(parts: Parts) -> None:
    await parts.ingest()
    job = await parts.redo_job()
    with pytest.raises(ModelUnavailable):
        await parts.recompress(job, parts.progress)
    assert await parts.texts() == ["rules/1 0", "rules/1 1", "rules/1 2"]
    assert (await parts.stores.spaces.stats(SPACE)).llm_redo_turn_count == 3


async def test_what_was_redone_before_a_failure_stays_and_the_next_attempt_goes_on(parts: Parts) -> None:
    await parts.ingest(25)
    parts.compressor.down, parts.compressor.fails_on = ModelMalformed("garbage"), {"t15"}
    job = await parts.redo_job()
    with pytest.raises(ModelMalformed):
        await parts.recompress(job, parts.progress)
    assert [len(batch) for batch in parts.compressor.batches] == [10, 10]
    assert (await parts.stores.spaces.stats(SPACE)).llm_redo_turn_count == 15
    parts.compressor.down = None
    await parts.recompress(job, parts.progress)
    assert len(await parts.texts()) == len(await parts.texts(MemoryState.SUPERSEDED)) == 25


async def test_a_redo_gives_way_with_what_it_did_searchable_and_adds_up(parts: Parts) -> None:
    await parts.ingest(25)
    parts.compressor.down = None
    job = await parts.redo_job()
    for done in (10, 20):
        part = await parts.brief(job, parts.progress)
        assert isinstance(part, Unfinished)
        assert (part.summary.turn_count, part.summary.indexed_count) == (done, 2 * done)
        assert await parts.stores.memories.unindexed(SPACE, None, limit=9) == []
        await parts.stores.jobs.give_way(job, part.summary)
        job = await parts.claimed(JobKind.RECOMPRESS)
    summary = await parts.brief(job, parts.progress)
    assert isinstance(summary, JobSummary)
    assert (summary.turn_count, summary.created_count, summary.superseded_count) == (25, 25, 25)


async def test_one_job_waits_for_all_failures_of_a_session(parts: Parts) -> None:
    await parts.ingest(2)
    await parts.stores.turns.accept(SPACE, [turn(7)])
    job = await parts.claimed(JobKind.COMPRESS)
    await parts.stores.jobs.succeed(job, await parts.compress(job, parts.progress))
    jobs = await parts.stores.jobs.page(SPACE, (), limit=9)
    assert sorted(job.kind for job in jobs.items) == [JobKind.COMPRESS, JobKind.COMPRESS, JobKind.RECOMPRESS]


async def test_what_a_caller_deleted_or_changed_is_not_brought_back(parts: Parts) -> None:
    await parts.ingest()
    memories = parts.stores.memories
    await memories.delete(SPACE, memory(0).id, etag="", actor="caller")
    mine = await memories.get(SPACE, memory(1).id)
    await memories.update(SPACE, replace(mine, salience=0.9), etag=mine.etag, actor="caller")
    parts.compressor.down = None
    await parts.recompress(await parts.redo_job(), parts.progress)
    assert await parts.texts() == ["model/1 2", "rules/1 1"]
    assert await parts.reasons() == [DELETED, LLM_SKIPPED, "LLM"]


async def test_only_turns_that_follow_one_another_are_redone_together(parts: Parts) -> None:
    await parts.ingest(2)
    await parts.stores.turns.accept(SPACE, [turn(2)])
    job = await parts.claimed(JobKind.COMPRESS)
    done = Compression((), (TurnOutcome(turn(2).ref, Disposition.KEPT, "LLM"),))
    await parts.stores.memories.commit(SPACE, job, done)
    await parts.stores.jobs.succeed(job, await parts.compress(job, parts.progress))
    await parts.stores.turns.accept(SPACE, [turn(3)])
    job = await parts.claimed(JobKind.COMPRESS)
    await parts.stores.jobs.succeed(job, await parts.compress(job, parts.progress))
    parts.compressor.down = None
    await parts.recompress(await parts.redo_job(), parts.progress)
    assert parts.compressor.batches == [["t0", "t1"], ["t3"]]


async def test_memories_of_other_turns_and_sessions_stay(parts: Parts) -> None:
    await parts.ingest()
    await parts.ingest(scope=Scope("ana", "bot", "s2"))
    assert await parts.texts() == ["rules/1 0", "rules/1 1", "rules/1 2"]  # ids are the numbers: the same memories
    elsewhere = Scope("ana", "bot", "s3")
    other = memory(50, scope=elsewhere, text="other", sources=(TurnRef(elsewhere, "t0"),))
    both = memory(51, scope=SCOPE, text="both", sources=(turn(0).ref, TurnRef(SCOPE, "earlier")))
    await parts.stores.turns.accept(SPACE, [turn(60, scope=Scope("x"), event_time=NOON)])
    job = await parts.claimed(JobKind.COMPRESS)
    await parts.stores.memories.commit(SPACE, job, Compression((other, both), ()))
    await parts.stores.jobs.release(job)
    parts.compressor.down = None
    await parts.recompress(await parts.redo_job(), parts.progress)
    assert {"other", "both"} <= set(await parts.texts())


async def test_without_the_lease_nothing_is_redone(parts: Parts) -> None:
    await parts.ingest()
    parts.compressor.down = None
    job = await parts.redo_job()
    await parts.stores.jobs.release(job)
    with pytest.raises(LeaseLost):
        await parts.recompress(job, parts.progress)
    assert await parts.texts() == ["rules/1 0", "rules/1 1", "rules/1 2"]


async def test_a_repeat_changes_nothing(parts: Parts) -> None:
    await parts.ingest()
    parts.compressor.down = None
    job = await parts.redo_job()
    await parts.recompress(job, parts.progress)
    before = await parts.stores.memories.last_sequence(SPACE)
    summary = await parts.recompress(job, parts.progress)
    assert summary.turn_count == summary.superseded_count == 0
    assert await parts.stores.memories.last_sequence(SPACE) == before

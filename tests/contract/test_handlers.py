"""What a worker does, over real stores and a real index: stopped anywhere and run again, it ends the same."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from memsvc.errors import LeaseLost, Unavailable
from memsvc.jobs.giving_way import Unfinished
from memsvc.jobs.handlers import CompressHandler, IndexHandler, ReindexHandler
from memsvc.jobs.indexer import Indexer
from memsvc.types import (
    Compression,
    Disposition,
    Job,
    JobError,
    JobKind,
    JobSummary,
    Memory,
    MemoryFilter,
    PendingTurns,
    Scope,
    SpaceKey,
    SparseVector,
    TurnOutcome,
)
from memsvc.vectors.edge import EdgeIndex
from support.retrieval import HashingEmbedder
from support.storage import OTHER_TENANT, SCOPE, SPACE, turn

if TYPE_CHECKING:
    from contract.conftest import Stores

    from memsvc.ports import Vectors

TURNS = 5


class BreakingIndex(EdgeIndex):
    """An index that fails once, before or after what it was asked to do."""

    breaks = ""

    async def upsert(
        self, space: SpaceKey, memories: Sequence[Memory], dense: Vectors, lexical: Sequence[SparseVector]
    ) -> None:
        self._maybe("before")
        await super().upsert(space, memories, dense, lexical)
        self._maybe("after")

    def _maybe(self, moment: str) -> None:
        if self.breaks == moment:
            self.breaks = ""
            raise Unavailable("broken")


class EveryTurn:
    """Makes a memory of every turn, and fails once when told to."""

    name = "every-turn/1"
    breaks = False
    meanwhile: Callable[[], Awaitable[None]] | None = None
    """What somebody else does, once, while it compresses."""

    async def compress(self, space: SpaceKey, turns: PendingTurns) -> Compression:
        if self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        if self.breaks:
            self.breaks = False
            raise Unavailable("broken")
        outcomes = tuple(TurnOutcome(t.ref, Disposition.KEPT, "INFORMATIVE") for t in turns.pending)
        memories = tuple(
            Memory(
                id=str(uuid.uuid5(uuid.NAMESPACE_OID, t.turn_id)),
                scope=t.scope,
                text=t.content,
                event_time=t.event_time,
                sources=(t.ref,),
            ).with_text(t.content, 5)
            for t in turns.pending
        )
        return Compression(memories, outcomes)


class Parts:
    """The handlers over one space's stores and index."""

    def __init__(self, stores: Stores, index: BreakingIndex, embedder: HashingEmbedder) -> None:
        self.stores, self.index, self.embedder = stores, index, embedder
        self.compressor = EveryTurn()
        self.indexer = Indexer(memories=stores.memories, index=index, embedder=embedder)
        self.compress = CompressHandler(
            turns=stores.turns, memories=stores.memories, compressor=self.compressor, indexer=self.indexer
        )
        self.change = IndexHandler(self.indexer)
        self.reindex = ReindexHandler(indexer=self.indexer, stint_seconds=3600)
        self.told: list[float] = []

    def compress_by(self, window_turns: int) -> CompressHandler:
        return CompressHandler(
            turns=self.stores.turns,
            memories=self.stores.memories,
            compressor=self.compressor,
            indexer=self.indexer,
            window_turns=window_turns,
        )

    async def progress(self, fraction: float) -> None:
        self.told.append(fraction)

    async def claimed(self, kind: JobKind) -> Job:
        job = await self.stores.jobs.claim("w", [kind], lease_seconds=30)
        assert job is not None
        return job

    async def claimed_again(self, job: Job) -> Job:
        """The next attempt at a job whose attempt failed."""
        await self.stores.jobs.fail(job, JobError("INDEX_UNAVAILABLE", "broken"), retry_in=0.0)
        return await self.claimed(job.kind)

    async def died_with(self, job: Job) -> Job:
        """The next attempt at a job whose worker died."""
        self.stores.clock.advance(31)
        again = await self.claimed(job.kind)
        assert (again.id, again.attempt) == (job.id, job.attempt + 1)
        return again

    async def memories(self) -> list[Memory]:
        return list((await self.stores.memories.page(SPACE, MemoryFilter(), limit=99)).items)

    async def check_complete(self) -> None:
        """Every turn is one memory, every memory is one point, and nothing is due."""
        assert sorted(m.sources[0].turn_id for m in await self.memories()) == [f"t{n}" for n in range(TURNS)]
        assert await self.index.count(SPACE) == TURNS
        assert await self.stores.memories.unindexed(SPACE, None, limit=9) == []
        assert (await self.stores.turns.pending(SPACE, SCOPE, limit=9, context=0)).pending == ()


@pytest.fixture
async def parts(stores: Stores, tmp_path: Path) -> AsyncIterator[Parts]:
    embedder = HashingEmbedder()
    index = BreakingIndex(tmp_path / "index", "test", embedder.dimension)
    await index.ensure()
    await stores.turns.accept(SPACE, [turn(n) for n in range(TURNS)])
    yield Parts(stores, index, embedder)
    await index.close()


async def test_compression_makes_turns_searchable(parts: Parts) -> None:
    summary = await parts.compress(await parts.claimed(JobKind.COMPRESS), parts.progress)
    assert summary == JobSummary(turn_count=TURNS, created_count=TURNS, indexed_count=TURNS)
    assert parts.told
    await parts.check_complete()
    (vector,) = await parts.embedder.embed([turn(3).content])
    hits = await parts.index.search_dense(SPACE, vector, MemoryFilter(), limit=1)
    assert [hit.memory_id for hit in hits] == [str(uuid.uuid5(uuid.NAMESPACE_OID, "t3"))]


async def test_a_long_session_is_compressed_a_window_at_a_time(parts: Parts) -> None:
    compress = parts.compress_by(2)
    for done in (2, 4):
        job = await parts.claimed(JobKind.COMPRESS)
        part = await compress(job, parts.progress)
        assert part == Unfinished(JobSummary(turn_count=done, created_count=done, indexed_count=done))
        await parts.stores.jobs.give_way(job, part.summary)
    summary = await compress(await parts.claimed(JobKind.COMPRESS), parts.progress)
    assert summary == JobSummary(turn_count=TURNS, created_count=TURNS, indexed_count=TURNS)
    await parts.check_complete()


@pytest.mark.parametrize("moment", ["compressing", "before", "after", "marking"])
async def test_compression_that_was_interrupted_goes_on_without_doubling(
    parts: Parts, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await parts.claimed(JobKind.COMPRESS)
    parts.compressor.breaks = moment == "compressing"
    parts.index.breaks = moment
    with monkeypatch.context() as patched:
        if moment == "marking":
            patched.setattr(parts.stores.memories, "mark_indexed", _broken)
        with pytest.raises(Unavailable):
            await parts.compress(job, parts.progress)
    written = len(await parts.memories())
    assert written == (0 if moment == "compressing" else TURNS)
    summary = await parts.compress(await parts.claimed_again(job), parts.progress)
    assert (summary.created_count, summary.indexed_count) == (TURNS - written, TURNS)
    await parts.check_complete()
    assert await parts.stores.memories.last_sequence(SPACE) == TURNS


async def _broken(*_arguments: object) -> None:
    raise Unavailable("broken")


async def test_compression_without_the_lease_writes_nothing(parts: Parts) -> None:
    job = await parts.claimed(JobKind.COMPRESS)
    await parts.stores.jobs.release(job)
    with pytest.raises(LeaseLost):
        await parts.compress(job, parts.progress)
    assert (await parts.memories(), await parts.index.count(SPACE)) == ([], 0)


async def test_deletions_and_edits_reach_the_index(parts: Parts) -> None:
    await parts.compress(await parts.claimed(JobKind.COMPRESS), parts.progress)
    first, second, *_ = await parts.memories()
    await parts.stores.memories.delete(SPACE, first.id, etag="", actor="a")
    await parts.stores.memories.update(SPACE, second.with_text("Ana keeps bees.", 4), etag=second.etag, actor="a")
    for _ in range(2):
        job = await parts.claimed(JobKind.INDEX)
        summary = await parts.change(job, parts.progress)
        assert summary == JobSummary(indexed_count=1)
        await parts.stores.jobs.succeed(job, summary)
    assert await parts.index.count(SPACE) == TURNS - 1
    (vector,) = await parts.embedder.embed(["Ana keeps bees."])
    hits = await parts.index.search_dense(SPACE, vector, MemoryFilter(), limit=9)
    assert hits[0].memory_id == second.id
    assert first.id not in {hit.memory_id for hit in hits}


async def test_a_window_whose_context_is_deleted_meanwhile_is_compressed_again(parts: Parts) -> None:
    handler, job = parts.compress_by(2), await parts.claimed(JobKind.COMPRESS)
    part = await handler(job, parts.progress)
    assert isinstance(part, Unfinished)
    await parts.stores.jobs.give_way(job, part.summary)
    newest = (await parts.memories())[0]

    async def delete() -> None:
        await parts.stores.memories.delete(SPACE, newest.id, etag="", actor="a")

    parts.compressor.meanwhile = delete
    job = await parts.claimed(JobKind.COMPRESS)
    assert await handler(job, parts.progress) == Unfinished(part.summary)
    assert len(await parts.memories()) == 1
    await parts.stores.jobs.give_way(job, part.summary)
    again = await handler(await parts.claimed(JobKind.COMPRESS), parts.progress)
    assert isinstance(again, Unfinished)
    assert again.summary.turn_count == 4
    assert [m.sources[0].turn_id for m in await parts.memories()] == ["t3", "t2", "t0"]


async def test_deleting_a_scope_empties_its_index(parts: Parts) -> None:
    await parts.compress(await parts.claimed(JobKind.COMPRESS), parts.progress)
    assert await parts.stores.memories.delete_scope(SPACE, Scope("ana"), actor="a") == (TURNS, 0)
    await parts.change(await parts.claimed(JobKind.INDEX), parts.progress)
    assert await parts.index.count(SPACE) == 0


async def test_reindexing_rebuilds_a_lost_index_and_goes_on_where_it_stopped(parts: Parts) -> None:
    await parts.compress(await parts.claimed(JobKind.COMPRESS), parts.progress)
    await parts.index.delete_space(SPACE)
    await parts.stores.memories.reindex(SPACE)
    job = await parts.claimed(JobKind.REINDEX)
    parts.index.breaks = "after"
    with pytest.raises(Unavailable):
        await parts.reindex(job, parts.progress)
    done = (await parts.memories())[0]
    await parts.stores.memories.mark_indexed(SPACE, [done])
    again = await parts.reindex(replace(job, attempt=2), parts.progress)
    assert again == Unfinished(JobSummary(indexed_count=TURNS - 1))
    await parts.check_complete()


async def test_reindexing_gives_way_between_batches_and_goes_on(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    await parts.compress(await parts.claimed(JobKind.COMPRESS), parts.progress)
    await parts.index.delete_space(SPACE)
    await parts.stores.memories.reindex(SPACE)
    monkeypatch.setattr("memsvc.jobs.indexer.BATCH", 2)
    checked: list[SpaceKey] = []

    async def check(space: SpaceKey) -> None:
        checked.append(space)

    reindex = ReindexHandler(indexer=parts.indexer, check=check, stint_seconds=0)
    for done in (2, 4, 5):
        job = await parts.claimed(JobKind.REINDEX)
        part = await reindex(job, parts.progress)
        assert part == Unfinished(JobSummary(indexed_count=done))
        await parts.stores.jobs.give_way(job, part.summary)
        assert await parts.index.count(SPACE) == done
    assert checked == []
    last = await parts.claimed(JobKind.REINDEX)
    assert await reindex(last, parts.progress) == JobSummary(indexed_count=TURNS)
    assert checked == [SPACE]
    await parts.check_complete()


async def test_a_rebuild_whose_worker_died_hands_in_its_first_batch(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await parts.compress(await parts.claimed(JobKind.COMPRESS), parts.progress)
    monkeypatch.setattr("memsvc.jobs.indexer.BATCH", 2)
    await parts.stores.memories.reindex(SPACE)
    job = await parts.died_with(await parts.claimed(JobKind.REINDEX))
    part = await parts.reindex(job, parts.progress)
    assert part == Unfinished(JobSummary(indexed_count=2))
    await parts.stores.jobs.give_way(job, part.summary)
    job = await parts.claimed(JobKind.REINDEX)
    assert job.attempt == 1
    assert await parts.reindex(job, parts.progress) == JobSummary(indexed_count=TURNS)
    await parts.check_complete()


async def test_a_session_whose_workers_die_is_compressed_in_smaller_windows(parts: Parts) -> None:
    compress = parts.compress_by(TURNS + 1)
    job = await parts.died_with(await parts.claimed(JobKind.COMPRESS))
    half = (TURNS + 1) // 2
    assert await compress(job, parts.progress) == Unfinished(
        JobSummary(turn_count=half, created_count=half, indexed_count=half)
    )


async def test_a_rebuild_that_is_asked_for_amid_another_is_done_whole(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks makes everything due, so the job that is joined does it all again."""
    await parts.compress(await parts.claimed(JobKind.COMPRESS), parts.progress)
    monkeypatch.setattr("memsvc.jobs.indexer.BATCH", 2)
    reindex = ReindexHandler(indexer=parts.indexer, stint_seconds=0)
    first = await parts.stores.memories.reindex(SPACE)
    job = await parts.claimed(JobKind.REINDEX)
    part = await reindex(job, parts.progress)
    assert isinstance(part, Unfinished)
    await parts.stores.jobs.give_way(job, part.summary)
    await parts.index.delete_space(SPACE)
    assert await parts.stores.memories.reindex(SPACE) == first
    while isinstance(part, Unfinished):
        job = await parts.claimed(JobKind.REINDEX)
        part = await reindex(job, parts.progress)
        if isinstance(part, Unfinished):
            await parts.stores.jobs.give_way(job, part.summary)
    assert part == JobSummary(indexed_count=2 + TURNS)
    await parts.check_complete()


async def test_indexing_stays_in_its_space(parts: Parts) -> None:
    await parts.stores.turns.accept(OTHER_TENANT, [turn(9)])
    await parts.compress(await parts.claimed(JobKind.COMPRESS), parts.progress)
    assert (await parts.index.count(SPACE), await parts.index.count(OTHER_TENANT)) == (TURNS, 0)
    assert len((await parts.stores.turns.pending(OTHER_TENANT, SCOPE, limit=9, context=0)).pending) == 1

"""Two embedding models at a time: what SQL records of them, and that no index lacks what its marks say it has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from memsvc.errors import FailedPrecondition, Reason, Unavailable
from memsvc.jobs.active_model import ActiveEmbedder, ActiveIndex
from memsvc.jobs.embeddings import CurrentModels, ModelCheck, ModelIndexer, OpenModel
from memsvc.jobs.handlers import ReindexHandler
from memsvc.jobs.migration import EmbeddingMigration
from memsvc.storage.embeddings import SqlEmbeddingModels
from memsvc.types import EmbeddingModel, EmbeddingState, JobKind, JobSummary, MemoryFilter
from memsvc.vectors.edge import EdgeIndex
from support.retrieval import HashingEmbedder
from support.small_service import ShortEmbedder
from support.storage import OTHER_TENANT, SPACE, held_job, kept, memory

if TYPE_CHECKING:
    from contract.conftest import Stores

FIRST, SECOND, THIRD = (EmbeddingModel(name) for name in ("first", "second", "third"))
COUNT = 5


class Process:
    """What a process of the service has of this, over one folder of Edge indexes; refreshed by hand."""

    def __init__(self, stores: Stores, path: Path) -> None:
        self.store = SqlEmbeddingModels(stores.database)
        self.opened: dict[str, EdgeIndex] = {}
        self.path = path
        self.stopped = False
        self.stores = stores
        self.models = CurrentModels(self.store, FIRST, open_model=self._open, ensured=self._ensured)
        self.indexer = ModelIndexer(stores.memories, self.models)
        self.reindex = ReindexHandler(
            indexer=self.indexer,
            check=ModelCheck(stores.memories, self.store, self.models),
            stint_seconds=3600,
        )

    def _open(self, model: EmbeddingModel) -> OpenModel:
        embedder = HashingEmbedder() if model.name == "first" else ShortEmbedder()
        index = EdgeIndex(self.path / model.name, model.name, embedder.dimension)
        self.opened[model.name] = index
        return OpenModel(model, embedder, index)

    async def _ensured(self, opened: OpenModel) -> None:
        await opened.index.caught_up()

    async def index(self) -> int:
        return sum([count async for count in self.indexer.index(SPACE)])

    async def work(self) -> None:
        """Do what is queued, as a worker does, noticing changes before each job."""
        while not self.stopped:
            await self.models.refresh()
            job = await self.stores.jobs.claim("w", [JobKind.REINDEX], lease_seconds=60)
            if job is not None:
                await self.reindex(job, _silent)
                await self.stores.jobs.succeed(job, JobSummary())
            await asyncio.sleep(0.01)


async def _silent(_: float) -> None:
    """Nobody looks at the progress."""


@pytest.fixture
async def process(stores: Stores, tmp_path: Path) -> AsyncIterator[Process]:
    made = Process(stores, tmp_path / "indexes")
    await made.models.start()
    yield made
    await made.models.close()


async def write(stores: Stores, *numbers: int) -> None:
    """Commit memories as a compression does."""
    await stores.jobs.defer(SPACE, JobKind.COMPRESS, {"n": list(numbers)}, lock="s")
    job = await stores.jobs.claim("w", [JobKind.COMPRESS], lease_seconds=60)
    assert job is not None
    await stores.memories.commit(SPACE, job, kept(*(memory(number) for number in numbers)))
    await stores.jobs.succeed(job, JobSummary())


async def test_without_a_change_there_is_the_model_of_the_settings(process: Process, stores: Stores) -> None:
    await write(stores, *range(COUNT))
    assert await process.index() == COUNT
    assert await process.store.all() == []
    assert (process.models.active.model, process.models.others) == (FIRST, [])
    assert await process.opened["first"].count(SPACE) == COUNT


async def test_a_model_is_registered_once_and_goes_through_its_states(process: Process) -> None:
    registered = await process.store.register(SECOND, FIRST)
    assert registered == replace(SECOND, slot=1, state=EmbeddingState.TARGET)
    assert await process.store.register(SECOND, FIRST) == registered
    assert await process.store.register(FIRST, SECOND) == FIRST
    with pytest.raises(FailedPrecondition) as busy:
        await process.store.register(THIRD, FIRST)
    assert busy.value.reason is Reason.EMBEDDINGS_CHANGING
    await process.store.ready(1)
    await process.store.ready(1)
    assert [model.state for model in await process.store.all()] == [EmbeddingState.ACTIVE, EmbeddingState.FILLING]
    await process.store.activate(1)
    assert [model.state for model in await process.store.all()] == [EmbeddingState.OLD, EmbeddingState.ACTIVE]
    with pytest.raises(FailedPrecondition):
        await process.store.discard(1)
    await process.store.removed(0)
    await process.store.discard(0)
    await process.store.discard(0)
    await process.store.activate(1)
    assert [model.state for model in await process.store.all()] == [EmbeddingState.UNWANTED, EmbeddingState.ACTIVE]
    with pytest.raises(FailedPrecondition, match="first is being removed") as busy:
        await process.store.register(FIRST, FIRST)
    assert busy.value.reason is Reason.EMBEDDINGS_CHANGING
    await process.store.removed(0)
    await process.store.removed(0)
    assert (await process.store.register(THIRD, FIRST)).slot == 0


async def test_marks_of_two_models_do_not_meet(stores: Stores) -> None:
    await write(stores, *range(COUNT))
    due = await stores.memories.unindexed(SPACE, None, limit=9)
    await stores.memories.mark_indexed(SPACE, due[:2], 1)
    await stores.memories.mark_indexed(SPACE, due[:3], 0)
    assert await stores.memories.unindexed(SPACE, None, limit=9, slot=1) == due[2:]
    assert await stores.memories.unindexed(SPACE, None, limit=9) == due[3:]
    assert [await stores.memories.indexed_count(SPACE, slot) for slot in (0, 1)] == [3, 2]
    store = SqlEmbeddingModels(stores.database)
    assert [await store.due_count(slot) for slot in (0, 1)] == [2, 3]
    await stores.memories.mark_all_unindexed(SPACE, 1)
    assert [await store.due_count(slot) for slot in (0, 1)] == [2, COUNT]
    await stores.memories.mark_all_unindexed(SPACE)
    assert [await store.due_count(slot) for slot in (0, 1)] == [COUNT, COUNT]


async def test_statistics_count_what_the_active_model_lacks(process: Process, stores: Stores) -> None:
    await write(stores, *range(COUNT))
    await process.index()
    await process.store.register(SECOND, FIRST)
    assert (await stores.spaces.stats(SPACE)).unindexed_memory_count == 0
    await process.store.activate(1)
    assert (await stores.spaces.stats(SPACE)).unindexed_memory_count == COUNT


async def test_writers_write_with_both_and_who_did_not_notice_leaves_it_due(process: Process, stores: Stores) -> None:
    await write(stores, 1)
    await process.store.register(SECOND, FIRST)
    await process.index()  # has not noticed
    assert [await process.store.due_count(slot) for slot in (0, 1)] == [0, 1]
    await process.models.refresh()
    await write(stores, 2)
    assert await process.index() == 1
    assert [await process.store.due_count(slot) for slot in (0, 1)] == [0, 0]
    assert [await process.opened[name].count(SPACE) for name in ("first", "second")] == [2, 2]


async def test_a_model_that_cannot_be_written_holds_nothing_up(process: Process, stores: Stores) -> None:
    await process.store.register(SECOND, FIRST)
    await process.models.refresh()
    await process.opened["second"].close()
    await write(stores, *range(COUNT))
    assert await process.index() == COUNT
    assert [await process.store.due_count(slot) for slot in (0, 1)] == [0, COUNT]


async def test_deletions_reach_both_indexes(process: Process, stores: Stores) -> None:
    await process.store.register(SECOND, FIRST)
    await process.models.refresh()
    await write(stores, *range(COUNT))
    await process.index()
    await stores.memories.delete(SPACE, memory(1).id, etag="", actor="a")
    await process.index()
    index = ActiveIndex(process.models)
    assert [await process.opened[name].count(SPACE) for name in ("first", "second")] == [COUNT - 1] * 2
    await index.delete_space(SPACE)
    assert [await process.opened[name].count(SPACE) for name in ("first", "second")] == [0, 0]


@pytest.mark.parametrize("cut_off", ["registered", "filling", "switched", ""])
async def test_a_migration_ends_well_wherever_it_was_cut_off(process: Process, stores: Stores, cut_off: str) -> None:
    await write(stores, *range(COUNT))
    await process.index()
    working = asyncio.create_task(process.work())
    migration = EmbeddingMigration(
        process.store,
        stores.memories,
        stores.spaces,
        stores.jobs,
        reindex_lock="reindex",
        notice_seconds=0.1,
        poll_seconds=0.01,
    )
    if cut_off:
        await process.store.register(SECOND, FIRST)
    if cut_off in ("filling", "switched"):
        await process.store.ready(1)
    if cut_off == "switched":
        await process.store.activate(1)
    await write(stores, COUNT)

    registered = await migration.begin(SECOND, FIRST)
    async for _ in migration.fill(registered.slot):
        pass
    if cut_off != "switched":
        (check,) = [check for check in await migration.compare() if check.space == SPACE]
        assert (check.points, check.expected, check.sample, check.self_recall) == (COUNT + 1, COUNT + 1, COUNT + 1, 1.0)
        assert check.overlap == 1.0
    async for _ in migration.switch(registered.slot):
        pass
    assert process.models.active.model.name == "second"
    process.stopped = True
    await working
    await migration.remove_old(registered.slot, process.models.remove_unwanted)
    assert [model.name for model in await process.store.all()] == ["second"]
    assert not (process.path / "first").exists()
    embedder, index = ActiveEmbedder(process.models), ActiveIndex(process.models)
    assert embedder.dimension == ShortEmbedder.dimension
    (vector,) = await embedder.embed([memory(COUNT).dense_text])
    hits = await index.search_dense(SPACE, vector, MemoryFilter(), limit=1)
    assert hits[0].memory_id == memory(COUNT).id
    assert await index.count(SPACE) == COUNT + 1


async def switched(process: Process, stores: Stores) -> EmbeddingMigration:
    """A change of models that is over, but for the old index."""
    await write(stores, *range(COUNT))
    await process.store.register(SECOND, FIRST)
    await process.store.ready(1)
    await process.models.refresh()
    await process.index()
    await process.store.activate(1)
    return EmbeddingMigration(
        process.store,
        stores.memories,
        stores.spaces,
        stores.jobs,
        reindex_lock="reindex",
        notice_seconds=0.0,
        poll_seconds=0.01,
        removal_seconds=0.05,
    )


def refuse_removal(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(_: EdgeIndex) -> None:
        raise Unavailable("No removals today.")

    monkeypatch.setattr(EdgeIndex, "drop", refused)


async def test_an_index_that_cannot_be_removed_is_not_forgotten(
    process: Process, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = await switched(process, stores)
    with monkeypatch.context() as patched:
        refuse_removal(patched)
        with pytest.raises(Unavailable, match="No removals today"):
            await migration.remove_old(1, process.models.remove_unwanted)
        assert [model.name for model in await process.store.all()] == ["first", "second"]
        await write(stores, COUNT)
        await process.index()
        assert [await process.store.due_count(slot) for slot in (0, 1)] == [1, 0]  # written with no more
        await process.models.refresh()  # holds nothing up
    assert (process.path / "first").exists()
    await migration.remove_old(1, process.models.remove_unwanted)
    assert [model.name for model in await process.store.all()] == ["second"]
    assert not (process.path / "first").exists()


async def test_a_process_that_starts_later_removes_what_is_left(
    process: Process, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = await switched(process, stores)
    with monkeypatch.context() as patched:
        refuse_removal(patched)
        with pytest.raises(Unavailable):
            await migration.remove_old(1, process.models.remove_unwanted)
    await process.models.close()
    later = Process(stores, process.path)
    await later.models.start()
    assert [model.name for model in await later.store.all()] == ["second"]
    assert not (later.path / "first").exists()
    assert (later.models.active.model.name, later.models.others) == ("second", [])
    await later.models.close()


async def test_whoever_only_watches_is_told_that_nobody_removed_it(process: Process, stores: Stores) -> None:
    migration = await switched(process, stores)
    with pytest.raises(Unavailable, match="index of first is not removed yet"):
        await migration.remove_old(1)
    await process.models.refresh()
    await migration.remove_old(1)
    assert [model.name for model in await process.store.all()] == ["second"]


async def test_points_that_are_missing_keep_queries_where_they_are(process: Process, stores: Stores) -> None:
    await write(stores, *range(COUNT))
    await process.index()
    await process.store.register(SECOND, FIRST)
    await process.store.ready(1)
    await process.models.refresh()
    await process.index()
    await process.opened["second"].delete(SPACE, [memory(2).id])
    job = replace(held_job(), kind=JobKind.REINDEX, payload={})
    await process.reindex(job, _silent)
    migration = EmbeddingMigration(
        process.store, stores.memories, stores.spaces, stores.jobs, reindex_lock="reindex", notice_seconds=0.0
    )
    with pytest.raises(FailedPrecondition, match="was not compared"):
        await migration.compare()
    await process.reindex(replace(job, space=OTHER_TENANT), _silent)
    with pytest.raises(FailedPrecondition, match="4 of 5 memories"):
        await migration.compare()
    await process.models.refresh()
    assert process.models.active.model.name == "first"

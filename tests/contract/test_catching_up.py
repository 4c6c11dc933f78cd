"""What an index that may have lost writes is given again: what it lacks, and no more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from memsvc.errors import NotFound
from memsvc.jobs.catching_up import catch_up_index
from memsvc.jobs.embeddings import OpenModel
from memsvc.jobs.indexer import Indexer
from memsvc.types import EmbeddingModel, JobKind, JobState, JobSummary, MemoryFilter
from memsvc.vectors import schema
from memsvc.vectors.edge import EdgeIndex
from support.retrieval import HashingEmbedder
from support.storage import SPACE, kept, memory

if TYPE_CHECKING:
    from contract.conftest import Stores


class UnsureIndex(EdgeIndex):
    """An index that may have lost writes since a moment that a test sets."""

    since: datetime | None = None

    @property
    def unsure_since(self) -> datetime | None:
        return self.since

    async def caught_up(self) -> None:
        self.since = None


class Parts:
    """Five memories that SQL believes indexed, and the index."""

    def __init__(self, stores: Stores, index: UnsureIndex) -> None:
        self.stores, self.index, self.memories = stores, index, stores.memories
        self.ids = [memory(n).id for n in range(5)]
        embedder = HashingEmbedder()
        self.indexer = Indexer(memories=stores.memories, index=index, embedder=embedder)
        self.opened = OpenModel(EmbeddingModel(name="m"), embedder, index)

    async def start(self) -> None:
        await self.stores.jobs.defer(SPACE, JobKind.COMPRESS, {}, lock="s")
        job = await self.stores.jobs.claim("w", [JobKind.COMPRESS], lease_seconds=60)
        assert job is not None
        await self.memories.commit(SPACE, job, kept(*(memory(n) for n in range(5))))
        await self.stores.jobs.succeed(job, JobSummary())
        await self.write()

    async def write(self) -> None:
        assert [count async for count in self.indexer.index(SPACE)] != []

    async def catch_up(self, since: datetime) -> Sequence[str]:
        """Return the ids of what is due afterwards, for which there is one job, or none for nothing."""
        self.index.since = since
        await catch_up_index(self.stores.spaces, self.memories, self.opened)
        assert self.index.since is None
        due = [m.id for m in await self.memories.unindexed(SPACE, None, limit=9)]
        jobs = (await self.stores.jobs.page(SPACE, (JobState.QUEUED,), limit=9)).items
        assert len([job for job in jobs if job.kind is JobKind.REINDEX]) == (1 if due else 0)
        return due


@pytest.fixture
async def parts(stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Parts]:
    monkeypatch.setattr("memsvc.jobs.catching_up.PAGE", 2)
    index = UnsureIndex(tmp_path / "index", "test", HashingEmbedder.dimension)
    await index.ensure()
    made = Parts(stores, index)
    await made.start()
    yield made
    await index.close()


async def test_an_index_that_lost_nothing_is_given_nothing(parts: Parts) -> None:
    parts.stores.clock.advance(600)
    assert await parts.catch_up(parts.stores.clock()) == []


async def test_a_new_index_is_given_all(parts: Parts) -> None:
    await parts.index.delete_space(SPACE)
    assert await parts.catch_up(schema.ALWAYS) == parts.ids


async def test_what_has_no_point_is_given_again_and_nothing_else(parts: Parts) -> None:
    await parts.index.delete(SPACE, [parts.ids[1], parts.ids[4]])
    assert await parts.catch_up(parts.stores.clock()) == [parts.ids[1], parts.ids[4]]
    await parts.write()
    assert await parts.index.count(SPACE) == 5


async def test_a_point_that_came_back_is_removed_again(parts: Parts) -> None:
    (vector,) = await HashingEmbedder().embed([memory(2).dense_text])
    await parts.memories.delete(SPACE, parts.ids[2], etag="", actor="a")
    await parts.write()
    lexical = parts.indexer._lexical.document(memory(2).lexical_text)
    await parts.index.upsert(SPACE, [memory(2)], vector[None], [lexical])
    assert await parts.catch_up(parts.stores.clock()) == [parts.ids[2]]
    await parts.write()
    assert parts.ids[2] not in {
        h.memory_id for h in await parts.index.search_dense(SPACE, vector, MemoryFilter(), limit=9)
    }


async def test_what_was_changed_since_is_written_again(parts: Parts) -> None:
    clock = parts.stores.clock
    await parts.memories.update(SPACE, memory(0, text="before"), etag="v1", actor="a")
    await parts.write()
    clock.advance(600)
    since = clock()
    clock.advance(5)
    await parts.memories.update(SPACE, memory(3, text="after"), etag="v1", actor="a")
    await parts.write()
    assert await parts.catch_up(since) == [parts.ids[3]]


async def test_what_is_due_already_stays_so(parts: Parts) -> None:
    await parts.memories.reindex(SPACE, [parts.ids[0]])
    assert await parts.catch_up(parts.stores.clock()) == [parts.ids[0]]


async def test_a_space_that_is_deleted_meanwhile_holds_up_nothing(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object, **__: object) -> str:
        raise NotFound("the space is gone")

    await parts.index.delete_space(SPACE)
    monkeypatch.setattr(parts.memories, "reindex", gone)
    assert await parts.catch_up(schema.ALWAYS) == []

import asyncio
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from memsvc.errors import Corrupt, FailedPrecondition, Reason, Unavailable
from memsvc.types import Memory, MemoryFilter, Scope, SpaceKey, SparseVector
from memsvc.vectors import schema
from memsvc.vectors.edge import EdgeIndex

SPACE = SpaceKey("acme", "support")
TERMS = SparseVector((3, 9), (1.0, 0.5))

# Upserts one memory at a time for ever, and says the id of each one that was acknowledged.
WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
import numpy as np
from memsvc.types import Memory, Scope, SpaceKey, SparseVector
from memsvc.vectors.edge import EdgeIndex

async def main(path, first):
    index = EdgeIndex(Path(path), "test", 8, flush_seconds=0.05)
    await index.ensure()
    vector = np.ones((1, 8), np.float32)
    number = first
    while True:
        memory = Memory(id=f"m{number}", scope=Scope("u"), text="", event_time=datetime(2024, 1, 1, tzinfo=UTC))
        await index.upsert(SpaceKey("acme", "support"), [memory], vector, [SparseVector((3, 9), (1.0, 0.5))])
        print(number, flush=True)
        number += 1

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def memory(number: int) -> Memory:
    return Memory(id=f"m{number}", scope=Scope("u"), text="", event_time=datetime(2024, 1, 1, tzinfo=UTC))


async def store(index: EdgeIndex, vectors: np.ndarray) -> None:
    await index.upsert(SPACE, [memory(i) for i in range(len(vectors))], vectors, [TERMS] * len(vectors))


def wait_until_gone(path: Path) -> None:
    while path.exists():
        time.sleep(0.01)


async def open_index(path: Path, dimension: int = 8, flush_seconds: float = 60.0) -> EdgeIndex:
    index = EdgeIndex(path, "test", dimension, flush_seconds=flush_seconds)
    await index.ensure()
    return index


async def test_a_directory_belongs_to_one_index_at_a_time(tmp_path: Path) -> None:
    first = await open_index(tmp_path)
    second = EdgeIndex(tmp_path, "test", 8)
    with pytest.raises(FailedPrecondition, match="in use by another process") as refused:
        await second.ensure()
    assert refused.value.reason is Reason.INDEX_IN_USE
    await first.close()
    await second.ensure()
    assert await second.count(SPACE) == 0
    await second.close()


async def test_a_refused_directory_stays_free_for_others(tmp_path: Path) -> None:
    await (await open_index(tmp_path)).close()
    with pytest.raises(FailedPrecondition):
        await open_index(tmp_path, dimension=9)
    index = await open_index(tmp_path)
    assert await index.count(SPACE) == 0
    await index.close()


async def test_another_layout_version_is_refused(tmp_path: Path) -> None:
    await (await open_index(tmp_path)).close()
    (tmp_path / "layout.json").write_text('{"version": 0, "dimension": 8}')
    with pytest.raises(FailedPrecondition, match="'version': 0") as refused:
        await open_index(tmp_path)
    assert refused.value.reason is Reason.INDEX_MISMATCH


async def test_damaged_files_are_told_apart_from_an_empty_index(tmp_path: Path) -> None:
    index = await open_index(tmp_path)
    await store(index, np.eye(8, dtype=np.float32))
    await index.close()
    (tmp_path / "shard" / "edge_config.json").write_text("{")
    with pytest.raises(Corrupt, match="rebuild"):
        await open_index(tmp_path)


async def test_a_new_index_is_behind_until_it_is_said_to_have_caught_up(tmp_path: Path) -> None:
    first = await open_index(tmp_path)
    assert first.unsure_since == schema.ALWAYS
    await first.close()
    second = await open_index(tmp_path)
    assert second.unsure_since == schema.ALWAYS
    await second.caught_up()
    assert second.unsure_since is None
    await second.close()
    third = await open_index(tmp_path)
    assert third.unsure_since is None
    await third.close()


async def test_writes_are_flushed_soon_and_again(tmp_path: Path) -> None:
    index = await open_index(tmp_path, flush_seconds=0.01)
    await index.caught_up()
    for _ in range(2):
        await store(index, np.eye(8, dtype=np.float32))
        assert (tmp_path / "unflushed").exists()
        await asyncio.to_thread(wait_until_gone, tmp_path / "unflushed")
    await index.close()


async def test_acknowledged_writes_survive_kills_at_any_moment(tmp_path: Path) -> None:
    first = await open_index(tmp_path)
    await first.caught_up()
    await first.close()
    last = -1
    for round_ in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(last + 1)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        for _ in range(1 + 7 * round_):
            last = int(writer.stdout.readline())
        writer.kill()
        last = max([last, *map(int, writer.stdout.read().split())])
        writer.wait()
        writer.stdout.close()
    index = await open_index(tmp_path)
    known = await index.search_dense(SPACE, np.ones(8, np.float32), MemoryFilter(), limit=10_000)
    by_term = await index.search_lexical(SPACE, TERMS, MemoryFilter(), limit=10_000)
    acknowledged = {f"m{number}" for number in range(last + 1)}
    assert acknowledged <= {hit.memory_id for hit in known}
    assert acknowledged <= {hit.memory_id for hit in by_term}
    assert await index.count(SPACE) == len(known)
    await index.close()


async def test_unflushed_writes_of_a_killed_process_are_noticed(tmp_path: Path) -> None:
    first = await open_index(tmp_path)
    await first.caught_up()
    await store(first, np.eye(8, dtype=np.float32))
    left_behind = (tmp_path / "unflushed").exists()
    await first.close()
    assert left_behind
    (tmp_path / "unflushed").touch()
    os.utime(tmp_path / "unflushed", (1_700_000_000, 1_700_000_000))
    second = await open_index(tmp_path)
    assert second.unsure_since == datetime.fromtimestamp(1_700_000_000, UTC)
    await second.close()


async def test_searches_run_between_the_writes_of_a_batch(tmp_path: Path) -> None:
    index = await open_index(tmp_path)
    vectors = np.random.default_rng(1).normal(size=(640, 8)).astype(np.float32)
    writing = asyncio.create_task(store(index, vectors))
    counts = []
    while not writing.done():
        counts.append(await index.count(SPACE))
    await writing
    assert any(0 < count < 640 for count in counts)
    assert counts == sorted(counts)
    assert await index.count(SPACE) == 640
    await index.close()


async def test_opening_optimises_and_still_finds_every_vector(tmp_path: Path) -> None:
    # Enough vectors to pass the engine's threshold of 10 MB, past which it builds a graph.
    vectors = np.random.default_rng(2).normal(size=(3_000, 1_024)).astype(np.float32)
    index = await open_index(tmp_path, dimension=1_024)
    await store(index, vectors)
    await index.close()
    again = await open_index(tmp_path, dimension=1_024)
    assert await again.count(SPACE) == 3_000
    for number in range(0, 3_000, 300):
        hits = await again.search_dense(SPACE, vectors[number], MemoryFilter(), limit=1)
        assert hits[0].memory_id == f"m{number}"
    assert len(list((tmp_path / "shard" / "segments").glob("*/vector_index-dense/graph*"))) > 0
    await again.close()


async def test_a_file_that_cannot_be_removed_is_told_and_a_second_try_removes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = await open_index(tmp_path / "index")
    await store(index, np.eye(8, dtype=np.float32))

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "shard")

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", refused)
        with pytest.raises(Unavailable, match="cannot be removed"):
            await index.drop()
    assert (tmp_path / "index").exists()
    await index.drop()
    assert not (tmp_path / "index").exists()
    await index.drop()

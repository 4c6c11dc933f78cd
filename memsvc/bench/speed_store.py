"""Stores of a given number of units: originals compressed by the service, grown through its own ports."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar

from rich.progress import Progress

from memsvc.bench.asking import as_message
from memsvc.bench.conversations import Conversation
from memsvc.bench.embeddings import Embeddings
from memsvc.bench.growth import Told, copies
from memsvc.bench.recall import Truth
from memsvc.bootstrap.parts import collection_name
from memsvc.bootstrap.serving import ensure_first_key
from memsvc.bootstrap.stores import DEFAULT_TENANT, Stores, open_stores
from memsvc.config import Settings, load
from memsvc.jobs.indexer import language_of
from memsvc.language.lexical import LexicalEncoder
from memsvc.models.weights import MINILM
from memsvc.ports import Vectors
from memsvc.process import service
from memsvc.storage.spaces import DEFAULT_SPACE
from memsvc.types import Compression, JobKind, JobSummary, Memory, MemoryFilter, Scope, SpaceKey
from memsvc.vectors.edge import EdgeIndex
from memsvc_client import MemoryClient

SPACE = SpaceKey(DEFAULT_TENANT, DEFAULT_SPACE)
T = TypeVar("T")

CALL_SECONDS = 600.0
LEASE_SECONDS = 86_400.0
PAGE = 1000
GROWN = "grown.json"
RECALL_AT = 100
"""Neighbours whose recall is measured: the fewest candidates that a query asks the dense view for."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Seconds that filling the store took; two processes, one for each of SQL and the index, work at once.

    `recall` is of the dense search's 100 neighbours in the whole space against the exact ones.
    """

    copy_s: float
    sql_s: float
    index_s: float
    optimize_s: float
    recall: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a store is filled with: copies of `told` to `units` memories. See `growth.copies`.

    `questions` are vectors whose exact neighbours are noted, to measure the index's recall. `embedded` embeds every
    copy's text with the model, which takes hours for a million.
    """

    told: tuple[Told, ...]
    units: int
    questions: Vectors
    seed: int
    one_user: bool
    embedded: bool

    def copies(self) -> Iterator[Told]:
        """Everything the store is filled with, conversation by conversation."""
        return copies(self.told, self.units, seed=self.seed, one_user=self.one_user)


def index_folder(data_dir: Path) -> Path:
    """Where the service keeps its index."""
    return data_dir / "index" / collection_name(MINILM)


def originals(talks: Sequence[Conversation], folder: Path, bar: Progress) -> list[Told]:
    """Have the service compress the conversations, unless `folder` holds them, and read what it stored."""
    done = folder / GROWN
    total = sum(1 for talk in talks for _ in talk.turns())
    if not done.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        _compress(talks, folder, bar, total)
        done.write_text("{}")
    return asyncio.run(_read(talks, _settings(folder)))


def _compress(talks: Sequence[Conversation], folder: Path, bar: Progress, total: int) -> None:
    task = bar.add_task("compressed", total=total)
    with service(folder) as process, MemoryClient(process.address, api_key=process.api_key) as client:
        for talk in talks:
            for name, turns in talk.sessions.items():
                client.add([as_message(turn) for turn in turns], user_id=talk.id, session_id=name, timeout=CALL_SECONDS)
        while (stats := client.stats()).pending_job_count:
            bar.update(task, completed=stats.turn_count - stats.pending_turn_count)
            time.sleep(0.2)
    if stats.failed_job_count or stats.turn_count != total:
        raise ValueError(f"{stats.failed_job_count} jobs failed, {stats.turn_count} of {total} turns stored")
    bar.update(task, completed=total)


async def _read(talks: Sequence[Conversation], settings: Settings) -> list[Told]:
    embed = Embeddings()
    async with open_stores(settings) as stores:
        return [await _told(stores, talk.id, embed) for talk in talks]


async def _told(stores: Stores, user: str, embed: Embeddings) -> Told:
    memories: list[Memory] = []
    cursor = None
    while True:
        page = await stores.memories.page(SPACE, MemoryFilter(scope=Scope(user)), limit=PAGE, cursor=cursor)
        memories += page.items
        if (cursor := page.cursor) is None:
            break
    memories.reverse()  # the last created come first
    return Told(user, tuple(memories), embed([memory.dense_text for memory in memories]))


def grow(data_dir: Path, plan: Plan, bar: Progress) -> Growth:
    """Fill an empty store, or take over the one that an earlier run filled.

    Raises:
        ValueError: one of the two writers failed; it said on standard error why.
    """
    done = data_dir / GROWN
    if not done.is_file():
        shutil.rmtree(data_dir, ignore_errors=True)
        data_dir.mkdir(parents=True)
        spawn = multiprocessing.get_context("spawn")
        writers = {}
        for part in (_write_sql, _write_index):
            counter = spawn.Value("q", 0)
            writers[part.__name__] = (spawn.Process(target=part, args=(data_dir, plan, counter)), counter)
        _follow(writers, plan.units, bar)
        parts = [json.loads((data_dir / f"{name}.json").read_text()) for name in writers]
        done.write_text(json.dumps(parts[0] | parts[1] | {"copy_s": sum(part["copy_s"] for part in parts) / 2}))
    return Growth(**json.loads(done.read_text()))


def _follow(writers: Mapping[str, tuple[BaseProcess, Any]], units: int, bar: Progress) -> None:
    tasks = {name: bar.add_task(f"{units:,}: {name.removeprefix('_write_')}", total=units) for name in writers}
    for process, _ in writers.values():
        process.start()
    try:
        while any(process.is_alive() for process, _ in writers.values()):
            for name, (process, counter) in writers.items():
                process.join(0.2)
                bar.update(tasks[name], completed=counter.value)
                if process.exitcode:
                    raise ValueError(f"filling the store failed: {name.removeprefix('_write_')}")
    finally:
        for process, _ in writers.values():
            process.terminate()
            process.join()
    for name, (process, counter) in writers.items():
        bar.update(tasks[name], completed=counter.value)
        if process.exitcode:
            raise ValueError(f"filling the store failed: {name.removeprefix('_write_')}")


def _write_sql(data_dir: Path, plan: Plan, counter: Any) -> None:
    """Memories, their change log and their marks, each conversation in a transaction; the whole under one job."""
    watch = Stopwatch()

    async def write() -> None:
        settings = _settings(data_dir)
        async with open_stores(settings) as stores:
            await ensure_first_key(settings, stores)
            await stores.jobs.defer(SPACE, JobKind.COMPRESS, {"scope": ["", "", ""]}, lock="bench")
            job = await stores.jobs.claim("bench", [JobKind.COMPRESS], lease_seconds=LEASE_SECONDS)
            if job is None:
                raise ValueError("the job that was just written is not there")
            for told in watch.each("copy_s", plan.copies()):
                with watch("sql_s"):
                    written = await stores.memories.commit(SPACE, job, Compression(told.memories, ()))
                    if len(written) != len(told.memories):
                        raise ValueError(f"{len(written)} of {len(told.memories)} memories written")
                    await stores.memories.mark_indexed(SPACE, told.memories)
                counter.value += len(told.memories)
            await stores.jobs.succeed(job, JobSummary(created_count=plan.units))

    asyncio.run(write())
    (data_dir / "_write_sql.json").write_text(json.dumps(watch.seconds))


def _write_index(data_dir: Path, plan: Plan, counter: Any) -> None:
    """Points, then the optimiser; then what the index finds is compared with what it should."""
    watch = Stopwatch()
    truth = Truth(plan.questions, RECALL_AT)
    embed = Embeddings() if plan.embedded else None
    encoder = LexicalEncoder()

    async def write() -> float:
        index = EdgeIndex(index_folder(data_dir), collection_name(MINILM), truth.dimension)
        try:
            await index.ensure()
            await index.caught_up()
            for told in watch.each("copy_s", plan.copies()):
                vectors = told.vectors if embed is None else embed([memory.dense_text for memory in told.memories])
                truth.add([memory.id for memory in told.memories], vectors)
                with watch("index_s"):
                    lexical = [encoder.document(memory.searched_text, language_of(memory)) for memory in told.memories]
                    await index.upsert(SPACE, told.memories, vectors, lexical)
                counter.value += len(told.memories)
            with watch("optimize_s"):
                await index.optimize()
            return truth.recall([await _neighbours(index, vector) for vector in truth.queries])
        finally:
            await index.close()

    recall = asyncio.run(write())
    (data_dir / "_write_index.json").write_text(json.dumps(watch.seconds | {"recall": recall}))


async def _neighbours(index: EdgeIndex, vector: Vectors) -> list[str]:
    hits = await index.search_dense(SPACE, vector, MemoryFilter(), limit=RECALL_AT)
    return [hit.memory_id for hit in hits]


class Stopwatch:
    """Adds up seconds by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Count what is done inside."""
        begin = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin

    def each(self, name: str, items: Iterator[T]) -> Iterator[T]:
        """The items; what it takes to make them counts."""
        end = object()
        while True:
            with self(name):
                item = next(items, end)
            if item is end:
                return
            yield item  # type: ignore[misc]


def _settings(data_dir: Path) -> Settings:
    return load(data_dir=data_dir)


def disk_bytes(data_dir: Path) -> dict[str, int]:
    """Bytes on disk of the database with its log, and of the index."""

    def size(paths: Iterator[Path]) -> int:
        # Blocks, because the index's files are sparse.
        return sum(path.stat().st_blocks * 512 for path in paths if path.is_file())

    return {"sqlite": size(data_dir.glob("memsvc.db*")), "index": size(index_folder(data_dir).rglob("*"))}

"""`memsvc bench speed`: ingest and query through the SDK, beside the bare parts in the same run.

The floor is what nobody can beat with the same model and index on the same machine: embedding the same texts with the
bare model, and searching the bare index with a vector that is there already. Report ratios; machines differ.
"""

from __future__ import annotations

import json
import platform
import shutil
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from qdrant_edge import Distance, EdgeConfig, EdgeShard, EdgeVectorParams, Point, Query, QueryRequest, UpdateOperation
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sentence_transformers import SentenceTransformer

from memsvc.bench.conversations import Conversation, Message
from memsvc.bench.reading import read
from memsvc.models.weights import minilm_folder
from memsvc.process import service
from memsvc_client import MemoryClient

CLIENTS = 4
K = 20
out = Console()
err = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Ingested:
    """Seconds until every turn was acknowledged, and until every turn was searchable."""

    turns: int
    memories: int
    raw_tokens: int
    stored_tokens: int
    acknowledged_s: float
    searchable_s: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one call."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Floor:
    """The bare model and the bare index on the same texts and questions."""

    embed_texts_per_s: float
    embed_query: Latency
    index_search: Latency
    embed_and_search: Latency


def run(*, data: Path | None, out: Path, queries: int) -> None:
    """Measure, print the table, write the JSON."""
    conversations = read(data)
    ingested, query = _measure_service(conversations, queries)
    floor = _measure_floor(conversations, queries)
    report = {
        "ingest": asdict(ingested),
        "query_ms": asdict(query),
        "floor": asdict(floor),
        "run": {
            "python": platform.python_version(),
            "machine": platform.machine(),
            "packages": {name: version(name) for name in ("torch", "sentence-transformers", "qdrant-edge-py")},
            "clients": CLIENTS,
            "queries": queries,
        },
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=2))
    _print(ingested, query, floor, out)


def _measure_service(conversations: Sequence[Conversation], queries: int) -> tuple[Ingested, Latency]:
    data_dir = Path(tempfile.mkdtemp(prefix="memsvc-bench-"))
    try:
        with (
            service(data_dir) as process,
            MemoryClient(process.address, api_key=process.api_key, timeout=600.0) as client,
        ):
            return _ingest(client, conversations), _query(client, conversations, queries)
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


def _ingest(client: MemoryClient, conversations: Sequence[Conversation]) -> Ingested:
    jobs = [(talk.id, name, turns) for talk in conversations for name, turns in talk.sessions.items()]
    total = sum(len(turns) for _, _, turns in jobs)
    with _bar() as bar, ThreadPoolExecutor(CLIENTS) as pool:
        acknowledged, searchable = bar.add_task("acknowledged", total=total), bar.add_task("searchable", total=total)
        begin = time.perf_counter()
        for count in pool.map(lambda job: _add(client, *job), jobs):
            bar.advance(acknowledged, count)
        acknowledged_s = time.perf_counter() - begin
        while (stats := client.stats()).pending_job_count:
            bar.update(searchable, completed=stats.turn_count - stats.pending_turn_count)
            time.sleep(0.1)
        searchable_s = time.perf_counter() - begin
        bar.update(searchable, completed=total)
    stats = client.stats()
    if stats.failed_job_count or stats.turn_count != total:
        raise ValueError(f"{stats.failed_job_count} jobs failed, {stats.turn_count} of {total} turns stored")
    return Ingested(
        total, stats.memory_count, stats.raw_token_count, stats.stored_token_count, acknowledged_s, searchable_s
    )


def _add(client: MemoryClient, user: str, session: str, turns: Sequence[Message]) -> int:
    client.add([_as_message(turn) for turn in turns], user_id=user, session_id=session)
    return len(turns)


def _as_message(turn: Message) -> dict[str, Any]:
    return {
        "id": turn.turn_id,
        "role": turn.role,
        "name": turn.speaker,
        "content": turn.content,
        "created_at": turn.time,
    }


def _query(client: MemoryClient, conversations: Sequence[Conversation], queries: int) -> Latency:
    questions = _questions(conversations, queries)
    for user, text in questions[:5]:
        client.search(text, user_id=user)
    return _timed("queries", [partial(client.search, text, user_id=user) for user, text in questions])


def _questions(conversations: Sequence[Conversation], count: int) -> list[tuple[str, str]]:
    """`count` questions spread evenly over all of them, repeated if there are fewer."""
    every = [(talk.id, question.text) for talk in conversations for question in talk.questions]
    return [every[i * len(every) // count if count < len(every) else i % len(every)] for i in range(count)]


def _measure_floor(conversations: Sequence[Conversation], queries: int) -> Floor:
    texts = [turn.content for talk in conversations for turns in talk.sessions.values() for turn in turns]
    questions = [text for _, text in _questions(conversations, queries)]
    model = SentenceTransformer(str(minilm_folder()), device="cpu")
    model.encode(texts[:64], show_progress_bar=False)
    begin = time.perf_counter()
    vectors = model.encode(texts, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
    embed_s = time.perf_counter() - begin
    asked = model.encode(questions, normalize_embeddings=True, show_progress_bar=False)
    directory = tempfile.mkdtemp(prefix="memsvc-floor-")
    try:
        shard = _bare_index(Path(directory) / "shard", vectors)

        def find(vector: np.ndarray) -> object:
            return shard.query(QueryRequest(query=Query.Nearest(vector.tolist(), using="dense"), limit=K))

        def embed(text: str) -> np.ndarray:
            return np.asarray(model.encode(text, normalize_embeddings=True, show_progress_bar=False))

        def both(text: str) -> object:
            return find(embed(text))

        return Floor(
            embed_texts_per_s=len(texts) / embed_s,
            embed_query=_timed("bare embedding", [partial(embed, text) for text in questions]),
            index_search=_timed("bare index", [partial(find, vector) for vector in asked]),
            embed_and_search=_timed("bare both", [partial(both, text) for text in questions]),
        )
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _bare_index(path: Path, vectors: np.ndarray) -> EdgeShard:
    path.mkdir(parents=True)
    params = EdgeVectorParams(size=vectors.shape[1], distance=Distance.Cosine)
    shard = EdgeShard.create(str(path), EdgeConfig(vectors={"dense": params}))
    points = [Point(str(uuid.UUID(int=n)), {"dense": vector.tolist()}, {}) for n, vector in enumerate(vectors)]
    shard.update(UpdateOperation.upsert_points(points))
    shard.optimize()
    return shard


def _timed(label: str, calls: Sequence[Callable[[], object]]) -> Latency:
    times = []
    with _bar() as bar:
        task = bar.add_task(label, total=len(calls))
        for call in calls:
            begin = time.perf_counter()
            call()
            times.append((time.perf_counter() - begin) * 1000)
            bar.advance(task)
    return Latency(statistics.median(times), float(np.percentile(times, 95)))


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=err
    )


def _print(ingested: Ingested, query: Latency, floor: Floor, path: Path) -> None:
    table = Table("measure", "memsvc", "floor", "memsvc / floor", box=None, header_style="dim")
    acknowledged = ingested.turns / ingested.acknowledged_s
    searchable = ingested.turns / ingested.searchable_s
    embed = floor.embed_texts_per_s
    table.add_row(
        "turns acknowledged /s", f"{acknowledged:,.0f}", f"{embed:,.0f} texts embedded", f"{acknowledged / embed:.2f}"
    )
    table.add_row(
        "turns searchable /s", f"{searchable:,.0f}", f"{embed:,.0f} texts embedded", f"{searchable / embed:.2f}"
    )
    for name in ("p50", "p95"):
        ours, bare = getattr(query, name), getattr(floor.embed_and_search, name)
        table.add_row(f"query {name}, ms", f"{ours:.1f}", f"{bare:.1f} (embed + dense search)", f"{ours / bare:.2f}")
    table.add_row(
        "bare index search, ms", "", f"{floor.index_search.p50:.2f} p50, {floor.index_search.p95:.2f} p95", ""
    )
    ratio = ingested.stored_tokens / ingested.raw_tokens
    out.print(f"{ingested.turns:,} turns, {ingested.memories:,} memories; stored / raw tokens {ratio:.1%}")
    out.print(table)
    out.print(f"[dim]{path}[/]")

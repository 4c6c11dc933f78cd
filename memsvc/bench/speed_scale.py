"""`memsvc bench speed --units N`: the service over stores of given sizes, beside the bare parts on the same vectors."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from qdrant_edge import EdgeShard, Query, QueryRequest
from rich.progress import Progress
from rich.table import Table
from sentence_transformers import SentenceTransformer

from memsvc.bench.asking import as_message
from memsvc.bench.conversations import Conversation
from memsvc.bench.embeddings import Embeddings
from memsvc.bench.growth import EVERYONE
from memsvc.bench.journal import digest, file_digest, settings_digest
from memsvc.bench.progress import bars, out
from memsvc.bench.reading import DEMO, read
from memsvc.bench.speed_store import CALL_SECONDS, Plan, disk_bytes, grow, index_folder, originals
from memsvc.bench.timing import spread
from memsvc.bench.versions import versions
from memsvc.models.weights import minilm_folder
from memsvc.ports import Vectors
from memsvc.process import ServiceProcess, service
from memsvc.vectors import schema
from memsvc_client import MemoryClient

CLIENTS = (1, 4, 8)
TRUTHS = 100
"""Questions whose exact neighbours are noted while a store grows."""
NEIGHBOURS = 20
STATS_CALLS = 5

Questions = Sequence[tuple[str, str]]


def run(
    *, data: Path | None, out: Path, queries: int, units: Sequence[int], one_user: bool, seed: int, embedded: bool
) -> None:
    """Measure each size that `out` does not hold yet, write the JSON after each, print the table."""
    path = data or DEMO
    talks = read(path)
    settings = {"queries": queries, "one_user": one_user, "seed": seed, "embedded": embedded}
    run_key = settings_digest(file_digest(path), **settings)
    stores = out.parent / f"{out.stem}-stores"
    report = json.loads(out.read_text()) if out.is_file() else {"sizes": []}
    out.parent.mkdir(parents=True, exist_ok=True)
    with bars() as bar:
        told = tuple(originals(talks, stores / f"originals-{run_key[:12]}", bar))
        asked = _questions(talks, queries, one_user)
        embed = Embeddings()
        vectors = embed([text for _, text in asked])
        for size in sorted(set(units)):
            key = digest(run_key, size)
            if any(point["key"] == key for point in report["sizes"]):
                continue
            folder = stores / f"{size}-{key[:12]}"
            plan = Plan(told, size, vectors[:TRUTHS], seed, one_user, embedded)
            point = {"units": size, "key": key, "growth": asdict(grow(folder, plan, bar))}
            point["disk_bytes"] = disk_bytes(folder)
            point |= _service(folder, size, talks[0], asked, bar)
            point |= {"floor": _floor(folder, asked, vectors)}
            report["sizes"] = [old for old in report["sizes"] if old["units"] != size] + [point]
            report["run"] = {"versions": versions(), "settings": settings, "data": path.name}
            out.write_text(json.dumps(report, indent=2))
    _print(report["sizes"])


def _questions(talks: Sequence[Conversation], count: int, one_user: bool) -> Questions:
    """`count` questions spread evenly over all of them, repeated if there are fewer; with the user each is asked of."""
    every = [(EVERYONE if one_user else talk.id, question.text) for talk in talks for question in talk.questions]
    return [every[i * len(every) // count if count < len(every) else i % len(every)] for i in range(count)]


def _service(folder: Path, units: int, talk: Conversation, asked: Questions, bar: Progress) -> dict[str, Any]:
    begin = time.perf_counter()
    with service(folder) as process, MemoryClient(process.address, api_key=process.api_key) as client:
        open_s = time.perf_counter() - begin
        stats_ms = spread([partial(client.stats, timeout=CALL_SECONDS)] * STATS_CALLS)
        stored = client.stats(timeout=CALL_SECONDS).memory_count
        if stored != units:
            raise ValueError(f"{folder}: {stored} of {units} memories stored; remove the folder to grow it again")
        in_scope = [partial(_search, client, text, user) for user, text in asked]
        in_space = [partial(_search, client, text, None) for _, text in asked]
        for call in (*in_scope[:5], *in_space[:5]):
            call()
        task = bar.add_task(f"{units:,}: queries", total=2 + len(CLIENTS))
        found: dict[str, Any] = {"units_stored": stored, "open_s": open_s, "stats_ms": asdict(stats_ms)}
        for name, calls in (("user", in_scope), ("space", in_space)):
            found[f"query_{name}_ms"] = asdict(spread(calls))
            bar.advance(task)
        found["queries_per_s"] = {}
        for clients in CLIENTS:
            found["queries_per_s"][str(clients)] = _throughput(process, asked, clients)
            bar.advance(task)
        found["ingest"] = _ingest(client, talk)
        found["peak_rss_bytes"] = _peak_rss(process.process.pid)
    return found


def _search(client: MemoryClient, text: str, user: str | None) -> None:
    """Search what is one user's, or the whole space."""
    whose: dict[str, Any] = {"whole_space": True} if user is None else {"user_id": user}
    client.search(text, **whose, timeout=CALL_SECONDS)


def _throughput(process: ServiceProcess, asked: Questions, clients: int) -> float:
    """Queries per second within their users' scopes, with so many clients at once."""
    connected = [MemoryClient(process.address, api_key=process.api_key) for _ in range(clients)]
    try:
        with ThreadPoolExecutor(clients) as pool:
            begin = time.perf_counter()
            done = [pool.submit(_search, connected[i % clients], text, user) for i, (user, text) in enumerate(asked)]
            for future in done:
                future.result()
            return len(asked) / (time.perf_counter() - begin)
    finally:
        for client in connected:
            client.close()


def _ingest(client: MemoryClient, talk: Conversation) -> dict[str, float]:
    """The sessions of one conversation under a new user, one request each; they are deleted afterwards."""
    user = f"newcomer-{uuid.uuid4().hex[:8]}"
    turns = sum(len(some) for some in talk.sessions.values())
    begin = time.perf_counter()
    for name, some in talk.sessions.items():
        client.add([as_message(turn) for turn in some], user_id=user, session_id=name, timeout=CALL_SECONDS)
    acknowledged_s = time.perf_counter() - begin
    while (stats := client.stats(timeout=CALL_SECONDS)).pending_job_count:
        time.sleep(0.2)
    searchable_s = time.perf_counter() - begin
    if stats.failed_job_count:
        raise ValueError(f"{stats.failed_job_count} jobs failed")
    client.delete_all(user_id=user)
    return {"turns": turns, "acknowledged_s": acknowledged_s, "searchable_s": searchable_s}


def _peak_rss(pid: int) -> int | None:
    """Most memory the process has held, in bytes; None where /proc does not tell."""
    status = Path(f"/proc/{pid}/status")
    if not status.is_file():
        return None
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024


def _floor(folder: Path, asked: Questions, vectors: Vectors) -> dict[str, Any]:
    """The bare model, and the bare index over the same vectors without filters or payload: 20 neighbours."""
    model = SentenceTransformer(str(minilm_folder()), device="cpu")
    shard = EdgeShard.load(str(index_folder(folder) / "shard"))
    try:
        texts = [text for _, text in asked]

        def embed(some: Sequence[str]) -> Vectors:
            return np.asarray(model.encode(list(some), normalize_embeddings=True, show_progress_bar=False), np.float32)

        def find(vector: Vectors) -> object:
            return shard.query(QueryRequest(query=Query.Nearest(vector.tolist(), using=schema.DENSE), limit=NEIGHBOURS))

        def both(text: str) -> object:
            return find(embed([text])[0])

        embed(texts[:8])
        begin = time.perf_counter()
        embed(texts)
        embedded_s = time.perf_counter() - begin
        for vector in vectors[:5]:
            find(vector)
        return {
            "embed_texts_per_s": len(texts) / embedded_s,
            "index_ms": asdict(spread([partial(find, vector) for vector in vectors])),
            "embed_and_index_ms": asdict(spread([partial(both, text) for text in texts])),
        }
    finally:
        shard.close()


def _print(points: Sequence[dict[str, Any]]) -> None:
    table = Table("units", "query p50, p95, ms", "whole space", "floor", "open, s", "peak RSS, MB", box=None)
    for point in sorted(points, key=lambda point: point["units"]):
        table.add_row(
            f"{point['units']:,}",
            _pair(point["query_user_ms"]),
            _pair(point["query_space_ms"]),
            _pair(point["floor"]["embed_and_index_ms"]),
            f"{point['open_s']:.1f}",
            f"{(point['peak_rss_bytes'] or 0) / 1e6:,.0f}",
        )
    out.print(table)


def _pair(latency: dict[str, float]) -> str:
    return f"{latency['p50']:.1f}, {latency['p95']:.1f}"

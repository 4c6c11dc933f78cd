"""`memsvc bench fleet`: servers and workers over one PostgreSQL and one index, beside the bare parts."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from sqlalchemy import make_url

from memsvc.bench import fleet_floor, fleet_load
from memsvc.bench.fleet_parts import Node, nodes, postgres, processor_seconds
from memsvc.bench.fleet_report import markdown, plot
from memsvc.bench.progress import bars, err, out
from memsvc.bench.reading import read
from memsvc.bench.versions import versions
from memsvc.bootstrap.parts import collection_name
from memsvc.models.weights import MINILM

CONCURRENT = (1, 8, 64)


def run(
    *,
    data: Path | None,
    folder: Path,
    turns: int,
    queries: int,
    servers: int,
    workers: int,
    database_url: str,
    qdrant_url: str,
    index_name: str,
) -> None:
    """Measure; write `fleet.json`, `fleet.md` and `fleet.png` to `folder`; print the table.

    Without a Qdrant server there is one process, which serves, works and holds the index: Qdrant Edge is opened by
    one process at a time, and servers and workers of a fleet need an index that they share.
    """
    if not qdrant_url:
        servers, workers = 1, 0
        err.print("No --qdrant-url: one process serves, works and holds the index. A fleet needs an index to share.")
    talks = read(data)
    jobs = fleet_load.sessions(talks, turns)
    asked = fleet_load.questions(talks, list(dict.fromkeys(user for user, _, _ in jobs)), queries)
    with TemporaryDirectory(prefix="memsvc-fleet-") as home, postgres(database_url) as database:
        environment = {"MEMSVC_DATABASE_URL": database.url, "MEMSVC_QDRANT_URL": qdrant_url}
        if workers:
            environment["MEMSVC_WORKER_CONCURRENCY"] = "0"
        with nodes(Path(home), environment, servers=servers, workers=workers) as made, bars() as bar:
            report = _measure(made, database.pid, jobs, asked, bar)
            report["bytes_per_turn"] = _bytes_per_turn(database.url, report["ingest"]["turns"])
        report["floor"] = fleet_floor.measure(
            jobs, [text for _, text in asked], database.url, qdrant_url, collection_name(MINILM)
        )
    report["run"] = {
        "servers": servers,
        "workers": workers,
        "index": index_name or ("Qdrant" if qdrant_url else "Qdrant Edge, in the process"),
        "turns": turns,
        "queries": queries,
        "processors": os.cpu_count(),
        "load_average": os.getloadavg(),
        "versions": versions(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fleet.json").write_text(json.dumps(report, indent=2))
    (folder / "fleet.md").write_text(markdown(report))
    plot(report, folder / "fleet.png")
    out.print(markdown(report), markup=False)


def _measure(
    made: Sequence[Node],
    postgres_pid: int | None,
    jobs: fleet_load.Sessions,
    asked: Sequence[tuple[str, str]],
    bar: Any,
) -> dict[str, Any]:
    addresses = [node.address for node in made if node.address]
    pids = {node.name: node.process.pid for node in made} | {"clients": os.getpid()}
    if postgres_pid:
        pids["postgres"] = postgres_pid
    for user, text in asked[:5]:
        with fleet_load.clients(addresses, len(addresses)) as some:
            for client in some:  # models are loaded before anything is timed
                client.search(text, user_id=user)
    usage = [(processor_seconds(pids), [node.spans() for node in made])]
    ingested = fleet_load.ingest(addresses, jobs, bar)
    usage.append((processor_seconds(pids), [node.spans() for node in made]))
    asked_at = [fleet_load.query(addresses, asked, count, bar) for count in CONCURRENT]
    usage.append((processor_seconds(pids), [node.spans() for node in made]))
    phases = {}
    for phase, before, after in (("ingest", usage[0], usage[1]), ("queries", usage[1], usage[2])):
        phases[phase] = {
            "processor_s": _less(after[0], before[0]),
            "span_s": {
                kind: _sum(
                    [
                        _less(new, old)
                        for node, old, new in zip(made, before[1], after[1], strict=True)
                        if node.name.startswith(kind)
                    ]
                )
                for kind in dict.fromkeys(node.name.partition("-")[0] for node in made)
            },
        }
    return {"ingest": ingested, "queries": asked_at, "phases": phases}


def _less(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0.0) for name, value in after.items() if value > before.get(name, 0.0)}


def _sum(many: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = sorted({name for one in many for name in one})
    return {name: sum(one.get(name, 0.0) for one in many) for name in names}


def _bytes_per_turn(url: str, turns: int) -> dict[str, float]:
    """What each table takes in PostgreSQL, indexes and TOAST included, over the number of turns."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("VACUUM FULL")
        rows = connection.execute(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
    return {str(name): size / turns for name, size in rows if size > 8192 * 4}

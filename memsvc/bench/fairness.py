"""How long a tenant's single job takes while another tenant, or a backfill of its own, has a long queue.

The queue, its database and the worker are the real ones; what a job does is replaced by a pause, so that the figures
are those of waiting and not of what the machine computes meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table
from sqlalchemy import delete, insert
from sqlmodel import Session, col

from memsvc.bench.progress import out as console
from memsvc.bench.timing import Spread, spread_of
from memsvc.jobs.queue import SqlJobQueue
from memsvc.jobs.worker import Worker
from memsvc.storage.database import Database
from memsvc.storage.migrate import upgrade
from memsvc.storage.tables import BACKFILL, URGENT, JobRow, SpaceRow
from memsvc.types import Job, JobKind, JobState, JobSummary, SpaceKey, utc_now

CONCURRENCY = 2
WINDOW_SECONDS = 0.5
"""A job of the long queue: about what a window of a long session takes."""
TURN_SECONDS = 0.05
"""A job of the other tenant: a turn's."""
TENANTS = 1_000
"""Tenants that wait at once, where the cost of a claim is measured."""
CLAIMS = 100
CHUNK = 10_000
KINDS = tuple(JobKind)


def run(*, database_url: str, backlog: int, samples: int, out: Path) -> None:
    """Measure on a migrated database, or on a new SQLite file when `database_url` is empty; print and write JSON."""
    with tempfile.TemporaryDirectory(prefix="memsvc-bench-") as folder:
        url = database_url or f"sqlite:///{Path(folder) / 'memsvc.db'}"
        upgrade(url)
        result = asyncio.run(_measure(url, backlog, samples))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    _show(result)


class _Bench:
    """Tenants of this run, over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.jobs = SqlJobQueue(database)
        self.spaces: list[SpaceKey] = []

    async def tenants(self, count: int) -> list[SpaceKey]:
        """New tenants with a space each, and no key: nobody calls them."""
        now = utc_now()
        spaces = [SpaceKey(f"bench-{uuid.uuid4()}", "default") for _ in range(count)]
        rows = [
            {"tenant": key.tenant, "name": key.space, "display_name": "", "create_time": now, "update_time": now}
            for key in spaces
        ]

        def write(session: Session) -> None:
            session.execute(insert(SpaceRow), rows)

        await self._database.write(write)
        self.spaces += spaces
        return spaces

    async def queue(self, spaces: Sequence[SpaceKey], count: int, *, priority: int = URGENT) -> None:
        """Put `count` jobs of each into the database directly: deferring them is not what is measured."""
        rows = [_row(space, n, priority) for space in spaces for n in range(count)]
        for start in range(0, len(rows), CHUNK):

            def write(session: Session, some: list[dict[str, Any]] = rows[start : start + CHUNK]) -> None:
                session.execute(insert(JobRow), some)

            await self._database.write(write)

    async def claims(self) -> Spread:
        """What a claim costs; each job is handed back at once."""
        times = []
        for n in range(CLAIMS):
            begin = time.perf_counter()
            job = await self.jobs.claim(f"bench/{n}", KINDS, lease_seconds=60)
            times.append(time.perf_counter() - begin)
            if job is not None:
                await self.jobs.give_way(job, JobSummary())
        return spread_of(times)

    async def turns(self, space: SpaceKey, samples: int, ended: dict[str, asyncio.Event]) -> Spread:
        """From deferring a job to its end, one job after the other."""
        times = []
        for n in range(samples):
            ended[str(n)] = asyncio.Event()
            begin = time.perf_counter()
            await self.jobs.defer(space, JobKind.COMPRESS, {"number": str(n)}, lock=str(n))
            await ended[str(n)].wait()
            times.append(time.perf_counter() - begin)
            await asyncio.sleep(TURN_SECONDS * float(np.random.default_rng(n).random()))
        return spread_of(times)

    async def clear(self) -> None:
        """Remove the tenants and their jobs."""
        tenants = [space.tenant for space in self.spaces]

        def write(session: Session) -> None:
            session.execute(delete(SpaceRow).where(col(SpaceRow.tenant).in_(tenants)))

        await self._database.write(write)
        self.spaces.clear()


async def _measure(url: str, backlog: int, samples: int) -> dict[str, Any]:
    database = Database(url)
    bench = _Bench(database)
    try:
        await bench.queue(await bench.tenants(TENANTS), 1)
        crowded = await bench.claims()
        await bench.clear()
        many, one = await bench.tenants(2)
        idle = await _worked(bench, one, samples)
        await bench.queue([many], backlog)
        alone = await bench.claims()
        busy = await _worked(bench, one, samples)
        await bench.clear()
        await bench.queue(own := await bench.tenants(1), backlog, priority=BACKFILL)
        filled_in = await _worked(bench, own[0], samples)
    finally:
        await bench.clear()
        await database.close()
    return {
        "database": url.partition(":")[0],
        "backlog": backlog,
        "samples": samples,
        "concurrency": CONCURRENCY,
        "window_seconds": WINDOW_SECONDS,
        "turn_seconds": TURN_SECONDS,
        "idle_ms": asdict(idle),
        "beside_backlog_ms": asdict(busy),
        "beside_own_backfill_ms": asdict(filled_in),
        "claim_of_backlog_ms": asdict(alone),
        f"claim_of_{TENANTS}_tenants_ms": asdict(crowded),
    }


async def _worked(bench: _Bench, one: SpaceKey, samples: int) -> Spread:
    ended: dict[str, asyncio.Event] = {}

    async def handle(job: Job, progress: Callable[[float], Awaitable[None]]) -> JobSummary:
        if "number" not in job.payload:
            await asyncio.sleep(WINDOW_SECONDS)
            return JobSummary()
        await asyncio.sleep(TURN_SECONDS)
        ended[job.payload["number"]].set()
        return JobSummary()

    worker = Worker(bench.jobs, {JobKind.COMPRESS: handle}, concurrency=CONCURRENCY)
    worker.start()
    try:
        await asyncio.sleep(WINDOW_SECONDS)  # until the slots are as full as they get
        return await bench.turns(one, samples, ended)
    finally:
        await worker.stop(2 * WINDOW_SECONDS)


def _row(space: SpaceKey, number: int, priority: int) -> dict[str, Any]:
    now = utc_now()
    return {
        "id": str(uuid.uuid4()),
        "tenant": space.tenant,
        "space": space.space,
        "kind": JobKind.COMPRESS.value,
        "lock": f"session{number}",
        "payload": {"scope": ["user", "", f"session{number}"]},
        "payload_digest": str(number),
        "priority": priority,
        "state": JobState.QUEUED.value,
        "run_at": now,
        "create_time": now,
    }


def _show(result: dict[str, Any]) -> None:
    table = Table("milliseconds", "p50", "p95", "p99", box=None, header_style="dim")
    for name, value in _spreads(result):
        table.add_row(name, *(f"{value[key]:.1f}" for key in ("p50", "p95", "p99")))
    console.print(f"{result['database']}, {result['backlog']:,} jobs ahead", table)


def _spreads(result: dict[str, Any]) -> Iterator[tuple[str, dict[str, float]]]:
    for name, value in result.items():
        if isinstance(value, dict):
            yield name.removesuffix("_ms").replace("_", " "), value

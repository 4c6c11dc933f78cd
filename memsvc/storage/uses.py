"""How often queries return memories: counted in this process, written now and then, never while a query waits."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime

import structlog
from sqlalchemy import update
from sqlmodel import Session, col

from memsvc.errors import MemsvcError
from memsvc.storage.database import Database
from memsvc.storage.memory_query import in_space
from memsvc.storage.tables import MemoryRow
from memsvc.types import SpaceKey, utc_now

FLUSH_SECONDS = 10.0
BATCH = 500

log = structlog.get_logger(__name__)


class UseCounter:
    """Counts uses of memories; what was not written yet when the process dies is lost, and no harm."""

    def __init__(self, db: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._db = db
        self._clock = clock
        self._counts: defaultdict[SpaceKey, Counter[str]] = defaultdict(Counter)

    def count(self, space: SpaceKey, memory_ids: Iterable[str]) -> None:
        """Count one use of each memory."""
        self._counts[space].update(memory_ids)

    async def flush(self) -> None:
        """Write what was counted. Raises Unavailable, and then forgets it."""
        counts, self._counts = self._counts, defaultdict(Counter)
        for space, uses in counts.items():
            by_number: defaultdict[int, list[str]] = defaultdict(list)
            for memory_id, number in uses.items():
                by_number[number].append(memory_id)
            for number, ids in sorted(by_number.items()):
                for start in range(0, len(ids), BATCH):
                    await self._add(space, sorted(ids[start : start + BATCH]), number)

    async def run(self) -> None:
        """Write what was counted every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self.flush()
            except MemsvcError as error:
                log.warning("uses.lost", reason=error.reason, message=error.message)

    async def _add(self, space: SpaceKey, memory_ids: list[str], number: int) -> None:
        now = self._clock()

        def add(session: Session) -> None:
            session.exec(
                update(MemoryRow)
                .where(*in_space(space), col(MemoryRow.id).in_(memory_ids))
                .values(use_count=MemoryRow.use_count + number, last_use_time=now)
                .execution_options(synchronize_session=False)
            )

        await self._db.write(add)

"""Which versions of the memories are in the index, as far as SQL knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import and_, func, not_, tuple_, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from memsvc.storage.cursors import number_at, page_of
from memsvc.storage.database import Database
from memsvc.storage.embeddings import SLOTS, indexed_column
from memsvc.storage.enqueue import REINDEX_LOCK, enqueue
from memsvc.storage.memory_query import exactly, in_space
from memsvc.storage.rows import memory_of
from memsvc.storage.spaces import require_space
from memsvc.storage.tables import MemoryRow
from memsvc.types import OUT_OF_INDEX, IndexedMemory, JobKind, Memory, Page, Scope, SpaceKey

LOOKUP = 500


class IndexMarks:
    """That part of `ports.MemoryLog` which tells what is due for the index."""

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock

    async def unindexed(
        self,
        space: SpaceKey,
        memory_ids: Sequence[str] | None,
        *,
        limit: int,
        scope: Scope | None = None,
        slot: int = 0,
    ) -> list[Memory]:
        """Return memories whose current version is not in the index yet, oldest first, deleted ones included.

        `memory_ids` None means all of the space, or with `scope` all of exactly that scope; `slot` is that of the
        embedding model.
        """
        query = (
            select(MemoryRow)
            .where(*in_space(space), indexed_column(slot) != col(MemoryRow.version))
            .order_by(col(MemoryRow.ordinal))
            .limit(limit)
        )
        if memory_ids is not None:
            query = query.where(col(MemoryRow.id).in_(memory_ids))
        if scope is not None:
            query = query.where(*exactly(scope))
        return await self._db.read(lambda session: [memory_of(row) for row in session.exec(query)])

    async def mark_indexed(self, space: SpaceKey, memories: Sequence[Memory], slot: int = 0) -> None:
        """Record that exactly these versions are in the index; a memory changed since stays unindexed."""
        versions = sorted((memory.id, memory.version) for memory in memories)

        def mark(session: Session) -> None:
            for start in range(0, len(versions), LOOKUP):
                some = versions[start : start + LOOKUP]
                session.exec(
                    update(MemoryRow)
                    # SQLite finds no rows by pairs: without the ids it reads the whole space.
                    .where(*in_space(space), col(MemoryRow.id).in_([id_ for id_, _ in some]))
                    .where(tuple_(MemoryRow.id, MemoryRow.version).in_(some))
                    .values({indexed_column(slot): MemoryRow.version})
                    .execution_options(synchronize_session=False)
                )

        await self._db.write(mark)

    async def mark_all_unindexed(self, space: SpaceKey, slot: int | None = None) -> int:
        """Make every memory of the space due again, with every model or with that of a slot; return how many."""

        def mark(session: Session) -> int:
            require_space(session, space)
            return _make_due(session, space, None, slot)

        return await self._db.write(mark)

    async def reindex(
        self, space: SpaceKey, memory_ids: Sequence[str] | None = None, *, slot: int | None = None
    ) -> str:
        """Make memories due again, all of the space with None, and queue the REINDEX job, in one transaction.

        `slot` as in `mark_all_unindexed`; unknown ids are ignored. Returns the job's id. Raises NotFound for the space.
        """

        def reindex(session: Session) -> str:
            require_space(session, space)
            _make_due(session, space, memory_ids, slot)
            return enqueue(session, space, JobKind.REINDEX, {}, lock=REINDEX_LOCK, now=self._clock())

        job_id = await self._db.write(reindex)
        self._db.work.deferred()
        return job_id

    async def indexed(
        self, space: SpaceKey, *, limit: int, slot: int = 0, cursor: str | None = None
    ) -> Page[IndexedMemory]:
        """List the memories that are not due for the index of a slot, the first created first."""
        query = (
            columns(
                col(MemoryRow.ordinal),
                col(MemoryRow.id),
                col(MemoryRow.version),
                col(MemoryRow.update_time),
                col(MemoryRow.state),
            )
            .where(*in_space(space), indexed_column(slot) == col(MemoryRow.version))
            .order_by(col(MemoryRow.ordinal))
            .limit(limit + 1)
        )
        if cursor is not None:
            query = query.where(col(MemoryRow.ordinal) > number_at(cursor))
        return await self._db.read(
            lambda session: page_of(
                session.execute(query).all(),
                limit,
                lambda row: IndexedMemory(row.id, row.version, row.update_time, row.state not in OUT_OF_INDEX),
                lambda row: (row.ordinal,),
            )
        )

    async def indexed_count(self, space: SpaceKey, slot: int = 0) -> int:
        """Return how many memories of the space have a point in the index of a slot, as far as SQL knows."""
        indexed = indexed_column(slot)
        removed = and_(col(MemoryRow.state).in_(OUT_OF_INDEX), indexed == col(MemoryRow.version))
        query = select(func.count()).select_from(MemoryRow).where(*in_space(space), indexed > 0, not_(removed))
        return await self._db.read(lambda session: session.exec(query).one())


def _make_due(session: Session, space: SpaceKey, memory_ids: Sequence[str] | None, slot: int | None) -> int:
    """Have memories indexed again, with every model or with that of a slot; return how many."""
    values = dict.fromkeys((indexed_column(each) for each in (SLOTS if slot is None else (slot,))), 0)
    due = update(MemoryRow).where(*in_space(space)).values(values).execution_options(synchronize_session=False)
    if memory_ids is None:
        return int(session.exec(due).rowcount)
    return sum(
        int(session.exec(due.where(col(MemoryRow.id).in_(memory_ids[start : start + LOOKUP]))).rowcount)
        for start in range(0, len(memory_ids), LOOKUP)
    )

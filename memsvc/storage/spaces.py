"""Spaces of a tenant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, delete, exists, func, literal_column
from sqlmodel import Session, col, select

from memsvc.errors import Conflict, FailedPrecondition, NotFound, Reason, StaleEtag
from memsvc.storage.cursors import page_of, text_at
from memsvc.storage.database import Database
from memsvc.storage.embeddings import active_slot, indexed_column
from memsvc.storage.requests import answered, remember
from memsvc.storage.rows import space_of
from memsvc.storage.tables import OUTDATED, JobRow, MemoryRow, RequestRow, SpaceRow, TurnRow
from memsvc.storage.usage import usage_of
from memsvc.types import (
    LLM_FAILED,
    Disposition,
    IngestRequestId,
    JobKind,
    JobState,
    MemoryState,
    Page,
    Space,
    SpaceKey,
    SpaceStats,
    utc_now,
)

DEFAULT_SPACE = "default"
CREATE = "spaces.create"
_OPEN = col(JobRow.state) != literal_column(f"'{JobState.SUCCEEDED}'")
_REDO = (
    col(TurnRow.reason) >= literal_column(f"'{LLM_FAILED}'"),
    col(TurnRow.reason) < literal_column(f"'{LLM_FAILED[:-1]}{chr(ord(LLM_FAILED[-1]) + 1)}'"),
)
"""Whether a reason begins with LLM_FAILED."""


class SqlSpaceStore:
    """Implements `ports.SpaceStore`."""

    def __init__(self, db: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._db = db
        self._clock = clock

    async def create(
        self, key: SpaceKey, display_name: str, *, time_zone: str = "", request: IngestRequestId | None = None
    ) -> Space:
        """Create a space. Raises Conflict SPACE_EXISTS or REQUEST_ID_CONFLICT."""
        tenant = SpaceKey(key.tenant, "")

        def create(session: Session) -> Space:
            known = answered(session, tenant, CREATE, request)
            if known is not None:
                return _recalled(session, key, known)
            if session.get(SpaceRow, (key.tenant, key.space)) is not None:
                raise Conflict(f"space {key.space!r} exists", reason=Reason.SPACE_EXISTS)
            space = space_of(add_space(session, key, display_name, self._clock(), time_zone))
            remember(session, tenant, CREATE, request, {"space": space.key.space}, space.create_time)
            return space

        return await self._db.write(create)

    async def get(self, key: SpaceKey) -> Space:
        """Return a space. Raises NotFound SPACE_NOT_FOUND."""
        return await self._db.read(lambda session: space_of(require_space(session, key)))

    async def page(self, tenant: str, *, limit: int, cursor: str | None = None) -> Page[Space]:
        """List a tenant's spaces by name."""
        query = select(SpaceRow).where(SpaceRow.tenant == tenant).order_by(col(SpaceRow.name)).limit(limit + 1)
        if cursor is not None:
            query = query.where(SpaceRow.name > text_at(cursor))
        return await self._db.read(
            lambda session: page_of(session.exec(query).all(), limit, space_of, lambda row: (row.name,))
        )

    async def update(
        self, key: SpaceKey, display_name: str | None = None, *, time_zone: str | None = None, etag: str
    ) -> Space:
        """Change what is not None; an empty `etag` is not checked. Raises NotFound or StaleEtag."""

        def update(session: Session) -> Space:
            row = require_space(session, key, lock=True)
            if etag and etag != space_of(row).etag:
                raise StaleEtag("the space was changed since it was read", metadata={"space": key.space})
            row.display_name = row.display_name if display_name is None else display_name
            row.time_zone = row.time_zone if time_zone is None else time_zone
            row.update_time = self._clock()
            row.version += 1
            session.add(row)
            return space_of(row)

        return await self._db.write(update)

    async def delete(self, key: SpaceKey, *, force: bool) -> None:
        """Delete a space and everything in it. Without `force` it must hold no turn and no live memory.

        Raises:
            NotFound: SPACE_NOT_FOUND.
            FailedPrecondition: SPACE_NOT_EMPTY, or DEFAULT_SPACE for the one that every tenant keeps.
        """

        def drop(session: Session) -> None:
            row = require_space(session, key, lock=True)
            if key.space == DEFAULT_SPACE:
                raise FailedPrecondition("the default space cannot be deleted", reason=Reason.DEFAULT_SPACE)
            if not force and not _is_empty(session, key):
                raise FailedPrecondition(f"space {key.space!r} is not empty", reason=Reason.SPACE_NOT_EMPTY)
            session.exec(
                delete(RequestRow).where(col(RequestRow.tenant) == key.tenant, col(RequestRow.space) == key.space)
            )
            session.delete(row)  # everything else goes with it, by foreign keys

        await self._db.write(drop)

    async def stats(self, key: SpaceKey) -> SpaceStats:
        """Count. Raises NotFound."""

        def count(session: Session) -> SpaceStats:
            require_space(session, key)
            return SpaceStats(
                **_turn_counts(session, key),
                **_memory_counts(session, key),
                **_job_counts(session, key),
                llm=usage_of(session, key),
            )

        return await self._db.read(count)

    async def all(self) -> list[SpaceKey]:
        """Every space of every tenant."""
        query = select(SpaceRow.tenant, SpaceRow.name).order_by(col(SpaceRow.tenant), col(SpaceRow.name))
        return await self._db.read(lambda session: [SpaceKey(*row) for row in session.exec(query)])


def require_space(session: Session, key: SpaceKey, *, lock: bool = False) -> SpaceRow:
    """Return a space's row, locked if asked for. Raises NotFound SPACE_NOT_FOUND."""
    row = session.get(SpaceRow, (key.tenant, key.space), with_for_update=True if lock else None)
    if row is None:
        raise NotFound(f"space {key.space!r} does not exist", reason=Reason.SPACE_NOT_FOUND)
    return row


def add_space(session: Session, key: SpaceKey, display_name: str, now: datetime, time_zone: str = "") -> SpaceRow:
    """Write a new space."""
    row = SpaceRow(
        tenant=key.tenant,
        name=key.space,
        display_name=display_name,
        create_time=now,
        update_time=now,
        time_zone=time_zone,
    )
    session.add(row)
    session.flush()
    return row


def _recalled(session: Session, key: SpaceKey, response: dict[str, Any]) -> Space:
    return space_of(require_space(session, replace(key, space=response["space"])))


def _is_empty(session: Session, key: SpaceKey) -> bool:
    turns = exists().where(col(TurnRow.tenant) == key.tenant, col(TurnRow.space) == key.space)
    memories = exists().where(
        col(MemoryRow.tenant) == key.tenant,
        col(MemoryRow.space) == key.space,
        col(MemoryRow.state) != MemoryState.DELETED,
    )
    return not session.scalar(select(turns)) and not session.scalar(select(memories))


# Each count below is made from an index alone, as long as its query names what the index has. Conditions of partial
# indexes stand in it as they stand there, and not as parameters.


def _turn_counts(session: Session, key: SpaceKey) -> dict[str, Any]:
    counts = {"turns": 0, "pending": 0, "left_out": 0, "tokens": 0, "pending_tokens": 0}
    here = (TurnRow.tenant == key.tenant, TurnRow.space == key.space)
    rows = session.exec(
        select(TurnRow.disposition, func.count(), func.sum(TurnRow.token_count))
        .where(*here)
        .group_by(col(TurnRow.disposition))
    )
    for disposition, turns, tokens in rows:
        counts["turns"] += turns
        counts["tokens"] += tokens
        if disposition == Disposition.PENDING:
            counts["pending"], counts["pending_tokens"] = turns, tokens
        elif disposition == Disposition.LEFT_OUT:
            counts["left_out"] = turns
    redo = session.exec(select(func.count()).select_from(TurnRow).where(*here, *_REDO)).one()
    return {
        "turn_count": counts["turns"],
        "pending_turn_count": counts["pending"],
        "left_out_turn_count": counts["left_out"],
        "raw_token_count": counts["tokens"],
        "compressed_raw_token_count": counts["tokens"] - counts["pending_tokens"],
        "llm_redo_turn_count": redo,
    }


def _memory_counts(session: Session, key: SpaceKey) -> dict[str, Any]:
    active = col(MemoryRow.state) == MemoryState.ACTIVE
    unindexed = indexed_column(active_slot(session)) != col(MemoryRow.version)
    fresh = active & (col(MemoryRow.consolidated_version) != col(MemoryRow.version))
    here = (MemoryRow.tenant == key.tenant, MemoryRow.space == key.space)
    memories, tokens, due, unconsolidated = session.exec(
        select(
            func.coalesce(func.sum(case((active, 1), else_=0)), 0),
            func.coalesce(func.sum(case((active, MemoryRow.token_count), else_=0)), 0),
            func.coalesce(func.sum(case((unindexed, 1), else_=0)), 0),
            func.coalesce(func.sum(case((fresh, 1), else_=0)), 0),
        ).where(*here)
    ).one()
    outdated = session.exec(select(func.count()).select_from(MemoryRow).where(*here, literal_column(OUTDATED))).one()
    return {
        "memory_count": int(memories),
        "stored_token_count": int(tokens),
        "unindexed_memory_count": int(due),
        "unconsolidated_memory_count": int(unconsolidated),
        "outdated_memory_count": outdated,
    }


def _job_counts(session: Session, key: SpaceKey) -> dict[str, Any]:
    here = (JobRow.tenant == key.tenant, JobRow.space == key.space, _OPEN)
    # What these work on is stored and searchable; they wait for a model that is away, or for a quiet moment.
    unhurried = col(JobRow.kind).in_([JobKind.RECOMPRESS, JobKind.REWRITE, JobKind.CONSOLIDATE])
    waiting = and_(col(JobRow.state).in_([JobState.QUEUED, JobState.RUNNING]), ~unhurried)
    pending, oldest = session.exec(select(func.count(), func.min(JobRow.create_time)).where(*here, waiting)).one()
    failed = session.exec(select(func.count()).where(*here, JobRow.state == JobState.FAILED)).one()
    return {"pending_job_count": pending, "failed_job_count": failed, "oldest_pending_time": oldest}

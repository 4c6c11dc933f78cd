"""Turns as they were ingested, and the jobs that will compress them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import insert, tuple_
from sqlalchemy import select as columns
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from memsvc.errors import Conflict, Reason
from memsvc.storage.cursors import number_at, page_of
from memsvc.storage.database import Database
from memsvc.storage.enqueue import active, enqueue, priority_of
from memsvc.storage.memory_query import within
from memsvc.storage.requests import answered, remember
from memsvc.storage.rows import turn_digest, turn_of, turn_values
from memsvc.storage.spaces import require_space
from memsvc.storage.tables import MemoryRow, StreamRow, TurnRow
from memsvc.storage.users import time_zones
from memsvc.types import (
    LLM_FAILED,
    Accepted,
    Disposition,
    IngestRequestId,
    JobKind,
    MemoryState,
    Page,
    PendingTurns,
    Priority,
    Scope,
    SpaceKey,
    StreamPosition,
    Turn,
    folded,
    offset_minutes,
    utc_now,
    zone_of,
)

INGEST = "turns.accept"
KNOWN_MEMORIES = 500
LOOKUP = 200


@dataclass(frozen=True, slots=True)
class _Known:
    """What is stored of a turn, or will be by this transaction."""

    digest: str
    pending: bool
    utc_offset_minutes: int | None

    def is_same(self, turn: Turn) -> bool:
        """Whether it is this turn; an offset may have become known since, not another one."""
        if self.digest == turn_digest(turn):
            return True
        if self.utc_offset_minutes not in (None, turn.utc_offset_minutes):
            return False
        return self.digest == turn_digest(replace(turn, utc_offset_minutes=None))


class SqlTurnLog:
    """Implements `ports.TurnLog`."""

    def __init__(self, db: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._db = db
        self._clock = clock

    async def accept(
        self,
        space: SpaceKey,
        turns: Sequence[Turn],
        *,
        request: IngestRequestId | None = None,
        stream: StreamPosition | None = None,
        priority: Priority = Priority.INTERACTIVE,
        time_zone: str = "",
    ) -> Accepted:
        """Commit `turns`, their COMPRESS jobs and the idempotency record, in one transaction.

        A known turn that is still pending counts as duplicate, and its session's job is the one answered. Jobs that
        are joined become as urgent as `priority`. A new turn without an offset takes that of `time_zone`, else of its
        user's zone, else of the space's.

        Raises:
            NotFound: SPACE_NOT_FOUND.
            Conflict: TURN_ID_CONFLICT, REQUEST_ID_CONFLICT or STREAM_SEQUENCE_CONFLICT.
        """

        def accept(session: Session) -> Accepted:
            now = self._clock()
            require_space(session, space)
            response = answered(session, space, INGEST, request)
            if response is not None:
                return _as_before(response)
            try:
                accepted = _store(session, space, turns, priority_of(priority), time_zone, now)
            except Conflict:
                # An earlier try of this request may have been committed since, with turns timed by its own "now".
                response = answered(session, space, INGEST, request)
                if response is None:
                    raise
                return _as_before(response)
            if stream is not None:
                _advance(session, space, stream, repeated=not accepted.accepted_count)
            remember(session, space, INGEST, request, asdict(accepted), now)
            return accepted

        accepted = await self._db.write(accept)
        if accepted.job_id:
            self._db.work.deferred()
        return accepted

    async def stream_position(self, space: SpaceKey, stream_id: str) -> int:
        """Return the last committed sequence of a stream, 0 for a new one. Raises NotFound for the space."""

        def find(session: Session) -> int:
            require_space(session, space)
            row = session.get(StreamRow, (space.tenant, space.space, stream_id))
            return 0 if row is None else row.sequence

        return await self._db.read(find)

    async def page(
        self,
        space: SpaceKey,
        scope: Scope,
        dispositions: Sequence[Disposition],
        *,
        limit: int,
        cursor: str | None = None,
    ) -> Page[Turn]:
        """List turns by ingestion order, oldest first. Raises NotFound for the space."""
        query = (
            select(TurnRow)
            .where(TurnRow.tenant == space.tenant, TurnRow.space == space.space, *within(TurnRow, scope))
            .order_by(col(TurnRow.ordinal))
            .limit(limit + 1)
        )
        if dispositions:
            query = query.where(col(TurnRow.disposition).in_(dispositions))
        if cursor is not None:
            query = query.where(col(TurnRow.ordinal) > number_at(cursor))

        def load(session: Session) -> Page[Turn]:
            require_space(session, space)
            return page_of(session.exec(query).all(), limit, turn_of, lambda row: (row.ordinal or 0,))

        return await self._db.read(load)

    async def pending(self, space: SpaceKey, scope: Scope, *, limit: int, context: int) -> PendingTurns:
        """Return up to `limit` pending turns of exactly this scope, and up to `context` turns before the first."""

        def load(session: Session) -> PendingTurns:
            pending = session_turns(space, scope).where(TurnRow.disposition == Disposition.PENDING)
            rows = session.exec(pending.order_by(*TIMELINE).limit(limit)).all()
            return with_context(session, space, scope, rows, context)

        return await self._db.read(load)

    async def to_redo(self, space: SpaceKey, scope: Scope, *, limit: int, context: int) -> PendingTurns:
        """As `pending`, of the turns whose outcome is marked LLM_FAILED; those returned follow one another."""
        marked = col(TurnRow.reason).startswith(LLM_FAILED)

        def load(session: Session) -> PendingTurns:
            turns = session_turns(space, scope)
            first = session.exec(turns.where(marked).order_by(*TIMELINE).limit(1)).first()
            if first is None:
                return PendingTurns((), (), frozenset())
            onwards = turns.where(tuple_(*TIMELINE) >= tuple_(first.event_time, first.ordinal))
            rows = session.exec(onwards.order_by(*TIMELINE).limit(limit)).all()
            run = list(takewhile(lambda row: row.reason.startswith(LLM_FAILED), rows))
            return with_context(session, space, scope, run, context)

        return await self._db.read(load)


def _as_before(response: Mapping[str, Any]) -> Accepted:
    return Accepted(**{**response, "job_ids": tuple(response["job_ids"])})


TIMELINE = (col(TurnRow.event_time), col(TurnRow.ordinal))
"""The order of a session's turns."""


def session_turns(space: SpaceKey, scope: Scope) -> SelectOfScalar[TurnRow]:
    """The turns of exactly this scope."""
    return select(TurnRow).where(
        TurnRow.tenant == space.tenant, TurnRow.space == space.space, TurnRow.scope_key == scope.key
    )


def with_context(
    session: Session,
    space: SpaceKey,
    scope: Scope,
    rows: Sequence[TurnRow],
    context: int,
    *,
    as_ingested: bool = False,
) -> PendingTurns:
    """Turns with up to `context` before them, and what memories told before the first.

    The context goes back to the newest turn that is closed: what stood before it answers to it. With `as_ingested` no
    name is known that only a memory of later brings up, such as an earlier one of these turns.
    """
    if not rows:
        return PendingTurns((), (), frozenset())
    before = session.exec(
        session_turns(space, scope)
        .where(tuple_(*TIMELINE) < tuple_(rows[0].event_time, rows[0].ordinal))
        .order_by(*(column.desc() for column in TIMELINE))
        .limit(context)
    ).all()
    usable = list(takewhile(lambda row: not row.closed, before))
    return PendingTurns(
        tuple(turn_of(row) for row in reversed(usable)),
        tuple(turn_of(row) for row in rows),
        *_known(session, space, scope, rows[0].event_time, names_of_later=not as_ingested),
    )


def _store(
    session: Session, space: SpaceKey, turns: Sequence[Turn], priority: int, time_zone: str, now: datetime
) -> Accepted:
    """Insert the turns that are new and see to a job for every session with a pending one."""
    known = _stored(session, space, turns)
    new: list[Turn] = []
    for turn in turns:
        stored = known.get(_address(turn))
        if stored is None:
            known[_address(turn)] = _Known(turn_digest(turn), pending=True, utc_offset_minutes=turn.utc_offset_minutes)
            new.append(turn)
        elif not stored.is_same(turn):
            raise Conflict(
                f"turn {turn.turn_id!r} was ingested with another content",
                reason=Reason.TURN_ID_CONFLICT,
                metadata={"turn_id": turn.turn_id},
            )
    waiting = [turn.scope for turn in turns if known[_address(turn)].pending]
    jobs = _jobs(session, space, new=[turn.scope for turn in new], waiting=waiting, priority=priority, now=now)
    if new:
        offsets = _offsets(session, space, new, time_zone)
        rows = [
            {**turn_values(space, turn, now), "job_id": jobs[turn.scope], "utc_offset_minutes": offset}
            for turn, offset in zip(new, offsets, strict=True)
        ]
        session.exec(insert(TurnRow), params=rows)
    return Accepted(
        job_id=jobs[waiting[-1]] if waiting else "",
        accepted_count=len(new),
        duplicate_count=len(turns) - len(new),
        job_ids=tuple(jobs.values()),
    )


def _offsets(session: Session, space: SpaceKey, turns: Sequence[Turn], time_zone: str) -> Iterable[int | None]:
    """The offset of each turn's clock: its own, else by the call's zone, its user's or the space's; None: unknown."""
    users = {turn.scope.user_id for turn in turns if turn.utc_offset_minutes is None and not time_zone}
    zones = time_zones(session, space, users) if users else {}
    for turn in turns:
        zone = time_zone or zones.get(turn.scope.user_id, "")
        if turn.utc_offset_minutes is not None or not zone:
            yield turn.utc_offset_minutes
        else:
            yield offset_minutes(zone_of(zone), turn.event_time)


def _address(turn: Turn) -> tuple[str, str]:
    return turn.scope.key, turn.turn_id


def _stored(session: Session, space: SpaceKey, turns: Sequence[Turn]) -> dict[tuple[str, str], _Known]:
    addresses = sorted({_address(turn) for turn in turns})
    known: dict[tuple[str, str], _Known] = {}
    for start in range(0, len(addresses), LOOKUP):
        rows = session.execute(
            columns(
                col(TurnRow.scope_key),
                col(TurnRow.turn_id),
                col(TurnRow.digest),
                col(TurnRow.disposition),
                col(TurnRow.utc_offset_minutes),
            ).where(
                col(TurnRow.tenant) == space.tenant,
                col(TurnRow.space) == space.space,
                tuple_(TurnRow.scope_key, TurnRow.turn_id).in_(addresses[start : start + LOOKUP]),
            )
        )
        for scope_key, turn_id, digest, disposition, offset in rows:
            known[scope_key, turn_id] = _Known(digest, disposition == Disposition.PENDING, offset)
    return known


def _jobs(
    session: Session, space: SpaceKey, *, new: Sequence[Scope], waiting: Sequence[Scope], priority: int, now: datetime
) -> dict[Scope, str]:
    """The job of every waiting session: a queued one where there are new turns, else any as urgent that is under way.

    A running job may be past the point where it would see a new turn, so only a queued one will do for those. A running
    backfill goes on as one; what is asked for at once gets a job of its own, which overtakes it at its next window.
    """
    jobs: dict[Scope, str] = {}
    for scope in sorted(set(waiting), key=lambda scope: scope.key):  # one order for all, against deadlocks
        kind, lock = JobKind.COMPRESS, scope.key
        under_way = None if scope in new else active(session, space, kind, lock, priority=priority)
        payload = {"scope": [scope.user_id, scope.agent_id, scope.session_id]}
        jobs[scope] = under_way or enqueue(session, space, kind, payload, lock=lock, now=now, priority=priority)
    return jobs


def _advance(session: Session, space: SpaceKey, stream: StreamPosition, *, repeated: bool) -> None:
    """Move the stream on. Its current position is fine for a batch without new turns, which is a repeat."""
    address = (space.tenant, space.space, stream.stream_id)
    row = session.get(StreamRow, address, with_for_update=True)
    if row is None:
        row = StreamRow(tenant=space.tenant, space=space.space, stream_id=stream.stream_id, sequence=0)
    if row.sequence > stream.sequence or (row.sequence == stream.sequence and not repeated):
        raise Conflict(
            f"the stream is at {row.sequence}, past {stream.sequence}",
            reason=Reason.STREAM_SEQUENCE_CONFLICT,
            metadata={"stream_id": stream.stream_id, "sequence": str(row.sequence)},
        )
    row.sequence = stream.sequence
    session.add(row)


def _known(
    session: Session, space: SpaceKey, scope: Scope, before: datetime, *, names_of_later: bool
) -> tuple[frozenset[str], tuple[str, ...]]:
    """Names and texts of the latest memories of the user and agent; of texts only those told before a time."""
    rows = session.exec(
        select(MemoryRow.symbolic, MemoryRow.text, MemoryRow.event_time)
        .where(
            MemoryRow.tenant == space.tenant,
            MemoryRow.space == space.space,
            MemoryRow.user_id == scope.user_id,
            MemoryRow.agent_id == scope.agent_id,
            MemoryRow.state != MemoryState.DELETED,
        )
        .order_by(col(MemoryRow.ordinal).desc())
        .limit(KNOWN_MEMORIES)
    ).all()
    earlier = [row for row in rows if row[2] < before]
    named = [symbolic for symbolic, _, _ in (rows if names_of_later else earlier)]
    names = frozenset().union(*(folded((*symbolic["people"], *symbolic["entities"])) for symbolic in named))
    return names, tuple(text for _, text, _ in earlier)

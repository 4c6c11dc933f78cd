"""Memories that an earlier release worded, and what takes their place: the own words of the turns they were made of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import dropwhile, takewhile
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal_column, tuple_, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from memsvc.errors import NotFound
from memsvc.storage.cascade import CALLER, follow_replacement
from memsvc.storage.changelog import append_changes
from memsvc.storage.database import Database
from memsvc.storage.enqueue import active, defer_consolidation, enqueue
from memsvc.storage.leases import require_held
from memsvc.storage.memory_query import exactly, in_space
from memsvc.storage.memory_writes import insert_new, touch
from memsvc.storage.redo import changed_by_callers, supersede
from memsvc.storage.rows import memory_of
from memsvc.storage.spaces import require_space
from memsvc.storage.tables import BACKFILL, OUTDATED, MemoryRow, TurnRow
from memsvc.storage.turns import TIMELINE, session_turns, with_context
from memsvc.types import (
    LLM_FAILED,
    ChangeKind,
    Compression,
    Job,
    JobKind,
    MemoryKind,
    MemoryState,
    OutdatedTurns,
    PendingTurns,
    Scope,
    SpaceKey,
    TurnOutcome,
    utc_now,
)

ACTOR = "worker"
KEPT = "It is not worded anew: a caller changed it or a memory of the same turns, or its turn is gone."
SESSIONS = 200
"""Sessions whose jobs are queued in one transaction."""
LEAST_TURNS = 2
"""A memory of an earlier release tells of at most two turns: a question and its answer."""
_BY_RULES, _BY_MODEL = "rules/", "llm/"
_SESSION = (
    col(MemoryRow.tenant),
    col(MemoryRow.space),
    col(MemoryRow.user_id),
    col(MemoryRow.agent_id),
    col(MemoryRow.session_id),
)
_IS_OUTDATED: ColumnElement[bool] = literal_column(OUTDATED)
_NOTHING = PendingTurns((), (), frozenset())


@dataclass(frozen=True, slots=True)
class _Told:
    """What a memory is to a rewriting: who made it, of which turns, and whether it is outdated."""

    id: str
    version: int
    compressor: str
    state: str
    superseded_by: str
    derived_from: frozenset[str]
    turns: tuple[str, ...]
    """Ids of the turns of its session that it tells of, the one that it is about last."""
    outdated: bool


class SqlRewriteLog:
    """Implements `jobs.rewriting.RewriteLog`."""

    def __init__(
        self, db: Database, clock: Callable[[], datetime] = utc_now, *, consolidate_after: timedelta | None = None
    ) -> None:
        self._db = db
        self._clock = clock
        self._consolidate_after = consolidate_after

    async def queue_all(self) -> int:
        """Queue a REWRITE job for every session with outdated memories that has none under way; return how many."""
        count, last = 0, ("",) * len(_SESSION)
        while page := await self._db.read(partial(_sessions, after=last)):
            count += await self._db.write(partial(_queue_all, found=page, now=self._clock()))
            last = page[-1]
            self._db.work.deferred()
        return count

    async def outdated(self, job: Job, scope: Scope, *, limit: int, context: int) -> OutdatedTurns:
        """Return the first turns of a session with outdated memories, up to `limit`, with up to `context` before them.

        Those of a turn of which a caller deleted or changed a memory, and those merged into a memory that a caller
        changed, are outdated no longer: they stay as they are, with the compressor of callers. So do those whose turn
        is gone. Raises LeaseLost.
        """

        def read(session: Session) -> OutdatedTurns:
            require_held(session, job)
            return _outdated(session, job.space, scope, max(limit, LEAST_TURNS), context, self._clock())

        return await self._db.write(read)

    async def replace(
        self, job: Job, batch: OutdatedTurns, compression: Compression
    ) -> tuple[tuple[str, ...], int] | None:
        """Put the new memories of turns in the place of their outdated ones, in one transaction.

        What consolidation made of those is withdrawn, and made anew. Returns ids of the written memories and the number
        of replaced ones; None, with nothing written, where one of them was changed since it was read. Raises LeaseLost.
        """

        def replace(session: Session) -> tuple[tuple[str, ...], int] | None:
            require_held(session, job)
            space, now = job.space, self._clock()
            rows = session.exec(
                select(MemoryRow)
                .where(*in_space(space), col(MemoryRow.id).in_(batch.versions))
                .order_by(col(MemoryRow.ordinal))
                .with_for_update()
            ).all()
            if {row.id: row.version for row in rows} != batch.versions:
                return None
            written = insert_new(session, space, compression.memories, actor=ACTOR, now=now)
            kept = {memory.id for memory in compression.memories}
            old = [row for row in rows if row.id not in kept]
            follow_replacement(session, space, old, now=now, delay=self._consolidate_after)
            supersede(session, space, old, actor=ACTOR, now=now)
            for outcome in compression.outcomes:
                _settle(session, space, outcome)
            new = [m.scope for m in compression.memories if m.id in written and m.state is MemoryState.ACTIVE]
            defer_consolidation(session, space, new, now=now, delay=self._consolidate_after)
            return written, len(old)

        return await self._db.write(replace)


def _sessions(session: Session, after: tuple[str, ...]) -> list[tuple[str, ...]]:
    query = (
        columns(*_SESSION)
        .where(_IS_OUTDATED, tuple_(*_SESSION) > tuple_(*after))
        .distinct()
        .order_by(*_SESSION)
        .limit(SESSIONS)
    )
    return [tuple(row) for row in session.execute(query)]


def _queue_all(session: Session, found: Sequence[tuple[str, ...]], now: datetime) -> int:
    count = 0
    for tenant, space_id, *scope in found:
        space, lock = SpaceKey(tenant, space_id), Scope(*scope).key
        with suppress(NotFound):  # deleted meanwhile
            require_space(session, space)
            if not active(session, space, JobKind.REWRITE, lock, priority=BACKFILL):
                enqueue(session, space, JobKind.REWRITE, {"scope": scope}, lock=lock, now=now)
                count += 1
    return count


def _outdated(
    session: Session, space: SpaceKey, scope: Scope, limit: int, context: int, now: datetime
) -> OutdatedTurns:
    here = (*in_space(space), *exactly(scope), _IS_OUTDATED)
    first = session.exec(
        select(MemoryRow).where(*here).order_by(col(MemoryRow.event_time), col(MemoryRow.ordinal)).limit(1)
    ).first()
    if first is None:
        return OutdatedTurns(_NOTHING, {}, 0)
    turns = _window(session, space, scope, first, limit)
    told = _told(session, space, scope, first, turns)
    gone = {turn.turn_id for turn in turns}.isdisjoint(_turn_ids(first.sources, scope)[-1:])
    kept = _kept(session, space, told) | ({first.id} if gone else set())
    _keep(session, space, kept, now)
    left = session.exec(select(func.count()).select_from(MemoryRow).where(*here)).one()
    run = _run(turns, limit, [each for each in told if each.id not in kept], first.id)
    ends = {turn.turn_id for turn in run}
    replaced = [each for each in told if each.turns[-1] in ends and _is_replaced(each)] if run else []
    pending = with_context(session, space, scope, run, context, as_ingested=True)
    return OutdatedTurns(pending, {each.id: each.version for each in replaced}, left)


def _window(session: Session, space: SpaceKey, scope: Scope, first: MemoryRow, limit: int) -> Sequence[TurnRow]:
    """The turns from the first one that a memory tells of on, one more than `limit`, and all that it tells of."""
    turns = session_turns(space, scope)
    own = col(TurnRow.turn_id).in_(_turn_ids(first.sources, scope))
    its = session.exec(turns.where(own).order_by(*TIMELINE)).all()
    if not its:
        return ()
    onwards = turns.where(tuple_(*TIMELINE) >= tuple_(its[0].event_time, its[0].ordinal))
    found = session.exec(onwards.order_by(*TIMELINE).limit(limit + 1)).all()
    there = {turn.ordinal for turn in found}
    return [*found, *(turn for turn in its if turn.ordinal not in there)]


def _told(
    session: Session, space: SpaceKey, scope: Scope, first: MemoryRow, turns: Sequence[TurnRow]
) -> Sequence[_Told]:
    """The statements that tell of any of the turns, in whatever state, with the first one whatever it tells of.

    A statement is of the time of the last turn that it tells of. What a caller changed of an episode or a theme says
    nothing against new words below it.
    """
    times = [first.event_time, *(turn.event_time for turn in turns)]
    query = _columns().where(
        *in_space(space),
        *exactly(scope),
        col(MemoryRow.kind) == MemoryKind.STATEMENT,
        col(MemoryRow.event_time).between(min(times), max(times)),
    )
    wanted = {turn.turn_id for turn in turns}
    found = (_told_of(row, scope) for row in session.execute(query.order_by(col(MemoryRow.ordinal))))
    return [each for each in found if not wanted.isdisjoint(each.turns) or each.id == first.id]


def _columns() -> Any:
    return columns(
        col(MemoryRow.id),
        col(MemoryRow.version),
        col(MemoryRow.compressor),
        col(MemoryRow.state),
        col(MemoryRow.superseded_by),
        col(MemoryRow.derived_from),
        col(MemoryRow.sources),
        literal_column(f"({OUTDATED})").label("outdated"),
    )


def _told_of(row: Any, scope: Scope) -> _Told:
    return _Told(
        id=row.id,
        version=row.version,
        compressor=row.compressor,
        state=row.state,
        superseded_by=row.superseded_by,
        derived_from=frozenset(row.derived_from),
        turns=_turn_ids(row.sources, scope),
        outdated=bool(row.outdated),
    )


def _turn_ids(sources: Iterable[Mapping[str, Any]], scope: Scope) -> tuple[str, ...]:
    return tuple(source["turn_id"] for source in sources if Scope(**source["scope"]) == scope)


def _kept(session: Session, space: SpaceKey, told: Sequence[_Told]) -> frozenset[str]:
    """Ids of outdated memories that must stay: those of callers, and those that share a turn with one that must."""
    outdated = [each for each in told if each.outdated]
    theirs = _callers(session, space, told) | _beneath_callers(session, space, outdated)
    kept = {each.id for each in outdated if each.id in theirs}
    turns = {turn for each in told if each.id in theirs for turn in each.turns}
    while more := [each for each in outdated if each.id not in kept and not turns.isdisjoint(each.turns)]:
        kept |= {each.id for each in more}
        turns |= {turn for each in more for turn in each.turns}
    return frozenset(kept)


def _callers(session: Session, space: SpaceKey, told: Sequence[_Told]) -> frozenset[str]:
    changed = changed_by_callers(session, space, [each.id for each in told if each.version > 1], ACTOR)
    return changed | {each.id for each in told if each.compressor == CALLER}


def _beneath_callers(session: Session, space: SpaceKey, told: Sequence[_Told]) -> frozenset[str]:
    """Ids of those that were merged, at once or one merge after another, into a memory that a caller changed."""
    found: set[str] = set()
    seen: set[str] = set()
    heads = {each.id: each for each in told}
    while ids := {each.superseded_by for each in heads.values()} - seen - {""}:
        seen |= ids
        rows = session.execute(_columns().where(*in_space(space), col(MemoryRow.id).in_(ids)))
        merges = {each.id: each for each in (_told_of(row, Scope()) for row in rows)}
        theirs = _callers(session, space, list(merges.values()))
        into = {id_: merges[each.superseded_by] for id_, each in heads.items() if each.superseded_by in merges}
        into = {id_: merge for id_, merge in into.items() if heads[id_].id in merge.derived_from}
        found |= {id_ for id_, merge in into.items() if merge.id in theirs}
        heads = {id_: merge for id_, merge in into.items() if id_ not in found}
    return frozenset(found)


def _keep(session: Session, space: SpaceKey, kept: Collection[str], now: datetime) -> None:
    rows = session.exec(select(MemoryRow).where(*in_space(space), col(MemoryRow.id).in_(kept)).with_for_update()).all()
    for row in rows:
        row.compressor = CALLER
        touch(row, now, indexed=True)
        session.add(row)
    changed = [(memory_of(row), row.text) for row in rows]
    append_changes(session, space, ChangeKind.UPDATED, changed, actor=ACTOR, now=now, reason=KEPT)


def _run(turns: Sequence[TurnRow], limit: int, told: Sequence[_Told], first: str) -> Sequence[TurnRow]:
    """The turns to compress together: those with outdated memories that follow one another, none cut from its answer.

    A question that a language model told already is left to that. The memory `first` is always among what they replace,
    unless it is not among `told`.
    """
    outdated = [each for each in told if each.outdated]
    start = next((each for each in outdated if each.id == first), None)
    if start is None:
        return ()
    by_model = {turn for each in told if each.compressor.startswith(_BY_MODEL) for turn in each.turns}
    answers = {each.turns[-1] for each in outdated}
    due = answers | ({turn for each in outdated for turn in each.turns} - by_model)
    begin = dropwhile(lambda turn: turn.turn_id not in due, turns[:limit])
    run = list(takewhile(lambda turn: turn.turn_id in due, begin))
    while run and any(run[-1].turn_id in each.turns[:-1] for each in outdated):
        run.pop()
    if start.turns[-1] in {turn.turn_id for turn in run}:
        return run
    return [turn for turn in turns if turn.turn_id in start.turns and turn.turn_id in due]


def _is_replaced(told: _Told) -> bool:
    """Whether what tells of a turn anew takes its place, which is also so of what this release made of a part of it."""
    current = told.state in (MemoryState.ACTIVE, MemoryState.LEFT_OUT)
    return told.outdated or (current and told.compressor.startswith(_BY_RULES))


def _settle(session: Session, space: SpaceKey, outcome: TurnOutcome) -> None:
    """Say what became of a turn; that a language model is still to compress it stays said."""
    reason = col(TurnRow.reason)
    session.exec(
        update(TurnRow)
        .where(
            col(TurnRow.tenant) == space.tenant,
            col(TurnRow.space) == space.space,
            col(TurnRow.scope_key) == outcome.ref.scope.key,
            col(TurnRow.turn_id) == outcome.ref.turn_id,
        )
        .values(
            disposition=outcome.disposition.value,
            reason=case((reason.startswith(LLM_FAILED), reason), else_=outcome.reason),
        )
        .execution_options(synchronize_session=False)
    )

"""Which turns of a session are to be rewritten next: those whose memories an earlier release worded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import dropwhile, takewhile
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal_column, or_, tuple_
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from memsvc.storage.cascade import CALLER
from memsvc.storage.changelog import append_changes
from memsvc.storage.memory_query import exactly, in_space
from memsvc.storage.memory_writes import touch
from memsvc.storage.redo import changed_by_callers
from memsvc.storage.rows import memory_of
from memsvc.storage.tables import OUTDATED, MemoryRow, TurnRow
from memsvc.storage.turns import TIMELINE, session_turns, with_context
from memsvc.types import ChangeKind, MemoryKind, MemoryState, OutdatedTurns, PendingTurns, Scope, SpaceKey

IS_OUTDATED: ColumnElement[bool] = literal_column(OUTDATED)
_KEPT = "It is not worded anew: a caller changed it or a memory of the same turns, or its turn is gone."
_NOTHING = PendingTurns((), (), frozenset())
_BY_RULES, _BY_MODEL = "rules/", "llm/"


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


def read_outdated(
    session: Session, space: SpaceKey, scope: Scope, *, limit: int, context: int, actor: str, now: datetime
) -> OutdatedTurns:
    """Return the first turns of a session with outdated memories, up to `limit` or what one memory tells of.

    Memories that must stay as they are on the way are marked so.
    """
    here = (*in_space(space), *exactly(scope), IS_OUTDATED)
    first = session.exec(
        select(MemoryRow).where(*here).order_by(col(MemoryRow.event_time), col(MemoryRow.ordinal)).limit(1)
    ).first()
    if first is None:
        return OutdatedTurns(_NOTHING, {}, 0)
    turns = _window(session, space, scope, first, limit)
    told = _told(session, space, scope, first, turns)
    gone = {turn.turn_id for turn in turns}.isdisjoint(_turn_ids(first.sources, scope)[-1:])
    closed = {turn.turn_id for turn in turns if turn.closed}
    kept = _kept(session, space, told, closed, actor) | ({first.id} if gone else set())
    _keep(session, space, kept, actor, now)
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
    told = and_(col(MemoryRow.kind) == MemoryKind.STATEMENT, col(MemoryRow.event_time).between(min(times), max(times)))
    query = _columns().where(*in_space(space), *exactly(scope), or_(told, col(MemoryRow.id) == first.id))
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


def _kept(
    session: Session, space: SpaceKey, told: Sequence[_Told], closed: Collection[str], actor: str
) -> frozenset[str]:
    """Ids of outdated memories that stay: callers', those of closed turns, and those that share a turn with one."""
    outdated = [each for each in told if each.outdated]
    theirs = _callers(session, space, told, actor) | _beneath_callers(session, space, outdated, actor)
    kept = {each.id for each in outdated if each.id in theirs}
    turns = {*closed, *(turn for each in told if each.id in theirs for turn in each.turns)}
    while more := [each for each in outdated if each.id not in kept and not turns.isdisjoint(each.turns)]:
        kept |= {each.id for each in more}
        turns |= {turn for each in more for turn in each.turns}
    return frozenset(kept)


def _callers(session: Session, space: SpaceKey, told: Sequence[_Told], actor: str) -> frozenset[str]:
    changed = changed_by_callers(session, space, [each.id for each in told if each.version > 1], actor)
    return changed | {each.id for each in told if each.compressor == CALLER}


def _beneath_callers(session: Session, space: SpaceKey, told: Sequence[_Told], actor: str) -> frozenset[str]:
    """Ids of those that were merged, at once or one merge after another, into a memory that a caller changed."""
    found: set[str] = set()
    merges: dict[str, _Told] = {}
    theirs: frozenset[str] = frozenset()
    heads = {each.id: each for each in told if each.superseded_by}
    while heads:
        if unknown := {each.superseded_by for each in heads.values()} - merges.keys():
            rows = session.execute(_columns().where(*in_space(space), col(MemoryRow.id).in_(unknown)))
            read = [_told_of(row, Scope()) for row in rows]
            merges |= {each.id: each for each in read}
            theirs |= _callers(session, space, read, actor)
        into = {id_: merges[each.superseded_by] for id_, each in heads.items() if each.superseded_by in merges}
        into = {id_: merge for id_, merge in into.items() if heads[id_].id in merge.derived_from}
        found |= {id_ for id_, merge in into.items() if merge.id in theirs}
        heads = {id_: merge for id_, merge in into.items() if merge.superseded_by and id_ not in found}
    return frozenset(found)


def _keep(session: Session, space: SpaceKey, kept: Collection[str], actor: str, now: datetime) -> None:
    rows = session.exec(select(MemoryRow).where(*in_space(space), col(MemoryRow.id).in_(kept)).with_for_update()).all()
    for row in rows:
        row.compressor = CALLER
        touch(row, now, indexed=True)
        session.add(row)
    changed = [(memory_of(row), row.text) for row in rows]
    append_changes(session, space, ChangeKind.UPDATED, changed, actor=actor, now=now, reason=_KEPT)


def _run(turns: Sequence[TurnRow], limit: int, told: Sequence[_Told], first: str) -> Sequence[TurnRow]:
    """The turns to compress together: those with outdated memories that follow one another, none cut from its answer.

    A question that a language model told already is left to that. The memory `first` is always among what they replace,
    unless it is not among `told`.
    """
    outdated = [each for each in told if each.outdated]
    start = next((each for each in outdated if each.id == first), None)
    if start is None:
        return ()
    by_model = [each for each in told if _is_current(each) and each.compressor.startswith(_BY_MODEL)]
    answers = {each.turns[-1] for each in outdated}
    due = answers | (
        {turn for each in outdated for turn in each.turns} - {turn for each in by_model for turn in each.turns}
    )
    begin = dropwhile(lambda turn: turn.turn_id not in due, turns[:limit])
    run = list(takewhile(lambda turn: turn.turn_id in due, begin))
    while run and any(run[-1].turn_id in each.turns[:-1] for each in outdated):
        run.pop()
    if start.turns[-1] in {turn.turn_id for turn in run}:
        return run
    return [turn for turn in turns if turn.turn_id in start.turns and turn.turn_id in due]


def _is_replaced(told: _Told) -> bool:
    """Whether what tells of a turn anew takes its place, which is also so of what this release made of a part of it."""
    return told.outdated or (_is_current(told) and told.compressor.startswith(_BY_RULES))


def _is_current(told: _Told) -> bool:
    return told.state in (MemoryState.ACTIVE, MemoryState.LEFT_OUT)

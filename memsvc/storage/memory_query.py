"""`MemoryFilter` as SQL; the same rule as `MemoryFilter.matches`."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, case, exists, func, or_
from sqlmodel import col

from memsvc.storage.metadata_query import satisfying
from memsvc.storage.rows import name_key
from memsvc.storage.tables import ChangeRow, MemoryNameRow, MemoryRow, TurnRow
from memsvc.types import AsOf, MemoryFilter, MemoryState, Scope, SpaceKey, folded


def in_space(space: SpaceKey) -> tuple[ColumnElement[bool], ...]:
    """The bound that every query of memories carries."""
    return col(MemoryRow.tenant) == space.tenant, col(MemoryRow.space) == space.space


def within(table: type[MemoryRow] | type[ChangeRow] | type[TurnRow], scope: Scope) -> Iterator[ColumnElement[bool]]:
    """An empty field matches everything."""
    if scope.user_id:
        yield col(table.user_id) == scope.user_id
    if scope.agent_id:
        yield col(table.agent_id) == scope.agent_id
    if scope.session_id:
        yield col(table.session_id) == scope.session_id


def exactly(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    """An empty field matches the empty value."""
    return (
        col(MemoryRow.user_id) == scope.user_id,
        col(MemoryRow.agent_id) == scope.agent_id,
        col(MemoryRow.session_id) == scope.session_id,
    )


def owned_by(owner: Scope) -> tuple[ColumnElement[bool], ...]:
    """Of exactly this user and agent, in whatever session."""
    return col(MemoryRow.user_id) == owner.user_id, col(MemoryRow.agent_id) == owner.agent_id


def passing(where: MemoryFilter) -> Iterator[ColumnElement[bool]]:
    """The conditions of a filter."""
    yield col(MemoryRow.state).in_(where.stored_states)
    if where.as_of is not None:
        yield from _shown(where.as_of)
    yield from within(MemoryRow, where.scope)
    if where.exact_owner:
        yield from owned_by(where.scope)
    if where.kinds:
        yield col(MemoryRow.kind).in_(where.kinds)
    if where.people:
        yield _named("person", where.people)
    if where.entities:
        yield _named("entity", where.entities)
    if where.start_time is not None:
        yield col(MemoryRow.event_time) >= where.start_time
    if where.end_time is not None:
        yield col(MemoryRow.event_time) < where.end_time
    if where.metadata is not None:
        yield satisfying(col(MemoryRow.labels), where.metadata)
    if where.ids is not None:
        yield col(MemoryRow.id).in_(where.ids)


def _shown(as_of: AsOf) -> Iterator[ColumnElement[bool]]:
    """`AsOf.shows`, as conditions."""
    event_time, supersede_time = col(MemoryRow.event_time), col(MemoryRow.supersede_time)
    end = case(
        (col(MemoryRow.valid_from) > supersede_time, supersede_time),
        else_=func.coalesce(col(MemoryRow.valid_to), supersede_time),
    )
    yield event_time <= as_of.known_at
    yield or_(event_time <= as_of.valid_at, col(MemoryRow.valid_from) <= as_of.valid_at)
    yield or_(
        col(MemoryRow.state) != MemoryState.SUPERSEDED,
        supersede_time > as_of.known_at,
        (supersede_time > event_time) & (end > as_of.valid_at),
    )


def _named(kind: str, names: tuple[str, ...]) -> ColumnElement[bool]:
    return exists().where(
        col(MemoryNameRow.ordinal) == col(MemoryRow.ordinal),
        col(MemoryNameRow.kind) == kind,
        col(MemoryNameRow.name).in_([name_key(name) for name in sorted(folded(names))]),
    )

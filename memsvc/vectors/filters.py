"""What a search may see, in terms that each adapter turns into its engine's own filter.

Every filter comes from `bounded`, which puts the space first: there is no way to build one without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from memsvc.types import (
    AsOf,
    Interval,
    MemoryFilter,
    MemoryState,
    MetadataCondition,
    MetadataTest,
    Operator,
    Rule,
    SpaceKey,
    SymbolicQuery,
    folded,
)
from memsvc.vectors.metadata_terms import element_term, number_field, presence_term, value_term
from memsvc.vectors.schema import METADATA, NUMBERS, SPACE, TENANT, point_id


@dataclass(frozen=True, slots=True)
class OneOf:
    """The field, or any of its elements, equals one of the values."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Within:
    """The field's time is at or after `at_least`, after `after` and before `before`, as far as they are given."""

    field: str
    at_least: datetime | None = None
    after: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """The field is a number that compares with `value` as the operator says: GT, GTE, LT or LTE."""

    field: str
    operator: Operator
    value: float


@dataclass(frozen=True, slots=True)
class HasId:
    """The point is one of these."""

    point_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every condition holds."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one condition holds."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """No condition holds."""

    conditions: tuple[Condition, ...]


Group: TypeAlias = AllOf | AnyOf | NoneOf
Condition: TypeAlias = OneOf | Within | Compared | HasId | Group


def bounded(space: SpaceKey, where: MemoryFilter | None = None, match: SymbolicQuery | None = None) -> AllOf:
    """Return what may be seen: this space only, there what passes `where`, of that what matches any part of `match`.

    Without `where`, every point of the space, whatever its state.
    """
    conditions: list[Condition] = [OneOf(TENANT, (space.tenant,)), OneOf(SPACE, (space.space,))]
    if where is not None:
        conditions.extend(_passing(where))
        conditions.extend(_picked(space, where))
    if match:
        conditions.append(_matching(match))
    return AllOf(tuple(conditions))


def _passing(where: MemoryFilter) -> list[Condition]:
    wanted = (
        ("state", tuple(state.value for state in where.stored_states)),
        ("kind", tuple(kind.value for kind in where.kinds)),
        ("user_id", _given(where.scope.user_id, exactly=where.exact_owner)),
        ("agent_id", _given(where.scope.agent_id, exactly=where.exact_owner)),
        ("session_id", _given(where.scope.session_id)),
        ("people", _names(where.people)),
        ("entities", _names(where.entities)),
    )
    conditions: list[Condition] = [OneOf(field, values) for field, values in wanted if values]
    if where.start_time is not None or where.end_time is not None:
        conditions.append(Within("event_time", at_least=where.start_time, before=where.end_time))
    if where.as_of is not None:
        conditions.extend(_possibly_shown(where.as_of, where.stored_states))
    return conditions


def _picked(space: SpaceKey, where: MemoryFilter) -> list[Condition]:
    """By metadata, or by the ids of those that SQL found to pass where the index cannot tell."""
    if where.ids is not None:
        return [HasId(frozenset(point_id(space, memory_id) for memory_id in where.ids))]
    return [] if where.metadata is None else [_satisfying(where.metadata)]


def _satisfying(condition: MetadataCondition) -> Condition:
    """The same rule as `MetadataCondition.matches`. Raises ValueError for a test that compares texts."""
    if isinstance(condition, MetadataTest):
        return _test(condition)
    parts = tuple(_satisfying(each) for each in condition.conditions)
    match condition.rule:
        case Rule.ALL_OF:
            return AllOf(parts)
        case Rule.ANY_OF:
            return AnyOf(parts)
        case Rule.NONE_OF:
            return NoneOf(parts)


def _test(test: MetadataTest) -> Condition:
    if test.compares_text:
        raise ValueError("the index cannot compare texts; SQL has to say which memories pass")
    match test.operator:
        case Operator.EQ | Operator.IN:
            return _having(*(value_term(test.path, value) for value in test.values))
        case Operator.NE | Operator.NIN:
            return NoneOf((_having(*(value_term(test.path, value) for value in test.values)),))
        case Operator.EXISTS:
            present = _having(presence_term(test.path))
            return present if test.value else NoneOf((present,))
        case Operator.CONTAINS:
            return _having(element_term(test.path, test.value))
        case _:
            return Compared(f"{NUMBERS}.{number_field(test.path)}", test.operator, _number(test.value))


def _number(value: object) -> float:
    """The number that a comparison is with; texts are compared by SQL. Raises ValueError."""
    if isinstance(value, int | float):
        return float(value)
    raise ValueError(f"{value!r} is no number")


def _having(*terms: str) -> OneOf:
    return OneOf(METADATA, terms)


def _possibly_shown(as_of: AsOf, states: tuple[MemoryState, ...]) -> tuple[Condition, Condition]:
    """What `AsOf.shows`, and a little more, so that few candidates are lost to what it does not show."""
    told = Within("event_time", before=as_of.known_at + timedelta(microseconds=1))
    others = tuple(state.value for state in states if state is not MemoryState.SUPERSEDED)
    superseded_later = Within("supersede_time", after=min(as_of.known_at, as_of.valid_at))
    return told, AnyOf((OneOf("state", others), superseded_later, Within("valid_to", after=as_of.valid_at)))


def _matching(match: SymbolicQuery) -> AnyOf:
    wanted = (("people", _names(match.people)), ("entities", _names(match.entities)))
    conditions: list[Condition] = [OneOf(field, values) for field, values in wanted if values]
    if match.interval is not None:
        conditions.extend(_overlapping(match.interval))
    return AnyOf(tuple(conditions))


def _overlapping(interval: Interval) -> tuple[Condition, Condition]:
    happened = Within("event_time", at_least=interval.start, before=interval.end)
    valid = AllOf((Within("valid_from", before=interval.end), Within("valid_to", after=interval.start)))
    return happened, valid


def _given(value: str, *, exactly: bool = False) -> tuple[str, ...]:
    return (value,) if value or exactly else ()


def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(folded(names)))

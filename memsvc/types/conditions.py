"""Conditions on metadata, and what they mean: every index and database query implements `matches`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from memsvc.types.metadata import Metadata


class Operator(StrEnum):
    """Tests of a value. Where there is none, NE, NIN and EXISTS with False hold, and no other."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    NIN = "nin"
    CONTAINS = "contains"
    EXISTS = "exists"


class Rule(StrEnum):
    """How conditions are taken together."""

    ALL_OF = "all_of"
    ANY_OF = "any_of"
    NONE_OF = "none_of"


Scalar: TypeAlias = str | int | float | bool | None

ORDERING = frozenset({Operator.GT, Operator.GTE, Operator.LT, Operator.LTE})
_MISSING = object()


@dataclass(frozen=True, slots=True)
class MetadataTest:
    """A test of the value that the keys of `path` lead to, from the outermost object on.

    `value` is a tuple of scalars with IN and NIN, a bool with EXISTS, a text or a number with the four that compare,
    and a scalar with all others. Values of two kinds are neither equal nor in order; True is no number.
    """

    path: tuple[str, ...]
    operator: Operator
    value: Scalar | tuple[Scalar, ...]

    def matches(self, metadata: Metadata) -> bool:
        """Whether it holds."""
        found = _value_at(metadata, self.path)
        match self.operator:
            case Operator.EXISTS:
                return (found is not _MISSING) is self.value
            case Operator.EQ | Operator.IN:
                return _is_one_of(found, self.values)
            case Operator.NE | Operator.NIN:
                return not _is_one_of(found, self.values)
            case Operator.CONTAINS:
                return _contains(found, self.value)
            case _:
                return _is_ordered(found, self.operator, self.value)

    @property
    def values(self) -> tuple[Scalar, ...]:
        """The value, or the values where it has several."""
        return self.value if isinstance(self.value, tuple) else (self.value,)

    @property
    def compares_text(self) -> bool:
        """Whether it asks for the order or for a part of a text, for which the vector index keeps no terms."""
        return isinstance(self.value, str) and (self.operator in ORDERING or self.operator is Operator.CONTAINS)


@dataclass(frozen=True, slots=True)
class MetadataGroup:
    """Several conditions as one."""

    rule: Rule
    conditions: tuple[MetadataCondition, ...]

    def matches(self, metadata: Metadata) -> bool:
        """Whether all, any or none of the conditions hold."""
        held = (condition.matches(metadata) for condition in self.conditions)
        if self.rule is Rule.ALL_OF:
            return all(held)
        return any(held) is (self.rule is Rule.ANY_OF)

    @property
    def compares_text(self) -> bool:
        """Whether any of its conditions does."""
        return any(condition.compares_text for condition in self.conditions)


MetadataCondition: TypeAlias = MetadataTest | MetadataGroup


def _value_at(metadata: Metadata, path: tuple[str, ...]) -> Any:
    found: Any = metadata
    for key in path:
        if not isinstance(found, Mapping) or key not in found:
            return _MISSING
        found = found[key]
    return found


def _same(one: Any, other: Any) -> bool:
    kind = _kind(one)
    return kind is not None and kind is _kind(other) and bool(one == other)


def _is_one_of(found: Any, values: tuple[Scalar, ...]) -> bool:
    return any(_same(found, value) for value in values)


def _contains(found: Any, value: Any) -> bool:
    if isinstance(found, list):
        return any(_same(element, value) for element in found)
    return isinstance(found, str) and isinstance(value, str) and value in found


def _is_ordered(found: Any, operator: Operator, value: Any) -> bool:
    kind = _kind(value)
    if kind not in (float, str) or _kind(found) is not kind:
        return False
    match operator:
        case Operator.GT:
            return bool(found > value)
        case Operator.GTE:
            return bool(found >= value)
        case Operator.LT:
            return bool(found < value)
        case _:
            return bool(found <= value)


def _kind(value: Any) -> type | None:
    """The kind of a scalar, None for everything else; numbers are of one kind."""
    if isinstance(value, bool):
        return bool
    if isinstance(value, int | float):
        return float
    if value is None:
        return type(None)
    return str if isinstance(value, str) else None

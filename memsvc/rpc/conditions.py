"""Conditions on metadata out of messages."""

from __future__ import annotations

from typing import Any

from memsvc.ingest.violations import Violations
from memsvc.rpc.enums import OPERATOR_FROM_PROTO
from memsvc.rpc.json_values import value_of
from memsvc.types import (
    MAX_METADATA_BYTES,
    MAX_METADATA_DEPTH,
    MAX_METADATA_KEY,
    MetadataCondition,
    MetadataGroup,
    MetadataTest,
    Operator,
    Rule,
)
from memsvc.v1 import memory_service_pb2 as pb

MAX_DEPTH = 8
"""Groups within each other, the test inside of them included."""
MAX_TESTS = 64
MAX_VALUES = 128
"""Values of IN and NIN."""

_NOTHING = MetadataGroup(Rule.ANY_OF, ())
"""Stands for what is wrong; the request is refused."""


def condition_of(field: str, message: pb.MetadataCondition, violations: Violations) -> MetadataCondition:
    """The condition of a message."""
    reader = _Reader(violations)
    condition = reader.condition(field, message, 1)
    if reader.tests > MAX_TESTS:
        violations.add(field, f"has {reader.tests} tests; at most {MAX_TESTS} are allowed")
    return condition


class _Reader:
    def __init__(self, violations: Violations) -> None:
        self._violations = violations
        self.tests = 0

    def condition(self, field: str, message: pb.MetadataCondition, depth: int) -> MetadataCondition:
        kind = message.WhichOneof("condition")
        if kind is None:
            self._violations.add(field, "is empty; one of all_of, any_of, none_of and test is required")
            return _NOTHING
        if depth > MAX_DEPTH:
            self._violations.add(field, f"lies deeper than {MAX_DEPTH} levels, which is the most allowed")
            return _NOTHING
        if kind == "test":
            self.tests += 1
            return _test(f"{field}.test", message.test, self._violations)
        group: pb.MetadataConditions = getattr(message, kind)
        path = f"{field}.{kind}.conditions"
        if not group.conditions:
            self._violations.add(path, "is empty; at least one condition is required")
        parts = [self.condition(f"{path}[{n}]", each, depth + 1) for n, each in enumerate(group.conditions)]
        return MetadataGroup(Rule(kind), tuple(parts))


def _test(field: str, message: pb.MetadataTest, violations: Violations) -> MetadataCondition:
    if not 1 <= len(message.path) <= MAX_METADATA_DEPTH:
        violations.add(f"{field}.path", f"has {len(message.path)} keys; 1 to {MAX_METADATA_DEPTH} are allowed")
    for position, key in enumerate(message.path):
        violations.identifier(f"{field}.path[{position}]", key, least=1, most=MAX_METADATA_KEY)
    operator = OPERATOR_FROM_PROTO.get(message.operator)
    if operator is None:
        violations.add(f"{field}.operator", "is not set or unknown; one of MetadataOperator is required")
        return _NOTHING
    if not message.HasField("value"):
        violations.add(f"{field}.value", "is not set; it is required")
        return _NOTHING
    value = value_of(f"{field}.value", message.value, violations)
    _check_value(f"{field}.value", operator, value, violations)
    return MetadataTest(tuple(message.path), operator, tuple(value) if isinstance(value, list) else value)


def _check_value(field: str, operator: Operator, value: Any, violations: Violations) -> None:
    match operator:
        case Operator.IN | Operator.NIN:
            if not isinstance(value, list) or not 1 <= len(value) <= MAX_VALUES:
                violations.add(field, f"is not a list of 1 to {MAX_VALUES} values, which {operator.upper()} requires")
                return
            for position, each in enumerate(value):
                _check_scalar(f"{field}[{position}]", each, violations)
        case Operator.EXISTS:
            if not isinstance(value, bool):
                violations.add(field, "is not true or false, which EXISTS requires")
        case Operator.GT | Operator.GTE | Operator.LT | Operator.LTE:
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                violations.add(field, f"is not a text or a number, one of which {operator.upper()} requires")
            else:
                _check_scalar(field, value, violations)
        case _:
            _check_scalar(field, value, violations)


def _check_scalar(field: str, value: Any, violations: Violations) -> None:
    if isinstance(value, list | dict):
        violations.add(field, "is a list or an object; a text, a number, true, false or null is required")
    elif isinstance(value, str):
        violations.text(field, value, most=MAX_METADATA_BYTES)
    elif isinstance(value, float):
        violations.number(field, value)

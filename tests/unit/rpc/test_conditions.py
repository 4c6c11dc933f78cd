"""Conditions on metadata out of messages: what is refused, and where it is said to be."""

from __future__ import annotations

import math
from typing import Any

import pytest
from google.protobuf.struct_pb2 import ListValue, Value
from hypothesis import given

from memsvc.errors import InvalidInput
from memsvc.ingest.violations import Violations
from memsvc.rpc.conditions import MAX_DEPTH, MAX_TESTS, MAX_VALUES, condition_of
from memsvc.rpc.enums import OPERATOR_FROM_PROTO
from memsvc.types import MetadataCondition, MetadataTest, Operator
from memsvc.v1 import memory_service_pb2 as pb
from support.conditions import CONDITIONS

OPERATOR_TO_PROTO: dict[Operator, Any] = {operator: number for number, operator in OPERATOR_FROM_PROTO.items()}


def value(given: Any) -> Value:
    holder = ListValue()
    holder.extend([list(given) if isinstance(given, tuple) else given])
    return holder.values[0]


def message(condition: MetadataCondition) -> pb.MetadataCondition:
    if isinstance(condition, MetadataTest):
        return leaf(condition.operator, condition.value, *condition.path)
    several = pb.MetadataConditions(conditions=[message(each) for each in condition.conditions])
    made = pb.MetadataCondition()
    getattr(made, condition.rule.value).CopyFrom(several)
    return made


def leaf(operator: Operator, given: Any, *path: str) -> pb.MetadataCondition:
    test = pb.MetadataTest(path=path or ["a"], operator=OPERATOR_TO_PROTO[operator], value=value(given))
    return pb.MetadataCondition(test=test)


EQ = leaf(Operator.EQ, "x")


def all_of(*conditions: pb.MetadataCondition) -> pb.MetadataCondition:
    return pb.MetadataCondition(all_of=pb.MetadataConditions(conditions=conditions))


def nested(levels: int) -> pb.MetadataCondition:
    condition = EQ
    for _ in range(levels - 1):
        condition = all_of(condition)
    return condition


@given(CONDITIONS)
def test_a_condition_is_read_as_it_was_written(condition: MetadataCondition) -> None:
    violations = Violations()
    assert condition_of("filter.metadata", message(condition), violations) == condition
    violations.check()


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        (pb.MetadataCondition(), ""),
        (all_of(), ".all_of.conditions"),
        (all_of(EQ, pb.MetadataCondition()), ".all_of.conditions[1]"),
        (nested(MAX_DEPTH + 1), ".all_of.conditions[0]" * MAX_DEPTH),
        (all_of(*[EQ] * (MAX_TESTS + 1)), ""),
        (pb.MetadataCondition(test=pb.MetadataTest(operator=1, value=value(1))), ".test.path"),
        (leaf(Operator.EQ, 1, *"abcde"), ".test.path"),
        (leaf(Operator.EQ, 1, "a", ""), ".test.path[1]"),
        (leaf(Operator.EQ, 1, "k" * 65), ".test.path[0]"),
        (pb.MetadataCondition(test=pb.MetadataTest(path=["a"], value=value(1))), ".test.operator"),
        (pb.MetadataCondition(test=pb.MetadataTest(path=["a"], operator=99, value=value(1))), ".test.operator"),
        (pb.MetadataCondition(test=pb.MetadataTest(path=["a"], operator=1)), ".test.value"),
        (pb.MetadataCondition(test=pb.MetadataTest(path=["a"], operator=1, value=Value())), ".test.value"),
        (leaf(Operator.EQ, [1]), ".test.value"),
        (leaf(Operator.NE, {"b": 1}), ".test.value"),
        (leaf(Operator.CONTAINS, ["x"]), ".test.value"),
        (leaf(Operator.EQ, math.nan), ".test.value"),
        (leaf(Operator.GT, math.inf), ".test.value"),
        (leaf(Operator.LT, True), ".test.value"),
        (leaf(Operator.LTE, None), ".test.value"),
        (leaf(Operator.IN, "x"), ".test.value"),
        (leaf(Operator.IN, []), ".test.value"),
        (leaf(Operator.NIN, [0] * (MAX_VALUES + 1)), ".test.value"),
        (leaf(Operator.NIN, [0, [1]]), ".test.value[1]"),
        (leaf(Operator.EXISTS, 1), ".test.value"),
        (leaf(Operator.EQ, "a\x00"), ".test.value"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(condition: pb.MetadataCondition, field: str) -> None:
    violations = Violations()
    condition_of("f", condition, violations)
    with pytest.raises(InvalidInput) as caught:
        violations.check()
    assert [violation.field for violation in caught.value.violations] == [f"f{field}"]


def test_the_most_that_is_allowed() -> None:
    violations = Violations()
    for condition in (nested(MAX_DEPTH), all_of(*[EQ] * MAX_TESTS), leaf(Operator.IN, ["x"] * MAX_VALUES)):
        condition_of("f", condition, violations)
    violations.check()

"""Conditions on metadata as SQL; the same rule as `MetadataCondition.matches`.

PostgreSQL compares JSON itself. SQLite's paths reach no key with a quotation mark, and in many of its versions none
that is not ASCII; so its tests are made by `holds`, which every connection registers.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Text, and_, cast, func, literal, literal_column, not_, or_, type_coerce
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import SQLColumnExpression

from memsvc.types import MetadataCondition, MetadataTest, Operator, Rule

HOLDS = "metadata_holds"
"""Name of `holds` in SQLite."""

_ORDERED = {Operator.GT: ">", Operator.GTE: ">=", Operator.LT: "<", Operator.LTE: "<="}


def satisfying(column: SQLColumnExpression[Any], condition: MetadataCondition) -> ColumnElement[bool]:
    """The condition on a column that holds metadata as JSON; never NULL."""
    if isinstance(condition, MetadataTest):
        return _Holds(column, condition)
    parts = [satisfying(column, each) for each in condition.conditions]
    match condition.rule:
        case Rule.ALL_OF:
            return and_(*parts)
        case Rule.ANY_OF:
            return or_(*parts)
        case Rule.NONE_OF:
            return not_(or_(*parts))


def holds(metadata: str, path: str, operator: str, value: str) -> bool:
    """Whether a test holds for an object; all but the operator as JSON."""
    return _test(path, operator, value).matches(json.loads(metadata))


@lru_cache(1_024)
def _test(path: str, operator: str, value: str) -> MetadataTest:
    given = json.loads(value)
    return MetadataTest(tuple(json.loads(path)), Operator(operator), tuple(given) if isinstance(given, list) else given)


class _Holds(ColumnElement[bool]):
    """One test of a column."""

    inherit_cache = False  # what it compiles to holds the values
    type = Boolean()

    def __init__(self, column: SQLColumnExpression[Any], test: MetadataTest) -> None:
        self.column = column
        self.test = test


@compiles(_Holds, "sqlite")
def _sqlite(element: _Holds, compiler: SQLCompiler, **options: Any) -> str:
    test = element.test
    path, value = json.dumps(test.path), json.dumps(test.value)
    call = getattr(func, HOLDS)(type_coerce(element.column, Text), path, test.operator.value, value)
    return compiler.process(call, **options)


@compiles(_Holds, "postgresql")
def _postgresql(element: _Holds, compiler: SQLCompiler, **options: Any) -> str:
    holding = func.coalesce(_jsonb_test(cast(element.column, JSONB), element.test), False)
    return compiler.process(holding, **options)


def _jsonb_test(metadata: ColumnElement[Any], test: MetadataTest) -> ColumnElement[bool]:
    """A test that is true where it holds, and false or NULL elsewhere."""
    found = metadata
    for key in test.path:
        # With a text on its right, the arrow looks into objects only.
        found = found.op("->", return_type=JSONB())(cast(literal(key), Text))
    match test.operator:
        case Operator.EXISTS:
            return found.is_not(None) if test.value else found.is_(None)
        case Operator.EQ | Operator.IN:
            return found.in_([_jsonb(value) for value in test.values])
        case Operator.NE | Operator.NIN:
            return not_(func.coalesce(found.in_([_jsonb(value) for value in test.values]), False))
        case Operator.CONTAINS:
            return _contains(found, test.value)
        case _:
            return _in_order(found, test)


def _contains(found: ColumnElement[Any], value: object) -> ColumnElement[bool]:
    element = (func.jsonb_typeof(found) == "array") & found.op("@>", is_comparison=True)(_jsonb([value]))
    if not isinstance(value, str):
        return element
    return or_(element, (func.jsonb_typeof(found) == "string") & (func.strpos(_text(found), value) > 0))


def _in_order(found: ColumnElement[Any], test: MetadataTest) -> ColumnElement[bool]:
    operator = _ORDERED[test.operator]
    if isinstance(test.value, str):
        compared = _text(found).collate("C").op(operator, is_comparison=True)(test.value)
        return (func.jsonb_typeof(found) == "string") & compared
    compared = found.op(operator, is_comparison=True)(_jsonb(test.value))
    return (func.jsonb_typeof(found) == "number") & compared


def _jsonb(value: object) -> ColumnElement[Any]:
    return cast(cast(literal(json.dumps(value)), Text), JSONB)


def _text(found: ColumnElement[Any]) -> ColumnElement[str]:
    return found.op("#>>", return_type=Text())(literal_column("'{}'"))

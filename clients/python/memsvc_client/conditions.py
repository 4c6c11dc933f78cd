"""Filters by metadata, as dicts, turned into protobuf messages.

`{"project": "x", "cost": {"gte": 10}}` tests each key, `AND`, `OR` and `NOT` take lists of such dicts. A dot leads into
an object: `{"address.city": "Rome"}`; in a key of its own it is written `\\.`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from memsvc_client.errors import invalid
from memsvc_client.json_values import text, value_message
from memsvc_client.v1 import memory_service_pb2 as service

GROUPS = ("AND", "OR", "NOT")
OPERATORS = {
    value.name.removeprefix("METADATA_OPERATOR_").lower(): value.number
    for value in service.MetadataOperator.DESCRIPTOR.values
    if value.number
}
DEEPEST = 32
"""Groups within each other that a message is made of; the service accepts fewer."""

_DOT = re.compile(r"(?<!\\)\.")


def condition(given: Mapping[str, Any], field: str, reserved: frozenset[str]) -> service.MetadataCondition | None:
    """Build the condition that all entries of a dict are, None for an empty one; `reserved` are no keys of metadata."""
    return _all_of(_entries(given, field, reserved, 1)) if given else None


def _entries(
    given: Mapping[str, Any], field: str, reserved: frozenset[str], depth: int
) -> list[service.MetadataCondition]:
    found: list[service.MetadataCondition] = []
    for key, value in given.items():
        where = f"{field}.{text(key, f'{field} key')}"
        if key in GROUPS:
            found.append(_group(key, value, where, reserved, depth))
        elif key in reserved:
            raise invalid(where, f"{key!r} is a filter of its own; pass it beside {', '.join(GROUPS)}")
        else:
            found.extend(_tests(key, value, where))
    return found


def _group(word: str, given: Any, field: str, reserved: frozenset[str], depth: int) -> service.MetadataCondition:
    if depth > DEEPEST:
        raise invalid(field, f"is nested deeper than {DEEPEST} levels")
    if not isinstance(given, list | tuple) or not given:
        raise invalid(field, f"must be a list of at least one dict, not {given!r}")
    parts: list[service.MetadataCondition] = []
    for position, each in enumerate(given):
        where = f"{field}[{position}]"
        if not isinstance(each, Mapping) or not each:
            raise invalid(where, f"must be a dict of at least one condition, not {each!r}")
        parts.append(_all_of(_entries(each, where, reserved, depth + 1)))
    several = service.MetadataConditions(conditions=parts)
    if word == "AND":
        return service.MetadataCondition(all_of=several)
    return service.MetadataCondition(any_of=several) if word == "OR" else service.MetadataCondition(none_of=several)


def _tests(key: str, value: Any, field: str) -> list[service.MetadataCondition]:
    if isinstance(value, list | tuple):
        raise invalid(field, "is a list; write {'in': [...]} for any of several values")
    wanted = value if isinstance(value, Mapping) else {"eq": value}
    if not wanted:
        raise invalid(field, f"is an empty dict; known operators are {sorted(OPERATORS)}")
    return [_test(_path(key), word, each, field) for word, each in wanted.items()]


def _test(path: list[str], word: object, value: object, field: str) -> service.MetadataCondition:
    if word not in OPERATORS:
        raise invalid(field, f"{word!r} is no operator; known are {sorted(OPERATORS)}")
    number: Any = OPERATORS[str(word)]
    test = service.MetadataTest(path=path, operator=number, value=value_message(value, f"{field}.{word}"))
    return service.MetadataCondition(test=test)


def _path(key: str) -> list[str]:
    """Split at the dots without a backslash before them."""
    return [part.replace("\\.", ".") for part in _DOT.split(key)]


def _all_of(parts: list[service.MetadataCondition]) -> service.MetadataCondition:
    if len(parts) == 1:
        return parts[0]
    return service.MetadataCondition(all_of=service.MetadataConditions(conditions=parts))

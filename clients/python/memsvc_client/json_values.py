"""JSON values, checked and turned into protobuf messages, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import ListValue, Struct, Value

from memsvc_client.errors import invalid

EXACT_INTEGERS = 2**53
"""Up to here every integer is a float of its own; messages hold floats only."""

DEEPEST = 32
"""Levels of nesting that a message is made of; the service accepts fewer."""


def text(value: object, field: str) -> str:
    """Check a text."""
    if not isinstance(value, str):
        raise invalid(field, f"must be a str, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise invalid(field, "holds half of a surrogate pair, which is not Unicode text") from None
    return value


def struct(value: object, field: str) -> Struct:
    """Turn a dict into a message; None makes an empty one."""
    checked = {} if value is None else _checked(value, field, 1)
    if not isinstance(checked, dict):
        raise invalid(field, f"must be a dict, not {type(value).__name__}")
    message = Struct()
    message.update(checked)
    return message


def value_message(value: object, field: str) -> Value:
    """Turn any JSON value into a message."""
    message = ListValue()
    message.extend([_checked(value, field, 1)])
    return message.values[0]


def plain(message: Struct) -> dict[str, Any]:
    """Return the dict of a message; whole numbers are ints."""
    return {key: _plain(value) for key, value in message.fields.items()}


def _plain(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return plain(value.struct_value)
        case "list_value":
            return [_plain(each) for each in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) <= EXACT_INTEGERS else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
    return None


def _checked(value: object, field: str, depth: int) -> Any:
    if depth > DEEPEST:
        raise invalid(field, f"is nested deeper than {DEEPEST} levels")
    if isinstance(value, Mapping):
        return {text(key, f"{field} key"): _checked(each, f"{field}.{key}", depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_checked(each, f"{field}[{n}]", depth + 1) for n, each in enumerate(value)]
    if isinstance(value, str):
        return text(value, field)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value, field)
    raise invalid(field, f"must be JSON (str, int, float, bool, None, list, dict), not {type(value).__name__}")


def _number(value: float, field: str) -> float:
    if isinstance(value, int) and abs(value) > EXACT_INTEGERS:
        raise invalid(field, f"{value} is beyond ±2**53, where not every integer is kept; write it as a str")
    if not math.isfinite(value):
        raise invalid(field, f"must be finite, not {value}")
    return value

"""Messages that hold JSON, and the Python values they stand for."""

from __future__ import annotations

from typing import Any

from google.protobuf.struct_pb2 import ListValue, Struct, Value

from memsvc.ingest.violations import Violations
from memsvc.types import Metadata

EXACT_INTEGERS = 2**53
"""Up to here every integer is a float of its own; messages hold floats only."""


def object_of(field: str, message: Struct, violations: Violations) -> dict[str, Any]:
    """The object of a message; `key[n]` and `value[n]` in paths count its keys in their order."""
    keys = sorted(message.fields)
    return {key: value_of(f"{field}.value[{n}]", message.fields[key], violations) for n, key in enumerate(keys)}


def list_of(field: str, message: ListValue, violations: Violations) -> list[Any]:
    """The list of a message."""
    return [value_of(f"{field}[{n}]", value, violations) for n, value in enumerate(message.values)]


def value_of(field: str, message: Value, violations: Violations) -> Any:
    """The value of a message, a whole number as an int; an unset one is a violation."""
    kind = message.WhichOneof("kind")
    match kind:
        case "struct_value":
            return object_of(field, message.struct_value, violations)
        case "list_value":
            return list_of(field, message.list_value, violations)
        case "number_value":
            number = message.number_value
            return int(number) if number.is_integer() and abs(number) <= EXACT_INTEGERS else number
        case "string_value" | "bool_value":
            return getattr(message, kind)
        case None:
            violations.add(field, "is a value of no kind; a JSON value is required")
    return None


def struct_message(value: Metadata) -> Struct:
    """An object as a message."""
    message = Struct()
    message.update(value)
    return message

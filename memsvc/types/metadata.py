"""What callers note on turns: JSON objects, which the memories made of those turns carry on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

Metadata: TypeAlias = Mapping[str, Any]
"""A JSON object: its values are texts, finite numbers, booleans, None, and lists and objects of those."""

MAX_METADATA_KEYS = 32
"""Keys of the outermost object."""
MAX_METADATA_KEY = 64
"""Length of a key, in characters."""
MAX_METADATA_BYTES = 8_192
"""Size as `canonical_json` in UTF-8."""
MAX_METADATA_DEPTH = 4
"""Objects and lists within each other, the outermost object included."""


def canonical_json(value: object) -> str:
    """A JSON value as text: keys in order, no blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def merge_metadata(objects: Sequence[Metadata]) -> dict[str, Any]:
    """One object in the place of several: of each key the value of the last one that has it, whatever its kind.

    What would exceed the limits is left out, of the first ones first.
    """
    result: dict[str, Any] = {}
    size = len("{}")
    for key, value in _latest(objects):
        added = len(canonical_json({key: value}).encode()) - len("{}") + (len(",") if result else 0)
        if len(result) < MAX_METADATA_KEYS and size + added <= MAX_METADATA_BYTES:
            result[key] = value
            size += added
    return result


def _latest(objects: Sequence[Metadata]) -> Iterable[tuple[str, Any]]:
    """Every key once, with its last value, those of the last object first."""
    found: dict[str, Any] = {}
    for each in reversed(objects):
        for key in sorted(each):
            found.setdefault(key, each[key])
    return found.items()

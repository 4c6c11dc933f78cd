"""Metadata as the index keeps it: terms, which are all in one field, so that every key is indexed.

A value, an element of a list and the presence of a path each make a term, a hash of fixed size. Numbers are kept beside
them by path, for comparisons. Engines address payloads by paths of their own, in which not every key can be written,
and take a list's elements for the list; terms leave nothing to them but to be equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from memsvc.types import Metadata, canonical_json

Path = tuple[str, ...]


def value_term(path: Path, value: object) -> str:
    """The term of a scalar value."""
    return _term("value", path, _plain(value))


def element_term(path: Path, value: object) -> str:
    """The term of a scalar element of a list."""
    return _term("element", path, _plain(value))


def presence_term(path: Path) -> str:
    """The term of there being any value."""
    return _term("present", path)


def number_field(path: Path) -> str:
    """Name under which a number is kept."""
    return _term("number", path)


def terms_of(metadata: Metadata) -> list[str]:
    """Every term of an object."""
    return sorted({term for path, value in _walk(metadata) for term in _terms_at(path, value)})


def numbers_of(metadata: Metadata) -> dict[str, float]:
    """Every number of an object that is no element of a list, by the name of its field."""
    return {number_field(path): float(value) for path, value in _walk(metadata) if _is_number(value)}


def _walk(metadata: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    for key, value in metadata.items():
        path = (*above, key)
        yield path, value
        if isinstance(value, Mapping):
            yield from _walk(value, path)


def _terms_at(path: Path, value: Any) -> Iterator[str]:
    yield presence_term(path)
    if isinstance(value, list):
        yield from (element_term(path, element) for element in value if not isinstance(element, list | Mapping))
    elif not isinstance(value, Mapping):
        yield value_term(path, value)


def _plain(value: Any) -> object:
    """The value, a number as the float it equals; adding zero makes -0.0 the 0.0 that it equals."""
    return float(value) + 0.0 if _is_number(value) else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _term(kind: str, path: Path, *value: object) -> str:
    return hashlib.blake2b(canonical_json([kind, path, *value]).encode(), digest_size=12).hexdigest()

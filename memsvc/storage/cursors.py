"""Opaque positions in a list: where the last item of a page stands in the list's order."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from memsvc.errors import InvalidInput, Reason, Violation
from memsvc.types import Page

R = TypeVar("R")
T = TypeVar("T")


def page_of(
    rows: Sequence[R], limit: int, item: Callable[[R], T], position: Callable[[R], Sequence[str | int]]
) -> Page[T]:
    """Make a page of `rows`, of which `limit + 1` were asked for; one more than fit means that there is a next."""
    shown = rows[:limit]
    cursor = encode(position(shown[-1])) if shown and len(rows) > limit else None
    return Page(tuple(item(row) for row in shown), cursor)


def encode(position: Sequence[str | int]) -> str:
    """Pack a position into a cursor."""
    return base64.urlsafe_b64encode(json.dumps(list(position)).encode()).decode()


def text_at(cursor: str) -> str:
    """Unpack a cursor over one text. Raises InvalidInput PAGE_TOKEN_INVALID."""
    match _decoded(cursor):
        case [str() as value] if value.isascii() and value.isprintable():  # as every name and id that lists go by
            return value
    raise invalid()


def number_at(cursor: str) -> int:
    """Unpack a cursor over one number. Raises InvalidInput PAGE_TOKEN_INVALID."""
    match _decoded(cursor):
        case [int() as value] if 0 <= value < 1 << 63:
            return value
    raise invalid()


def _decoded(cursor: str) -> object:
    try:
        return json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise invalid() from error


def invalid() -> InvalidInput:
    """The error for a cursor that its list did not make."""
    return InvalidInput([Violation("page_token", "is not one this list returned")], reason=Reason.PAGE_TOKEN_INVALID)

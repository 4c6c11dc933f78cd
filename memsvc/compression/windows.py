"""Windows: consecutive turns of one session that the gate looks at together."""

from __future__ import annotations

from collections.abc import Iterator


def windows(count: int, size: int, stride: int) -> Iterator[range]:
    """Yield index ranges of at most `size` of `count` turns, `stride` apart, until every turn is covered.

    A live session compresses turns as they come, so that a window may hold a single turn.
    """
    start = 0
    while start < count:
        yield range(start, min(start + size, count))
        if start + size >= count:
            return
        start += stride

"""Divides what is told of a turn into memories of a size that can be found and read alone."""

from __future__ import annotations

from collections.abc import Sequence

from memsvc.compression.blocks import BlockKind
from memsvc.compression.pieces import MAX_TOKENS, Piece
from memsvc.ports import TokenCounter


def units(content: str, told: Sequence[Piece], tokens: TokenCounter) -> list[tuple[Piece, ...]]:
    """Group pieces, in order, into units of at most `MAX_TOKENS`, or of one piece under its headings.

    A heading begins a unit if it can; headings alone are a unit only where they are many.
    """
    found: list[tuple[Piece, ...]] = []
    group: list[Piece] = []
    size, headings_only = 0, True
    for piece in told:
        length = tokens.count(piece.text(content))
        half_full, heads = size > MAX_TOKENS // 2, piece.kind is BlockKind.HEADING
        full = size + length > MAX_TOKENS or (heads and half_full)
        if group and full and (half_full or not headings_only):
            found.append(tuple(group))
            group, size, headings_only = [], 0, True
        group.append(piece)
        size += length
        headings_only = headings_only and heads
    if group:
        found.append(tuple(group))
    return found

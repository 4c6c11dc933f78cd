"""Divides what is told of a turn into memories of a size that can be found and read alone."""

from __future__ import annotations

from collections.abc import Sequence

from memsvc.compression.blocks import BlockKind
from memsvc.compression.pieces import MAX_TOKENS, Piece
from memsvc.ports import TokenCounter


def units(content: str, told: Sequence[Piece], tokens: TokenCounter) -> list[tuple[Piece, ...]]:
    """Group pieces, in order, into units of at most `MAX_TOKENS`, or of one piece; a heading begins one if it can."""
    found: list[tuple[Piece, ...]] = []
    group: list[Piece] = []
    size = 0
    for piece in told:
        length = tokens.count(piece.text(content))
        begins = piece.kind is BlockKind.HEADING and size > MAX_TOKENS // 2
        if group and (size + length > MAX_TOKENS or begins) and any(p.kind is not BlockKind.HEADING for p in group):
            found.append(tuple(group))
            group, size = [], 0
        group.append(piece)
        size += length
    if group:
        found.append(tuple(group))
    return found

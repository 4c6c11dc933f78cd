"""Cuts a long turn into parts of a size that can be found and read alone."""

from __future__ import annotations

from collections.abc import Sequence

from memsvc.compression.utterances import Piece
from memsvc.ports import TokenCounter

MAX_TOKENS = 100
"""Tokens of a unit, unless a single sentence or block of code is longer."""


def segments(pieces: Sequence[Piece], tokens: TokenCounter) -> list[tuple[Piece, ...]]:
    """Group pieces, in order, into units of at most `MAX_TOKENS`; each one begins with the lead it stands under."""
    found: list[tuple[Piece, ...]] = []
    group: list[Piece] = []
    lead: Piece | None = None
    size = 0
    for piece in pieces:
        length = tokens.count(piece.plain)
        full = size + length > MAX_TOKENS or (piece.is_lead and size > MAX_TOKENS // 2)
        if full and any(not p.is_lead for p in group):
            found.append(tuple(group))
            group = [] if piece.is_lead or lead is None else [lead]
            size = sum(tokens.count(p.plain) for p in group)
        lead = piece if piece.is_lead else lead
        group.append(piece)
        size += length
    if group:
        found.append(tuple(group))
    return found

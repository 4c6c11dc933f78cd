"""What the views search of a memory beside what it tells: its date in words, and what the turns around it say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from memsvc.compression.pieces import Piece
from memsvc.compression.reading import Reading
from memsvc.language.words import stems
from memsvc.types import Neighbour, Turn

BEFORE, AFTER = 2, 1
"""Turns around a memory's own that its lexical view searches too."""
NEIGHBOUR_CHARACTERS = 300
"""Of each such turn, from its beginning: a long answer would drown the words of the memory itself."""


def around(readings: Sequence[Reading], i: int) -> tuple[Neighbour, ...]:
    """The turns around turn `i`, each with its first words."""
    near = [j for j in range(max(0, i - BEFORE), min(len(readings), i + 1 + AFTER)) if j != i]
    return tuple(
        Neighbour(readings[j].turn.ref, readings[j].turn.content[:NEIGHBOUR_CHARACTERS], j - i)
        for j in near
        if readings[j].is_talk and readings[j].pieces
    )


def date_in_words(turn: Turn) -> str:
    """Who said it and when, in the words that a question would use: "Ana, Thursday 7 May 2026"."""
    day = turn.local_time
    return f"{turn.speaker_name}, {day:%A} {day.day} {day:%B %Y}"


def repetition(readings: Sequence[Reading], i: int, told: Sequence[Piece]) -> float:
    """Share in [0, 1] of the content words of pieces of turn `i` that another speaker said in the turn before."""
    reading = readings[i]
    before = readings[i - 1] if i else None
    if before is None or (before.turn.role, before.turn.speaker) == (reading.turn.role, reading.turn.speaker):
        return 0.0
    own = {stem for piece in told for stem in stems(reading.text(piece), reading.language)}
    if not own:
        return 0.0
    return round(len(own & _said(before.turn.content, before.language)) / len(own), 4)


@lru_cache(maxsize=8)
def _said(content: str, language: str) -> frozenset[str]:
    """Content words of a turn, which every memory of the next one is compared with."""
    return frozenset(stems(content, language))

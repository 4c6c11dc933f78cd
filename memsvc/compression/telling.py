"""Which sentences of a turn that is kept tell enough to be worth their tokens.

The others stay in what the views search, so that the turn is found by them, and are cut from what a query returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from memsvc.compression.symbols import telling_bits, times_in
from memsvc.compression.utterances import Piece, Utterance
from memsvc.ports import Surprisal

SENTENCE_BITS = 12.0
"""Self-information beyond that of ordinary words, in bits, from which a sentence is kept: an uncommon word or two."""


class Density(StrEnum):
    """How much of a session is told: every sentence that says something, those that tell enough, or a covering few."""

    FULL = "full"
    BALANCED = "balanced"
    TERSE = "terse"


def telling(
    utterance: Utterance, pieces: Sequence[Piece], surprisal: Surprisal, least: float = SENTENCE_BITS
) -> list[Piece]:
    """The pieces that tell something: a name, a number, a time, or uncommon words. Never none.

    Texts in other languages than English are not judged: their words and names are not known well enough.
    """
    if utterance.analysis.language != "en":
        return list(pieces)
    bits = {piece: telling_bits(piece.told.plain, "en", surprisal) for piece in pieces}
    kept = [piece for piece in pieces if bits[piece] >= least or _states_fact(utterance, piece)]
    return kept or [max(pieces, key=lambda piece: bits[piece])]


def _states_fact(utterance: Utterance, piece: Piece) -> bool:
    """Whether it holds a name, a number or a time, or is what others are understood by: a heading, code."""
    return (
        piece.is_lead
        or piece.plain.startswith("```")
        or any(character.isdigit() for character in piece.plain)
        or bool(times_in(utterance, [piece]))
        or any(piece.start <= entity.start < piece.end for entity in utterance.analysis.entities)
    )


def tells_of_us(utterance: Utterance) -> bool:
    """Whether a turn tells what its speaker did with others: "we visited"."""
    tokens = utterance.analysis.tokens
    return any(token.text.casefold() == "we" and tokens[token.head].tag == "VBD" for token in tokens)

"""Which sentences of a turn that is kept tell enough to be worth their tokens.

The others stay in what the views search, so that the turn is found by them, and are cut from what a query returns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from memsvc.compression.references import speaks_of_addressee
from memsvc.compression.symbols import telling_bits, times_in
from memsvc.compression.utterances import Piece, Utterance
from memsvc.ports import Surprisal
from memsvc.types import Role

OWN_BITS, GENERAL_BITS, ADDRESSED_BITS = 12.0, 24.0, 36.0
"""Self-information beyond that of ordinary words, in bits, from which a sentence is kept: an uncommon word or two where
speakers tell of themselves, or show a picture; twice that where nobody in particular is spoken of; three times that
where they ask, or speak of the one they speak to ("your plan sounds great"), who knows and tells it better."""
_SELF = re.compile(r"\b(?:i|me|my|mine|myself|we|us|our|ours|ourselves)\b", re.IGNORECASE)


class Density(StrEnum):
    """How much of a session is told: every sentence that says something, those that tell enough, or a covering few."""

    FULL = "full"
    BALANCED = "balanced"
    TERSE = "terse"


def telling(utterance: Utterance, pieces: Sequence[Piece], surprisal: Surprisal) -> list[Piece]:
    """The pieces that tell something: a name, a number, a time, or uncommon words. Never none.

    Texts in other languages than English are not judged: their words and names are not known well enough.
    """
    if utterance.analysis.language != "en":
        return list(pieces)
    bits = {piece: telling_bits(piece.told.plain, "en", surprisal) for piece in pieces}
    kept = [piece for piece in pieces if bits[piece] >= _least(utterance, piece) or _states_fact(utterance, piece)]
    return kept or [max(pieces, key=lambda piece: bits[piece])]


def _least(utterance: Utterance, piece: Piece) -> float:
    """The bits from which a sentence is kept. What assistants say to their users is what they have to say."""
    if piece.is_question:
        return ADDRESSED_BITS
    if "[" in piece.plain or _SELF.search(piece.plain):
        return OWN_BITS
    addressed = speaks_of_addressee(piece.plain) and utterance.turn.role is not Role.ASSISTANT
    return ADDRESSED_BITS if addressed else GENERAL_BITS


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

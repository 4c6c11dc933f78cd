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
from memsvc.types import Role, Token

OWN_BITS, GENERAL_BITS, ADDRESSED_BITS = 12.0, 25.0, 36.0
"""Self-information beyond that of ordinary words, in bits, from which a sentence is kept: an uncommon word or two where
speakers tell of themselves, or show a picture; about twice that where nobody in particular is spoken of; three times
that where they ask, or speak of the one they speak to ("your plan sounds great"), who knows and tells it better."""
_TALKERS = frozenset({Role.USER, Role.ASSISTANT})
_SUBJECTS = frozenset({"nsubj", "nsubjpass"})
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
    kept = [piece for piece in pieces if _tells(utterance, piece, surprisal)]
    return kept or [max(pieces, key=lambda piece: _bits(piece, surprisal))]


def only_reacts(utterance: Utterance, before: Utterance | None, surprisal: Surprisal) -> bool:
    """Whether a turn judges, encourages or asks about what somebody else just said, and tells nothing itself.

    What answers a question tells something, as does what is said of oneself or of a thing that is named.
    """
    if utterance.analysis.language != "en" or before is None or before.speaker == utterance.speaker:
        return False
    if "?" in before.turn.content or not {utterance.turn.role, before.turn.role} <= _TALKERS:
        return False  # what a tool gives back is an answer, and what follows a system turn begins the talk
    return not any(
        _tells(utterance, piece, surprisal) or _is_own(piece) or _speaks_of_thing(utterance, piece)
        for piece in utterance.pieces
    )


def _tells(utterance: Utterance, piece: Piece, surprisal: Surprisal) -> bool:
    return _bits(piece, surprisal) >= _least(utterance, piece) or _states_fact(utterance, piece)


def _bits(piece: Piece, surprisal: Surprisal) -> float:
    return telling_bits(piece.told.plain, "en", surprisal)


def _least(utterance: Utterance, piece: Piece) -> float:
    """The bits from which a sentence is kept."""
    if piece.is_question:
        return ADDRESSED_BITS
    if _is_own(piece):
        return OWN_BITS
    return ADDRESSED_BITS if _is_addressed(utterance, piece) else GENERAL_BITS


def _is_own(piece: Piece) -> bool:
    """Whether speakers tell of themselves, or show a picture."""
    return not piece.is_question and ("[" in piece.plain or bool(_SELF.search(piece.plain)))


def _is_addressed(utterance: Utterance, piece: Piece) -> bool:
    """Whether a speaker tells somebody of themselves. What assistants say to their users is what they have to say."""
    return speaks_of_addressee(piece.plain) and utterance.turn.role is not Role.ASSISTANT


def _speaks_of_thing(utterance: Utterance, piece: Piece) -> bool:
    """Whether a statement has a noun for its subject, or an instruction one for its object."""
    if piece.is_question or _is_addressed(utterance, piece):
        return False
    tokens = utterance.analysis.tokens
    nouns = [t for t in tokens if piece.start <= t.start < piece.end and t.pos in ("NOUN", "PROPN")]
    return any(noun.dep in _SUBJECTS or (noun.dep == "dobj" and _is_instruction(tokens, noun.head)) for noun in nouns)


def _is_instruction(tokens: Sequence[Token], verb: int) -> bool:
    subject = any(token.head == verb and token.dep in _SUBJECTS for token in tokens)
    return tokens[verb].head == verb and tokens[verb].tag == "VB" and not subject


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

"""Joins an answer to the question without which it cannot be understood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from memsvc.compression.pieces import Piece
from memsvc.compression.reading import Reading
from memsvc.language.words import word_count

FRAGMENT_WORDS = 8
"""Words up to which the first sentence of an answer is taken to lean on its question; a judgement."""
REACH = 3
"""Turns back in which the question is looked for: others may speak, or somebody ask again, before it is answered."""
MOST_CHARACTERS = 400
"""Of a question; a longer one is a text of its own."""

# How answers begin that mean nothing without what was asked, in the commonest languages.
_POLAR = re.compile(
    r"\W*(?:yes|yeah|yep|yup|no|nope|nah|not|none|never|neither|both|either|maybe|perhaps|probably|sure|of course|"
    r"absolutely|definitely|sometimes|always|only|just|about|around|because|since|ja|nein|doch|kein\w*|sí|si|oui|non|nunca|"
    r"não|sim|да|нет|evet|hayır|हाँ|नहीं|نعم|لا)\b|\W*(?:是|不|没|对|はい|いいえ|うん|ううん|네|아니)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked: pieces of the reading at `index`, which follow one another."""

    index: int
    asked: tuple[Piece, ...]


def answered(readings: Sequence[Reading], i: int) -> Question | None:
    """The question that turn `i` answers, when it leans on it to be understood."""
    reply = readings[i]
    if not reply.is_talk or not reply.pieces:
        return None
    found = open_question(readings, i)
    return found if found is not None and _leans(reply) else None


def open_question(readings: Sequence[Reading], i: int) -> Question | None:
    """The question that is open when turn `i` is said: the last one that another speaker asked within reach."""
    speaker = _speaker(readings[i])
    for j in range(i - 1, max(-1, i - 1 - REACH), -1):
        before = readings[j]
        if not before.is_talk:
            return None
        if _speaker(before) == speaker:
            if not _puts_off(before):
                return None  # the speaker has answered, or gone on to something else, since
        elif before.questions:
            return _together(before, j)
    return None


def _speaker(reading: Reading) -> tuple[str, str]:
    return reading.turn.role, reading.turn.speaker


def _puts_off(reading: Reading) -> bool:
    """Whether a turn is too short to be an answer: "Let me check"."""
    return word_count(reading.turn.content) <= PUT_OFF_WORDS and not _POLAR.match(reading.turn.content)


PUT_OFF_WORDS = 4
"""Words of a turn between a question and its answer by the one who answers; a judgement."""


def _leans(reply: Reading) -> bool:
    """Whether an answer begins with a yes, a no or a fragment."""
    first = reply.text(reply.pieces[0])
    return bool(_POLAR.match(first)) or word_count(first) <= FRAGMENT_WORDS


def _together(reading: Reading, index: int) -> Question:
    """The last question, and those right before it, as long as they are short together."""
    asked: list[Piece] = []
    for piece in reversed(reading.questions):
        gap = asked and reading.turn.content[piece.end : asked[0].start].strip()
        if asked and (gap or asked[-1].end - piece.start > MOST_CHARACTERS):
            break
        asked.insert(0, piece)
    return Question(index, tuple(asked))

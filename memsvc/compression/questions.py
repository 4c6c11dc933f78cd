"""Joins an answer to the question without which it cannot be understood."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from memsvc.compression.addressing import answers, asked_of
from memsvc.compression.blocks import BlockKind
from memsvc.compression.phatic import nothing_said
from memsvc.compression.pieces import Piece
from memsvc.compression.reading import Reading
from memsvc.compression.reasons import Reason
from memsvc.language.words import word_count
from memsvc.types import Role

FRAGMENT_WORDS = 8
"""Words up to which the first sentence of an answer is taken to lean on its question; a judgement."""
PUT_OFF_WORDS = 6
"""Words of a turn between a question and its answer that goes on to nothing else: "Hang on, the door"; a judgement."""
BARE_WORDS = 4
"""Words up to which a question that points at something leans on the sentence before it ("Which one?"), and a turn
agrees to a proposal; a judgement."""
REACH = 3
"""Turns back in which the question is looked for: others may speak, or somebody ask again, before it is answered."""
LONGEST_WAIT = timedelta(days=1)
"""Between a question and its answer: who says something days later begins anew; a judgement."""
MOST_CHARACTERS = 400
"""Of a question; a longer one is a text of its own."""
ELABORATION_WORDS = 75
"""Words of an assistant's answer that is a text of its own: more than one memory holds (`pieces.MAX_TOKENS`)."""
LONGEST_TAIL = 40
"""Characters behind a question that belong to it, such as "[y/N]"."""

_YES_NO = (
    r"yes|yeah|yep|yup|no|nope|nah|none|never|neither|"
    r"nein|ja|doch|sí|si|oui|non|não|sim|да|нет|evet|hayır|हाँ|नहीं|نعم|لا"
)
# How answers begin that mean nothing without what was asked, in the commonest languages.
_BEGINS_POLAR = re.compile(
    rf"^\W*(?:(?:{_YES_NO}|not|both|either|maybe|perhaps|probably|sure|of course|absolutely|definitely|sometimes|"
    r"always|only|just|about|around|because|since|kein\w*|nunca)\b|是|不|没|对|はい|いいえ|うん|ううん|네|아니)|^\W*\d",
    re.IGNORECASE,
)
_SAYS_YES_OR_NO = re.compile(
    rf"(?:^|[.!,;:]|\b(?:and|so|but|says?|said))\s*(?:{_YES_NO})(?=[\s,.!;:]|$)", re.IGNORECASE
)
_DECIDES = re.compile(
    rf"\b(?:{_YES_NO}|not|cannot|correct|incorrect|\w+n['’]t|nicht|kein\w*)\b|不|没|是的|はい|いいえ|ない|네|아니",
    re.IGNORECASE,
)
# "It did not", "she has": what was done, or is so, stands in the question.
_BEGINS_ELLIPTIC = re.compile(
    r"^\W*(?:i|he|she|it|we|they|you|that|there) (?:do|does|did|is|are|am|was|were|has|have|had|can|could|will|would|"
    r"should|might|may)(?: not|n['’]t)?(?:[.,:;!]|$)",
    re.IGNORECASE,
)
# What one of those present is to do, or could; in the commonest languages.
_PROPOSES = re.compile(
    r"\b(?:let['’]?s|let us|please|how about|(?:we|you|i) (?:will|shall|should|could|can|would|might|must|need to)"
    r"(?!n?['’]t)|(?:we|you|i)['’](?:ll|d)|(?:i|we) (?:suggest|propose|offer)|lasst? uns|bitte|(?:ich|wir|du) "
    r"(?:kann|könn\w+|werden?|würden?|soll\w+)|vamos a|podemos|quedamos|por favor|on (?:se|peut|va|pourrait)|"
    r"je (?:peux|propose)|"
    r"давай\w*|можем)\b|吧",
    re.IGNORECASE,
)
_POINTS = re.compile(r"\b(?:which|that|this|those|these|ones?|it|them|either)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked: pieces of the reading at `index`, which follow one another."""

    index: int
    asked: tuple[Piece, ...]


def answered(readings: Sequence[Reading], i: int) -> Question | None:
    """The question that turn `i` answers, when it leans on it to be understood."""
    reply = readings[i]
    if not reply.is_talk or not reply.pieces or not _leans(reply) or _asks_back(reply):
        return None
    return open_question(readings, i)


def open_question(readings: Sequence[Reading], i: int) -> Question | None:
    """The question that is open when turn `i` is said: the last one that another speaker asked within reach.

    Where none is, the few words that agree belong to what was said before them: "Let's meet at 8." "OK."
    """
    speaker, reach, gone_on = _speaker(readings[i]), REACH, False
    proposal = _agreed_to(readings, i)
    for j in range(i - 1, -1, -1):
        before = readings[j]
        if not before.is_talk:
            continue  # what a tool gives back stands between a question and its answer
        if not reach or readings[i].turn.event_time - before.turn.event_time > LONGEST_WAIT:
            break
        reach -= 1
        if _speaker(before) != speaker:
            if before.questions:
                question = asked_of(before, readings[i])
                if question is not None and answers(readings[i], before, question):
                    return _together(before, j, question)
                continue
            gone_on = gone_on or word_count(before.turn.content) > PUT_OFF_WORDS
        elif gone_on or _answers(before, readings[i]):
            break
    return proposal


def elaborates(reply: Reading) -> bool:
    """Whether a turn is an assistant's long text, of which the question would be a small part."""
    return reply.turn.role is Role.ASSISTANT and word_count(reply.turn.content) > ELABORATION_WORDS


def _agreed_to(readings: Sequence[Reading], i: int) -> Question | None:
    """The sentence that turn `i` agrees to in a few words: the end of the last turn before it that is no assent itself.

    What denies or only reacts ("Good.") is about what is proposed alone. An answer stays with its question, and the end
    of several sentences with the others, unless it proposes something.
    """
    reply = readings[i]
    agrees = _assent(reply)
    if agrees is None:
        return None
    for j in range(i - 1, max(-1, i - 1 - REACH), -1):
        before = readings[j]
        waited = reply.turn.event_time - before.turn.event_time
        if not before.is_talk or not before.pieces or _speaker(before) == _speaker(reply) or waited > LONGEST_WAIT:
            return None
        if _assent(before) is None:
            last = before.text(before.pieces[-1])
            proposes = _PROPOSES.search(last) is not None
            states = agrees and len(before.pieces) == 1 and not elaborates(before)
            fits = len(last) <= MOST_CHARACTERS and (proposes or states) and answered(readings, j) is None
            return Question(j, (before.pieces[-1],)) if fits else None
    return None


def _assent(reading: Reading) -> bool | None:
    """Whether a turn of a few words agrees; False if it denies or only reacts, None if it says something else."""
    content = reading.turn.content
    if word_count(content) > BARE_WORDS or "?" in content:
        return None
    said = nothing_said(content, names=reading.called, answering=False)
    if said in (Reason.ACKNOWLEDGEMENT, Reason.REACTION):
        return said is Reason.ACKNOWLEDGEMENT
    return False if _SAYS_YES_OR_NO.search(content) else None


def _speaker(reading: Reading) -> tuple[str, str]:
    return reading.turn.role, reading.turn.speaker


def _answers(before: Reading, reply: Reading) -> bool:
    """Whether an earlier turn by the one who replies has answered already, or gone on to something else."""
    said = before.turn.content
    if _SAYS_YES_OR_NO.search(said):
        return True
    return word_count(said) > PUT_OFF_WORDS and not _SAYS_YES_OR_NO.search(reply.turn.content)


def _asks_back(reply: Reading) -> bool:
    """Whether a turn only asks something itself."""
    content = reply.turn.content
    return all(piece.is_question(content) for piece in reply.pieces) and not _SAYS_YES_OR_NO.search(content)


def _leans(reply: Reading) -> bool:
    """Whether an answer says yes or no, begins with a fragment, or leaves out what the question says.

    A long answer of an assistant leans only where a short first sentence says yes or no, or denies: what it is about it
    says itself.
    """
    first = reply.text(reply.pieces[0])
    short = word_count(first) <= FRAGMENT_WORDS
    if elaborates(reply):
        return short and _DECIDES.search(first) is not None
    return short or any(
        pattern.search(reply.turn.content) for pattern in (_BEGINS_POLAR, _BEGINS_ELLIPTIC, _SAYS_YES_OR_NO)
    )


def _together(reading: Reading, index: int, question: Piece) -> Question:
    """A question with those right before it, as long as they are short together, and what it leans on."""
    content, every = reading.turn.content, list(reading.pieces)
    asked_there = frozenset(reading.questions)
    last = first = every.index(question)
    while first and every[first - 1] in asked_there and _fits(every[first - 1], every[last]):
        first -= 1
    asked = content[every[first].start : every[last].end]
    if first and _POINTS.search(asked) and word_count(asked) <= BARE_WORDS and _fits(every[first - 1], every[last]):
        first -= 1
    tail = every[last + 1 :]
    if tail and every[-1].end - every[last].end <= LONGEST_TAIL and asked_there.isdisjoint(tail):
        last = len(every) - 1
    return Question(index, tuple(every[first : last + 1]))


def _fits(first: Piece, last: Piece) -> bool:
    return first.kind in (BlockKind.PROSE, BlockKind.ITEM) and last.end - first.start <= MOST_CHARACTERS

"""Whom of those present a question or an answer is said to, where it says so: "Kim, are you in?", "no @Leo"."""

from __future__ import annotations

import re
from collections.abc import Collection

from memsvc.compression.pieces import Piece
from memsvc.compression.reading import Reading

_MENTION = re.compile(r"@(\w{1,40})")
_WORD = re.compile(r"@?\w{1,40}")
_LEADING = frozenset(
    {"hey", "hi", "hello", "dear", "ok", "okay", "so", "and", "but", "for", "to", "question", "thanks"}
)
_SEPARATED = re.compile(r"\s*(?:[,:!.?–—-]|$)")
_ASKS_WHO = re.compile(r"\b(?:who|whom|whose|which of|wer|wem|wen|wessen|qui|quién|chi|quem|кто)\b", re.IGNORECASE)
_AT_END = re.compile(r"[,@]\s?(\w{1,40})\W*$")
_POLAR = re.compile(r"(?:yes|yeah|yep|no|nope|nein|ja|sí|oui|non|sim|não) (\w{1,40})\W*", re.IGNORECASE)
"""An answer of two words, the second of which can only call somebody: "No Ana!"."""


def asked_of(asker: Reading, reply: Reading) -> Piece | None:
    """The last of a turn's open questions that the one who replies may answer; None where all are asked of others.

    Who is asked about may answer too: "Kim, is Leo allergic?" A name at the beginning of the turn is that of whom it
    asks where no question names another.
    """
    content, present, own = asker.turn.content, reply.called, _names(reply)
    to_all = addressees(content, present)
    for piece in reversed(asker.questions):
        text = piece.text(content)
        named = addressees(text, present) or to_all
        if not named or not own.isdisjoint(named) or not own.isdisjoint(_words(text)):
            return piece
    return None


def answers(reply: Reading, asker: Reading, question: Piece) -> bool:
    """Whether a reply does not name somebody else than the one who asked as whom it answers."""
    content = reply.turn.content
    mentioned = {name.casefold() for name in _MENTION.findall(content)}
    # Behind "who" a name is the answer.
    is_answer = _ASKS_WHO.search(question.text(asker.turn.content)) is not None
    named = mentioned or (set() if is_answer else addressees(content, reply.called - _names(reply)))
    return not named or not named.isdisjoint(_names(asker))


def addressees(text: str, present: Collection[str]) -> set[str]:
    """Case-folded words of the names that are called at the beginning of a text, or behind a comma at its end."""
    found: set[str] = set()
    at = 0
    while (word := _WORD.search(text, at)) is not None:
        name = word.group().casefold()
        if name.startswith("@"):
            found.add(name[1:])
        elif name in present and _is_called(text, word.end(), present):
            found.add(name)
        elif name not in _LEADING:
            break
        at = word.end()
    ending = _AT_END.search(text) or _POLAR.fullmatch(text)
    if not found and ending:
        found |= {ending[1].casefold()} & set(present)
    return found


def _is_called(text: str, end: int, present: Collection[str]) -> bool:
    """Whether a mark, or the name of another who is called, follows a name."""
    if _SEPARATED.match(text, end):
        return True
    following = _WORD.search(text, end)
    return following is not None and following.group().casefold() in {*present, "and"}


def _names(reading: Reading) -> set[str]:
    return set(reading.turn.speaker.casefold().split())


def _words(text: str) -> set[str]:
    return {word.casefold().removeprefix("@") for word in _WORD.findall(text)}

"""Joins a short answer to the question or statement that gives it its meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass

from memsvc.compression.utterances import Utterance, is_assent
from memsvc.language.words import word_count
from memsvc.types import Role

SHORT_ANSWER_WORDS = 6
"""A reply of at most so many kept words is hardly understood without what it answers."""

_POLAR = re.compile(
    r"(?:am|is|are|was|were|do|does|did|have|has|had|can|could|will|would|should|shall|may|might)(?:n't)?\b",
    re.IGNORECASE,
)
_ECHO = re.compile(
    r"(?:me|same|so|neither|nor) (?:too|neither|here|do|did|am|was|have|would|can)(?: i)?\b", re.IGNORECASE
)
_MAX_QUOTE = 200


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was asked or said, and the short reply to it."""

    prompt: str
    reply: str


def exchange(before: Utterance | None, reply: Utterance) -> Exchange | None:
    """The exchange that `reply` closes, when it needs the turn before it to be understood."""
    if before is None or before.speaker == reply.speaker or reply.turn.role not in (Role.USER, Role.ASSISTANT):
        return None
    said = reply.turn.content.strip()
    if _ECHO.match(said) and before.content and word_count(said) <= SHORT_ANSWER_WORDS:
        return Exchange(_quote(before.content), said)
    if not before.last_question:
        return None
    answer = reply.content
    if not answer:
        return Exchange(before.last_question, said) if _confirms(before.last_question, said) else None
    if word_count(answer) > SHORT_ANSWER_WORDS or reply.pieces[0].is_question:
        return None
    return Exchange(before.last_question, f"Yes, {answer}" if _dropped_assent(reply, said, answer) else answer)


def _quote(content: str) -> str:
    return content if len(content) <= _MAX_QUOTE else f"{content[:_MAX_QUOTE].rsplit(maxsplit=1)[0]}…"


def _confirms(question: str, said: str) -> bool:
    return bool(_POLAR.match(question)) and is_assent(said) and word_count(said) <= SHORT_ANSWER_WORDS


def _dropped_assent(reply: Utterance, said: str, answer: str) -> bool:
    return said.casefold().startswith("yes") and not answer.casefold().startswith("yes")

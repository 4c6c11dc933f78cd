"""LongMemEval (arXiv 2410.10813): one question about many chat sessions, a history of its own for each question."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from memsvc.bench.checked import Malformed, Record, parse
from memsvc.bench.conversations import TURN_SPACING, Conversation, Message, Question

UNANSWERABLE = "_abs"
"""Ending of the question ids whose answer the history does not hold."""
_WEEKDAY = re.compile(r"\s*\([A-Za-z]{3}\)\s*")


def _time(value: object) -> datetime:
    try:
        return datetime.strptime(_WEEKDAY.sub(" ", str(value)), "%Y/%m/%d %H:%M").replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"{value!r} is not like '2023/05/30 (Tue) 23:40'") from error


_Time = Annotated[datetime, BeforeValidator(_time)]


class _Turn(Record):
    role: Literal["user", "assistant", "system", "tool"]
    content: str
    has_answer: bool = False


class _Instance(Record):
    question_id: str = Field(min_length=1)
    question_type: str
    question: str = Field(min_length=1)
    question_date: _Time
    answer: str
    haystack_dates: list[_Time]
    haystack_session_ids: list[str] = Field(min_length=1)
    haystack_sessions: list[list[_Turn]]


def read_instance(value: Any, number: int) -> Conversation:
    """Read one question with its history, the `number`-th from 0. Raises Malformed.

    Turn ids are `SESSION:POSITION`; the evidence is the turns marked `has_answer`. Empty turns are left out.
    """
    where = f"instance {number}"
    found = parse(_Instance, value, where)
    where = f"{where} ({found.question_id})"
    lengths = {len(found.haystack_dates), len(found.haystack_session_ids), len(found.haystack_sessions)}
    if len(lengths) > 1:
        raise Malformed(f"{where}: haystack_dates, haystack_session_ids and haystack_sessions differ in length")
    sessions: dict[str, list[Message]] = {}
    evidence: list[str] = []
    order = sorted(range(len(found.haystack_dates)), key=lambda i: found.haystack_dates[i])
    for i in order:
        name = _unused(found.haystack_session_ids[i], sessions)
        messages, marked = _session(name, found.haystack_sessions[i], found.haystack_dates[i])
        if messages:
            sessions[name] = messages
            evidence += marked
    if not sessions:
        raise Malformed(f"{where}: haystack_sessions: no turn with a content")
    return Conversation(found.question_id, sessions, [_question(found, evidence)])


def _question(found: _Instance, evidence: list[str]) -> Question:
    answerable = not found.question_id.endswith(UNANSWERABLE)
    answer = found.answer if answerable else ""
    return Question(found.question, tuple(evidence), found.question_type, answer, answerable, found.question_date)


def _unused(name: str, taken: dict[str, list[Message]]) -> str:
    # The published files repeat a session within a history now and then.
    copies = sum(other == name or other.startswith(f"{name}#") for other in taken)
    return f"{name}#{copies + 1}" if copies else name


def _session(name: str, turns: list[_Turn], begin: datetime) -> tuple[list[Message], list[str]]:
    messages = [
        Message(f"{name}:{position}", turn.role, "", turn.content, begin + position * TURN_SPACING)
        for position, turn in enumerate(turns)
        if turn.content.strip()
    ]
    marked = [f"{name}:{position}" for position, turn in enumerate(turns) if turn.has_answer and turn.content.strip()]
    return messages, marked

"""One conversation per line, in the field names of the demo's conversation; the format for data of your own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from memsvc.bench.checked import Malformed, Record, check_evidence, check_unique, parse
from memsvc.bench.conversations import TURN_SPACING, Conversation, Message, Question


class _Turn(Record):
    turn_id: str = Field(min_length=1)
    role: Literal["user", "assistant", "system", "tool"]
    name: str = ""
    content: str = Field(min_length=1)
    created_at: AwareDatetime | None = None


class _Session(Record):
    session_id: str = Field(min_length=1)
    started_at: AwareDatetime
    turns: list[_Turn] = Field(min_length=1)

    def messages(self) -> list[Message]:
        return [
            Message(
                turn.turn_id,
                turn.role,
                turn.name,
                turn.content,
                turn.created_at or self.started_at + position * TURN_SPACING,
            )
            for position, turn in enumerate(self.turns)
        ]


class _Question(Record):
    question: str = Field(min_length=1)
    answer: str | None = None
    evidence: tuple[str, ...] = ()
    kind: str
    asked_at: AwareDatetime | None = None
    answerable: bool = True

    def read(self) -> Question:
        answer = (self.answer or "") if self.answerable else ""
        return Question(self.question, self.evidence, self.kind, answer, self.answerable, self.asked_at)


class _Conversation(Record):
    id: str = ""
    title: str = ""
    user_id: str = ""
    language: str = "en"
    sessions: list[_Session] = Field(min_length=1)
    questions: tuple[_Question, ...] = ()


def read_object(value: Any, default_id: str, where: str) -> Conversation:
    """Read one conversation; `where` names it in messages. Raises Malformed."""
    found = parse(_Conversation, value, where)
    name = found.id or default_id
    where = f"{where} ({name})"
    check_unique((session.session_id for session in found.sessions), "session_id", where)
    sessions = {session.session_id: session.messages() for session in found.sessions}
    turn_ids = check_unique((turn.turn_id for turns in sessions.values() for turn in turns), "turn_id", where)
    questions = [question.read() for question in found.questions]
    check_evidence(questions, turn_ids, where)
    return Conversation(name, sessions, questions, found.language)


def read_lines(lines: Iterable[str]) -> list[Conversation]:
    """Read a conversation from every line that is not blank. Raises Malformed, naming the line."""
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                value = json.loads(line)
            except json.JSONDecodeError as error:
                raise Malformed(f"line {number}: not JSON: {error}") from error
            found.append(read_object(value, f"conversation-{number}", f"line {number}"))
    return found

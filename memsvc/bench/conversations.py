"""What is measured on: conversations, their questions, and which turns and words answer them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from memsvc.types import Role, Scope, Turn

TURN_SPACING = timedelta(seconds=30)
"""Between turns of a session whose own times are not known."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; its id is unique within the conversation."""

    turn_id: str
    role: str
    speaker: str
    content: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a conversation, the turns that answer it, and the gold answer.

    `answer` is empty when the data set gives none, and for questions that are not answerable. `asked_at` is None
    where the data set does not say when it is asked.
    """

    text: str
    evidence: tuple[str, ...]
    category: str
    answer: str = ""
    answerable: bool = True
    asked_at: datetime | None = None

    @property
    def temporal(self) -> bool:
        """Whether the category asks for a time, so that dates count however they are written."""
        return "temporal" in self.category


@dataclass(frozen=True, slots=True)
class Note:
    """A text that a data set ships in place of turns, such as a summary, and the turns it stands for."""

    text: str
    speaker: str
    sources: tuple[str, ...]
    time: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """Sessions of messages, by session id and in order of time, and questions about them.

    `language` is an ISO 639-1 code. `notes` holds the data set's own compressions by name, for reference.
    """

    id: str
    sessions: dict[str, list[Message]]
    questions: list[Question]
    language: str = "en"
    notes: Mapping[str, tuple[Note, ...]] = field(default_factory=dict)

    def turns(self) -> Iterator[Message]:
        """Every turn, session by session."""
        for turns in self.sessions.values():
            yield from turns

    def end(self) -> datetime:
        """Time of the last turn: when a question is asked that does not say when."""
        return max(turn.time for turn in self.turns())


def as_turn(message: Message, scope: Scope) -> Turn:
    """A message as the service keeps it."""
    return Turn(
        turn_id=message.turn_id,
        scope=scope,
        role=Role(message.role),
        content=message.content,
        event_time=message.time,
        speaker=message.speaker,
    )

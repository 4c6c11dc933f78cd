"""Conversations to measure on: LoCoMo's format and the demo's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

DEMO = Path(__file__).parents[2] / "docs" / "demo" / "conversation.json"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    turn_id: str
    role: str
    speaker: str
    content: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a conversation, and the turns that answer it."""

    text: str
    evidence: tuple[str, ...]
    category: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """Sessions of messages, by session id, and questions about them."""

    id: str
    sessions: dict[str, list[Message]]
    questions: list[Question]


def read(path: Path | None) -> list[Conversation]:
    """Read a file of either format, the demo's own when `path` is None.

    Raises:
        ValueError: the file is neither.
    """
    content = json.loads((path or DEMO).read_text(encoding="utf-8"))
    if isinstance(content, dict) and "sessions" in content:
        return [_demo(content)]
    if isinstance(content, list) and content and "conversation" in content[0]:
        return [_locomo(sample, number) for number, sample in enumerate(content)]
    raise ValueError(f"{path}: neither a list of LoCoMo conversations nor the demo's format")


def _demo(content: dict[str, Any]) -> Conversation:
    sessions = {
        session["session_id"]: [
            Message(
                turn["turn_id"],
                turn["role"],
                turn.get("name", ""),
                turn["content"],
                datetime.fromisoformat(turn["created_at"]).astimezone(UTC),
            )
            for turn in session["turns"]
        ]
        for session in content["sessions"]
    }
    questions = [Question(q["question"], tuple(q["evidence"]), q["kind"]) for q in content["questions"]]
    return Conversation("demo", sessions, questions)


def _locomo(sample: dict[str, Any], number: int) -> Conversation:
    talk = sample["conversation"]
    names = sorted((k for k in talk if re.fullmatch(r"session_\d+", k)), key=lambda k: int(k.rpartition("_")[2]))
    sessions = {name: list(_session(talk[name], talk[f"{name}_date_time"], talk["speaker_a"])) for name in names}
    questions = [Question(qa["question"], tuple(qa["evidence"]), str(qa["category"])) for qa in sample["qa"]]
    return Conversation(str(sample.get("sample_id", number)), sessions, questions)


def _session(turns: list[dict[str, Any]], started: str, first_speaker: str) -> Iterator[Message]:
    begin = datetime.strptime(started, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
    for position, turn in enumerate(turns):
        text = turn["text"]
        if caption := turn.get("blip_caption"):
            text = f"{text} [shares a picture of {caption}]"
        # Both sides are people; the roles only tell them apart.
        role = "user" if turn["speaker"] == first_speaker else "assistant"
        yield Message(turn["dia_id"], role, turn["speaker"], text, begin + timedelta(seconds=30 * position))

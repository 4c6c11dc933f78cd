"""LoCoMo (arXiv 2402.17753): long conversations between two people, ten in the published file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import structlog
from pydantic import Field

from memsvc.bench.checked import Malformed, Record, check_unique, parse
from memsvc.bench.conversations import TURN_SPACING, Conversation, Message, Note, Question

log = structlog.get_logger(__name__)

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
UNANSWERABLE = 5
# Published evidence is not always one clean id: "D8:6; D9:17", "D30:05", "D:11:26", "D".
_DIA_ID = re.compile(r"D:?(\d+):0*(\d+)")
_SESSION = re.compile(r"session_(\d+)")
# What a corrected answer says about the correction is no part of the answer.
_REMARK = re.compile(r"\s*\(answer is correct[^)]*\)$")


class _Erratum(Record):
    correct_evidence: tuple[str, ...] | None = None
    correct_answer: str | None = None


class _QA(Record):
    question: str
    answer: str | None = None
    evidence: tuple[str, ...] = ()
    category: int = Field(ge=1, le=5)
    erratum: _Erratum = _Erratum()

    def read(self, turn_ids: set[str], where: str) -> Question:
        answerable = self.category != UNANSWERABLE
        # `adversarial_answer` is the trap, not what the conversation says.
        answer = self.erratum.correct_answer or self.answer or ""
        pointers = self.evidence if self.erratum.correct_evidence is None else self.erratum.correct_evidence
        found = [_ids(pointer) for pointer in pointers]
        evidence = tuple(dict.fromkeys(turn for ids in found for turn in ids if turn in turn_ids))
        if not all(ids and turn_ids.issuperset(ids) for ids in found):
            log.warning("bench.evidence_unknown", where=where, question=self.question, evidence=pointers)
        return Question(
            self.question,
            evidence,
            CATEGORIES[self.category],
            _REMARK.sub("", answer) if answerable else "",
            answerable,
        )


class _Turn(Record):
    dia_id: str
    speaker: str
    text: str
    blip_caption: str = ""

    def content(self) -> str:
        caption = f" [shares a picture of {self.blip_caption}]" if self.blip_caption else ""
        return (self.text + caption).strip()


class _Talk(Record, extra="allow"):
    speaker_a: str
    speaker_b: str = ""


class _Sample(Record):
    sample_id: str = ""
    conversation: _Talk
    qa: tuple[_QA, ...] = ()
    observation: dict[str, dict[str, list[tuple[str, str | list[str]]]]] = Field(default_factory=dict)
    session_summary: dict[str, str] = Field(default_factory=dict)


def read_sample(value: Any, number: int) -> Conversation:
    """Read one conversation of the list, the `number`-th from 0. Raises Malformed.

    Evidence that names no turn, as some of the published file's does, is left out and logged.
    """
    where = f"conversation {number}"
    sample = parse(_Sample, value, where)
    name = sample.sample_id or str(number)
    where = f"{where} ({name})"
    sessions = dict(_sessions(sample.conversation, where))
    turn_ids = check_unique((turn.turn_id for turns in sessions.values() for turn in turns), "dia_id", where)
    if not turn_ids:
        raise Malformed(f"{where}: conversation: no turns")
    questions = [qa.read(turn_ids, where) for qa in sample.qa]
    return Conversation(name, sessions, questions, notes=_notes(sample, sessions))


def _sessions(talk: _Talk, where: str) -> Iterator[tuple[str, list[Message]]]:
    fields = talk.model_extra or {}
    names = sorted((name for name in fields if _SESSION.fullmatch(name)), key=lambda name: int(name[8:]))
    if not names:
        raise Malformed(f"{where}: conversation: no session_N")
    for name in names:
        begin = _time(fields.get(f"{name}_date_time"), f"{where}: conversation.{name}_date_time")
        turns = [
            parse(_Turn, turn, f"{where}: conversation.{name}.{position}") for position, turn in enumerate(fields[name])
        ]
        messages = [_message(turn, position, begin, talk.speaker_a) for position, turn in enumerate(turns)]
        if said := [message for message in messages if message.content]:
            yield name, said


def _time(value: Any, where: str) -> datetime:
    try:
        return datetime.strptime(value, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
    except (TypeError, ValueError) as error:
        raise Malformed(f"{where}: {value!r} is not like '1:56 pm on 8 May, 2023'") from error


def _message(turn: _Turn, position: int, begin: datetime, first_speaker: str) -> Message:
    # Both sides are people; the roles only tell them apart.
    role = "user" if turn.speaker == first_speaker else "assistant"
    return Message(turn.dia_id, role, turn.speaker, turn.content(), begin + position * TURN_SPACING)


def _ids(sources: str | list[str]) -> tuple[str, ...]:
    text = sources if isinstance(sources, str) else " ".join(sources)
    return tuple(f"D{session}:{turn}" for session, turn in _DIA_ID.findall(text))


def _notes(sample: _Sample, sessions: dict[str, list[Message]]) -> dict[str, tuple[Note, ...]]:
    observations = tuple(
        Note(text, speaker, _ids(sources), sessions[session][0].time)
        for key, by_speaker in sample.observation.items()
        if (session := key.removesuffix("_observation")) in sessions
        for speaker, pairs in by_speaker.items()
        for text, sources in pairs
    )
    summaries = tuple(
        Note(text, "", tuple(turn.turn_id for turn in sessions[session]), sessions[session][0].time)
        for key, text in sample.session_summary.items()
        if (session := key.removesuffix("_summary")) in sessions
    )
    named = {"observation": observations, "session_summary": summaries}
    return {name: notes for name, notes in named.items() if notes}

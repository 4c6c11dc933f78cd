"""The shipped conversations are well-formed, long enough, and their questions point at turns that exist."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import memsvc.bench
from memsvc.language.detection import detect

DATA = Path(memsvc.bench.__file__).parent / "data"
CONVERSATION = {"id", "title", "user_id", "agent_id", "language", "sessions", "questions"}
SESSION = {"session_id", "started_at", "turns"}
TURN = {"turn_id", "role", "content"}
QUESTION = {"question", "answer", "evidence", "kind", "answerable"}
KINDS = {"single", "multi", "temporal", "update", "inference", "small", "unanswerable"}
LANGUAGES = ["en", "es", "de", "zh", "ja", "ar"]
MAX_CONTENT = 32_768


def read(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def turns_of(conversation: dict[str, Any]) -> list[dict[str, Any]]:
    return [turn for session in conversation["sessions"] for turn in session["turns"]]


def named(conversation: dict[str, Any]) -> bool:
    return all("name" in turn for turn in turns_of(conversation))


FIT, HELDOUT, PARALLEL, TEN = read("fit"), read("heldout"), read("languages"), read("parallel")
FIT_ASSISTANT, HELDOUT_ASSISTANT = read("fit_assistant"), read("heldout_assistant")
LONG = FIT + HELDOUT
ASSISTANT = FIT_ASSISTANT + HELDOUT_ASSISTANT
ALL = LONG + ASSISTANT + PARALLEL + TEN


def each(conversations: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("conversation", conversations, ids=[c["id"] for c in conversations])


def test_the_files_hold_what_they_are_said_to_hold() -> None:
    assert Counter(c["id"].split("-")[0] for c in FIT) == {"people": 2, "assistant": 2}
    assert Counter(c["id"].split("-")[0] for c in HELDOUT) == {"people": 1, "assistant": 1}
    assert [named(c) for c in FIT_ASSISTANT].count(True) == len(FIT_ASSISTANT) / 2 == 3
    assert [named(c) for c in HELDOUT_ASSISTANT] == [True, False]
    assert [c["language"] for c in PARALLEL] == LANGUAGES
    assert [c["language"] for c in TEN] == ["en", "de", "es", "fr", "ru", "ar", "zh", "ja", "hi", "tr"]
    assert len({c["id"] for c in ALL}) == len(ALL)


def test_nobody_of_the_fitted_conversations_speaks_in_the_held_out_ones() -> None:
    def names(conversations: list[dict[str, Any]]) -> set[str]:
        return {turn["name"] for c in conversations for turn in turns_of(c) if "name" in turn}

    assert not names(FIT + FIT_ASSISTANT) & names(HELDOUT + HELDOUT_ASSISTANT)


@each(ALL)
def test_it_has_the_format(conversation: dict[str, Any]) -> None:
    assert set(conversation) == CONVERSATION
    assert all(set(session) == SESSION for session in conversation["sessions"])
    turns = turns_of(conversation)
    assert all(set(turn) - {"name"} == TURN for turn in turns)
    assert named(conversation) or not any("name" in turn for turn in turns)
    assert all(set(question) == QUESTION for question in conversation["questions"])


@each(ALL)
def test_turn_ids_are_unique_and_carry_their_session(conversation: dict[str, Any]) -> None:
    ids = [turn["turn_id"] for turn in turns_of(conversation)]
    assert len(set(ids)) == len(ids)
    for session in conversation["sessions"]:
        expected = [f"{session['session_id']}-t{n:02d}" for n in range(1, len(session["turns"]) + 1)]
        assert [turn["turn_id"] for turn in session["turns"]] == expected


@each(ALL)
def test_sessions_follow_one_another(conversation: dict[str, Any]) -> None:
    starts = [datetime.fromisoformat(session["started_at"]) for session in conversation["sessions"]]
    assert all(start.utcoffset() is not None for start in starts)
    assert all(earlier < later for earlier, later in pairwise(starts))


@each(ALL)
def test_turns_are_said_by_the_two_of_them(conversation: dict[str, Any]) -> None:
    turns = turns_of(conversation)
    assert {turn["role"] for turn in turns} == {"user", "assistant"}
    assert len({(turn["role"], turn.get("name")) for turn in turns}) == 2
    assert all(turn["content"].strip() == turn["content"] for turn in turns)
    assert all(0 < len(turn["content"]) <= MAX_CONTENT for turn in turns)
    assert max(Counter(turn["content"] for turn in turns).values()) == 1


@each(ALL)
def test_questions_point_at_turns(conversation: dict[str, Any]) -> None:
    ids = {turn["turn_id"] for turn in turns_of(conversation)}
    texts = [question["question"] for question in conversation["questions"]]
    assert len(set(texts)) == len(texts)
    for question in conversation["questions"]:
        evidence = question["evidence"]
        assert question["kind"] in KINDS
        assert question["answerable"] is (question["kind"] != "unanswerable")
        assert bool(evidence) is bool(question["answer"]) is question["answerable"]
        assert evidence == sorted(set(evidence))
        assert set(evidence) <= ids
        if question["kind"] == "multi":
            assert len({turn_id.split("-")[0] for turn_id in evidence}) >= 2


@each(ASSISTANT)
def test_the_assistant_says_most_of_it(conversation: dict[str, Any]) -> None:
    turns = turns_of(conversation)
    replies = [turn["content"] for turn in turns if turn["role"] == "assistant"]
    assert 3 <= len(conversation["sessions"]) <= 5
    assert 36 <= len(turns) <= 50
    assert sum(map(len, replies)) >= 0.8 * sum(len(turn["content"]) for turn in turns)
    assert sum(120 <= len(reply.split()) <= 350 for reply in replies) >= 0.75 * len(replies)


@each(ASSISTANT)
def test_most_of_its_questions_are_about_what_the_user_said(conversation: dict[str, Any]) -> None:
    roles = {turn["turn_id"]: turn["role"] for turn in turns_of(conversation)}
    count = Counter("+".join(sorted({roles[e] for e in q["evidence"]})) for q in conversation["questions"])
    assert count.total() == 30
    assert count["user"] >= 17
    assert 3 <= count["assistant"] <= 6
    assert 6 <= count[""] <= 8


@each(LONG)
def test_it_is_long_enough(conversation: dict[str, Any]) -> None:
    turns, sessions = turns_of(conversation), conversation["sessions"]
    starts = [datetime.fromisoformat(session["started_at"]) for session in sessions]
    assert (starts[-1] - starts[0]).days >= 180
    if conversation["id"].startswith("people"):
        assert len(sessions) >= 10
        assert len(turns) >= 150
        assert max(len(turn["content"].split()) for turn in turns) <= 60
    else:
        replies = [len(turn["content"].split()) for turn in turns if turn["role"] == "assistant"]
        assert len(sessions) >= 8
        assert len(turns) >= 60
        assert min(replies) >= 100
        assert max(replies) <= 400


@each(LONG)
def test_it_asks_every_kind_of_question(conversation: dict[str, Any]) -> None:
    count = Counter(question["kind"] for question in conversation["questions"])
    assert 35 <= count.total() <= 45
    assert set(count) == KINDS
    assert count["multi"] >= 7
    assert count["temporal"] >= 6
    assert 0.12 <= count["unanswerable"] / count.total() <= 0.18


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_the_languages_are_parallel(language: str) -> None:
    def shape(conversation: dict[str, Any]) -> tuple[Any, ...]:
        return (
            [(session["session_id"], session["started_at"]) for session in conversation["sessions"]],
            [(turn["turn_id"], turn["role"]) for turn in turns_of(conversation)],
            [(q["kind"], q["evidence"], q["answerable"]) for q in conversation["questions"]],
        )

    of = {conversation["language"]: conversation for conversation in PARALLEL}
    assert shape(of[language]) == shape(of["en"])
    for ours, english in zip(turns_of(of[language]), turns_of(of["en"]), strict=True):
        assert ours["content"] != english["content"]


@each(TEN)
def test_twenty_facts_stand_among_sixty_turns_and_are_each_asked_for_once(conversation: dict[str, Any]) -> None:
    turns = {turn["turn_id"]: turn for turn in turns_of(conversation)}
    asked = [turn_id for question in conversation["questions"] for turn_id in question["evidence"]]
    assert (len(turns), len(asked), len(set(asked))) == (60, 20, 20)
    assert {turns[turn_id]["role"] for turn_id in asked} == {"user"}
    assert [question["evidence"] for question in conversation["questions"]] == [
        q["evidence"] for q in TEN[0]["questions"]
    ]
    assert sum(detect(turn["content"]) == conversation["language"] for turn in turns.values()) >= 55


def test_the_parallel_conversation_is_small() -> None:
    assert 24 <= len(turns_of(PARALLEL[0])) <= 30
    assert len(PARALLEL[0]["sessions"]) == 3
    assert len(PARALLEL[0]["questions"]) == 12

"""The shipped demo conversation is well-formed, and its questions point at turns that answer them."""

import json
import re
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from memsvc.types import Role

DEMO = Path(__file__).parents[2] / "docs" / "demo" / "conversation.json"
KINDS = {"single", "multi", "temporal", "update", "small"}
MAX_CONTENT = 32_768


@pytest.fixture(scope="module")
def demo() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(DEMO.read_text(encoding="utf-8"))
    return content


def turns_of(demo: dict[str, Any]) -> list[dict[str, Any]]:
    return [turn for session in demo["sessions"] for turn in session["turns"]]


def words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.lower()) if len(word) > 3 or word.isdigit()}


def test_it_is_long_enough_to_show_memory(demo: dict[str, Any]) -> None:
    starts = [datetime.fromisoformat(session["started_at"]) for session in demo["sessions"]]
    assert len(turns_of(demo)) >= 150
    assert len(starts) >= 8
    assert starts[-1] - starts[0] >= timedelta(weeks=4)


def test_ids_are_unique(demo: dict[str, Any]) -> None:
    sessions = [session["session_id"] for session in demo["sessions"]]
    turns = [turn["turn_id"] for turn in turns_of(demo)]
    assert len(set(sessions)) == len(sessions)
    assert len(set(turns)) == len(turns)


def test_times_are_aware_and_ascend(demo: dict[str, Any]) -> None:
    times = [datetime.fromisoformat(turn["created_at"]) for turn in turns_of(demo)]
    assert all(time.tzinfo is not None for time in times)
    assert all(earlier < later for earlier, later in pairwise(times))
    for session in demo["sessions"]:
        first = datetime.fromisoformat(session["turns"][0]["created_at"])
        assert datetime.fromisoformat(session["started_at"]) <= first


def test_turns_can_be_ingested(demo: dict[str, Any]) -> None:
    for turn in turns_of(demo):
        assert turn["role"] in {role.value for role in Role}
        assert turn["name"]
        assert 1 <= len(turn["content"]) <= MAX_CONTENT
        assert turn["content"] == turn["content"].strip()


def test_questions_are_complete(demo: dict[str, Any]) -> None:
    questions = demo["questions"]
    assert len({question["question"] for question in questions}) == len(questions) >= 24
    assert sum(question.get("show", False) for question in questions) >= 12
    assert {question["kind"] for question in questions} == KINDS


def test_evidence_exists_and_holds_the_answer(demo: dict[str, Any]) -> None:
    said = {turn["turn_id"]: turn["content"] for turn in turns_of(demo)}
    for question in demo["questions"]:
        assert question["evidence"]
        assert set(question["evidence"]) <= said.keys()
        if question["kind"] != "temporal":
            evidence = words(" ".join(said[turn] for turn in question["evidence"]))
            answer = words(question["answer"])
            assert len(answer & evidence) * 2 >= len(answer), question["question"]

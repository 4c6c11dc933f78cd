"""The three formats: what is read, and what a malformed file is told."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from memsvc.bench.checked import Malformed
from memsvc.bench.reading import DEMO, DataFormat, choose, read

LOCOMO: list[dict[str, Any]] = [
    {
        "sample_id": "boat",
        "conversation": {
            "speaker_a": "Ida",
            "speaker_b": "Bo",
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                {"speaker": "Ida", "dia_id": "D1:1", "text": "I sold the boat."},
                {
                    "speaker": "Bo",
                    "dia_id": "D1:2",
                    "text": "Look!",
                    "blip_caption": "a red kayak",
                    "query": "secret search",
                    "img_url": ["https://example.org/x.jpg"],
                },
            ],
            "session_10_date_time": "9:05 am on 1 July, 2023",
            "session_10": [{"speaker": "Bo", "dia_id": "D10:1", "text": "I paddle to Oslo."}],
            "session_2_date_time": "9:05 am on 1 June, 2023",
            "session_2": [{"speaker": "Ida", "dia_id": "D2:1", "text": "I moved to Voss."}],
        },
        "qa": [
            {"question": "When did Ida sell it?", "answer": 2023, "evidence": ["D1:1"], "category": 2},
            {"question": "Who flew?", "adversarial_answer": "Bo", "evidence": ["D1:2"], "category": 5},
            {
                "question": "Where does Bo paddle?",
                "answer": "Bergen",
                "evidence": ["D1:2"],
                "category": 4,
                "erratum": {
                    "error_type": "WRONG",
                    "correct_evidence": ["D10:1"],
                    "correct_answer": "Oslo (answer is correct, citation is not)",
                },
            },
        ],
        "observation": {
            "session_1_observation": {"Ida": [["Ida sold a boat.", "D1:1"], ["Both spoke.", "D1:1, D1:2"]]}
        },
        "session_summary": {"session_2_summary": "Ida moved."},
    }
]
LONGMEMEVAL: list[dict[str, Any]] = [
    {
        "question_id": "q1",
        "question_type": "temporal-reasoning",
        "question": "When did I buy the lamp?",
        "question_date": "2023/05/30 (Tue) 23:40",
        "answer": 7,
        "answer_session_ids": ["b"],
        "haystack_dates": ["2023/05/20 (Sat) 02:21", "2023/05/10 (Wed) 02:21", "2023/05/21 (Sun) 02:21"],
        "haystack_session_ids": ["a", "b", "a"],
        "haystack_sessions": [
            [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": ""}],
            [{"role": "user", "content": "I bought a lamp.", "has_answer": True}],
            [{"role": "user", "content": "Again"}],
        ],
    },
]
JSONL: dict[str, Any] = {
    "id": "park",
    "title": "A walk",
    "user_id": "ida",
    "language": "de",
    "sessions": [
        {
            "session_id": "s1",
            "started_at": "2024-03-01T10:00:00+01:00",
            "turns": [
                {"turn_id": "a1", "role": "user", "name": "Ida", "content": "Ich wohne in Kiel."},
                {"turn_id": "a2", "role": "assistant", "content": "Gut."},
                {"turn_id": "a3", "role": "user", "content": "Ja", "created_at": "2024-03-01T12:00:00Z"},
            ],
        }
    ],
    "questions": [
        {"question": "Wo wohnt Ida?", "answer": "Kiel", "evidence": ["a1"], "kind": "single"},
        {"question": "Wer singt?", "answer": "niemand", "kind": "none", "answerable": False},
    ],
}


@pytest.fixture
def file(tmp_path: Path) -> Callable[[Any], Path]:
    def write(content: Any) -> Path:
        path = tmp_path / "data"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


def changed(value: Any, path: list[Any], new: Any) -> Any:
    copy = deepcopy(value)
    at = copy
    for part in path[:-1]:
        at = at[part]
    if new is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = new
    return copy


def test_locomo(file: Callable[[Any], Path]) -> None:
    (talk,) = read(file(LOCOMO))
    assert talk.id == "boat"
    assert list(talk.sessions) == ["session_1", "session_2", "session_10"]
    first, second = talk.sessions["session_1"]
    assert (first.role, first.speaker, first.time) == ("user", "Ida", datetime(2023, 5, 8, 13, 56, tzinfo=UTC))
    assert second.content == "Look! [shares a picture of a red kayak]"
    assert (second.time - first.time).total_seconds() == 30
    assert talk.end() == datetime(2023, 7, 1, 9, 5, tzinfo=UTC)
    when, who, where = talk.questions
    assert (when.answer, when.category, when.temporal) == ("2023", "temporal", True)
    assert (who.answer, who.answerable, who.category) == ("", False, "adversarial")
    assert (where.answer, where.evidence) == ("Oslo", ("D10:1",))
    assert [note.sources for note in talk.notes["observation"]] == [("D1:1",), ("D1:1", "D1:2")]
    assert talk.notes["session_summary"][0].sources == ("D2:1",)


def test_locomo_evidence_is_read_as_published(file: Callable[[Any], Path]) -> None:
    pointers = ["D1:1; D2:01", "D:10:1", "D", "D9:9", "D1:1"]
    (talk,) = read(file(changed(LOCOMO, [0, "qa", 0, "evidence"], pointers)))
    assert talk.questions[0].evidence == ("D1:1", "D2:1", "D10:1")


def test_longmemeval(file: Callable[[Any], Path]) -> None:
    (talk,) = read(file(LONGMEMEVAL))
    assert talk.id == "q1"
    assert list(talk.sessions) == ["b", "a", "a#2"]
    assert [turn.turn_id for turn in talk.turns()] == ["b:0", "a:0", "a#2:0"]
    (question,) = talk.questions
    assert question.evidence == ("b:0",)
    assert question.answer == "7"
    assert question.answerable
    assert question.temporal
    assert question.asked_at == datetime(2023, 5, 30, 23, 40, tzinfo=UTC)
    (unknown,) = read(file(changed(LONGMEMEVAL, [0, "question_id"], "q1_abs")))[0].questions
    assert (unknown.answerable, unknown.answer) == (False, "")


def test_jsonl(file: Callable[[Any], Path]) -> None:
    text = json.dumps(JSONL) + "\n\n" + json.dumps({**JSONL, "id": "", "title": "cut\u2028here"}, ensure_ascii=False)
    first, second = read(file(text))
    assert (first.id, first.language, second.id) == ("park", "de", "conversation-3")
    times = [turn.time for turn in first.turns()]
    assert times[0] == datetime(2024, 3, 1, 9, tzinfo=UTC)
    assert times[1] == datetime(2024, 3, 1, 9, 0, 30, tzinfo=UTC)
    assert times[2] == datetime(2024, 3, 1, 12, tzinfo=UTC)
    known, unknown = first.questions
    assert (known.answer, known.answerable, known.category) == ("Kiel", True, "single")
    assert (unknown.answer, unknown.answerable, unknown.evidence) == ("", False, ())


def test_jsonl_keeps_the_clock_of_a_session(file: Callable[[Any], Path]) -> None:
    sessions = [{**session, "started_at": "2024-03-01T18:00:00+09:00"} for session in JSONL["sessions"]]
    (talk,) = read(file(json.dumps({**JSONL, "sessions": sessions[:1]})))
    first = next(talk.turns())
    assert first.time.isoformat() == "2024-03-01T18:00:00+09:00"


def test_a_single_object_is_a_conversation(file: Callable[[Any], Path]) -> None:
    assert read(file(json.dumps(JSONL, indent=1)), DataFormat.JSONL)[0].id == "park"
    assert len(read(DEMO)[0].questions) >= 24


@pytest.mark.parametrize(
    ("path", "new", "expected"),
    [
        ([0, "conversation", "speaker_a"], ..., ["conversation 0", "conversation.speaker_a", "required"]),
        ([0, "conversation", "session_1", 1, "text"], ..., ["(boat)", "session_1.1: text", "required"]),
        ([0, "conversation", "session_2_date_time"], "8 May", ["(boat)", "session_2_date_time", "'8 May'"]),
        ([0, "conversation", "session_2", 0, "dia_id"], "D1:1", ["(boat)", "dia_id 'D1:1'", "not unique"]),
        ([0, "conversation", "session_1", 0], 5, ["(boat)", "session_1.0"]),
        ([0, "qa", 0, "category"], 6, ["conversation 0", "qa.0.category"]),
    ],
)
def test_malformed_locomo(file: Callable[[Any], Path], path: list[Any], new: Any, expected: list[str]) -> None:
    with pytest.raises(Malformed) as caught:
        read(file(changed(LOCOMO, path, new)), DataFormat.LOCOMO)
    assert all(part in str(caught.value) for part in expected), caught.value


@pytest.mark.parametrize(
    ("path", "new", "expected"),
    [
        ([0, "question_date"], "yesterday", ["instance 0", "question_date", "'yesterday'"]),
        ([0, "haystack_dates", 1], 5, ["haystack_dates.1"]),
        ([0, "haystack_session_ids"], ["a"], ["(q1)", "differ in length"]),
        ([0, "haystack_sessions", 0, 0, "role"], "bot", ["haystack_sessions.0.0.role"]),
        ([0, "question"], ..., ["instance 0", "question", "required"]),
    ],
)
def test_malformed_longmemeval(file: Callable[[Any], Path], path: list[Any], new: Any, expected: list[str]) -> None:
    with pytest.raises(Malformed) as caught:
        read(file(changed(LONGMEMEVAL, path, new)), DataFormat.LONGMEMEVAL)
    assert all(part in str(caught.value) for part in expected), caught.value


@pytest.mark.parametrize(
    ("path", "new", "expected"),
    [
        (["sessions", 0, "turns", 1, "content"], ..., ["line 1", "sessions.0.turns.1.content", "required"]),
        (["sessions", 0, "started_at"], "2024-03-01T10:00:00", ["sessions.0.started_at", "timezone"]),
        (["sessions", 0, "turns", 1, "turn_id"], "a1", ["line 1 (park)", "turn_id 'a1'", "not unique"]),
        (["questions", 0, "evidence"], ["zz"], ["(park)", "'Wo wohnt Ida?'", "'zz'"]),
        (["questions", 0, "kind"], ..., ["questions.0.kind", "required"]),
        (["sessions"], [], ["line 1", "sessions"]),
    ],
)
def test_malformed_jsonl(file: Callable[[Any], Path], path: list[Any], new: Any, expected: list[str]) -> None:
    with pytest.raises(Malformed) as caught:
        read(file(changed(JSONL, path, new)))
    assert all(part in str(caught.value) for part in expected), caught.value


@pytest.mark.parametrize("text", ["", "[]", "[1]", "{", "nonsense", '[{"a": 1}]', "\n\n"])
def test_what_is_no_data_is_refused(file: Callable[[Any], Path], text: str) -> None:
    with pytest.raises(Malformed):
        read(file(text))


def test_two_conversations_need_two_ids(file: Callable[[Any], Path]) -> None:
    with pytest.raises(Malformed, match="'park' is not unique"):
        read(file(f"{json.dumps(JSONL)}\n{json.dumps(JSONL)}"))


def test_a_limit_draws_questions_with_the_seed(file: Callable[[Any], Path]) -> None:
    talks = read(file("\n".join(json.dumps({**JSONL, "id": f"c{i}"}) for i in range(20))))
    some = choose(talks, 7, seed=3)
    assert sum(len(talk.questions) for talk in some) == 7
    assert some == choose(talks, 7, seed=3)
    assert some != choose(talks, 7, seed=4)
    assert choose(talks, None, seed=3) == talks
    assert choose(talks, 1000, seed=3) == talks

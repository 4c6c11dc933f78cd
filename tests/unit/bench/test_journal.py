"""Answers on disk survive a stop at any byte."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.bench.conversations import Conversation, Question
from memsvc.bench.journal import Journal, question_key, settings_digest
from memsvc.bench.outcomes import Context, Outcome

OUTCOME = Outcome(
    contexts={250: Context("8 May 2024:\n- Ida: ja\u2028so", ("a", "b"), 9)},
    adaptive=Context("", (), 0),
    ranking=("b", "a"),
    confidence=0.5,
    latency_ms=12.5,
)


def test_what_was_put_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    Journal(path).put("k", OUTCOME, "Who?")
    assert Journal(path).get("k") == OUTCOME
    assert Journal(path).get("other") is None


@given(cut=st.integers(0, 400))
def test_a_line_cut_off_costs_one_answer_and_no_more(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("journal") / "answers.jsonl"
    Journal(path).put("first", OUTCOME, "Who?")
    whole = path.read_bytes()
    Journal(path).put("second", OUTCOME, "When?")
    path.write_bytes(path.read_bytes()[: len(whole) + cut % len(whole)])
    Journal(path).put("third", OUTCOME, "Where?")
    again = Journal(path)
    assert again.get("first") == again.get("third") == OUTCOME


def test_keys_tell_data_settings_and_questions_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    talk, question = Conversation("c", {}, []), Question("Who?", (), "single")
    run = settings_digest("data", budgets=(1, 2))
    assert run == settings_digest("data", budgets=(1, 2))
    assert run != settings_digest("other", budgets=(1, 2))
    assert run != settings_digest("data", budgets=(1, 3))
    assert question_key(run, talk, question) != question_key(run, talk, Question("When?", (), "single"))
    monkeypatch.setenv("MEMSVC_GATE_THRESHOLD", "0.1")
    assert run != settings_digest("data", budgets=(1, 2))

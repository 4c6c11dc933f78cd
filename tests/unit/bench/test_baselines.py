"""The baselines rank what they should, with a bag-of-words embedder in place of the model."""

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from memsvc.bench.arms import ARMS, MEMSVC, Arms
from memsvc.bench.baselines import Baselines, best_first, reciprocal_ranks
from memsvc.bench.conversations import Conversation, Message, Question
from memsvc.bench.outcomes import BUDGETS, Outcome
from memsvc.bench.units import turn_units
from memsvc.language.words import stems
from memsvc.models.tokens import Cl100kCounter

BEGIN = datetime(2024, 3, 1, 9, tzinfo=UTC)
SAID = [
    ("Ida", "I planted runner beans behind the greenhouse."),
    ("Bo", "Which colour is your kettle?"),
    ("Ida", "It is turquoise."),
    ("Bo", "I sail to Bergen in August."),
    ("Ida", "Bergen again? Take the ferry."),
    ("Bo", "My sister repairs harmoniums."),
]


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    rows = np.full((len(texts), 512), 1e-3, np.float32)
    for row, text in zip(rows, texts, strict=True):
        for stem in stems(text):
            row[zlib.crc32(stem.encode()) % 512] += 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def turns() -> list[Message]:
    return [Message(f"t{i}", "user", who, text, BEGIN + timedelta(hours=9 * i)) for i, (who, text) in enumerate(SAID)]


TALK = Conversation("c", {"s": turns()}, [])
BASELINES = Baselines(turn_units(TALK), ["Ida", "Bo"], "en", embed)


def order(method: str, question: str) -> list[int]:
    return [int(i) for i in best_first(BASELINES.scores(question)[method])]


@pytest.mark.parametrize("method", ["bm25", "dense", "rrf", "hybrid"])
@pytest.mark.parametrize(("question", "best"), [("Who plants beans?", 0), ("Who repairs a harmonium?", 5)])
def test_the_turn_with_the_words_comes_first(method: str, question: str, best: int) -> None:
    assert order(method, question)[0] == best


def test_only_the_hybrid_finds_an_answer_by_its_question() -> None:
    question = "What colour does the kettle have?"
    assert order("hybrid", question)[:2] == [1, 2]
    assert order("bm25", question)[1] != 2


def test_the_hybrid_prefers_the_speaker_who_is_named() -> None:
    assert order("hybrid", "What did Bo say about Bergen?")[0] == 3
    assert order("hybrid", "What did Ida say about Bergen?")[0] == 4


def test_a_question_of_unknown_words_ties_and_stays_in_order() -> None:
    assert order("bm25", "xylophone quartz") == list(range(len(SAID)))


@given(st.permutations(range(8)))
def test_fusing_a_ranking_with_itself_changes_nothing(ranks: list[int]) -> None:
    scores = np.array(ranks, np.float64)
    assert list(best_first(reciprocal_ranks(scores, scores))) == list(best_first(scores))


def test_every_arm_answers_within_the_budgets() -> None:
    question = Question("Where does Bo sail?", ("t3",), "single", "Bergen")
    arms = dict(Arms(TALK, embed, Cl100kCounter()).answer(question, 30))
    assert [MEMSVC, *arms] == list(ARMS)
    for arm, outcome in arms.items():
        assert set(outcome.contexts) == set(BUDGETS)
        if arm not in ("full_context", "evidence"):
            _check_ranked(outcome)
    assert arms["evidence"].adaptive.text == "2 March 2024:\n- Bo: I sail to Bergen in August."
    assert arms["full_context"].adaptive.cited == tuple(f"t{i}" for i in range(6))
    assert arms["recency"].ranking == tuple(f"t{i}" for i in reversed(range(6)))
    assert "t5" in arms["recency"].adaptive.cited


def _check_ranked(outcome: Outcome) -> None:
    assert outcome.adaptive.tokens <= 30
    assert all(context.tokens <= budget for budget, context in outcome.contexts.items())
    assert sorted(outcome.ranking or ()) == [f"t{i}" for i in range(6)]

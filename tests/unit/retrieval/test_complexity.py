from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.retrieval.complexity import estimate_complexity
from memsvc.retrieval.question import read_question
from memsvc.types import Complexity


def estimate(text: str) -> Complexity:
    return estimate_complexity(read_question(text))


def signals(complexity: Complexity) -> set[str]:
    return {feature.name for feature in complexity.features if feature.value > 0}


@pytest.mark.parametrize(
    ("question", "signal"),
    [
        ("What are Ann's pets?", "enumeration"),
        ("List the places Ann saw", "enumeration"),
        ("Where and when did Ann swim?", "enumeration"),
        ("What do Ann and Bo have in common?", "comparison"),
        ("Is Ann older than Bo?", "comparison"),
        ("How many times did Ann swim?", "aggregation"),
        ("How long did Ann live in Rome?", "temporal_reasoning"),
        ("Where was Ann before Rome?", "temporal_reasoning"),
        ("Would Ann enjoy the opera?", "inference"),
        ("Why did Ann leave?", "inference"),
        ("What did Ann, Bo and Cleo plan?", "names"),
    ],
)
def test_a_signal_is_seen_and_makes_the_question_complex(question: str, signal: str) -> None:
    complexity = estimate(question)
    assert signal in signals(complexity)
    assert complexity.score > estimate("Where is Ann?").score == 0.0


@pytest.mark.parametrize(
    ("question", "asks_for_several"),
    [
        ("Which outdoor sports does Ann like?", True),
        ("What books did Ann read?", True),
        ("Whose keys did Bo find?", True),
        ("What happens on Friday?", True),  # a verb that looks like a noun
        ("What does Ann like?", False),
        ("What causes pain?", False),
        ("Which dress fits Ann?", False),
        ("What is Ann's job?", False),
    ],
)
def test_what_looks_like_a_plural_after_a_wh_word_asks_for_several(question: str, asks_for_several: bool) -> None:
    assert ("enumeration" in signals(estimate(question))) is asks_for_several


@pytest.mark.parametrize(
    "question", ["Who came, saw and won?", "Did Ann call when Bo left?", "كيف سافر عمر، وأين نام؟"]
)
def test_what_joins_clauses_makes_several(question: str) -> None:
    assert "clauses" in signals(estimate(question))


@given(st.text(max_size=300))
def test_every_value_is_in_range_for_any_text(text: str) -> None:
    complexity = estimate(text)
    assert 0.0 <= complexity.score <= 1.0
    assert all(0.0 <= feature.value <= 1.0 and 0.0 <= feature.weight <= 1.0 for feature in complexity.features)


def test_another_language_falls_back_to_length_and_names() -> None:
    short = estimate("Wo wohnt Jürgen?")
    long = estimate(
        "wo hat Jürgen gewohnt, als seine Schwester Petra in Köln studierte und ihr Bruder Karl eine Firma gründete?",
    )
    assert short.score < long.score
    assert signals(long) >= {"length", "names"}

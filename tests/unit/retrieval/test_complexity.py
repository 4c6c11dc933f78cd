from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.retrieval.complexity import estimate_complexity
from memsvc.types import Analysis, Complexity, Token
from support.retrieval import plain_analysis


def estimate(text: str, language: str = "en") -> Complexity:
    return estimate_complexity(text, plain_analysis(text, language))


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


def test_a_plural_noun_after_a_wh_word_asks_for_several() -> None:
    words = [("Which", "WDT"), ("outdoor", "JJ"), ("sports", "NNS"), ("fit", "VBP")]
    tokens = tuple(Token(word, word, "", tag, "", i, 0, 0) for i, (word, tag) in enumerate(words))
    text = "Which outdoor sports fit"
    assert "enumeration" in signals(estimate_complexity(text, Analysis(text, "en", tokens, ((0, 4),), ())))
    assert "enumeration" not in signals(estimate(text))


def test_several_verbs_make_several_clauses() -> None:
    tokens = tuple(Token(word, word, "VERB", "VBD", "", i, 0, 0) for i, word in enumerate(("came", "saw", "won")))
    complexity = estimate_complexity("came saw won", Analysis("came saw won", "en", tokens, ((0, 3),), ()))
    assert "clauses" in signals(complexity)


@given(st.text(max_size=300))
def test_every_value_is_in_range_for_any_text(text: str) -> None:
    complexity = estimate(text)
    assert 0.0 <= complexity.score <= 1.0
    assert all(0.0 <= feature.value <= 1.0 and 0.0 <= feature.weight <= 1.0 for feature in complexity.features)


def test_another_language_falls_back_to_length_and_names() -> None:
    short = estimate("Wo wohnt Jürgen?", "de")
    long = estimate(
        "wo hat Jürgen gewohnt, als seine Schwester Petra in Köln studierte und ihr Bruder Karl eine Firma gründete?",
        "de",
    )
    assert short.score < long.score
    assert signals(long) >= {"length", "names"}

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.retrieval.confidence import CONFIDENCE_SIGNALS, confidence, confidence_signals
from memsvc.retrieval.fusion import Candidate
from memsvc.retrieval.question import read_question
from memsvc.retrieval.weights import SHIPPED
from memsvc.types import Signal, Symbolic, View, ViewScore
from support.retrieval import make_memory

QUESTION = read_question("what instrument does Ann play?")


def candidate(text: str, speaker: str, score: float) -> Candidate:
    memory = make_memory(text, symbolic=Symbolic(speaker=speaker))
    signals = [Signal("dense", score, 1.0)]
    if speaker == "Ann":
        signals.append(Signal("speaker", 1.0, 0.5))
    view = ViewScore(view=View.DENSE, rank=1, score=score, normalized=score)
    return Candidate(memory.id, memory, (view,), tuple(signals), sum(s.value * s.weight for s in signals))


def of(*candidates: Candidate) -> float:
    return confidence(confidence_signals(candidates, QUESTION), SHIPPED.confidence, SHIPPED.confidence_bias)[0]


def test_what_another_said_gives_less_confidence_than_what_the_named_one_said() -> None:
    own = of(candidate("Ann plays an instrument, the violin.", "Ann", 0.9), candidate("Bo ran.", "Bo", 0.2))
    others = of(candidate("Bo plays an instrument, the violin.", "Bo", 0.9), candidate("Ann ran.", "Ann", 0.2))
    assert own > others


def test_the_margin_leaves_out_what_being_the_named_speaker_adds() -> None:
    signals = confidence_signals([candidate("Ann ran.", "Ann", 0.5), candidate("Bo ran.", "Bo", 0.5)], QUESTION)
    assert signals["margin"] == pytest.approx(0.0)
    assert signals["closeness"] == 0.5


def test_without_candidates_every_signal_is_zero() -> None:
    assert confidence_signals([], QUESTION) == dict.fromkeys(CONFIDENCE_SIGNALS, 0.0)


def test_a_question_without_words_covers_nothing() -> None:
    question = read_question("☕?")
    named = replace(candidate("I ski.", "☕", 0.5), signals=(Signal("speaker", 1.0, 0.5),))
    assert confidence_signals([named, candidate("I ran.", "Bo", 0.4)], question)["coverage_margin"] == 0.0


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_confidence_is_a_share_and_names_its_parts(values: list[float]) -> None:
    sure, parts = confidence(dict(zip(CONFIDENCE_SIGNALS, values, strict=True)), SHIPPED.confidence, 0.0)
    assert 0.0 <= sure <= 1.0
    assert tuple(part.name for part in parts) == CONFIDENCE_SIGNALS

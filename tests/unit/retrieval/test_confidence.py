from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.retrieval.confidence import (
    CONFIDENCE_SIGNALS,
    RELEVANCE_SIGNALS,
    Confidence,
    confidence,
    confidence_signals,
    relevance_signals,
)
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


def of(*candidates: Candidate, understood: bool = True) -> Confidence:
    weights, bias = SHIPPED.confidence, SHIPPED.confidence_bias
    return confidence(candidates, QUESTION, weights, bias, understood=understood)


def test_what_another_said_gives_less_confidence_than_what_the_named_one_said() -> None:
    own = of(candidate("Ann plays an instrument, the violin.", "Ann", 0.9), candidate("Bo ran.", "Bo", 0.2))
    others = of(candidate("Bo plays an instrument, the violin.", "Bo", 0.9), candidate("Ann ran.", "Ann", 0.2))
    assert own.value > others.value


def test_what_is_near_and_has_the_words_is_surer_than_what_is_far_and_has_none() -> None:
    near = of(candidate("Ann plays an instrument, the violin.", "Ann", 0.7))
    far = of(candidate("Ann plays an instrument, the violin.", "Ann", 0.1))
    wordless = of(candidate("It rained.", "Ann", 0.7))
    assert near.value > far.value
    assert near.value > wordless.value
    assert of(candidate("It rained.", "Ann", 0.05)).value < 0.05


def test_nearness_says_little_in_a_language_that_the_model_does_not_know() -> None:
    found = candidate("Es regnete.", "Ann", 0.9)
    assert of(found, understood=False).value < of(found).value


def unknown(question: str, *texts: str) -> float:
    found = [candidate(text, "Bo", 0.5) for text in texts]
    return relevance_signals(found, read_question(question), understood=True)["unknown_people"]


def test_who_occurs_nowhere_makes_an_answer_unlikely() -> None:
    assert unknown("When did Carla's cat have surgery?", "My cat had surgery in May.") == 1.0
    assert unknown("When did Carla's cat have surgery?", "My cat had surgery in May.", "Carla called.") == 0.0
    assert unknown("When did Carla meet Priya?", "Carla called.") == 0.5
    assert unknown("When did my cat have surgery?", "My cat had surgery in May.") == 0.0


def test_a_name_mistyped_is_known() -> None:
    assert unknown("What is Deboran's job?", "Deborah left in May.") == 0.0
    assert unknown("What is Deboran's job?", "Bo left in May.") == 1.0
    assert unknown("How much did I lend D'Angelo?", "I lent D'Angelo 300.") == 0.0


@pytest.mark.parametrize(
    ("question", "memory"),
    [
        ("Where does Jose live?", "José lives in Lugo."),
        ("When was Benjamin's surgery?", "Ben had surgery in May."),
        ("When was Rob's surgery?", "Robert had surgery in May."),
        ("Hey Claude, what am I allergic to?", "I am allergic to nuts."),
        ("What am I allergic to, Alexa?", "I am allergic to nuts."),
        ("What is Mr. An allergic to?", "Mr. An is allergic to nuts."),
    ],
)
def test_who_goes_by_another_form_of_a_name_or_is_asked_is_not_missed(question: str, memory: str) -> None:
    assert unknown(question, memory) == 0.0


def test_a_name_that_its_capital_does_not_tell_from_a_noun_is_not_missed() -> None:
    assert unknown("Welches Fach belegt meine Schwester Gudrun an der Uni?", "Sie studiert Chemie.") == 0.0


def test_of_nothing_found_nothing_is_sure() -> None:
    assert of() == Confidence(0.0, ())
    assert relevance_signals([], QUESTION, understood=True) == dict.fromkeys(RELEVANCE_SIGNALS, 0.0)


def test_the_share_leaves_out_what_being_the_named_speaker_adds() -> None:
    signals = confidence_signals([candidate("Ann ran.", "Ann", 0.5), candidate("Bo ran.", "Bo", 0.5)], QUESTION)
    assert signals["own_share"] == pytest.approx(0.5)
    assert signals["closeness"] == 0.5


def test_the_better_memories_are_the_named_speakers_the_larger_the_share() -> None:
    found = [candidate("Bo sang.", "Bo", 0.3), candidate("Bo ran.", "Bo", 0.1)]
    shares = [
        confidence_signals([candidate("Ann plays.", "Ann", score), *found], QUESTION)["own_share"]
        for score in (0.1, 0.3, 0.5)
    ]
    assert shares == sorted(shares)
    assert 0.0 < shares[0] < 0.5 < shares[-1] < 1.0


def test_who_speaks_of_the_other_says_nothing_of_themselves() -> None:
    own, other = candidate("I went home.", "Ann", 0.4), candidate("I am tired.", "Bo", 0.3)
    asks = candidate("What instrument do you play?", "Bo", 0.9)
    assert confidence_signals([asks, own, other], QUESTION) == confidence_signals([own, other], QUESTION)
    assert confidence_signals([own, asks], QUESTION)["own_share"] < 0.5, "a side is not emptied"


def test_without_candidates_every_signal_is_zero() -> None:
    assert confidence_signals([], QUESTION) == dict.fromkeys(CONFIDENCE_SIGNALS, 0.0)


def test_a_question_without_words_covers_nothing() -> None:
    question = read_question("☕?")
    named = replace(candidate("I ski.", "☕", 0.5), signals=(Signal("speaker", 1.0, 0.5),))
    assert confidence_signals([named, candidate("I ran.", "Bo", 0.4)], question)["coverage_margin"] == 0.0


@given(st.lists(st.tuples(st.sampled_from(["Ann", "Bo"]), st.floats(-1, 1)), min_size=1, max_size=5))
def test_confidence_is_a_share_and_names_its_parts(found: list[tuple[str, float]]) -> None:
    sure = of(*(candidate(f"{speaker} plays {i}.", speaker, score) for i, (speaker, score) in enumerate(found)))
    assert 0.0 <= sure.value <= 1.0
    assert tuple(signal.name for signal in sure.signals) == (*RELEVANCE_SIGNALS, *CONFIDENCE_SIGNALS)

from __future__ import annotations

import pytest

from memsvc.bench.fitting import Example, fit, reweighed
from memsvc.retrieval.fusion import Candidate
from memsvc.retrieval.names import Names
from memsvc.retrieval.question import Question
from memsvc.types import Signal
from support.retrieval import make_memory

QUESTION = Question("what did Ann buy?", Names(("Ann",), (), ()), frozenset(), frozenset({"bought"}))


def candidate(number: int, **signals: float) -> Candidate:
    memory = make_memory(f"Ann bought thing {number}.", id=f"m{number}")
    told = tuple(Signal(name, value, 1.0) for name, value in signals.items())
    return Candidate(memory.id, memory, (), told, sum(signals.values()))


def example(*, answerable: bool = True) -> Example:
    """A question whose evidence is salient and not close."""
    close, salient = candidate(1, dense=1.0, speaker=1.0), candidate(2, salience=1.0)
    return Example(
        conversation="c",
        question=QUESTION,
        candidates=(close, salient) if answerable else (salient,),
        sources={"m1": ("t1",), "m2": ("t2",)},
        evidence=("t2",) if answerable else (),
        answerable=answerable,
    )


def test_fitting_raises_what_evidence_has_and_lowers_what_it_lacks() -> None:
    weights = fit([example()] * 20 + [example(answerable=False)] * 5)
    assert weights.ranking["salience"] > weights.ranking["dense"]
    first, *_ = reweighed(example(), {**weights.ranking, "salience": 9.0}).candidates
    assert first.memory_id == "m2"


def test_a_score_follows_the_weights() -> None:
    ranking = dict.fromkeys(fit([example(), example(answerable=False)]).ranking, 0.5)
    assert [c.score for c in reweighed(example(), ranking).candidates] == [1.0, 0.5]


def test_what_cannot_teach_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing to fit the ranking to"):
        fit([example(answerable=False)])
    with pytest.raises(ValueError, match="questions without one"):
        fit([example()])

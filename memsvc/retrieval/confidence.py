"""How likely it is that memory holds an answer: whether what was found is about the one the question names.

    confidence = sigmoid(bias + sum over signals s of  weight_s * s)

A question about something that another person said finds memories as good as any: only they are the other's. So
the signals compare what the named speaker said with what everyone else said. A question that names no speaker is
judged by how close the best memory comes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from memsvc.language.words import stems
from memsvc.retrieval.fusion import Candidate
from memsvc.retrieval.question import Question
from memsvc.types import Signal, View

CONFIDENCE_SIGNALS = ("margin", "coverage_margin", "closeness")
"""Best score of the named speaker's memories minus that of the others', in [-1, 1]; the same of the share of the
question's words that a memory covers; the best cosine of the named speaker's memories."""

_BEST = 10
"""Memories, best first, whose words are looked at."""


def confidence_signals(candidates: Sequence[Candidate], question: Question) -> dict[str, float]:
    """The signals of a question's candidates; all 0 when there are none."""
    own, others = _sides(candidates, question)
    closeness = max((_cosine(c) for c in own or others), default=0.0)
    if not own or not others:
        return {"margin": 0.0, "coverage_margin": 0.0, "closeness": closeness}
    bar = sorted(map(_plain_score, (*own, *others)), reverse=True)[:_BEST][-1]
    return {
        "margin": _plain_score(own[0]) - _plain_score(others[0]),
        "coverage_margin": _coverage(own, bar, question) - _coverage(others, bar, question),
        "closeness": closeness,
    }


def confidence(
    values: Mapping[str, float], weights: Mapping[str, float], bias: float
) -> tuple[float, tuple[Signal, ...]]:
    """The confidence in [0, 1], and the weighed signals it is made of."""
    signals = tuple(Signal(name, values[name], weights[name]) for name in CONFIDENCE_SIGNALS)
    return 1.0 / (1.0 + math.exp(-bias - sum(signal.value * signal.weight for signal in signals))), signals


def _sides(candidates: Sequence[Candidate], question: Question) -> tuple[list[Candidate], list[Candidate]]:
    """Candidates said by the speaker that the question names, and all others, each best first without that signal."""
    ranked = sorted((c for c in candidates if c.memory is not None), key=_plain_score, reverse=True)
    own = [c for c in ranked if _signal(c, "speaker")]
    return own, [c for c in ranked if not _signal(c, "speaker")]


def _plain_score(candidate: Candidate) -> float:
    """The score without the part that being the named speaker's adds to it."""
    return candidate.score - sum(s.value * s.weight for s in candidate.signals if s.name == "speaker")


def _signal(candidate: Candidate, name: str) -> float:
    return next((signal.value for signal in candidate.signals if signal.name == name), 0.0)


def _cosine(candidate: Candidate) -> float:
    return max((s.score for s in candidate.view_scores if s.view is not View.LEXICAL), default=0.0)


def _coverage(candidates: Sequence[Candidate], bar: float, question: Question) -> float:
    """The largest share of the question's words that one of the candidates of at least that score has; 0 without any."""
    if not question.terms:
        return 0.0
    texts = (
        set(stems(c.memory.text, question.language))
        for c in candidates
        if c.memory is not None and _plain_score(c) >= bar
    )
    return max((len(question.terms & words) / len(question.terms) for words in texts), default=0.0)

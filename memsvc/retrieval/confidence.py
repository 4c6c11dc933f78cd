"""How likely it is that memory holds an answer, in two steps.

    confidence = relevance * answer
    relevance  = sigmoid(RELEVANCE_BIAS + sum over its signals s of  weight_s * s)
    answer     = sigmoid(bias + sum over its signals s of  weight_s * s)

Relevance tells what the talks are about from everything else: how near the best memory comes, and how many of the
question's words, names included, occur in any memory that was found. Of what is relevant, a question about something
that another person said finds memories as good as any: only they are the other's. So the signals of the answer compare
what the named speaker said with what everyone else said; a question that names no speaker is judged by how close the
best memory comes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memsvc.language.words import stems
from memsvc.retrieval.fusion import Candidate
from memsvc.retrieval.question import Question
from memsvc.types import Signal, View

CONFIDENCE_SIGNALS = ("margin", "coverage_margin", "closeness")
"""Best score of the named speaker's memories minus that of the others', in [-1, 1]; the same of the share of the
question's words that a memory covers; the best cosine of the named speaker's memories."""
RELEVANCE_SIGNALS = {"nearness": 16.37, "known_words": 5.8}
"""Best cosine of any memory, and the share of the question's words by IDF that occur in any memory found, each with its
weight."""
RELEVANCE_BIAS = -8.02
"""Fitted on 290 questions of the conversations that ship with memsvc, and 510 about anything else asked of the same."""

UNKNOWN_NEARNESS = 0.3
"""Most that nearness counts in a language that the embedding model does not know; a judgement."""
_BEST = 10
"""Memories, best first, whose words are looked at."""


@dataclass(frozen=True, slots=True)
class Confidence:
    """The confidence in [0, 1], and the weighed signals of both its parts."""

    value: float
    signals: tuple[Signal, ...]


def relevance_signals(candidates: Sequence[Candidate], question: Question, *, understood: bool) -> dict[str, float]:
    """The signals of `RELEVANCE_SIGNALS`, each in [0, 1]; all 0 without candidates.

    To a model that does not know their language all texts are near one another, so that nearness says little there.
    """
    found = [frozenset(stems(c.memory.lexical_text, question.language)) for c in candidates if c.memory is not None]
    holding = Counter(stem for words in found for stem in words)
    asked = frozenset(stems(question.text, question.language))
    idf = {stem: math.log1p((len(found) - holding[stem] + 0.5) / (holding[stem] + 0.5)) for stem in sorted(asked)}
    mass = sum(idf.values())
    known = sum(value for stem, value in idf.items() if holding[stem])
    nearest = max((_cosine(candidate) for candidate in candidates), default=0.0)
    nearest = nearest if understood else min(nearest, UNKNOWN_NEARNESS)
    return {"nearness": max(0.0, nearest), "known_words": known / mass if mass else 0.0}


def confidence_signals(candidates: Sequence[Candidate], question: Question) -> dict[str, float]:
    """The signals of `CONFIDENCE_SIGNALS`; all 0 when there are no candidates."""
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
    candidates: Sequence[Candidate],
    question: Question,
    weights: Mapping[str, float],
    bias: float,
    *,
    understood: bool = True,
) -> Confidence:
    """The confidence that the candidates, best first, hold an answer.

    Args:
        candidates: best first.
        question: what is asked.
        weights: of the answer's signals.
        bias: of the answer.
        understood: whether the embedding model knows the question's language.
    """
    if not candidates:
        return Confidence(0.0, ())
    relevance = _signals(relevance_signals(candidates, question, understood=understood), RELEVANCE_SIGNALS)
    values = confidence_signals(candidates, question)
    value = _sigmoid(RELEVANCE_BIAS, relevance) * answer_confidence(values, weights, bias)
    return Confidence(value, (*relevance, *_signals(values, weights)))


def answer_confidence(values: Mapping[str, float], weights: Mapping[str, float], bias: float) -> float:
    """The second part alone, in [0, 1]."""
    return _sigmoid(bias, _signals(values, weights))


def _signals(values: Mapping[str, float], weights: Mapping[str, float]) -> tuple[Signal, ...]:
    return tuple(Signal(name, value, weights[name]) for name, value in values.items())


def _sigmoid(bias: float, signals: Sequence[Signal]) -> float:
    return 1.0 / (1.0 + math.exp(-bias - sum(signal.value * signal.weight for signal in signals)))


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
    """The largest share of the question's words that one of the candidates of at least that score has; else 0."""
    if not question.terms:
        return 0.0
    language = question.language
    texts = (set(stems(c.memory.text, language)) for c in candidates if c.memory is not None and _plain_score(c) >= bar)
    return max((len(question.terms & words) / len(question.terms) for words in texts), default=0.0)

"""Fits the ranking's and the confidence's weights to questions whose evidence is known.

Ranking: a softmax over the candidates of each question, whose target is shared by those that cite evidence (ListNet;
Cao et al., ICML 2007), held near a prior that counts every signal alike and the two searches double:

    loss = mean over questions of  -sum_i p_i * log softmax(w . x_i)  +  l2 * |w - prior|^2

Without data the prior itself ranks well (equal weights often do; Dawes, American Psychologist 1979), and a few hundred
questions say too little to leave it far behind.

Confidence: logistic regression of answerable against unanswerable, on signals that the fitted ranking gives. Both are
linear, so that every score can be told apart into its parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from memsvc.retrieval.confidence import CONFIDENCE_SIGNALS, confidence_signals
from memsvc.retrieval.fusion import Candidate
from memsvc.retrieval.question import Question
from memsvc.retrieval.signals import SIGNALS
from memsvc.retrieval.weights import Weights, scaled

Matrix = NDArray[np.float64]

L2 = 0.1
PRIOR = {
    "dense": 2.0, "lexical": 2.0, "session_dense": 0.5, "session_lexical": 0.5,
    "is_question": -1.0, "elaboration": -1.5,
}  # fmt: skip
"""Prior weights other than 1."""
STEPS = 100
_ABSENT = -1e9


@dataclass(frozen=True, slots=True)
class Example:
    """A question of a conversation, its candidates, and the source turns of each by memory id."""

    conversation: str
    question: Question
    candidates: tuple[Candidate, ...]
    sources: Mapping[str, tuple[str, ...]]
    evidence: tuple[str, ...]
    answerable: bool


def fit(examples: Sequence[Example]) -> Weights:
    """Fit both parts.

    Raises:
        ValueError: no question has evidence among its candidates, or there is only one kind of question.
    """
    ranking = scaled(dict(zip(SIGNALS, _fit_ranking(examples), strict=True)))
    bias, confidence = _fit_confidence([reweighed(example, ranking) for example in examples])
    return Weights(ranking, dict(zip(CONFIDENCE_SIGNALS, confidence, strict=True)), bias)


def reweighed(example: Example, ranking: Mapping[str, float]) -> Example:
    """The example as these weights rank it, best candidate first."""
    candidates = (_weighed(candidate, ranking) for candidate in example.candidates)
    return replace(example, candidates=tuple(sorted(candidates, key=lambda c: (-c.score, c.memory_id))))


def _weighed(candidate: Candidate, ranking: Mapping[str, float]) -> Candidate:
    # What the ranking's own order adds (`renews`, `sibling`) is no signal that a weight is fitted to.
    signals = tuple(replace(s, weight=ranking[s.name]) for s in candidate.signals if s.name in ranking)
    return replace(candidate, signals=signals, score=sum(signal.value * signal.weight for signal in signals))


def _fit_ranking(examples: Sequence[Example]) -> list[float]:
    rows = [(_matrix(example), _target(example)) for example in examples]
    rows = [(values, target) for values, target in rows if target.any()]
    if not rows:
        raise ValueError("no question has evidence among its candidates: there is nothing to fit the ranking to")
    most = max(len(target) for _, target in rows)
    signals = torch.zeros(len(rows), most, len(SIGNALS), dtype=torch.float64)
    shares = torch.zeros(len(rows), most, dtype=torch.float64)
    absent = torch.full((len(rows), most), _ABSENT, dtype=torch.float64)
    for row, (values, target) in enumerate(rows):
        signals[row, : len(target)] = torch.from_numpy(values)
        shares[row, : len(target)] = torch.from_numpy(target / target.sum())
        absent[row, : len(target)] = 0.0
    prior = torch.tensor([PRIOR.get(name, 1.0) for name in SIGNALS], dtype=torch.float64)
    weights = prior.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([weights], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        log_shares = torch.log_softmax(signals @ weights + absent, dim=1)
        total = -(shares * log_shares).sum(dim=1).mean() + L2 * ((weights - prior) ** 2).sum()
        torch.autograd.backward(total)
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return [float(weight) for weight in weights.detach()]


def _matrix(example: Example) -> Matrix:
    """Signals of each candidate, shape [candidates, signals]."""
    values = [{signal.name: signal.value for signal in candidate.signals} for candidate in example.candidates]
    return np.array([[row.get(name, 0.0) for name in SIGNALS] for row in values]).reshape(-1, len(SIGNALS))


def _target(example: Example) -> Matrix:
    """1 for each candidate that cites evidence, shape [candidates]."""
    wanted = set(example.evidence)
    return np.array([float(bool(wanted & set(example.sources[c.memory_id]))) for c in example.candidates])


def _fit_confidence(examples: Sequence[Example]) -> tuple[float, list[float]]:
    answerable = [example.answerable for example in examples]
    if len(set(answerable)) < 2:
        raise ValueError("the confidence needs questions with an answer and questions without one (answerable: false)")
    signals = [confidence_signals(example.candidates, example.question) for example in examples]
    model = LogisticRegression(class_weight="balanced")
    model.fit([[values[name] for name in CONFIDENCE_SIGNALS] for values in signals], answerable)
    return round(float(model.intercept_[0]), 4), [round(float(weight), 4) for weight in model.coef_[0]]

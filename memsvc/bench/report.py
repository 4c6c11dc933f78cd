"""From scores to the documented JSON: means, intervals, paired differences and categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from memsvc.bench.arms import MEMSVC
from memsvc.bench.intervals import (
    MIN_CLUSTERS,
    Floats,
    Scores,
    cluster_weights,
    interval,
    named,
    question_weights,
    statistics,
)
from memsvc.bench.outcomes import METRICS, PER_QUESTION, Outcome

Named = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of a run: where it belongs, and each arm's scores, confidence and latency."""

    conversation: str
    category: str
    answerable: bool
    scores: Mapping[str, Mapping[str, float]]
    confidence: Mapping[str, float | None]
    latency_ms: Mapping[str, float | None]


def asked(
    conversation: str,
    category: str,
    answerable: bool,
    scores: Mapping[str, Mapping[str, float]],
    outcomes: Mapping[str, Outcome],
) -> Asked:
    """Keep of the outcomes what the report needs: contexts are large."""
    return Asked(
        conversation,
        category,
        answerable,
        scores,
        {arm: outcome.confidence for arm, outcome in outcomes.items()},
        {arm: outcome.latency_ms for arm, outcome in outcomes.items()},
    )


def build(questions: Sequence[Asked], seed: int) -> dict[str, Any]:
    """The report without its `run` part.

    Overall figures are means over answerable questions; a category's, over its own questions. `intervals` resample
    questions, `intervals_by_conversation` whole conversations, when there are at least four.
    """
    arms = {arm: _scores(questions, arm) for arm in questions[0].scores}
    overall = {arm: scores.of_answerable() for arm, scores in arms.items()}
    ones = np.ones((1, len(questions)))
    report: dict[str, Any] = {
        "arms": {arm: named(statistics(scores, ones)[0]) for arm, scores in overall.items()},
        "by_category": _by_category(questions, arms),
    }
    weights = question_weights(len(questions), seed)
    report["intervals"], report["paired"] = _intervals(overall, weights)
    clusters = [question.conversation for question in questions]
    if len(set(clusters)) >= MIN_CLUSTERS:
        by_conversation = _intervals(overall, cluster_weights(clusters, seed))
        report["intervals_by_conversation"], report["paired_by_conversation"] = by_conversation
    return report


def _scores(questions: Sequence[Asked], arm: str) -> Scores:
    return Scores(
        values=np.array([[question.scores[arm][name] for name in PER_QUESTION] for question in questions]),
        confidence=_column([question.confidence[arm] for question in questions]),
        latency_ms=_column([question.latency_ms[arm] for question in questions]),
        answerable=np.array([question.answerable for question in questions]),
    )


def _column(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _by_category(questions: Sequence[Asked], arms: Mapping[str, Scores]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for category in sorted({question.category for question in questions}):
        within = np.array([[float(question.category == category) for question in questions]])
        found[category] = {
            arm: {"questions": int(within.sum()), **named(statistics(scores, within)[0])}
            for arm, scores in arms.items()
        }
    return found


def _intervals(arms: Mapping[str, Scores], weights: Floats) -> tuple[dict[str, Any], dict[str, Any]]:
    resampled = {arm: statistics(scores, weights) for arm, scores in arms.items()}
    intervals = {arm: _pairs(interval(rows)) for arm, rows in resampled.items()}
    ones = np.ones((1, weights.shape[1]))
    points = {arm: statistics(scores, ones)[0] for arm, scores in arms.items()}
    paired = {
        arm: _differences(points[MEMSVC] - points[arm], interval(resampled[MEMSVC] - resampled[arm]))
        for arm in arms
        if arm != MEMSVC
    }
    return intervals, paired


def _pairs(bounds: Floats) -> dict[str, list[float]]:
    return {
        name: [float(low), float(high)]
        for name, low, high in zip(METRICS, *bounds, strict=True)
        if np.isfinite(low) and np.isfinite(high)
    }


def _differences(points: Floats, bounds: Floats) -> Named:
    return {
        name: {"difference": float(point), "low": float(low), "high": float(high)}
        for name, point, low, high in zip(METRICS, points, *bounds, strict=True)
        if np.isfinite(point) and np.isfinite(low)
    }

"""Means, rank statistics and percentiles under resampling weights, and bootstrap intervals made of them.

A resample is a row of integer weights over questions: how often each was drawn. Point estimates use weights of 1, so
estimate, interval and paired difference come from the same code. With R resamples of n questions and m metrics, all
work is in arrays of shape [R, n] times [n, m].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memsvc.bench.metrics import wins
from memsvc.bench.outcomes import METRICS

RESAMPLES = 2_000
LEVEL = 95.0
"""Per cent of an interval, cut at the percentiles of the resamples."""
MIN_CLUSTERS = 4

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one arm over n questions: `values` [n, PER_QUESTION], `confidence` [n], `latency_ms` [n]; NaN: none."""

    values: Floats
    confidence: Floats
    latency_ms: Floats
    answerable: NDArray[np.bool_]

    def of_answerable(self) -> Scores:
        """The same, with the unanswerable questions left out of the per-question metrics."""
        values = np.where(self.answerable[:, None], self.values, np.nan)
        return Scores(values, self.confidence, self.latency_ms, self.answerable)


def question_weights(count: int, seed: int, resamples: int = RESAMPLES) -> Floats:
    """Draw `count` questions with replacement, `resamples` times: shape [resamples, count]."""
    return np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), resamples).astype(np.float64)


def cluster_weights(clusters: Sequence[str], seed: int, resamples: int = RESAMPLES) -> Floats:
    """Draw whole clusters with replacement: shape [resamples, len(clusters)]; questions of a cluster share a weight."""
    _, member = np.unique(np.asarray(clusters), return_inverse=True)
    return question_weights(int(member.max()) + 1, seed, resamples)[:, member]


def statistics(scores: Scores, weights: Floats) -> Floats:
    """Every metric of `METRICS` under each row of weights: shape [len(weights), len(METRICS)]; NaN where undefined."""
    latency = [_percentile(scores.latency_ms, weights, q) for q in (50.0, 95.0)]
    columns = [_means(scores.values, weights), _auroc(scores, weights)[:, None], np.stack(latency, axis=1)]
    return np.concatenate(columns, axis=1)


def interval(resampled: Floats) -> Floats:
    """Low and high of each column of resampled statistics: shape [2, columns]; NaN where a column is undefined."""
    low, high = np.full((2, resampled.shape[1]), np.nan)
    for column in range(resampled.shape[1]):
        defined = resampled[:, column][np.isfinite(resampled[:, column])]
        if len(defined):
            low[column], high[column] = np.percentile(defined, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return np.stack([low, high])


def named(row: Floats) -> dict[str, float]:
    """The defined statistics of a row by metric name."""
    return {name: float(value) for name, value in zip(METRICS, row, strict=True) if np.isfinite(value)}


def _means(values: Floats, weights: Floats) -> Floats:
    defined = np.isfinite(values)
    return _ratio(weights @ np.where(defined, values, 0.0), weights @ defined.astype(np.float64))


def _auroc(scores: Scores, weights: Floats) -> Floats:
    known = np.isfinite(scores.confidence)
    positive, negative = known & scores.answerable, known & ~scores.answerable
    kernel = wins(scores.confidence[positive], scores.confidence[negative])
    won = ((weights[:, positive] @ kernel) * weights[:, negative]).sum(axis=1)
    return _ratio(won, weights[:, positive].sum(axis=1) * weights[:, negative].sum(axis=1))


def _percentile(values: Floats, weights: Floats, q: float) -> Floats:
    """Smallest value that at least q % of the weight does not exceed."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return np.full(len(weights), np.nan)
    order = known[np.argsort(values[known])]
    reached = np.cumsum(weights[:, order], axis=1)
    total = reached[:, -1]
    chosen = values[order][np.argmax(reached >= (total * q / 100)[:, None], axis=1)]
    return np.where(total > 0, chosen, np.nan)


def _ratio(part: Floats, whole: Floats) -> Floats:
    result = np.full(part.shape, np.nan)
    np.divide(part, whole, out=result, where=whole > 0)
    return result

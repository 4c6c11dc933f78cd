"""One ranking from those of a question and its sub-queries: the mean of a memory's scores.

    S(m) = 1/n * sum over queries q of  S_q(m),   S_q(m) = 0 where q did not find m

A memory that several of them find stands above one that a stray sub-query finds alone. With the best of the scores in
place of their mean, what a bad sub-query found drove out evidence; docs/language-model.md has the measurement. The
signals are means too, so a score stays the sum of its signals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from memsvc.retrieval.fusion import SIBLING, Candidate
from memsvc.retrieval.recency import SIGNAL as RENEWS
from memsvc.retrieval.signals import SIGNALS
from memsvc.types import Signal

_TOLD = (*SIGNALS, SIBLING, RENEWS)


@dataclass(frozen=True, slots=True)
class Pooled:
    """A candidate with its pooled score, and the query it scored best for: 0 the question, n its n-th sub-query."""

    candidate: Candidate
    sub_query: int


def pool(rankings: Sequence[Sequence[Candidate]]) -> list[Pooled]:
    """Merge rankings that weigh signals alike, best first; equal scores are ordered by id."""
    if len(rankings) == 1:
        return [Pooled(candidate, 0) for candidate in rankings[0]]
    found: dict[str, list[tuple[int, Candidate]]] = {}
    for sub_query, ranking in enumerate(rankings):
        for candidate in ranking:
            found.setdefault(candidate.memory_id, []).append((sub_query, candidate))
    pooled = [_mean(each, len(rankings)) for each in found.values()]
    return sorted(pooled, key=lambda p: (-p.candidate.score, p.candidate.memory_id))


def _mean(found: Sequence[tuple[int, Candidate]], count: int) -> Pooled:
    """The mean over `count` rankings; ranks and raw scores are those of the best one, the first of equals."""
    sub_query, best = max(found, key=lambda each: each[1].score)
    values: dict[str, float] = {}
    weights: dict[str, float] = {}
    for _, candidate in found:
        for signal in candidate.signals:
            values[signal.name] = values.get(signal.name, 0.0) + signal.value / count
            weights[signal.name] = signal.weight
    signals = tuple(Signal(name, values[name], weights[name]) for name in _TOLD if name in values)
    score = sum(candidate.score for _, candidate in found) / count
    return Pooled(replace(best, signals=signals, score=score), sub_query)

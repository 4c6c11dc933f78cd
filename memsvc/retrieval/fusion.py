"""One score from signals, after SimpleMem (arXiv 2601.02553, section 3.3).

There S = l1*cos + l2*BM25 + g*1[symbolic match]; here

    S(m) = sum over signals s of  weight_s * s(m)

A linear combination, so that each part of a score can be told; more flexible models were no better. Weights are
scaled so that the positive ones sum to 1: S is at most 1. No view can veto another.

The parts of one long turn compete as one: each part loses `SIBLING_COST` for each better one of its turn, up to
`MOST_SIBLINGS` of them, and a signal says so. Of many parts one is near any question by chance, and the others would
crowd out what else was said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from memsvc.retrieval.question import Question
from memsvc.retrieval.signals import SIGNALS, normalized, own_signals, reply_best, session_best, view_scores
from memsvc.types import IndexHit, Memory, QueryPlan, Signal, TurnRef, View, ViewScore

_SCORED = (View.DENSE, View.LEXICAL)
SIBLING = "sibling"
"""The signal of a part of whose turn better parts were found: their share of `MOST_SIBLINGS`."""
SIBLING_COST, MOST_SIBLINGS = 0.04, 4
"""Chosen on the development conversations (docs/benchmarks.md)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A memory that at least one view found; `memory` is None when SQL does not know it."""

    memory_id: str
    memory: Memory | None
    view_scores: tuple[ViewScore, ...]
    signals: tuple[Signal, ...]
    score: float


def fuse(
    results: Mapping[View, Sequence[IndexHit]], memories: Mapping[str, Memory], plan: QueryPlan, question: Question
) -> list[Candidate]:
    """Merge the candidates of every view, best first; equal scores are ordered by id."""
    found = view_scores(results, plan.candidates_per_view)
    known = {id_: (memory, found[id_]) for id_, memory in memories.items() if id_ in found}
    best = {f"session_{view.value}": session_best(known.values(), view) for view in _SCORED}
    replies = {f"reply_{view.value}": reply_best(known.values(), view) for view in _SCORED}

    def values(id_: str) -> dict[str, float]:
        by_view = {view.value: normalized(found[id_], view) for view in _SCORED}
        memory = memories.get(id_)
        if memory is None:
            return by_view
        in_session = {name: scores[memory.scope] for name, scores in best.items()}
        answered = {name: scores.get(memory.sources[0], 0.0) for name, scores in replies.items() if memory.sources}
        return {**by_view, **in_session, **answered, **own_signals(memory, question, plan.symbolic)}

    candidates = [_candidate(id_, memories.get(id_), tuple(found[id_]), values(id_), plan) for id_ in found]
    return _best_first(_competing(_best_first(candidates)))


def _best_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.memory_id))


def _competing(candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    """The candidates, which are best first, each less what the better parts of its turn cost it."""
    better: Counter[TurnRef] = Counter()
    for candidate in candidates:
        memory = candidate.memory
        if memory is None or memory.part_count < 2 or not memory.sources:
            yield candidate
            continue
        siblings = min(MOST_SIBLINGS, better[memory.sources[0]])
        better[memory.sources[0]] += 1
        yield _beside(candidate, siblings) if siblings else candidate


def _beside(candidate: Candidate, siblings: int) -> Candidate:
    signal = Signal(SIBLING, siblings / MOST_SIBLINGS, -SIBLING_COST * MOST_SIBLINGS)
    score = candidate.score + signal.value * signal.weight
    return replace(candidate, signals=(*candidate.signals, signal), score=score)


def _candidate(
    memory_id: str, memory: Memory | None, views: tuple[ViewScore, ...], values: Mapping[str, float], plan: QueryPlan
) -> Candidate:
    signals = tuple(Signal(name, values[name], plan.weights[name]) for name in SIGNALS if values.get(name))
    return Candidate(memory_id, memory, views, signals, sum(signal.value * signal.weight for signal in signals))

"""One score from three views, after SimpleMem (arXiv 2601.02553, section 3.3): S = l1*cos + l2*BM25 + g*1[symbolic].

    S(m) = w_dense * n_dense(m) + w_lexical * n_lexical(m) + w_symbolic * f(m)

n_v is the view's score after min-max normalisation over the candidates, 0 for a memory that the view did not return:
cosines and BM25 scores have no common scale. f is the share of the people, entities and time of the question
that the memory matches, read from the memory itself, so it holds for candidates of every view. A memory that ends in
a question tells little: it is worth `QUESTION_FACTOR` of its score. Weights sum to 1, so S lies in [0, 1]; no view
can veto another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memsvc.types import IndexHit, Interval, Memory, QueryPlan, SymbolicQuery, View, ViewScore, folded

QUESTION_FACTOR = 0.7
_QUESTION_MARKS = ("?", "？", "؟")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A memory that at least one view found; `memory` is None when SQL does not know it."""

    memory_id: str
    memory: Memory | None
    view_scores: tuple[ViewScore, ...]
    symbolic_match: float
    score: float


def fuse(
    results: Mapping[View, Sequence[IndexHit]], memories: Mapping[str, Memory], plan: QueryPlan
) -> list[Candidate]:
    """Merge the candidates of every view, best first; equal scores are ordered by id."""
    scores: dict[str, list[ViewScore]] = {}
    for view, hits in results.items():
        for memory_id, view_score in _normalized(view, hits, plan.candidates_per_view):
            scores.setdefault(memory_id, []).append(view_score)
    candidates = [_candidate(id_, tuple(views), memories.get(id_), plan) for id_, views in scores.items()]
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.memory_id))


def symbolic_match(memory: Memory, query: SymbolicQuery) -> float:
    """Share in [0, 1] of the question's names and time that the memory matches; 0 when it names nothing."""
    wanted = folded(query.people) | folded(query.entities)
    present = folded(memory.symbolic.people) | folded(memory.symbolic.entities)
    matched = len(wanted & present) + (query.interval is not None and _overlaps(memory, query.interval))
    parts = len(wanted) + (query.interval is not None)
    return matched / parts if parts else 0.0


def _candidate(memory_id: str, view_scores: tuple[ViewScore, ...], memory: Memory | None, plan: QueryPlan) -> Candidate:
    match = symbolic_match(memory, plan.symbolic) if memory else 0.0
    score = plan.view_weights[View.SYMBOLIC] * match
    score += sum(
        plan.view_weights[view_score.view] * view_score.normalized
        for view_score in view_scores
        if view_score.view is not View.SYMBOLIC
    )
    if memory and memory.text.rstrip().endswith(_QUESTION_MARKS):
        score *= QUESTION_FACTOR
    return Candidate(memory_id, memory, view_scores, match, score)


def _normalized(view: View, hits: Sequence[IndexHit], limit: int) -> list[tuple[str, ViewScore]]:
    if not hits:
        return []
    low, high = _floor(view, hits, limit), max(hit.score for hit in hits)
    span = high - low
    return [
        (
            hit.memory_id,
            ViewScore(view=view, rank=rank, score=hit.score, normalized=(hit.score - low) / span if span > 0 else 1.0),
        )
        for rank, hit in enumerate(hits, start=1)
    ]


def _floor(view: View, hits: Sequence[IndexHit], limit: int) -> float:
    """The lowest score of any candidate: 0 for BM25 when the view ran out of memories that share a word."""
    lowest = min(hit.score for hit in hits)
    return min(lowest, 0.0) if view is View.LEXICAL and len(hits) < limit else lowest


def _overlaps(memory: Memory, interval: Interval) -> bool:
    """Whether the event or a validity with both ends falls into the interval; an open end says too little."""
    if interval.start <= memory.event_time < interval.end:
        return True
    if memory.valid_from is None or memory.valid_to is None:
        return False
    return memory.valid_from < interval.end and memory.valid_to > interval.start

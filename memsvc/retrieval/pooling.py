"""One ranking from those of a question and its sub-queries: a memory counts for the one that it scores best for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memsvc.retrieval.fusion import Candidate


@dataclass(frozen=True, slots=True)
class Pooled:
    """A candidate as it fared under the query that it scores best for: 0 the question, n its n-th sub-query."""

    candidate: Candidate
    sub_query: int


def pool(rankings: Sequence[Sequence[Candidate]]) -> list[Pooled]:
    """Merge the rankings, best first; at equal scores the question goes before its sub-queries, then by id."""
    best: dict[str, Pooled] = {}
    for sub_query, ranking in enumerate(rankings):
        for candidate in ranking:
            known = best.get(candidate.memory_id)
            if known is None or candidate.score > known.candidate.score:
                best[candidate.memory_id] = Pooled(candidate, sub_query)
    return sorted(best.values(), key=lambda p: (-p.candidate.score, p.sub_query, p.candidate.memory_id))

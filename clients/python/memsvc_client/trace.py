"""What `explain` returns: a search and how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from memsvc_client.models import SearchResult


@dataclass(frozen=True, slots=True)
class ComplexityFeature:
    """One signal of the complexity estimate; value and weight in [0, 1]."""

    name: str
    value: float
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryPlan:
    """What was decided from the complexity."""

    depth: int
    candidates_per_view: int
    max_tokens: int
    weights: Mapping[str, float]
    """Of each signal in the score."""
    people: tuple[str, ...]
    entities: tuple[str, ...]
    score_window: float | None
    """How far below the best score a memory may lie; None when the caller fixed tokens or depth."""
    start_time: datetime | None
    end_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewScore:
    """Rank (from 1) and score of a candidate in one view."""

    view: str
    rank: int
    score: float
    normalized: float


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that speaks for a candidate or an answer; it adds `value * weight` to the score."""

    name: str
    value: float
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """How one candidate fared: `returned`, `below_depth`, `below_window`, `over_budget`, `duplicate` or `stale`."""

    id: str
    memory: str
    score: float
    outcome: str
    reason: str
    view_scores: tuple[ViewScore, ...]
    signals: tuple[Signal, ...]
    sub_query: int = 0
    """What it scored best for: 0 the question, n the n-th sub-query of the result's `planning`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A search and its full trace."""

    result: SearchResult
    features: tuple[ComplexityFeature, ...]
    plan: QueryPlan
    candidates: tuple[Candidate, ...]
    confidence_signals: tuple[Signal, ...]

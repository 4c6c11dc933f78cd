"""What is asked, and how it was answered: plans, views, signals, hits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from memsvc.types.jobs import JobError
from memsvc.types.language import Interval, ModelUsage
from memsvc.types.memories import Memory, MemoryFilter


class View(StrEnum):
    """One way to find a memory."""

    DENSE = "dense"
    LEXICAL = "lexical"
    SYMBOLIC = "symbolic"


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Term indices (uint32, strictly ascending) and their weights, equally long."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolicQuery:
    """What the symbolic view looks for; a candidate matches when any of the parts does."""

    people: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    interval: Interval | None = None
    """Matches memories whose event time, or validity interval, overlaps it."""

    def __bool__(self) -> bool:
        return bool(self.people or self.entities or self.interval)


@dataclass(frozen=True, slots=True)
class IndexHit:
    """A candidate of one view. `score` is the view's own and comparable within one search only."""

    memory_id: str
    score: float


class HitOutcome(StrEnum):
    """What became of a candidate."""

    RETURNED = "returned"
    BELOW_DEPTH = "below_depth"
    BELOW_WINDOW = "below_window"
    BELOW_CONFIDENCE = "below_confidence"
    OVER_BUDGET = "over_budget"
    DUPLICATE = "duplicate"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySpec:
    """What to look for. `max_tokens` 0 and `depth` None adapt to the question's complexity."""

    text: str
    ask_time: datetime
    """When the question is asked; "last week" is read against it."""
    zone: tzinfo = UTC
    """Clock of the question, and of memories without one of their own where they are told."""
    where: MemoryFilter = field(default_factory=MemoryFilter)
    max_tokens: int = 0
    depth: int | None = None
    min_confidence: float | None = None
    """Confidence in [0, 1] below which nothing is returned; None for the service's own."""
    planning_seconds: float = 0.0
    """How long a language model may take to plan the search; 0 leaves it to rules alone."""

    @property
    def local_time(self) -> datetime:
        """`ask_time` by the clock of the question."""
        return self.ask_time.astimezone(self.zone)


@dataclass(frozen=True, slots=True)
class ComplexityFeature:
    """One signal of the complexity estimate; value and weight in [0, 1]."""

    name: str
    value: float
    weight: float


@dataclass(frozen=True, slots=True)
class Complexity:
    """Estimated complexity of a question in [0, 1], and the signals it was estimated from."""

    score: float
    features: tuple[ComplexityFeature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryPlan:
    """What the planner decided for a query."""

    depth: int
    candidates_per_view: int
    max_tokens: int
    score_window: float | None
    """How far below the best score a memory may lie; None without such a limit."""
    weights: Mapping[str, float]
    """Of each signal in the fusion."""
    symbolic: SymbolicQuery = field(default_factory=SymbolicQuery)


@dataclass(frozen=True, slots=True)
class DroppedProposal:
    """A part of a language model's plan that was not used, and why."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningReport:
    """What a language model planned for a query; `error` set means that rules alone planned it."""

    sub_queries: tuple[str, ...] = ()
    """Searched for beside the question."""
    names: tuple[str, ...] = ()
    """Names in the question that the rules had not found."""
    interval: Interval | None = None
    """The time the question names, where the rules did not read it so."""
    multiple: bool = False
    """Whether the question asks for several things or takes several steps."""
    dropped: tuple[DroppedProposal, ...] = ()
    error: JobError | None = None
    latency_ms: float = 0.0
    usage: ModelUsage = field(default_factory=lambda: ModelUsage())


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewReport:
    """How the search of one view ended; `error` set means that its candidates are missing, or those of SQL instead."""

    view: View
    candidate_count: int
    latency_ms: float
    error: JobError | None = None
    sub_query: int = 0
    """What was searched for: 0 the question, n the n-th sub-query of the planning report."""
    from_sql: bool = False
    """Whether, with the index out of reach, the memories in SQL were searched by their words."""
    older_unseen: bool = False
    """Whether that took too long for all of them: older ones were not seen."""


class WarningCode(StrEnum):
    """What a reader of an answer is warned of."""

    EMBEDDER_LANGUAGE = "EMBEDDER_LANGUAGE"
    BELOW_MIN_CONFIDENCE = "BELOW_MIN_CONFIDENCE"


@dataclass(frozen=True, slots=True)
class QueryWarning:
    """Why an answer may be poorer than it would be elsewhere, for machines and in words."""

    code: WarningCode
    message: str


class Degradation(StrEnum):
    """Why an answer may lack memories that would be in it on another day."""

    VIEWS_FAILED = "VIEWS_FAILED"
    LEXICAL_FROM_SQL = "LEXICAL_FROM_SQL"
    NEWEST_FROM_SQL = "NEWEST_FROM_SQL"
    FILTER_CUT = "FILTER_CUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewScore:
    """Rank (from 1), raw and normalised score of one candidate in one view."""

    view: View
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
class Hit:
    """How one candidate fared. `memory` is None when SQL does not know it."""

    memory_id: str
    memory: Memory | None
    view_scores: tuple[ViewScore, ...]
    signals: tuple[Signal, ...]
    score: float
    outcome: HitOutcome
    reason: str
    sub_query: int = 0
    """What it scored best for: 0 the question, n the n-th sub-query of the planning report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """The answer to a query and its full trace. `hits` holds every candidate, best first."""

    complexity: Complexity
    plan: QueryPlan
    views: tuple[ViewReport, ...]
    hits: tuple[Hit, ...]
    context: str
    token_count: int
    confidence: float
    """How likely it is that memory holds an answer, in [0, 1]."""
    confidence_signals: tuple[Signal, ...]
    planning: PlanningReport | None = None
    """None where rules alone planned, as asked for."""
    filter_cut: bool = False
    """Whether only the newest of the memories that pass the filter were searched."""
    warnings: tuple[QueryWarning, ...] = ()

    @property
    def degradation(self) -> Degradation | None:
        """Why memories may be missing; None for an answer from every view."""
        if any(report.older_unseen for report in self.views):
            return Degradation.NEWEST_FROM_SQL
        if any(report.from_sql for report in self.views):
            return Degradation.LEXICAL_FROM_SQL
        if any(report.error for report in self.views):
            return Degradation.VIEWS_FAILED
        return Degradation.FILTER_CUT if self.filter_cut else None

    @property
    def returned(self) -> tuple[Hit, ...]:
        """The candidates that are part of the answer, best first."""
        return tuple(hit for hit in self.hits if hit.outcome is HitOutcome.RETURNED)

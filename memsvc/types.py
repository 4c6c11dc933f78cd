"""The nouns of memsvc. Standard library only; every other module speaks in these."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")


def utc_now() -> datetime:
    """Return the wall clock as an aware UTC datetime."""
    return datetime.now(UTC)


class Role(StrEnum):
    """Who produced a message."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL = "tool"


class Disposition(StrEnum):
    """What compression did with a turn."""

    PENDING = "pending"
    KEPT = "kept"
    MERGED = "merged"
    LEFT_OUT = "left_out"


class MemoryKind(StrEnum):
    """Level of abstraction of a memory."""

    STATEMENT = "statement"
    EPISODE = "episode"
    THEME = "theme"


class MemoryState(StrEnum):
    """Where a memory is in its life."""

    ACTIVE = "active"
    SUPERSEDED = "superseded"
    DELETED = "deleted"
    LEFT_OUT = "left_out"
    RETIRED = "retired"


OUT_OF_INDEX = frozenset({MemoryState.DELETED, MemoryState.RETIRED})
"""States whose memories no view finds."""


class ChangeKind(StrEnum):
    """What happened to a memory."""

    CREATED = "created"
    UPDATED = "updated"
    SUPERSEDED = "superseded"
    DELETED = "deleted"
    RETIRED = "retired"


class JobKind(StrEnum):
    """What a job (to a caller: an operation) does."""

    COMPRESS = "compress"
    CONSOLIDATE = "consolidate"
    INDEX = "index"
    REINDEX = "reindex"
    RECOMPRESS = "recompress"


class Priority(StrEnum):
    """How soon turns are to be compressed: somebody waits for them, or nobody."""

    INTERACTIVE = "interactive"
    BACKFILL = "backfill"


class JobState(StrEnum):
    """Where a job is in its life. FAILED is the dead-letter state."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether no worker will touch the job again."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class KeyRole(StrEnum):
    """What an API key may do."""

    AGENT = "agent"
    ADMIN = "admin"


class View(StrEnum):
    """One way to find a memory."""

    DENSE = "dense"
    LEXICAL = "lexical"
    SYMBOLIC = "symbolic"


@dataclass(frozen=True, slots=True)
class SpaceKey:
    """A space of a tenant: the unit of isolation. Nothing is ever read without one."""

    tenant: str
    space: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose memory it is. On reads an empty field matches everything."""

    user_id: str = ""
    agent_id: str = ""
    session_id: str = ""

    def __bool__(self) -> bool:
        return bool(self.user_id or self.agent_id or self.session_id)

    @property
    def owner(self) -> Scope:
        """Its user and agent, of whatever session: what consolidation works within."""
        return Scope(self.user_id, self.agent_id)

    @property
    def key(self) -> str:
        """32 hex digits that identify this exact scope; the unit of ordering and of turn ids."""
        packed = "\x1f".join((self.user_id, self.agent_id, self.session_id))
        return hashlib.blake2b(packed.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class TurnRef:
    """Points at one ingested turn."""

    scope: Scope
    turn_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message exactly as ingested. Times are aware and in UTC."""

    turn_id: str
    scope: Scope
    role: Role
    content: str
    event_time: datetime
    speaker: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    token_count: int = 0
    """cl100k_base tokens of `speaker: content`, as a prompt would carry it."""
    ingest_time: datetime | None = None
    disposition: Disposition = Disposition.PENDING
    disposition_reason: str = ""

    @property
    def ref(self) -> TurnRef:
        """The turn's address."""
        return TurnRef(self.scope, self.turn_id)

    @property
    def speaker_name(self) -> str:
        """The name the turn is told under: its speaker, else the user or the agent of its scope, else the role."""
        if self.speaker:
            return self.speaker
        return {Role.USER: "The user", Role.ASSISTANT: "The assistant"}.get(self.role, f"The {self.role}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbolic:
    """Attributes a filter can test exactly."""

    people: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    place: str = ""
    topic: str = ""
    speaker: str = ""
    """Who said it, by name; empty when the speaker has none."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A sentence of a source turn that was left out of a statement, as it was said, and why."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What the entropy gate computed; `score = alpha * new_entity_rate + (1 - alpha) * novelty`."""

    score: float
    new_entity_rate: float
    novelty: float
    alpha: float
    threshold: float
    surprisal: float
    """Mean self-information of the statement's words, in bits per word."""
    kept: bool
    reason: str
    cuts: tuple[Cut, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A self-contained statement with its views, validity, state and the turns it came from."""

    id: str
    scope: Scope
    text: str
    event_time: datetime
    kind: MemoryKind = MemoryKind.STATEMENT
    state: MemoryState = MemoryState.ACTIVE
    symbolic: Symbolic = field(default_factory=Symbolic)
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    salience: float = 0.5
    token_count: int = 0
    sources: tuple[TurnRef, ...] = ()
    derived_from: tuple[str, ...] = ()
    gate: Gate | None = None
    compressor: str = "caller"
    metadata: Mapping[str, str] = field(default_factory=dict)
    dense_text: str = ""
    """What the dense view embeds: the statement without speaker names."""
    lexical_text: str = ""
    """What the lexical view indexes: the statement, its neighbours, its speaker and its date in words."""
    create_time: datetime | None = None
    update_time: datetime | None = None
    version: int = 0
    """1 once stored, plus 1 with each change; the etag is made from it."""
    superseded_by: str = ""
    """Id of the memory that took its place, or that says something newer; empty unless SUPERSEDED by one."""
    supersede_time: datetime | None = None
    """When that became known: the event time of `superseded_by`."""
    conflicts_with: tuple[str, ...] = ()
    """Ids of memories that contradict it, where neither could be told to be the newer one."""
    pinned: bool = False
    """Whether it is kept whatever its salience."""
    use_count: int = 0
    """Times a query returned it, as counted so far."""
    last_use_time: datetime | None = None
    """When a query last returned it, by the service's clock."""

    @property
    def etag(self) -> str:
        """Opaque version for optimistic concurrency."""
        return f"v{self.version}"

    def with_text(self, text: str, token_count: int) -> Memory:
        """Return a copy that says `text`, with views that index exactly that text."""
        return replace(self, text=text, token_count=token_count, dense_text=text, lexical_text=text)


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """What compression did with one turn, and why."""

    ref: TurnRef
    disposition: Disposition
    reason: str


@dataclass(frozen=True, slots=True)
class Compression:
    """The result of compressing the pending turns of one session: every pending turn has an outcome."""

    memories: tuple[Memory, ...]
    outcomes: tuple[TurnOutcome, ...]
    redo: tuple[TurnRef, ...] = ()
    """Turns that were compressed another way because the language model failed; `outcomes` mark them too."""


LLM_FAILED = "LLM_FAILED"
"""How the reason of a turn's outcome begins when a language model is still to compress it."""


@dataclass(frozen=True, slots=True)
class AsOf:
    """A view of the past: what held at `valid_at`, judged by what had been told until `known_at`.

    Both are moments of event time, since a conversation may be ingested long after it took place.
    """

    valid_at: datetime
    known_at: datetime

    def shows(self, memory: Memory) -> bool:
        """Whether the memory had been told by then, and held then as far as could be known."""
        began = memory.event_time if memory.valid_from is None else min(memory.event_time, memory.valid_from)
        return memory.event_time <= self.known_at and began <= self.valid_at and self._open(memory)

    def _open(self, memory: Memory) -> bool:
        """Whether nothing known by then had ended it; one that was superseded by nothing never counted."""
        if memory.state is not MemoryState.SUPERSEDED:
            return True
        if memory.supersede_time is None:
            return False
        if memory.supersede_time > self.known_at:
            return True
        if memory.supersede_time <= memory.event_time:
            return False  # merged: what took its place was told no later, and stands for it at any time
        replaced_plan = memory.valid_from is not None and memory.valid_from > memory.supersede_time
        end = memory.supersede_time if replaced_plan else memory.valid_to or memory.supersede_time
        return end > self.valid_at


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFilter:
    """Fields are ANDed, repeated values ORed; empty means anything, empty `states` active only.

    With `as_of`, ACTIVE among the states stands for what was active then.
    """

    scope: Scope = field(default_factory=Scope)
    people: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    start_time: datetime | None = None
    end_time: datetime | None = None
    states: tuple[MemoryState, ...] = (MemoryState.ACTIVE,)
    kinds: tuple[MemoryKind, ...] = ()
    as_of: AsOf | None = None
    exact_owner: bool = False
    """Whether an empty user or agent of the scope matches the empty value only."""

    @property
    def stored_states(self) -> tuple[MemoryState, ...]:
        """The states that a memory which passes may have today."""
        states = self.states or (MemoryState.ACTIVE,)
        if self.as_of is None or MemoryState.ACTIVE not in states:
            return states
        return tuple(dict.fromkeys((*states, MemoryState.SUPERSEDED)))

    def matches(self, memory: Memory) -> bool:
        """Whether `memory` passes; the same rule that every index and table query implements."""
        wanted, actual = self.scope, memory.scope
        return (
            memory.state in self.stored_states
            and (self.as_of is None or self.as_of.shows(memory))
            and (not self.kinds or memory.kind in self.kinds)
            and (wanted.user_id == actual.user_id or not (wanted.user_id or self.exact_owner))
            and (wanted.agent_id == actual.agent_id or not (wanted.agent_id or self.exact_owner))
            and (not wanted.session_id or wanted.session_id == actual.session_id)
            and (not self.people or bool(folded(self.people) & folded(memory.symbolic.people)))
            and (not self.entities or bool(folded(self.entities) & folded(memory.symbolic.entities)))
            and (self.start_time is None or memory.event_time >= self.start_time)
            and (self.end_time is None or memory.event_time < self.end_time)
        )


def folded(names: tuple[str, ...]) -> frozenset[str]:
    """Case-folded names: how people and entities are compared everywhere."""
    return frozenset(name.casefold() for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of a space's change log."""

    sequence: int
    kind: ChangeKind
    time: datetime
    memory: Memory
    previous_text: str
    actor: str
    reason: str = ""
    """One sentence for people; empty for what a caller did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """An isolation boundary of a tenant."""

    key: SpaceKey
    display_name: str
    create_time: datetime
    update_time: datetime
    version: int

    @property
    def etag(self) -> str:
        """Opaque version for optimistic concurrency."""
        return f"v{self.version}"


class ModelPurpose(StrEnum):
    """What a language model was called for."""

    COMPRESS = "compress"
    PLAN = "plan"
    ASK = "ask"
    CONSOLIDATE = "consolidate"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message to a language model."""

    role: str
    """`system` or `user`."""
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsage:
    """What calls of a language model cost. Tokens are the model's own, as its endpoint reports them."""

    call_count: int = 0
    prompt_token_count: int = 0
    completion_token_count: int = 0
    cost_usd: float = 0.0
    unpriced_call_count: int = 0
    """Calls of a model without a known price; they add nothing to `cost_usd`."""

    @property
    def token_count(self) -> int:
        """Tokens in and out."""
        return self.prompt_token_count + self.completion_token_count


@dataclass(frozen=True, slots=True)
class Completion:
    """A language model's answer: JSON of the schema that was asked for, and what it cost."""

    value: dict[str, Any]
    usage: ModelUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceStats:
    """Counts and sizes of one space. Token counts are cl100k_base."""

    turn_count: int
    pending_turn_count: int
    left_out_turn_count: int
    memory_count: int
    raw_token_count: int
    compressed_raw_token_count: int
    """Raw tokens of the turns that compression has finished with."""
    stored_token_count: int
    unindexed_memory_count: int
    pending_job_count: int
    failed_job_count: int
    oldest_pending_time: datetime | None
    unconsolidated_memory_count: int = 0
    llm_redo_turn_count: int = 0
    """Turns whose outcome is marked `LLM_FAILED`: a language model is still to compress them."""
    llm: ModelUsage = field(default_factory=lambda: ModelUsage())

    @property
    def compression_ratio(self) -> float:
        """Stored tokens over raw tokens of the compressed turns; 0 while there are none."""
        raw = self.compressed_raw_token_count
        return self.stored_token_count / raw if raw else 0.0


@dataclass(frozen=True, slots=True)
class JobError:
    """Why an attempt failed: an `errors.Reason` value and a text for developers."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSummary:
    """What a job changed."""

    turn_count: int = 0
    created_count: int = 0
    superseded_count: int = 0
    left_out_turn_count: int = 0
    indexed_count: int = 0
    examined_count: int = 0
    """Memories that consolidation looked at."""
    merged_count: int = 0
    """Memories whose place a merged one took."""
    conflict_count: int = 0
    """Memories newly marked as contradicting another."""
    abstracted_count: int = 0
    """Episodes and themes made."""
    retired_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A unit of asynchronous work; callers see it as an operation."""

    id: str
    space: SpaceKey
    kind: JobKind
    state: JobState
    payload: Mapping[str, Any]
    """What to work on, by kind.

    COMPRESS, RECOMPRESS: {"scope": [user_id, agent_id, session_id]}; INDEX: {"memory_ids": [...]};
    REINDEX: {}: whatever is due;
    CONSOLIDATE: {"owner": [user_id, agent_id]}, or {"scope": [user_id, agent_id]}, where empty ones mean all.
    """
    attempt: int
    """Times a worker took it up, this time included."""
    progress: float
    create_time: datetime
    end_time: datetime | None = None
    error: JobError | None = None
    """Of the last failed attempt; kept until an attempt succeeds."""
    summary: JobSummary | None = None
    lease_owner: str = ""
    urgent: bool = True
    """Whether callers wait for it: no backfill, and no consolidation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An API key, without its secret."""

    id: str
    tenant: str
    display_name: str
    role: KeyRole
    create_time: datetime
    revoke_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; `cursor` is where the next one starts, None on the last."""

    items: tuple[T, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class IngestRequestId:
    """Makes an ingest call idempotent: the caller's UUID and a digest of the body it came with."""

    id: str
    digest: str


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """The last sequence of a numbered stream that a batch of turns commits."""

    stream_id: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a committed ingest answers. `job_id` is empty when every turn was known and processed."""

    job_id: str
    accepted_count: int
    duplicate_count: int
    job_ids: tuple[str, ...] = ()
    """The job of every session with a turn to process; `job_id` is that of the last one."""


@dataclass(frozen=True, slots=True)
class PendingTurns:
    """Uncompressed turns of one session in order of event time, and the turns before them."""

    context: tuple[Turn, ...]
    pending: tuple[Turn, ...]
    known_entities: frozenset[str]
    """Case-folded people and entities already named by memories of the same user and agent."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Half-open span of time [start, end), aware UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """One word or punctuation mark of an analysed text; tag sets are Universal (pos) and Penn (tag)."""

    text: str
    lemma: str
    pos: str
    tag: str
    dep: str
    head: int
    """Index of the syntactic head within the analysis; its own index for a root."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class EntitySpan:
    """A named entity: OntoNotes label and half-open character span."""

    text: str
    label: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Analysis:
    """Linguistic analysis of one text. `sentences` are half-open token index ranges."""

    text: str
    language: str
    tokens: tuple[Token, ...]
    sentences: tuple[tuple[int, int], ...]
    entities: tuple[EntitySpan, ...]


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


@dataclass(frozen=True, slots=True)
class LexicalText:
    """What the lexical view searches of one memory."""

    memory_id: str
    text: str


@dataclass(frozen=True, slots=True)
class IndexedMemory:
    """A memory whose current version is in the index, or out of it, as far as SQL knows."""

    memory_id: str
    version: int
    update_time: datetime
    has_point: bool
    """False for one that was deleted or retired."""


class HitOutcome(StrEnum):
    """What became of a candidate."""

    RETURNED = "returned"
    BELOW_DEPTH = "below_depth"
    BELOW_WINDOW = "below_window"
    OVER_BUDGET = "over_budget"
    DUPLICATE = "duplicate"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySpec:
    """What to look for. `max_tokens` 0 and `depth` None adapt to the question's complexity."""

    text: str
    ask_time: datetime
    """When the question is asked; "last week" is read against it."""
    where: MemoryFilter = field(default_factory=MemoryFilter)
    max_tokens: int = 0
    depth: int | None = None
    planning_seconds: float = 0.0
    """How long a language model may take to plan the search; 0 leaves it to rules alone."""


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


class EmbeddingState(StrEnum):
    """What a model that memories are indexed with is to the service."""

    TARGET = "target"
    """New; what an earlier model left in its slot is being forgotten."""
    FILLING = "filling"
    """Memories are written with it, and those of before are caught up on."""
    ACTIVE = "active"
    """Queries are answered by it."""
    OLD = "old"
    """Another one answers queries; memories are still written with it, so that a reader of it misses nothing."""
    UNWANTED = "unwanted"
    """Memories are written with it no more, and its index is being removed."""


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """An embedding model as the setting `embedder` names it; `dimension` and `api_base` are those of a remote one."""

    name: str
    dimension: int = 0
    api_base: str = ""
    slot: int = 0
    state: EmbeddingState = EmbeddingState.ACTIVE


@dataclass(frozen=True, slots=True)
class EmbeddingCheck:
    """How a space's index with a new model compares with the one with the old.

    Of `sample` memories, `self_recall` is the share found by their own new vector among the best eleven, `overlap` the
    mean share of the old index's ten nearest that are among the new one's.
    """

    space: SpaceKey
    points: int
    expected: int
    sample: int
    self_recall: float
    overlap: float


class Degradation(StrEnum):
    """Why an answer may lack memories that would be in it on another day."""

    VIEWS_FAILED = "VIEWS_FAILED"
    LEXICAL_FROM_SQL = "LEXICAL_FROM_SQL"
    NEWEST_FROM_SQL = "NEWEST_FROM_SQL"


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

    @property
    def degradation(self) -> Degradation | None:
        """Why memories may be missing; None for an answer from every view."""
        if any(report.older_unseen for report in self.views):
            return Degradation.NEWEST_FROM_SQL
        if any(report.from_sql for report in self.views):
            return Degradation.LEXICAL_FROM_SQL
        return Degradation.VIEWS_FAILED if any(report.error for report in self.views) else None

    @property
    def returned(self) -> tuple[Hit, ...]:
        """The candidates that are part of the answer, best first."""
        return tuple(hit for hit in self.hits if hit.outcome is HitOutcome.RETURNED)

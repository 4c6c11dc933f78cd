"""What the client's methods return. Times are aware and in UTC; names of enums are lower-case words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")
HandleT = TypeVar("HandleT")


@dataclass(frozen=True, slots=True)
class Source:
    """Points at a turn that a memory came from."""

    turn_id: str
    user_id: str = ""
    agent_id: str = ""
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [start, end) of a turn's content, which a memory tells unaltered from `text_start` on."""

    turn: Source
    start: int
    end: int
    text_start: int


@dataclass(frozen=True, slots=True)
class Addition:
    """Characters [text_start, text_end) of a memory's text that nobody said.

    `kind` is `label` (who said it), `date` (in square brackets), `ellipsis`, `break` or `statement` (a model's).
    """

    kind: str
    text_start: int
    text_end: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A sentence of a source turn that was left out of a memory, and why."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What the entropy gate computed when the memory was made."""

    score: float
    new_entity_rate: float
    novelty: float
    alpha: float
    threshold: float
    surprisal: float
    kept: bool
    reason: str
    cuts: tuple[Cut, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What was said, and where it came from."""

    id: str
    memory: str
    """The text: `spans` of turns, unaltered, and `additions`."""
    kind: str = "statement"
    """`statement`, `episode` or `theme`."""
    state: str = "active"
    """`active`, `superseded`, `deleted`, `left_out` or `retired`."""
    user_id: str = ""
    agent_id: str = ""
    session_id: str = ""
    people: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    place: str = ""
    topic: str = ""
    speaker: str = ""
    event_time: datetime | None = None
    """When it was told."""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    salience: float = 0.0
    token_count: int = 0
    sources: tuple[Source, ...] = ()
    derived_from: tuple[str, ...] = ()
    """Ids of the memories it was consolidated from."""
    gate: Gate | None = None
    compressor: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None
    etag: str = ""
    superseded_by: str = ""
    """Id of the memory that took its place or says something newer."""
    superseded_at: datetime | None = None
    """When that became known, by event time."""
    conflicts_with: tuple[str, ...] = ()
    """Ids of memories that contradict it."""
    pinned: bool = False
    """Whether it is kept whatever its salience."""
    use_count: int = 0
    last_used_at: datetime | None = None
    spans: tuple[Span, ...] = ()
    """Where each part of the text was said; empty for what a caller wrote."""
    additions: tuple[Addition, ...] = ()
    """The rest of the text."""
    role: str = ""
    """Of who said it: `user`, `assistant`, `tool`, `system`; empty for what no turn says."""
    utc_offset_minutes: int | None = None
    """How far the speaker's clock was ahead of UTC at `event_time`; None when unknown."""

    @property
    def local_time(self) -> datetime | None:
        """`event_time` by the speaker's clock, in UTC where that is unknown."""
        ahead = timezone(timedelta(minutes=self.utc_offset_minutes or 0))
        return self.event_time.astimezone(ahead) if self.event_time else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit(Memory):
    """A memory that was found; scores compare within one result only."""

    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewReport:
    """How the search of one view (`dense`, `lexical`, `symbolic`) ended; `error` says why it failed."""

    view: str
    candidate_count: int
    latency_ms: float
    error: str = ""
    sub_query: int = 0
    """What was searched for: 0 the question, n the n-th sub-query of `SearchResult.planning`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """What a language model planned for a search; with an `error`, rules alone planned it."""

    sub_queries: tuple[str, ...]
    """Searched for beside the question."""
    names: tuple[str, ...]
    """Names in the question that the rules had not found."""
    start_time: datetime | None
    end_time: datetime | None
    multiple: bool
    """Whether the question asks for several things or takes several steps."""
    dropped: tuple[tuple[str, str], ...]
    """What the model proposed and was not used, each with the reason."""
    error: str
    latency_ms: float
    prompt_token_count: int
    completion_token_count: int


@dataclass(frozen=True, slots=True)
class SearchWarning:
    """Why an answer may be poorer than it would be in another setting."""

    code: str
    """EMBEDDER_LANGUAGE: the question is in a language that the service's embedding model does not know."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult(Sequence[SearchHit]):
    """The hits, best first, as a sequence; empty means that nothing matched."""

    hits: tuple[SearchHit, ...]
    context: str
    """The hits rendered for a prompt."""
    token_count: int
    """Size of `context` in cl100k_base tokens."""
    complexity: float
    """Estimated complexity of the question, in [0, 1]."""
    depth: int
    max_tokens: int
    views: tuple[ViewReport, ...]
    confidence: float = 0.0
    """How likely it is that memory holds an answer, in [0, 1]."""
    planning: Planning | None = None
    """None where rules alone planned, as asked for."""
    degraded_reason: str = ""
    """VIEWS_FAILED, LEXICAL_FROM_SQL: without its index the service searched memories by their words, or
    NEWEST_FROM_SQL: it did, and had no time for the oldest ones."""
    warnings: tuple[SearchWarning, ...] = ()

    @property
    def degraded(self) -> bool:
        """Whether a part of the service was out of reach, so that hits may be missing."""
        return bool(self.degraded_reason) or any(view.error for view in self.views)

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, index: int) -> SearchHit: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[SearchHit, ...]: ...
    def __getitem__(self, index: int | slice) -> SearchHit | tuple[SearchHit, ...]:
        return self.hits[index]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a language model answers from memory, or that it abstains."""

    text: str
    """Empty when it abstains."""
    abstained: bool
    abstain_reason: str
    """`NOTHING_RETRIEVED`, `MODEL_ABSTAINED`, `EMPTY_ANSWER` or `NO_VALID_CITATION`; empty for an answer."""
    citations: tuple[str, ...]
    """Ids of the memories that the answer rests on; each is one of `result`."""
    result: SearchResult
    """What was retrieved for it."""

    @property
    def sources(self) -> tuple[SearchHit, ...]:
        """The memories that are cited."""
        return tuple(hit for hit in self.result.hits if hit.id in self.citations)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryChange:
    """One change of a memory: `created`, `updated`, `superseded`, `deleted` or `retired`."""

    sequence: int
    kind: str
    change_time: datetime | None
    memory: Memory
    """After the change."""
    previous_text: str
    actor: str
    reason: str = ""
    """Why, in one sentence; empty for what a caller did."""
    resume_token: str = ""
    """On watched changes: where to go on after this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A message as it was ingested, and what compression did with it."""

    id: str
    role: str
    name: str
    content: str
    user_id: str
    agent_id: str
    session_id: str
    created_at: datetime | None
    metadata: Mapping[str, Any]
    ingested_at: datetime | None
    disposition: str
    """`pending`, `kept`, `merged` or `left_out`."""
    disposition_reason: str
    utc_offset_minutes: int | None = None
    """How far the speaker's clock was ahead of UTC at `created_at`; None when unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSummary:
    """What an operation changed."""

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
    abstracted_count: int = 0
    """Episodes and themes made."""
    retired_count: int = 0


@dataclass(frozen=True, slots=True)
class OperationError:
    """Why an operation, or one attempt of it, failed."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The state of a job of the service when it was asked for."""

    id: str
    kind: str
    """`compress`, `recompress`, `rewrite`, `consolidate`, `index` or `reindex`."""
    state: str
    """`queued`, `running`, `succeeded`, `failed` or `cancelled`."""
    done: bool
    progress: float
    attempt_count: int
    created_at: datetime | None
    ended_at: datetime | None
    last_error: OperationError | None
    """Why the last attempt failed, while another one is still to come."""
    error: OperationError | None
    summary: OperationSummary | None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A message that held nothing to store, by its position among those given.

    `reason` is EMPTY (no content, no tool calls), REASONING (a model's own thoughts) or REFERENCE (to an item that is
    elsewhere).
    """

    position: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddResult(Generic[HandleT]):
    """What became of added messages; the service keeps them from here on."""

    operation: HandleT | None
    """Compresses the messages; None when every one was known and done already."""
    accepted_count: int
    duplicate_count: int
    consistency_token: str
    """Pass this, or the whole result, as `after` to search what was added."""
    turn_ids: tuple[str, ...]
    """Of every turn, in order; a message with results of several tools is several turns."""
    request_id: str
    skipped: tuple[Skipped, ...] = ()
    """Messages that held nothing to store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateResult:
    """The memory after the change, and the token that makes a search wait for it."""

    memory: Memory
    consistency_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAck(Generic[HandleT]):
    """Everything up to `committed_sequence` is stored for good."""

    committed_sequence: int
    duplicate_count: int
    consistency_token: str
    operation: HandleT | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """An isolation boundary; memories never cross it."""

    id: str
    display_name: str
    created_at: datetime | None
    updated_at: datetime | None
    etag: str
    time_zone: str = ""
    """Clock of messages and questions that come with none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSettings:
    """What is set for one user of a space."""

    user_id: str
    time_zone: str = ""
    """Clock of this user's messages and questions; empty means the space's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Counts and sizes of a space; token counts are cl100k_base."""

    turn_count: int
    pending_turn_count: int
    left_out_turn_count: int
    memory_count: int
    raw_token_count: int
    stored_token_count: int
    compression_ratio: float
    pending_job_count: int
    failed_job_count: int
    oldest_pending_time: datetime | None
    unindexed_memory_count: int
    llm_redo_turn_count: int = 0
    """Turns that a language model failed to compress, and is still to."""
    llm_call_count: int = 0
    llm_prompt_token_count: int = 0
    """Tokens as the language model counts them."""
    llm_completion_token_count: int = 0
    llm_cost_usd: float = 0.0
    llm_unpriced_call_count: int = 0
    """Calls of a model without a known price, which `llm_cost_usd` leaves out."""
    unconsolidated_memory_count: int = 0
    """Active memories that consolidation has not looked at yet."""
    outdated_memory_count: int = 0
    """Memories that an earlier release worded, still to be replaced by the own words of their turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolidationDecision:
    """One thing that consolidation would do: `merge`, `supersede`, `conflict`, `abstract` or `retire`."""

    action: str
    memory_ids: tuple[str, ...]
    """The memories it acts on, by event time."""
    result: Memory | None
    """The memory that would be written, if any."""
    winner: str
    """Id of the newer memory, where others are superseded."""
    valid_to: datetime | None
    """When these would end to hold."""
    score: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolidationPreview:
    """What consolidation would do, in order; `complete` tells whether that is all there is to look at."""

    decisions: tuple[ConsolidationDecision, ...]
    examined_count: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; `next_page_token` is empty on the last."""

    items: tuple[T, ...]
    next_page_token: str

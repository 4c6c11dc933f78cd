"""What is kept: memory units, the filters over them, and the log of their changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from memsvc.types.conditions import MetadataCondition
from memsvc.types.metadata import Metadata
from memsvc.types.spaces import Scope
from memsvc.types.turns import Role, TurnOutcome, TurnRef
from memsvc.types.zones import local_time


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbolic:
    """Attributes a filter can test exactly."""

    people: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    place: str = ""
    topic: str = ""
    speaker: str = ""
    """Who said it, by name; empty when the speaker has none."""


class AdditionKind(StrEnum):
    """What memsvc put into the text of a memory beside what was said."""

    LABEL = "label"
    """Who said what follows, and the blank or line break around it."""
    DATE = "date"
    """In square brackets, the date that the expression before it means."""
    ELLIPSIS = "ellipsis"
    """Sentences were left out here."""
    BREAK = "break"
    """A blank or a line break between a heading, or a question, and what stands under it."""
    STATEMENT = "statement"
    """A sentence that a language model wrote."""


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [start, end) of a turn's content, told from character `text_start` of a memory's text on."""

    turn: TurnRef
    start: int
    end: int
    text_start: int

    @property
    def text_end(self) -> int:
        """Where it ends in the memory's text."""
        return self.text_start + self.end - self.start


@dataclass(frozen=True, slots=True)
class Addition:
    """Characters [text_start, text_end) of a memory's text that memsvc or a language model added."""

    kind: AdditionKind
    text_start: int
    text_end: int


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


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A turn near a memory's own, and what the lexical view may search of it."""

    ref: TurnRef
    text: str
    offset: int = 0
    """How many turns after the memory's own it was said; negative before it."""


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
    """The turn that it tells, then that of the question which it answers; several where it was consolidated."""
    derived_from: tuple[str, ...] = ()
    gate: Gate | None = None
    compressor: str = "caller"
    metadata: Metadata = field(default_factory=dict)
    spans: tuple[Span, ...] = ()
    """Where each part of the text was said, in order of the text; empty for what a caller wrote."""
    additions: tuple[Addition, ...] = ()
    """The rest of the text, in order. Spans and additions cover the text of a compressed memory without overlap."""
    role: Role | None = None
    """Of the newest source turn; None for what no turn says."""
    part_count: int = 1
    """How many memories its newest source turn was divided into."""
    repetition: float = 0.0
    """Share in [0, 1] of its content words that the other side had said in the turn before."""
    dense_text: str = ""
    """What the dense view embeds: the statement without speaker names."""
    lexical_text: str = ""
    """What the lexical view indexes of it: the statement, its speaker and its date in words."""
    neighbours: tuple[Neighbour, ...] = ()
    """What the lexical view indexes beside that, each under the turn that says it."""
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
    utc_offset_minutes: int | None = None
    """How far the speaker's clock was ahead of UTC at `event_time`; None when unknown."""

    @property
    def etag(self) -> str:
        """Opaque version for optimistic concurrency."""
        return f"v{self.version}"

    @property
    def local_time(self) -> datetime:
        """`event_time` by the speaker's clock, aware; in UTC when that clock is unknown."""
        return self.told_at(UTC)

    def told_at(self, zone: tzinfo) -> datetime:
        """`event_time` by the speaker's clock, by that of `zone` when it is unknown."""
        if self.utc_offset_minutes is None:
            return self.event_time.astimezone(zone)
        return local_time(self.event_time, self.utc_offset_minutes)

    @property
    def searched_text(self) -> str:
        """All that the lexical view indexes, a line for each part."""
        return searched_text(self.lexical_text, self.neighbours)

    def with_text(self, text: str, token_count: int) -> Memory:
        """Return a copy that says `text`, with views that index exactly that text."""
        told = replace(self, text=text, token_count=token_count, spans=(), additions=())
        return replace(told, dense_text=text, lexical_text=text, neighbours=())

    def without_words(self) -> Memory:
        """Return what stays of it when it is deleted: ids, kind, state and times, and nothing that was said."""
        return replace(
            self.with_text("", 0),
            symbolic=Symbolic(),
            gate=replace(self.gate, cuts=()) if self.gate else None,
            metadata={},
        )


def searched_text(own: str, neighbours: Iterable[Neighbour]) -> str:
    """What the lexical view indexes of a memory: its own text and what its neighbours say."""
    return "\n".join([own, *(neighbour.text for neighbour in neighbours)])


@dataclass(frozen=True, slots=True)
class Compression:
    """The result of compressing the pending turns of one session: every pending turn has an outcome."""

    memories: tuple[Memory, ...]
    outcomes: tuple[TurnOutcome, ...]
    redo: tuple[TurnRef, ...] = ()
    """Turns that were compressed another way because the language model failed; `outcomes` mark them too."""


LLM_FAILED = "LLM_FAILED"
"""How the reason of a turn's outcome begins when a language model is still to compress it."""
LLM_SKIPPED = "LLM_SKIPPED"
"""Reason of a turn that keeps what it has, because a caller deleted or changed a memory made of it."""


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
    metadata: MetadataCondition | None = None
    ids: frozenset[str] | None = None
    """Of these memories only; None means any."""

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
            and (self.metadata is None or self.metadata.matches(memory.metadata))
            and (self.ids is None or memory.id in self.ids)
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

"""What agents send: turns as they were ingested, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from memsvc.types.metadata import Metadata, merge_metadata
from memsvc.types.spaces import Scope
from memsvc.types.zones import local_time


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
    DELETED = "deleted"


class Priority(StrEnum):
    """How soon turns are to be compressed: somebody waits for them, or nobody."""

    INTERACTIVE = "interactive"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True)
class TurnRef:
    """Points at one ingested turn."""

    scope: Scope
    turn_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message exactly as ingested. Times are aware and in UTC, `local_time` excepted."""

    turn_id: str
    scope: Scope
    role: Role
    content: str
    event_time: datetime
    utc_offset_minutes: int | None = None
    """How far the speaker's clock was ahead of UTC at `event_time`; None when unknown."""
    speaker: str = ""
    metadata: Metadata = field(default_factory=dict)
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
    def local_time(self) -> datetime:
        """When it was said by the speaker's clock, aware; in UTC when that clock is unknown."""
        return local_time(self.event_time, self.utc_offset_minutes)

    @property
    def speaker_name(self) -> str:
        """The name the turn is told under: its speaker, else its role."""
        if self.speaker:
            return self.speaker
        return self.role.capitalize()


def merged_metadata(turns: Sequence[Turn]) -> dict[str, Any]:
    """The metadata of a memory made of `turns`, which stand in the order they were said in; see `merge_metadata`."""
    return merge_metadata([turn.metadata for turn in turns])


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """What compression did with one turn, and why."""

    ref: TurnRef
    disposition: Disposition
    reason: str


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
    told: tuple[str, ...] = ()
    """Texts of the latest memories of the same user and agent from before the first pending turn."""

    @property
    def context_refs(self) -> tuple[TurnRef, ...]:
        """The addresses of the turns before."""
        return tuple(turn.ref for turn in self.context)


@dataclass(frozen=True, slots=True)
class OutdatedTurns:
    """Turns of one session whose memories an earlier release worded, to be compressed again."""

    turns: PendingTurns
    """None pending where what was outdated next turned out to be a caller's, or where nothing is left."""
    versions: Mapping[str, int]
    """Versions of the memories that the new ones replace, by id."""
    left_count: int
    """Outdated memories of the session, these included."""

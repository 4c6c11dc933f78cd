"""Asynchronous work; callers see it as operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from memsvc.types.spaces import SpaceKey


class JobKind(StrEnum):
    """What a job (to a caller: an operation) does."""

    COMPRESS = "compress"
    CONSOLIDATE = "consolidate"
    INDEX = "index"
    REINDEX = "reindex"
    RECOMPRESS = "recompress"
    REWRITE = "rewrite"


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

    COMPRESS, RECOMPRESS, REWRITE: {"scope": [user_id, agent_id, session_id]}; INDEX: {"memory_ids": [...]};
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

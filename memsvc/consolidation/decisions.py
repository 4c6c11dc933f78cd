"""What consolidation decides. Nothing here writes: a decision says what is to be done and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from memsvc.types import Memory

NAME = "consolidation/1"
"""Name and version; the compressor of every memory that consolidation makes, with the writer's name if it has one."""
ASK_AGAIN = timedelta(minutes=10)
"""Until memories are looked at again that a judge was not there to be asked about."""


class Action(StrEnum):
    """What is to be done with memories."""

    MERGE = "merge"
    """They say the same: `Decision.result` takes their place."""
    SUPERSEDE = "supersede"
    """`Decision.winner` says something newer: their validity ends at `Decision.valid_to`."""
    CONFLICT = "conflict"
    """They contradict each other and cannot be ordered: all are kept, and marked."""
    ABSTRACT = "abstract"
    """`Decision.result` is an episode or a theme above them; they stay as they are."""
    RETIRE = "retire"
    """They are no longer worth an answer, or what they were made from is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision about memories of one user and agent."""

    action: Action
    memory_ids: tuple[str, ...]
    """The memories it acts on, by event time."""
    result: Memory | None = None
    """MERGE, ABSTRACT: the memory to write. Its id is made from theirs, `derived_from` names them, `sources` is the
    union of theirs and its validity their hull."""
    winner: str = ""
    """SUPERSEDE: id of the newer memory; a later decision may end that one in turn."""
    valid_to: datetime | None = None
    """SUPERSEDE: when the validity of `memory_ids` ends."""
    score: float = 0.0
    """Affinity or confidence, in [0, 1]."""
    reason: str = ""
    """One sentence for people: why."""


@dataclass(frozen=True, slots=True)
class Consolidation:
    """What one call decided, to be applied in order: a later decision may name the result of an earlier one.

    At most one decision ends (MERGE, SUPERSEDE, RETIRE) any one memory. A SUPERSEDE may act on the result of a MERGE of
    the same call, or have it as its winner.
    """

    decisions: tuple[Decision, ...]
    examined: tuple[str, ...]
    """Ids of the fresh memories that were looked at."""
    waiting: tuple[str, ...] = ()
    """Ids of memories, fresh ones or results, that stay fresh: somebody is to be asked about them who is away."""

"""Makes one memory of several: ids, sources, validity and text."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from memsvc.consolidation.decisions import NAME
from memsvc.consolidation.units import LAST_TOLD, SENTENCE_SOURCES, Unit, last_told
from memsvc.types import Memory, MemoryState, Scope, Symbolic, TurnRef, merge_metadata

_IDS = uuid.UUID("2f0d6c1e-52b5-5f0a-8d0b-7f6a2a1b9c55")


def merged(units: Sequence[Unit]) -> Memory:
    """One memory in the place of several that say the same.

    It says what the most informative of them says: the one with most names, numbers, dates and content words, of
    those the latest.
    """
    best = max(units, key=lambda unit: (_details(unit), unit.last_told, unit.memory.id))
    return joined([unit.memory for unit in units], best.memory)


def joined(memories: Sequence[Memory], best: Memory) -> Memory:
    """Memories that say the same as one, worded as `best` of them.

    Its event time is the first telling, its salience the highest; the views index the text of `best`.
    """
    memories = in_order(memories)
    last = max(last_told(memory) for memory in memories)
    return replace(
        best,
        id=made_id("merge", memories),
        scope=shared_scope(memories),
        event_time=memories[0].event_time,
        utc_offset_minutes=memories[0].utc_offset_minutes,
        symbolic=replace(joined_symbols(memories), place=best.symbolic.place, topic=best.symbolic.topic),
        valid_from=min((m.valid_from for m in memories if m.valid_from), default=None),
        valid_to=latest_end(memories),
        salience=max(memory.salience for memory in memories),
        sources=all_sources(memories),
        derived_from=tuple(memory.id for memory in memories),
        gate=None,
        state=MemoryState.ACTIVE,
        compressor=NAME,
        metadata={**joined_metadata(memories), LAST_TOLD: last.isoformat()},
        pinned=any(memory.pinned for memory in memories),
        use_count=sum(memory.use_count for memory in memories),
        last_use_time=max((m.last_use_time for m in memories if m.last_use_time), default=None),
        create_time=None,
        update_time=None,
        version=0,
        conflicts_with=(),
        superseded_by="",
        supersede_time=None,
    )


def made_id(kind: str, memories: Iterable[Memory]) -> str:
    """Id of what is made of memories: the same for the same memories, in any order."""
    return str(uuid.uuid5(_IDS, "\x1f".join([kind, *sorted(memory.id for memory in memories)])))


def in_order(memories: Iterable[Memory]) -> list[Memory]:
    """By event time, ties by id."""
    return sorted(memories, key=lambda memory: (memory.event_time, memory.id))


def joined_metadata(memories: Sequence[Memory]) -> dict[str, Any]:
    """The metadata of memories, which are in order, without what consolidation noted itself; the last ones win."""
    own = (LAST_TOLD, SENTENCE_SOURCES)
    return merge_metadata([{k: v for k, v in memory.metadata.items() if k not in own} for memory in memories])


def all_sources(memories: Iterable[Memory]) -> tuple[TurnRef, ...]:
    """The turns that any of them comes from, each once."""
    return tuple(dict.fromkeys(ref for memory in memories for ref in memory.sources))


def shared_scope(memories: Sequence[Memory]) -> Scope:
    """The user, the agent, and the session where it is one and the same."""
    scope = memories[0].scope
    sessions = {memory.scope.session_id for memory in memories}
    return Scope(scope.user_id, scope.agent_id, sessions.pop() if len(sessions) == 1 else "")


def joined_symbols(memories: Sequence[Memory]) -> Symbolic:
    """People and entities of all, and the speaker where it is one."""
    speakers = {memory.symbolic.speaker for memory in memories}
    return Symbolic(
        people=_unique(name for memory in memories for name in memory.symbolic.people),
        entities=_unique(name for memory in memories for name in memory.symbolic.entities),
        speaker=speakers.pop() if len(speakers) == 1 else "",
    )


def _details(unit: Unit) -> int:
    """Words that tell something: twice for names, numbers and dates."""
    telling = sum(len(claim.names) + len(claim.numbers) + len(claim.dates) for claim in unit.claims)
    return telling + len(unit.words)


def latest_end(memories: Sequence[Memory]) -> datetime | None:
    """The last stated end; none where something began and has no end."""
    if any(memory.valid_from and memory.valid_to is None for memory in memories):
        return None
    return max((memory.valid_to for memory in memories if memory.valid_to), default=None)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.casefold(), name)
    return tuple(found.values())

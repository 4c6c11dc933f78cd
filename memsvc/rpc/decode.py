"""Requests into domain types. Every function adds what it finds wrong to `violations` and goes on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from memsvc.ingest.limits import (
    EARLIEST_EVENT,
    LATEST_ASK,
    MAX_CONTENT,
    MAX_ID,
    MAX_NAME,
    MAX_NAMES,
    MAX_QUERY_DEPTH,
    MAX_QUERY_TEXT,
    MAX_QUERY_TOKENS,
)
from memsvc.ingest.validate import TurnDraft
from memsvc.ingest.violations import Violations
from memsvc.rpc.conditions import condition_of
from memsvc.rpc.enums import KIND_FROM_PROTO, PRIORITY_FROM_PROTO, ROLE_FROM_PROTO, STATE_FROM_PROTO
from memsvc.rpc.fields import enums_of, time_of
from memsvc.rpc.json_values import object_of
from memsvc.types import (
    OUT_OF_INDEX,
    AsOf,
    Memory,
    MemoryFilter,
    MemoryState,
    Priority,
    QuerySpec,
    Scope,
    Symbolic,
    utc_now,
)
from memsvc.v1 import memory_pb2, memory_service_pb2

MEMORY_UPDATES = ("text", "symbolic", "metadata", "valid_from", "valid_to", "salience", "pinned")
"""Fields of a memory that a caller may change."""
ANY_BUT_DELETED = tuple(state for state in MemoryState if state is not MemoryState.DELETED)


def scope_of(field: str, message: memory_pb2.Scope, violations: Violations) -> Scope:
    """The scope in `field`. A name that is set must not be empty; nothing else is checked."""
    for descriptor, name in message.ListFields():
        if not name:
            violations.add(f"{field}.{descriptor.name}", f"is empty; leave it unset or give 1 to {MAX_ID} characters")
    return Scope(message.user_id, message.agent_id, message.session_id)


def written_scope(message: memory_pb2.Scope, violations: Violations, *, required: bool) -> Scope:
    """The scope of a change, in the request's field `scope`."""
    scope = scope_of("scope", message, violations)
    violations.scope("scope", scope, required=required)
    return scope


def read_scope(field: str, message: memory_pb2.Scope, violations: Violations, *, whole_space: bool) -> Scope:
    """The scope of a read, in `field`: it names somebody, unless the whole space is asked for by name."""
    scope = scope_of(field, message, violations)
    violations.scope(field, scope, required=False)
    named = bool(message.ListFields())
    if whole_space and named:
        violations.add(field, "is set beside whole_space; set one of the two")
    if not whole_space and not named:
        violations.add(field, f"is empty; {_WHOSE}")
    return scope


_WHOSE = "set at least one of user_id, agent_id and session_id, or whole_space to read what is every user's"


def turn_of(path: str, message: memory_pb2.Turn, violations: Violations) -> TurnDraft:
    """The draft of a turn; only its timestamp and that no name is empty are checked here.

    Fields that the server sets are ignored.
    """
    has_time = message.HasField("event_time")
    return TurnDraft(
        turn_id=message.turn_id,
        scope=scope_of(f"{path}.scope", message.scope, violations),
        role=ROLE_FROM_PROTO.get(message.role),
        speaker=message.speaker,
        content=message.content,
        event_time=time_of(f"{path}.event_time", message.event_time, violations) if has_time else None,
        utc_offset_minutes=message.utc_offset_minutes if message.HasField("utc_offset_minutes") else None,
        metadata=object_of(f"{path}.metadata", message.metadata, violations),
    )


def priority_of(field: str, number: int, violations: Violations) -> Priority:
    """How soon ingested turns are to be compressed."""
    if number not in PRIORITY_FROM_PROTO:
        violations.add(field, f"is {number}; PRIORITY_INTERACTIVE and PRIORITY_BACKFILL are allowed, or leave it unset")
    return PRIORITY_FROM_PROTO.get(number, Priority.INTERACTIVE)


def names_of(field: str, names: Sequence[str], violations: Violations) -> tuple[str, ...]:
    """A list of people or entities."""
    if len(names) > MAX_NAMES:
        violations.add(field, f"has {len(names)} entries; at most {MAX_NAMES} are allowed")
        return ()
    for position, name in enumerate(names):
        violations.identifier(f"{field}[{position}]", name, least=1, most=MAX_NAME)
    return tuple(names)


def filter_of(
    field: str,
    message: memory_service_pb2.MemoryFilter,
    violations: Violations,
    *,
    deleted: bool,
    unscoped: bool = False,
) -> MemoryFilter:
    """A filter; no states means active only.

    `deleted` says whether it may ask for memories that no index holds, `unscoped` whether it may leave the scope out.
    """
    whole_space = message.whole_space or (unscoped and not message.scope.ListFields())
    scope = read_scope(f"{field}.scope", message.scope, violations, whole_space=whole_space)
    states = enums_of(f"{field}.states", message.states, STATE_FROM_PROTO, violations)
    for state in sorted(OUT_OF_INDEX.intersection(states) if not deleted else ()):
        violations.add(f"{field}.states", f"contains {state.upper()}, which only ListMemories accepts")
    has_start, has_end = message.HasField("start_time"), message.HasField("end_time")
    start = time_of(f"{field}.start_time", message.start_time, violations) if has_start else None
    end = time_of(f"{field}.end_time", message.end_time, violations) if has_end else None
    if start and end and start >= end:
        violations.add(f"{field}.end_time", "is not after start_time")
    has_metadata = message.HasField("metadata")
    return MemoryFilter(
        scope=scope,
        people=names_of(f"{field}.people", message.people, violations),
        entities=names_of(f"{field}.entities", message.entities, violations),
        start_time=start,
        end_time=end,
        states=states or (MemoryState.ACTIVE,),
        kinds=enums_of(f"{field}.kinds", message.kinds, KIND_FROM_PROTO, violations),
        metadata=condition_of(f"{field}.metadata", message.metadata, violations) if has_metadata else None,
    )


def deletion_filter(request: memory_service_pb2.DeleteMemoriesRequest, violations: Violations) -> MemoryFilter:
    """The filter of a deletion; no states means all but DELETED, which it may not ask for."""
    where = filter_of("filter", request.filter, violations, deleted=True, unscoped=True)
    if where.scope or request.filter.whole_space:
        field = "filter.scope" if where.scope else "filter.whole_space"
        violations.add(field, "is set beside scope, which alone says whose memories to delete")
    if MemoryState.DELETED in where.states:
        violations.add("filter.states", "contains DELETED; what is deleted cannot be deleted again")
    return where if request.filter.states else replace(where, states=ANY_BUT_DELETED)


def spec_of(message: memory_service_pb2.QuerySpec, violations: Violations) -> QuerySpec:
    """The query of a request that has it in the field `spec`."""
    violations.text("spec.text", message.text, least=1, most=MAX_QUERY_TEXT)
    if not 0 <= message.max_tokens <= MAX_QUERY_TOKENS:
        violations.add("spec.max_tokens", f"is {message.max_tokens}; 0 to {MAX_QUERY_TOKENS} are allowed")
    depth = message.depth if message.HasField("depth") else None
    if depth is not None and not 1 <= depth <= MAX_QUERY_DEPTH:
        violations.add("spec.depth", f"is {depth}; 1 to {MAX_QUERY_DEPTH} are allowed, or leave it unset")
    least = message.min_confidence if message.HasField("min_confidence") else None
    if least is not None and not 0 <= least <= 1:
        violations.add("spec.min_confidence", f"is {least}; 0 to 1 are allowed, or leave it unset")
    asked = time_of("spec.ask_time", message.ask_time, violations) if message.HasField("ask_time") else None
    if asked and not EARLIEST_EVENT <= asked <= LATEST_ASK:
        violations.add("spec.ask_time", f"lies outside of {EARLIEST_EVENT:%Y} to {LATEST_ASK:%Y}")
    where = filter_of("spec.filter", message.filter, violations, deleted=False)
    as_of = as_of_of(message, where, violations)
    violations.time_zone("spec.time_zone", message.time_zone)
    return QuerySpec(
        text=message.text,
        ask_time=asked or (as_of.valid_at if as_of else utc_now()),
        where=replace(where, as_of=as_of),
        max_tokens=message.max_tokens,
        depth=depth,
        min_confidence=least,
    )


def as_of_of(message: memory_service_pb2.QuerySpec, where: MemoryFilter, violations: Violations) -> AsOf | None:
    """The time that the query in the field `spec` looks back to, None for the present."""
    has_known = message.HasField("known_at")
    known_at = time_of("spec.known_at", message.known_at, violations) if has_known else None
    if not message.HasField("as_of"):
        if has_known:
            violations.add("spec.known_at", "is set without as_of")
        return None
    if MemoryState.SUPERSEDED in where.states:
        violations.add("spec.filter.states", "contains SUPERSEDED, which as_of decides on by itself")
    valid_at = time_of("spec.as_of", message.as_of, violations)
    return AsOf(valid_at, known_at or valid_at) if valid_at else None


def is_planned(message: memory_service_pb2.QuerySpec, violations: Violations, *, unasked: bool) -> bool:
    """Whether a language model is to plan the query in the field `spec`; `unasked` where it does not say."""
    known = {
        memory_service_pb2.QUERY_PLANNING_UNSPECIFIED: unasked,
        memory_service_pb2.QUERY_PLANNING_OFF: False,
        memory_service_pb2.QUERY_PLANNING_LLM: True,
    }
    if message.planning not in known:
        violations.add("spec.planning", f"is {message.planning}, which names nothing known")
    return known.get(message.planning, False)


def changed_memory(
    stored: Memory, message: memory_pb2.Memory, fields: frozenset[str], token_count: int, violations: Violations
) -> Memory:
    """`stored` with `fields` taken from `message`; a new text is indexed exactly as it reads.

    `token_count` is that of the message's text.
    """
    changed = stored
    if "text" in fields:
        changed = replace(changed.with_text(message.text, token_count), compressor="caller")
    if "symbolic" in fields:
        changed = replace(changed, symbolic=symbolic_of(message.symbolic))
    if "metadata" in fields:
        changed = replace(changed, metadata=object_of("memory.metadata", message.metadata, violations))
    if "salience" in fields:
        changed = replace(changed, salience=message.salience)
    if "pinned" in fields:
        changed = replace(changed, pinned=message.pinned)
    if "valid_from" in fields:
        moment = time_of("memory.valid_from", message.valid_from, violations)
        changed = replace(changed, valid_from=moment if message.HasField("valid_from") else None)
    if "valid_to" in fields:
        moment = time_of("memory.valid_to", message.valid_to, violations)
        changed = replace(changed, valid_to=moment if message.HasField("valid_to") else None)
    if changed.valid_from and changed.valid_to and changed.valid_from >= changed.valid_to:
        violations.add("memory.valid_to", "is not after valid_from")
    return changed


def check_memory_update(message: memory_pb2.Memory, fields: frozenset[str], violations: Violations) -> None:
    """Check the values that an update would set."""
    if "text" in fields:
        violations.text("memory.text", message.text, least=1, most=MAX_CONTENT)
    if "metadata" in fields:
        violations.metadata("memory.metadata", object_of("memory.metadata", message.metadata, violations))
    if "salience" in fields and not (math.isfinite(message.salience) and 0 <= message.salience <= 1):
        violations.add("memory.salience", "is not a number in [0, 1]")
    if "symbolic" in fields:
        names_of("memory.symbolic.people", message.symbolic.people, violations)
        names_of("memory.symbolic.entities", message.symbolic.entities, violations)
        violations.identifier("memory.symbolic.place", message.symbolic.place, most=MAX_NAME)
        violations.identifier("memory.symbolic.topic", message.symbolic.topic, most=MAX_NAME)
        violations.identifier("memory.symbolic.speaker", message.symbolic.speaker, most=MAX_NAME)


def symbolic_of(message: memory_pb2.SymbolicView) -> Symbolic:
    """The symbolic view, unchecked."""
    return Symbolic(
        people=tuple(message.people),
        entities=tuple(message.entities),
        place=message.place,
        topic=message.topic,
        speaker=message.speaker,
    )

"""What becomes of memories that were made from others, when those were deleted, corrected or replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from memsvc.consolidation.decisions import Action, Decision
from memsvc.consolidation.merging import in_order, joined
from memsvc.consolidation.params import ConsolidationParams
from memsvc.consolidation.synthesis import abstract
from memsvc.consolidation.units import last_told
from memsvc.ports import TokenCounter, Vectors
from memsvc.types import Memory, MemoryKind, MemoryState

_MAX_STEPS = 1_000
"""Replacements that are followed from one memory on."""


def recast(
    derived: Sequence[Memory],
    inputs: Mapping[str, Memory],
    vectors: Mapping[str, Vectors],
    tokens: TokenCounter,
    params: ConsolidationParams,
) -> tuple[Decision, ...]:
    """Decide about memories whose inputs changed: retire them, and make them anew of what is left.

    A merged memory is made of those of its inputs that were not deleted. An episode or theme is made of the ACTIVE
    memories that its children are or were replaced by; with too few of them it is retired alone.

    Args:
        derived: ACTIVE merged memories, episodes and themes, episodes before themes.
        inputs: what their `derived_from` names, and what replaced it, in any state; deleted ones may be left out.
        vectors: unit vectors of shape [dimension] of the ACTIVE inputs, by id.
        tokens: the tokenizer that budgets are given in.
        params: constants.
    """
    decisions: list[Decision] = []
    for memory in derived:
        if memory.kind is MemoryKind.STATEMENT:
            decisions += _merge_again(memory, inputs)
        else:
            decisions += _abstract_again(memory, inputs, vectors, tokens, params)
    return tuple(decisions)


def _merge_again(memory: Memory, inputs: Mapping[str, Memory]) -> list[Decision]:
    alive = [found for i in memory.derived_from if (found := inputs.get(i)) and found.state is not MemoryState.DELETED]
    if len(alive) == len(memory.derived_from):
        return []
    retired = _retire(memory, f"{len(memory.derived_from) - len(alive)} of the memories it was made from are gone.")
    if not alive:
        return [retired]
    worded = [found for found in alive if found.text == memory.text] or alive
    result = joined(alive, max(worded, key=lambda found: (last_told(found), found.id)))
    again = Decision(
        action=Action.MERGE,
        memory_ids=result.derived_from,
        result=result,
        score=1.0,
        reason="Made anew of the memories that are left.",
    )
    return [retired, again]


def _abstract_again(
    memory: Memory,
    inputs: Mapping[str, Memory],
    vectors: Mapping[str, Vectors],
    tokens: TokenCounter,
    params: ConsolidationParams,
) -> list[Decision]:
    found = {current.id: current for i in memory.derived_from if (current := successor(i, inputs)) is not None}
    children = in_order(child for child in found.values() if child.id in vectors)
    if tuple(child.id for child in children) == memory.derived_from:
        return []
    retired = _retire(memory, "What it was made from has changed.")
    smallest = params.episode_size if memory.kind is MemoryKind.EPISODE else params.theme_size
    result = abstract(memory.kind, children, vectors, tokens, params) if len(children) >= smallest - 1 else None
    if result is None or len(children) < 2:
        return [retired]
    again = Decision(
        action=Action.ABSTRACT,
        memory_ids=result.derived_from,
        result=result,
        score=1.0,
        reason="Made anew after what it was made from changed.",
    )
    return [retired, again]


def successor(memory_id: str, inputs: Mapping[str, Memory]) -> Memory | None:
    """The ACTIVE memory that a memory is, or was replaced by; None where there is none."""
    for _ in range(_MAX_STEPS):
        memory = inputs.get(memory_id)
        if memory is None or memory.state is MemoryState.ACTIVE:
            return memory
        if memory.state is not MemoryState.SUPERSEDED or not memory.superseded_by:
            return None
        memory_id = memory.superseded_by
    return None


def _retire(memory: Memory, reason: str) -> Decision:
    return Decision(action=Action.RETIRE, memory_ids=(memory.id,), score=1.0, reason=reason)

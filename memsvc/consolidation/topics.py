"""The topic tree: episodes above statements, themes above episodes, kept true as statements come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import numpy as np

from memsvc.consolidation.cascade import recast
from memsvc.consolidation.clusters import clusters
from memsvc.consolidation.decisions import Action, Decision
from memsvc.consolidation.merging import in_order
from memsvc.consolidation.params import ConsolidationParams
from memsvc.consolidation.synthesis import abstract, centroid
from memsvc.ports import TokenCounter, Vectors
from memsvc.types import Memory, MemoryKind

Reword = Callable[[Sequence[Decision], Mapping[str, Memory]], Awaitable[list[Decision]]]
"""Decisions, and the memories they act on by id, to the same decisions with their results in other words."""


async def grow(
    memories: Mapping[str, Memory],
    vectors: Mapping[str, Vectors],
    tokens: TokenCounter,
    params: ConsolidationParams,
    reword: Reword | None = None,
) -> list[Decision]:
    """Decide about the tree over `memories`, which hold every memory of the pool as it will be, by id.

    Episodes and themes whose children ended are made anew or retired first; one with a child outside the pool is left
    alone. Then statements without an episode are clustered, and episodes, reworded by then, without a theme.
    """
    decisions: list[Decision] = []
    placed = dict(vectors)
    current = dict(memories)
    for kind in (MemoryKind.EPISODE, MemoryKind.THEME):
        found = await asyncio.to_thread(_level, kind, current, placed, tokens, params)
        if reword is not None:
            found = await reword(found, current)
        decisions += found
        gone = {i for d in found if d.action is Action.RETIRE for i in d.memory_ids}
        current = {i: m for i, m in current.items() if i not in gone}
        for memory in (d.result for d in found if d.result is not None):
            current[memory.id] = memory
            placed[memory.id] = centroid([placed[child] for child in memory.derived_from])
    return decisions


def _level(
    kind: MemoryKind,
    current: Mapping[str, Memory],
    placed: Mapping[str, Vectors],
    tokens: TokenCounter,
    params: ConsolidationParams,
) -> list[Decision]:
    """Decide about the episodes, or the themes, over the memories as they are by now."""
    episodes = kind is MemoryKind.EPISODE
    below = MemoryKind.STATEMENT if episodes else MemoryKind.EPISODE
    known = in_order(m for m in current.values() if m.kind is kind and m.state == "active")
    active = {m.id: placed[m.id] for m in current.values() if m.state == "active" and m.id in placed}
    changed = [m for m in known if all(child in current for child in m.derived_from)]
    decisions = list(recast(changed, current, active, tokens, params))
    gone = {i for d in decisions if d.action is Action.RETIRE for i in d.memory_ids}
    made = [d.result for d in decisions if d.result is not None]
    covered = {child for m in [*known, *made] if m.id not in gone for child in m.derived_from}
    free = in_order(
        m
        for m in current.values()
        if m.kind is below and m.state == "active" and m.id in placed and m.id not in covered
    )
    smallest = params.episode_size if episodes else params.theme_size
    return decisions + _new(kind, free, placed, smallest, tokens, params)


def _new(
    kind: MemoryKind,
    free: Sequence[Memory],
    vectors: Mapping[str, Vectors],
    smallest: int,
    tokens: TokenCounter,
    params: ConsolidationParams,
) -> list[Decision]:
    if len(free) < smallest:
        return []
    stacked = np.stack([vectors[memory.id] for memory in free])
    decisions = []
    for members in clusters(free, stacked, smallest, params):
        children = [free[i] for i in members]
        result = abstract(kind, children, vectors, tokens, params)
        if result is not None:
            middle = centroid([vectors[child.id] for child in children])
            decisions.append(
                Decision(
                    action=Action.ABSTRACT,
                    memory_ids=result.derived_from,
                    result=result,
                    score=round(max(0.0, float((stacked[members] @ middle).mean())), 4),
                    reason=f"{len(children)} memories lie close together in meaning and time.",
                )
            )
    return decisions

"""The consolidator: fresh memories and those near them, to decisions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import numpy as np
from cachetools import LRUCache

from memsvc.consolidation.decay import faded
from memsvc.consolidation.decisions import NAME, Action, Consolidation, Decision
from memsvc.consolidation.doubts import Judge, doubts, rule, unsettled
from memsvc.consolidation.frames import Wordings
from memsvc.consolidation.merging import in_order, merged
from memsvc.consolidation.params import ConsolidationParams
from memsvc.consolidation.reading import plain_text
from memsvc.consolidation.succession import Group, Succession, succeed
from memsvc.consolidation.topics import grow
from memsvc.consolidation.units import Look, Unit, look
from memsvc.consolidation.writing import Wording, Writer
from memsvc.ports import Analyzer, Embedder, TokenCounter, Vectors
from memsvc.types import Memory, MemoryKind, MemoryState, SpaceKey

KEPT_READINGS = 20_000
"""Readings that are kept for when a memory comes back as a neighbour; about 2 kB each."""


class Consolidator:
    """Decides what becomes of fresh memories; deterministic for the same input, in any order.

    Args:
        analyzer: tags, parse and entities.
        tokens: the tokenizer that budgets are given in.
        embedder: of the wording around fillings; without one, relations outside the lexicon are not compared.
        judge: decides what the rules leave open; None leaves it open.
        writer: words episodes and themes; without one they quote what they were made from.
        params: constants.
    """

    def __init__(
        self,
        *,
        analyzer: Analyzer,
        tokens: TokenCounter,
        embedder: Embedder | None = None,
        judge: Judge | None = None,
        writer: Writer | None = None,
        params: ConsolidationParams | None = None,
    ) -> None:
        self._analyzer = analyzer
        self._tokens = tokens
        self._embedder = embedder
        self._judge = judge
        self._params = params = params or ConsolidationParams()
        self._wording = Wording(writer, analyzer=analyzer, tokens=tokens, params=params) if writer else None
        self._frames: LRUCache[str, Vectors] = LRUCache(KEPT_READINGS)
        self._read: LRUCache[tuple[object, ...], Look] = LRUCache(KEPT_READINGS)

    @property
    def name(self) -> str:
        """Name and version."""
        return NAME

    async def consolidate(
        self,
        fresh: Sequence[Memory],
        known: Sequence[Memory],
        vectors: Mapping[str, Vectors],
        *,
        now: datetime,
        space: SpaceKey | None = None,
        topics: bool = True,
    ) -> Consolidation:
        """Decide about memories of one user and agent.

        Args:
            fresh: ACTIVE memories that were not examined yet.
            known: ACTIVE memories near them, earlier results included; those that are fresh too are ignored.
            vectors: unit vectors of shape [dimension] for every one of them, by id.
            now: the time at which salience is judged.
            space: on whose account judge and writer are asked; without one they are not.
            topics: whether to decide about episodes and themes.

        Raises:
            ValueError: the memories are not all of one user and agent, or a vector is missing.
        """
        new = {memory.id for memory in fresh}
        pool = in_order([*fresh, *(memory for memory in known if memory.id not in new)])
        _check(pool, vectors)
        statements = [memory for memory in pool if memory.kind is MemoryKind.STATEMENT]
        looks = await self._looks(statements)
        units = [
            Unit(memory, vectors[memory.id], memory.id in new, seen)
            for memory, seen in zip(statements, looks, strict=True)
        ]
        told = await self._succession(units)
        waiting = await self._judged(told, space)
        decisions, placed = await asyncio.to_thread(self._settled, told, vectors)
        if topics:
            reword = partial(self._wording.reword, space) if self._wording is not None and space is not None else None
            decisions += await grow(_applied(pool, decisions), placed, self._tokens, self._params, reword)
        decisions += self._fading(pool, decisions, now)
        return Consolidation(tuple(decisions), tuple(sorted(new - waiting)), tuple(sorted(waiting)))

    async def _judged(self, told: Succession, space: SpaceKey | None) -> set[str]:
        """Do what the judge says about what is open; return what stands for groups that it is to be asked about."""
        if self._judge is None or space is None or not (asked := doubts(told, self._params)):
            return set()
        verdicts = await self._judge.judge(space, [doubt.memories for doubt in asked])
        rule(told, asked, verdicts.relations)
        open_groups = unsettled(told, (asked[number] for number in verdicts.unheard))
        return {merged(g.members).id if _repeats(g) else g.members[0].memory.id for g in open_groups}

    async def _looks(self, memories: Sequence[Memory]) -> list[Look]:
        """Read memories; those of earlier calls come back as neighbours, and are not read again."""
        keys = [_reading_key(memory) for memory in memories]
        kept = {key: self._read[key] for key in keys if key in self._read}  # calls may run side by side
        unread = [i for i, key in enumerate(keys) if key not in kept]
        analyses = await self._analyzer.analyze([plain_text(memories[i]) for i in unread])
        new = await asyncio.to_thread(lambda: [look(memories[i], a) for i, a in zip(unread, analyses, strict=True)])
        found = {keys[i]: seen for i, seen in zip(unread, new, strict=True)}
        self._read.update(found)
        return [found[key] if key in found else kept[key] for key in keys]

    async def _succession(self, units: Sequence[Unit]) -> Succession:
        """Work through the memories; frames are embedded once some comparison asks for them."""
        wordings = Wordings()
        while True:
            told = await asyncio.to_thread(succeed, units, self._params, wordings)
            if self._embedder is None or not wordings.missing:
                return told
            texts = sorted(wordings.missing)
            wordings.missing.clear()
            wordings.vectors.update(await self._wordings(self._embedder, texts))

    async def _wordings(self, embedder: Embedder, texts: Sequence[str]) -> dict[str, Vectors]:
        found = {text: self._frames[text] for text in texts if text in self._frames}
        new = [text for text in texts if text not in found]
        if new:
            found |= dict(zip(new, await embedder.embed(new), strict=True))
            self._frames.update({text: found[text] for text in new})
        return found

    def _settled(self, told: Succession, vectors: Mapping[str, Vectors]) -> tuple[list[Decision], dict[str, Vectors]]:
        """What becomes of statements, and the vectors of the pool with those of merged memories."""
        results = {id(group): merged(group.members) for group in told.groups if _repeats(group)}
        merges = [group for group in told.groups if id(group) in results]
        decisions = [_merge(group, results[id(group)]) for group in merges]
        decisions += _closings(told, results)
        decisions += _conflicts(told, results)
        new = {results[id(group)].id: _vector(group, results[id(group)]) for group in merges}
        return decisions, {**vectors, **new}

    def _fading(self, pool: Sequence[Memory], decisions: Sequence[Decision], now: datetime) -> list[Decision]:
        gone = {memory_id for decision in decisions for memory_id in _ended(decision)}
        return [
            Decision(action=Action.RETIRE, memory_ids=(memory.id,), score=score, reason=reason)
            for memory, score, reason in faded([m for m in pool if m.id not in gone], now, self._params)
        ]


def _reading_key(memory: Memory) -> tuple[object, ...]:
    """All that a reading depends on."""
    return plain_text(memory), memory.text, memory.symbolic.speaker, memory.event_time


def _check(pool: Sequence[Memory], vectors: Mapping[str, Vectors]) -> None:
    owners = {(memory.scope.user_id, memory.scope.agent_id) for memory in pool}
    if len(owners) > 1:
        raise ValueError(f"memories of {len(owners)} users or agents; consolidation works within one")
    if missing := [memory.id for memory in pool if memory.id not in vectors]:
        raise ValueError(f"vectors: none for memory {missing[0]}")


def _repeats(group: Group) -> bool:
    return len(group.members) > 1 and group.is_fresh


def _final(group: Group, results: Mapping[int, Memory]) -> str:
    """Id of what stands for a group: its merged memory, or its only one."""
    return results[id(group)].id if id(group) in results else group.members[0].memory.id


def _merge(group: Group, result: Memory) -> Decision:
    count = len(group.members)
    total = np.sum([unit.vector for unit in group.members], axis=0)
    mean_cosine = (float(total @ total) - count) / (count * (count - 1))
    return Decision(
        action=Action.MERGE,
        memory_ids=result.derived_from,
        result=result,
        score=round(min(max(mean_cosine, 0.0), 1.0), 4),
        reason=f"{count} memories say the same.",
    )


def _closings(told: Succession, results: Mapping[int, Memory]) -> list[Decision]:
    return [
        Decision(
            action=Action.SUPERSEDE,
            memory_ids=(_final(group, results),),
            winner=_final(group.closed_by.winner, results),
            valid_to=group.closed_by.valid_to,
            score=1.0,
            reason=group.closed_by.reason,
        )
        for group in told.groups
        if group.closed_by is not None
    ]


def _conflicts(told: Succession, results: Mapping[int, Memory]) -> list[Decision]:
    open_ones = [d for d in told.disputes if d.first.closed_by is None and d.second.closed_by is None]
    return [
        Decision(
            action=Action.CONFLICT,
            memory_ids=(_final(dispute.first, results), _final(dispute.second, results)),
            score=0.5,
            reason=dispute.reason,
        )
        for dispute in open_ones
    ]


def _applied(pool: Sequence[Memory], decisions: Sequence[Decision]) -> dict[str, Memory]:
    """The pool as it will be after the decisions, by id, merged memories included."""
    current = {memory.id: memory for memory in pool}
    for decision in decisions:
        if decision.action is Action.MERGE and decision.result is not None:
            current[decision.result.id] = decision.result
        if decision.action in (Action.MERGE, Action.SUPERSEDE):
            by = decision.winner or (decision.result.id if decision.result else "")
            for memory_id in decision.memory_ids:
                current[memory_id] = replace(current[memory_id], state=MemoryState.SUPERSEDED, superseded_by=by)
    return current


def _ended(decision: Decision) -> tuple[str, ...]:
    ends = (Action.MERGE, Action.SUPERSEDE, Action.RETIRE)
    return decision.memory_ids if decision.action in ends else ()


def _vector(group: Group, result: Memory) -> Vectors:
    """The vector of the member whose text the result has."""
    return next(unit.vector for unit in group.members if unit.memory.text == result.text)

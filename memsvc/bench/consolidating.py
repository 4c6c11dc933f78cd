"""A store in memory that compresses turns, consolidates them and applies the decisions, as the service does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from memsvc.bench.updates import Said
from memsvc.consolidation.cascade import recast
from memsvc.consolidation.consolidator import Consolidator
from memsvc.consolidation.decisions import Action, Decision
from memsvc.consolidation.params import ConsolidationParams
from memsvc.ports import Compressor, Embedder, TokenCounter, Vectors
from memsvc.types import Memory, MemoryKind, MemoryState, PendingTurns, Role, Scope, SpaceKey, Turn

NEIGHBOURS = 16
"""Nearest known memories that each fresh one brings along."""
_SPACE = SpaceKey("bench", "consolidation")


class ConsolidatedStore:
    """Memories of one user. `said` tells which turn each statement was made from."""

    def __init__(
        self,
        user: str,
        *,
        compressor: Compressor,
        embedder: Embedder,
        consolidator: Consolidator,
        tokens: TokenCounter,
        params: ConsolidationParams,
    ) -> None:
        self._user = user
        self._compressor = compressor
        self._embedder = embedder
        self._consolidator = consolidator
        self._tokens = tokens
        self._params = params
        self._calls = 0
        self._vectors: dict[str, Vectors] = {}
        self.memories: dict[str, Memory] = {}
        self.said: dict[str, Said] = {}

    async def tell(self, turns: Sequence[Said], speaker: str) -> None:
        """Compress turns of one session, and consolidate what they became."""
        self._calls += 1
        scope = Scope(self._user, "", f"session {self._calls}")
        pending = tuple(
            Turn(
                turn_id=f"turn {i}",
                scope=scope,
                role=Role.USER,
                content=turn.content,
                event_time=turn.time,
                speaker=speaker,
            )
            for i, turn in enumerate(turns)
        )
        compression = await self._compressor.compress(_SPACE, PendingTurns((), pending, frozenset()))
        fresh = [memory for memory in compression.memories if memory.state is MemoryState.ACTIVE]
        for memory in fresh:
            self.said[memory.id] = turns[int(memory.sources[-1].turn_id.split()[1])]
        await self._keep(fresh)
        if fresh:
            vectors = np.stack([self._vectors[memory.id] for memory in fresh])
            known = self._near(vectors, {memory.id for memory in fresh})
            done = await self._consolidator.consolidate(fresh, known, self._vectors, now=turns[-1].time, space=_SPACE)
            await self.apply(done.decisions)

    async def apply(self, decisions: Iterable[Decision]) -> None:
        """Apply decisions in order, then decide anew about what was made from what they ended."""
        ended: set[str] = set()
        for decision in decisions:
            if decision.result is not None:
                await self._keep([decision.result])
            if decision.action in (Action.MERGE, Action.SUPERSEDE, Action.RETIRE):
                for memory_id in decision.memory_ids:
                    self.memories[memory_id] = self._end(self.memories[memory_id], decision)
                ended |= set(decision.memory_ids)
        await self._cascade(ended)

    async def delete(self, memory_ids: Iterable[str]) -> None:
        """Delete memories, as a caller would."""
        gone = set(memory_ids)
        for memory_id in gone:
            self.memories[memory_id] = replace(self.memories[memory_id], state=MemoryState.DELETED)
        await self._cascade(gone)

    def active(self) -> list[Memory]:
        """What a query may return."""
        return [memory for memory in self.memories.values() if memory.state is MemoryState.ACTIVE]

    def stands_for(self, memory_id: str) -> Memory:
        """The merged memory that a statement became part of in the end, or itself."""
        memory = self.memories[memory_id]
        while memory.superseded_by and memory.id in self.memories[memory.superseded_by].derived_from:
            memory = self.memories[memory.superseded_by]
        return memory

    async def _cascade(self, ended: set[str]) -> None:
        touched = [m for m in self.active() if ended & set(m.derived_from)]
        if touched:
            touched.sort(key=lambda m: (m.kind is MemoryKind.THEME, m.kind is MemoryKind.EPISODE, m.id))
            alive = {m.id: self._vectors[m.id] for m in self.active()}
            decisions = recast(touched, self.memories, alive, self._tokens, self._params)
            await self.apply(decisions)

    def _end(self, memory: Memory, decision: Decision) -> Memory:
        if decision.action is Action.RETIRE:
            return replace(memory, state=MemoryState.RETIRED)
        by = decision.winner or (decision.result.id if decision.result else "")
        return replace(
            memory,
            state=MemoryState.SUPERSEDED,
            superseded_by=by,
            supersede_time=self.memories[by].event_time,
            valid_to=decision.valid_to or memory.valid_to,
        )

    async def _keep(self, memories: Sequence[Memory]) -> None:
        if memories:
            vectors = await self._embedder.embed([memory.dense_text for memory in memories])
            for memory, vector in zip(memories, vectors, strict=True):
                self.memories[memory.id] = memory
                self._vectors[memory.id] = vector

    def _near(self, vectors: Vectors, but: set[str]) -> list[Memory]:
        """The `NEIGHBOURS` ACTIVE memories nearest to each vector."""
        others = [memory for memory in self.active() if memory.id not in but]
        if not others:
            return []
        cosines = vectors @ np.stack([self._vectors[memory.id] for memory in others]).T
        best = np.argsort(-cosines, axis=1, kind="stable")[:, :NEIGHBOURS]
        return [others[i] for i in sorted(set(best.ravel().tolist()))]

"""Consolidation of what compression and callers wrote, some fresh memories at a time.

Each batch is decided on, applied in one transaction that also marks it as done, and indexed; a job that is stopped
anywhere goes on with what is still fresh.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Protocol

from cachetools import TTLCache

from memsvc.consolidation.decisions import ASK_AGAIN, Consolidation, Decision
from memsvc.errors import MemsvcError, Reason, StaleEtag, Unavailable
from memsvc.jobs.giving_way import STINT_SECONDS, Stint, Unfinished, share
from memsvc.jobs.indexer import Indexes
from memsvc.ports import Embedder, VectorIndex, Vectors
from memsvc.storage.consolidating import Applied
from memsvc.types import Job, JobSummary, Memory, MemoryFilter, Page, Scope, SpaceKey, utc_now

BATCH = 64
"""Fresh memories decided on at once."""
NEIGHBOURS = 10
"""Nearest memories of each that are looked at with it."""
SEARCHES = 8
"""Searches under way at once: queries must get between."""
WAITING = 100_000
"""Memories known to wait for a judge, at most, so that they are not decided on again and again in the meantime."""
MOST_LOST = 3
"""Batches in a row all of whose memories were changed meanwhile, until the others get their turn."""
PREVIEW = 1_000
"""Fresh memories that a preview looks at, at most."""


class ConsolidationLog(Protocol):
    """The memories that consolidation reads, and its one write."""

    async def owners(self, space: SpaceKey, scope: Scope) -> list[Scope]:
        """Users and agents within `scope` that have fresh memories. Raises NotFound for the space."""
        ...

    async def unconsolidated(
        self, space: SpaceKey, owner: Scope, *, limit: int, cursor: str | None = None
    ) -> Page[Memory]:
        """List the owner's ACTIVE memories whose version was not examined yet, the first created first."""
        ...

    async def active(self, space: SpaceKey, owner: Scope, memory_ids: Sequence[str]) -> list[Memory]:
        """Return those of the memories that are ACTIVE and the owner's, by event time."""
        ...

    async def above(self, space: SpaceKey, owner: Scope, memory_ids: Sequence[str]) -> list[str]:
        """Return ids of the owner's ACTIVE episodes and themes that stand above any of the memories."""
        ...

    async def rival(self, job: Job, owner: Scope) -> str | None:
        """Return the id of a job that consolidates the owner's memories now and was queued before `job`, or None."""
        ...

    async def consolidate(
        self, space: SpaceKey, job: Job, owner: Scope, read: Sequence[Memory], consolidation: Consolidation
    ) -> Applied:
        """Apply the decisions, mark what was examined and defer an INDEX job, in one transaction. Raises LeaseLost.

        What waits stays fresh, and a job that looks at it again is deferred.
        """
        ...


class Consolidates(Protocol):
    """What decides."""

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
        """Decide about memories of one user and agent of the space; the same for the same input."""
        ...


@dataclass(frozen=True, slots=True)
class Preview:
    """What consolidation would do."""

    decisions: tuple[Decision, ...]
    examined_count: int
    complete: bool
    """Whether there is no more to look at."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What was decided on, and the decisions."""

    read: tuple[Memory, ...]
    consolidation: Consolidation


class MemoryConsolidation:
    """Decides about fresh memories beside their neighbours in the index; of topics only where `topics` is set."""

    def __init__(
        self,
        *,
        log: ConsolidationLog,
        index: VectorIndex,
        embedder: Embedder,
        consolidator: Consolidates,
        topics: bool,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.log = log
        self._index = index
        self._embedder = embedder
        self._consolidator = consolidator
        self._topics = topics
        self._clock = clock

    async def decide(self, space: SpaceKey, owner: Scope, fresh: Sequence[Memory]) -> _Batch:
        """Decide about `fresh`, which are the owner's; nothing is written."""
        vectors = await self._vectors(space, fresh)
        near = await self._neighbours(space, owner, vectors)
        if self._topics:
            near |= set(await self.log.above(space, owner, sorted(near | vectors.keys())))
        known = await self.log.active(space, owner, sorted(near - vectors.keys()))
        vectors |= await self._vectors(space, known)
        decided = await self._consolidator.consolidate(
            fresh, known, vectors, now=self._clock(), space=space, topics=self._topics
        )
        return _Batch((*fresh, *known), decided)

    async def preview(self, space: SpaceKey, scope: Scope) -> Preview:
        """Decide about every fresh memory within `scope`, up to `PREVIEW` of them. Raises NotFound for the space."""
        decisions: list[Decision] = []
        examined = 0
        async for owner, fresh in self._everything(space, scope):
            if examined + len(fresh) > PREVIEW:
                return Preview(tuple(decisions), examined, complete=False)
            decisions += (await self.decide(space, owner, fresh)).consolidation.decisions
            examined += len(fresh)
        return Preview(tuple(decisions), examined, complete=True)

    async def _everything(self, space: SpaceKey, scope: Scope) -> AsyncIterator[tuple[Scope, tuple[Memory, ...]]]:
        for owner in await self.log.owners(space, scope):
            cursor: str | None = None
            while True:
                page = await self.log.unconsolidated(space, owner, limit=BATCH, cursor=cursor)
                if page.items:
                    yield owner, page.items
                cursor = page.cursor
                if cursor is None:
                    break

    async def _vectors(self, space: SpaceKey, memories: Sequence[Memory]) -> dict[str, Vectors]:
        """Unit vectors from the index; what is not in it yet is embedded."""
        if not memories:
            return {}
        found = await self._index.vectors(space, [memory.id for memory in memories])
        missing = [memory for memory in memories if memory.id not in found]
        if missing:
            embedded = await self._embedder.embed([memory.dense_text for memory in missing])
            found |= {memory.id: vector for memory, vector in zip(missing, embedded, strict=True)}
        return found

    async def _neighbours(self, space: SpaceKey, owner: Scope, vectors: Mapping[str, Vectors]) -> set[str]:
        where = MemoryFilter(scope=owner, exact_owner=True)
        turns = asyncio.Semaphore(SEARCHES)

        async def near(vector: Vectors) -> list[str]:
            async with turns:
                hits = await self._index.search_dense(space, vector, where, limit=NEIGHBOURS + 1)
            return [hit.memory_id for hit in hits]

        found = await asyncio.gather(*(near(vector) for vector in vectors.values()))
        return {memory_id for ids in found for memory_id in ids}


class ConsolidateHandler:
    """Consolidates the fresh memories of one user and agent, or of everybody within a scope."""

    def __init__(
        self, consolidation: MemoryConsolidation, *, indexer: Indexes, stint_seconds: float = STINT_SECONDS
    ) -> None:
        self._consolidation = consolidation
        self._log = consolidation.log
        self._indexer = indexer
        self._stint_seconds = stint_seconds
        # Forgotten long before the deferred job is due, by whatever clock.
        self._waiting: TTLCache[tuple[SpaceKey, str], None] = TTLCache(WAITING, ASK_AGAIN.total_seconds() / 2)

    async def __call__(self, job: Job, progress: Callable[[float], Awaitable[None]]) -> JobSummary | Unfinished:
        """Go from one user and agent to the next, batch by batch, until nothing is fresh.

        A user and agent whose memories an older job consolidates, or were changed `MOST_LOST` times while they were
        looked at, come last. The job gives way only after a batch that got on.

        Raises:
            Unavailable: CONSOLIDATION_RUNNING: all that is left is under way in an older job.
            StaleEtag: all that is left is changed faster than it can be looked at.
        """
        stint, got_on = Stint(job, self._stint_seconds), False
        left: list[MemsvcError] = []
        if "owner" in job.payload:
            owners = [Scope(*job.payload["owner"])]
        else:
            owners = await self._log.owners(job.space, Scope(*job.payload["scope"]))
        summary = job.summary or JobSummary()
        for done, owner in enumerate(owners):
            lost = 0
            while fresh := await self._fresh(job.space, owner, share(job, BATCH)):
                if got_on and stint.is_over:
                    return Unfinished(summary)
                if rival := await self._log.rival(job, owner):
                    left.append(_under_way(rival))
                    break
                batch, moved_on = await self._consolidate(job, owner, fresh)
                summary = _sum(summary, batch)
                await progress((done + 0.5) / len(owners))
                got_on = got_on or moved_on
                lost = 0 if moved_on else lost + 1
                if lost == MOST_LOST:
                    left.append(_ever_changing(len(fresh)))
                    break
        if not left:
            return summary
        if got_on:
            return Unfinished(summary)
        raise next((error for error in left if isinstance(error, Unavailable)), left[0])

    async def _consolidate(self, job: Job, owner: Scope, fresh: Sequence[Memory]) -> tuple[JobSummary, bool]:
        """Consolidate one batch; return what became of it, and whether what is fresh next is something else."""
        space = job.space
        # What is not in the index yet would not be found beside the others of its batch.
        indexed = await self._index(space, [memory.id for memory in fresh])
        batch = await self._consolidation.decide(space, owner, fresh)
        applied = await self._log.consolidate(space, job, owner, batch.read, batch.consolidation)
        indexed += await self._index(space, applied.changed)
        waiting = batch.consolidation.waiting
        self._waiting.update(((space, memory_id), None) for memory_id in waiting)
        return replace(applied.summary, indexed_count=indexed), bool(applied.marked_count or waiting)

    async def _fresh(self, space: SpaceKey, owner: Scope, limit: int) -> list[Memory]:
        """Up to `limit` fresh memories, the first that are not known to wait for a judge."""
        cursor: str | None = None
        while True:
            page = await self._log.unconsolidated(space, owner, limit=limit, cursor=cursor)
            found = [memory for memory in page.items if (space, memory.id) not in self._waiting]
            if found or page.cursor is None:
                return found
            cursor = page.cursor

    async def _index(self, space: SpaceKey, memory_ids: Sequence[str]) -> int:
        return sum([count async for count in self._indexer.index(space, memory_ids)]) if memory_ids else 0


def _under_way(job_id: str) -> Unavailable:
    return Unavailable(
        f"operation {job_id} consolidates the same memories",
        reason=Reason.CONSOLIDATION_RUNNING,
        metadata={"operation": job_id},
    )


def _ever_changing(count: int) -> StaleEtag:
    return StaleEtag(f"{count} memories were changed while they were looked at, {MOST_LOST} times in a row")


def _sum(one: JobSummary, other: JobSummary) -> JobSummary:
    return JobSummary(**{f.name: getattr(one, f.name) + getattr(other, f.name) for f in fields(JobSummary)})

"""What a worker does for each kind of job. A handler may be stopped anywhere and run again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol, TypeAlias

from memsvc.errors import TurnsDeleted
from memsvc.jobs.consolidation import ConsolidateHandler, MemoryConsolidation
from memsvc.jobs.counting import counted
from memsvc.jobs.giving_way import STINT_SECONDS, Stint, Unfinished, share
from memsvc.jobs.indexer import Indexes
from memsvc.jobs.rewriting import RewriteHandler, RewriteLog
from memsvc.ports import Compressor, MemoryLog, Recompressor, TurnLog
from memsvc.types import Job, JobKind, JobSummary, Scope, SpaceKey

WINDOW_TURNS = 256
"""Turns compressed and committed at once."""

REDO_TURNS = 10
"""Turns that are compressed again at once: what one question to a language model holds."""

CONTEXT_TURNS = 12
"""Turns before the first pending one: a window of ten for novelty, two more for references."""

Progress: TypeAlias = Callable[[float], Awaitable[None]]
Check: TypeAlias = Callable[[SpaceKey], Awaitable[None]]


class Handler(Protocol):
    """Does one job."""

    async def __call__(self, job: Job, progress: Progress) -> JobSummary | Unfinished:
        """Do the job or a part of it, reporting progress in [0, 1]. An error means that the attempt failed."""
        ...


class CompressHandler:
    """Compresses the pending turns of one session, a window at a time, and makes the new memories searchable."""

    def __init__(
        self,
        *,
        turns: TurnLog,
        memories: MemoryLog,
        compressor: Compressor,
        indexer: Indexes,
        window_turns: int = WINDOW_TURNS,
    ) -> None:
        self._turns = turns
        self._memories = memories
        self._compressor = compressor
        self._indexer = indexer
        self._window_turns = window_turns

    async def __call__(self, job: Job, progress: Progress) -> JobSummary | Unfinished:
        """Compress and index one window, beginning with what an earlier attempt committed and did not index.

        A window that is not full is the last one: whatever was ingested since has a job of its own.
        """
        scope = Scope(*job.payload["scope"])
        summary = await self._index(job, scope, job.summary or JobSummary())
        limit = share(job, self._window_turns)
        batch = await self._turns.pending(job.space, scope, limit=limit, context=CONTEXT_TURNS)
        if not batch.pending:
            return summary
        compression = await self._compressor.compress(job.space, batch)
        try:
            written = await self._memories.commit(job.space, job, compression, context=batch.context_refs)
        except TurnsDeleted:
            return Unfinished(summary)  # to compress what is left of them
        summary = counted(summary, compression, frozenset(written))
        await progress(0.5)
        summary = await self._index(job, scope, summary)
        return Unfinished(summary) if len(batch.pending) == limit else summary

    async def _index(self, job: Job, scope: Scope, summary: JobSummary) -> JobSummary:
        indexed = 0
        async for count in self._indexer.index(job.space, scope=scope):
            indexed += count
        return replace(summary, indexed_count=summary.indexed_count + indexed)


class RecompressHandler:
    """Compresses again, with a language model, turns of one session that it failed to compress before."""

    def __init__(
        self,
        *,
        turns: TurnLog,
        memories: MemoryLog,
        recompressor: Recompressor,
        indexer: Indexes,
        stint_seconds: float = STINT_SECONDS,
    ) -> None:
        self._turns = turns
        self._memories = memories
        self._recompressor = recompressor
        self._indexer = indexer
        self._stint_seconds = stint_seconds

    async def __call__(self, job: Job, progress: Progress) -> JobSummary | Unfinished:
        """Redo marked turns a few at a time, so that a model that fails again loses none of those before."""
        stint, got_on = Stint(job, self._stint_seconds), False
        scope = Scope(*job.payload["scope"])
        summary = job.summary or JobSummary()
        limit = share(job, REDO_TURNS)
        while (batch := await self._turns.to_redo(job.space, scope, limit=limit, context=CONTEXT_TURNS)).pending:
            if got_on and stint.is_over:
                return Unfinished(await self._index(job, scope, summary))
            compression = await self._recompressor.recompress(job.space, batch)
            try:
                written, superseded = await self._memories.redo(job.space, job, compression, context=batch.context_refs)
            except TurnsDeleted:
                return Unfinished(await self._index(job, scope, summary))
            summary = counted(summary, compression, frozenset(written))
            summary = replace(summary, superseded_count=summary.superseded_count + superseded)
            await progress(0.5)
            got_on = True
        return await self._index(job, scope, summary)

    async def _index(self, job: Job, scope: Scope, summary: JobSummary) -> JobSummary:
        indexed = [count async for count in self._indexer.index(job.space, scope=scope)]
        return replace(summary, indexed_count=summary.indexed_count + sum(indexed))


class IndexHandler:
    """Indexes the memories that a caller changed."""

    def __init__(self, indexer: Indexes) -> None:
        self._indexer = indexer

    async def __call__(self, job: Job, progress: Progress) -> JobSummary:
        """Index `payload["memory_ids"]`."""
        total = 0
        async for count in self._indexer.index(job.space, tuple(job.payload["memory_ids"])):
            total += count
        return JobSummary(indexed_count=total)


class ReindexHandler:
    """Writes what is due of a space to the index, over what stands there, so that queries go on."""

    def __init__(
        self,
        *,
        indexer: Indexes,
        check: Check | None = None,
        stint_seconds: float = STINT_SECONDS,
    ) -> None:
        self._indexer = indexer
        self._check = check
        self._stint_seconds = stint_seconds

    async def __call__(self, job: Job, progress: Progress) -> JobSummary | Unfinished:
        """Index what is due, batch by batch; what is still due is where a later attempt goes on.

        At the end an index that is being filled for a new embedding model is compared with the one in use.
        """
        stint = Stint(job, self._stint_seconds)
        summary = job.summary or JobSummary()
        async with aclosing(self._indexer.index(job.space)) as batches:
            async for count in batches:
                summary = replace(summary, indexed_count=summary.indexed_count + count)
                await progress(0.0)
                if stint.is_over:
                    return Unfinished(summary)
        if self._check is not None:
            await self._check(job.space)
        return summary


def handlers(
    *,
    turns: TurnLog,
    memories: MemoryLog,
    compressor: Compressor,
    indexer: Indexes,
    rewriting: RewriteLog,
    rules: Compressor,
    check: Check | None = None,
    recompressor: Recompressor | None = None,
    consolidation: MemoryConsolidation | None = None,
    window_turns: int = WINDOW_TURNS,
) -> Mapping[JobKind, Handler]:
    """The handler of every kind of job; RECOMPRESS and CONSOLIDATE jobs wait where there is nothing that does them.

    What an earlier release worded is rewritten by the `rules`, whatever compresses new turns. `window_turns` are
    compressed and committed at once: fewer where compression is slow or costs money.
    """
    made: dict[JobKind, Handler] = {
        JobKind.COMPRESS: CompressHandler(
            turns=turns, memories=memories, compressor=compressor, indexer=indexer, window_turns=window_turns
        ),
        JobKind.REWRITE: RewriteHandler(log=rewriting, compressor=rules, indexer=indexer, context_turns=CONTEXT_TURNS),
        JobKind.INDEX: IndexHandler(indexer),
        JobKind.REINDEX: ReindexHandler(indexer=indexer, check=check),
    }
    if recompressor is not None:
        made[JobKind.RECOMPRESS] = RecompressHandler(
            turns=turns, memories=memories, recompressor=recompressor, indexer=indexer
        )
    if consolidation is not None:
        made[JobKind.CONSOLIDATE] = ConsolidateHandler(consolidation, indexer=indexer)
    return made

"""Replaces memories that an earlier release worded by the own words of their turns, while queries are answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

import structlog

from memsvc.errors import MemsvcError, StaleEtag
from memsvc.jobs.counting import counted
from memsvc.jobs.giving_way import STINT_SECONDS, Stint, Unfinished, share
from memsvc.jobs.indexer import Indexes
from memsvc.ports import Compressor
from memsvc.types import Compression, Job, JobSummary, OutdatedTurns, Scope

log = structlog.get_logger(__name__)

REWRITE_TURNS = 64
"""Turns that are rewritten and committed at once."""
MOST_LOST = 3
"""Batches in a row that may come to nothing because something of them was changed meanwhile."""


class RewriteLog(Protocol):
    """SQL's side: which memories are outdated, and the replacement of some."""

    async def queue_all(self) -> int:
        """Queue a REWRITE job for every session with outdated memories that has none under way; return how many."""
        ...

    async def outdated(self, job: Job, scope: Scope, *, limit: int, context: int) -> OutdatedTurns:
        """Return the first turns of a session with outdated memories, up to `limit`, with up to `context` before them.

        What must stay as it is, because a caller changed it, is marked so and outdated no longer. Raises LeaseLost.
        """
        ...

    async def replace(
        self, job: Job, batch: OutdatedTurns, compression: Compression
    ) -> tuple[tuple[str, ...], int] | None:
        """Put the new memories of turns in the place of their outdated ones, in one transaction.

        Returns ids of the written memories and the number of replaced ones; None, with nothing written, where one of
        those was changed, or a turn deleted, since they were read. Raises LeaseLost.
        """
        ...


class RewriteHandler:
    """Rewrites the outdated memories of one session, a batch of turns at a time, in the order of the turns."""

    def __init__(
        self,
        *,
        log: RewriteLog,
        compressor: Compressor,
        indexer: Indexes,
        context_turns: int,
        batch_turns: int = REWRITE_TURNS,
        stint_seconds: float = STINT_SECONDS,
    ) -> None:
        self._log = log
        self._compressor = compressor
        self._indexer = indexer
        self._context_turns = context_turns
        self._batch_turns = batch_turns
        self._stint_seconds = stint_seconds

    async def __call__(self, job: Job, progress: Callable[[float], Awaitable[None]]) -> JobSummary | Unfinished:
        """Rewrite batch by batch, beginning with the index of what an earlier attempt committed.

        What is left is what SQL says is outdated, so a later attempt goes on where this one ends.

        Raises:
            StaleEtag: memories were changed again and again.
        """
        stint, got_on, lost = Stint(job, self._stint_seconds), False, 0
        scope, limit = Scope(*job.payload["scope"]), share(job, self._batch_turns)
        summary = await self._index(job, scope, job.summary or JobSummary())
        while True:
            batch = await self._log.outdated(job, scope, limit=limit, context=self._context_turns)
            if not batch.left_count:
                return summary
            await progress(summary.superseded_count / (summary.superseded_count + batch.left_count))
            if got_on and stint.is_over:
                return Unfinished(summary)
            before, summary = summary, await self._rewrite(job, scope, batch, summary)
            moved_on = not batch.turns.pending or summary.superseded_count > before.superseded_count
            got_on, lost = got_on or moved_on, 0 if moved_on else lost + 1
            if lost == MOST_LOST:
                raise StaleEtag(f"memories were changed while they were rewritten, {MOST_LOST} times in a row")

    async def _rewrite(self, job: Job, scope: Scope, batch: OutdatedTurns, summary: JobSummary) -> JobSummary:
        """Replace a batch. Its points are written before it is stored: a query finds the old or the new memories."""
        if not batch.turns.pending:
            return summary
        compression = await self._compressor.compress(job.space, batch.turns)
        await self._indexer.prepare(job.space, compression.memories)
        replaced = await self._log.replace(job, batch, compression)
        if replaced is None:
            await self._indexer.discard(job.space, compression.memories)
            return summary
        written, superseded = replaced
        summary = counted(summary, compression, frozenset(written))
        summary = replace(summary, superseded_count=summary.superseded_count + superseded)
        return await self._index(job, scope, summary)

    async def _index(self, job: Job, scope: Scope, summary: JobSummary) -> JobSummary:
        indexed = [count async for count in self._indexer.index(job.space, scope=scope)]
        return replace(summary, indexed_count=summary.indexed_count + sum(indexed))


async def queue_rewrites(rewriting: RewriteLog) -> None:
    """Queue the rewriting of all that is outdated; where SQL is out of reach, that is left to the next start."""
    try:
        if count := await rewriting.queue_all():
            log.info("rewriting.queued", sessions=count)
    except MemsvcError as error:
        log.warning("rewriting.not_queued", reason=error.reason, message=error.message)

"""The three views of a query, searched side by side. A view that fails is reported; the others still answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace

from memsvc.errors import DeadlineExceeded, MemsvcError, Reason, Unavailable
from memsvc.language.detection import plausible
from memsvc.language.lexical import LexicalEncoder
from memsvc.ports import Embedder, VectorIndex, Vectors
from memsvc.retrieval.fallback import LexicalFallback
from memsvc.types import IndexHit, JobError, MemoryFilter, QueryPlan, SpaceKey, View, ViewReport


@dataclass(frozen=True, slots=True)
class ViewResult:
    """The candidates of one view, best first, and how its search ended."""

    report: ViewReport
    hits: tuple[IndexHit, ...]
    retry_after: float = 0.0
    """Seconds after which a view that failed may be searched again, as far as the part that failed says."""


@dataclass(frozen=True, slots=True)
class ViewQuery:
    """What every view looks for: the question, its text for the dense view, the hard filter and the plan."""

    text: str
    dense_text: str
    where: MemoryFilter
    plan: QueryPlan
    sub_query: int = 0
    """0 for the question itself, n for the n-th sub-query."""


class ViewSearch:
    """Searches the dense, the lexical and, when the question names something, the symbolic view at once.

    With a `fallback`, the lexical view is searched there when every view failed.
    """

    def __init__(self, index: VectorIndex, embedder: Embedder, fallback: LexicalFallback | None = None) -> None:
        self._index = index
        self._embedder = embedder
        self._fallback = fallback
        self._encoder = LexicalEncoder()

    async def search(self, space: SpaceKey, queries: Sequence[ViewQuery]) -> tuple[tuple[ViewResult, ...], ...]:
        """Return one result per view searched, for each query.

        Raises:
            Unavailable: ALL_VIEWS_FAILED, of every query, and there is no fallback or it failed too.
            DeadlineExceeded: the deadline passed in any view.
        """
        tasks = [asyncio.create_task(self._search(space, query)) for query in queries]
        try:
            results = tuple(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()  # as below
        if any(result.report.error is None for each in results for result in each):
            return results
        if self._fallback is None:
            raise _all_failed([result for each in results for result in each])
        pairs = zip(queries, results, strict=True)
        share = 1 / len(queries)
        return tuple([await _from_sql(self._fallback, space, query, failed, share) for query, failed in pairs])

    async def _search(self, space: SpaceKey, query: ViewQuery) -> tuple[ViewResult, ...]:
        vector = asyncio.create_task(self._embed(query.dense_text))
        searches = [
            _observed(View.DENSE, query, self._dense(space, query, vector)),
            _observed(View.LEXICAL, query, self._lexical(space, query)),
        ]
        if query.plan.symbolic:
            searches.append(_observed(View.SYMBOLIC, query, self._symbolic(space, query, vector)))
        try:
            return tuple(await asyncio.gather(*searches))
        finally:
            vector.cancel()  # still running only when a deadline or a defect ended the search early

    async def _embed(self, text: str) -> Vectors:
        vectors = await self._embedder.embed([text], urgent=True)
        first: Vectors = vectors[0]
        return first

    async def _dense(self, space: SpaceKey, query: ViewQuery, vector: Awaitable[Vectors]) -> list[IndexHit]:
        limit = query.plan.candidates_per_view
        return await self._index.search_dense(space, await vector, query.where, limit=limit)

    async def _symbolic(self, space: SpaceKey, query: ViewQuery, vector: Awaitable[Vectors]) -> list[IndexHit]:
        plan = query.plan
        return await self._index.search_dense(
            space, await vector, query.where, limit=plan.candidates_per_view, match=plan.symbolic
        )

    async def _lexical(self, space: SpaceKey, query: ViewQuery) -> list[IndexHit]:
        sparse = self._encoder.query(query.text, plausible(query.text))
        if not sparse.indices:
            return []
        return await self._index.search_lexical(space, sparse, query.where, limit=query.plan.candidates_per_view)


async def _observed(view: View, query: ViewQuery, search: Awaitable[Sequence[IndexHit]]) -> ViewResult:
    """Time a search and turn an expected error into a report; cancellation and deadlines go through."""
    started = time.perf_counter()
    hits: tuple[IndexHit, ...] = ()
    error, retry_after = None, 0.0
    try:
        hits = tuple(await search)
    except DeadlineExceeded:
        raise
    except MemsvcError as failure:
        error = JobError(failure.reason, failure.message)
        retry_after = failure.retry_after if isinstance(failure, Unavailable) else 0.0
    report = ViewReport(
        view=view,
        candidate_count=len(hits),
        latency_ms=(time.perf_counter() - started) * 1000.0,
        error=error,
        sub_query=query.sub_query,
    )
    return ViewResult(report, hits, retry_after)


async def _from_sql(
    fallback: LexicalFallback, space: SpaceKey, query: ViewQuery, failed: tuple[ViewResult, ...], share: float
) -> tuple[ViewResult, ...]:
    """The results of a query whose views all failed, with what SQL has for the lexical one."""
    limit = query.plan.candidates_per_view
    found = await fallback.search(space, query.text, query.where, limit=limit, share=share)

    def told(report: ViewReport) -> ViewReport:
        return replace(report, candidate_count=len(found.hits), from_sql=True, older_unseen=not found.complete)

    return tuple(
        replace(result, hits=found.hits, report=told(result.report)) if result.report.view is View.LEXICAL else result
        for result in failed
    )


def _all_failed(results: Sequence[ViewResult]) -> Unavailable:
    reasons = {result.report.view.value: result.report.error.reason for result in results if result.report.error}
    wait = max((result.retry_after for result in results), default=0.0) or 1.0
    return Unavailable("every view failed", reason=Reason.ALL_VIEWS_FAILED, metadata=reasons, retry_after=wait)

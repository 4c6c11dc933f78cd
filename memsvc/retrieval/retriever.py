"""The one path of Query and Explain: estimate, plan, search, hydrate, fuse, pack."""

from __future__ import annotations

from memsvc.ports import Analyzer, Embedder, MemoryLog, TokenCounter, VectorIndex
from memsvc.retrieval.complexity import estimate_complexity
from memsvc.retrieval.confidence import confidence, confidence_signals
from memsvc.retrieval.fusion import fuse
from memsvc.retrieval.names import without_people
from memsvc.retrieval.packing import pack
from memsvc.retrieval.plan import make_plan
from memsvc.retrieval.question import read_question
from memsvc.retrieval.search import ViewQuery, ViewResult, ViewSearch
from memsvc.retrieval.weights import SHIPPED, Weights
from memsvc.types import Memory, QuerySpec, Retrieval, SpaceKey


class Retriever:
    """Answers a question from one space with memories that fit a budget, and the full trace of why."""

    def __init__(
        self,
        *,
        index: VectorIndex,
        embedder: Embedder,
        analyzer: Analyzer,
        tokens: TokenCounter,
        memories: MemoryLog,
        weights: Weights = SHIPPED,
    ) -> None:
        self._views = ViewSearch(index, embedder)
        self._analyzer = analyzer
        self._tokens = tokens
        self._memories = memories
        self._weights = weights

    async def retrieve(self, space: SpaceKey, spec: QuerySpec) -> Retrieval:
        """Retrieve for one question. What SQL does not confirm is reported as stale and never returned.

        Raises:
            Unavailable: ALL_VIEWS_FAILED, or the analyzer or the memory log is down.
            DeadlineExceeded: the deadline passed.
        """
        analysis = (await self._analyzer.analyze([spec.text]))[0]
        question = read_question(spec.text, analysis)
        complexity = estimate_complexity(spec.text, analysis)
        plan = make_plan(spec, question.names, complexity, self._weights.ranking)
        query = ViewQuery(spec.text, without_people(spec.text, question.names), spec.where, plan)
        results = await self._views.search(space, query)
        stored = await self._hydrate(space, results)
        candidates = fuse({result.report.view: result.hits for result in results}, stored, plan, question)
        packing = pack(
            candidates,
            where=spec.where,
            depth=plan.depth,
            max_tokens=plan.max_tokens,
            tokens=self._tokens,
            window=plan.score_window,
        )
        sure, reasons = confidence(
            confidence_signals(candidates, question), self._weights.confidence, self._weights.confidence_bias
        )
        return Retrieval(
            complexity=complexity,
            plan=plan,
            views=tuple(result.report for result in results),
            hits=packing.hits,
            context=packing.context,
            token_count=packing.token_count,
            confidence=sure,
            confidence_signals=reasons,
        )

    async def _hydrate(self, space: SpaceKey, results: tuple[ViewResult, ...]) -> dict[str, Memory]:
        ids = dict.fromkeys(hit.memory_id for result in results for hit in result.hits)
        return await self._memories.get_many(space, list(ids)) if ids else {}

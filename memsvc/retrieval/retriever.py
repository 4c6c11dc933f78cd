"""The one path of Query and Explain: estimate, plan, search, hydrate, fuse, pack."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from memsvc.errors import FailedPrecondition, Reason, Unavailable
from memsvc.ports import Embedder, MemoryLog, TokenCounter, VectorIndex
from memsvc.retrieval.complexity import estimate_complexity
from memsvc.retrieval.confidence import Confidence, confidence
from memsvc.retrieval.excerpt import Excerpts
from memsvc.retrieval.fallback import LexicalFallback
from memsvc.retrieval.fusion import Candidate, fuse
from memsvc.retrieval.names import without_people
from memsvc.retrieval.packing import Packing, pack
from memsvc.retrieval.plan import focused, make_plan, unhindered_tokens
from memsvc.retrieval.planning import PlannedSearch, Planner
from memsvc.retrieval.pooling import pool
from memsvc.retrieval.prefilter import prefilter
from memsvc.retrieval.question import Question, read_question
from memsvc.retrieval.recency import Ordered, compared, newest_first
from memsvc.retrieval.search import ViewQuery, ViewResult, ViewSearch
from memsvc.retrieval.warnings import confidence_warnings, language_warnings
from memsvc.retrieval.weights import SHIPPED, Weights
from memsvc.types import Complexity, Memory, QueryPlan, QuerySpec, Retrieval, SpaceKey


class Retriever:
    """Answers a question from one space with memories that fit a budget, and the full trace of why."""

    def __init__(
        self,
        *,
        index: VectorIndex,
        embedder: Embedder,
        tokens: TokenCounter,
        memories: MemoryLog,
        weights: Weights = SHIPPED,
        planner: Planner | None = None,
        fallback: LexicalFallback | None = None,
        min_confidence: float = 0.0,
    ) -> None:
        self._views = ViewSearch(index, embedder, fallback)
        self._index = index
        self._embedder = embedder
        self._tokens = tokens
        self._memories = memories
        self._weights = weights
        self._planner = planner
        self._min_confidence = min_confidence

    async def retrieve(self, space: SpaceKey, spec: QuerySpec) -> Retrieval:
        """Retrieve for one question. What SQL does not confirm is reported as stale and never returned.

        Raises:
            FailedPrecondition: LLM_NOT_CONFIGURED: a language model is to plan, and there is none.
            Unavailable: ALL_VIEWS_FAILED where there is no fallback, or the memory log is down.
            DeadlineExceeded: the deadline passed.
        """
        question = read_question(spec.text)
        complexity = estimate_complexity(question)
        planned = await self._planned(space, spec, question)
        if planned is not None:
            question, complexity = planned.question, planned.complexity(complexity)
        lookups = self._lookups(spec, question, complexity, planned)
        _, plan = lookups[0]
        bounds = await prefilter(self._memories, space, spec.where)
        queries = [
            ViewQuery(each.text, without_people(each.text, each.names), bounds.where, its_plan, number)
            for number, (each, its_plan) in enumerate(lookups)
        ]
        found = await self._views.search(space, queries)
        stored = await self._hydrate(space, [result for results in found for result in results])
        known = self._embedder.languages is None or question.language in self._embedder.languages
        # Hundreds of candidates are stemmed and counted below: in threads, so that other calls are answered meanwhile.
        rankings, sure = await asyncio.to_thread(self._ranked, lookups, found, stored, known)
        least = self._min_confidence if spec.min_confidence is None else spec.min_confidence
        if any(result.report.error for result in found[0]):
            least = 0.0  # a view that failed may have found the answer
        else:
            plan = focused(plan, sure.value)
        newest = await self._newest_first(space, rankings[0], question, understood=known)
        pooled = pool([newest.candidates, *rankings[1:]])
        candidates = [each.candidate for each in pooled]
        packing = await asyncio.to_thread(
            self._packed, spec, question, plan, candidates, newest.renewed_by, sure.value, least
        )
        return Retrieval(
            complexity=complexity,
            plan=plan,
            views=tuple(result.report for results in found for result in results),
            hits=tuple(replace(hit, sub_query=each.sub_query) for hit, each in zip(packing.hits, pooled, strict=True)),
            context=packing.context,
            token_count=packing.token_count,
            confidence=sure.value,
            confidence_signals=sure.signals,
            planning=planned.report if planned else None,
            filter_cut=bounds.cut,
            warnings=(
                *language_warnings(spec.text, self._embedder.model, self._embedder.languages),
                *confidence_warnings(sure.value, least, bool(candidates)),
            ),
        )

    def _ranked(
        self,
        lookups: Sequence[tuple[Question, QueryPlan]],
        found: Sequence[Sequence[ViewResult]],
        stored: Mapping[str, Memory],
        understood: bool,
    ) -> tuple[list[list[Candidate]], Confidence]:
        """Candidates of the question and of each sub-query, best first, and the confidence of the question's."""
        rankings = [
            fuse({result.report.view: result.hits for result in results}, stored, its_plan, each)
            for results, (each, its_plan) in zip(found, lookups, strict=True)
        ]
        weights = self._weights
        question, _ = lookups[0]
        sure = confidence(rankings[0], question, weights.confidence, weights.confidence_bias, understood=understood)
        return rankings, sure

    def _packed(
        self,
        spec: QuerySpec,
        question: Question,
        plan: QueryPlan,
        candidates: Sequence[Candidate],
        renewed_by: Mapping[str, str],
        sure: float,
        least: float,
    ) -> Packing:
        return pack(
            candidates,
            where=spec.where,
            depth=plan.depth,
            max_tokens=plan.max_tokens,
            tokens=self._tokens,
            window=plan.score_window,
            excerpt=Excerpts(question, [each.memory for each in candidates if each.memory], self._tokens).of,
            zone=spec.zone,
            renewed_by=renewed_by,
            unhindered=unhindered_tokens(sure),
            confident=sure >= least,
        )

    async def _newest_first(
        self, space: SpaceKey, ranking: Sequence[Candidate], question: Question, *, understood: bool
    ) -> Ordered:
        """Put what renews the best memory before it; with the index out of reach the order stays as it is."""
        wanted = compared(ranking, question)
        try:
            vectors = await self._index.vectors(space, wanted) if wanted else {}
        except Unavailable:
            vectors = {}
        return await asyncio.to_thread(newest_first, ranking, question, vectors, understood=understood)

    async def _planned(self, space: SpaceKey, spec: QuerySpec, question: Question) -> PlannedSearch | None:
        if not spec.planning_seconds:
            return None
        if self._planner is None:
            raise FailedPrecondition(
                "planning with a language model needs one: set llm_model", reason=Reason.LLM_NOT_CONFIGURED
            )
        return await self._planner.plan(space, spec, question)

    def _lookups(
        self, spec: QuerySpec, question: Question, complexity: Complexity, planned: PlannedSearch | None
    ) -> list[tuple[Question, QueryPlan]]:
        """The question, then its sub-queries, each with what its symbolic view looks for; depth and budget are one."""
        weights = self._weights.ranking
        plan = make_plan(spec, question.names, complexity, weights)
        if planned is None:
            return [(question, plan)]
        if planned.report.interval is not None:
            plan = replace(plan, symbolic=replace(plan.symbolic, interval=planned.report.interval))
        return [
            (question, plan),
            *(
                (each, make_plan(replace(spec, text=each.text), each.names, complexity, weights))
                for each in planned.sub_questions
            ),
        ]

    async def _hydrate(self, space: SpaceKey, results: list[ViewResult]) -> dict[str, Memory]:
        ids = dict.fromkeys(hit.memory_id for result in results for hit in result.hits)
        return await self._memories.get_many(space, list(ids)) if ids else {}

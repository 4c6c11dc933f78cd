"""What a server and a worker have in common: stores, models, the index, retrieval, and the handlers of jobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from memsvc.bootstrap.parts import (
    build_embedder,
    build_index,
    build_model,
    build_surprisal,
    configured_model,
    load_weights,
    with_model,
)
from memsvc.bootstrap.stores import Stores, open_stores
from memsvc.compression.entropy import GateSettings
from memsvc.compression.judging import Density
from memsvc.compression.llm import LlmCompressor
from memsvc.compression.rules import RulesCompressor
from memsvc.config import Settings
from memsvc.consolidation.consolidator import Consolidator
from memsvc.consolidation.llm import LlmJudge
from memsvc.consolidation.llm_writer import LlmWriter
from memsvc.jobs.active_model import ActiveEmbedder, ActiveIndex
from memsvc.jobs.catching_up import catch_up_index
from memsvc.jobs.consolidation import MemoryConsolidation
from memsvc.jobs.embeddings import CurrentModels, ModelCheck, ModelIndexer, OpenModel
from memsvc.jobs.handlers import WINDOW_TURNS, handlers
from memsvc.jobs.measured import measured
from memsvc.jobs.rewriting import queue_rewrites
from memsvc.jobs.worker import Worker
from memsvc.language import detection
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.models.tokens import Cl100kCounter
from memsvc.ports import Embedder, MeteredModel, VectorIndex
from memsvc.retrieval.ask import Retrieves
from memsvc.retrieval.fallback import LexicalFallback
from memsvc.retrieval.planning import Planner
from memsvc.retrieval.retriever import Retriever
from memsvc.types import EmbeddingModel, JobKind, QuerySpec, Retrieval, SpaceKey

log = structlog.get_logger(__name__)

LLM_WINDOW_TURNS = 40
"""Turns that a language model compresses before they are committed: a worker that dies pays for no more again."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The stores, the models and the index, and what is built from them."""

    stores: Stores
    index: VectorIndex
    embedder: Embedder
    models: CurrentModels
    indexer: ModelIndexer
    worker: Worker
    retriever: Retrieves
    tokens: Cl100kCounter
    model: MeteredModel | None
    consolidation: MemoryConsolidation


@asynccontextmanager
async def open_engine(
    settings: Settings, *, concurrency: int, kinds: Collection[JobKind] = tuple(JobKind)
) -> AsyncIterator[Engine]:
    """Open every part a server or a worker of jobs of `kinds` needs, and close them in reverse order."""
    async with AsyncExitStack() as stack:
        stores = await stack.enter_async_context(open_stores(settings))
        models = await stack.enter_async_context(open_models(settings, stores))
        embedder, index = ActiveEmbedder(models), ActiveIndex(models)
        tokens = Cl100kCounter()
        analyzer = SpacyAnalyzer()
        detection.load()  # here and not in the first call, which would wait for it
        indexer = ModelIndexer(stores.memories, models)
        check = ModelCheck(stores.memories, stores.embeddings, models)
        surprisal = build_surprisal(settings, stack)
        rules = RulesCompressor(
            embedder=embedder,
            surprisal=surprisal,
            tokens=tokens,
            gate=GateSettings(alpha=settings.gate_alpha, threshold=settings.gate_threshold),
            density=Density(settings.density),
        )
        model = build_model(settings, stores)
        asked = model if settings.consolidation_llm == "on" else None
        consolidation = MemoryConsolidation(
            log=stores.consolidation,
            index=index,
            embedder=embedder,
            consolidator=Consolidator(
                analyzer=analyzer,
                tokens=tokens,
                embedder=embedder,
                judge=LlmJudge(asked) if asked else None,
                writer=LlmWriter(asked) if asked else None,
            ),
            topics=settings.consolidation_topics,
        )
        by_model = None
        if model is not None and settings.compresses_with_llm:
            by_model = LlmCompressor(model=model, rules=rules, analyzer=analyzer, surprisal=surprisal, tokens=tokens)
        jobs = handlers(
            turns=stores.turns,
            memories=stores.memories,
            compressor=by_model or rules,
            indexer=indexer,
            rewriting=stores.rewriting,
            rules=rules,
            check=check,
            recompressor=by_model,
            consolidation=consolidation,
            window_turns=LLM_WINDOW_TURNS if by_model else WINDOW_TURNS,
        )
        if JobKind.REWRITE in kinds and concurrency:
            queueing = asyncio.create_task(queue_rewrites(stores.rewriting), name="rewrites")
            stack.callback(queueing.cancel)
        yield Engine(
            stores=stores,
            index=index,
            embedder=embedder,
            models=models,
            indexer=indexer,
            worker=Worker(
                stores.jobs,
                measured({kind: handler for kind, handler in jobs.items() if kind in kinds}),
                concurrency=concurrency,
                lease_seconds=settings.worker_lease_seconds,
                heartbeat_seconds=settings.worker_lease_seconds / 3,
            ),
            retriever=CurrentRetriever(
                models,
                partial(
                    Retriever,
                    tokens=tokens,
                    memories=stores.memories,
                    weights=load_weights(settings.ranking_weights),
                    planner=Planner(model) if model else None,
                    min_confidence=settings.min_confidence,
                    fallback=LexicalFallback(stores.memories) if settings.degraded_answers == "on" else None,
                ),
            ),
            tokens=tokens,
            model=model,
            consolidation=consolidation,
        )


class CurrentRetriever:
    """Retrieves with the active embedding model; a query that began with another one ends with that."""

    def __init__(self, models: CurrentModels, build: Callable[..., Retriever]) -> None:
        self._models = models
        self._build = build
        self._index: VectorIndex | None = None
        self._retriever: Retriever | None = None

    async def retrieve(self, space: SpaceKey, spec: QuerySpec) -> Retrieval:
        """See `Retriever.retrieve`."""
        active = self._models.active
        if self._retriever is None or self._index is not active.index:
            self._index, self._retriever = (
                active.index,
                self._build(index=active.index, embedder=active.embedder),
            )
        return await self._retriever.retrieve(space, spec)


@asynccontextmanager
async def open_models(settings: Settings, stores: Stores) -> AsyncIterator[CurrentModels]:
    """Open the embedding models that SQL names, or else the settings, and follow SQL until the end."""

    def open_model(model: EmbeddingModel) -> OpenModel:
        named = with_model(settings, model)
        embedder = build_embedder(named)
        return OpenModel(model, embedder, build_index(named, embedder))

    models = CurrentModels(
        stores.embeddings,
        configured_model(settings),
        open_model=open_model,
        ensured=partial(catch_up_index, stores.spaces, stores.memories),
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(models.close)
        await models.start()
        if models.active.model.name != settings.embedder:
            log.warning("embeddings.setting_ignored", embedder=settings.embedder, in_use=models.active.model.name)
        following = asyncio.create_task(models.run(), name="embedding-models")
        stack.callback(following.cancel)
        yield models

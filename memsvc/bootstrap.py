"""Composition root: turns settings into running parts. The only place that chooses adapters."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import cast

import structlog

from memsvc import metrics
from memsvc.compression.entropy import GateSettings
from memsvc.compression.llm import LlmCompressor
from memsvc.compression.rules import RulesCompressor
from memsvc.compression.telling import Density
from memsvc.config import Settings, SettingsInvalid
from memsvc.consolidation.consolidator import Consolidator
from memsvc.consolidation.llm import LlmJudge
from memsvc.errors import FailedPrecondition, Reason, Unavailable
from memsvc.jobs.active_model import ActiveEmbedder, ActiveIndex
from memsvc.jobs.consolidation import MemoryConsolidation
from memsvc.jobs.embeddings import CurrentModels, ModelCheck, ModelIndexer, OpenModel
from memsvc.jobs.handlers import handlers
from memsvc.jobs.measured import measured
from memsvc.jobs.queue import SqlJobQueue
from memsvc.jobs.worker import Worker
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.models.cache import CachedEmbedder
from memsvc.models.llm import LitellmModel
from memsvc.models.metered import LedgerModel
from memsvc.models.remote import LitellmEmbedder
from memsvc.models.surprisal import WordFrequencySurprisal
from memsvc.models.tokens import Cl100kCounter
from memsvc.ports import ContextSurprisal, Embedder, MeteredModel, VectorIndex
from memsvc.retrieval.ask import Asker, Retrieves
from memsvc.retrieval.fallback import LexicalFallback
from memsvc.retrieval.planning import Planner
from memsvc.retrieval.retriever import Retriever
from memsvc.retrieval.weights import SHIPPED, Weights, parse
from memsvc.rpc.admin_service import REINDEX_LOCK
from memsvc.rpc.server import MemsvcServer, ServerOptions, Services
from memsvc.storage import backlog
from memsvc.storage.consolidating import SqlConsolidationLog
from memsvc.storage.database import Database
from memsvc.storage.embeddings import SqlEmbeddingModels
from memsvc.storage.keys import SqlKeyStore
from memsvc.storage.memories import SqlMemoryLog
from memsvc.storage.migrate import current, head, upgrade
from memsvc.storage.notices import PostgresNotices
from memsvc.storage.spaces import SqlSpaceStore
from memsvc.storage.turns import SqlTurnLog
from memsvc.storage.usage import SqlUsageLedger
from memsvc.storage.uses import UseCounter
from memsvc.types import EmbeddingModel, JobKind, KeyRole, QuerySpec, Retrieval, SpaceKey
from memsvc.vectors.edge import EdgeIndex
from memsvc.vectors.quantization import Quantization, Storage
from memsvc.vectors.server import ServerIndex, connect

log = structlog.get_logger(__name__)

DEFAULT_TENANT = "default"
LLM_WINDOW_TURNS = 40
"""Turns that a language model compresses before they are committed: a worker that dies pays for no more again."""


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything that speaks SQL."""

    database: Database
    turns: SqlTurnLog
    memories: SqlMemoryLog
    consolidation: SqlConsolidationLog
    spaces: SqlSpaceStore
    keys: SqlKeyStore
    jobs: SqlJobQueue
    embeddings: SqlEmbeddingModels


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


def migrate(settings: Settings) -> None:
    """Bring the embedded database to the newest schema.

    Raises:
        FailedPrecondition: a shared database stands at another revision. Upgrading one is an operator's decision,
            since other servers may be using it: `memsvc migrate`.
    """
    if settings.embedded:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        upgrade(settings.sql_url)
        return
    found, wanted = current(settings.sql_url), head()
    if found != wanted:
        raise FailedPrecondition(
            f"the database's schema is at {found or 'none'}, this release needs {wanted}: run `memsvc migrate`",
            reason=Reason.SCHEMA_OUTDATED,
        )


@asynccontextmanager
async def open_stores(settings: Settings) -> AsyncIterator[Stores]:
    """Open the database, migrated, and close it at the end."""
    await asyncio.to_thread(migrate, settings)
    database = Database(settings.sql_url)
    notices = PostgresNotices(database) if database.url.get_backend_name() == "postgresql" else None
    telling = asyncio.create_task(notices.run(), name="notices") if notices else None
    try:
        yield Stores(
            database=database,
            turns=SqlTurnLog(database),
            memories=SqlMemoryLog(database, consolidate_after=settings.consolidate_after),
            consolidation=SqlConsolidationLog(database),
            spaces=SqlSpaceStore(database),
            keys=SqlKeyStore(database),
            jobs=SqlJobQueue(database),
            embeddings=SqlEmbeddingModels(database),
        )
    finally:
        if telling:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        await database.close()


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
        indexer = ModelIndexer(stores.memories, models)
        check = ModelCheck(stores.memories, stores.embeddings, models)
        surprisal = build_surprisal(settings, stack)
        rules = RulesCompressor(
            analyzer=analyzer,
            embedder=embedder,
            surprisal=surprisal,
            tokens=tokens,
            gate=GateSettings(alpha=settings.gate_alpha, threshold=settings.gate_threshold),
            density=Density(settings.density),
        )
        model = build_model(settings, stores)
        consolidation = MemoryConsolidation(
            log=stores.consolidation,
            index=index,
            embedder=embedder,
            consolidator=Consolidator(
                analyzer=analyzer,
                tokens=tokens,
                embedder=embedder,
                judge=LlmJudge(model) if model is not None and settings.consolidation_llm == "on" else None,
            ),
            topics=settings.consolidation_topics,
        )
        jobs = handlers(
            turns=stores.turns,
            memories=stores.memories,
            compressor=rules,
            indexer=indexer,
            check=check,
            consolidation=consolidation,
        )
        if model is not None and settings.compresses_with_llm:
            compressor = LlmCompressor(model=model, rules=rules, analyzer=analyzer, surprisal=surprisal, tokens=tokens)
            jobs = handlers(
                turns=stores.turns,
                memories=stores.memories,
                compressor=compressor,
                indexer=indexer,
                check=check,
                recompressor=compressor,
                consolidation=consolidation,
                window_turns=LLM_WINDOW_TURNS,
            )
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
                    analyzer=analyzer,
                    tokens=tokens,
                    memories=stores.memories,
                    weights=load_weights(settings.ranking_weights),
                    planner=Planner(model, analyzer) if model else None,
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

    async def discard(opened: OpenModel) -> None:
        await opened.index.drop()
        await opened.embedder.close()

    models = CurrentModels(
        stores.embeddings,
        configured_model(settings),
        open_model=open_model,
        ensured=partial(catch_up_index, stores),
        discard=discard,
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(models.close)
        await models.start()
        if models.active.model.name != settings.embedder:
            log.warning("embeddings.setting_ignored", embedder=settings.embedder, in_use=models.active.model.name)
        following = asyncio.create_task(models.run(), name="embedding-models")
        stack.callback(following.cancel)
        yield models


def with_model(settings: Settings, model: EmbeddingModel) -> Settings:
    """The settings, with this embedding model in them."""
    named = {"embedder": model.name, "embedder_dimension": model.dimension, "embedder_api_base": model.api_base}
    return settings.model_copy(update=named)


def configured_model(settings: Settings) -> EmbeddingModel:
    """The embedding model that the settings name."""
    return EmbeddingModel(settings.embedder, settings.embedder_dimension, settings.embedder_api_base)


def load_weights(path: Path | None) -> Weights:
    """The weights in a file, the shipped ones without a file. Raises SettingsInvalid."""
    if path is None:
        return SHIPPED
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsInvalid(f"ranking_weights: {path}: {error}") from error


def build_model(settings: Settings, stores: Stores) -> MeteredModel | None:
    """The language model that the settings name, on account of the space it works for; None when they name none."""
    if not settings.llm_model:
        return None
    model = LitellmModel(
        settings.llm_model,
        api_base=settings.llm_api_base or None,
        api_key=settings.llm_api_key.get_secret_value() or None,
        timeout=settings.llm_timeout_seconds,
        retry_seconds=2 * settings.llm_timeout_seconds,
        concurrency=settings.llm_concurrency,
        schema_mode=settings.llm_schema_mode,
    )
    return LedgerModel(model, SqlUsageLedger(stores.database), daily_tokens=settings.llm_daily_tokens)


def build_embedder(settings: Settings) -> Embedder:
    """The embedder that the settings name, behind a cache unless that is switched off."""
    embedder: Embedder
    if settings.embedder.startswith("litellm:"):
        embedder = LitellmEmbedder(
            model=settings.embedder.removeprefix("litellm:"),
            dimension=settings.embedder_dimension,
            api_base=settings.embedder_api_base or None,
            api_key=settings.embedder_api_key.get_secret_value() or None,
        )
    else:
        embedder = local_embedder(settings)
    if settings.embedding_cache_entries:
        return CachedEmbedder(embedder, max_entries=settings.embedding_cache_entries)
    return embedder


def local_embedder(settings: Settings) -> Embedder:
    """A model in this process. Raises SettingsInvalid when a GPU is asked for and there is none."""
    # Here and not above: a service whose embedder is remote has no use for torch, and saves its memory.
    models = import_module("memsvc.models.embedder")
    try:
        embedder: Embedder = models.SentenceTransformerEmbedder(
            settings.embedder,
            device=settings.device,
            max_batch_tokens=settings.max_batch_tokens,
            dtype=settings.embedder_dtype,
        )
    except models.NoGpu as error:
        raise SettingsInvalid(f"device: {error}") from error
    return embedder


def build_surprisal(settings: Settings, stack: AsyncExitStack) -> ContextSurprisal:
    """What tells how much a word says, closed with `stack`. Raises SettingsInvalid for a GPU that is not there."""
    words = WordFrequencySurprisal()
    if settings.surprisal == "words":
        return words
    models = import_module("memsvc.models.causal")
    try:
        surprisal = models.CausalSurprisal(
            settings.surprisal.removeprefix("lm:"),
            settings.device,
            elsewhere=words,
            dtype=settings.embedder_dtype,
            max_batch_tokens=settings.max_batch_tokens,
        )
    except models.NoGpu as error:
        raise SettingsInvalid(f"device: {error}") from error
    stack.push_async_callback(surprisal.close)
    return cast(ContextSurprisal, surprisal)


def build_index(settings: Settings, embedder: Embedder) -> EdgeIndex | ServerIndex:
    """Qdrant Edge in the data directory, or the Qdrant server that the settings name.

    One collection per embedding model, so that vectors of two models never meet.
    """
    collection = collection_name(embedder.model)
    if settings.qdrant_url:
        client = connect(settings.qdrant_url, api_key=settings.qdrant_api_key.get_secret_value() or None)
        return ServerIndex(client, collection, embedder.dimension, storage=qdrant_storage(settings))
    return EdgeIndex(settings.data_dir / "index" / collection, collection, embedder.dimension)


def qdrant_storage(settings: Settings) -> Storage:
    """How a Qdrant server keeps vectors."""
    return Storage(
        quantization=Quantization(settings.qdrant_quantization),
        on_disk=settings.qdrant_on_disk,
        shards=settings.qdrant_shards or None,
        replicas=settings.qdrant_replicas,
    )


def collection_name(model: str) -> str:
    """A collection name made from a model's: letters, digits and hyphens."""
    return "memsvc-" + "".join(c if c.isalnum() else "-" for c in model.lower()).strip("-")


async def catch_up_index(stores: Stores, opened: OpenModel) -> None:
    """Queue a rebuild of every space whose points are not as many as SQL believes: a new index, or a power cut."""
    if not opened.index.may_be_behind:
        return
    slot = opened.model.slot
    for key in await stores.spaces.all():
        found, expected = await opened.index.count(key), await stores.memories.indexed_count(key, slot)
        if found != expected:
            log.warning("index.behind", tenant=key.tenant, space=key.space, points=found, expected=expected)
            await stores.memories.mark_all_unindexed(key, slot)
            await stores.jobs.defer(key, JobKind.REINDEX, {"marked": True}, lock=REINDEX_LOCK)
    await opened.index.caught_up()


async def ensure_first_key(settings: Settings, stores: Stores) -> None:
    """On the first start of an embedded or open service, create an admin key and leave it in the data directory."""
    if not await stores.keys.is_empty():
        return
    if not settings.embedded and settings.auth == "required":
        log.warning("auth.no_key", hint="create the first one with `memsvc keys create`")
        return
    _, secret = await stores.keys.create(DEFAULT_TENANT, "created at the first start", KeyRole.ADMIN)
    write_private(settings.api_key_file, secret + "\n")
    log.info("auth.first_key", file=str(settings.api_key_file))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step: readers see the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)


def server_options(settings: Settings) -> ServerOptions:
    """The server's share of the settings."""
    return ServerOptions(
        listen=settings.listen,
        auth="none" if settings.auth == "none" else "keys",
        tls_cert=settings.tls_cert_file.read_bytes() if settings.tls_cert_file else None,
        tls_key=settings.tls_key_file.read_bytes() if settings.tls_key_file else None,
        max_message_bytes=settings.max_message_bytes,
        max_concurrent_rpcs=settings.max_concurrent_rpcs,
        default_deadline_seconds=settings.default_deadline_seconds,
    )


@asynccontextmanager
async def exposed_metrics(settings: Settings, stores: Stores) -> AsyncIterator[None]:
    """Serve metrics while the block runs, where the settings say so.

    Raises:
        Unavailable: the address cannot be bound.
    """
    if not settings.metrics_listen:
        yield
        return
    host, _, port = settings.metrics_listen.rpartition(":")
    with ExitStack() as stack:
        try:
            bound = stack.enter_context(metrics.exposed(host.strip("[]"), int(port)))
        except OSError as error:
            raise Unavailable(f"metrics_listen: cannot listen on {settings.metrics_listen}: {error}") from error
        log.info("metrics.ready", address=f"{host}:{bound}")
        counting = asyncio.create_task(backlog.keep_counting(stores.database), name="backlog")
        try:
            yield
        finally:
            counting.cancel()


@asynccontextmanager
async def running_server(settings: Settings) -> AsyncIterator[int]:
    """Serve until the block ends, then drain; yields the bound port.

    In the data directory `server.json` names the address while the server runs, so that tools on the same machine
    find it.
    """
    async with open_engine(settings, concurrency=settings.worker_concurrency) as engine:
        stores = engine.stores
        await ensure_first_key(settings, stores)
        uses = UseCounter(stores.database)
        server = MemsvcServer(
            Services(
                turns=stores.turns,
                memories=stores.memories,
                spaces=stores.spaces,
                keys=stores.keys,
                jobs=stores.jobs,
                index=engine.index,
                retriever=engine.retriever,
                tokens=engine.tokens,
                asker=Asker(engine.retriever, engine.model) if engine.model else None,
                consolidation=engine.consolidation,
                uses=uses,
                plans_unasked=settings.query_planning == "llm",
            ),
            server_options(settings),
        )
        port = await server.start()
        engine.worker.start()
        counting = asyncio.create_task(uses.run(), name="uses")
        host = settings.listen.rpartition(":")[0]
        write_private(settings.address_file, json.dumps({"address": f"{host}:{port}", "pid": os.getpid()}))
        log.info("server.ready", address=f"{host}:{port}", embedder=engine.embedder.model)
        try:
            async with exposed_metrics(settings, stores):
                yield port
        finally:
            log.info("server.draining", seconds=settings.drain_seconds)
            settings.address_file.unlink(missing_ok=True)
            await asyncio.gather(server.stop(settings.drain_seconds), engine.worker.stop(settings.drain_seconds))
            counting.cancel()
            await uses.flush()
            log.info("server.stopped")

"""A memsvc server over real stores, a real index and the real models, on a free loopback port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from memsvc.consolidation.consolidator import Consolidator
from memsvc.jobs.consolidation import MemoryConsolidation
from memsvc.jobs.indexer import Indexer
from memsvc.jobs.queue import SqlJobQueue
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.models.embedder import SentenceTransformerEmbedder
from memsvc.models.metered import LedgerModel
from memsvc.models.tokens import Cl100kCounter
from memsvc.ports import LanguageModel
from memsvc.retrieval.ask import Asker
from memsvc.retrieval.planning import Planner
from memsvc.retrieval.retriever import Retriever
from memsvc.rpc.server import MemsvcServer, ServerOptions, Services
from memsvc.rpc.services import Asks, Preview, Previews
from memsvc.storage.consolidating import SqlConsolidationLog
from memsvc.storage.database import Database
from memsvc.storage.keys import SqlKeyStore
from memsvc.storage.memories import SqlMemoryLog
from memsvc.storage.migrate import upgrade
from memsvc.storage.spaces import SqlSpaceStore
from memsvc.storage.turns import SqlTurnLog
from memsvc.storage.usage import SqlUsageLedger
from memsvc.storage.users import SqlUserStore
from memsvc.storage.uses import UseCounter
from memsvc.types import (
    Compression,
    Disposition,
    JobKind,
    JobSummary,
    KeyRole,
    Memory,
    QuerySpec,
    Retrieval,
    Scope,
    SpaceKey,
    TurnOutcome,
)
from memsvc.v1 import admin_service_pb2_grpc, memory_service_pb2_grpc
from memsvc.vectors.edge import EdgeIndex

TIMEOUT = 30.0
DIMENSION = 384


@dataclass(frozen=True)
class Running:
    """A server, what it is made of, and a key of each role of the tenants `a` and `b`."""

    server: MemsvcServer
    services: Services
    indexer: Indexer | None
    address: str
    secrets: dict[str, str]

    def metadata(self, who: str) -> tuple[tuple[str, str], ...]:
        """Credential of `a-admin`, `a-agent`, `b-admin` or `b-agent`; none for the empty string."""
        return (("authorization", f"Bearer {self.secrets[who]}"),) if who else ()

    @asynccontextmanager
    async def client(self, who: str = "a-admin") -> AsyncIterator[Client]:
        """A client with that credential."""
        async with grpc.aio.insecure_channel(self.address) as channel:
            yield Client(channel, self.metadata(who))

    async def remember(self, space: SpaceKey, *memories: Memory) -> None:
        """Do the work of one queued COMPRESS job: commit `memories` as its result, and index them."""
        job = await self.services.jobs.claim("test", [JobKind.COMPRESS], lease_seconds=60)
        assert job is not None
        outcomes = tuple(TurnOutcome(ref, Disposition.KEPT, "INFORMATIVE") for m in memories for ref in m.sources)
        await self.services.memories.commit(space, job, Compression(memories, outcomes))
        if self.indexer:
            async for _ in self.indexer.index(space):
                pass
        await self.services.jobs.succeed(job, JobSummary(created_count=len(memories)))


class Client:
    """Calls any method by name; a failed call raises grpc.aio.AioRpcError."""

    def __init__(self, channel: grpc.aio.Channel, metadata: tuple[tuple[str, str], ...]) -> None:
        self.memory: Any = memory_service_pb2_grpc.MemoryServiceStub(channel)
        self.admin: Any = admin_service_pb2_grpc.AdminServiceStub(channel)
        self.channel = channel
        self.credential = metadata

    async def __call__(self, name: str, request: Any, *, timeout: float = TIMEOUT) -> Any:
        stub = self.memory if hasattr(self.memory, name) else self.admin
        return await getattr(stub, name)(request, timeout=timeout, metadata=self.credential)


@cache
def migrated() -> bytes:
    """The content of an empty, migrated SQLite file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "memsvc.db"
        upgrade(f"sqlite:///{path}")
        return path.read_bytes()


@cache
def local_embedder() -> SentenceTransformerEmbedder:
    """The default embedder, which takes a second to load."""
    return SentenceTransformerEmbedder(device="cpu")


@cache
def analyzer() -> SpacyAnalyzer:
    """spaCy's pipeline, which takes a second to load."""
    return SpacyAnalyzer()


class NoRetriever:
    """Stands where a test never queries, so that no model is loaded."""

    async def retrieve(self, space: SpaceKey, spec: QuerySpec) -> Retrieval:
        raise AssertionError("this test was not meant to query")


class NoPreview:
    """Stands where a test never asks what consolidation would do."""

    async def preview(self, space: SpaceKey, scope: Scope) -> Preview:
        raise AssertionError("this test was not meant to preview")


@asynccontextmanager
async def running(
    path: Path,
    options: ServerOptions | None = None,
    *,
    models: bool = False,
    asker: Asks | None = None,
    consolidation: Previews | None = None,
    model: LanguageModel | None = None,
    plans_unasked: bool = False,
) -> AsyncIterator[Running]:
    """Serve from an empty SQLite file under `path`; with `models`, also with the index and the real models.

    With a language `model`, on account of the spaces, it plans queries and answers questions.
    """
    url = f"sqlite:///{path / 'memsvc.db'}"
    (path / "memsvc.db").write_bytes(await asyncio.to_thread(migrated))
    async with AsyncExitStack() as stack:
        database = Database(url)
        stack.push_async_callback(database.close)
        memories, tokens = SqlMemoryLog(database), Cl100kCounter()
        index = EdgeIndex(path / "index", "test", DIMENSION)
        stack.push_async_callback(index.close)
        await index.ensure()
        metered = LedgerModel(model, SqlUsageLedger(database)) if model else None
        retriever, indexer, previews = (
            _with_models(database, index, memories, metered) if models else (NoRetriever(), None, NoPreview())
        )
        services = Services(
            turns=SqlTurnLog(database),
            memories=memories,
            spaces=SqlSpaceStore(database),
            users=SqlUserStore(database),
            keys=SqlKeyStore(database),
            jobs=SqlJobQueue(database),
            index=index,
            retriever=retriever,
            tokens=tokens,
            consolidation=consolidation or previews,
            uses=UseCounter(database),
            asker=asker or (Asker(retriever, metered) if metered else None),
            plans_unasked=plans_unasked,
        )
        server = MemsvcServer(services, options or ServerOptions())
        port = await server.start()
        stack.push_async_callback(server.stop, 1.0)
        yield Running(server, services, indexer, f"127.0.0.1:{port}", await _secrets(services))


def _with_models(
    database: Database,
    index: EdgeIndex,
    memories: SqlMemoryLog,
    model: LedgerModel | None,
) -> tuple[Retriever, Indexer, MemoryConsolidation]:
    tokens, embedder = Cl100kCounter(), local_embedder()
    retriever = Retriever(
        index=index,
        embedder=embedder,
        tokens=tokens,
        memories=memories,
        planner=Planner(model) if model else None,
    )
    consolidation = MemoryConsolidation(
        log=SqlConsolidationLog(database),
        index=index,
        embedder=embedder,
        consolidator=Consolidator(analyzer=analyzer(), tokens=tokens, embedder=embedder),
        topics=True,
    )
    return retriever, Indexer(memories=memories, index=index, embedder=embedder), consolidation


async def _secrets(services: Services) -> dict[str, str]:
    return {
        f"{tenant}-{role}": (await services.keys.create(tenant, role, role))[1]
        for tenant in ("a", "b")
        for role in KeyRole
    }


def details_of(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    """The `google.rpc.Status` details of a failed call, by message name; `status` is the status itself."""
    raw = dict(error.trailing_metadata() or ())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(raw if isinstance(raw, bytes) else raw.encode())
    found: dict[str, Any] = {"status": status}
    for detail in status.details:
        name = detail.type_url.rpartition(".")[2]
        message = getattr(error_details_pb2, name)()
        assert detail.Unpack(message)
        found[name] = message
    return found


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """The machine-readable reason of a failed call."""
    return str(details_of(error)["ErrorInfo"].reason)

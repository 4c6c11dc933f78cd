"""A whole service in this process over the double of a Qdrant server, with small remote embedding models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from memsvc.bootstrap.serving import running_server
from memsvc.config import Settings, load
from memsvc_client import AsyncMemoryClient
from support.embeddings_server import EmbeddingsServer, embeddings_server
from support.qdrant_double import QdrantDouble, qdrant_double
from support.retrieval import HashingEmbedder

PATIENCE = 300.0


class ShortEmbedder(HashingEmbedder):
    """Another model: the same words in fewer dimensions."""

    dimension = 64


@dataclass(frozen=True)
class SmallService:
    """The service, what it depends on, and a client."""

    settings: Settings
    double: QdrantDouble
    first: EmbeddingsServer
    second: EmbeddingsServer
    client: AsyncMemoryClient

    async def add(self, *texts: str, session: str) -> None:
        """Ingest one turn for each text; returns once they are acknowledged."""
        turns = [{"role": "user", "name": "Ana", "content": text} for text in texts]
        await self.client.add(turns, user_id="ana", session_id=session)

    async def settled(self) -> bool:
        """Whether every turn is compressed and every memory indexed."""
        stats = await self.client.stats()
        return not (stats.pending_job_count or stats.pending_turn_count or stats.unindexed_memory_count)

    async def memory_count(self) -> int:
        """Memories that have a point: all but deleted ones."""
        states = {"states": ["active", "superseded", "left_out"]}
        return len([memory async for memory in self.client.list(whole_space=True, filters=states)])

    async def point_count(self, collection: str) -> int:
        """Points of a collection, of all spaces."""
        return (await self.double.local.count(collection)).count


@asynccontextmanager
async def small_service(path: Path) -> AsyncIterator[SmallService]:
    """Serve from an empty SQLite file under `path` with the first of two embedding models."""
    async with AsyncExitStack() as stack:
        double = await stack.enter_async_context(qdrant_double())
        first = await stack.enter_async_context(embeddings_server(HashingEmbedder()))
        second = await stack.enter_async_context(embeddings_server(ShortEmbedder()))
        settings = load(
            data_dir=path,
            listen="127.0.0.1:0",
            drain_seconds=0.5,
            qdrant_url=double.url,
            embedder="litellm:openai/first",
            embedder_dimension=HashingEmbedder.dimension,
            embedder_api_base=first.url,
        )
        port = await stack.enter_async_context(running_server(settings))
        key = settings.api_key_file.read_text().strip()
        client = await stack.enter_async_context(AsyncMemoryClient(f"127.0.0.1:{port}", api_key=key, timeout=30.0))
        yield SmallService(settings, double, first, second, client)


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until it holds, for five minutes at most."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not await holds():
        assert asyncio.get_running_loop().time() < deadline, what
        await asyncio.sleep(0.1)

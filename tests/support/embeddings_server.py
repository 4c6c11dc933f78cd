"""A local server that speaks OpenAI's embeddings API and can be told to misbehave."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from memsvc.ports import Embedder

# Turns the rows of a good answer into the rows of a bad one.
Spoil = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def as_they_are(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return rows


@dataclass
class EmbeddingsServer:
    """`statuses` are answered first, one a request; then embeddings, spoilt by `spoil` and after `delay` seconds."""

    embedder: Embedder
    url: str = ""
    statuses: list[int] = field(default_factory=list)
    spoil: Spoil = as_they_are
    delay: float = 0.0
    batch_sizes: list[int] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.batch_sizes.append(len(body["input"]))
        await asyncio.sleep(self.delay)
        if self.statuses:
            status = self.statuses.pop(0)
            return web.json_response({"error": {"message": f"no: {request.headers['Authorization']}"}}, status=status)
        vectors = await self.embedder.embed(body["input"])
        rows = [{"object": "embedding", "index": i, "embedding": v.tolist()} for i, v in enumerate(vectors)]
        # A provider may answer in any order.
        answer = {
            "object": "list",
            "model": body["model"],
            "data": self.spoil(rows)[::-1],
            "usage": {"prompt_tokens": 1, "total_tokens": 1},
        }
        return web.Response(text=json.dumps(answer), content_type="application/json")


@asynccontextmanager
async def embeddings_server(embedder: Embedder, *, port: int = 0) -> AsyncIterator[EmbeddingsServer]:
    """Serve `embedder` on a local port, a free one unless it is given."""
    server = EmbeddingsServer(embedder)
    app = web.Application()
    app.router.add_post("/embeddings", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()

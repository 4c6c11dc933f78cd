"""A running server: the first key, the port, metrics, and the drain at the end."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import structlog

from memsvc import metrics
from memsvc.bootstrap.engine import open_engine
from memsvc.bootstrap.stores import DEFAULT_TENANT, Stores
from memsvc.config import Settings
from memsvc.errors import Unavailable
from memsvc.retrieval.ask import Asker
from memsvc.rpc.server import MemsvcServer, ServerOptions, Services
from memsvc.storage import backlog
from memsvc.storage.uses import UseCounter
from memsvc.types import KeyRole

log = structlog.get_logger(__name__)


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
                users=stores.users,
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

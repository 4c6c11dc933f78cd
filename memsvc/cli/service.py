"""The commands that run inside the service's machine: they open the database and the index themselves."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from memsvc.bootstrap.engine import open_engine
from memsvc.bootstrap.parts import build_embedder, configured_model, with_model
from memsvc.bootstrap.serving import exposed_metrics, running_server
from memsvc.bootstrap.stores import Stores, open_stores
from memsvc.config import Settings
from memsvc.errors import FailedPrecondition, Reason
from memsvc.jobs.embeddings import CurrentModels
from memsvc.jobs.migration import EmbeddingMigration
from memsvc.jobs.queues import QUEUES, kinds_of
from memsvc.rpc.health import served_health
from memsvc.storage.enqueue import REINDEX_LOCK
from memsvc.storage.migrate import current, downgrade, head, upgrade
from memsvc.types import EmbeddingModel, EmbeddingState, KeyRole

err = Console(stderr=True)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then drain."""

    async def run() -> None:
        async with running_server(settings) as port:
            host = settings.listen.rpartition(":")[0]
            if err.is_terminal:
                err.print(f"memsvc serves on [bold]{host}:{port}[/]; data in {settings.data_dir}")
                if settings.auth == "required" and settings.api_key_file.is_file():
                    err.print(f"API key: {settings.api_key_file}")
            await _signalled()

    asyncio.run(run())


def work(settings: Settings, concurrency: int, queues: str = ",".join(QUEUES)) -> None:
    """Run the jobs of `queues` until SIGTERM or SIGINT, then hand back what is unfinished.

    Raises:
        ValueError: an unknown queue.
    """
    kinds = kinds_of(queues)

    async def run() -> None:
        async with AsyncExitStack() as stack:
            engine = await stack.enter_async_context(open_engine(settings, concurrency=concurrency, kinds=kinds))
            await stack.enter_async_context(exposed_metrics(settings, engine.stores))
            health = None
            if settings.health_listen:
                probed = served_health(settings.health_listen, engine.stores.database.ping)
                health = await stack.enter_async_context(probed)
            engine.worker.start()
            try:
                await _signalled()
            finally:
                if health:
                    await health.drain()
                await engine.worker.stop(settings.drain_seconds)

    asyncio.run(run())


async def _signalled() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def migrate(settings: Settings, to: str, back: bool) -> tuple[str | None, str | None]:
    """Bring the database to a revision; return the revisions before and after."""
    if settings.embedded:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    before = current(settings.sql_url)
    (downgrade if back else upgrade)(settings.sql_url, to)
    return before, current(settings.sql_url)


def revisions(settings: Settings) -> tuple[str | None, str]:
    """The database's schema revision and the newest one."""
    return current(settings.sql_url), head()


def reindex(settings: Settings) -> dict[str, int]:
    """Rebuild the index of every space from SQL; return the number of memories per space."""

    async def run() -> dict[str, int]:
        counts: dict[str, int] = {}
        async with open_engine(settings, concurrency=0) as engine:
            for key in await engine.stores.spaces.all():
                await engine.index.delete_space(key)
                total = await engine.stores.memories.mark_all_unindexed(key)
                with _bar() as bar:
                    task = bar.add_task(f"{key.tenant}/{key.space}", total=total)
                    async for count in engine.indexer.index(key):
                        bar.advance(task, count)
                counts[f"{key.tenant}/{key.space}"] = await engine.index.count(key)
        return counts

    return asyncio.run(run())


def migrate_embeddings(settings: Settings, target: EmbeddingModel, *, remove_old: bool) -> None:
    """Change the embedding model, with progress; this process works too, unless a service holds the index."""

    async def run() -> None:
        await _probe(with_model(settings, target))
        async with AsyncExitStack() as stack:
            stores, models = await _working_stores(settings, stack)
            migration = EmbeddingMigration(
                stores.embeddings, stores.memories, stores.spaces, stores.jobs, reindex_lock=REINDEX_LOCK
            )
            registered = await _migrate(migration, target, configured_model(settings))
            if remove_old:
                with err.status("removing the old index …"):
                    await migration.remove_old(registered.slot, models.remove_unwanted if models else None)
                err.print("The old index is removed.")

    asyncio.run(run())


async def _probe(settings: Settings) -> None:
    """Embed something with the model of the settings, so that one that does not work is not registered at all."""
    embedder = build_embedder(settings)
    try:
        await embedder.embed(["a probe"])
    finally:
        await embedder.close()


async def _working_stores(settings: Settings, stack: AsyncExitStack) -> tuple[Stores, CurrentModels | None]:
    """The stores, and the models where this process works too."""
    try:
        engine = await stack.enter_async_context(open_engine(settings, concurrency=max(1, settings.worker_concurrency)))
    except FailedPrecondition as error:
        if error.reason is not Reason.INDEX_IN_USE:
            raise
        err.print("The running service does the work.")
        return await stack.enter_async_context(open_stores(settings)), None
    engine.worker.start()
    stack.push_async_callback(engine.worker.stop, settings.drain_seconds)
    return engine.stores, engine.models


async def _migrate(migration: EmbeddingMigration, target: EmbeddingModel, current: EmbeddingModel) -> EmbeddingModel:
    with err.status(f"writing with {target.name} too …"):
        registered = await migration.begin(target, current)
    if registered.state is not EmbeddingState.ACTIVE:
        await _show("indexing", migration.fill(registered.slot))
        for check in await migration.compare():
            err.print(
                f"{check.space.tenant}/{check.space.space}: {check.points:,} points of {check.expected:,}; of "
                f"{check.sample} memories {check.self_recall:.0%} find themselves, and {check.overlap:.0%} of "
                "their ten nearest are the same"
            )
        await _show("switching", migration.switch(registered.slot))
    err.print(f"Queries are answered by {target.name}.")
    return registered


async def _show(title: str, due_counts: AsyncIterator[int]) -> None:
    with _bar() as bar:
        task, total = bar.add_task(title), 0
        async for due in due_counts:
            total = max(total, due)
            bar.update(task, total=total, completed=total - due)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=err
    )


def create_key(settings: Settings, tenant: str, label: str, role: KeyRole) -> str:
    """Create an API key and return its secret."""

    async def run() -> str:
        async with open_stores(settings) as stores:
            _, secret = await stores.keys.create(tenant, label, role)
            return secret

    return asyncio.run(run())

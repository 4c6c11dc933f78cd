"""The commands that run inside the service's machine: they open the database and the index themselves."""

from __future__ import annotations

import asyncio
import signal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from memsvc.bootstrap import exposed_metrics, open_engine, open_stores, running_server
from memsvc.config import Settings
from memsvc.storage.migrate import current, downgrade, head, upgrade
from memsvc.types import KeyRole

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


def work(settings: Settings, concurrency: int) -> None:
    """Run jobs until SIGTERM or SIGINT, then hand back what is unfinished."""

    async def run() -> None:
        async with open_engine(settings, concurrency=concurrency) as engine:
            engine.worker.start()
            try:
                async with exposed_metrics(settings, engine.stores):
                    await _signalled()
            finally:
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

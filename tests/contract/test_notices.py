"""What one process defers, another one's idle worker knows of at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from memsvc.jobs.queue import SqlJobQueue
from memsvc.storage.database import Database
from memsvc.storage.notices import PostgresNotices
from memsvc.types import JobKind, Scope
from support.storage import SPACE, turn

if TYPE_CHECKING:
    from contract.conftest import Stores

pytestmark = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)

SECONDS = 30.0
"""Longer than anything here takes; only a failing test waits for it."""


@asynccontextmanager
async def noticed(database: Database) -> AsyncIterator[PostgresNotices]:
    notices = PostgresNotices(database)
    running = asyncio.create_task(notices.run())
    try:
        async with asyncio.timeout(SECONDS):
            await notices.listening.wait()
        yield notices
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _woken(here: Database, there: Stores, number: int) -> None:
    """Find the queue empty, wait, and be woken by what another process defers."""
    queue = SqlJobQueue(here, there.clock)
    while await queue.claim("w", list(JobKind), lease_seconds=30) is not None:
        pass
    waiting = asyncio.create_task(queue.wait_for_work(2 * SECONDS))
    await asyncio.sleep(0)
    assert not waiting.done()
    await there.turns.accept(SPACE, [turn(number, scope=Scope("ana", "bot", f"s{number}"))])
    async with asyncio.timeout(SECONDS):
        await waiting
    assert await queue.claim("w", list(JobKind), lease_seconds=30) is not None


async def test_an_idle_worker_is_woken_by_another_process(servers: list[Stores]) -> None:
    here, there = servers[:2]
    async with noticed(here.database), noticed(there.database):
        await _woken(here.database, there, 1)


async def test_a_broken_connection_is_made_again(servers: list[Stores]) -> None:
    here, there = servers[:2]
    cut = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'")
    async with noticed(here.database) as listener, noticed(there.database):
        await there.database.write(lambda session: session.execute(cut).all())
        async with asyncio.timeout(SECONDS):
            while listener.listening.is_set():  # noqa: ASYNC110 - an event tells of one change only
                await asyncio.sleep(0.01)
            await listener.listening.wait()
        await _woken(here.database, there, 1)

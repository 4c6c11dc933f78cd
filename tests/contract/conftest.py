from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio

from memsvc.jobs.queue import SqlJobQueue
from memsvc.storage.database import Database
from memsvc.storage.keys import SqlKeyStore
from memsvc.storage.memories import SqlMemoryLog
from memsvc.storage.spaces import SqlSpaceStore
from memsvc.storage.turns import SqlTurnLog
from memsvc.storage.users import SqlUserStore
from support.storage import Clock, make_tenants


@dataclass(frozen=True)
class Stores:
    """Every store over one database and one clock."""

    database: Database
    clock: Clock
    turns: SqlTurnLog
    memories: SqlMemoryLog
    spaces: SqlSpaceStore
    users: SqlUserStore
    keys: SqlKeyStore
    jobs: SqlJobQueue


def stores_over(database: Database, clock: Clock) -> Stores:
    return Stores(
        database,
        clock,
        SqlTurnLog(database, clock),
        SqlMemoryLog(database, clock),
        SqlSpaceStore(database, clock),
        SqlUserStore(database),
        SqlKeyStore(database, clock),
        SqlJobQueue(database, clock),
    )


@pytest_asyncio.fixture
async def stores(database: Database) -> Stores:
    """Stores with two tenants, each with a default space."""
    made = stores_over(database, Clock())
    await make_tenants(made.keys)
    return made


@pytest_asyncio.fixture
async def servers(stores: Stores, database_url: str) -> AsyncIterator[list[Stores]]:
    """Four servers' stores over the same database."""
    databases = [Database(database_url, threads=3) for _ in range(4)]
    yield [stores_over(database, stores.clock) for database in databases]
    for database in databases:
        await database.close()

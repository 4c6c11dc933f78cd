"""The database, migrated, and everything that speaks SQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from memsvc.config import Settings
from memsvc.errors import FailedPrecondition, Reason
from memsvc.jobs.queue import SqlJobQueue
from memsvc.storage.consolidating import SqlConsolidationLog
from memsvc.storage.database import Database
from memsvc.storage.embeddings import SqlEmbeddingModels
from memsvc.storage.keys import SqlKeyStore
from memsvc.storage.memories import SqlMemoryLog
from memsvc.storage.migrate import current, head, upgrade
from memsvc.storage.notices import PostgresNotices
from memsvc.storage.rewriting import SqlRewriteLog
from memsvc.storage.spaces import SqlSpaceStore
from memsvc.storage.turns import SqlTurnLog
from memsvc.storage.users import SqlUserStore

DEFAULT_TENANT = "default"


@dataclass(frozen=True, slots=True)
class Stores:
    """Everything that speaks SQL."""

    database: Database
    turns: SqlTurnLog
    memories: SqlMemoryLog
    consolidation: SqlConsolidationLog
    rewriting: SqlRewriteLog
    spaces: SqlSpaceStore
    users: SqlUserStore
    keys: SqlKeyStore
    jobs: SqlJobQueue
    embeddings: SqlEmbeddingModels


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
            rewriting=SqlRewriteLog(database, consolidate_after=settings.consolidate_after),
            spaces=SqlSpaceStore(database),
            users=SqlUserStore(database),
            keys=SqlKeyStore(database),
            jobs=SqlJobQueue(database),
            embeddings=SqlEmbeddingModels(database),
        )
    finally:
        if telling:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        await database.close()

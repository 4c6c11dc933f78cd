"""Tells the other processes of a fleet when a job was deferred, and is told by them: PostgreSQL's LISTEN and NOTIFY.

A notice goes out just after the transaction that it is about, not with it: PostgreSQL lets transactions that notify
commit only one after the other, and one notice does for all that committed meanwhile. A notice that is lost, with its
process or its connection, costs a worker no more than the time until it looks by itself.
"""

from __future__ import annotations

import asyncio
import uuid

import psycopg
import structlog
from sqlalchemy import func, select
from sqlmodel import Session

from memsvc.errors import MemsvcError
from memsvc.storage.database import CONNECT_SECONDS, LOST_SERVER, Database

log = structlog.get_logger(__name__)

CHANNEL = "memsvc_jobs"
RETRY_SECONDS = 1.0
GAP_SECONDS = 0.01
"""Between two notices of one process."""


class PostgresNotices:
    """Passes on what `WorkSignal.deferred` says in this process, and sets it when another process says so."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._me = uuid.uuid4().hex
        self.listening = asyncio.Event()
        """Set while notices of others arrive."""

    async def run(self) -> None:
        """Tell and listen until cancelled; a connection that breaks is made again."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell())
            tasks.create_task(self._listen())

    async def _tell(self) -> None:
        def notify(session: Session) -> None:
            session.execute(select(func.pg_notify(CHANNEL, self._me)))

        while True:
            await self._db.work.to_tell.wait()
            self._db.work.to_tell.clear()
            try:
                await self._db.write(notify)
            except MemsvcError as error:
                log.warning("notices.not_told", reason=error.reason, message=error.message)
            await asyncio.sleep(GAP_SECONDS)

    async def _listen(self) -> None:
        while True:
            try:
                await self._heard()
            except psycopg.Error as error:
                log.warning("notices.not_listening", message=str(error))
            self.listening.clear()
            await asyncio.sleep(RETRY_SECONDS)

    async def _heard(self) -> None:
        url = self._db.url.set(drivername="postgresql").render_as_string(hide_password=False)
        connection = await psycopg.AsyncConnection.connect(
            url, autocommit=True, connect_timeout=CONNECT_SECONDS, **LOST_SERVER
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._db.work.notify()  # for what was deferred while nobody listened
            self.listening.set()
            async for notice in connection.notifies():
                if notice.payload != self._me:
                    self._db.work.notify()

"""Transactions: a plain function of a session, run on a thread, repeated when another transaction was in its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import URL, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from memsvc.storage.failures import is_transient, translated
from memsvc.storage.metadata_query import HOLDS, holds
from memsvc.storage.signal import WorkSignal

T = TypeVar("T")

ATTEMPTS = 10
SQLITE_BUSY_MS = 5_000
CONNECT_SECONDS = 5

# A machine that loses power, or a network that drops every packet, says nothing to the other side, which else waits
# for hours: here with a thread, there with locked rows.
LOST_SERVER: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # ms
}
_LOST_CLIENT = (
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=25s "
    "-c idle_in_transaction_session_timeout=60s"
)


class Database:
    """An SQLite file or a PostgreSQL database.

    SQLite has one thread that writes, in the order of arrival, and `threads` that read the last committed state.
    PostgreSQL runs at READ COMMITTED; functions lock the rows they depend on.

    A task that is cancelled while its transaction runs leaves it to end on its thread: committed or rolled back whole.
    """

    def __init__(self, url: str, *, threads: int = 8) -> None:
        self.work = WorkSignal()
        """Set by whoever commits a job in this process."""
        self.url = normalized(url)
        sqlite = self.url.get_backend_name() == "sqlite"
        self._reads = create_sql_engine(self.url, connections=threads if sqlite else 2 * threads)
        self._writes = create_sql_engine(self.url, connections=1, begin="IMMEDIATE") if sqlite else self._reads
        self._readers = ThreadPoolExecutor(threads, thread_name_prefix="sql-read")
        self._writers = ThreadPoolExecutor(1 if sqlite else threads, thread_name_prefix="sql-write")

    async def read(self, fn: Callable[[Session], T]) -> T:
        """Run `fn` in a transaction that is rolled back.

        Raises:
            Unavailable: the database is down, busy beyond patience, or cannot write.
            Corrupt: it is damaged.
        """
        return await self._run(self._readers, self._reads, fn, commit=False)

    async def write(self, fn: Callable[[Session], T]) -> T:
        """Run `fn` in a transaction and commit it; `fn` may run more than once, each time from a clean state.

        Raises:
            Unavailable: the database is down, busy beyond patience, or cannot write. When a connection breaks during
                the commit, whether it took place is unknown; every write of the service can be repeated.
            Corrupt: it is damaged.
        """
        return await self._run(self._writers, self._writes, fn, commit=True)

    async def ping(self) -> None:
        """Raise Unavailable unless the database answers."""
        await self.read(lambda session: session.execute(select(1)).all())

    async def close(self) -> None:
        """End running transactions and release every connection."""
        await asyncio.to_thread(self._close)

    async def _run(self, pool: ThreadPoolExecutor, engine: Engine, fn: Callable[[Session], T], *, commit: bool) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(pool, partial(transaction, engine, fn, commit=commit))

    def _close(self) -> None:
        for pool in (self._readers, self._writers):
            pool.shutdown(wait=True, cancel_futures=True)
        for engine in {self._reads, self._writes}:
            engine.dispose()


def transaction(engine: Engine, fn: Callable[[Session], T], *, commit: bool) -> T:
    """Run `fn` in one transaction, repeated while `failures.is_transient`. Blocks; see `Database` for errors."""
    attempts = Retrying(
        retry=retry_if_exception(is_transient),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.01, max=0.5),
        reraise=True,
    )
    try:
        result: T = attempts(_once, engine, fn, commit=commit)
    except SQLAlchemyError as error:
        mine = translated(error)
        if mine is None:
            raise
        raise mine from error
    return result


def _once(engine: Engine, fn: Callable[[Session], T], *, commit: bool) -> T:
    with Session(engine, expire_on_commit=False) as session:
        result = fn(session)
        if commit:
            session.commit()
        return result


def normalized(url: str) -> URL:
    """Return `url` with the driver this service uses: sqlite3 or psycopg 3."""
    parsed = make_url(url)
    if parsed.get_backend_name() in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise ValueError("the database must be an SQLite file or PostgreSQL")
    return parsed.set(drivername="sqlite")


def create_sql_engine(url: URL, *, connections: int, begin: str = "DEFERRED") -> Engine:
    """An engine with up to `connections` connections; `begin` is how its transactions start on SQLite."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, pool_size=connections, max_overflow=0)
        event.listen(engine, "connect", _set_up_sqlite)
        # Without IMMEDIATE a transaction that read first could not always go on to write.
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(f"BEGIN {begin}"))
        return engine
    options = f"-c timezone=utc -c lock_timeout=10s {_LOST_CLIENT}"
    return create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_SECONDS, "options": options, **LOST_SERVER},
    )


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    connection.create_function(HOLDS, 4, holds, deterministic=True)
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {SQLITE_BUSY_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")

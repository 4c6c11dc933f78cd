from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import Session

from memsvc.errors import Corrupt, Reason, Unavailable
from memsvc.storage import database as module
from memsvc.storage.database import Database, normalized
from memsvc.storage.migrate import current
from memsvc.storage.spaces import add_space
from memsvc.types import SpaceKey, utc_now
from support.postgres import PostgresServer


def _add(name: str) -> Callable[[Session], str]:
    return lambda session: add_space(session, SpaceKey("t", name), "", utc_now()).name


def _count(session: Session) -> int:
    return int(session.connection().execute(text("SELECT count(*) FROM spaces")).scalar_one())


async def test_a_write_is_committed_and_a_read_is_not(database: Database) -> None:
    assert await database.write(_add("a")) == "a"
    assert await database.read(_count) == 1
    await database.read(lambda session: session.connection().execute(text("UPDATE spaces SET version = 7")).rowcount)
    version = text("SELECT version FROM spaces")
    assert await database.read(lambda session: session.connection().execute(version).scalar_one()) == 1


async def test_an_error_rolls_the_transaction_back(database: Database) -> None:
    def fail(session: Session) -> None:
        add_space(session, SpaceKey("t", "a"), "", utc_now())
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await database.write(fail)
    assert await database.read(_count) == 0


async def test_a_transaction_that_lost_a_race_is_repeated_from_a_clean_state(database: Database) -> None:
    seen = []

    def look_then_insert(session: Session) -> int:
        seen.append(_count(session))
        if len(seen) < 3:
            add_space(session, SpaceKey("t", f"b{len(seen)}"), "", utc_now())
            add_space(session, SpaceKey("t", "a"), "", utc_now())
        return len(seen)

    await database.write(_add("a"))
    assert await database.write(look_then_insert) == 3
    assert seen == [1, 1, 1]


async def test_a_race_that_is_always_lost_is_an_error(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ATTEMPTS", 2)
    await database.write(_add("a"))
    with pytest.raises(IntegrityError):
        await database.write(_add("a"))


async def test_a_cancelled_task_leaves_its_transaction_whole(database: Database, database_url: str) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow(session: Session) -> None:
        add_space(session, SpaceKey("t", "a"), "", utc_now())
        entered.set()
        assert go_on.wait(30)
        add_space(session, SpaceKey("t", "b"), "", utc_now())

    task = asyncio.create_task(database.write(slow))
    assert await asyncio.to_thread(entered.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.read(_count) == 0
    go_on.set()
    await database.close()
    again = Database(database_url)
    assert await again.read(_count) == 2
    await again.close()


async def test_naive_times_are_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="naive"):
        await database.write(lambda session: add_space(session, SpaceKey("t", "a"), "", datetime(2024, 1, 1)))  # noqa: DTZ001


async def test_sqlite_is_set_up_to_be_durable(sqlite_template: Path) -> None:
    database = Database(f"sqlite:///{sqlite_template}")
    found = {}
    for pragma in ("journal_mode", "synchronous", "foreign_keys"):
        query = text(f"PRAGMA {pragma}")
        found[pragma] = await database.write(lambda s, query=query: s.connection().execute(query).scalar_one())
    await database.close()
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


async def test_a_full_disk_is_an_error_and_loses_nothing_before_it(tmp_path: Path, sqlite_template: Path) -> None:
    path = tmp_path / "full.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    await database.write(_add("a"))
    limit = text("PRAGMA max_page_count = 1")  # SQLite's own way to run out of room

    def fill(session: Session) -> None:
        session.connection().execute(limit)
        add_space(session, SpaceKey("t", "b"), "x" * 1_000_000, utc_now())

    with pytest.raises(Unavailable) as caught:
        await database.write(fill)
    assert caught.value.reason is Reason.WRITE_FAILED
    assert await database.read(_count) == 1
    await database.close()


async def test_a_busy_file_is_unavailable(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SQLITE_BUSY_MS", 1)
    monkeypatch.setattr(module, "ATTEMPTS", 2)
    path = tmp_path / "busy.db"
    path.write_bytes(sqlite_template.read_bytes())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    database = Database(f"sqlite:///{path}")
    with pytest.raises(Unavailable) as caught:
        await database.write(_add("a"))
    assert caught.value.reason is Reason.DATABASE_UNAVAILABLE
    other.execute("ROLLBACK")
    other.close()
    assert await database.write(_add("a")) == "a"
    await database.close()


async def test_a_damaged_file_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    path.write_bytes(b"not a database " * 1000)
    database = Database(f"sqlite:///{path}")
    with pytest.raises(Corrupt):
        await database.read(_count)
    await database.close()
    with pytest.raises(Corrupt):
        current(f"sqlite:///{path}")


async def test_a_missing_folder_is_unavailable(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'no' / 'such.db'}")
    with pytest.raises(Unavailable):
        await database.read(_count)
    await database.close()


async def test_a_server_that_does_not_answer_is_unavailable() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        database = Database(f"postgresql://nobody@127.0.0.1:{listener.getsockname()[1]}/none")
        with pytest.raises(Unavailable) as caught:
            await database.write(_count)
        assert caught.value.reason is Reason.DATABASE_UNAVAILABLE
        await database.close()


async def test_a_broken_connection_is_unavailable_once(postgres: PostgresServer) -> None:
    name = postgres.create()
    database = Database(postgres.url(name))
    end_it = text("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(Unavailable):
        await database.write(lambda session: session.connection().execute(end_it).all())
    assert await database.write(_add("a")) == "a"
    await database.close()
    postgres.drop(name)


async def test_neither_side_waits_for_hours_for_one_that_is_gone(postgres: PostgresServer) -> None:
    name = postgres.create()
    database = Database(postgres.url(name))
    names = ("tcp_keepalives_idle", "tcp_user_timeout", "idle_in_transaction_session_timeout")

    def settings(session: Session) -> tuple[list[str], int]:
        connection = session.connection()
        shown = [str(connection.exec_driver_sql(f"SHOW {name}").scalar_one()) for name in names]
        with socket.socket(fileno=os.dup(connection.connection.fileno())) as mine:
            return shown, mine.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)

    assert await database.read(settings) == (["10", "25000", "1min"], 25_000)
    await database.close()
    postgres.drop(name)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="SQLite file or PostgreSQL"):
        normalized(url)


def test_urls_name_this_services_drivers() -> None:
    assert normalized("postgresql://u:p@h/d").drivername == "postgresql+psycopg"
    assert normalized("sqlite:////tmp/x.db").database == "/tmp/x.db"  # noqa: S108

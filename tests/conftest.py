"""Fixtures that every kind of test shares: a database of each kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import structlog
from hypothesis import settings

from memsvc.storage.database import Database
from memsvc.storage.migrate import upgrade
from support.postgres import PostgresServer, postgres_server

# Deadlines of single examples say how busy the machine is, not whether the code is right.
settings.register_profile("memsvc", deadline=None)
settings.load_profile("memsvc")

BACKENDS = ("sqlite", "postgres")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A command that runs in this process sets up logging for a process of its own."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for the session, with a migrated template."""
    with postgres_server() as server:
        _make_template(server)
        yield server


def _make_template(server: PostgresServer) -> None:
    from psycopg import sql

    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(server.template)))
    upgrade(server.url(server.template))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file."""
    path = tmp_path_factory.mktemp("template") / "memsvc.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a fresh, migrated database of each kind."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        (tmp_path / "memsvc.db").write_bytes(template.read_bytes())
        yield f"sqlite:///{tmp_path / 'memsvc.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture(params=BACKENDS)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database of each kind without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create(empty=True)
    yield server.url(name)
    server.drop(name)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database of each kind."""
    opened = Database(database_url)
    yield opened
    await opened.close()

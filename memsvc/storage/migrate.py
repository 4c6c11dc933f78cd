"""Brings a database's schema to a revision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from memsvc.storage.database import create_sql_engine, normalized
from memsvc.storage.failures import translated

_PACKAGE = Path(__file__).parents[1]
SCRIPTS = next(folder / "migrations" for folder in (_PACKAGE, _PACKAGE.parent) if (folder / "migrations").is_dir())
"""Inside the package where it was installed from a wheel; in a checkout the folder beside it."""

_LOCK = 0x6D656D73  # "mems"


def upgrade(url: str, revision: str = "head") -> None:
    """Upgrade to `revision`. Servers that start at once on PostgreSQL wait for one another."""
    with _locked(url) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(url: str, revision: str) -> None:
    """Downgrade to `revision`; `base` removes every table with its data."""
    with _locked(url) as connection:
        command.downgrade(_config(connection), revision)


def current(url: str) -> str | None:
    """Return the database's revision, None before the first."""
    with _connected(url, begin="DEFERRED") as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Return the newest revision of this release."""
    found = ScriptDirectory(str(SCRIPTS)).get_current_head()
    if found is None:
        raise LookupError(f"no migrations in {SCRIPTS}")
    return found


@contextmanager
def _connected(url: str, *, begin: str) -> Iterator[Connection]:
    engine = create_sql_engine(normalized(url), connections=1, begin=begin)
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        mine = translated(error)
        if mine is None:
            raise
        raise mine from error
    finally:
        engine.dispose()


@contextmanager
def _locked(url: str) -> Iterator[Connection]:
    with _connected(url, begin="IMMEDIATE") as connection:
        if connection.dialect.name == "postgresql":
            # Until another server's migration is done, however long that takes.
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        yield connection


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from memsvc.storage.database import Database, create_sql_engine, normalized
from memsvc.storage.keys import SqlKeyStore
from memsvc.storage.migrate import current, downgrade, head, upgrade
from memsvc.storage.tables import METADATA
from memsvc.types import KeyRole


def test_tables_and_migrations_agree(database_url: str) -> None:
    engine = create_sql_engine(normalized(database_url), connections=1)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


def test_up_down_and_up_again(empty_database_url: str) -> None:
    assert current(empty_database_url) is None
    upgrade(empty_database_url)
    assert current(empty_database_url) == head()
    downgrade(empty_database_url, "base")
    assert current(empty_database_url) is None
    assert _tables(empty_database_url) == {"alembic_version"}
    upgrade(empty_database_url)
    assert _tables(empty_database_url) == {"alembic_version", *METADATA.tables}


async def test_data_survives_an_upgrade_that_has_nothing_to_do(database: Database, database_url: str) -> None:
    _, secret = await SqlKeyStore(database).create("acme", "k", KeyRole.ADMIN)
    upgrade(database_url)
    assert await SqlKeyStore(database).authenticate(secret) is not None


def test_a_failed_migration_leaves_nothing(empty_database_url: str) -> None:
    engine = create_sql_engine(normalized(empty_database_url), connections=1, begin="IMMEDIATE")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE spaces (mine INTEGER)"))
    engine.dispose()
    with pytest.raises(SQLAlchemyError, match="already exists"):
        upgrade(empty_database_url)
    assert _tables(empty_database_url) == {"spaces"}


def _tables(url: str) -> set[str]:
    engine = create_sql_engine(normalized(url), connections=1)
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found

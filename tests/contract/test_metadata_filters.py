"""Conditions on metadata mean in SQL and in every index what they mean in Python."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import JSON, Column, Engine, Integer, MetaData, Table, delete, insert, select

from memsvc.language.lexical import LexicalEncoder
from memsvc.storage.database import create_sql_engine, normalized
from memsvc.storage.metadata_query import satisfying
from memsvc.types import Memory, MemoryFilter, MetadataCondition, Scope, SpaceKey
from memsvc.vectors.edge import EdgeIndex
from memsvc.vectors.server import ServerIndex, connect
from support.conditions import CONDITIONS, METADATA
from support.qdrant_double import qdrant_double

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant:UserWarning"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact:UserWarning"),
]

NOTES = Table("notes", MetaData(), Column("id", Integer, primary_key=True), Column("labels", JSON(none_as_null=True)))
OBJECTS = st.lists(METADATA, min_size=1, max_size=6)
SHARED_FIXTURES = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
DIMENSION = 4


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[Engine]:
    made = create_sql_engine(normalized(empty_database_url), connections=1)
    NOTES.create(made)
    yield made
    made.dispose()


@SHARED_FIXTURES
@given(OBJECTS, CONDITIONS)
def test_in_sql(engine: Engine, objects: list[dict[str, Any]], condition: MetadataCondition) -> None:
    with engine.begin() as connection:
        connection.execute(delete(NOTES))
        connection.execute(insert(NOTES), [{"id": n, "labels": each} for n, each in enumerate(objects)])
        found = connection.execute(select(NOTES.c.id).where(satisfying(NOTES.c.labels, condition))).scalars()
        assert set(found) == {n for n, each in enumerate(objects) if condition.matches(each)}


class OpenIndex:
    """An index and the loop that it lives in."""

    def __init__(self, adapter: str, path: Path) -> None:
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._index = self._runner.run(self._open(adapter, path))

    async def _open(self, adapter: str, path: Path) -> EdgeIndex | ServerIndex:
        if adapter == "edge":
            index: EdgeIndex | ServerIndex = EdgeIndex(path, "test", DIMENSION)
        else:
            double = await self._stack.enter_async_context(qdrant_double())
            index = ServerIndex(connect(double.url), "test", DIMENSION)
        self._stack.push_async_callback(index.close)
        await index.ensure()
        return index

    def found(self, memories: list[Memory], where: MemoryFilter) -> set[str]:
        """Ids of those of the memories that a dense search finds, in a space of their own."""
        return self._runner.run(self._found(memories, where))

    async def _found(self, memories: list[Memory], where: MemoryFilter) -> set[str]:
        space = SpaceKey("acme", uuid.uuid4().hex)
        vector = np.eye(DIMENSION, dtype=np.float32)[0]
        lexical = [LexicalEncoder().document("") for _ in memories]
        await self._index.upsert(space, memories, np.tile(vector, (len(memories), 1)), lexical)
        hits = await self._index.search_dense(space, vector, where, limit=len(memories))
        return {hit.memory_id for hit in hits}

    def close(self) -> None:
        """Close both."""
        self._runner.run(self._stack.aclose())
        self._runner.close()


@pytest.fixture(params=["edge", "wire"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenIndex]:
    opened = OpenIndex(request.param, tmp_path)
    yield opened
    opened.close()


@SHARED_FIXTURES
@given(OBJECTS, CONDITIONS)
def test_in_the_index(index: OpenIndex, objects: list[dict[str, Any]], condition: MetadataCondition) -> None:
    memories = [_memory(n, each) for n, each in enumerate(objects)]
    matching = frozenset(memory.id for memory in memories if condition.matches(memory.metadata))
    looked_up = matching if condition.compares_text else None
    assert index.found(memories, MemoryFilter(metadata=condition, ids=looked_up)) == matching


def _memory(number: int, metadata: dict[str, Any]) -> Memory:
    noon = datetime(2026, 5, 7, 12, tzinfo=UTC)
    return Memory(id=f"m{number}", scope=Scope("u"), text="", event_time=noon, metadata=metadata)

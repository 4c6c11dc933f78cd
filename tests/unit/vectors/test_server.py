"""`ServerIndex` over a real socket, against the double of a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import numpy as np
import pytest
from grpc import StatusCode

from memsvc.breaker import CircuitBreaker
from memsvc.errors import Unavailable
from memsvc.types import Memory, MemoryFilter, Scope, SpaceKey, SparseVector
from memsvc.vectors import schema
from memsvc.vectors.calls import GuardedCalls
from memsvc.vectors.quantization import Quantization, Storage, kind_of
from memsvc.vectors.server import CHUNK, WRITES_IN_FLIGHT, ServerIndex, connect
from support.qdrant_double import QdrantDouble, qdrant_double

HERE = SpaceKey("acme", "support")
DIMENSION = 8
NAME = "test"

Opener = Callable[..., ServerIndex]
T = TypeVar("T")


@pytest.fixture
async def double() -> AsyncIterator[QdrantDouble]:
    async with qdrant_double() as made:
        yield made


async def no_sleep(_: float) -> None:
    """Instead of the pauses between tries."""


@pytest.fixture
async def connected(double: QdrantDouble) -> AsyncIterator[Opener]:
    """Makes indexes of one collection; their circuits never open by themselves."""
    made: list[ServerIndex] = []

    def make(storage: Storage | None = None, breaker: CircuitBreaker | None = None) -> ServerIndex:
        calls = GuardedCalls(breaker=breaker or CircuitBreaker(threshold=99, seconds=1), sleep=no_sleep)
        made.append(ServerIndex(connect(double.url), NAME, DIMENSION, storage=storage, calls=calls))
        return made[-1]

    yield make
    for index in made:
        await index.close()


async def store(index: ServerIndex, count: int) -> None:
    told = datetime(2024, 5, 7, tzinfo=UTC)
    memories = [Memory(id=f"m{n}", scope=Scope("u"), text="", event_time=told) for n in range(count)]
    await index.upsert(HERE, memories, np.ones((count, DIMENSION), np.float32), [SparseVector((), ())] * count)


async def found(index: ServerIndex) -> int:
    return len(await index.search_dense(HERE, np.ones(DIMENSION, np.float32), MemoryFilter(), limit=5))


async def once_connected(call: Callable[[], Awaitable[T]]) -> T:
    """What a call answers when its channel has found the server again."""
    deadline = asyncio.get_running_loop().time() + 30
    while True:
        try:
            return await call()
        except Unavailable:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("quantization", Quantization)
async def test_collections_are_made_as_set(double: QdrantDouble, connected: Opener, quantization: Quantization) -> None:
    index = connected(Storage(quantization, on_disk=True, shards=3, replicas=2))
    await index.ensure()
    vectors, request = double.collections.vectors[NAME]["dense"], double.collections.created[NAME]
    assert (kind_of(vectors.quantization_config), vectors.on_disk) == (quantization, True)
    assert (request.shard_number, request.replication_factor) == (3, 2)
    await store(index, 3)
    assert await found(index) == 3
    params = double.queries[-1].params
    assert params.hnsw_ef == schema.HNSW_EF
    assert params.HasField("quantization") == (quantization is not Quantization.NONE)
    if quantization is not Quantization.NONE:
        assert params.quantization.rescore
        assert params.quantization.oversampling > 1


async def test_a_collection_that_was_set_otherwise_is_changed_and_keeps_its_points(
    double: QdrantDouble, connected: Opener
) -> None:
    first = connected(Storage(Quantization.NONE))
    await first.ensure()
    await store(first, 3)
    for storage in (Storage(), Storage(Quantization.BINARY, on_disk=True), Storage(Quantization.NONE)):
        index = connected(storage)
        await index.ensure()
        vectors = double.collections.vectors[NAME]["dense"]
        assert (kind_of(vectors.quantization_config), vectors.on_disk) == (storage.quantization, storage.on_disk)
        assert index.unsure_since is None
        assert await found(index) == 3
    changes = double.faults.calls["Update"]
    await connected(Storage(Quantization.NONE)).ensure()
    assert double.faults.calls["Update"] == changes == 3


async def test_writes_in_flight_are_bounded(double: QdrantDouble, connected: Opener) -> None:
    index = connected()
    await index.ensure()
    double.faults.open.clear()
    double.faults.most_running, double.faults.arrivals = 0, asyncio.Semaphore(0)
    writing = asyncio.create_task(store(index, CHUNK * (WRITES_IN_FLIGHT + 2)))
    for _ in range(WRITES_IN_FLIGHT):
        await double.faults.arrivals.acquire()
    double.faults.open.set()
    await writing
    assert double.faults.most_running == WRITES_IN_FLIGHT
    assert double.faults.calls["Upsert"] == WRITES_IN_FLIGHT + 2
    assert await index.count(HERE) == CHUNK * (WRITES_IN_FLIGHT + 2)


async def test_batches_are_written_once_the_server_has_room(double: QdrantDouble, connected: Opener) -> None:
    index = connected()
    await index.ensure()
    double.faults.refusals = [(StatusCode.RESOURCE_EXHAUSTED, 3), (StatusCode.RESOURCE_EXHAUSTED, 0)]
    await store(index, 2 * CHUNK)
    assert double.faults.calls["Upsert"] == 4
    assert await index.count(HERE) == 2 * CHUNK


async def test_a_server_that_was_away_is_found_again(double: QdrantDouble, connected: Opener) -> None:
    index = connected()
    await index.ensure()
    await store(index, 2)
    await double.stop()
    with pytest.raises(Unavailable):
        await found(index)
    await double.start()
    assert await once_connected(lambda: found(index)) == 2


async def test_a_collection_that_could_not_be_removed_can_be_later(double: QdrantDouble, connected: Opener) -> None:
    index = connected()
    await index.ensure()
    await double.stop()
    with pytest.raises(Unavailable):
        await index.drop()
    await double.start()
    assert NAME in double.collections.created
    await once_connected(index.drop)
    assert NAME not in double.collections.created
    await connected().drop()


async def test_an_open_circuit_asks_nothing(double: QdrantDouble, connected: Opener) -> None:
    index = connected(breaker=CircuitBreaker(threshold=2, seconds=3600))
    await index.ensure()
    double.faults.down = StatusCode.UNAVAILABLE
    with pytest.raises(Unavailable):
        await found(index)
    asked = double.faults.calls["Query"]
    double.faults.down = None
    with pytest.raises(Unavailable) as refused:
        await found(index)
    assert double.faults.calls["Query"] == asked
    assert 3500 < refused.value.retry_after <= 3600


async def test_a_stalled_server_does_not_hold_a_caller_that_gives_up(double: QdrantDouble, connected: Opener) -> None:
    index = connected()
    await index.ensure()
    double.faults.open.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await found(index)
    double.faults.open.set()
    assert await found(index) == 0

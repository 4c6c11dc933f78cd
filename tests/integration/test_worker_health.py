"""What a probe is told of a worker."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from memsvc.errors import Unavailable
from memsvc.rpc.health import LIVE, READY, Health, served_health

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
SECONDS = 30.0
"""Longer than anything here takes; only a failing test waits for it."""


class Database:
    """One that can be cut off."""

    down = False

    async def ping(self) -> None:
        if self.down:
            raise Unavailable("down")


async def _becomes(health: Health, service: str, wanted: int) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{health.port}") as channel, asyncio.timeout(SECONDS):
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=service))
        while (await watch.read()).status != wanted:
            pass
        watch.cancel()


async def test_a_worker_is_ready_while_its_database_answers_and_it_does_not_drain() -> None:
    database = Database()
    async with served_health("127.0.0.1:0", database.ping, check_seconds=0.01) as health:
        await _becomes(health, READY, SERVING)
        database.down = True
        await _becomes(health, READY, NOT_SERVING)
        await _becomes(health, LIVE, SERVING)
        database.down = False
        await _becomes(health, READY, SERVING)
        await health.drain()
        await _becomes(health, READY, NOT_SERVING)
        await _becomes(health, LIVE, SERVING)


async def test_an_address_in_use_is_refused() -> None:
    async with served_health("127.0.0.1:0", Database().ping) as health:
        with pytest.raises(Unavailable, match="health_listen: cannot listen on"):
            async with served_health(f"127.0.0.1:{health.port}", Database().ping):
                raise AssertionError("it listens")

"""The health of a worker, for probes: gRPC's health service and nothing else, without a credential."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from memsvc.errors import MemsvcError, Unavailable

log = structlog.get_logger(__name__)

READY, LIVE = "", "live"
"""Services that a probe can ask for: whether jobs can be done now, and whether the process still answers at all."""
CHECK_SECONDS = 5.0
_SERVING, _NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@asynccontextmanager
async def served_health(
    listen: str, reached: Callable[[], Awaitable[object]], *, check_seconds: float = CHECK_SECONDS
) -> AsyncIterator[Health]:
    """Answer probes at `listen`, host:port, while the block runs; ready as long as `reached` raises nothing.

    Raises:
        Unavailable: the address cannot be bound.
    """
    servicer = health.aio.HealthServicer()  # type: ignore[attr-defined]  # the stubs lack it
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    try:
        port = server.add_insecure_port(listen)
    except RuntimeError as error:
        raise Unavailable(f"health_listen: cannot listen on {listen}: {error}") from error
    await servicer.set(LIVE, _SERVING)
    await servicer.set(READY, _NOT_SERVING)
    await server.start()
    log.info("health.ready", port=port)
    served = Health(servicer, port)
    checking = asyncio.create_task(served.keep_checking(reached, check_seconds), name="health")
    try:
        yield served
    finally:
        checking.cancel()
        await server.stop(None)


class Health:
    """What probes are told."""

    def __init__(self, servicer: health.aio.HealthServicer, port: int) -> None:  # type: ignore[name-defined]
        self.port = port
        self._servicer = servicer
        self._draining = False

    async def drain(self) -> None:
        """Not ready from now on."""
        self._draining = True
        await self._servicer.set(READY, _NOT_SERVING)

    async def keep_checking(self, reached: Callable[[], Awaitable[object]], seconds: float) -> None:
        """Ask `reached` every `seconds`, until cancelled."""
        while True:
            try:
                await reached()
                status = _SERVING
            except MemsvcError as error:
                log.warning("health.not_ready", reason=error.reason, message=error.message)
                status = _NOT_SERVING
            if not self._draining:
                await self._servicer.set(READY, status)
            await asyncio.sleep(seconds)

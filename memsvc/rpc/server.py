"""The gRPC server: both services, health, reflection, TLS, and a drain that loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from memsvc.errors import Unavailable
from memsvc.rpc.admin_service import AdminService
from memsvc.rpc.admission import Admission
from memsvc.rpc.authentication import Authenticator, KeyAuthenticator, LocalAuthenticator
from memsvc.rpc.dispatch import service_handler
from memsvc.rpc.interceptors import CallInterceptor
from memsvc.rpc.memory_service import MemoryService
from memsvc.rpc.services import Services
from memsvc.v1 import admin_service_pb2, memory_service_pb2

__all__ = ["MemsvcServer", "ServerOptions", "Services"]

MEMORY_SERVICE: ServiceDescriptor = memory_service_pb2.DESCRIPTOR.services_by_name["MemoryService"]
ADMIN_SERVICE: ServiceDescriptor = admin_service_pb2.DESCRIPTOR.services_by_name["AdminService"]
REFLECTION_NAMES = ("grpc.reflection.v1.ServerReflection", reflection.SERVICE_NAME)
"""Version 1 has the same messages as its alpha, which the reference implementation speaks."""
LAST_RESPONSES_SECONDS = 0.5
"""What a drained server leaves its last responses to reach their callers."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How to serve. `auth`: `keys`, or `none` for a server that only its own machine reaches."""

    listen: str = "127.0.0.1:0"
    auth: str = "keys"
    tls_cert: bytes | None = None
    """PEM chain; TLS is on when it and `tls_key` are given."""
    tls_key: bytes | None = None
    max_message_bytes: int = 16 * 1024 * 1024
    max_concurrent_rpcs: int = 256
    """Calls at once, streams included, health excepted."""
    default_deadline_seconds: float = 60.0
    """Of unary calls whose caller set none."""
    keepalive_seconds: float = 60.0
    """Silence after which the server pings a connection."""


class MemsvcServer:
    """Serves from `start` to `stop`; one use."""

    def __init__(self, services: Services, options: ServerOptions) -> None:
        self._options = options
        self._admission = Admission(options.max_concurrent_rpcs)
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]  # the stubs lack it
        authenticator: Authenticator = (
            LocalAuthenticator() if options.auth == "none" else KeyAuthenticator(services.keys)
        )
        interceptor = CallInterceptor(authenticator, self._admission, options.default_deadline_seconds)
        self._server = grpc.aio.server(interceptors=[interceptor], options=_channel_options(options))
        self._server.add_generic_rpc_handlers(
            [
                service_handler(MEMORY_SERVICE, MemoryService(services, self._admission)),
                service_handler(ADMIN_SERVICE, AdminService(services, self._admission)),
                *_reflection_handlers(),
            ]
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)

    async def start(self) -> int:
        """Bind and serve; return the bound port.

        Raises:
            Unavailable: the address cannot be bound.
        """
        port = self._bind()
        await self._server.start()
        for name in (MEMORY_SERVICE.full_name, ADMIN_SERVICE.full_name):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return port

    async def serve_forever(self) -> None:
        """Return when the server has stopped."""
        await self._server.wait_for_termination()

    async def stop(self, grace: float) -> None:
        """Drain: health says NOT_SERVING, new calls are refused, running ones may finish within `grace` seconds."""
        self._admission.drain()
        await self._health.enter_graceful_shutdown()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._admission.idle(), grace)
        await self._server.stop(LAST_RESPONSES_SECONDS)

    def _bind(self) -> int:
        options = self._options
        try:
            if options.tls_cert and options.tls_key:
                pair = [(options.tls_key, options.tls_cert)]
                return self._server.add_secure_port(options.listen, grpc.ssl_server_credentials(pair))
            return self._server.add_insecure_port(options.listen)
        except RuntimeError as error:
            raise Unavailable(f"cannot listen on {options.listen}: {error}") from error


def _channel_options(options: ServerOptions) -> Sequence[tuple[str, Any]]:
    return (
        ("grpc.max_receive_message_length", options.max_message_bytes),
        ("grpc.max_send_message_length", options.max_message_bytes),
        ("grpc.so_reuseport", 0),
        ("grpc.keepalive_time_ms", int(options.keepalive_seconds * 1000)),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
    )


def _reflection_handlers() -> list[grpc.GenericRpcHandler[Any, Any]]:
    names = (MEMORY_SERVICE.full_name, ADMIN_SERVICE.full_name, health.SERVICE_NAME, *REFLECTION_NAMES)
    servicer = reflection.aio.ReflectionServicer(names)  # type: ignore[attr-defined]  # the stubs lack it
    handler: grpc.RpcMethodHandler[Any, Any] = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return [grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": handler}) for name in REFLECTION_NAMES]

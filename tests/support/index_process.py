"""The double of a Qdrant server in a process of its own, with a journal: a kill loses nothing that it answered."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message
from qdrant_client import AsyncQdrantClient
from qdrant_client import grpc as q
from qdrant_client.grpc.collections_service_pb2_grpc import add_CollectionsServicer_to_server
from qdrant_client.grpc.points_service_pb2_grpc import add_PointsServicer_to_server

from support.qdrant_double import Collections, Points

WRITES: dict[str, type[Message]] = {
    "/qdrant.Collections/Create": q.CreateCollection,
    "/qdrant.Collections/Update": q.UpdateCollection,
    "/qdrant.Collections/Delete": q.DeleteCollection,
    "/qdrant.Points/CreateFieldIndex": q.CreateFieldIndexCollection,
    "/qdrant.Points/Upsert": q.UpsertPoints,
    "/qdrant.Points/Delete": q.DeletePoints,
}
"""What changes anything."""
_HEADER = struct.Struct("<II")


class Journal(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Writes down each request that changes anything before it is carried out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        handler = await continuation(details)
        if details.method not in WRITES:
            return handler

        async def answer(request: Any, context: Any) -> Any:
            self._write(details.method.encode(), request.SerializeToString())
            return await handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(
            answer, request_deserializer=handler.request_deserializer, response_serializer=handler.response_serializer
        )

    async def replay(self, collections: Collections, points: Points) -> None:
        """Carry out again what an earlier life wrote down."""
        for method, body in self._read():
            service, name = method.rsplit("/", 1)
            target = collections if service == "/qdrant.Collections" else points
            with contextlib.suppress(grpc.aio.AbortError):  # refused then as now
                await getattr(target, name)(WRITES[method].FromString(body), _Aborting())

    def _write(self, method: bytes, body: bytes) -> None:
        os.write(self._file, _HEADER.pack(len(method), len(body)) + method + body)

    def _read(self) -> Iterator[tuple[str, bytes]]:
        rest = memoryview(self._path.read_bytes())
        while len(rest) >= _HEADER.size:
            method, body = _HEADER.unpack_from(rest)
            end = _HEADER.size + method + body
            if len(rest) < end:  # cut off while it was written, so it was never answered
                return
            yield bytes(rest[_HEADER.size : _HEADER.size + method]).decode(), bytes(rest[end - body : end])
            rest = rest[end:]


class _Aborting:
    """The context of a call that nobody waits for any more."""

    async def abort(self, *_: object) -> None:
        raise grpc.aio.AbortError


async def serve(folder: Path, port: int) -> None:
    """Serve until killed, with what `folder` holds."""
    local = AsyncQdrantClient(":memory:")
    collections = Collections(local)
    points = Points(local, collections)
    journal = Journal(folder / "journal")
    await journal.replay(collections, points)
    server = grpc.aio.server(interceptors=[journal], options=[("grpc.so_reuseport", 0)])
    add_CollectionsServicer_to_server(collections, server)
    add_PointsServicer_to_server(points, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()

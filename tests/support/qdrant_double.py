"""A double of a Qdrant server: Qdrant's own gRPC protocol on a real socket, over qdrant-client's local mode.

It answers the calls that `ServerIndex` makes and can be stopped and started again with its data, stalled, and told
to refuse calls. What it cannot show is Qdrant's own search: local mode compares every vector and quantises nothing.
"""

# ruff: noqa: N802 - methods have the names of the protocol

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from qdrant_client import AsyncQdrantClient, models
from qdrant_client import grpc as q
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc
from qdrant_client.grpc.collections_service_pb2_grpc import CollectionsServicer, add_CollectionsServicer_to_server
from qdrant_client.grpc.points_service_pb2_grpc import PointsServicer, add_PointsServicer_to_server

FIELD_TYPES = {
    q.FieldType.FieldTypeKeyword: models.PayloadSchemaType.KEYWORD,
    q.FieldType.FieldTypeDatetime: models.PayloadSchemaType.DATETIME,
}


@dataclass
class Faults(grpc.aio.ServerInterceptor):
    """What goes wrong, and a count of what was asked."""

    refusals: list[tuple[grpc.StatusCode, int]] = field(default_factory=list)
    """Answered first, one a call: a code, and the seconds of a `retry-after` header (0 sends none)."""
    down: grpc.StatusCode | None = None
    """Answered to every call while it is set."""
    only: str = ""
    """The one method that faults are for; empty for all."""
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """While it is not set, calls wait."""
    calls: Counter[str] = field(default_factory=Counter)
    arrivals: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    """Released once for each call that comes in."""
    running: int = 0
    most_running: int = 0

    def __post_init__(self) -> None:
        self.open.set()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        handler = await continuation(details)
        method = details.method.rpartition("/")[2]

        async def answer(request: Any, context: Any) -> Any:
            self.calls[method] += 1
            self.running += 1
            self.arrivals.release()
            self.most_running = max(self.most_running, self.running)
            try:
                if self.only in ("", method):
                    await self._misbehave(context)
                return await handler.unary_unary(request, context)
            finally:
                self.running -= 1

        return grpc.unary_unary_rpc_method_handler(
            answer, request_deserializer=handler.request_deserializer, response_serializer=handler.response_serializer
        )

    async def _misbehave(self, context: Any) -> None:
        await self.open.wait()
        code, seconds = self.refusals.pop(0) if self.refusals else (self.down, 0)
        if code is not None:
            await context.abort(code, "told to", (("retry-after", str(seconds)),) if seconds else ())


class Collections(CollectionsServicer):
    """Collections of the local client, with the parts of their configuration that it does not keep."""

    def __init__(self, local: AsyncQdrantClient) -> None:
        self._local = local
        self.vectors: dict[str, dict[str, models.VectorParams]] = {}
        self.created: dict[str, q.CreateCollection] = {}
        self.fields: dict[str, dict[str, models.PayloadSchemaType]] = {}

    async def CollectionExists(self, request: q.CollectionExistsRequest, _: Any) -> q.CollectionExistsResponse:
        exists = await self._local.collection_exists(request.collection_name)
        return q.CollectionExistsResponse(result=q.CollectionExists(exists=exists))

    async def Create(self, request: q.CreateCollection, context: Any) -> q.CollectionOperationResponse:
        name = request.collection_name
        if name in self.created:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, f"Collection `{name}` already exists!")
        self.created[name] = request
        self.fields[name] = {}
        self.vectors[name] = GrpcToRest.convert_vectors_config(request.vectors_config)
        await self._local.create_collection(
            name,
            vectors_config=self.vectors[name],
            sparse_vectors_config=GrpcToRest.convert_sparse_vector_config(request.sparse_vectors_config),
        )
        return q.CollectionOperationResponse(result=True)

    async def Get(self, request: q.GetCollectionInfoRequest, context: Any) -> q.GetCollectionInfoResponse:
        name = request.collection_name
        if name not in self.created:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"Collection `{name}` doesn't exist!")
        info = await self._local.get_collection(name)
        info.config.params.vectors = self.vectors[name]
        info.payload_schema = {
            field: models.PayloadIndexInfo(data_type=kind, points=0) for field, kind in self.fields[name].items()
        }
        return q.GetCollectionInfoResponse(result=RestToGrpc.convert_collection_info(info))

    async def Update(self, request: q.UpdateCollection, _: Any) -> q.CollectionOperationResponse:
        for vector, diff in request.vectors_config.params_map.map.items():
            change: dict[str, Any] = {"on_disk": diff.on_disk} if diff.HasField("on_disk") else {}
            if diff.HasField("quantization_config"):
                wanted = GrpcToRest.convert_quantization_config_diff(diff.quantization_config)
                change["quantization_config"] = None if wanted == models.Disabled.DISABLED else wanted
            vectors = self.vectors[request.collection_name]
            vectors[vector] = vectors[vector].model_copy(update=change)
        return q.CollectionOperationResponse(result=True)

    async def Delete(self, request: q.DeleteCollection, _: Any) -> q.CollectionOperationResponse:
        existed = self.created.pop(request.collection_name, None) is not None
        await self._local.delete_collection(request.collection_name)
        return q.CollectionOperationResponse(result=existed)


class Points(PointsServicer):
    """Points of the local client."""

    def __init__(self, local: AsyncQdrantClient, collections: Collections) -> None:
        self._local = local
        self._collections = collections
        self.queries: list[q.QueryPoints] = []

    async def CreateFieldIndex(self, request: q.CreateFieldIndexCollection, _: Any) -> q.PointsOperationResponse:
        fields = self._collections.fields[request.collection_name]
        fields[request.field_name] = FIELD_TYPES[request.field_type]
        return _done()

    async def Upsert(self, request: q.UpsertPoints, context: Any) -> q.PointsOperationResponse:
        await self._require(request, context)
        await self._local.upsert(
            request.collection_name, [GrpcToRest.convert_point_struct(point) for point in request.points]
        )
        return _done()

    async def Delete(self, request: q.DeletePoints, context: Any) -> q.PointsOperationResponse:
        await self._require(request, context)
        await self._local.delete(request.collection_name, GrpcToRest.convert_points_selector(request.points))
        return _done()

    async def Query(self, request: q.QueryPoints, context: Any) -> q.QueryResponse:
        await self._require(request, context)
        self.queries.append(request)
        asked = GrpcToRest.convert_query_points(request)
        found = await self._local.query_points(
            request.collection_name,
            query=asked.query,
            using=asked.using,
            query_filter=asked.filter,
            search_params=models.SearchParams(idf=asked.params.idf) if asked.params and asked.params.idf else None,
            limit=asked.limit or 10,
            with_payload=asked.with_payload or False,
        )
        return q.QueryResponse(result=[RestToGrpc.convert_scored_point(point) for point in found.points])

    async def Get(self, request: q.GetPoints, context: Any) -> q.GetResponse:
        await self._require(request, context)
        records = await self._local.retrieve(
            request.collection_name,
            [GrpcToRest.convert_point_id(id_) for id_ in request.ids],
            with_payload=True,
            with_vectors=GrpcToRest.convert_with_vectors_selector(request.with_vectors),
        )
        return q.GetResponse(result=[RestToGrpc.convert_retrieved_point(record) for record in records])

    async def Count(self, request: q.CountPoints, context: Any) -> q.CountResponse:
        await self._require(request, context)
        counted = await self._local.count(request.collection_name, GrpcToRest.convert_filter(request.filter))
        return q.CountResponse(result=RestToGrpc.convert_count_result(counted))

    async def _require(self, request: Any, context: Any) -> None:
        name = request.collection_name
        if name not in self._collections.created:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"Collection `{name}` doesn't exist!")


def _done() -> q.PointsOperationResponse:
    return q.PointsOperationResponse(result=q.UpdateResult(operation_id=0, status=q.UpdateStatus.Completed))


class QdrantDouble:
    """The double; its data outlives `stop`, so that it comes back as a restarted server does."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.local = AsyncQdrantClient(":memory:")
        self.collections = Collections(self.local)
        self._points = Points(self.local, self.collections)
        self._server: grpc.aio.Server | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where it listens, or listened before it was stopped."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def queries(self) -> list[q.QueryPoints]:
        """Every search, as it came in."""
        return self._points.queries

    async def start(self) -> None:
        """Listen, at the same port as before."""
        self._server = grpc.aio.server(interceptors=[self.faults], options=[("grpc.so_reuseport", 0)])
        add_CollectionsServicer_to_server(self.collections, self._server)
        add_PointsServicer_to_server(self._points, self._server)
        self._port = self._server.add_insecure_port(f"127.0.0.1:{self._port}")
        await self._server.start()

    async def stop(self) -> None:
        """Drop every connection and listen no more."""
        if self._server is not None:
            await self._server.stop(None)
            self._server = None


@asynccontextmanager
async def qdrant_double() -> AsyncIterator[QdrantDouble]:
    """A double that listens on a free port of this machine."""
    double = QdrantDouble()
    await double.start()
    try:
        yield double
    finally:
        double.faults.open.set()
        await double.stop()
        await double.local.close()

"""The index on a Qdrant server or cluster, shared by every process of the service.

One collection holds every tenant's points, and each search is bounded to one space by its filter. Lexical
statistics are those of the space alone from Qdrant 1.19 on; older servers take the whole collection's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

import numpy as np
from qdrant_client import AsyncQdrantClient
from qdrant_client.models import (
    CollectionInfo,
    DatetimeRange,
    Distance,
    FieldCondition,
    Filter,
    FilterSelector,
    HasIdCondition,
    IdfCorpusParams,
    KeywordIndexParams,
    KeywordIndexType,
    MatchAny,
    Modifier,
    PayloadSchemaType,
    PointIdsList,
    PointStruct,
    QueryResponse,
    Range,
    Record,
    SearchParams,
    SparseVectorParams,
    VectorParams,
    VectorParamsDiff,
)
from qdrant_client.models import Condition as QdrantCondition
from qdrant_client.models import SparseVector as QdrantSparseVector

from memsvc.errors import FailedPrecondition, Reason, Unavailable
from memsvc.ports import Vectors
from memsvc.types import IndexHit, Memory, MemoryFilter, SpaceKey, SparseVector, SymbolicQuery
from memsvc.vectors import schema
from memsvc.vectors.calls import FOR_QUERIES, GuardedCalls
from memsvc.vectors.filters import AllOf, AnyOf, Compared, Condition, Group, HasId, NoneOf, OneOf, Within, bounded
from memsvc.vectors.quantization import Storage, change_to, config_of, kind_of, search_params

GRPC_PORT = 6334
"""Qdrant's own, where the URL names none."""

QUERY_SECONDS = 4
"""Patience with one try of a search."""

CHUNK = 256
"""Points of one upsert request: about 1 MB at 768 dimensions."""

WRITES_IN_FLIGHT = 4
"""Upsert requests at once, of all jobs of this process; further ones wait."""

_CHANNEL = {
    # A channel pauses up to two minutes between attempts to connect, and calls fail meanwhile: the circuit decides.
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.min_reconnect_backoff_ms": 1_000,
    "grpc.max_reconnect_backoff_ms": 2_000,
    # A network that swallows packets is told from a slow server.
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
}

_INDEXES = {
    schema.FieldType.KEYWORD: PayloadSchemaType.KEYWORD,
    schema.FieldType.DATETIME: PayloadSchemaType.DATETIME,
}


def connect(url: str, *, api_key: str | None = None, timeout_seconds: int = 10) -> AsyncQdrantClient:
    """Return a client that talks gRPC to the server at `url`; nothing is sent before the first call."""
    # The client takes a URL's port for that of REST. The compatibility check would call the server here, synchronously.
    return AsyncQdrantClient(
        url=url,
        grpc_port=urlsplit(url).port or GRPC_PORT,
        api_key=api_key,
        prefer_grpc=True,
        timeout=timeout_seconds,
        check_compatibility=False,
        grpc_options=dict(_CHANNEL),
    )


class ServerIndex:
    """`ports.VectorIndex` over one collection of a Qdrant server; it owns the client and closes it.

    Every call is idempotent and is tried several times before it raises `Unavailable`; see `calls`.
    """

    def __init__(
        self,
        client: AsyncQdrantClient,
        collection: str,
        dimension: int,
        *,
        storage: Storage | None = None,
        calls: GuardedCalls | None = None,
    ) -> None:
        self._client = client
        self._collection = collection
        self._dimension = dimension
        self._storage = storage or Storage()
        self._call = calls or GuardedCalls()
        self._writes = asyncio.Semaphore(WRITES_IN_FLIGHT)
        self._is_new = False

    @property
    def unsure_since(self) -> datetime | None:
        """The earliest time where `ensure` had to create the collection, so that SQL may hold what it lacks."""
        return schema.ALWAYS if self._is_new else None

    async def caught_up(self) -> None:
        """Say that the index was rebuilt from SQL, or that jobs which do so are safely queued."""
        self._is_new = False

    async def ensure(self) -> None:
        """Create the collection and its payload indexes where missing, and make it keep vectors as set. Idempotent.

        Raises:
            FailedPrecondition: INDEX_MISMATCH, a collection of another dimension or layout has the name.
        """
        if not await self._call(lambda: self._client.collection_exists(self._collection)):
            await self._create()
        info = await self._call(lambda: self._client.get_collection(self._collection))
        await self._keep_as_set(info, self._check_layout(info))
        for field in schema.FIELDS.keys() - info.payload_schema.keys():
            await self._create_index(field)

    async def upsert(
        self, space: SpaceKey, memories: Sequence[Memory], dense: Vectors, lexical: Sequence[SparseVector]
    ) -> None:
        """Write points; see `ports.VectorIndex.upsert`."""
        points = [_point(space, *parts) for parts in zip(memories, dense, lexical, strict=True)]
        writes = [
            asyncio.create_task(self._upsert(points[start : start + CHUNK])) for start in range(0, len(points), CHUNK)
        ]
        try:
            await asyncio.gather(*writes)
        finally:
            for write in writes:
                write.cancel()

    async def delete(self, space: SpaceKey, memory_ids: Sequence[str]) -> None:
        """Remove points of this space; unknown ids are ignored."""
        if memory_ids:
            selector = PointIdsList(points=[schema.point_id(space, memory_id) for memory_id in memory_ids])
            await self._call(lambda: self._client.delete(self._collection, selector))

    async def delete_space(self, space: SpaceKey) -> None:
        """Remove every point of a space."""
        selector = FilterSelector(filter=_filter(bounded(space)))
        await self._call(lambda: self._client.delete(self._collection, selector))

    async def search_dense(
        self,
        space: SpaceKey,
        vector: Vectors,
        where: MemoryFilter,
        *,
        limit: int,
        match: SymbolicQuery | None = None,
    ) -> list[IndexHit]:
        """Nearest memories by cosine; see `ports.VectorIndex.search_dense`."""
        found = await self._call(
            lambda: self._client.query_points(
                self._collection,
                query=vector.tolist(),
                using=schema.DENSE,
                query_filter=_filter(bounded(space, where, match)),
                search_params=search_params(self._storage.quantization),
                limit=limit,
                with_payload=[schema.MEMORY_ID],
                timeout=QUERY_SECONDS,
            ),
            FOR_QUERIES,
        )
        return _hits(found)

    async def search_lexical(
        self, space: SpaceKey, query: SparseVector, where: MemoryFilter, *, limit: int
    ) -> list[IndexHit]:
        """Best memories by BM25, with the IDF of this space alone; a query without terms matches nothing."""
        if not query.indices:
            return []
        found = await self._call(
            lambda: self._client.query_points(
                self._collection,
                query=_sparse(query),
                using=schema.LEXICAL,
                query_filter=_filter(bounded(space, where)),
                search_params=SearchParams(idf=IdfCorpusParams(corpus=_filter(bounded(space)))),
                limit=limit,
                with_payload=[schema.MEMORY_ID],
                timeout=QUERY_SECONDS,
            ),
            FOR_QUERIES,
        )
        return _hits(found)

    async def vectors(self, space: SpaceKey, memory_ids: Sequence[str]) -> dict[str, Vectors]:
        """The dense vectors of those of the memories that have a point; see `ports.VectorIndex.vectors`."""
        by_point = {schema.point_id(space, memory_id): memory_id for memory_id in memory_ids}
        found = await self._call(
            lambda: self._client.retrieve(
                self._collection, list(by_point), with_payload=False, with_vectors=[schema.DENSE]
            )
        )
        return {by_point[str(record.id)]: _dense(record) for record in found}

    async def present(self, space: SpaceKey, memory_ids: Sequence[str]) -> set[str]:
        """Those of the memories that have a point."""
        by_point = {schema.point_id(space, memory_id): memory_id for memory_id in memory_ids}
        found = await self._call(
            lambda: self._client.retrieve(self._collection, list(by_point), with_payload=False, with_vectors=False)
        )
        return {by_point[str(record.id)] for record in found}

    async def count(self, space: SpaceKey) -> int:
        """Exact number of points of a space."""
        everything = _filter(bounded(space))
        found = await self._call(lambda: self._client.count(self._collection, everything, exact=True))
        return found.count

    async def drop(self) -> None:
        """Remove the collection from the server, and close. One that is gone already is no error.

        Raises:
            Unavailable: the server cannot be asked; the index stays open.
        """
        await self._call(lambda: self._client.delete_collection(self._collection))
        await self.close()

    async def close(self) -> None:
        """Close the connection; what was written is the server's."""
        await self._client.close()

    async def _create(self) -> None:
        try:
            await self._call(
                lambda: self._client.create_collection(
                    self._collection,
                    vectors_config={
                        schema.DENSE: VectorParams(
                            size=self._dimension,
                            distance=Distance.COSINE,
                            on_disk=self._storage.on_disk,
                            quantization_config=config_of(self._storage.quantization),
                        )
                    },
                    sparse_vectors_config={schema.LEXICAL: SparseVectorParams(modifier=Modifier.IDF)},
                    shard_number=self._storage.shards,
                    replication_factor=self._storage.replicas,
                )
            )
        except Unavailable:
            # Another process may have created it meanwhile, or an attempt of ours got through unheard.
            if not await self._call(lambda: self._client.collection_exists(self._collection)):
                raise
        self._is_new = True

    def _check_layout(self, info: CollectionInfo) -> VectorParams:
        vectors, sparse = info.config.params.vectors, info.config.params.sparse_vectors or {}
        dense = vectors.get(schema.DENSE) if isinstance(vectors, dict) else None
        lexical = sparse.get(schema.LEXICAL)
        if (
            dense is None
            or (dense.size, dense.distance) != (self._dimension, Distance.COSINE)
            or lexical is None
            or lexical.modifier != Modifier.IDF
        ):
            raise FailedPrecondition(
                f"The collection {self._collection} stores {vectors} and {sparse}, not cosine vectors of "
                f"{self._dimension} dimensions and BM25 weights; remove it or name another.",
                reason=Reason.INDEX_MISMATCH,
            )
        return dense

    async def _keep_as_set(self, info: CollectionInfo, dense: VectorParams) -> None:
        """Have vectors kept as the settings say; the server rewrites them in the background and answers meanwhile."""
        found = kind_of(dense.quantization_config or info.config.quantization_config)
        if (found, bool(dense.on_disk)) == (self._storage.quantization, self._storage.on_disk):
            return
        change = VectorParamsDiff(
            quantization_config=change_to(self._storage.quantization), on_disk=self._storage.on_disk
        )
        await self._call(
            lambda: self._client.update_collection(self._collection, vectors_config={schema.DENSE: change})
        )

    async def _create_index(self, field: str) -> None:
        index = (
            KeywordIndexParams(type=KeywordIndexType.KEYWORD, is_tenant=True)
            if field == schema.TENANT
            else _INDEXES[schema.FIELDS[field]]
        )
        await self._call(lambda: self._client.create_payload_index(self._collection, field, field_schema=index))

    async def _upsert(self, points: list[PointStruct]) -> None:
        async with self._writes:
            await self._call(lambda: self._client.upsert(self._collection, points))


def _hits(found: QueryResponse) -> list[IndexHit]:
    return [IndexHit((point.payload or {})[schema.MEMORY_ID], point.score) for point in found.points]


def _point(space: SpaceKey, memory: Memory, dense: Vectors, lexical: SparseVector) -> PointStruct:
    return PointStruct(
        id=schema.point_id(space, memory.id),
        vector={schema.DENSE: dense.tolist(), schema.LEXICAL: _sparse(lexical)},
        payload=schema.payload(space, memory),
    )


def _dense(record: Record) -> Vectors:
    named = record.vector
    if not isinstance(named, dict):
        raise TypeError(f"a point without named vectors: {record.id}")
    return np.asarray(named[schema.DENSE], np.float32)


def _sparse(vector: SparseVector) -> QdrantSparseVector:
    return QdrantSparseVector(indices=list(vector.indices), values=list(vector.values))


def _filter(condition: Group) -> Filter:
    conditions = [_condition(part) for part in condition.conditions]
    match condition:
        case AllOf():
            return Filter(must=conditions)
        case AnyOf():
            return Filter(should=conditions)
        case NoneOf():
            return Filter(must_not=conditions)


def _condition(condition: Condition) -> QdrantCondition:
    match condition:
        case OneOf(field, values):
            return FieldCondition(key=field, match=MatchAny(any=list(values)))
        case Within(field, at_least, after, before):
            return FieldCondition(key=field, range=DatetimeRange(gte=at_least, gt=after, lt=before))
        case Compared(field, operator, value):
            return FieldCondition(key=field, range=Range(**{operator.value: value}))
        case HasId(point_ids):
            return HasIdCondition(has_id=list(point_ids))
        case AllOf() | AnyOf() | NoneOf():
            return _filter(condition)

"""The index on a Qdrant server or cluster, shared by every process of the service.

One collection holds every tenant's points, and each search is bounded to one space by its filter. Lexical
statistics are those of the space alone from Qdrant 1.19 on; older servers take the whole collection's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

import grpc
import numpy as np
from qdrant_client import AsyncQdrantClient
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse
from qdrant_client.models import (
    CollectionInfo,
    DatetimeRange,
    Distance,
    FieldCondition,
    Filter,
    FilterSelector,
    IdfCorpusParams,
    KeywordIndexParams,
    KeywordIndexType,
    MatchAny,
    Modifier,
    PayloadSchemaType,
    PointIdsList,
    PointStruct,
    QueryResponse,
    Record,
    SearchParams,
    SparseVectorParams,
    VectorParams,
)
from qdrant_client.models import Condition as QdrantCondition
from qdrant_client.models import SparseVector as QdrantSparseVector
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from memsvc.errors import FailedPrecondition, Reason, Unavailable
from memsvc.ports import Vectors
from memsvc.types import IndexHit, Memory, MemoryFilter, SpaceKey, SparseVector, SymbolicQuery
from memsvc.vectors import schema
from memsvc.vectors.filters import AllOf, AnyOf, Condition, OneOf, Within, bounded

T = TypeVar("T")

GRPC_PORT = 6334
"""Qdrant's own, where the URL names none."""

_CHUNK = 256
"""Points of one upsert request: about 1 MB at 768 dimensions."""

_ATTEMPTS = 3
_TRANSIENT_STATUS = frozenset({429, 500, 502, 503, 504})
_TRANSIENT_CODES = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
    }
)

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
    )


class ServerIndex:
    """`ports.VectorIndex` over one collection of a Qdrant server; it owns the client and closes it.

    Every call is idempotent and is tried three times before it raises `Unavailable`.
    """

    def __init__(self, client: AsyncQdrantClient, collection: str, dimension: int) -> None:
        self._client = client
        self._collection = collection
        self._dimension = dimension
        self._may_be_behind = False

    @property
    def may_be_behind(self) -> bool:
        """Whether `ensure` had to create the collection, so that SQL may hold what it lacks; until `caught_up`."""
        return self._may_be_behind

    async def caught_up(self) -> None:
        """Say that the index was rebuilt from SQL, or that jobs which do so are safely queued."""
        self._may_be_behind = False

    async def ensure(self) -> None:
        """Create the collection and its payload indexes where missing. Idempotent.

        Raises:
            FailedPrecondition: INDEX_MISMATCH, a collection of another dimension or layout has the name.
        """
        if not await self._call(lambda: self._client.collection_exists(self._collection)):
            await self._create()
        info = await self._call(lambda: self._client.get_collection(self._collection))
        self._check_layout(info)
        for field in schema.FIELDS.keys() - info.payload_schema.keys():
            await self._create_index(field)

    async def upsert(
        self, space: SpaceKey, memories: Sequence[Memory], dense: Vectors, lexical: Sequence[SparseVector]
    ) -> None:
        """Write points; see `ports.VectorIndex.upsert`."""
        points = [_point(space, *parts) for parts in zip(memories, dense, lexical, strict=True)]
        for start in range(0, len(points), _CHUNK):
            await self._upsert(points[start : start + _CHUNK])

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
                limit=limit,
                with_payload=[schema.MEMORY_ID],
            )
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
            )
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

    async def count(self, space: SpaceKey) -> int:
        """Exact number of points of a space."""
        everything = _filter(bounded(space))
        found = await self._call(lambda: self._client.count(self._collection, everything, exact=True))
        return found.count

    async def close(self) -> None:
        """Close the connection; what was written is the server's."""
        await self._client.close()

    async def _create(self) -> None:
        try:
            await self._call(
                lambda: self._client.create_collection(
                    self._collection,
                    vectors_config={schema.DENSE: VectorParams(size=self._dimension, distance=Distance.COSINE)},
                    sparse_vectors_config={schema.LEXICAL: SparseVectorParams(modifier=Modifier.IDF)},
                )
            )
        except Unavailable:
            # Another process may have created it meanwhile, or an attempt of ours got through unheard.
            if not await self._call(lambda: self._client.collection_exists(self._collection)):
                raise
        self._may_be_behind = True

    def _check_layout(self, info: CollectionInfo) -> None:
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

    async def _create_index(self, field: str) -> None:
        index = (
            KeywordIndexParams(type=KeywordIndexType.KEYWORD, is_tenant=True)
            if field == schema.TENANT
            else _INDEXES[schema.FIELDS[field]]
        )
        await self._call(lambda: self._client.create_payload_index(self._collection, field, field_schema=index))

    async def _upsert(self, points: list[PointStruct]) -> None:
        await self._call(lambda: self._client.upsert(self._collection, points))

    async def _call(self, request: Callable[[], Awaitable[T]]) -> T:
        retrying = AsyncRetrying(
            retry=retry_if_exception(_is_transient),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.1, max=1.0),
            reraise=True,
        )

        async def attempt() -> T:  # tenacity awaits only what is declared async
            return await request()

        try:
            return await retrying(attempt)
        except (ApiException, QdrantException, grpc.aio.AioRpcError) as error:
            raise Unavailable(f"The Qdrant server failed: {_summary(error)}", retry_after=_delay(error)) from error


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, grpc.aio.AioRpcError):
        return error.code() in _TRANSIENT_CODES
    if isinstance(error, UnexpectedResponse):
        return error.status_code in _TRANSIENT_STATUS
    return isinstance(error, ResponseHandlingException | ResourceExhaustedResponse)


def _summary(error: Exception) -> str:
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"
    return str(error)


def _delay(error: Exception) -> float:
    """Seconds after which another try makes sense."""
    return float(error.retry_after_s) if isinstance(error, ResourceExhaustedResponse) else 1.0


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


def _filter(condition: AllOf | AnyOf) -> Filter:
    conditions = [_condition(part) for part in condition.conditions]
    return Filter(must=conditions) if isinstance(condition, AllOf) else Filter(should=conditions)


def _condition(condition: Condition) -> QdrantCondition:
    match condition:
        case OneOf(field, values):
            return FieldCondition(key=field, match=MatchAny(any=list(values)))
        case Within(field, at_least, after, before):
            return FieldCondition(key=field, range=DatetimeRange(gte=at_least, gt=after, lt=before))
        case AllOf() | AnyOf():
            return _filter(condition)

"""The index in this process: one Qdrant Edge shard in one directory.

What the engine (0.9) does, and what follows from it:

- Every call holds Python's GIL until it ends, so calls from several threads do not run side by side. One
  thread owns the shard and takes the calls in order; a large write is cut up so that searches get between.
- `update` writes to a log before it changes the shard: what it acknowledged survives the death of this process
  (`kill -9`). Only `flush` reaches the disk itself. A marker file stands while something is not flushed, so that
  after a power cut `unsure_since` tells that the index has to be compared with SQL.
- A search with the IDF of a corpus passes over every point of that corpus (13 ms for 100,000 of them, by a filter of
  two conditions). The corpus is therefore named only as far as it takes to tell the space from others in the shard.
- `optimize` builds the HNSW graph and reclaims deleted points, and holds the GIL throughout (about 10 s for ten
  thousand vectors of 384 dimensions on two cores). It therefore runs when the index is opened, before anything is
  served; points written later are searched exactly, which takes about 5 ms for ten thousand of them in one space.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
import qdrant_edge as edge
import structlog
from filelock import FileLock, Timeout

from memsvc.errors import Corrupt, FailedPrecondition, Reason, Unavailable
from memsvc.ports import Vectors
from memsvc.types import IndexHit, Memory, MemoryFilter, SpaceKey, SparseVector, SymbolicQuery
from memsvc.vectors import schema
from memsvc.vectors.filters import AllOf, AnyOf, Compared, Condition, Group, HasId, NoneOf, OneOf, Within, bounded

T = TypeVar("T")
NEW = "new"
"""In the marker file of an index that nothing was caught up with yet."""
_log = structlog.get_logger(__name__)

_CHUNK = 64
"""Points written at once: a search waits for no more than one such write."""

_ALL = 2**31
"""More values than a field has."""

_OVERSAMPLING = 3.0
"""Candidates by 8-bit vectors, for each neighbour, that are compared again by the vectors themselves."""

_INDEXES = {
    schema.FieldType.KEYWORD: edge.PayloadSchemaType.Keyword,
    schema.FieldType.DATETIME: edge.PayloadSchemaType.Datetime,
}


class EdgeIndex:
    """`ports.VectorIndex` over the directory `path`, which belongs to one process at a time.

    A write that returned survives the death of the process at once, and the death of the machine after
    `flush_seconds` at the latest.
    """

    def __init__(self, path: Path, collection: str, dimension: int, *, flush_seconds: float = 2.0) -> None:
        self._path = Path(path)
        self._collection = collection
        self._dimension = dimension
        self._flush_seconds = flush_seconds
        # Not bound to a thread: it is taken and released on the shard's thread, and on the caller's when that is gone.
        self._lock = FileLock(self._path / "lock", thread_local=False)
        self._marker = self._path / "unflushed"
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="edge-index")
        self._shard: edge.EdgeShard | None = None
        self._flush_task: asyncio.Task[None] | None = None
        self._unsure_since: datetime | None = None
        self._spaces: set[SpaceKey] = set()
        """Spaces that hold points, or did since the shard was opened."""

    @property
    def unsure_since(self) -> datetime | None:
        """Since when its writes may not have reached the disk, the earliest time if it is new; see `ports`."""
        return self._unsure_since

    async def caught_up(self) -> None:
        """Say that the index was rebuilt from SQL, or that jobs which do so are safely queued."""
        self._unsure_since = None
        await self._run(self._flush)

    async def ensure(self) -> None:
        """Open or create the shard, its payload indexes where missing, and optimise it. Idempotent.

        Raises:
            FailedPrecondition: INDEX_IN_USE by another process; INDEX_MISMATCH, another dimension or layout.
            Corrupt: the files cannot be read.
        """
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)
        await self._run(_create_indexes)
        self._spaces |= await self._run(_spaces)
        await self.optimize()

    async def optimize(self) -> None:
        """Index what was written since the last time. Stops everything else in this process while it runs."""
        await self._run(lambda shard: shard.optimize())

    async def upsert(
        self, space: SpaceKey, memories: Sequence[Memory], dense: Vectors, lexical: Sequence[SparseVector]
    ) -> None:
        """Write points; see `ports.VectorIndex.upsert`."""
        points = [_point(space, *parts) for parts in zip(memories, dense, lexical, strict=True)]
        self._spaces.add(space)  # before the first write, so that no search misses it
        for start in range(0, len(points), _CHUNK):
            await self._write(edge.UpdateOperation.upsert_points(points[start : start + _CHUNK]))

    async def delete(self, space: SpaceKey, memory_ids: Sequence[str]) -> None:
        """Remove points of this space; unknown ids are ignored."""
        if memory_ids:
            ids: list[edge.PointId] = [schema.point_id(space, memory_id) for memory_id in memory_ids]
            await self._write(edge.UpdateOperation.delete_points(ids))

    async def delete_space(self, space: SpaceKey) -> None:
        """Remove every point of a space."""
        await self._write(edge.UpdateOperation.delete_points_by_filter(_filter(bounded(space))))

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
        return await self._search(
            edge.QueryRequest(
                limit=limit,
                query=edge.Query.Nearest(vector.tolist(), using=schema.DENSE),
                filter=_filter(bounded(space, where, match)),
                params=edge.SearchParams(
                    hnsw_ef=schema.HNSW_EF, quantization=edge.QuantizationSearchParams(oversampling=_OVERSAMPLING)
                ),
                with_payload=[schema.MEMORY_ID],
            )
        )

    async def search_lexical(
        self, space: SpaceKey, query: SparseVector, where: MemoryFilter, *, limit: int
    ) -> list[IndexHit]:
        """Best memories by BM25, with the IDF of this space alone; a query without terms matches nothing."""
        if not query.indices:
            return []
        return await self._search(
            edge.QueryRequest(
                limit=limit,
                query=edge.Query.Nearest(_sparse(query), using=schema.LEXICAL),
                filter=_filter(bounded(space, where)),
                params=self._idf(space),
                with_payload=[schema.MEMORY_ID],
            )
        )

    async def vectors(self, space: SpaceKey, memory_ids: Sequence[str]) -> dict[str, Vectors]:
        """The dense vectors of those of the memories that have a point; see `ports.VectorIndex.vectors`."""
        by_point = {schema.point_id(space, memory_id): memory_id for memory_id in memory_ids}
        ids: list[edge.PointId] = list(by_point)
        records = await self._run(lambda shard: shard.retrieve(ids, with_payload=False, with_vector=[schema.DENSE]))
        return {by_point[str(record.id)]: _dense(record) for record in records}

    async def present(self, space: SpaceKey, memory_ids: Sequence[str]) -> set[str]:
        """Those of the memories that have a point."""
        by_point = {schema.point_id(space, memory_id): memory_id for memory_id in memory_ids}
        ids: list[edge.PointId] = list(by_point)
        records = await self._run(lambda shard: shard.retrieve(ids, with_payload=False, with_vector=False))
        return {by_point[str(record.id)] for record in records}

    async def count(self, space: SpaceKey) -> int:
        """Exact number of points of a space."""
        request = edge.CountRequest(exact=True, filter=_filter(bounded(space)))
        return await self._run(lambda shard: int(shard.count(request)))

    async def drop(self) -> None:
        """Close, and remove the directory. Can be repeated.

        Raises:
            Unavailable: some of it cannot be removed.
        """
        await self.close()
        try:
            await asyncio.to_thread(shutil.rmtree, self._path)
        except OSError as error:
            if self._path.exists():  # removed before, it is as it should be
                raise Unavailable(f"The index directory {self._path} cannot be removed: {error}") from error

    async def close(self) -> None:
        """Flush, close the shard and let another process have the directory. Idempotent."""
        if self._flush_task is not None:
            self._flush_task.cancel()
        if self._shard is not None:
            await self._run(self._close)
        self._thread.shutdown(wait=False)

    async def _search(self, request: edge.QueryRequest) -> list[IndexHit]:
        points = await self._run(lambda shard: shard.query(request))
        return [IndexHit((point.payload or {})[schema.MEMORY_ID], float(point.score)) for point in points]

    def _idf(self, space: SpaceKey) -> edge.SearchParams | None:
        """Statistics of the space alone, by as few conditions as tell it from the others in the shard."""
        others = self._spaces - {space}
        if not others:
            return None
        if all(other.tenant != space.tenant for other in others):
            corpus = edge.Filter(must=[_condition(OneOf(schema.TENANT, (space.tenant,)))])
        elif all(other.space != space.space for other in others):
            corpus = edge.Filter(must=[_condition(OneOf(schema.SPACE, (space.space,)))])
        else:
            corpus = _filter(bounded(space))
        return edge.SearchParams(idf=edge.IdfParams(corpus=corpus))

    async def _write(self, operation: edge.UpdateOperation) -> None:
        await self._run(lambda shard: self._update(shard, operation))
        if self._flush_task is None:
            self._flush_task = asyncio.create_task(self._flush_later())

    async def _flush_later(self) -> None:
        await asyncio.sleep(self._flush_seconds)
        self._flush_task = None  # a write from here on is after this flush and needs the next one
        try:
            await self._run(self._flush)
        except Unavailable as error:
            _log.warning("index_flush_failed", collection=self._collection, error=error.message)

    async def _run(self, operation: Callable[[edge.EdgeShard], T]) -> T:
        shard = self._shard
        if shard is None:
            raise Unavailable(f"The index {self._collection} is not open.")
        return await asyncio.get_running_loop().run_in_executor(self._thread, _guarded, operation, shard)

    # What follows runs on the shard's own thread.

    def _open(self) -> None:
        if self._shard is not None:
            return
        self._path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise FailedPrecondition(
                f"The index directory {self._path} is in use by another process; "
                "stop that one, or give this one a directory of its own.",
                reason=Reason.INDEX_IN_USE,
            ) from error
        try:
            self._check_layout()
            self._unsure_since = self._unflushed_since()
            self._shard = self._load()
        finally:
            if self._shard is None:
                self._lock.release()

    def _check_layout(self) -> None:
        """Compare the directory's layout with ours, or make it ours when it is new."""
        path = self._path / "layout.json"
        ours = {"version": schema.LAYOUT_VERSION, "dimension": self._dimension}
        if not path.exists():
            _write_durably(self._marker, NEW)
            _write_durably(path, json.dumps(ours))
            return
        theirs = json.loads(path.read_text())
        if theirs != ours:
            raise FailedPrecondition(
                f"The index in {self._path} has the layout {theirs}, this service writes {ours}; "
                "move the directory away and rebuild the index.",
                reason=Reason.INDEX_MISMATCH,
            )

    def _unflushed_since(self) -> datetime | None:
        """When the first write came that was not flushed; the earliest time where nothing was caught up with yet."""
        if not self._marker.exists():
            return None
        if self._marker.read_text() == NEW:
            return schema.ALWAYS
        return datetime.fromtimestamp(self._marker.stat().st_mtime, UTC)

    def _load(self) -> edge.EdgeShard:
        shard_path = self._path / "shard"
        shard_path.mkdir(exist_ok=True)
        try:
            return edge.EdgeShard.load(str(shard_path), _config(self._dimension))
        except Exception as error:  # the engine raises nothing narrower
            raise Corrupt(
                f"The index in {self._path} cannot be opened ({error}); move the directory away and rebuild it."
            ) from error

    def _update(self, shard: edge.EdgeShard, operation: edge.UpdateOperation) -> None:
        if not self._marker.exists():
            _write_durably(self._marker, "")
        shard.update(operation)

    def _flush(self, shard: edge.EdgeShard) -> None:
        shard.flush()
        if self._unsure_since is None:
            self._marker.unlink(missing_ok=True)

    def _close(self, shard: edge.EdgeShard) -> None:
        self._flush(shard)
        self._shard = None
        shard.close()
        self._lock.release()


def _guarded(operation: Callable[[edge.EdgeShard], T], shard: edge.EdgeShard) -> T:
    try:
        return operation(shard)
    except Exception as error:  # the engine raises nothing narrower
        raise Unavailable(f"The index failed: {error}") from error


def _write_durably(path: Path, text: str) -> None:
    """Write a whole file or none, and see it on the disk before going on."""
    draft = path.with_suffix(".draft")
    with draft.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _config(dimension: int) -> edge.EdgeConfig:
    # 8 bits are enough to find candidates by, and building the graph takes a third of the time.
    eight_bits = edge.ScalarQuantizationConfig(edge.ScalarType.Int8, quantile=0.99)
    dense = edge.EdgeVectorParams(size=dimension, distance=edge.Distance.Cosine, quantization_config=eight_bits)
    return edge.EdgeConfig(
        vectors={schema.DENSE: dense},
        sparse_vectors={schema.LEXICAL: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
    )


def _create_indexes(shard: edge.EdgeShard) -> None:
    present = shard.info().payload_schema
    for field, kind in schema.FIELDS.items():
        if field not in present:
            params = edge.KeywordIndexParams(is_tenant=True) if field == schema.TENANT else _INDEXES[kind]
            shard.update(edge.UpdateOperation.create_field_index(field, params))


def _spaces(shard: edge.EdgeShard) -> set[SpaceKey]:
    tenants = _values(shard, schema.TENANT, None)
    return {
        SpaceKey(tenant, space)
        for tenant in tenants
        for space in _values(shard, schema.SPACE, _condition(OneOf(schema.TENANT, (tenant,))))
    }


def _values(shard: edge.EdgeShard, field: str, where: edge.ConditionType | None) -> list[str]:
    """Every value of a field among the points that meet a condition."""
    only = edge.Filter(must=[where]) if where is not None else None
    found = shard.facet(edge.FacetRequest(field, limit=_ALL, exact=True, filter=only))
    return [str(hit.value) for hit in found.hits]


def _point(space: SpaceKey, memory: Memory, dense: Vectors, lexical: SparseVector) -> edge.Point:
    vectors: dict[str, edge.NamedVector] = {schema.DENSE: dense.tolist(), schema.LEXICAL: _sparse(lexical)}
    return edge.Point(schema.point_id(space, memory.id), vectors, schema.payload(space, memory))


def _dense(record: edge.Record) -> Vectors:
    named = record.vector
    if not isinstance(named, dict):
        raise TypeError(f"a point without named vectors: {record.id}")
    return np.asarray(named[schema.DENSE], np.float32)


def _sparse(vector: SparseVector) -> edge.SparseVector:
    return edge.SparseVector(list(vector.indices), list(vector.values))


def _filter(condition: Group) -> edge.Filter:
    conditions: list[edge.ConditionType] = [_condition(part) for part in condition.conditions]
    match condition:
        case AllOf():
            return edge.Filter(must=conditions)
        case AnyOf():
            return edge.Filter(should=conditions)
        case NoneOf():
            return edge.Filter(must_not=conditions)


def _condition(condition: Condition) -> edge.FieldCondition | edge.HasIdCondition | edge.Filter:
    match condition:
        case OneOf(field, values):
            match = edge.MatchValue(values[0]) if len(values) == 1 else edge.MatchAny(list(values))
            return edge.FieldCondition(field, match=match)
        case Within(field, at_least, after, before):
            bounds = {"gte": at_least, "gt": after, "lt": before}
            given = {name: schema.timestamp(time) for name, time in bounds.items() if time is not None}
            return edge.FieldCondition(field, range=edge.RangeDateTime(**given))
        case Compared(field, operator, value):
            return edge.FieldCondition(field, range=edge.RangeFloat(**{operator.value: value}))
        case HasId(point_ids):
            ids: set[edge.PointId] = set(point_ids)
            return edge.HasIdCondition(ids)
        case AllOf() | AnyOf() | NoneOf():
            return _filter(condition)

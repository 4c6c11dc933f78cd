"""The bare parts of a fleet, each alone on the same machine: model, INSERT, index search."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psycopg
from psycopg.types.json import Jsonb
from qdrant_client import QdrantClient
from qdrant_edge import Distance, EdgeConfig, EdgeShard, EdgeVectorParams, Point, Query, QueryRequest, UpdateOperation
from sentence_transformers import SentenceTransformer
from sqlalchemy import make_url

from memsvc.bench.fleet_load import Sessions
from memsvc.bench.timing import spread
from memsvc.models.weights import minilm_folder
from memsvc.ports import Vectors
from memsvc.vectors import schema

NEIGHBOURS = 20
PROBES = 100


def measure(
    jobs: Sessions, asked: Sequence[str], database_url: str, qdrant_url: str, collection: str
) -> dict[str, Any]:
    """Rates and milliseconds of the bare parts, on the texts that the fleet was given."""
    texts = [turn.content for _, _, turns in jobs for turn in turns]
    model = SentenceTransformer(str(minilm_folder()), device="cpu")
    embed = partial(model.encode, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
    embed(texts[:64])
    rates = {
        "embed_texts_per_s": _rate(lambda: embed(texts), len(texts)),
        "insert_rows_per_s": _rate(partial(_insert, jobs, database_url), len(texts)),
    }
    some = asked[:PROBES]
    vectors = np.asarray(embed(list(some)), np.float32)
    with _search(np.asarray(embed(texts), np.float32), qdrant_url, collection) as search:
        searched = spread([partial(search, vector) for vector in vectors])
    embedded = spread([partial(embed, [text]) for text in some])
    return {**rates, "embed_query_ms": asdict(embedded), "index_search_ms": asdict(searched)}


def _rate(work: Callable[[], object], count: int) -> float:
    begin = time.perf_counter()
    work()
    return count / (time.perf_counter() - begin)


def _insert(jobs: Sessions, database_url: str) -> None:
    """One INSERT and one COMMIT per session into a table with a primary key, from one connection."""
    address = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE bare_turns (scope text, id text, body jsonb, PRIMARY KEY (scope, id))")
        connection.commit()
        try:
            for user, session, turns in jobs:
                rows = [
                    (f"{user}/{session}", turn.turn_id, Jsonb({"who": turn.speaker, "what": turn.content}))
                    for turn in turns
                ]
                with connection.cursor() as cursor:
                    cursor.executemany("INSERT INTO bare_turns VALUES (%s, %s, %s)", rows)
                connection.commit()
        finally:
            connection.rollback()
            connection.execute("DROP TABLE bare_turns")


@contextmanager
def _search(stored: Vectors, qdrant_url: str, collection: str) -> Iterator[Callable[[Vectors], object]]:
    """Finds 20 neighbours without a filter: at the fleet's Qdrant, else in an Edge shard of the same texts."""
    if qdrant_url:
        port = int(qdrant_url.rpartition(":")[2])
        client = QdrantClient(url=qdrant_url, grpc_port=port, prefer_grpc=True, check_compatibility=False)
        yield lambda vector: client.query_points(
            collection, query=vector.tolist(), using=schema.DENSE, limit=NEIGHBOURS
        )
        client.close()
        return
    with TemporaryDirectory(prefix="memsvc-floor-") as folder:
        params = EdgeVectorParams(size=stored.shape[1], distance=Distance.Cosine)
        shard = EdgeShard.create(folder, EdgeConfig(vectors={schema.DENSE: params}))
        points = [Point(str(uuid.UUID(int=n)), {schema.DENSE: vector.tolist()}, {}) for n, vector in enumerate(stored)]
        shard.update(UpdateOperation.upsert_points(points))
        shard.optimize()
        yield lambda vector: shard.query(
            QueryRequest(query=Query.Nearest(vector.tolist(), using=schema.DENSE), limit=NEIGHBOURS)
        )
        shard.close()

from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest

from memsvc.errors import Reason, Unavailable
from memsvc.models.embedder import SentenceTransformerEmbedder
from memsvc.models.remote import LitellmEmbedder
from support.embeddings_server import EmbeddingsServer, Spoil, embeddings_server

KEY = "sk-very-secret"
TEXTS = ["a cat sat", "the dog ran", "rain again"]


@pytest.fixture(scope="module")
def local() -> Iterator[SentenceTransformerEmbedder]:
    return SentenceTransformerEmbedder(device="cpu")


@pytest.fixture
async def server(local: SentenceTransformerEmbedder) -> AsyncIterator[EmbeddingsServer]:
    async with embeddings_server(local) as server:
        yield server


def remote(server: EmbeddingsServer, **options: Any) -> LitellmEmbedder:
    options = {"dimension": 384, "api_base": server.url, "api_key": KEY, "max_backoff": 0.01} | options
    return LitellmEmbedder("openai/minilm", **options)


async def assert_unavailable(embedder: LitellmEmbedder, cause: str) -> None:
    with pytest.raises(Unavailable) as caught:
        await embedder.embed(TEXTS)
    assert caught.value.reason is Reason.EMBEDDER_UNAVAILABLE
    assert caught.value.metadata["cause"] == cause
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert KEY not in caught.value.message


async def test_requests_hold_at_most_max_batch_texts(server: EmbeddingsServer) -> None:
    vectors = await remote(server, max_batch=2).embed(TEXTS)
    assert server.batch_sizes == [2, 1]
    assert vectors.shape == (3, 384)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_passing_failure_is_tried_again(
    server: EmbeddingsServer, local: SentenceTransformerEmbedder, status: int
) -> None:
    server.statuses = [status, status]
    np.testing.assert_allclose(await remote(server).embed(TEXTS), await local.embed(TEXTS), atol=1e-4)
    assert len(server.batch_sizes) == 3


@pytest.mark.parametrize(
    ("status", "cause", "requests"),
    [(429, "RateLimitError", 3), (500, "InternalServerError", 3), (401, "AuthenticationError", 1)],
)
async def test_a_lasting_failure_is_unavailable(
    server: EmbeddingsServer, status: int, cause: str, requests: int
) -> None:
    server.statuses = [status] * 10
    await assert_unavailable(remote(server), cause)
    assert len(server.batch_sizes) == requests


async def test_a_hanging_endpoint_is_unavailable(server: EmbeddingsServer) -> None:
    server.delay = 5
    await assert_unavailable(remote(server, timeout=0.2, attempts=2), "TimeoutError")


async def test_an_endpoint_out_of_reach_is_unavailable(server: EmbeddingsServer) -> None:
    await assert_unavailable(remote(server, api_base="http://127.0.0.1:9", attempts=2), "InternalServerError")


def with_value(value: float) -> Spoil:
    return lambda rows: [{**row, "embedding": [value] * len(row["embedding"])} for row in rows]


@pytest.mark.parametrize(
    "spoil",
    [lambda rows: rows[1:], lambda rows: [*rows, rows[0]], with_value(float("nan")), with_value(0.0)],
    ids=["too few", "too many", "NaN", "zero"],
)
async def test_unusable_vectors_are_refused(server: EmbeddingsServer, spoil: Spoil) -> None:
    server.spoil = spoil
    await assert_unavailable(remote(server), "UnusableVectors")


async def test_another_dimension_is_refused(server: EmbeddingsServer) -> None:
    await assert_unavailable(remote(server, dimension=768), "UnusableVectors")


async def test_vectors_of_any_length_come_back_as_unit_vectors(server: EmbeddingsServer) -> None:
    server.spoil = with_value(3.0)
    np.testing.assert_allclose(np.linalg.norm(await remote(server).embed(TEXTS), axis=1), 1, atol=1e-5)

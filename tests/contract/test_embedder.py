"""What every embedder keeps to, whichever way it computes."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from memsvc.models.cache import CachedEmbedder
from memsvc.models.embedder import SentenceTransformerEmbedder
from memsvc.models.remote import LitellmEmbedder
from memsvc.models.weights import minilm_folder
from memsvc.ports import Embedder
from support.embeddings_server import embeddings_server

TEXTS = [
    "Ann moved to Lisbon in June.",
    "",
    "Her brother still lives in Porto and visits her whenever the trains run on time, which is seldom.",
    "彼女は犬を飼っています。",
    "naïve café 😀 — ﬁne",
    "?",
    "word " * 400,
    "Ann moved to Lisbon in June.",
]


@pytest.fixture(scope="module")
def local() -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(device="cpu", max_batch_tokens=512)


@pytest.fixture(params=["local", "cached", "remote"])
async def embedder(request: pytest.FixtureRequest, local: SentenceTransformerEmbedder) -> AsyncIterator[Embedder]:
    if request.param == "local":
        yield local
    elif request.param == "cached":
        yield CachedEmbedder(local, max_entries=5)
    else:
        async with embeddings_server(local) as server:
            yield LitellmEmbedder("openai/minilm", 384, api_base=server.url, max_batch=3)


async def test_rows_are_float32_unit_vectors_in_order(embedder: Embedder) -> None:
    vectors = await embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[-1], atol=1e-4)
    assert np.linalg.norm(vectors[0] - vectors[2]) > 0.1


async def test_vectors_are_those_of_the_bare_model(embedder: Embedder) -> None:
    bare = SentenceTransformer(str(minilm_folder()), device="cpu").encode(TEXTS, show_progress_bar=False)
    np.testing.assert_allclose(await embedder.embed(TEXTS), bare, atol=1e-4)


async def test_vectors_do_not_depend_on_the_company(embedder: Embedder) -> None:
    together = await embedder.embed(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        np.testing.assert_allclose((await embedder.embed([text], urgent=True))[0], vector, atol=1e-4)


async def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    vectors = await embedder.embed([])
    assert vectors.shape == (0, embedder.dimension)
    assert vectors.dtype == np.float32


async def test_fifty_callers_get_their_own_vectors(embedder: Embedder) -> None:
    calls = [[f"caller {n} says {'so ' * (n % 11)}", TEXTS[n % len(TEXTS)]] for n in range(50)]
    together = await asyncio.gather(*(embedder.embed(call, urgent=n % 2 == 0) for n, call in enumerate(calls)))
    np.testing.assert_allclose(
        np.concatenate(together), await embedder.embed([text for call in calls for text in call]), atol=1e-4
    )


async def test_a_cancelled_call_leaves_the_others_alone(embedder: Embedder) -> None:
    cancelled = asyncio.create_task(embedder.embed([f"dropped {n} " * 50 for n in range(200)]))
    await asyncio.sleep(0.05)
    kept = asyncio.create_task(embedder.embed(["kept"]))
    cancelled.cancel()
    assert (await kept).shape == (1, embedder.dimension)
    with pytest.raises(asyncio.CancelledError):
        await cancelled


@pytest.mark.parametrize("cached", [False, True])
async def test_urgent_goes_before_background(local: SentenceTransformerEmbedder, cached: bool) -> None:
    embedder: Embedder = CachedEmbedder(local, 1000) if cached else local
    background = asyncio.create_task(embedder.embed([f"background {n} " * 80 for n in range(100)]))
    await asyncio.sleep(0.05)
    assert (await embedder.embed(["a waiting query"], urgent=True)).shape == (1, 384)
    assert not background.done()
    assert (await background).shape == (100, 384)

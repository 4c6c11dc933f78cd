from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from structlog.testing import capture_logs

from memsvc.errors import Reason, Unavailable
from memsvc.models.embedder import SentenceTransformerEmbedder, choose_device
from memsvc.models.weights import minilm_folder


@pytest.fixture(scope="module")
def embedder() -> Iterator[SentenceTransformerEmbedder]:
    return SentenceTransformerEmbedder("minilm", "cpu")


def test_the_built_in_model_has_one_name(embedder: SentenceTransformerEmbedder) -> None:
    assert (embedder.model, embedder.dimension) == ("all-MiniLM-L6-v2", 384)


async def test_similar_texts_are_near(embedder: SentenceTransformerEmbedder) -> None:
    cat, kitten, stocks = await embedder.embed(["A cat is sleeping.", "A kitten naps.", "Share prices fell sharply."])
    assert cat @ kitten > cat @ stocks + 0.3


async def test_a_long_text_is_cut_to_the_window(embedder: SentenceTransformerEmbedder) -> None:
    within, beyond = await embedder.embed(["word " * 254, "word " * 254 + "another ending " * 500])
    np.testing.assert_allclose(within, beyond, atol=1e-5)


async def test_a_lone_surrogate_is_embedded(embedder: SentenceTransformerEmbedder) -> None:
    assert np.isfinite(await embedder.embed(["broken \ud800 text"])).all()


async def test_a_model_may_be_a_folder(embedder: SentenceTransformerEmbedder) -> None:
    folder = str(minilm_folder())
    other = SentenceTransformerEmbedder(folder, "cpu")
    assert other.model == folder
    np.testing.assert_allclose(await other.embed(["the same"]), await embedder.embed(["the same"]), atol=1e-5)
    await other.close()


def test_loading_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    SentenceTransformerEmbedder("minilm", "cpu")
    assert capfd.readouterr() == ("", "")


def test_a_model_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="absent") as caught:
        SentenceTransformerEmbedder(str(tmp_path / "absent"), "cpu")
    assert caught.value.reason is Reason.EMBEDDER_UNAVAILABLE


async def test_a_closed_embedder_is_unavailable() -> None:
    embedder = SentenceTransformerEmbedder("minilm", "cpu")
    await embedder.close()
    await embedder.close()
    with pytest.raises(Unavailable, match="closing"):
        await embedder.embed(["too late"])


async def test_vectors_that_are_not_finite_are_a_failure() -> None:
    embedder = SentenceTransformerEmbedder("minilm", "cpu")
    with torch.no_grad():
        next(embedder._model.parameters()).fill_(float("nan"))
    with pytest.raises(Unavailable, match="FloatingPointError"):
        await embedder.embed(["anything"])
    await embedder.close()


def test_the_cpu_in_place_of_a_missing_gpu_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with capture_logs() as logs:
        assert [choose_device("cpu"), choose_device("auto"), choose_device("cuda")] == ["cpu", "cpu", "cpu"]
    assert logs == [{"event": "embedder.no_gpu", "wanted": "cuda", "using": "cpu", "log_level": "warning"}]


def test_a_gpu_is_taken_unless_the_cpu_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [choose_device("cpu"), choose_device("auto"), choose_device("cuda")] == ["cpu", "cuda", "cuda"]

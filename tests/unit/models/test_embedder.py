from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from structlog.testing import capture_logs

from memsvc import metrics
from memsvc.errors import Reason, Unavailable
from memsvc.models.device import Precision
from memsvc.models.embedder import Encoded, SentenceTransformerEmbedder, pad
from memsvc.models.weights import minilm_folder
from memsvc.ports import Vectors


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


@pytest.mark.parametrize("side", ["right", "left"])
def test_padding_is_that_of_the_tokenizer(embedder: SentenceTransformerEmbedder, side: str) -> None:
    tokenizer = embedder._model.tokenizer
    before, tokenizer.padding_side = tokenizer.padding_side, side
    try:
        batch = embedder._tokenize(["one", "", "quite a few more words than the others"])
        columns = {name: [text[name].tolist() for text in batch] for name in batch[0]}
        expected = tokenizer.pad(columns, return_tensors="np")
        padded = pad(batch, tokenizer)
    finally:
        tokenizer.padding_side = before
    assert padded.keys() == expected.keys()
    for name, rows in padded.items():
        np.testing.assert_array_equal(rows, expected[name])


async def test_a_batch_that_memory_does_not_hold_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = SentenceTransformerEmbedder("minilm", "cpu")
    texts = [f"number {n}" for n in range(7)]
    expected = await embedder.embed(texts)
    forward, sizes = embedder._forward, []

    def small(batch: Sequence[Encoded]) -> list[Vectors]:
        sizes.append(len(batch))
        if len(batch) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(batch)

    monkeypatch.setattr(embedder, "_forward", small)
    before = counted("memsvc_model_out_of_memory_total")
    with capture_logs() as logs:
        np.testing.assert_allclose(await embedder.embed(texts), expected, atol=1e-5)
    assert sizes == [7, 3, 1, 2, 4, 2, 2]
    assert [(entry["event"], entry["texts"]) for entry in logs] == [("embedder.out_of_memory", n) for n in (7, 3, 4)]
    assert counted("memsvc_model_out_of_memory_total") == before + 3
    await embedder.close()


async def test_one_text_that_memory_does_not_hold_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = SentenceTransformerEmbedder("minilm", "cpu")

    def never(batch: Sequence[Encoded]) -> list[Vectors]:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(embedder, "_forward", never)
    with pytest.raises(Unavailable, match="OutOfMemoryError"):
        await embedder.embed(["too", "large"])
    await embedder.close()


async def test_bfloat16_gives_nearly_the_same_float32_vectors(embedder: SentenceTransformerEmbedder) -> None:
    half = SentenceTransformerEmbedder("minilm", "cpu", dtype="bfloat16")
    texts = ["A cat is sleeping on the sofa.", "Share prices fell sharply on Monday."]
    vectors = await half.embed(texts)
    assert vectors.dtype == np.float32
    assert (np.sum(vectors * await embedder.embed(texts), axis=1) > 0.99).all()
    await half.close()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("dtype", ["auto", "float32", "bfloat16"])
async def test_a_gpu_gives_the_vectors_of_the_cpu(embedder: SentenceTransformerEmbedder, dtype: Precision) -> None:
    on_gpu = SentenceTransformerEmbedder("minilm", "cuda", dtype=dtype)
    texts = [f"sentence {n} is {'long ' * (n % 40)}" for n in range(500)]
    vectors, expected = await on_gpu.embed(texts), await embedder.embed(texts)
    assert (np.sum(vectors * expected, axis=1) > (0.9999 if dtype == "float32" else 0.99)).all()
    await on_gpu.close()


def counted(name: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, {"model": "embedder"}) or 0.0

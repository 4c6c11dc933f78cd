"""Embeds texts with a sentence-transformers model on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeAlias

import numpy as np
import structlog
import torch
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging

from memsvc.errors import Reason, Unavailable
from memsvc.models.batcher import Batcher
from memsvc.models.packed import pack
from memsvc.models.weights import MINILM, minilm_folder
from memsvc.ports import Vectors

log = structlog.get_logger(__name__)

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
# What the tokenizer says about one text: lists of ids and masks, as long as the text has tokens.
Encoded: TypeAlias = Mapping[str, list[int]]

# Texts tokenised in one go; the device starts on the first ones while the next are tokenised.
_CHUNK = 512
# On a CPU larger batches are no faster, and a waiting query would wait longer for the batch before it.
_CPU_BATCH_TOKENS = 1024


class SentenceTransformerEmbedder:
    """Embeds on CPU or GPU, off the event loop, batching the texts of all callers together.

    The model is loaded here and not later, so that a service without its model does not start. Texts longer
    than the model's window (256 tokens for the built-in model) are cut to it; only the beginning counts.

    Args:
        model: `all-MiniLM-L6-v2` or `minilm` (weights installed with memsvc), or what sentence-transformers
            takes: a name or a folder. A name that is not on the machine is downloaded, unless HF_HUB_OFFLINE=1.
        device: `auto` takes a GPU if there is one; so does `cuda`, which warns if there is none.
        max_batch_tokens: padded tokens of one batch; on a CPU at most 1,024 are used.
        half_precision: compute in float16 on a GPU; vectors are float32 all the same.

    Raises:
        Corrupt: the installed weights are not the published ones.
        Unavailable: EMBEDDER_UNAVAILABLE, the model cannot be loaded.
    """

    def __init__(
        self,
        model: str = MINILM,
        device: Device = "auto",
        max_batch_tokens: int = 8192,
        *,
        half_precision: bool = False,
    ) -> None:
        self._name = MINILM if model == "minilm" else model
        target = choose_device(device)
        self._model = load_model(self._name, target)
        if half_precision and target == "cuda":
            self._model.half()
        if self._name == MINILM and target == "cpu":  # of other models it is not known what reads their weights
            pack(self._model)
        self._prompt = self._model.prompts.get(self._model.default_prompt_name or "") or ""
        self._dimension = len(self._model.encode("", show_progress_bar=False))
        self._device_thread = ThreadPoolExecutor(1, thread_name_prefix="embed")
        # A thread for each class: a query is not kept waiting while a long document is tokenised.
        self._tokenizer_threads = {
            urgent: ThreadPoolExecutor(1, thread_name_prefix="tokenize") for urgent in (False, True)
        }
        self._batcher: Batcher[Encoded, Vectors] = Batcher(
            self._compute,
            self._device_thread,
            max_batch_tokens=max_batch_tokens if target == "cuda" else min(max_batch_tokens, _CPU_BATCH_TOKENS),
        )
        # The first call sets the tokenizer's truncation; after it, calls only read and threads may share it.
        self._tokenize([""])

    @property
    def model(self) -> str:
        """Name of the model."""
        return self._name

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> Vectors:
        """Return unit-length float32 vectors of shape [len(texts), dimension], in order.

        Raises:
            Unavailable: EMBEDDER_UNAVAILABLE, the model failed or is closed.
        """
        computing: list[asyncio.Task[list[Vectors]]] = []
        try:
            for start in range(0, len(texts), _CHUNK):
                encoded = await self._tokenize_off_loop(texts[start : start + _CHUNK], urgent)
                lengths = [len(text["input_ids"]) for text in encoded]
                computing.append(asyncio.create_task(self._batcher.submit(encoded, lengths, urgent=urgent)))
            rows = [row for chunk in await asyncio.gather(*computing) for row in chunk]
        finally:
            for task in computing:
                task.cancel()
        return np.stack(rows) if rows else np.zeros((0, self._dimension), np.float32)

    async def close(self) -> None:
        """Fail what waits with Unavailable, let the running batch end and release the threads."""
        await self._batcher.close()
        for thread in (self._device_thread, *self._tokenizer_threads.values()):
            thread.shutdown(wait=False)

    async def _tokenize_off_loop(self, texts: Sequence[str], urgent: bool) -> list[Encoded]:
        self._batcher.check_open()
        return await asyncio.get_running_loop().run_in_executor(self._tokenizer_threads[urgent], self._tokenize, texts)

    def _tokenize(self, texts: Sequence[str]) -> list[Encoded]:
        columns: Mapping[str, list[list[int]]] = self._model.tokenizer(
            [self._prompt + encodable(text) for text in texts],
            truncation=True,
            max_length=self._model.max_seq_length,
            padding=False,
        )
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    @torch.inference_mode()
    def _compute(self, batch: Sequence[Encoded]) -> list[Vectors]:
        columns = {name: [text[name] for text in batch] for name in batch[0]}
        features: dict[str, Any] = dict(self._model.tokenizer.pad(columns, return_tensors="pt"))
        features = {name: tensor.to(self._model.device) for name, tensor in features.items()}
        vectors = self._model({**features, "modality": "text"})["sentence_embedding"].float()
        result: Vectors = torch.nn.functional.normalize(vectors, dim=1).cpu().numpy()
        if not np.isfinite(result).all():
            raise FloatingPointError("the model gave a vector with values that are not finite")
        return list(result)


def choose_device(wanted: Device) -> Literal["cpu", "cuda"]:
    """Return the device to use: a GPU unless `cpu` is wanted or there is none, which `cuda` is warned of."""
    if wanted != "cpu" and torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        log.warning("embedder.no_gpu", wanted="cuda", using="cpu")
    return "cpu"


def load_model(name: str, device: str) -> SentenceTransformer:
    """Load a model quietly and ready for inference; see `SentenceTransformerEmbedder` for names and errors."""
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it untyped
    source = str(minilm_folder()) if name == MINILM else name
    try:
        model = SentenceTransformer(source, device=device, local_files_only=name == MINILM)
    except (OSError, ValueError, RuntimeError) as error:
        raise Unavailable(
            f"the embedding model {name} cannot be loaded: {type(error).__name__}", reason=Reason.EMBEDDER_UNAVAILABLE
        ) from error
    # Padding happens apart from tokenising on purpose; the tokenizer would advise against it once.
    model.tokenizer.deprecation_warnings["Asking-to-pad-a-fast-tokenizer"] = True
    return model.eval()


def encodable(text: str) -> str:
    """Return `text` with lone surrogates, which no tokenizer takes, as question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")

"""Embeds texts with a sentence-transformers model on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
import structlog
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging

from memsvc import metrics
from memsvc.errors import Reason, Unavailable
from memsvc.models.batcher import Batcher
from memsvc.models.device import Device, NoGpu, Precision, choose_device, choose_dtype
from memsvc.models.packed import pack
from memsvc.models.weights import MINILM, MINILM_LANGUAGES, minilm_folder
from memsvc.ports import Vectors

__all__ = ["NoGpu", "SentenceTransformerEmbedder", "encodable", "load_model", "pad"]

log = structlog.get_logger(__name__)

# What the tokenizer says about one text: ids and masks, as long as the text has tokens.
Encoded: TypeAlias = Mapping[str, NDArray[np.int64]]

# Texts tokenised in one go; the device starts on the first ones while the next are tokenised.
_CHUNK = 512
# On a CPU larger batches are no faster, and a waiting query would wait longer for the batch before it.
_CPU_BATCH_TOKENS = 1024
# On a GPU one batch is laid out, copied and read back while the other is computed.
_GPU_BATCHES = 2


class SentenceTransformerEmbedder:
    """Embeds on CPU or GPU, off the event loop, batching the texts of all callers together.

    The model is loaded here and not later, so that a service without its model does not start. Texts longer
    than the model's window (256 tokens for the built-in model) are cut to it; only the beginning counts.

    Args:
        model: `all-MiniLM-L6-v2` or `minilm` (weights installed with memsvc), or what sentence-transformers
            takes: a name or a folder. A name that is not on the machine is downloaded, unless HF_HUB_OFFLINE=1.
        device: `auto` takes a GPU if there is one.
        max_batch_tokens: padded tokens of one batch; on a CPU at most 1,024 are used.
        dtype: what to compute in, `auto` is float16 on a GPU and float32 on a CPU; vectors are float32 all the same.

    Raises:
        NoGpu: `cuda` is wanted and there is none.
        Corrupt: the installed weights are not the published ones.
        Unavailable: EMBEDDER_UNAVAILABLE, the model cannot be loaded.
    """

    def __init__(
        self,
        model: str = MINILM,
        device: Device = "auto",
        max_batch_tokens: int = 8192,
        *,
        dtype: Precision = "auto",
    ) -> None:
        self._name = MINILM if model == "minilm" else model
        target = choose_device(device)
        self._model = load_model(self._name, target)
        self._model.to(precision := choose_dtype(dtype, target))
        # Of other models it is not known what reads their weights.
        if self._name == MINILM and target == "cpu" and precision is torch.float32:
            pack(self._model)
        self._prompt = self._model.prompts.get(self._model.default_prompt_name or "") or ""
        self._dimension = len(self._model.encode("", show_progress_bar=False))
        at_once = _GPU_BATCHES if target == "cuda" else 1
        self._device_threads = ThreadPoolExecutor(at_once, thread_name_prefix="embed")
        # A thread for each class: a query is not kept waiting while a long document is tokenised.
        self._tokenizer_threads = {
            urgent: ThreadPoolExecutor(1, thread_name_prefix="tokenize") for urgent in (False, True)
        }
        self._batcher: Batcher[Encoded, Vectors] = Batcher(
            self._compute,
            self._device_threads,
            max_batch_tokens=max_batch_tokens if target == "cuda" else min(max_batch_tokens, _CPU_BATCH_TOKENS),
            batches_at_once=at_once,
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

    @property
    def languages(self) -> frozenset[str] | None:
        """English alone for the built-in model; not known of others."""
        return MINILM_LANGUAGES if self._name == MINILM else None

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
        for thread in (self._device_threads, *self._tokenizer_threads.values()):
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
        rows = zip(*columns.values(), strict=True)
        return [{name: np.array(row, np.int64) for name, row in zip(columns, text, strict=True)} for text in rows]

    def _compute(self, batch: Sequence[Encoded]) -> list[Vectors]:
        """Compute a batch, in halves where the device's memory does not hold it."""
        try:
            return self._forward(batch)
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
        # Apart from the handler, because the exception holds on to the tensors that did not fit.
        log.warning("embedder.out_of_memory", texts=len(batch), retry="in halves")
        metrics.MODEL_OUT_OF_MEMORY.labels("embedder").inc()
        torch.cuda.empty_cache()
        middle = len(batch) // 2
        return [*self._compute(batch[:middle]), *self._compute(batch[middle:])]

    @torch.inference_mode()
    def _forward(self, batch: Sequence[Encoded]) -> list[Vectors]:
        features: dict[str, Any] = {
            name: torch.from_numpy(rows).to(self._model.device)
            for name, rows in pad(batch, self._model.tokenizer).items()
        }
        vectors = self._model({**features, "modality": "text"})["sentence_embedding"].float()
        result: Vectors = torch.nn.functional.normalize(vectors, dim=1).cpu().numpy()
        if not np.isfinite(result).all():
            raise FloatingPointError("the model gave a vector with values that are not finite")
        return list(result)


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
    return model.eval()


def pad(batch: Sequence[Encoded], tokenizer: Any) -> dict[str, NDArray[np.int64]]:
    """Lay out texts as rows of equal length, shape [texts, longest], filled up on the tokenizer's side.

    The tokenizer's own `pad` gives the same, in many times the time of a GPU's batch.
    """
    fill = {"input_ids": tokenizer.pad_token_id or 0, "token_type_ids": tokenizer.pad_token_type_id}
    shape = len(batch), max(len(text["input_ids"]) for text in batch)
    columns = {name: np.full(shape, fill.get(name, 0), np.int64) for name in batch[0]}
    for name, rows in columns.items():
        for row, text in zip(rows, batch, strict=True):
            values = text[name]
            start = len(row) - len(values) if tokenizer.padding_side == "left" else 0
            row[start : start + len(values)] = values
    return columns


def encodable(text: str) -> str:
    """Return `text` with lone surrogates, which no tokenizer takes, as question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")

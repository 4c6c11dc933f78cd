"""Self-information of words under a causal language model that runs on this machine."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM, AutoTokenizer

from memsvc.errors import Reason, Unavailable
from memsvc.language.words import tokenize
from memsvc.models.batcher import Batcher
from memsvc.models.device import Device, NoGpu, Precision, choose_device, choose_dtype
from memsvc.models.embedder import encodable
from memsvc.ports import Surprisal

__all__ = ["CausalSurprisal", "NoGpu", "word_bits"]

_WINDOW = 512
"""Tokens that the model reads at once, at most."""
_CPU_BATCH_TOKENS = 1024


@dataclass(frozen=True, slots=True)
class _Window:
    """A stretch of a text, after a token that begins it; the tokens before `first` are context only."""

    ids: NDArray[np.int64]
    first: int


class CausalSurprisal:
    """Tells how many bits each word of a text carries, given the words before it; implements `ports.ContextSurprisal`.

    A token carries -log2 p(token | tokens before it), a word the sum of its tokens'. A text longer than the model's
    window is read in windows that overlap by half, so that after the first one every token has at least half a window
    before it.

    Args:
        model: a name or folder of a transformers model with a fast tokenizer; a name that is not on the machine is
            downloaded, unless HF_HUB_OFFLINE=1. A folder may hold a single `.gguf` file.
        device: `auto` takes a GPU if there is one.
        dtype: what to compute in, `auto` is float16 on a GPU and float32 on a CPU.
        max_batch_tokens: padded tokens of one batch; on a CPU at most 1,024 are used.
        elsewhere: tells of words that a text does not hold, such as lemmas.

    Raises:
        NoGpu: `cuda` is wanted and there is none.
        Unavailable: the model cannot be loaded, or has no token that begins a text.
    """

    def __init__(
        self,
        model: str,
        device: Device = "auto",
        *,
        elsewhere: Surprisal,
        dtype: Precision = "auto",
        max_batch_tokens: int = 8192,
    ) -> None:
        target = choose_device(device)
        self._elsewhere = elsewhere
        self._tokenizer, self._model = _load(model, target, choose_dtype(dtype, target))
        begin = self._tokenizer.bos_token_id
        begin = self._tokenizer.eos_token_id if begin is None else begin
        if begin is None:
            raise Unavailable(f"the language model {model} has no token that begins a text")
        self._begin = int(begin)
        self._window = min(_WINDOW, int(getattr(self._model.config, "max_position_embeddings", _WINDOW)))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="surprisal")
        self._batcher: Batcher[_Window, NDArray[np.float64]] = Batcher(
            self._compute,
            self._thread,
            max_batch_tokens=max_batch_tokens if target == "cuda" else min(max_batch_tokens, _CPU_BATCH_TOKENS),
            name="surprisal",
        )

    def bits(self, word: str, language: str) -> float:
        """What a word carries outside of any text, in bits."""
        return self._elsewhere.bits(word, language)

    async def within(self, texts: Sequence[str]) -> list[Surprisal]:
        """Return the surprisal of words within each text, in order. Raises Unavailable when the model fails."""
        loop = asyncio.get_running_loop()
        encoded = await loop.run_in_executor(None, self._encode, texts)
        windows = [_windows(ids, self._begin, self._window) for ids, _ in encoded]
        flat = [window for some in windows for window in some]
        scored = iter(await self._batcher.submit(flat, [len(window.ids) for window in flat], urgent=False))
        found: list[Surprisal] = []
        for text, (_, spans), some in zip(texts, encoded, windows, strict=True):
            parts = [next(scored) for _ in some]
            bits = np.concatenate(parts) if parts else np.zeros(0)
            found.append(_Within(word_bits(encodable(text), spans, bits), self._elsewhere))
        return found

    async def close(self) -> None:
        """Fail what waits with Unavailable, let the running batch end and release the thread."""
        await self._batcher.close()
        self._thread.shutdown(wait=False)

    def _encode(self, texts: Sequence[str]) -> list[tuple[list[int], list[tuple[int, int]]]]:
        if not texts:
            return []
        encoded = self._tokenizer(
            [encodable(text) for text in texts], add_special_tokens=False, return_offsets_mapping=True
        )
        return list(zip(encoded["input_ids"], encoded["offset_mapping"], strict=True))

    @torch.inference_mode()
    def _compute(self, batch: Sequence[_Window]) -> list[NDArray[np.float64]]:
        """Bits of the tokens from `first` of each window on; padding on the right changes nothing before it."""
        longest = max(len(window.ids) for window in batch)
        ids = np.full((len(batch), longest), self._begin, np.int64)
        mask = np.zeros_like(ids)
        for row, (window, seen) in enumerate(zip(batch, mask, strict=True)):
            ids[row, : len(window.ids)] = window.ids
            seen[: len(window.ids)] = 1
        device = self._model.device
        tokens = torch.from_numpy(ids).to(device)
        logits = self._model(input_ids=tokens, attention_mask=torch.from_numpy(mask).to(device)).logits
        results = []
        for row, window in enumerate(batch):  # one at a time: in float32 a vocabulary for every token is large
            stop = len(window.ids)
            nats = torch.nn.functional.cross_entropy(
                logits[row, window.first - 1 : stop - 1].float(), tokens[row, window.first : stop], reduction="none"
            )
            results.append(nats.double().cpu().numpy() / math.log(2))
        if not all(np.isfinite(bits).all() for bits in results):
            raise FloatingPointError("the language model gave a probability that is not finite")
        return results


class _Within:
    """Words of one text by what they carry in it, on average where they come several times."""

    def __init__(self, bits: Mapping[str, float], elsewhere: Surprisal) -> None:
        self._bits = bits
        self._elsewhere = elsewhere

    def bits(self, word: str, language: str) -> float:
        found = self._bits.get(word.casefold())
        return self._elsewhere.bits(word, language) if found is None else found


def word_bits(text: str, spans: Sequence[tuple[int, int]], bits: NDArray[np.float64]) -> dict[str, float]:
    """Mean bits of each word of `text`, as `tokenize` names words.

    Words are what blanks set apart; each takes the tokens that end in it, and shares its bits out evenly among the
    names that `tokenize` gives it (one, but for hyphens and scripts without blanks).
    """
    occurrences: dict[str, list[float]] = {}
    position, token = 0, 0
    for part in text.split():
        start = text.index(part, position)
        position = start + len(part)
        carried = 0.0
        while token < len(spans) and spans[token][1] <= position:
            carried += float(bits[token])
            token += 1
        names = tokenize(part)
        for name in names:
            occurrences.setdefault(name, []).append(carried / len(names))
    return {name: sum(values) / len(values) for name, values in occurrences.items()}


def _windows(ids: Sequence[int], begin: int, size: int) -> list[_Window]:
    """Cut a text into windows of at most `size` tokens, the one that begins each included, overlapping by half."""
    windows, scored, room = [], 0, size - 1
    while scored < len(ids):
        start = max(0, scored - room // 2)
        stop = min(len(ids), start + room)
        windows.append(_Window(np.array([begin, *ids[start:stop]], np.int64), 1 + scored - start))
        scored = stop
    return windows


def _load(name: str, device: str, dtype: torch.dtype) -> tuple[Any, Any]:
    files = sorted(Path(name).glob("*.gguf"))
    source = {"gguf_file": files[0].name} if files else {}
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **source)
        model = AutoModelForCausalLM.from_pretrained(name, dtype=dtype, **source)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise Unavailable(
            f"the language model {name} cannot be loaded: {type(error).__name__}", reason=Reason.EMBEDDER_UNAVAILABLE
        ) from error
    module: Any = model
    return tokenizer, module.to(device).eval()

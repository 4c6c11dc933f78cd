"""Embeds texts with the built-in model, each once in a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from memsvc.models.device import choose_device
from memsvc.models.embedder import encodable, load_model
from memsvc.models.weights import MINILM

BATCH = 64


class Embeddings:
    """Unit-length vectors of all-MiniLM-L6-v2, kept by text; `progress` is told how many texts were embedded."""

    def __init__(self, progress: Callable[[int], None] = lambda _: None) -> None:
        self._model = load_model(MINILM, choose_device("auto"))
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._progress = progress

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one row per text."""
        new = sorted({text for text in texts if text not in self._vectors}, key=len)
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            rows = self._model.encode(
                [encodable(text) for text in batch],
                batch_size=BATCH,
                normalize_embeddings=True,
                show_progress_bar=False,
            )
            self._vectors.update(zip(batch, np.asarray(rows, np.float32), strict=True))
            self._progress(len(batch))
        return np.stack([self._vectors[text] for text in texts])

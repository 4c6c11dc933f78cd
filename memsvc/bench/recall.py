"""Exact nearest neighbours, found while a store is written, and the recall of an index against them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from memsvc.ports import Vectors


class Truth:
    """The `k` vectors with the largest dot product for each of `queries` [queries, dimension], among all added."""

    def __init__(self, queries: Vectors, k: int) -> None:
        self.queries = queries
        self._k = k
        self._scores = np.empty((len(queries), 0), np.float32)
        self._ids = np.empty((len(queries), 0), object)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.queries.shape[1])

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Take vectors [ids, dimension] into account."""
        scores = np.hstack([self._scores, self.queries @ vectors.T])
        every = np.hstack([self._ids, np.tile(np.array(ids, object), (len(self.queries), 1))])
        k = min(self._k, scores.shape[1])
        best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        self._scores = np.take_along_axis(scores, best, axis=1)
        self._ids = np.take_along_axis(every, best, axis=1)

    def recall(self, found: Sequence[Sequence[str]]) -> float:
        """Mean share of the true neighbours among those found, per query."""
        shares = [len(set(true) & set(ids)) / len(true) for true, ids in zip(self._ids, found, strict=True)]
        return float(np.mean(shares))

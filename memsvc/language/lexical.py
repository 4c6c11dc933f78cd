"""Texts to sparse lexical vectors that make a dot product with IDF a BM25 score.

BM25 (Robertson and Zaragoza, 2009) scores a document d for a query q as

    sum over t in q of  idf(t) * tf(t,d) * (k1 + 1) / (tf(t,d) + k1 * (1 - b + b * |d| / avg_len))

The document vector holds the fraction, the query vector 1 for each distinct term, and the index multiplies by
idf, which it knows from the documents it holds. `avg_len` would change with each document; it is a constant
here, so that a stored vector never has to be computed again.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from functools import lru_cache

from memsvc.language.words import stems
from memsvc.types import SparseVector

K1 = 1.2
"""How fast repeats of a term stop counting."""

B = 0.75
"""How much long documents are held back."""

AVERAGE_LENGTH = 32.0
"""Content words of a typical lexical text: a statement, its neighbours, its speaker and its date in words."""


class LexicalEncoder:
    """Encodes documents and queries over one space of term indices."""

    def __init__(self, *, k1: float = K1, b: float = B, average_length: float = AVERAGE_LENGTH) -> None:
        self._k1 = k1
        self._b = b
        self._average_length = average_length

    def document(self, text: str) -> SparseVector:
        """Return the BM25 term weights of a document, IDF left out; empty when it has no content words."""
        return _sparse(self._weights(stems(text)))

    def weights(self, text: str, wanted: Collection[str]) -> dict[str, float]:
        """Return the weights that `document` gives those of the wanted stems that a document has."""
        return self._weights(stems(text), wanted)

    def query(self, text: str) -> SparseVector:
        """Return weight 1 for each distinct content word of a query; empty when there is none."""
        return _sparse(dict.fromkeys(stems(text), 1.0))

    def _weights(self, terms: Sequence[str], wanted: Collection[str] | None = None) -> dict[str, float]:
        norm = self._k1 * (1 - self._b + self._b * len(terms) / self._average_length)
        counted = Counter(terms if wanted is None else [term for term in terms if term in wanted])
        return {term: tf * (self._k1 + 1) / (tf + norm) for term, tf in counted.items()}


@lru_cache(maxsize=1 << 16)
def term_index(term: str) -> int:
    """Return the stable 32-bit index of a term: four bytes of BLAKE2b, little-endian."""
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=4).digest(), "little")


def _sparse(weights: dict[str, float]) -> SparseVector:
    # Two terms may share an index (about 1 in 4 billion pairs do): their weights add up.
    summed: defaultdict[int, float] = defaultdict(float)
    for term, weight in weights.items():
        summed[term_index(term)] += weight
    indices = tuple(sorted(summed))
    return SparseVector(indices, tuple(summed[index] for index in indices))

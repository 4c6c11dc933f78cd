"""Texts to sparse lexical vectors that make a dot product with IDF a BM25 score.

BM25 (Robertson and Zaragoza, 2009) scores a document d for a query q as

    sum over t in q of  idf(t) * tf(t,d) * (k1 + 1) / (tf(t,d) + k1 * (1 - b + b * |d| / avg_len))

The document vector holds the fraction, the query vector 1 for each distinct term (less for single characters),
and the index multiplies by idf, which it knows from the documents it holds. `avg_len` would change with each
document; it is a constant here, so that a stored vector never has to be computed again.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from functools import lru_cache

from memsvc.language.words import characters, content_words, stem, stems
from memsvc.types import SparseVector

K1 = 1.2
"""How fast repeats of a term stop counting."""

B = 0.75
"""How much long documents are held back."""

AVERAGE_LENGTH = 32.0
"""Content words of a typical lexical text: a statement, its neighbours, its speaker and its date in words."""


CHARACTER_WEIGHT = 0.5
"""Of a single ideograph or syllable in a query, beside the pairs it is part of."""


class LexicalEncoder:
    """Encodes documents and queries over one space of term indices.

    A document's terms are the stems of its own language. A query is stemmed in each language it may be in. So that
    words spelled alike meet whatever the languages are, documents that are not English have their whole words beside
    the stems, and queries their whole words and English stems. Documents in scripts without blanks have their single
    characters beside the pairs, for queries of one character and for words that are written in one.
    """

    def __init__(self, *, k1: float = K1, b: float = B, average_length: float = AVERAGE_LENGTH) -> None:
        self._k1 = k1
        self._b = b
        self._average_length = average_length

    def document(self, text: str, language: str = "en") -> SparseVector:
        """Return the BM25 term weights of a document, IDF left out; empty when it has no content words."""
        words = content_words(text, language)
        terms = [stem(word, language) for word in words]
        if language != "en":
            terms += [word for word, its_stem in zip(words, terms, strict=True) if word != its_stem]
        return _sparse(self._weights(terms + characters(text), len(words)))

    def weights(self, text: str, wanted: Collection[str], language: str = "en") -> dict[str, float]:
        """Return the BM25 weights of those of the wanted stems that a document has, both of one language."""
        terms = stems(text, language)
        return self._weights([term for term in terms if term in wanted], len(terms))

    def query(self, text: str, languages: Sequence[str] = ("en",)) -> SparseVector:
        """Return the weight of each distinct term of a query; empty when it has no content words.

        `languages` are those the query may be in, the likeliest first; stop words are those of the first.
        """
        words = content_words(text, languages[0])
        weights = dict.fromkeys(characters(text), CHARACTER_WEIGHT)
        weights |= {stem(word, language): 1.0 for language in (*languages, "en") for word in words}
        return _sparse(weights | dict.fromkeys(words, 1.0))

    def _weights(self, terms: Sequence[str], length: int) -> dict[str, float]:
        norm = self._k1 * (1 - self._b + self._b * length / self._average_length)
        return {term: tf * (self._k1 + 1) / (tf + norm) for term, tf in Counter(terms).items()}


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

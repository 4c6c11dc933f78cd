"""Self-information of words from published word frequencies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from wordfreq import available_languages, word_frequency

from memsvc.ports import Surprisal

RAREST = 1e-8
"""Frequency given to a word that the list does not hold: the rarest one that it does."""

# Their lists need tokenizers that are not installed.
_UNSUPPORTED = frozenset({"zh", "ja", "ko"})
_LANGUAGES = frozenset(available_languages("small")) - _UNSUPPORTED


class WordFrequencySurprisal:
    """Surprisal under a unigram model; implements `ports.ContextSurprisal`."""

    def bits(self, word: str, language: str) -> float:
        """Return -log2 p(word) in bits, between 0 and 26.6; the upper end for unseen words and languages."""
        return _bits(word.casefold(), language)

    async def within(self, texts: Sequence[str]) -> Sequence[Surprisal]:
        """The same in every text."""
        return [self] * len(texts)


@lru_cache(maxsize=1 << 16)
def _bits(word: str, language: str) -> float:
    if language not in _LANGUAGES:
        return -math.log2(RAREST)
    frequency = word_frequency(word, language, wordlist="small")
    return -math.log2(min(1.0, max(frequency, RAREST)))

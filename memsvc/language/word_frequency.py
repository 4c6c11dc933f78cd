"""How common words are, and whether a word is one of its language or, like a name, of many."""

from __future__ import annotations

import math
from functools import cache, lru_cache

from wordfreq import available_languages, get_frequency_dict

COMMON_ZIPF = 3.3
FUNCTION_ZIPF = 5.8
"""From here on a word is one that grammar needs, whatever else it may name."""
ORDINARY_GAP = 0.8
"""By how much more common a word is in its language than in others: names are about as common in all."""
_COMPARED = ("en", "de", "es", "fr", "it")
_ABSENT_ZIPF = 2.0
_LANGUAGES = frozenset(available_languages("small"))


@cache
def _frequencies(language: str) -> dict[str, float]:
    return dict(get_frequency_dict(language, "small")) if language in _LANGUAGES else {}


def zipf(word: str, language: str) -> float:
    """log10 of a case-folded word's occurrences in a billion; 2 where the list does not hold it."""
    frequency = _frequencies(language).get(word)
    return math.log10(frequency) + 9 if frequency else _ABSENT_ZIPF


def is_common(word: str, language: str) -> bool:
    """Whether a case-folded word is met at least twice in a million."""
    return zipf(word, language) >= COMMON_ZIPF


@lru_cache(maxsize=1 << 15)
def is_ordinary(word: str, language: str) -> bool:
    """Whether a case-folded word is common in its language and much less so in others, as names are not."""
    own = zipf(word, language)
    if own < COMMON_ZIPF:
        return False
    others = sorted(zipf(word, other) for other in _COMPARED if other != language)
    return own - sum(others[-3:]) / 3 >= ORDINARY_GAP

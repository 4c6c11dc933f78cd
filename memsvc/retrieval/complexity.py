"""How complex a question is, estimated from its wording: the C_q of SimpleMem (arXiv 2601.02553, section 3.3).

The paper asks an LLM; this is a noisy-or over signals that stand in the text, so that each signal alone can make a
question complex, more signals never make it simpler, and the result stays in [0, 1]:

    C_q = 1 - prod_i (1 - weight_i * value_i)

The word lists are English. For other languages length and names remain.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from memsvc.language.words import STOP_WORDS, stems, tokenize
from memsvc.retrieval.names import Names
from memsvc.retrieval.question import Question
from memsvc.types import Complexity, ComplexityFeature

LENGTH_WEIGHT = 0.3
NAMES_WEIGHT = 0.3
CLAUSES_WEIGHT = 0.2

SHORT_WORDS, LONG_WORDS = 4, 14
"""Content words at which the length signal starts to count and is full."""

_ASKING_FOR_NOUNS = frozenset({"what", "which", "whose"})
_NOUN_REACH = 3
"""Words after the wh-word among which its noun is looked for: "which two outdoor sports"."""
_SHORT_PLURAL = 3
_NO_PLURAL = ("ss", "us", "is", "'s")


def _pattern(*phrases: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(phrases)})\b", re.IGNORECASE)


_PHRASES = (
    (
        "enumeration",
        0.45,
        _pattern(
            "all", "every", "each", "list", "what (?:are|were)", "what (?:kinds?|types?|sorts?)", "name the",
            "(?:who|what|when|where|why|how) and (?:who|what|when|where|why|how)",
        ),
    ),
    (
        "comparison",
        0.45,
        _pattern(
            "both", "differ\\w*", "compar\\w+", "in common", "similar\\w*", "same", "than", "versus", "vs", "rather",
            "between .+ and",
        ),
    ),
    (
        "aggregation",
        0.5,
        _pattern(
            "how many", "how often", "how much", "how frequent\\w*", "total", "altogether", "in all", "so far",
            "usually", "most", "least", "average", "summar\\w+",
        ),
    ),
    (
        "temporal_reasoning",
        0.3,
        _pattern(
            "before", "after", "since", "until", "during", "while", "between", "first", "last", "latest", "earliest",
            "how long", "how old", "changed?", "still", "anymore", "currently", "previously", "over time",
        ),
    ),
    (
        "inference",
        0.45,
        _pattern(
            "would", "could", "might", "may", "likely", "probably", "why", "considered", "based on", "think",
            "seem\\w*", "suggest\\w*", "personality", "recommend\\w*", "should",
        ),
    ),
)  # fmt: skip
_CLAUSE_MARK = re.compile(r"[,;:，；、،؛]")
_CLAUSE_WORDS = frozenset({
    "and", "but", "because", "since", "after", "before", "when", "while", "if", "that", "who", "which", "although",
    "though", "until", "so", "where",
})  # fmt: skip


def estimate_complexity(question: Question) -> Complexity:
    """Estimate the complexity of a question."""
    text = question.text
    words = tokenize(text)
    features = (
        ComplexityFeature("length", _length(text, question.language), LENGTH_WEIGHT),
        ComplexityFeature("names", _names(question.names), NAMES_WEIGHT),
        ComplexityFeature("clauses", _clauses(text, words), CLAUSES_WEIGHT),
        *(_phrase_feature(name, weight, pattern, text, words) for name, weight, pattern in _PHRASES),
    )
    simple = math.prod(1.0 - feature.weight * feature.value for feature in features)
    return Complexity(score=1.0 - simple, features=features)


def _phrase_feature(
    name: str, weight: float, pattern: re.Pattern[str], text: str, words: Sequence[str]
) -> ComplexityFeature:
    found = bool(pattern.search(text)) or (name == "enumeration" and _asks_for_plural(words))
    return ComplexityFeature(name, float(found), weight)


def _length(text: str, language: str) -> float:
    words = len(stems(text, language))
    return min(1.0, max(0.0, (words - SHORT_WORDS) / (LONG_WORDS - SHORT_WORDS)))


def _names(names: Names) -> float:
    """0 for up to one name, which says whose fact is asked for; 1 from three on."""
    return min(1.0, max(0, len(names.all) - 1) / 2)


def _clauses(text: str, words: Sequence[str]) -> float:
    """0 for one clause, 1 from three on, by the marks and the words that join clauses."""
    joints = len(_CLAUSE_MARK.findall(text)) + sum(word in _CLAUSE_WORDS for word in words[1:])
    return min(1.0, joints / 2)


def _asks_for_plural(words: Sequence[str]) -> bool:
    """Whether a wh-word asks for what looks like a plural noun: "which books", "what outdoor activities"."""
    for i, word in enumerate(words):
        if word in _ASKING_FOR_NOUNS:
            for position in range(i + 1, min(i + 1 + _NOUN_REACH, len(words))):
                if words[position] in STOP_WORDS:
                    break
                if _is_plural(words, position):
                    return True
    return False


def _is_plural(words: Sequence[str], i: int) -> bool:
    """Whether a word looks like a plural noun: a verb in -s ("what happens next") has no small word behind it."""
    word = words[i]
    if not word.endswith("s") or word.endswith(_NO_PLURAL) or len(word) <= _SHORT_PLURAL:
        return False
    return i + 1 == len(words) or words[i + 1] in STOP_WORDS

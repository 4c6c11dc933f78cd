"""How complex a question is, estimated from its wording: the C_q of SimpleMem (arXiv 2601.02553, section 3.3).

The paper asks an LLM; this is a noisy-or over signals that stand in the text, so that each signal alone can make a
question complex, more signals never make it simpler, and the result stays in [0, 1]:

    C_q = 1 - prod_i (1 - weight_i * value_i)

The word lists are English. For other languages length and names remain.
"""

from __future__ import annotations

import math
import re

from memsvc.language.words import stems
from memsvc.retrieval.names import question_names
from memsvc.types import Analysis, Complexity, ComplexityFeature

LENGTH_WEIGHT = 0.3
NAMES_WEIGHT = 0.3
CLAUSES_WEIGHT = 0.2

SHORT_WORDS, LONG_WORDS = 4, 14
"""Content words at which the length signal starts to count and is full."""

_PLURAL_NOUN_TAGS = frozenset({"NNS", "NNPS"})
_VERB_POS = frozenset({"VERB"})
_WH_WORDS = frozenset({"what", "which", "who", "whom", "whose", "where", "how"})
_WH_NOUN_REACH = 3
"""Words after the wh-word among which its noun is looked for: "which two outdoor sports"."""


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


def estimate_complexity(text: str, analysis: Analysis) -> Complexity:
    """Estimate the complexity of a question from its text and the analysis of exactly that text."""
    features = (
        ComplexityFeature("length", _length(text, analysis.language), LENGTH_WEIGHT),
        ComplexityFeature("names", _names(analysis), NAMES_WEIGHT),
        ComplexityFeature("clauses", _clauses(text, analysis), CLAUSES_WEIGHT),
        *(_phrase_feature(name, weight, pattern, text, analysis) for name, weight, pattern in _PHRASES),
    )
    simple = math.prod(1.0 - feature.weight * feature.value for feature in features)
    return Complexity(score=1.0 - simple, features=features)


def _phrase_feature(
    name: str, weight: float, pattern: re.Pattern[str], text: str, analysis: Analysis
) -> ComplexityFeature:
    found = bool(pattern.search(text)) or (name == "enumeration" and _asks_for_plural(analysis))
    return ComplexityFeature(name, float(found), weight)


def _length(text: str, language: str) -> float:
    words = len(stems(text, language))
    return min(1.0, max(0.0, (words - SHORT_WORDS) / (LONG_WORDS - SHORT_WORDS)))


def _names(analysis: Analysis) -> float:
    """0 for up to one name, which says whose fact is asked for; 1 from three on."""
    names = question_names(analysis)
    return min(1.0, max(0, len(names.all) - 1) / 2)


def _clauses(text: str, analysis: Analysis) -> float:
    """0 for one clause, 1 from three on; without tags, marks that separate clauses are counted."""
    verbs = sum(token.pos in _VERB_POS for token in analysis.tokens)
    extra = verbs - 1 if verbs else len(re.findall(r"[,;:，；、]", text))
    return min(1.0, max(0, extra) / 2)


def _asks_for_plural(analysis: Analysis) -> bool:
    """Whether a wh-word asks for a plural noun: "which books", "what outdoor activities"."""
    tokens = analysis.tokens
    return any(
        any(after.tag in _PLURAL_NOUN_TAGS for after in tokens[i + 1 : i + 1 + _WH_NOUN_REACH])
        for i, token in enumerate(tokens)
        if token.text.casefold() in _WH_WORDS
    )

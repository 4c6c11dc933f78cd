"""Expressions that are only part of a longer one: "thirty [five days ago]", "a month from [tomorrow]"."""

from __future__ import annotations

import re

from memsvc.language.dates.english_spans import NUMBERS
from memsvc.language.dates.words import Words, word_set

_PARTS_OF_NUMBERS = (
    word_set(
        """
    thirty forty fifty sixty seventy eighty ninety hundred thousand dozen half quarter third point
    """
    )
    | NUMBERS.keys()
)
_UNITS = word_set(
    """
    minute minutes hour hours day days night nights week weeks weekend weekends fortnight month months year years
    decade decades
    """
)
_FROM = frozenset({"from", "before", "after", "of", "to"})
_IMAGINED = re.compile(
    r"\b(?:imagine|suppose|supposing|pretend|hypothetically)\b"
    r"|\bin (?:the|a|an|my|his|her|our|their|your|this|that|one) (?:\w+ )?"
    r"(?:novel|film|movie|story|book|episode|chapter|play|poem|song|lyrics|dream)\b"
    r"|\b(?:lyrics|song|poem|chorus) (?:goes|go|says|say)\b"
)


def is_part(words: Words, first: int, last: int) -> bool:
    """Whether the tokens [first, last) go on to the left or to the right, and so mean something else together."""
    begin = words.starts[first]
    ago = words.lower[last - 1] == "ago"
    if words.text[begin].isdigit() and re.search(r"\d[.,]$", words.text[max(0, begin - 2) : begin]):
        return True
    before, second = _word(words, first, -1), _word(words, first, -2)
    whole = second if before in {"of", "and", "-"} else before
    if ago and (whole.isdigit() or whole in _PARTS_OF_NUMBERS or whole in _UNITS):
        return True
    if before in _FROM and second in _UNITS:
        return True
    return words.lower[last - 1] in {"yesterday", "today", "tomorrow"} and _word(words, last - 1, 1) in _UNITS


def is_imagined(words: Words, first: int) -> bool:
    """Whether its sentence tells, before it, that what it says is made up: "in my novel", "imagine"."""
    begin = first
    while begin > max(0, first - _REACH) and words.sentences[begin - 1] == words.sentences[first]:
        begin -= 1
    return _IMAGINED.search(words.text[words.starts[begin] : words.starts[first]].lower()) is not None


_REACH = 60
"""Words of a sentence before a date that are looked at: bounds the time."""


def _word(words: Words, index: int, step: int) -> str:
    near = index + step
    inside = 0 <= near < len(words.lower) and words.sentences[near] == words.sentences[index]
    return words.lower[near] if inside else ""

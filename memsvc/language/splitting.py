"""Text to sentences by punctuation alone, where parsing would be too slow: at query time."""

from __future__ import annotations

import re
from functools import lru_cache

_CLOSING = "\"'”’»)\\]」』"
_SPACED = re.compile(rf"[.!?…؟][{_CLOSING}]*\s+(?=[^\s])|\n+")
_UNSPACED = re.compile(rf"[。！？][{_CLOSING}]*")
_BOUNDARY = re.compile(rf"{_SPACED.pattern}|{_UNSPACED.pattern}")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“])(?:[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|No|vs|etc|e\.g|i\.e|approx|ca|z\.B|d\.h|bzw|Sra|Ud)\.$"
    r"|(?:\b[A-Za-z]\.){2}$"
)
_QUOTES = {"“": 1, "”": -1, "«": 1, "»": -1, "「": 1, "」": -1, "[": 1, "]": -1}


@lru_cache(maxsize=8192)
def sentences(text: str) -> tuple[str, ...]:
    """Split a text; what stands in quotation marks or square brackets stays whole. Never empty for a text with words.

    A full stop after an initial or a common abbreviation, or before a small letter, ends nothing.
    """
    parts: list[str] = []
    start = 0
    for boundary in _BOUNDARY.finditer(text):
        piece = text[start : boundary.end()]
        if _ends_here(piece.rstrip(), text[boundary.end() :]):
            parts.append(piece.strip())
            start = boundary.end()
    parts.append(text[start:].strip())
    return tuple(part for part in parts if part)


def _ends_here(piece: str, rest: str) -> bool:
    if _ABBREVIATION.search(piece) or (piece.endswith(".") and rest[:1].islower()):
        return False
    straight = sum(piece.count(mark) for mark in '"')
    return straight % 2 == 0 and sum(side * piece.count(mark) for mark, side in _QUOTES.items()) <= 0

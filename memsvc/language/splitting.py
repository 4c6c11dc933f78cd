"""Text to sentences by punctuation alone, in any script, in one pass."""

from __future__ import annotations

import re
from functools import lru_cache

Range = tuple[int, int]
"""Half-open character range [start, end)."""

_CLOSING = "\"'”’»)\\]」』*_"
_END = re.compile(
    rf"(?<![.!?…؟।۔])(?P<spaced>[.!?…؟।۔]+[{_CLOSING}]*(?:[ \u00a0\u202f]»)?)(?=\s|$)"
    rf"|(?P<unspaced>[。！？]+[{_CLOSING}]*)|(?P<line>\n+)|(?P<mark>[\"“”«»「」『』()\[\]])"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“])(?:[^\W\d_]|Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|vs|etc|e\.g|i\.e|approx|ca|z\.B|d\.h|bzw|Sra|Ud)\.$"
    r"|(?:\b[^\W\d_]\.){2}$"
)
_NUMBERED = re.compile(r"(?:^|[\s(])(?:No|Nr|Fig|Art|Abs|Sec|Ch|pp?)\.$")
"""Abbreviations of what a number follows: "No. 5", and not "No." alone."""
_ABBREVIATION_REACH = 12
"""Characters before a full stop among which an abbreviation is looked for."""
_PAIRS = {"“": "”", "«": "»", "「": "」", "『": "』", "(": ")", "[": "]"}
_OPENING_OF = {closing: opening for opening, closing in _PAIRS.items()}


def sentence_ranges(text: str, start: int = 0, end: int | None = None) -> list[Range]:
    """Ranges of the sentences of text[start:end], without the blank around them, in order.

    What stands in quotation marks or brackets stays whole where the paragraph closes what it opens. A full stop ends
    nothing before a small letter or after an initial, a number of a list or a common abbreviation. A line break ends.
    """
    end = len(text) if end is None else end
    found: list[Range] = []
    for first, last in _lines(text, start, end):
        found += _of_line(text, first, last)
    return found


@lru_cache(maxsize=8192)
def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text; never empty for a text that is not blank."""
    return tuple(text[first:last] for first, last in sentence_ranges(text))


def _lines(text: str, start: int, end: int) -> list[Range]:
    lines: list[Range] = []
    at = start
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        lines.append((at, stop))
        at = stop + 1
    return lines


def _of_line(text: str, start: int, end: int) -> list[Range]:
    honoured = _balanced(text, start, end)
    found: list[Range] = []
    depth, at, straight = 0, start, False
    for match in _END.finditer(text, start, end):
        mark = match["mark"]
        if mark == '"':
            straight = (not straight) if '"' in honoured else straight
        elif mark in _PAIRS:
            depth += mark in honoured
        elif mark is not None:
            depth -= _OPENING_OF[mark] in honoured
        if mark is None:
            depth, straight = _closed_within(match.group(), depth, straight, honoured)
            if not depth and not straight and _ends_here(text, match, end):
                _add(found, text, at, match.end())
                at = match.end()
    _add(found, text, at, end)
    return found


def _closed_within(ending: str, depth: int, straight: bool, honoured: frozenset[str]) -> tuple[int, bool]:
    """The quotation state after an ending such as `."`, whose closing marks were matched with it."""
    for character in ending:
        if character == '"' and '"' in honoured:
            straight = not straight
        elif _OPENING_OF.get(character) in honoured:
            depth -= 1
    return depth, straight


def _balanced(text: str, start: int, end: int) -> frozenset[str]:
    """The marks that the line closes as often as it opens them: only these keep what they hold together."""
    pairs = {
        opening
        for opening, closing in _PAIRS.items()
        if text.count(opening, start, end) == text.count(closing, start, end) > 0
    }
    straight = text.count('"', start, end)
    return frozenset(pairs | ({'"'} if straight and straight % 2 == 0 else set()))


def _ends_here(text: str, match: re.Match[str], end: int) -> bool:
    if match["spaced"] is None or not match["spaced"].startswith(".") or len(match["spaced"].rstrip("\"'”’»)]*_")) > 1:
        return True
    following = text[match.end() : min(end, match.end() + 16)].lstrip()[:1]
    if following.islower():
        return False
    before = text[max(0, match.start() - _ABBREVIATION_REACH) : match.start() + 1]
    return _ABBREVIATION.search(before) is None and not (following.isdigit() and _NUMBERED.search(before))


def _add(found: list[Range], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        first = start + len(piece) - len(piece.lstrip())
        found.append((first, first + len(stripped)))

"""Stretches of a text in which nothing is read as a date: code, addresses of the net, quotations, titles."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from memsvc.language.dates.words import word_set

_FENCED = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_INLINE = re.compile(r"`[^`\n]+`|<[^<>\n]{1,200}>")
_QUOTED = re.compile(
    r"\"[^\"\n]{1,400}\"|“[^”\n]{1,400}”|„[^“”\n]{1,400}[“”]|«[^»\n]{1,400}»|「[^」\n]{1,400}」|『[^』\n]{1,400}』"
    r"|(?<![\w'])'(?!(?:em|til|cause|s|tis)\b)[^'\n]{1,80}(?:'\w[^'\n]{1,80}){0,4}'(?!\w)|(?<!\w)‘[^‘\n]{1,120}’(?!\w)"
)
"""Somebody's words, said at a time that is not known, or a title."""
_ITALIC = re.compile(r"(?<![*\w])\*(?![*\s])([^*\n]{1,80})\*(?![*\w])|(?<![_\w])_(?![_\s])([^_\n]{1,80})_(?![_\w])")
_CHUNK = re.compile(r"\S+")
_CODE_CHUNK = re.compile(
    r"://|@|\\|_|=|::|->|#\w|[{}$^~]|[^\W\d_]\.[^\W\d_]|[^\W\d_]/|/[^\W\d_]|\d/[^\W\d]|www\.|\w\(\)|\d\.\d+\.\d+-"
)
_FLAG = re.compile(r"-{1,2}[A-Za-z][\w-]*$")
_COMMANDS = "curl|git|docker|kubectl|ssh|npm|pip|sudo|import|def|class|SELECT|INSERT|UPDATE|DELETE"
_CODE_LINE = re.compile(
    rf"^[ \t]*(?:\$ |>|\.\.\. |In \[|(?:{_COMMANDS}) |from \w+ import\b|#include"
    r"|\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\[?\d\d:\d\d:\d\d|[A-Z][a-z]{2}\s+\d+ \d\d:\d\d|\[\d|[-dl][rwx-]{9})"
)
"""Commands, statements, quoted mail, lines of a log or of a listing."""
_CODE_MARKS = re.compile(r"[;{}]\s*$| [=!]=|=>|&&|\|\| | := | = |\*/|^\s*/[/*]|\w\(\w*\)|\] [A-Z]{4,}")
_NAME_BREAKING = word_set("of the a an in on and for to at by with from vs or")


class Protected:
    """The protected stretches of one text; asking about a place takes logarithmic time."""

    def __init__(self, text: str) -> None:
        merged: list[tuple[int, int]] = []
        for start, end in sorted(_stretches(text)):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        self._starts = [start for start, _ in merged]
        self._ends = [end for _, end in merged]

    def holds(self, start: int, end: int) -> bool:
        """Whether a protected stretch overlaps [start, end)."""
        place = bisect_right(self._starts, end - 1) - 1
        return place >= 0 and self._ends[place] > start


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_FENCED, _INLINE, _QUOTED):
        for match in pattern.finditer(text):
            yield match.span()
    for match in _ITALIC.finditer(text):
        if is_title(match[1] or match[2]):
            yield match.span()
    yield from _code_lines(text)
    yield from _chunks(text)


def _code_lines(text: str) -> Iterator[tuple[int, int]]:
    begin = 0
    for line in text.split("\n"):
        if _CODE_LINE.match(line) or _CODE_MARKS.search(line):
            yield begin, begin + len(line)
        begin += len(line) + 1


def _chunks(text: str) -> Iterator[tuple[int, int]]:
    flagged = False
    for match in _CHUNK.finditer(text):
        chunk = match.group()
        if flagged or _CODE_CHUNK.search(chunk):
            yield match.span()
        flagged = chunk[0] == "-" and _FLAG.match(chunk) is not None


def is_title(text: str) -> bool:
    """Whether every word is written with a capital, as in a title; small words within do not count."""
    words = text.split()
    return bool(words) and all(word[:1].isupper() or word in _NAME_BREAKING for word in words) and text[:1].isupper()

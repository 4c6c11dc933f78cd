"""The structure of a turn: paragraphs of prose, and what is not prose and stays together as it was typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from memsvc.language.splitting import Range


class BlockKind(StrEnum):
    """What a block of lines is."""

    PROSE = "prose"
    HEADING = "heading"
    ITEM = "item"
    CODE = "code"
    TABLE = "table"
    QUOTE = "quote"
    LINES = "lines"
    """Lines that belong together and are no sentences: a log, a stack trace, an address, the head of a mail."""


@dataclass(frozen=True, slots=True)
class Block:
    """Characters [start, end) of a turn, whole lines without the blank around them."""

    kind: BlockKind
    start: int
    end: int


_FENCE = re.compile(r"\s*(```|~~~)")
_HEADING = re.compile(r"\s*(?:#{1,6}\s+\S|(?:\*\*|__)[^*_\n]+(?:\*\*|__):?\s*$)")
_ITEM = re.compile(r"\s*(?:[-*+•‣–]|\(?\d{1,3}[.)]|\(?[A-Za-z]\))\s+\S")
_QUOTE = re.compile(r"\s*>")
_TABLE = re.compile(r"\s*\|.*\||[^|\n]+\|[^|\n]+\|[^|\n]+|[^\t\n]+\t[^\t\n]+\t")
_INDENTED = re.compile(r"(?: {4,}|\t+)\S")
_SENTENCE_END = re.compile(r"[.!?…。！？؟।۔][\"'”’»)\]*_]*\s*$")


def blocks(content: str) -> list[Block]:
    """Divide a turn into blocks, in order; together they hold every character that is not blank."""
    return list(_Reader(content).read())


class _Reader:
    """Reads line by line, each once."""

    def __init__(self, content: str) -> None:
        self._content = content
        self._lines = list(_lines(content))
        self._at = 0

    def read(self) -> Iterator[Block]:
        while self._at < len(self._lines):
            first = self._at
            kind = self._next()
            if kind is not None:
                yield self._block(kind, first, self._at)

    def _next(self) -> BlockKind | None:
        """Move past the next block and return its kind; None for a blank line."""
        line = self._line(self._at)
        self._at += 1
        if not line.strip():
            return None
        fence = _FENCE.match(line)
        if fence:
            self._skip_fenced(fence.group(1))
            return BlockKind.CODE
        if _HEADING.match(line):
            return BlockKind.HEADING
        for pattern, kind in ((_QUOTE, BlockKind.QUOTE), (_TABLE, BlockKind.TABLE)):
            if pattern.match(line):
                self._skip_while(pattern)
                return kind
        return self._item(line) or self._paragraph()

    def _item(self, line: str) -> BlockKind | None:
        if _ITEM.match(line):
            self._skip_continuation(line)
            return BlockKind.ITEM
        if _INDENTED.match(line):
            self._skip_while(_INDENTED)
            return BlockKind.LINES
        return None

    def _paragraph(self) -> BlockKind:
        """Lines up to a blank one or to another kind of block: prose if their lines end as sentences or run on."""
        first = self._at - 1
        while self._at < len(self._lines) and self._goes_on(self._line(self._at)):
            self._at += 1
        lines = [self._line(i).strip() for i in range(first, self._at)]
        return BlockKind.PROSE if len(lines) == 1 or _reads_on(lines) else BlockKind.LINES

    def _goes_on(self, line: str) -> bool:
        return bool(line.strip()) and not any(p.match(line) for p in (_FENCE, _HEADING, _QUOTE, _ITEM, _TABLE))

    def _skip_fenced(self, fence: str) -> None:
        while self._at < len(self._lines):
            line = self._line(self._at)
            self._at += 1
            if line.strip().startswith(fence):
                return

    def _skip_while(self, pattern: re.Pattern[str]) -> None:
        while self._at < len(self._lines) and pattern.match(self._line(self._at)):
            self._at += 1

    def _skip_continuation(self, item: str) -> None:
        """Lines of an item after its first: indented deeper than it, and no items themselves."""
        indent = len(item) - len(item.lstrip())
        while self._at < len(self._lines):
            line = self._line(self._at)
            deeper = line.strip() and len(line) - len(line.lstrip()) > indent
            if not deeper or _ITEM.match(line) or _FENCE.match(line):
                return
            self._at += 1

    def _line(self, i: int) -> str:
        start, end = self._lines[i]
        return self._content[start:end]

    def _block(self, kind: BlockKind, first: int, last: int) -> Block:
        start, end = self._lines[first][0], self._lines[last - 1][1]
        text = self._content[start:end]
        if kind in (BlockKind.PROSE, BlockKind.HEADING):
            start += len(text) - len(text.lstrip())
        return Block(kind, start, start + len(self._content[start:end].rstrip()))


def _lines(content: str) -> Iterator[Range]:
    at = 0
    while at <= len(content):
        end = content.find("\n", at)
        end = len(content) if end < 0 else end
        yield at, end
        at = end + 1


def _reads_on(lines: list[str]) -> bool:
    """Whether lines are prose: most end a sentence, or the next goes on with a small letter, as wrapped text does."""
    joined = sum(
        bool(_SENTENCE_END.search(line)) or following[:1].islower()
        for line, following in zip(lines, [*lines[1:], ""], strict=True)
    )
    return joined * 2 > len(lines)

"""The pieces of a turn that are told or left out whole: sentences of prose, and blocks of anything else.

A piece knows what it stands under: its heading, and the words that lead in to it ("My sister wrote: …"), without which
it would be taken for something else, or for somebody else's words.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from memsvc.compression.blocks import Block, BlockKind, blocks
from memsvc.language.splitting import Range, sentence_ranges
from memsvc.ports import TokenCounter

MAX_TOKENS = 100
"""Tokens of a memory, where a single sentence is not longer. Units of about this size were best on the development
conversations (docs/benchmarks.md)."""

_LEAD_IN = re.compile(r"[^\W_][\"'”’)\]*_]*\s?[:：](?=\s|$|[\"“«„‘「『])")
"""A colon behind a word, and not within one, such as a time or an address."""
_QUOTED = re.compile(r"\s*(?:\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|「[^」]*」|『[^』]*』)\W*$")
"""What a lead-in leads in to, where it ends with the sentence: nothing more stands under it."""
_OPENS_QUOTE = re.compile(r"(?:(?<=[\s(—–:：])|^)(?:[\"“„”「『](?=\S)|«)", re.MULTILINE)
_CLOSING = {'"': '"', "“": "”", "„": "“", "”": "”", "«": "»", "「": "」", "『": "』"}
_MARKS = "-_=* \n"
_RULES = ("---", "___", "===", "***")
_LONGEST_RULE = 60
"""Characters of the words in a rule ("---- Forwarded message ----"); a judgement."""
_ASKS = re.compile(r"[?？؟]")
# Questions are typed without their mark as well; these words begin hardly any other sentence of so few words.
_BEGINS_ASKING = re.compile(
    r"(?:and |so |but |ok |hey )?(?:(?:do|does|did|is|are|was|were|have|has|can|could|will|would|should|"
    r"who|whose|which|where|when|why|how|what)\b(?! (?:a|an|the most|if)\b)|anyone|anybody)",
    re.IGNORECASE,
)
_UNMARKED_WORDS = 12
_FIELD = re.compile(r"\s*[\w -]{1,30}[:：]\s")
_LONGEST_LEAD = 300
"""Characters: what is longer is no lead-in but a text of its own."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters [start, end) of a turn that are told or left out together."""

    start: int
    end: int
    kind: BlockKind
    leads: tuple[Range, ...] = ()
    """What it stands under, outermost first: a heading, the words that lead in to it, the head of its table."""

    def text(self, content: str) -> str:
        """The piece as it was said."""
        return content[self.start : self.end]

    def is_question(self, content: str) -> bool:
        """Whether it is a sentence that ends in a question mark, or begins as questions do and ends in no mark."""
        if self.kind not in (BlockKind.PROSE, BlockKind.ITEM):
            return False
        text = self.text(content)
        return bool(_ASKS.search(text[-8:])) or begins_asking(text)


def begins_asking(sentence: str) -> bool:
    """Whether a short sentence without a mark at its end begins as questions do."""
    unmarked = sentence[-1:].isalnum() and _BEGINS_ASKING.match(sentence) is not None
    return unmarked and len(sentence.split()) <= _UNMARKED_WORDS


def pieces(content: str, tokens: TokenCounter) -> list[Piece]:
    """Divide a turn into pieces, in order; what is no prose and too long for a memory, at its lines."""
    found: list[Piece] = []
    above = _Above(content)
    for block in blocks(content):
        if block.kind is BlockKind.PROSE:
            above.before_prose(ended=not content[block.start : block.end].strip(_MARKS))
            made = list(_sentences(content, block, above))
        elif block.kind is BlockKind.HEADING:
            made = [Piece(block.start, block.end, block.kind)]
        else:
            made = list(_divided(content, block, above.leads(block.start), tokens))
        above.after(content, block, made)
        found += made
    return found


class _Above:
    """The heading, the lead-in and the open quotation that a block stands under."""

    def __init__(self, content: str) -> None:
        self.heading: Range | None = None
        self._lead: Range | None = None
        self._lead_until = math.inf
        self._listed = False
        self._content = content
        self._quoter: Range | None = None
        self._quoted_until = 0
        self._last_of = {mark: content.rfind(mark) for mark in _CLOSING.values()}
        self._open_until = dict.fromkeys(_CLOSING, 0)

    def leads(self, start: int) -> tuple[Range, ...]:
        """Those of what begins at `start`."""
        quoter = self._quoter if start < self._quoted_until else None
        lead = self._lead if start < self._lead_until else None
        return tuple(each for each in (self.heading, lead, quoter) if each is not None)

    def before_prose(self, *, ended: bool) -> None:
        """A list, a table, code or a rule ends what its lead-in was for; the paragraphs of a quoted mail do not."""
        if self._listed or ended:
            self._lead, self._listed = None, False

    def after(self, content: str, block: Block, made: list[Piece]) -> None:
        if block.kind is BlockKind.HEADING:
            self.heading, self._lead, self._listed = (block.start, block.end), None, False
        elif block.kind is BlockKind.PROSE:
            last = made[-1]
            if content[last.end - 1] in ":：" and last.end - last.start <= _LONGEST_LEAD:
                self._lead, self._lead_until = (last.start, last.end), math.inf
            self._read_quotes(block)
        elif _is_mail_head(content, block):
            self._lead, self._lead_until, self._listed = (block.start, block.end), math.inf, False
        else:
            self._listed = self._lead is not None

    def _read_quotes(self, block: Block) -> None:
        """Who is quoted at the end of a paragraph, where its quotation goes on in the next: the words before it.

        A quotation that begins under a lead-in is what this leads in to, and ends it.
        """
        if self._quoted_until >= block.end:
            return
        content = self._content
        self._quoter = None
        for opening in _OPENS_QUOTE.finditer(content, max(block.start, self._quoted_until), block.end):
            if opening.start() < self._quoted_until:
                continue
            closed = self._closed(opening)
            if closed is None:
                continue  # it is never closed: a mark of something else
            self._quoted_until = closed
            led = self._lead is not None and self._lead[1] <= block.start == opening.start()
            if led:
                self._lead_until = closed
            if closed > block.end:
                self._quoter = None if led else _before_quote(content, block.start, opening.start())
                return

    def _closed(self, opening: re.Match[str]) -> int | None:
        """Where a quotation ends, its mark included; None where its mark opens another one before, or there is none.

        A mark at the beginning of a paragraph opens what is open already: so are quotations of several paragraphs set.
        """
        content, mark = self._content, opening.group()
        at = opening.end()
        if at <= self._open_until[mark]:
            return None  # a mark before has been looked for the end of, in vain: what was read is not read again
        while at <= self._last_of[_CLOSING[mark]]:
            at = content.index(_CLOSING[mark], at)
            if _CLOSING[mark] != mark or content[at - 1 : at].strip():
                return at + 1
            if at and content[at - 1] != "\n":
                break
            at += 1
        self._open_until[mark] = at
        return None


def _before_quote(content: str, begin: int, quote: int) -> Range | None:
    """The sentence before a quotation up to its mark, in a paragraph that begins at `begin`; None without words."""
    if not content[begin:quote].strip():
        return None
    start, _ = sentence_ranges(content, begin, quote)[-1]
    return (start, quote + 1) if quote - start <= _LONGEST_LEAD else None


def quotes(content: str, lead: Range) -> bool:
    """Whether a lead-in is what stands before a quotation, its opening mark included."""
    return _OPENS_QUOTE.match(content, lead[1] - 1) is not None


def within(offset: int, ranges: Sequence[Range]) -> bool:
    """Whether one of the ranges, which are in order and do not overlap, holds an offset."""
    before = bisect_right(ranges, offset, key=itemgetter(0)) - 1
    return before >= 0 and bool(offset < ranges[before][1])


def _is_mail_head(content: str, block: Block) -> bool:
    """Whether all lines of a block are fields, as at the head of a mail: what follows is what that mail says."""
    if block.kind is not BlockKind.LINES or block.end - block.start > _LONGEST_LEAD:
        return False
    lines = content[block.start : block.end].split("\n")
    fields = lines[1:] if _is_rule(lines[0]) else lines
    return bool(fields) and all(_FIELD.match(line) for line in fields)


def _is_rule(line: str) -> bool:
    """Whether a line only divides, with words in it or not."""
    line = line.strip()
    return line.startswith(_RULES) and len(line.strip(_MARKS)) <= _LONGEST_RULE


def _sentences(content: str, block: Block, above: _Above) -> Iterator[Piece]:
    """Sentences of a paragraph; those after one with a colon in it stand under its words up to the colon."""
    inner: Range | None = None
    for start, end in sentence_ranges(content, block.start, block.end):
        outer = (
            above.leads(start) if inner is None else tuple(each for each in (above.heading, inner) if each is not None)
        )
        yield Piece(start, end, BlockKind.PROSE, outer)
        colon = _LEAD_IN.search(content, start, end)
        if colon and colon.end() - start <= _LONGEST_LEAD:
            inner = None if _QUOTED.match(content, colon.end(), end) else (start, colon.end())


def _divided(content: str, block: Block, above: tuple[Range, ...], tokens: TokenCounter) -> Iterator[Piece]:
    if tokens.count(content[block.start : block.end]) <= MAX_TOKENS:
        yield Piece(block.start, block.end, block.kind, above)
        return
    lines = _line_ranges(content, block)
    head = _head(content, block, lines)
    leads = above if head is None else (*above, head)
    for number, (start, end) in enumerate(lines):
        inside = head is not None and end <= head[1]
        yield Piece(start, end, block.kind, above if inside or not number else leads)


def _line_ranges(content: str, block: Block) -> list[Range]:
    lines: list[Range] = []
    at = block.start
    while at < block.end:
        end = content.find("\n", at, block.end)
        end = block.end if end < 0 else end
        if content[at:end].strip():
            lines.append((at, end))
        at = end + 1
    return lines


def _head(content: str, block: Block, lines: list[Range]) -> Range | None:
    """What makes the lines of a block readable: the head of a table, the opening line of a block of code."""
    if block.kind is BlockKind.CODE:
        return lines[0]
    if block.kind is not BlockKind.TABLE:
        return None
    ruled = len(lines) > 1 and not content[lines[1][0] : lines[1][1]].strip(" |:-+\t")
    return (lines[0][0], lines[1][1]) if ruled else lines[0]

"""One sentence of an analysed turn, and edits of a stretch of text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from memsvc.types import Analysis, Token


@dataclass(frozen=True, slots=True)
class Edit:
    """Puts `text` in the place of the half-open character span [start, end) of the turn's content."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """Tokens [first, last) of an analysis; `start` and `end` are character offsets in the turn's content."""

    analysis: Analysis
    first: int
    last: int
    start: int
    end: int

    @property
    def text(self) -> str:
        """The sentence as it was said."""
        return self.analysis.text[self.start : self.end]

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Words and punctuation that lie within the sentence."""
        return tuple(t for t in self.analysis.tokens[self.first : self.last] if t.end > self.start and t.text.strip())

    @property
    def is_question(self) -> bool:
        """Whether it ends in a question mark."""
        return self.text.rstrip("\"'”’)! ").endswith(("?", "？"))

    def edited(self, edits: Iterable[Edit]) -> str:
        """The text with those edits that lie within the sentence; of two that overlap the first stands."""
        return apply(self.analysis.text, self.start, self.end, edits)


def apply(content: str, start: int, end: int, edits: Iterable[Edit]) -> str:
    """Return content[start:end] with the edits that lie within it."""
    parts: list[str] = []
    at = start
    for edit in sorted(edits, key=lambda e: (e.start, -e.end)):
        if at <= edit.start and edit.end <= end:
            parts += (content[at : edit.start], edit.text)
            at = edit.end
    return "".join([*parts, content[at:end]]).strip()


def split(analysis: Analysis) -> list[Sentence]:
    """Sentences of an analysis without the blank around them.

    A line break always ends one, and so does a closing mark before a capital, which the parser tends to miss. Words
    that go on in lower case without such a mark belong to the sentence before.
    """
    found: list[Sentence] = []
    for first, last in _ranges(analysis):
        start, end = analysis.tokens[first].start, analysis.tokens[last - 1].end
        text = analysis.text[start:end]
        if text.strip():
            start += len(text) - len(text.lstrip())
            found.append(Sentence(analysis, first, last, start, start + len(text.strip())))
    return found


def _closes(token: Token, following: Token) -> bool:
    closing = not token.text.strip(".!?…") and following.text[:1].isupper()
    return closing and following.start > token.end


def _ranges(analysis: Analysis) -> Iterable[tuple[int, int]]:
    for first, last in _joined(analysis):
        at = first
        for i in range(first, last):
            if "\n" in analysis.tokens[i].text:
                if i > at:
                    yield at, i
                at = i + 1
            elif i + 1 < last and _closes(analysis.tokens[i], analysis.tokens[i + 1]):
                yield at, i + 1
                at = i + 1
        if at < last:
            yield at, last


def _joined(analysis: Analysis) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in analysis.sentences:
        if joined and _goes_on(analysis.tokens[first - 1], analysis.tokens[first]):
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined


def _goes_on(before: Token, token: Token) -> bool:
    return token.text[:1].islower() and (before.text[-1:].isalnum() or before.text == ",") and token.start > before.end

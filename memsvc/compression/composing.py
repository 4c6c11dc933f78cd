"""The text of a memory: spans of its turns, unaltered, and what memsvc adds to them, told apart."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memsvc.compression.pieces import Piece
from memsvc.language.splitting import Range
from memsvc.language.timeline import TimeMention, bracket
from memsvc.types import Addition, AdditionKind, Span, Turn

ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Composed:
    """A text with its parts: spans and additions in the order of the text, which they cover without overlap."""

    text: str
    spans: tuple[Span, ...]
    additions: tuple[Addition, ...]


class Composer:
    """Puts a text together, part by part."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._spans: list[Span] = []
        self._additions: list[Addition] = []

    def label(self, turn: Turn) -> None:
        """Say who said what follows, on a line of its own."""
        line = "\n" if self._parts else ""
        self._add(AdditionKind.LABEL, f"{line}{turn.speaker_name}: ")

    def under(self, turn: Turn, leads: Iterable[Range], times: Sequence[TimeMention]) -> None:
        """Tell what a piece stands under, each on the line it had of its own."""
        for start, end in leads:
            self.told(turn, start, end, times)
            self._add(AdditionKind.BREAK, "\n")

    def told(self, turn: Turn, start: int, end: int, times: Sequence[TimeMention]) -> None:
        """Tell characters [start, end) of a turn, with dates in brackets behind expressions that do not say them."""
        at = start
        first, last = (bisect_left(times, offset, key=lambda mention: mention.start) for offset in (start, end))
        for mention in times[first:last]:
            if mention.relative and mention.end <= end:
                self._span(turn, at, mention.end)
                self._add(AdditionKind.DATE, f" [{bracket(mention)}]")
                at = mention.end
        self._span(turn, at, end)

    def left_out(self) -> None:
        """Say that something between was left out."""
        self._add(AdditionKind.ELLIPSIS, f" {ELLIPSIS} ")

    def composed(self) -> Composed:
        """The text as it is so far."""
        return Composed("".join(self._parts), tuple(self._spans), tuple(self._additions))

    def _span(self, turn: Turn, start: int, end: int) -> None:
        if start < end:
            self._spans.append(Span(turn.ref, start, end, self._length))
            self._put(turn.content[start:end])

    def _add(self, kind: AdditionKind, text: str) -> None:
        self._additions.append(Addition(kind, self._length, self._length + len(text)))
        self._put(text)

    def _put(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


def compose(
    turn: Turn,
    told: Sequence[Piece],
    times: Sequence[TimeMention],
    *,
    question: tuple[Turn, Sequence[Piece], Sequence[TimeMention]] | None = None,
) -> Composed:
    """The text of a memory that tells these pieces of a turn, after the question that they answer.

    Pieces with nothing but blank between them are one span, which holds that blank.
    """
    composer = Composer()
    if question is not None:
        asker, asked, its_times = question
        composer.label(asker)
        composer.under(asker, (lead for lead in asked[0].leads if lead[1] <= asked[0].start), its_times)
        _tell(composer, asker, asked, its_times)
    composer.label(turn)
    first = told[0].start
    composer.under(turn, (lead for lead in told[0].leads if lead[1] <= first), times)
    _tell(composer, turn, told, times)
    return composer.composed()


def _tell(composer: Composer, turn: Turn, told: Sequence[Piece], times: Sequence[TimeMention]) -> None:
    for number, (start, end) in enumerate(_runs(turn.content, told)):
        if number:
            composer.left_out()
        composer.told(turn, start, end, times)


def _runs(content: str, told: Sequence[Piece]) -> list[Range]:
    """Ranges of the pieces that follow one another with nothing but blank between."""
    runs: list[Range] = []
    for piece in told:
        if runs and not content[runs[-1][1] : piece.start].strip():
            runs[-1] = (runs[-1][0], piece.end)
        else:
            runs.append((piece.start, piece.end))
    return runs

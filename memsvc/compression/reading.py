"""A turn, read: its language, its pieces, the dates and the names in it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from memsvc.compression.blocks import BlockKind
from memsvc.compression.pieces import Piece, pieces, quotes, within
from memsvc.language.detection import detect
from memsvc.language.names import find_names
from memsvc.language.splitting import Range
from memsvc.language.timeline import TimeMention, find_times, under_discussion
from memsvc.ports import TokenCounter
from memsvc.types import Interval, Name, Role, Turn

_ENGLISH = "en"
OPEN_PIECES = 6
"""Pieces at the end of a turn within which a question is still open; a judgement."""
# A colon behind a word of telling, in the commonest languages, or a field that mails have; not behind one's own words.
_PASSED_ON = re.compile(
    r"(?<!\bI )\b(?:wrote|writes|said|says|told|texted|emailed|e-mailed|messaged|sent (?:me|us|this)|got this|"
    r"forwarded|e?-?mail|message|letter|newsletter|notice|schrieb|schreibt|sagte?|escribió|escribe|dijo|dice|écrit|dit|scritto|"
    r"scrive|escreveu|disse|написала?|пишет|сказала?|говорит)\b[^.!?:：\n]{0,40}[:：](?!\S)|"
    r"^[ \t]*(?:fwd?|from|von|de|da|от)[:：] ",
    re.IGNORECASE | re.MULTILINE,
)
DISCUSSED_TURNS = 6
"""Turns before one whose dates are what a weekday in it may be about; a judgement."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one turn holds. Offsets are into its content."""

    turn: Turn
    language: str
    pieces: tuple[Piece, ...]
    times: tuple[TimeMention, ...]
    names: tuple[Name, ...]
    called: frozenset[str] = field(default=frozenset())
    """Case-folded words of the names of those present."""

    def text(self, piece: Piece) -> str:
        """A piece as it was said."""
        return piece.text(self.turn.content)

    @property
    def questions(self) -> tuple[Piece, ...]:
        """The questions that are open at its end: those of its last pieces that ask, and all right before these."""
        content, before = self.turn.content, self.pieces[:-OPEN_PIECES]
        last = [piece for piece in self.pieces[-OPEN_PIECES:] if piece.is_question(content)]
        runs_on = bool(last) and last[0] == self.pieces[-OPEN_PIECES:][0]
        run = list(takewhile(lambda piece: piece.is_question(content), reversed(before))) if runs_on else []
        return (*reversed(run), *last)

    @property
    def is_talk(self) -> bool:
        """Whether somebody says it to somebody: neither instructions of an application nor output of a tool."""
        return self.turn.role in (Role.USER, Role.ASSISTANT)

    @property
    def prose(self) -> tuple[Piece, ...]:
        """Its sentences."""
        return tuple(piece for piece in self.pieces if piece.kind is BlockKind.PROSE)


def read(turns: Sequence[Turn], *, known: Collection[str], tokens: TokenCounter) -> list[Reading]:
    """Read the turns of one session, in order; `known` are case-folded names that its user's memories hold."""
    speakers = tuple(dict.fromkeys(turn.speaker for turn in turns if turn.speaker))
    called = frozenset(word for name in speakers for word in name.casefold().split())
    every = frozenset(known) | {name.casefold() for name in speakers}
    language = _ENGLISH
    recent: deque[tuple[TimeMention, ...]] = deque(maxlen=DISCUSSED_TURNS)
    readings: list[Reading] = []
    for turn in turns:
        language = detect(turn.content, default=language)
        about = under_discussion(recent)
        parts = tuple(pieces(turn.content, tokens))
        times = _times(turn, language, about, parts)
        recent.append(times)
        names = tuple(find_names(turn.content, language, every))
        readings.append(Reading(turn, language, parts, times, names, called))
    return readings


def _times(turn: Turn, language: str, about: Sequence[Interval], parts: Sequence[Piece]) -> tuple[TimeMention, ...]:
    """The dates in a turn. What tools give back and code say nothing of the speaker's days.

    Nor does what somebody wrote before: its "tomorrow" is counted from a day that is not known.
    """
    if turn.role is Role.TOOL:
        return ()
    code = [(piece.start, piece.end) for piece in parts if piece.kind is BlockKind.CODE]
    passed_on = list(_passed_on(turn.content, parts))
    found = find_times(turn.content, turn.local_time, language=language, about=about)
    return tuple(
        mention
        for mention in found
        if not within(mention.start, code) and not (mention.relative and within(mention.start, passed_on))
    )


def _passed_on(content: str, parts: Sequence[Piece]) -> Iterator[Range]:
    """Stretches under a lead-in that says that somebody wrote or said them, or under the head of a mail."""
    for piece in parts:
        if any(_PASSED_ON.search(content, start, end) or quotes(content, (start, end)) for start, end in piece.leads):
            yield piece.start, piece.end
        elif piece.kind is not BlockKind.CODE and (lead := _PASSED_ON.search(content, piece.start, piece.end)):
            yield lead.end(), piece.end

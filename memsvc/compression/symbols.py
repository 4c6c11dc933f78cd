"""The symbolic view of a memory: people, entities, place, topic, validity and salience."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import TypeVar

from memsvc.compression.pieces import within
from memsvc.compression.reading import Reading
from memsvc.language.splitting import Range
from memsvc.language.timeline import TimeMention
from memsvc.language.words import STOP_WORDS, tokenize
from memsvc.ports import Surprisal
from memsvc.types import Interval, Name, NameKind, Symbolic

_Mention = TypeVar("_Mention", Name, TimeMention)
_ORDINARY_BITS, _RARE_BITS = 8.0, 20.0
"""Mean bits per content word of small talk and of a dense statement: salience is scaled between them."""


def named(reading: Reading) -> frozenset[str]:
    """Case-folded names in a turn, its speaker left out."""
    return frozenset({name.text.casefold() for name in reading.names} - {reading.turn.speaker.casefold()})


def symbols(parts: Sequence[tuple[Reading, Sequence[Range]]], surprisal: Surprisal) -> Symbolic:
    """Attributes of a memory that tells ranges of turns; the last turn is the one that it is of."""
    reading, ranges = parts[-1]
    names = [name for each, told in parts for name in among(each.names, told)]
    people = [name.text for name in names if name.kind is NameKind.PERSON]
    people += [each.turn.speaker for each, _ in parts if each.turn.speaker]
    return Symbolic(
        people=_unique(people),
        entities=_unique(name.text for name in names if name.kind is not NameKind.PERSON),
        place=next((name.text for name in names if name.kind is NameKind.PLACE), ""),
        topic=_topic(reading, ranges, names, surprisal),
        speaker=reading.turn.speaker,
    )


def validity(times: Iterable[TimeMention]) -> Interval | None:
    """When a memory holds: the one interval that it states, None when it states none or several."""
    intervals = {mention.interval for mention in times}
    return intervals.pop() if len(intervals) == 1 else None


def mean_bits(text: str, language: str, surprisal: Surprisal) -> float:
    """Mean self-information of a text's words in bits; 0 without words."""
    words = tokenize(text)
    return sum(surprisal.bits(word, language) for word in words) / len(words) if words else 0.0


def salience(text: str, language: str, symbolic: Symbolic, *, dated: bool, surprisal: Surprisal) -> float:
    """Prior importance in [0, 1]: 0.4 information + 0.3 entities (full at three) + 0.15 number + 0.15 date."""
    content = [word for word in tokenize(text) if word not in STOP_WORDS]
    bits = sum(surprisal.bits(word, language) for word in content) / len(content) if content else 0.0
    information = min(1.0, max(0.0, (bits - _ORDINARY_BITS) / (_RARE_BITS - _ORDINARY_BITS)))
    entities = min(1.0, len(symbolic.entities) / 3)
    number = any(character.isdigit() for character in text)
    return round(0.4 * information + 0.3 * entities + 0.15 * number + 0.15 * dated, 4)


def among(mentions: Sequence[_Mention], ranges: Sequence[Range]) -> list[_Mention]:
    """The mentions that begin in one of the ranges, of which there is one at least; all are in order of the text."""
    start = attrgetter("start")
    first, last = (bisect_left(mentions, offset, key=start) for offset in (ranges[0][0], ranges[-1][1]))
    return [mention for mention in mentions[first:last] if within(mention.start, ranges)]


def _topic(reading: Reading, ranges: Sequence[Range], names: Sequence[Name], surprisal: Surprisal) -> str:
    """The rarest word of what is told, names of people left out."""
    people = {word for name in names if name.kind is NameKind.PERSON for word in tokenize(name.text)}
    text = " ".join(reading.turn.content[start:end] for start, end in ranges)
    words = [word for word in tokenize(text) if word not in STOP_WORDS and word not in people and not word.isdigit()]
    return max(words, key=lambda word: surprisal.bits(word, reading.language), default="")


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.casefold(), name)
    return tuple(found.values())

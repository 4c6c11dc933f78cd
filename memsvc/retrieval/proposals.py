"""Whether what a language model proposes for a search is borne out by the question. The model is not trusted.

Sub-queries, names and times may say what the question says in other words, and nothing more: a name, a number or a
date that the question lacks would fetch memories that nobody asked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from memsvc.language import spans
from memsvc.language.cased_words import cased_words
from memsvc.language.names import find_names
from memsvc.language.timeline import TimeMention, find_times
from memsvc.language.words import STOP_WORDS, stems, tokenize
from memsvc.retrieval.question import Question
from memsvc.types import DroppedProposal, Interval, QuerySpec

MAX_SUB_QUERIES = 4
MAX_CHARACTERS = 300
"""Of a sub-query, and of what a report shows of a dropped proposal."""
MAX_NAMES = 16
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 12, 31)
"""Of a time."""

_NUMBER = re.compile(r"\d+")
_BARE = re.compile(rf"\b(?:(?:19|20)\d\d|{'|'.join(spans.MONTHS)})\b")
_PRONOUNS = frozenset({"he", "him", "his", "she", "her", "hers", "they", "them", "their", "theirs"})
_UNPRINTABLE = ("Cc", "Cs")


class Rejection(StrEnum):
    """Why a proposal was dropped; the text that readers of a planning report see."""

    EMPTY = "EMPTY"
    UNPRINTABLE = "UNPRINTABLE"
    TOO_LONG = "TOO_LONG"
    TOO_MANY = "TOO_MANY"
    DUPLICATE = "DUPLICATE"
    UNRELATED = "UNRELATED"
    NOT_SELF_CONTAINED = "NOT_SELF_CONTAINED"
    UNSUPPORTED_NAME = "UNSUPPORTED_NAME"
    UNSUPPORTED_NUMBER = "UNSUPPORTED_NUMBER"
    UNSUPPORTED_DATE = "UNSUPPORTED_DATE"
    NO_DATE = "NO_DATE"


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a question bears out."""

    question: Question
    ask_time: datetime
    words: frozenset[str]
    stems: frozenset[str]
    numbers: frozenset[str]
    intervals: tuple[Interval, ...]
    """Times that the question names, months and years that stand without "in" among them ("since May")."""
    read: Interval | None
    """The time that the rules read from it, as in `plan.py`."""

    @property
    def today(self) -> Interval:
        """The day it is asked on, by the clock of `ask_time`."""
        midnight = self.ask_time.replace(hour=0, minute=0, second=0, microsecond=0)
        return Interval(midnight, midnight + timedelta(days=1))


def grounds(spec: QuerySpec, question: Question) -> Grounds:
    """Read the text of a query, which is that of the question."""
    times = _times(spec.text, spec.local_time)
    intervals = [mention.interval for mention in times]
    bare = [f"in {match.group()}" for match in _BARE.finditer(_blanked(spec.text, times))]
    return Grounds(
        question=question,
        ask_time=spec.local_time,
        words=frozenset(tokenize(spec.text)),
        stems=frozenset(stems(spec.text)),
        numbers=frozenset(_NUMBER.findall(spec.text)),
        intervals=(*intervals, *(mention.interval for text in bare for mention in _times(text, spec.local_time))),
        read=Interval(min(i.start for i in intervals), max(i.end for i in intervals)) if intervals else None,
    )


def shown(text: str) -> str:
    """A proposal as a report shows it: without what no text field takes, and not for ever."""
    return "".join(" " if _is_unprintable(character) else character for character in text[:MAX_CHARACTERS])


def judge_sub_query(text: str, known: Grounds, kept: Sequence[str]) -> Rejection | None:
    """Return why a sub-query is not to be searched for; None when it is.

    Args:
        text: the sub-query, with single spaces.
        known: what the question bears out.
        kept: the sub-queries before it.
    """
    if not tokenize(text):
        return Rejection.EMPTY
    if any(map(_is_unprintable, text)):
        return Rejection.UNPRINTABLE
    if len(text) > MAX_CHARACTERS:
        return Rejection.TOO_LONG
    if any(tokenize(text) == tokenize(other) for other in (known.question.text, *kept)):
        return Rejection.DUPLICATE
    return _unsupported(text, known) or (Rejection.TOO_MANY if len(kept) >= MAX_SUB_QUERIES else None)


def judge_names(proposed: Sequence[str], known: Grounds) -> tuple[tuple[str, ...], list[DroppedProposal]]:
    """The names of the question that the rules had not found, and those that it does not say."""
    found = {word for name in known.question.names.all for word in tokenize(name)}
    names: dict[str, str] = {}
    dropped = []
    for name in (" ".join(name.split()) for name in proposed):
        words = tokenize(name)
        if not is_said(name, known.question.text):
            dropped.append(DroppedProposal(shown(name), Rejection.UNSUPPORTED_NAME))
        elif len(names) >= MAX_NAMES:
            dropped.append(DroppedProposal(shown(name), Rejection.TOO_MANY))
        elif not found.issuperset(words) and not STOP_WORDS.issuperset(words):
            names.setdefault(name.casefold(), name)
    return tuple(names.values()), dropped


def judge_time(proposed: Mapping[str, str], known: Grounds) -> tuple[Interval | None, list[DroppedProposal]]:
    """The time that the question names, where the rules did not read it so; or why it is not to be used.

    The question must have the words that the model takes for a time. Both ends must be ends of times that it names, or
    the day it is asked on: "since May" ends on that day. In other languages than English no more is found of its times
    than years, in which it must then lie.
    """
    words, start, end = (proposed[name].strip() for name in ("words", "start", "end"))
    if not (words or start or end):
        return None, []
    label = shown(f"{words}: {start} to {end}")
    try:
        first, last = date.fromisoformat(start), date.fromisoformat(end)
    except ValueError:
        return None, [DroppedProposal(label, Rejection.NO_DATE)]
    if not EARLIEST <= first <= last <= LATEST:
        return None, [DroppedProposal(label, Rejection.NO_DATE)]
    interval = Interval(spans.day(first).start, spans.day(last).end)
    if not is_said(words, known.question.text) or not _is_told(interval, known):
        return None, [DroppedProposal(label, Rejection.UNSUPPORTED_DATE)]
    return (None if interval == known.read else interval), []


def _is_told(interval: Interval, known: Grounds) -> bool:
    if known.question.language != "en":
        return not known.intervals or any(_is_within(interval, told) for told in known.intervals)
    ends = {moment for told in (*known.intervals, known.today) for moment in (told.start, told.end)}
    return bool(known.intervals) and {interval.start, interval.end} <= ends


def _is_within(inner: Interval, outer: Interval) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _unsupported(text: str, known: Grounds) -> Rejection | None:
    times = _times(text, known.ask_time)
    if not all(_is_dated(mention, known) for mention in times):
        return Rejection.UNSUPPORTED_DATE
    undated = _blanked(text, times)
    names = list(_names(undated, known.question.language))
    if not set(_NUMBER.findall(undated)) <= known.numbers:
        return Rejection.UNSUPPORTED_NUMBER
    if not all(_has_words(name, known) for name in names):
        return Rejection.UNSUPPORTED_NAME
    if known.question.names.all and not names and not _PRONOUNS.isdisjoint(tokenize(text)):
        return Rejection.NOT_SELF_CONTAINED
    return Rejection.UNRELATED if known.stems.isdisjoint(stems(undated)) else None


def _is_dated(mention: TimeMention, known: Grounds) -> bool:
    """Whether a time is one that the question names or is asked on, or a longer one around it."""
    return any(_is_within(told, mention.interval) for told in (*known.intervals, known.today))


def _names(undated: str, language: str) -> Iterator[str]:
    """Names as they are found in questions, and words with a capital within a sentence."""
    yield from (name.text for name in find_names(undated, language))
    yield from (word.text for word in cased_words(undated) if word.capital and not word.opens)


def _has_words(name: str, known: Grounds) -> bool:
    """Whether each word of a name is one of the question's, up to its ending."""
    return all(word in known.words or not known.stems.isdisjoint(stems(word)) for word in tokenize(name))


def is_said(words: str, text: str) -> bool:
    """Whether a text has these words, one after the other."""
    wanted, said = tokenize(words), tokenize(text)
    return bool(wanted) and any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))


def _times(text: str, asked: datetime) -> list[TimeMention]:
    # Without the question mark, as in `plan.py`.
    return find_times(text.replace("?", " "), asked)


def _blanked(text: str, times: Sequence[TimeMention]) -> str:
    for mention in times:
        text = f"{text[: mention.start]}{' ' * (mention.end - mention.start)}{text[mention.end :]}"
    return text


def _is_unprintable(character: str) -> bool:
    return unicodedata.category(character) in _UNPRINTABLE

"""A time expression where it stands, and what it was found to mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo

from memsvc.language import spans
from memsvc.language.dates.mentions import Granularity
from memsvc.language.dates.tense import Tenses
from memsvc.language.dates.verbs import Tense
from memsvc.language.dates.words import Words
from memsvc.types import Interval


@dataclass(frozen=True, slots=True)
class Found:
    """What an expression means.

    `bare` tells that it names neither its week nor its year ("on Monday", "12 June"), so that other dates of the
    conversation may put it in doubt; `tense` is the one it was read by.
    """

    interval: Interval
    granularity: Granularity
    relative: bool = True
    bare: bool = False
    tense: Tense = Tense.UNKNOWN


@dataclass(frozen=True, slots=True)
class Candidate:
    """An expression at characters [start, end), tokens [first, last); `weekday`: a weekday by itself."""

    start: int
    end: int
    first: int
    last: int
    found: Found
    weekday: bool

    @property
    def day(self) -> date:
        """The first day it means."""
        return self.found.interval.start.date()

    def shifted(self, days: int) -> Candidate:
        """The same so many days later."""
        interval, step = self.found.interval, timedelta(days=days)
        moved = Interval(interval.start + step, interval.end + step)
        return replace(self, found=replace(self.found, interval=moved))


class Site:
    """An expression in its text, on the tokens [first, last), and the moment it was said."""

    __slots__ = ("base", "first", "last", "match", "tenses", "today", "words", "zone")

    def __init__(
        self, words: Words, tenses: Tenses, base: datetime, match: re.Match[str], first: int, last: int
    ) -> None:
        self.words, self.tenses, self.base, self.match = words, tenses, base, match
        self.first, self.last = first, last
        self.today = base.date()
        self.zone: tzinfo = base.tzinfo or UTC

    def group(self, name: str) -> str:
        """A named group of the match, lower case, with straight apostrophes; empty where it has none."""
        found = self.match[name] if name in self.match.re.groupindex else None
        return found.lower().replace("’", "'") if found else ""

    def before(self, count: int = 1) -> str:
        """The word `count` before the expression, lower case, within its sentence."""
        index = self.first - count
        same = index >= 0 and self.words.sentences[index] == self.words.sentences[self.first]
        return self.words.lower[index] if same else ""

    def after(self, count: int = 0) -> str:
        """The word `count` after the one behind the expression, lower case, within its sentence."""
        index = self.last + count
        same = index < len(self.words.lower) and self.words.sentences[index] == self.words.sentences[self.first]
        return self.words.lower[index] if same else ""

    @property
    def tense(self) -> Tense:
        """Of the clause around the expression; what "since" governs is past."""
        if self.before() == "since" and self.tenses.signal(self.last) is not None:  # "since Monday is a holiday"
            return self.tenses.of(self.first, self.last)
        if self.before() == "since" or (self.before() == "the" and self.before(2) == "since"):
            return Tense.PAST
        return self.tenses.of(self.first, self.last)

    def on(
        self, d: date, part: str = "", *, relative: bool = True, bare: bool = False, tense: Tense = Tense.UNKNOWN
    ) -> Found:
        """The day `d`, or a part of it."""
        if part:
            return Found(spans.part(d, part, self.zone), Granularity.PART_OF_DAY, relative, bare, tense)
        return Found(spans.day(d, self.zone), Granularity.DAY, relative, bare, tense)

    def within(self, d: date, unit: str, *, relative: bool = True) -> Found:
        """The day, week, weekend, month or year that holds the day `d`."""
        granularity = Granularity(unit)
        if granularity is Granularity.YEAR:
            return Found(spans.year(d.year, self.zone), granularity, relative)
        holding = {"day": spans.day, "week": spans.week, "weekend": spans.weekend, "month": spans.month}
        return Found(holding[unit](d, self.zone), granularity, relative)


def ahead(today: date, weekday: int) -> date:
    """The first day after `today` on that weekday."""
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def back(today: date, weekday: int) -> date:
    """The last day before `today` on that weekday."""
    return today - timedelta(days=(today.weekday() - weekday - 1) % 7 + 1)

"""What other dates of a text, and of the conversation, say of dates that name neither week nor year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from memsvc.language.dates.mentions import Granularity
from memsvc.language.dates.site import Found
from memsvc.language.dates.tense import Tense, Tenses
from memsvc.language.dates.words import Words, word_set
from memsvc.types import Interval

_WEEK = timedelta(weeks=1)
_LONG = frozenset({Granularity.MONTH, Granularity.SEASON, Granularity.YEAR})
_STORY = (
    "when i was", "as a kid", "as a child", "back then", "in those days", "that week", "that year", "that summer",
    "one day", "once upon", "that time", "at the time", "the week before", "the week after", "the following",
    "the next day", "the day after", "the day before", "the previous", "back when",
)  # fmt: skip
"""Phrases of a story told of another time: its weekdays are not this week's."""


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


def settle(
    candidates: Sequence[Candidate], words: Words, tenses: Tenses, today: date, about: Sequence[Interval]
) -> list[Candidate]:
    """Drop or move the dates that others put in doubt; the order is kept."""
    moved = _in_their_week(candidates, words)
    moved = _in_order(moved, words, tenses)
    kept: list[Candidate] = []
    far = [interval for interval in about if _is_far(interval, today)]
    for candidate in moved:
        if not candidate.found.bare or _is_certain(candidate, kept, far, words, today):
            kept.append(candidate)
        if (
            candidate.found.granularity not in _LONG
            and not candidate.weekday
            and _is_far(candidate.found.interval, today)
        ):
            far.append(candidate.found.interval)
    return kept


def _is_far(interval: Interval, today: date) -> bool:
    return interval.start.date() - today >= _WEEK or today - interval.end.date() >= _WEEK


def _is_certain(
    candidate: Candidate, before: Sequence[Candidate], far: Sequence[Interval], words: Words, today: date
) -> bool:
    """Whether neither a span under discussion nor a story of another time claims the date."""
    past = candidate.found.tense is Tense.PAST
    if past and _tells_story(candidate, words):
        return False
    spans_told = [interval for interval in far if (interval.start.date() < today) == past] if candidate.weekday else []
    spans_told += [
        other.found.interval
        for other in before[-_REACH:]
        if other.found.granularity in _LONG and _limits(other, candidate, words, past, today)
    ]
    return not spans_told or any(_holds(interval, candidate.day) for interval in spans_told)


_REACH = 12
"""Dates before one that are looked at: bounds the time."""


def _limits(other: Candidate, candidate: Candidate, words: Words, past: bool, today: date) -> bool:
    """Whether a month, season or year is the one that a later date without it belongs to."""
    interval = other.found.interval
    current = interval.start.date() <= today < interval.end.date()
    same_way = (interval.start.date() <= today) == past
    near = words.sentences[candidate.first] - words.sentences[other.first] <= 2
    return near and same_way and not (current and other.found.granularity is Granularity.YEAR)


def _holds(interval: Interval, day: date) -> bool:
    return interval.start.date() <= day < interval.end.date()


def _tells_story(candidate: Candidate, words: Words) -> bool:
    begin = words.starts[max(0, candidate.first - 30)]
    near = words.text[begin : candidate.start].lower()
    return any(phrase in near for phrase in _STORY)


def _in_their_week(candidates: Sequence[Candidate], words: Words) -> list[Candidate]:
    """A weekday in a sentence that names its week before is in that week: "Next week I'm off on Friday"."""
    moved: list[Candidate] = []
    week: Candidate | None = None
    for candidate in candidates:
        if candidate.found.granularity is Granularity.WEEK:
            week = candidate
        if candidate.weekday and week is not None and words.sentences[week.first] == words.sentences[candidate.first]:
            candidate = _within_week(candidate, week)
        moved.append(candidate)
    return moved


def _within_week(candidate: Candidate, week: Candidate) -> Candidate:
    monday = week.day
    past = candidate.found.tense is Tense.PAST
    if (monday > candidate.day - timedelta(days=13)) and (monday >= candidate.day - timedelta(days=6)) != past:
        return _shifted(candidate, (monday + timedelta(days=candidate.day.weekday()) - candidate.day).days)
    return candidate


def _shifted(candidate: Candidate, days: int) -> Candidate:
    interval = candidate.found.interval
    step = timedelta(days=days)
    return replace(
        candidate, found=replace(candidate.found, interval=Interval(interval.start + step, interval.end + step))
    )


def _in_order(candidates: Sequence[Candidate], words: Words, tenses: Tenses) -> list[Candidate]:
    """Weekdays of one sentence go forward: "arrive on Wednesday and leave on Sunday".

    Where the second would lie before the first, it is moved by a week when both belong to one subject, else the order
    tells nothing and the later one, in the past both, are dropped.
    """
    settled: list[Candidate | None] = list(candidates)
    previous = -1
    for index, candidate in enumerate(candidates):
        if not candidate.weekday:
            continue
        first = settled[previous] if previous >= 0 else None
        if first is not None and words.sentences[first.first] == words.sentences[candidate.first]:
            if first.found.tense is Tense.PAST and candidate.found.tense is Tense.PAST:
                settled[previous], settled[index] = _past_pair(first, candidate, words, tenses)
            elif candidate.found.tense is not Tense.PAST and first.found.tense is not Tense.PAST:
                settled[index] = _next_of_pair(first, candidate, words, tenses)
        previous = index
    return [candidate for candidate in settled if candidate is not None]


def _past_pair(
    first: Candidate, second: Candidate, words: Words, tenses: Tenses
) -> tuple[Candidate | None, Candidate | None]:
    if first.found.interval.start <= second.found.interval.start:
        return first, second
    return (_shifted(first, -7), second) if _is_one_course(first, second, words, tenses) else (None, None)


def _next_of_pair(first: Candidate, second: Candidate, words: Words, tenses: Tenses) -> Candidate | None:
    if first.found.interval.start <= second.found.interval.start:
        return second
    return _shifted(second, 7) if _is_one_course(first, second, words, tenses) else None


def _is_one_course(first: Candidate, second: Candidate, words: Words, tenses: Tenses) -> bool:
    """Whether the second date follows the first by grammar: a range, or a second verb of the same subject."""
    between = range(first.last, second.first)
    if len(between) > _FARTHEST_TOKENS:
        return False
    lower = [words.lower[index] for index in between]
    if {"to", "until", "till", "through", "–", "-"} >= set(lower[:1]) and len(lower) == 1:
        return True
    for index in between:
        if words.lower[index] in {"and", "then"} and any(
            tenses.signal(index + step) is not None
            and not _NEW_SUBJECT.intersection(words.lower[index + 1 : index + step])
            for step in (1, 2)
        ):
            return True
    return False


_FARTHEST_TOKENS = 24
_NEW_SUBJECT = word_set("i you he she it we they the a an my our your his her their")

"""Finds the time expressions of a text and reads them on the clock of who said it.

A wrong date cannot be repaired by who reads it, so whatever leaves two ways to read it is no mention: a weekday in a
clause whose tense cannot be told, "next Friday" early in a week, days that recur, words that may be names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from memsvc.language.dates import composed, foreign
from memsvc.language.dates.doubt import settle
from memsvc.language.dates.english import RULES, Resolve, Rule
from memsvc.language.dates.english_dates import calendar_day
from memsvc.language.dates.english_weekdays import weekday
from memsvc.language.dates.mentions import Granularity, TimeMention, bracket, render, render_bare
from memsvc.language.dates.protected import Protected
from memsvc.language.dates.site import Candidate, Site
from memsvc.language.dates.tense import Tenses
from memsvc.language.dates.words import Words, split_words, word_set
from memsvc.types import Interval

__all__ = ["Granularity", "TimeMention", "bracket", "find_times", "render", "render_bare", "under_discussion"]

_OWN_PREPOSITIONS = frozenset({"on", "in", "at", "over", "during"})
_DAYS = frozenset({Granularity.DAY, Granularity.WEEKEND, Granularity.WEEK, Granularity.PART_OF_DAY})


def find_times(text: str, base: datetime, *, language: str = "en", about: Sequence[Interval] = ()) -> list[TimeMention]:
    """Return the time expressions of `text` whose date is certain, in order and without overlap.

    Args:
        text: what was said.
        base: when it was said, aware, in the speaker's own time zone: its calendar day is "today".
        language: ISO 639-1 code; texts in a language without rules have no mentions.
        about: spans of days under discussion before, see `under_discussion`. A bare weekday that would lie outside
            all those ahead (in the past tense: behind) is left out.
    """
    if language != "en":
        return foreign.find_times(text, base, language)
    words = split_words(text)
    matches = list(_matches(words, Protected(text)))
    if not matches:
        return []
    tenses = Tenses(words)
    read = [(match, _read(match, words, tenses, base)) for match in matches]
    untold = {words.sentences[match[2]] for match, found in read if found is None and _means_a_day(match, words)}
    candidates = [
        candidate
        for _, candidate in read
        if candidate is not None and not (candidate.weekday and words.sentences[candidate.first] in untold)
    ]
    return [_mention(candidate, words) for candidate in settle(candidates, words, tenses, base.date(), about)]


def under_discussion(preceding: Iterable[Sequence[TimeMention]]) -> tuple[Interval, ...]:
    """The spans of days that the mentions of preceding texts name, for `about` of the next text."""
    return tuple(mention.interval for mentions in preceding for mention in mentions if mention.granularity in _DAYS)


_Match = tuple[re.Match[str], Resolve, int, int]


def _matches(words: Words, protected: Protected) -> Iterator[_Match]:
    """The longest match at each place with its tokens [first, last), from left to right, without overlap."""
    text, index, count = words.text, 0, len(words.lower)
    while index < count:
        word = words.lower[index]
        rules = RULES.get("#" if word[0].isdigit() else word.partition("'")[0])
        match = _longest(rules, text, words.starts[index]) if rules else None
        if match is None or protected.holds(*match[0].span()):
            index += 1
            continue
        first = index
        while index < count and words.starts[index] < match[0].end():
            index += 1
        yield *match, first, index


def _longest(rules: Sequence[Rule], text: str, start: int) -> tuple[re.Match[str], Resolve] | None:
    if start and (text[start - 1].isalnum() or text[start - 1] in "-_"):
        return None
    best: tuple[re.Match[str], Resolve] | None = None
    for pattern, resolve in rules:
        match = pattern.match(text, start)
        if match is not None and (best is None or match.end() > best[0].end()):
            best = match, resolve
    return best


def _read(match: _Match, words: Words, tenses: Tenses, base: datetime) -> Candidate | None:
    written, resolve, first, last = match
    if _is_title(words.tokens[first + 1 : last]) or composed.is_part(words, first, last):
        return None
    try:
        found = resolve(Site(words, tenses, base, written, first, last))
    except (ValueError, OverflowError):  # 31 February, or a time outside the calendar
        return None
    if found is None or (found.relative and composed.is_imagined(words, first)):
        return None
    return Candidate(written.start(), written.end(), first, last, found, resolve is weekday and found.bare)


def _means_a_day(match: _Match, words: Words) -> bool:
    """Whether a day of the calendar is written there, though its year may not be told, and no name with one in it.

    "It has to be 9 to 13 May now, Friday to Tuesday": the weekdays beside it are not this week's.
    """
    _, resolve, _, last = match
    return resolve is calendar_day and not (last < len(words.tokens) and words.tokens[last][0].isupper())


def _is_title(tokens: Sequence[str]) -> bool:
    """Whether words behind the first have capitals that they do not need: "The Day After Tomorrow"."""
    return any(token[0].isupper() and token[1:].islower() and token.lower() in _PLAIN for token in tokens)


_PLAIN = word_set(
    """
    after before tomorrow yesterday week weekend month year morning afternoon evening night
    """
)


def _mention(candidate: Candidate, words: Words) -> TimeMention:
    """The mention, its preposition included."""
    start, found = candidate.start, candidate.found
    before = candidate.first - 1
    if before >= 0 and words.lower[before] in _OWN_PREPOSITIONS and words.ends[before] == start - 1:
        start = words.starts[before]
    text = words.text[start : candidate.end]
    return TimeMention(text, start, candidate.end, found.interval, found.granularity, found.relative)

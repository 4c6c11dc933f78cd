"""What other dates of a text, and of the conversation, say of dates that name neither week nor year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from memsvc.language.dates import verbs
from memsvc.language.dates.mentions import Granularity
from memsvc.language.dates.order import in_order
from memsvc.language.dates.site import Candidate, ahead
from memsvc.language.dates.tense import Tenses
from memsvc.language.dates.verbs import Tense
from memsvc.language.dates.words import Words, word_set
from memsvc.types import Interval

_WEEK = timedelta(weeks=1)
_LONG = frozenset({Granularity.MONTH, Granularity.SEASON, Granularity.YEAR})
_LENGTHS = {Granularity.MONTH: 1, Granularity.SEASON: 2, Granularity.YEAR: 3}
_STORY = (
    "when i was", "as a kid", "as a child", "back then", "in those days", "that week", "that year", "that summer",
    "one day", "once upon", "that time", "at the time", "the week before", "the week after", "the following",
    "the next day", "the day after", "the day before", "the previous", "back when",
)  # fmt: skip
"""Phrases of a story told of another time: its weekdays are not this week's."""
_FICTION = (
    "in the film",
    "in the movie",
    "in the novel",
    "in the story",
    "in the book",
    "in the episode",
    "in chapter",
)
_JOINING = frozenset({",", ";", "and", "but", "so", "or", "-", "–", "—", "(", ")", ":"})
"""Between two times, they join what is told of one to what is told of the other."""
_TELLING = verbs.REPORTING | word_set(
    "says say saying writes promises agreed planned swore predicted announces promise expected"
)
"""Behind them stands what was said, which is counted from when it was."""
_SOMETIME = word_set(
    """
    ago once then when while before always often usually never whenever every keeps keep kept used for years
    january february april june july august september october november december
    """
)
"""Before a word of telling, they say that it was said at some other time, or again and again."""
_REACH = 12
"""Dates before one that are looked at: bounds the time."""
_TOLD = 60
"""Words before a date in which a word of telling is looked for: bounds the time."""
_ENTRY = 3
"""Sentences behind a date at the beginning of a line that are part of its entry."""
_BEHIND = 7
"""Words behind a date in which another one can say its week or year: "Friday or Saturday next week"."""


def settle(
    candidates: Sequence[Candidate], words: Words, tenses: Tenses, today: date, about: Sequence[Interval]
) -> list[Candidate]:
    """Drop or move the dates that others put in doubt; the order is kept."""
    judged = _without_those_named_behind(candidates, words, tenses)
    judged = in_order(_in_their_week(judged, words), words, tenses)
    kept: list[Candidate] = []
    far = [interval for interval in about if _is_far(interval, today)]
    entry: Candidate | None = None
    headed = False
    for candidate in judged:
        if _is_entry(candidate, words, today):
            entry = candidate
        elif entry is not None and candidate.found.relative and _is_near(entry, candidate, words, _ENTRY):
            continue
        if _heads(candidate, words, today):
            headed = True
        elif candidate.found.relative and (headed or _is_told_on(candidate, kept, words, today)):
            continue
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


def _is_near(other: Candidate, candidate: Candidate, words: Words, sentences: int) -> bool:
    return words.sentences[candidate.first] - words.sentences[other.first] <= sentences


def _is_entry(candidate: Candidate, words: Words, today: date) -> bool:
    """Whether a full date begins a line, as that of a diary's entry: "today" behind it is not the reader's."""
    begins = candidate.first == 0 or words.lower[candidate.first - 1] in {"\n", "[", "("}
    return begins and not candidate.found.relative and abs((candidate.day - today).days) > 1


def _heads(candidate: Candidate, words: Words, today: date) -> bool:
    """Whether a full date of another day ends a line or stands before a colon: the head of a forwarded text."""
    following = words.lower[candidate.last] if candidate.last < len(words.lower) else ""
    return following in {"\n", ":"} and _is_full(candidate) and abs((candidate.day - today).days) > 1


def _is_full(candidate: Candidate) -> bool:
    return not candidate.found.relative and not candidate.found.bare


def _is_told_on(candidate: Candidate, before: Sequence[Candidate], words: Words, today: date) -> bool:
    """Whether the sentence first names another time by its date at which this may have been said.

    "On 3 March 2026 he said he would come tomorrow": no more than what lies behind that date and has no word of
    telling between them is counted from today.
    """
    if _is_told_then(candidate, before, words, today):
        return True
    told = next((other for other in reversed(before[-_REACH:]) if _is_full(other)), None)
    if told is None or words.sentences[told.first] != words.sentences[candidate.first] or told.day >= today:
        return False
    between = words.lower[max(told.last, candidate.first - _TOLD) : candidate.first]
    return candidate.day > today or not verbs.REPORTING.isdisjoint(between)


def _is_told_then(candidate: Candidate, before: Sequence[Candidate], words: Words, today: date) -> bool:
    """Whether what lies ahead was told at a time gone, from which it may be counted.

    "Two weeks ago the doctor told me to come back next week", "last week Li promised to pay tomorrow", "he always says
    he'll start tomorrow". What is told of yesterday is counted from today, and a weekday that is the same day counted
    from then is certain: "I booked the dentist on Tuesday for Friday".
    """
    if candidate.day <= today:
        return False
    sentence = words.sentences[candidate.first]
    begin = candidate.first
    while begin and candidate.first - begin < _TOLD and words.sentences[begin - 1] == sentence:
        begin -= 1
    near = words.lower[begin : candidate.first]
    telling = next((at for at, word in enumerate(near) if word in _TELLING), None)
    if telling is None:
        return False
    told = next(reversed(before[-_REACH:]), None)
    if told is None or sentence - words.sentences[told.first] > 1:
        return not _SOMETIME.isdisjoint(near[:telling])
    if told.found.interval.end.date() >= today:
        return not _SOMETIME.isdisjoint(near[:telling])
    same = words.sentences[told.first] == sentence
    if same and not _JOINING.isdisjoint(words.lower[told.last : candidate.first]):
        return False
    return not (candidate.weekday and ahead(told.day, candidate.day.weekday()) == candidate.day)


def _is_certain(
    candidate: Candidate, before: Sequence[Candidate], far: Sequence[Interval], words: Words, today: date
) -> bool:
    """Whether neither a span under discussion nor a story of another time claims the date."""
    past = candidate.found.tense is Tense.PAST
    if _tells_story(candidate, words, past=past) or _is_reported(candidate, before, words):
        return False
    told = [interval for interval in far if (interval.start.date() < today) == past] if candidate.weekday else []
    told += [
        other.found.interval
        for other in before[-_REACH:]
        if _limits(other, candidate, words, past=past, today=today) and not (past and candidate.day == other.day)
    ]
    return not told or any(_holds(interval, candidate.day) for interval in told)


def _limits(other: Candidate, candidate: Candidate, words: Words, *, past: bool, today: date) -> bool:
    """Whether a week, month, season or year is the one that a later date without it belongs to."""
    granularity, interval = other.found.granularity, other.found.interval
    longer = _LENGTHS.get(granularity, 0) > _LENGTHS.get(candidate.found.granularity, 0)
    if not longer and not (granularity is Granularity.WEEK and candidate.weekday):
        return False
    current = interval.start.date() <= today < interval.end.date()
    same_way = (interval.start.date() <= today) == past
    return same_way and not current and _is_near(other, candidate, words, 2)


def _holds(interval: Interval, day: date) -> bool:
    return interval.start.date() <= day < interval.end.date()


def _tells_story(candidate: Candidate, words: Words, *, past: bool) -> bool:
    begin = words.starts[max(0, candidate.first - 30)]
    near = words.text[begin : candidate.start].lower()
    return any(phrase in near for phrase in _FICTION) or (past and any(phrase in near for phrase in _STORY))


def _is_reported(candidate: Candidate, before: Sequence[Candidate], words: Words) -> bool:
    """What somebody said earlier to lie ahead may lie behind by now: "he said last week that he comes on Monday"."""
    if not candidate.weekday or candidate.found.tense is Tense.PAST:
        return False
    told = next((o for o in reversed(before[-_REACH:]) if o.found.granularity not in _LONG), None)
    if told is None or words.sentences[told.first] != words.sentences[candidate.first]:
        return False
    near = words.lower[max(0, told.first - 8) : candidate.first]
    return not verbs.REPORTING.isdisjoint(near) and ahead(told.day, candidate.day.weekday()) < candidate.day


def _without_those_named_behind(candidates: Sequence[Candidate], words: Words, tenses: Tenses) -> list[Candidate]:
    """Leave out dates whose week or year follows: "Friday or Saturday next week", "in March two years ago"."""
    kept = []
    for index, candidate in enumerate(candidates):
        following = candidates[index + 1] if index + 1 < len(candidates) else None
        if following is None or not candidate.found.bare or not _names(following, candidate, words, tenses):
            kept.append(candidate)
    return kept


def _names(following: Candidate, candidate: Candidate, words: Words, tenses: Tenses) -> bool:
    near = following.first - candidate.last <= _BEHIND
    if any(
        tenses.signal(index) is not None for index in range(candidate.last, min(following.first, candidate.last + 9))
    ):
        return False
    if not near or words.sentences[following.first] != words.sentences[candidate.first] or following.weekday:
        return False
    between = words.lower[candidate.last : following.first]
    if following.found.granularity is Granularity.WEEK or words.lower[following.last - 1] == "week":
        return not {",", "then", ";"} & set(between)
    longer = _LENGTHS.get(following.found.granularity, 0) > _LENGTHS.get(candidate.found.granularity, 0)
    return (
        longer
        and following.found.relative
        and len(between) <= 1
        and not _holds(following.found.interval, candidate.day)
    )


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
    """The day of that week, where the week is the next or the last and lies the way the tense points."""
    past = candidate.found.tense is Tense.PAST
    apart = (candidate.day - week.day).days
    if (past and 6 < apart <= 13) or (not past and -7 <= apart < 0):
        return candidate.shifted(candidate.day.weekday() - apart)
    return candidate

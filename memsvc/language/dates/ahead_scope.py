"""Whether a date in an English clause of the present or future lies ahead, or is that of something gone."""

from __future__ import annotations

from itertools import pairwise

from memsvc.language.dates.verbs import Tense
from memsvc.language.dates.words import Words, word_set

_NEAR = 12
"""Words before a date that are looked at."""
_LOOKING_BACK = word_set(
    """
    sorry apologise apologize apologies thank thanks grateful embarrassed ashamed regret regrets remember
    remembers recall recalls proud blame forgive sore hungover recovering admit admits deny denies complain
    complains dispute owe owes
    """
)
"""Of what is gone, in the present: "I'm sorry for the noise on Saturday"."""
_RECORDS = word_set(
    """
    recording minutes notes photo photos picture pictures video videos result results report summary
    feedback invoice bill receipt transcript slides email emails mail letter message messages story stories
    news footage screenshot
    """
)
_OPEN_ENDED = word_set("on onwards onward to until till through at")
_STARTING = word_set(
    """
    off away leave closed open available free out up it here there work live valid on back booked in holiday
    vacation effective applies apply rise begins starts
    """
)
"""Before "from", where it begins a time to come."""
_WORRIED = word_set("worried nervous excited anxious stressed")
_STATES = word_set(
    "cancelled canceled moved postponed rescheduled off at confirmed sold full booked going due still on in"
)


def tense_of_date(words: Words, tense: Tense, begin: int, first: int, last: int) -> Tense:
    """The tense of the date on the tokens [first, last), `tense` being that of its clause, which begins at `begin`.

    UNKNOWN where the date may be that of something gone: "the photos from Saturday are online", "I'm sore from the game
    on Sunday", "send me Monday's notes".
    """
    if tense not in (Tense.PRESENT, Tense.FUTURE):
        return tense
    before = words.lower[max(begin, first - _NEAR) : first]
    doubtful = (
        not _LOOKING_BACK.isdisjoint(before)
        or _is_from(words, before, first, last)
        or (before[-1:] in (["of"], ["dated"]) and before[-2:-1] != ["as"])
        or any(_is_about_past(word, following, before) for word, following in pairwise(before))
        or _is_possessive(words, first, before, last)
    )
    return Tense.UNKNOWN if doubtful else tense


def _is_from(words: Words, before: list[str], first: int, last: int) -> bool:
    if before[-1:] != ["from"] or not _OPEN_ENDED.isdisjoint(words.lower[first:last]):
        return False
    return words.word(last) not in _OPEN_ENDED and len(before) > 1 and before[-2] not in _STARTING


def _is_about_past(word: str, following: str, before: list[str]) -> bool:
    """ "From the game", "about the dinner", "notes of"."""
    if word in {"from", "about"} and following in {"the", "my", "our", "your", "his", "her", "their", "that"}:
        return word == "from" or _WORRIED.isdisjoint(before)
    return word in _RECORDS and following in {"of", "from", "about"}


def _is_possessive(words: Words, first: int, before: list[str], last: int) -> bool:
    """ "Monday's class is cancelled" is ahead; "Monday's report is missing" and "send me Monday's notes" are not."""
    if not words.lower[first].endswith("'s"):
        return False
    behind = words.lower[last : last + 4]
    return bool(before) or not ("will" in behind or not _STATES.isdisjoint(behind))

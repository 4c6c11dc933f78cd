"""The order of the weekdays of one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from memsvc.language.dates.site import Candidate
from memsvc.language.dates.tense import Tenses
from memsvc.language.dates.verbs import Tense
from memsvc.language.dates.words import Words, word_set

_FARTHEST_TOKENS = 24
_NEW_SUBJECT = word_set("i you he she it we they the a an my our your his her their")
_RANGE = frozenset({"to", "until", "till", "through", "–", "-"})


def in_order(candidates: Sequence[Candidate], words: Words, tenses: Tenses) -> list[Candidate]:
    """Weekdays of one sentence go forward: "land on Tuesday and leave on Saturday".

    Where the second would lie before the first, it is moved by a week when both belong to one subject (of what is
    past, the first is); else the order tells nothing, and the second, of what is past both, are dropped.
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
    return (first.shifted(-7), second) if _is_one_course(first, second, words, tenses) else (None, None)


def _next_of_pair(first: Candidate, second: Candidate, words: Words, tenses: Tenses) -> Candidate | None:
    if first.found.interval.start <= second.found.interval.start:
        return second
    return second.shifted(7) if _is_one_course(first, second, words, tenses) else None


def _is_one_course(first: Candidate, second: Candidate, words: Words, tenses: Tenses) -> bool:
    """Whether the second date follows the first by grammar: a range, or a second verb of the same subject."""
    lower = words.lower[first.last : second.first]
    if len(lower) > _FARTHEST_TOKENS:
        return False
    if len(lower) == 1 and lower[0] in _RANGE:
        return True
    for index in range(first.last, second.first):
        if words.lower[index] in {"and", "then"} and any(
            tenses.signal(index + step) is not None and _NEW_SUBJECT.isdisjoint(words.lower[index + 1 : index + step])
            for step in (1, 2)
        ):
            return True
    return False

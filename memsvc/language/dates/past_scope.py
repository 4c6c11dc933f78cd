"""Whether a date behind an English past verb is when that happened, or the date of something the verb is about."""

from __future__ import annotations

from itertools import pairwise

from memsvc.language.dates import verbs
from memsvc.language.dates.verbs import Tense
from memsvc.language.dates.words import PRONOUNS, Words, word_set

RANGES = frozenset({"to", "until", "till", "through"})
PLACED = word_set("for to until till by before after from")
"""Prepositions behind which a date is not when the verb happened."""
STARTING = word_set("starting beginning commencing effective")
"""They open a time that may lie ahead of the verb: "agreed to lower the rent starting in September"."""
_PASSIVE = frozenset({"was", "were", "got"})
_NEAR = 9
"""Words between a verb and a date that are looked at."""
_THINGS_MENTIONED = word_set("about for of regarding")
_POINTING = word_set("it that this him her them us me you which whom")
_PARTICLES = word_set(
    """
    out in into away back up off down over me him her us them it you to from house home together myself
    himself herself
    """
)
_BOOKED_THINGS = word_set(
    """
    appointment reservation booking interview viewing slot ticket tickets date session invitation invite
    spot seat seats table room hotel flight
    """
)
_BOOKING = word_set(
    """
    made booked got found bought scheduled arranged set received secured gave offered requested reserved confirmed
    accepted sent
    """
)
_AGREEING = word_set("agreed decided settled insisted planned")
_DETERMINERS = word_set("the a an my our your his her their this that these those every any some")
_NO_VERBS = word_set("this his its was has does news yes always perhaps us thus plus less bus gas class")


def tense_of_date(words: Words, verb: int, first: int, last: int, *, placed: bool) -> Tense:
    """The tense of the date on the tokens [first, last) behind the past verb at `verb`.

    UNKNOWN where the date may be that of an event which the verb is about: "cancelled the class on Tuesday", "bought
    a dress for the party on Friday", "heard about the fair on Sunday", "marked Monday's test", "he said Friday".
    """
    if words.lower[verb] in _PASSIVE and words.word(verb + 1) in verbs.SCHEDULING:
        verb += 1
    before, name = words.word(first - 1), words.lower[verb]
    if before in STARTING or words.word(first - 2) in STARTING:
        return Tense.UNKNOWN
    if placed and before in PLACED:
        return _placed(name, before, words.word(last), words.word(first - 3))
    doubtful = (
        name in verbs.OPEN_PAST
        or words.lower[first].endswith("'s")
        or _is_reported(words, verb, first)
        or _is_of_event(words, verb, first)
        or _is_in_reduced_clause(words, verb, first)
        or _is_conditional(words, verb)
    )
    return Tense.UNKNOWN if doubtful else Tense.PAST


def _placed(verb: str, before: str, after: str, begin: str) -> Tense:
    """Behind a preposition: "booked a table for Saturday", "stayed until Tuesday", "were in Rome from Friday"."""
    ranged = (before == "from" and after in RANGES) or (before in RANGES and begin == "from")
    if ranged and verb not in verbs.SCHEDULING:
        return Tense.PAST
    if before in {"for", "to", "until", "till"} and verb in verbs.SCHEDULING:
        return Tense.FUTURE
    return Tense.PAST if before in {"until", "till"} and verb not in {"got", "gave", "had"} else Tense.UNKNOWN


def _is_reported(words: Words, verb: int, first: int) -> bool:
    """What was said may be about another day, and may have a verb that is not known."""
    if words.lower[verb] not in verbs.REPORTING:
        return False
    between = words.lower[verb + 1 : min(first, verb + 13)]
    if not between or (len(between) == 1 and between[0] in _POINTING):
        return True
    return any(word.endswith("s") and len(word) > 3 and word not in _NO_VERBS for word in between[1:])


def _is_of_event(words: Words, verb: int, first: int) -> bool:
    name = words.lower[verb]
    between = words.lower[max(verb + 1, first - _NEAR) : first]
    if words.word(first - 1) in verbs.SETTLING or (name in _AGREEING and between == ["on"]):
        return True
    if name in verbs.SETTLING and len(between) > 1 and between[0] not in _PARTICLES | PLACED:
        return True
    if name in _BOOKING and not _BOOKED_THINGS.isdisjoint(between):
        return True
    return any(word in _THINGS_MENTIONED and following not in _POINTING for word, following in pairwise(between))


def _is_in_reduced_clause(words: Words, verb: int, first: int) -> bool:
    """ "The guy we hired tiles the bath on Monday": the verb belongs to "we", the date to an unknown verb behind it."""
    begin = verb
    while begin > 0 and words.clauses[begin - 1] == words.clauses[verb] and verb - begin <= 5:
        begin -= 1
    head = words.lower[begin:verb]
    if head[:1] in (["and"], ["but"], ["so"], [","]):
        head = head[1:]
    reduced = 3 <= len(head) <= 5 and head[0] in _DETERMINERS and head[-1] in PRONOUNS and head[1] not in PRONOUNS
    between = words.lower[verb + 1 : first]
    return reduced and any(word.endswith("s") and word not in _NO_VERBS for word in between[:_NEAR])


def _is_conditional(words: Words, verb: int) -> bool:
    """ "If he came on Monday" may be a wish for the next."""
    begin = verb
    while begin > 0 and words.clauses[begin - 1] == words.clauses[verb] and verb - begin <= 6:
        begin -= 1
    return words.lower[begin] in {"if", "unless", "suppose", "imagine"} and words.lower[verb] != "had"

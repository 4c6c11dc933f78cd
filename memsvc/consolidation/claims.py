"""What a sentence claims of a subject, and when two claims say the same or exclude one another."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from memsvc.consolidation.frames import Slot
from memsvc.consolidation.lexicon import FUNCTIONAL, KIN, NOUN, OPINIONS, RELATIONS
from memsvc.types import Interval

T = TypeVar("T")

OWN = "*own"
"""Relation of an end that takes a thing away, whatever said that the subject had it."""
ALL = "*"
"""Relation of an end of the subject itself."""

UNKNOWN = "?"
"""Subject that a pronoun stands for, where it is not known."""


class Mode(StrEnum):
    """How a claim is meant."""

    ACTUAL = "actual"
    ENDED = "ended"
    """It says that something no longer holds, or does not."""
    PAST = "past"
    """It tells of what was: an event, or a state that is over."""
    UNREAL = "unreal"
    """A wish, a plan, a condition: nothing holds by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One reading of one clause.

    `subject` is a path of case-folded names and nouns ("ben", "ben/sister"); `relation` a class of predicates or an
    attribute noun; `values` the words that fill it, in the form of `lexicon.SYNONYM`.
    """

    subject: str
    relation: str
    values: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    dates: frozenset[Interval] = frozenset()
    mode: Mode = Mode.ACTUAL
    negated: bool = False
    attribute: bool = False
    """Whether the relation is a noun that the subject has one of: "my N is V"."""
    event: bool = False
    """Whether it sets the date of something: "the meeting is on 5 May"."""
    change: bool = False
    """Whether it says of itself that it is new, or a correction."""
    cued: bool = False
    """Whether it says so in words that are about nothing else: "now", "instead", "actually"."""
    over: bool = False
    """Whether it says that it held and does so no more: "no longer", "not any more"."""
    correction: bool = False
    """Whether it says that what was said before was wrong."""
    reported: bool = False
    """Whether somebody other than its subject says so."""
    added: bool = False
    """Whether it says of itself that it comes beside what holds: "also", "another"."""
    replaces: bool = False
    """Whether it says of itself that it is in the place of something: "instead", "switched to"."""
    thing: str = ""
    """The noun of a subject that is neither a person nor an attribute: "my suitcase weighs 20 kilos"."""
    told_past: bool = False
    """Whether its verb is in the past tense."""
    words: frozenset[str] = frozenset()
    """The content words of its clause, in the form of `lexicon.SYNONYM`."""
    slots: tuple[Slot, ...] = ()
    """What may fill it, each with the wording around it."""
    sentence: int = 0
    """Number of its sentence in the memory."""

    plain: bool = True
    """Whether its sentence says little else: of a long one, a clause is not what it is about."""

    @property
    def is_opinion(self) -> bool:
        """Whether it says only how somebody feels about something."""
        return self.values <= OPINIONS and not (self.names or self.numbers or self.dates)

    @property
    def functional(self) -> bool:
        """Whether the subject can have one such value at a time; how somebody feels about something is none."""
        if self.is_opinion:
            return False
        if self.relation == "be":
            return bool(self.names or self.numbers)
        return self.attribute or self.relation in FUNCTIONAL

    @property
    def bearer(self) -> tuple[str, ...]:
        """Whose claim it is: the subject without attributes, so that "my time in the race" is mine."""
        first, *rest = self.subject.split("/")
        return (first, *(noun for noun in rest if noun in KIN))

    @property
    def filling(self) -> frozenset[str]:
        """All that the relation is filled with, dates apart."""
        return self.values | self.names | self.numbers


def same(a: Claim, b: Claim, *, strict: bool) -> bool:
    """Whether two claims of one subject and relation say the same, one perhaps with more detail.

    `strict` leaves no room for words that only one of them has, unless they share a name or a number.
    """
    if (a.subject, a.relation, a.mode, a.negated) != (b.subject, b.relation, b.mode, b.negated):
        return False
    if not same_thing(a, b) or not agree(a.names, b.names) or not _equal_or_unsaid(a.numbers, b.numbers):
        return False
    happened = a.mode is Mode.PAST
    if a.dates != b.dates and (happened or not _equal_or_unsaid(a.dates, b.dates)):
        return False
    if not agree(a.values, b.values):
        return False
    anchored = bool(a.names & b.names or a.numbers & b.numbers or a.dates & b.dates)
    if a.values != b.values and strict and not anchored:
        return False
    return anchored or bool(a.values & b.values - OPINIONS)


def same_thing(a: Claim, b: Claim) -> bool:
    """Whether both are about the same thing: "my camera cost 300" and "I paid 300 for a camera"."""
    return a.thing == b.thing or all(set(claim.thing.split()) <= a.filling & b.filling for claim in (a, b))


def alike(a: Claim, b: Claim) -> bool:
    """Whether two claims in different words may be one: all they are filled with is equal, and one relation is unknown.

    Relations that the lexicon knows are told apart ("visited Porto", "lives in Porto"); for another, the wording has to
    be near besides.
    """
    if (a.subject, a.mode, a.negated) != (b.subject, b.mode, b.negated) or a.relation == b.relation:
        return False
    if a.relation in RELATIONS and b.relation in RELATIONS:
        return False
    relations = frozenset({*a.relation.split(), *b.relation.split()})
    told = (a.names, a.numbers, a.dates) == (b.names, b.numbers, b.dates)
    return told and a.values - relations == b.values - relations and bool(a.filling - relations or a.dates)


def excludes(new: Claim, old: Claim) -> bool:
    """Whether `new` and `old` cannot both hold at one time."""
    if (
        (new.subject, new.relation) != (old.subject, old.relation)
        or not same_thing(new, old)
        or Mode.UNREAL in (new.mode, old.mode)
    ):
        return False
    if new.mode is Mode.ACTUAL and old.mode is Mode.ENDED:
        return (_is_of_one(old) or bool(old.filling & new.filling)) and _fills(old, new)
    if new.mode is not Mode.ACTUAL or old.mode is not Mode.ACTUAL or new.is_opinion or old.is_opinion:
        return False
    if new.event and old.event:
        details = agree(new.names, old.names) and agree(new.values, old.values)
        return details and _apart(new.dates, old.dates)
    if new.relation == "have":
        return agree(new.values, old.values) and bool(new.values & old.values) and _apart(new.numbers, old.numbers)
    return (new.functional or old.functional) and _differ(new, old)


def _differ(new: Claim, old: Claim) -> bool:
    """Whether two fillings of one place are of one kind and neither is part of the other."""
    if new.names and old.names:
        return not agree(new.names, old.names)
    if new.numbers and old.numbers:
        return new.numbers != old.numbers
    if new.names | old.names | new.numbers | old.numbers:
        return False
    if new.values and old.values:
        return not agree(new.values, old.values)
    return _apart(new.dates, old.dates)


def _apart(a: frozenset[T], b: frozenset[T]) -> bool:
    return bool(a) and bool(b) and not a & b


def ends(end: Claim, old: Claim) -> bool:
    """Whether `end` says that what `old` claims no longer holds."""
    if end.mode is not Mode.ENDED or old.mode is not Mode.ACTUAL:
        return False
    if end.relation == ALL:
        return end.subject == old.subject
    if end.relation in (OWN, "have"):
        return _takes(end, old)
    if not end.filling and not _is_of_one(end):
        return False  # "I can't wait", "I didn't find": of nothing that was said
    return (end.subject, end.relation) == (old.subject, old.relation) and _fills(end, old)


def _is_of_one(end: Claim) -> bool:
    """Whether an end that names nothing is of whatever filled its place."""
    return end.over or end.attribute or end.event or end.relation in FUNCTIONAL


def _takes(end: Claim, old: Claim) -> bool:
    """Whether what `old` has, uses or says of a thing goes with the thing."""
    things = end.values | end.names
    if any(old.subject == f"{end.subject}/{thing}" for thing in things):
        return end.relation == OWN
    if end.subject != old.subject or old.numbers or old.relation == "like":
        return False
    named = any(old.relation in (thing, NOUN.get(thing)) for thing in things)
    return named or bool(things & (old.values | old.names) and things <= old.filling | {old.relation})


def _fills(end: Claim, old: Claim) -> bool:
    """Whether an end speaks of the filling of `old`, or of whatever fills it."""
    if end.numbers and old.numbers and end.numbers != old.numbers:
        return False
    if end.names and old.names:
        return bool(end.names & old.names)
    if end.values and old.values:
        return bool(end.values & old.values) and agree(end.values, old.values)
    return True


def agree(a: frozenset[str], b: frozenset[str]) -> bool:
    """Whether one filling is the other, with more detail perhaps."""
    return a <= b or b <= a


def _equal_or_unsaid(a: frozenset[T], b: frozenset[T]) -> bool:
    return a == b or not a or not b

"""What is read from a clause: noun phrases, fillings and predicates."""

from __future__ import annotations

from dataclasses import dataclass

from memsvc.consolidation.lexicon import KIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """What a clause says of whom; fields as in `Claim`."""

    subject: str
    relation: str
    values: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    attribute: bool = False
    event: bool = False
    ends: bool = False
    thing: str = ""
    begins: bool = False
    """Whether in the past tense it tells what holds since."""
    dislikes: bool = False
    """Whether the relation is the opposite of what it is called: to hate is not to like."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase: whose it is, its noun with modifiers, and the names in it."""

    owner: str
    noun: str = ""
    head: str = ""
    names: frozenset[str] = frozenset()
    details: frozenset[str] = frozenset()
    """Common words of what is attached to it: "sister" in "a trip to Porto with my sister"."""
    places: frozenset[str] = frozenset()
    """Names in what is attached to it: "Porto"."""
    owned: bool = False
    """Whether it is said whose it is: "my hair", not "that bowl"."""

    @property
    def path(self) -> str:
        """Whom facts about the phrase are about."""
        if self.names:
            return " ".join(sorted(self.names))
        return f"{self.owner}/{self.head}" if self.head in KIN else self.owner

    @property
    def is_attribute(self) -> bool:
        """Whether it is something that its owner has, rather than somebody with facts of its own."""
        return bool(self.noun) and not self.names and self.head not in KIN


@dataclass(frozen=True, slots=True)
class Filling:
    """What fills a relation: common words, names, numbers."""

    values: frozenset[str]
    names: frozenset[str]
    numbers: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.values or self.names or self.numbers)

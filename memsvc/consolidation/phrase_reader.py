"""The noun phrases of a clause, and what fills it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from memsvc.consolidation.claims import UNKNOWN
from memsvc.consolidation.grammar import Clause, concept, is_first_person, is_name, number
from memsvc.consolidation.lexicon import KIN, OF, SYNONYM
from memsvc.consolidation.phrases import Filling, Phrase, Predicate
from memsvc.types import Interval

_PARTS = frozenset({"compound", "amod", "appos", "nmod", "nummod"})
"""Relations by which a word is part of a noun."""


class PhraseReader:
    """Reads phrases of one clause.

    Args:
        clause: what is read.
        speaker: whom "I" means.
        dated: tokens of time expressions.
    """

    def __init__(self, clause: Clause, speaker: str, dated: Mapping[int, Interval]) -> None:
        self._clause = clause
        self._speaker = speaker
        self._dated = dated

    @property
    def _with_speaker(self) -> bool:
        """Whether the speaker is one of several subjects: "Clara and I"."""
        clause = self._clause
        return any(clause.token(i).dep == "conj" and is_first_person(clause.token(i)) for i in clause.subject_tree)

    def _has_owner(self, i: int) -> bool:
        return bool(self._clause.children(i, "poss"))

    def _phrase(self, i: int) -> Phrase:
        clause, token = self._clause, self._clause.token(i)
        if is_first_person(token):
            return Phrase(self._speaker)
        possessor = next(iter(clause.children(i, "poss")), None)
        if token.lemma.casefold() == "name" and (inner := self._inner(i, possessor)) is not None:
            return replace(self._phrase(inner), head="name")
        if token.lemma.casefold() in OF and (inner := self._inner(i, None)) is not None and possessor is not None:
            meant = self._phrase(inner)
            if meant.noun and not meant.names and not meant.owned:
                return replace(meant, owner=self._owner_of(possessor), owned=True)
        owner = self._speaker if possessor is None else self._owner_of(possessor)
        taken = frozenset(clause.below(possessor)) if possessor is not None else frozenset()
        tree = [k for k in clause.below(i) if k not in taken and k not in self._dated]
        near = [k for k in tree if self._is_part(k, i)]
        names = frozenset(self._fold(k) for k in near if self._is_name(k))
        words = [concept(clause.token(k)) for k in near if not self._is_name(k)]
        head = concept(token) or token.lemma.casefold() if not self._is_name(i) else next((w for w in words if w), "")
        details = self._collect(k for k in tree if k not in near)
        noun = " ".join(word for word in words if word) or head
        return Phrase(owner, noun, head, names, details.values, details.names, owned=possessor is not None)

    def _is_part(self, k: int, of: int) -> bool:
        """Whether a token belongs to the noun itself, not to what is attached to it: "York" in "my trip to York"."""
        while k != of:
            if self._clause.token(k).dep not in _PARTS:
                return False
            k = self._clause.token(k).head
        return True

    def _inner(self, i: int, possessor: int | None) -> int | None:
        if possessor is not None and not is_first_person(self._clause.token(possessor)):
            return possessor
        for prep in self._clause.children(i, "prep"):
            for k in self._clause.children(prep, "pobj"):
                return k
        return None

    def _owner_of(self, i: int) -> str:
        token = self._clause.token(i)
        if is_first_person(token):
            return self._speaker
        if token.pos == "PRON":
            return self._subject_owner(i)
        phrase = self._phrase(i)
        return phrase.path if phrase.names or phrase.head in KIN else f"{phrase.owner}/{phrase.head}"

    def _subject_owner(self, i: int) -> str:
        """Whose "their" is: the subject's, where it is not part of the subject itself."""
        subject = self._clause.subject
        if subject is None or i in self._clause.subject_tree:
            return UNKNOWN
        token = self._clause.token(subject)
        return UNKNOWN if token.pos == "PRON" and not is_first_person(token) else self._phrase(subject).path

    def _filled(
        self, path: str, relation: str, filling: Filling, without: set[str], extra: Iterable[str] = ()
    ) -> Predicate:
        values = (filling.values | frozenset(extra)) - without
        return Predicate(subject=path, relation=relation, values=values, names=filling.names, numbers=filling.numbers)

    def _filling(self, skip: Iterable[int] = (), words: Iterable[str] = ()) -> Filling:
        """What the clause holds beside its subject, its predicate and its times."""
        clause = self._clause
        shared = {i for i in clause.subject_tree if self._is_name(i)} if self._with_speaker else set()
        skipped = {clause.head, *(clause.subject_tree - shared), *skip}
        found = self._collect(i for i in clause.members if i not in skipped)
        return Filling(found.values - frozenset(words), found.names, found.numbers)

    def _collect(self, members: Iterable[int]) -> Filling:
        clause = self._clause
        values, names, numbers = set(), set(), set()
        for i in members:
            token = clause.token(i)
            if (
                i in self._dated
                or is_first_person(token)
                or (token.dep in ("aux", "auxpass", "neg", "poss", "case") and not self._is_name(i))
            ):
                continue
            if digits := number(token):
                numbers.add(digits)
            elif self._is_name(i):
                names.add(self._fold(i))
            elif word := concept(token):
                values.add(word)
        return Filling(frozenset(values), frozenset(names), frozenset(numbers))

    def _after(self, preposition: str) -> Filling:
        clause = self._clause
        for i in clause.members:
            if clause.token(i).text.casefold() == preposition:
                return self._collect(k for k in clause.below(i) if k != i)
        return Filling(frozenset(), frozenset(), frozenset())

    def _names(self, members: Iterable[int]) -> frozenset[str]:
        return frozenset(self._fold(i) for i in members if self._is_name(i))

    def _is_name(self, i: int) -> bool:
        first = next(a for a, b in self._clause.analysis.sentences if a <= i < b)
        return is_name(self._clause.token(i), begins=i == first) and i not in self._dated

    def _fold(self, i: int) -> str:
        word = self._clause.token(i).text.casefold()
        return SYNONYM.get(word, word)

"""Clauses of an analysed sentence: predicate, subject, complement, and how it is meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from memsvc.consolidation.lexicon import CHANGE, FILLER, NEGATION, SYNONYM, UNREAL, WEEKDAYS
from memsvc.language.words import STOP_WORDS
from memsvc.types import Analysis, Token

_SUBJECTS = ("nsubj", "nsubjpass", "csubj", "expl")
_CLAUSES = frozenset({"ROOT", "conj", "ccomp", "advcl", "relcl", "parataxis", "csubj", "acl"})
_CARDINALS = dict(
    zip(
        "zero one two three four five six seven eight nine ten eleven twelve".split(),  # noqa: SIM905
        (str(i) for i in range(13)),
        strict=True,
    )
)
_ADDRESS = re.compile(r"\S+@\S+|https?://\S+|www\.\S+")
_FIRST = frozenset({"i", "me", "my", "mine", "we", "us", "our", "ours", "myself"})
_AHEAD = frozenset({"will", "'ll", "gonna", "plan", "planning", "intend"})
_TITLES = frozenset({"mr", "mrs", "ms", "dr", "mr.", "mrs.", "ms.", "dr.", "prof", "prof."})


@dataclass(frozen=True)
class Clause:
    """A predicate and what belongs to it. Positions are indices of the analysis' tokens."""

    analysis: Analysis
    head: int
    members: tuple[int, ...]
    inherited: int | None
    """Subject of the clause that this one is joined to."""
    unreal: bool
    """Whether the sentence around it is a condition or a wish."""

    @cached_property
    def sentence(self) -> int:
        """Number of its sentence in the analysis."""
        return next(i for i, (a, b) in enumerate(self.analysis.sentences) if a <= self.head < b)

    @property
    def span(self) -> range:
        """The tokens of its sentence."""
        return range(*self.analysis.sentences[self.sentence])

    @cached_property
    def subject(self) -> int | None:
        """The subject's token, its own or the one it shares."""
        own = [i for i in self.members if self.token(i).head == self.head and self.token(i).dep in _SUBJECTS]
        own = [i for i in own if self.token(i).tag not in ("WDT", "WP", "WRB")]
        return own[-1] if own else self.inherited

    @cached_property
    def subject_tree(self) -> frozenset[int]:
        """Everything below the subject."""
        return frozenset(self.below(self.subject)) if self.subject is not None else frozenset()

    @property
    def lemma(self) -> str:
        """The predicate's lemma."""
        return self.token(self.head).lemma.casefold()

    @cached_property
    def words(self) -> frozenset[str]:
        """Lower-case words of the clause, subject included."""
        return frozenset(self.token(i).text.casefold().replace("’", "'") for i in self.members)

    @property
    def negated(self) -> bool:
        """Whether it holds a negation."""
        return any(self._negates(i) for i in self.members)

    @property
    def denies(self) -> bool:
        """Whether it says that something is not so: "I can't wait" and "I'm not giving up" do not."""
        able = not self.words.isdisjoint({"ca", "can", "could"})
        affirmed = (
            (able and self.lemma in ("wait", "resist", "help"))
            or self.lemma in ("stop", "quit", "cease")
            or (self.lemma == "give" and "up" in self.words)
        )
        return self.negated and not affirmed

    def _negates(self, i: int) -> bool:
        word = self.token(i).text.casefold().replace("’", "'")
        after = self.analysis.tokens[i + 1].text if i + 1 < len(self.analysis.tokens) else ""
        return word in NEGATION and not (word == "no" and (after in (",", "!", ".") or self.token(i).dep == "intj"))

    @property
    def over(self) -> bool:
        """Whether it says that something held and does so no more."""
        joined = " ".join(self.token(i).text.casefold() for i in self.members)
        return re.search(r"\bno longer\b|\b(?:not|n't|n’t) .*\b(?:any ?more|any longer)\b", joined) is not None

    @property
    def is_unreal(self) -> bool:
        """Whether it tells of what is not so, or not yet."""
        tokens = [self.token(i) for i in self.members if i not in self.subject_tree]
        return self.unreal or any(
            not {t.lemma.casefold(), t.text.casefold()}.isdisjoint(UNREAL) and t.text != "May" for t in tokens
        )

    @property
    def ahead(self) -> bool:
        """Whether it tells of what is to come."""
        return not self.words.isdisjoint(_AHEAD) or "going to" in self.text

    @property
    def text(self) -> str:
        """The clause's words."""
        return " ".join(self.token(i).text.casefold() for i in self.members)

    @property
    def past(self) -> bool:
        """Whether it is told in a past tense, the present perfect apart."""
        verbs = [self.token(i) for i in self._verbs()]
        finite = next((token for token in verbs if token.tag in ("VBD", "VBZ", "VBP", "MD")), None)
        # "I read", "I cut": the parse cannot know, and says the past.
        told = finite is not None and finite.tag == "VBD" and finite.text.casefold() != finite.lemma.casefold()
        return told or "used to" in self.text

    @property
    def present(self) -> bool:
        """Whether it is told in the present tense, the perfect apart."""
        tags = {self.token(i).tag for i in self._verbs()}
        return bool(tags & {"VBZ", "VBP"}) and not (tags & {"VBN", "VBD"})

    @property
    def changes(self) -> bool:
        """Whether its predicate tells of a change."""
        if self.lemma == "go":
            return not self.words.isdisjoint({"up", "down", "gone"})
        return self.lemma in CHANGE or self._is_made_to

    @property
    def _is_made_to(self) -> bool:
        """Whether something was brought to a number: "my pay was cut to 2,900 euros"."""
        passive = any(self.token(i).dep == "auxpass" for i in self.members)
        to = (i for i in self.children(self.head, "prep") if self.token(i).lemma.casefold() == "to")
        return passive and any(number(self.token(k)) for i in to for k in self.below(i))

    def _verbs(self) -> Iterator[int]:
        for i in self.members:
            if i == self.head or (self.token(i).head == self.head and self.token(i).dep in ("aux", "auxpass")):
                yield i

    def token(self, i: int) -> Token:
        """A token of the analysis."""
        return self.analysis.tokens[i]

    def below(self, top: int) -> Iterator[int]:
        """A token and all that depend on it, within the clause."""
        for i in self.members:
            k = i
            while k != top and self.token(k).head != k:
                k = self.token(k).head
            if k == top:
                yield i

    def children(self, parent: int, *deps: str) -> list[int]:
        """Dependents of a token, with one of `deps` where any are given."""
        return [
            i
            for i in self.members
            if i != parent and self.token(i).head == parent and (not deps or self.token(i).dep in deps)
        ]


def clauses(analysis: Analysis) -> list[Clause]:
    """The clauses of an analysed text, questions left out, main clauses first in each sentence."""
    found: list[Clause] = []
    for first, last in analysis.sentences:
        tokens = analysis.tokens[first:last]
        if not tokens or any(token.text == "?" for token in tokens[-2:]):
            continue
        found.extend(_clauses_of(analysis, first, last))
    return found


def _clauses_of(analysis: Analysis, first: int, last: int) -> Iterator[Clause]:
    tokens = analysis.tokens
    heads = [i for i in range(first, last) if _heads_clause(tokens, i, first, last)]
    if not heads:
        return
    owner = {i: _owner(tokens, i, frozenset(heads)) for i in range(first, last)}
    unreal = any(token.text.casefold() in ("if", "unless", "wish", "imagine") for token in tokens[first:last])
    subjects: dict[int, int | None] = {}
    for head in heads:
        members = tuple(i for i in range(first, last) if owner[i] == head)
        above = owner.get(tokens[head].head) if tokens[head].dep in ("conj", "advcl", "acl") else None
        clause = Clause(analysis, head, members, subjects.get(above) if above is not None else None, unreal)
        subjects[head] = clause.subject
        yield clause


def _heads_clause(tokens: Sequence[Token], i: int, first: int, last: int) -> bool:
    token = tokens[i]
    if token.head == i or token.dep == "ROOT":
        return True
    if is_first_person(token) or token.pos not in ("VERB", "AUX") or token.dep not in _CLAUSES:
        return False
    has_subject = any(tokens[k].head == i and tokens[k].dep in _SUBJECTS for k in range(first, last))
    return has_subject or token.dep == "conj"


def _owner(tokens: Sequence[Token], i: int, heads: frozenset[int]) -> int:
    while i not in heads and tokens[i].head != i:
        i = tokens[i].head
    return i


def is_first_person(token: Token) -> bool:
    """Whether a pronoun means the speaker."""
    return token.text.casefold().rstrip(".") in _FIRST


def is_name(token: Token, *, begins: bool) -> bool:
    """Whether a token is (part of) a name: a capital inside a sentence, a proper noun, an address on the net."""
    word = token.text
    if _ADDRESS.fullmatch(word):
        return True
    if (
        recurs(token)
        or not word[:1].isupper()
        or is_first_person(token)
        or word.casefold() in _TITLES
        or "'" in word[:2]
    ):
        return False
    return token.pos == "PROPN" if begins else word.casefold() not in STOP_WORDS


def recurs(token: Token) -> bool:
    """Whether a token is a day of the week, one or all of them."""
    return token.text.casefold().rstrip("s") in WEEKDAYS


def number(token: Token) -> str:
    """The number or the day of the week that a token says; empty for other words."""
    word = token.text.casefold()
    if word in ("midnight", "noon"):
        return word
    if recurs(token):
        return word.rstrip("s")
    if word in _CARDINALS and token.pos in ("NUM", "NOUN", "ADJ", "PROPN"):
        return _CARDINALS[word]
    return word.replace(",", "").rstrip(".") if any(c.isdigit() for c in word) and "@" not in word else ""


def concept(token: Token) -> str:
    """The word that stands for a content word and its synonyms; empty for words that carry no content."""
    lemma = token.lemma.casefold()
    lemma = SYNONYM.get(token.text.casefold(), SYNONYM.get(lemma, lemma))
    if token.pos not in ("NOUN", "ADJ", "VERB", "PROPN", "ADV") or not any(c.isalpha() for c in lemma):
        return ""
    if lemma == "first" and token.pos == "ADV":  # "we first met"
        return ""
    return "" if lemma in FILLER or lemma in STOP_WORDS else lemma

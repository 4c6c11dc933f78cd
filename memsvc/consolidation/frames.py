"""The wording around what a claim is filled with, so that claims in unlike words can be compared.

A frame is the sentence with its filling masked and its cues of change left out: "I bank with Monzo these days" becomes
"I bank with X". Two frames that lie close together, by the embedder, speak of one place that something fills.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from memsvc.consolidation.grammar import Clause, concept, is_name, number
from memsvc.consolidation.lexicon import CUE, FILLER, TIME_OF_DAY
from memsvc.ports import Vectors
from memsvc.types import Interval

MASK = "X"
_ARGUMENTS = frozenset({"dobj", "attr", "acomp", "pobj", "oprd", "nsubj", "nsubjpass", "npadvmod", "pcomp", "xcomp"})
_FILLED = frozenset({"dobj", "attr", "acomp", "pobj", "oprd"})
MAX_SENTENCE = 18
"""Tokens up to which a whole sentence is the frame; of a longer one its clause is."""
MAX_SLOTS = 4
"""Most words of a claim that are tried as its filling where it has no name, number or date."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What fills a claim, and the frame that is left without it."""

    kind: str
    """ "said" for names, numbers and dates together, "word" for one common word."""
    names: frozenset[str]
    numbers: frozenset[str]
    dates: frozenset[Interval]
    word: str
    frame: str
    direct: bool = False
    """Whether it is the object of the verb itself."""

    @property
    def fills(self) -> frozenset[str]:
        """Every word of the filling."""
        return self.names | self.numbers | frozenset(self.word.split())


@dataclass(slots=True)
class Wordings:
    """Unit vectors of frames; it notes which it was asked for and does not have."""

    vectors: dict[str, Vectors] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    def likeness(self, a: str, b: str) -> float:
        """Cosine of two wordings; 0 while one of them is missing."""
        if a == b:
            return 1.0
        absent = {text for text in (a, b) if text not in self.vectors}
        if absent:
            self.missing |= absent
            return 0.0
        return float(self.vectors[a] @ self.vectors[b])


def slots(clause: Clause, dated: Mapping[int, Interval]) -> tuple[Slot, ...]:
    """The slots of a clause: one of its names, numbers and dates; without any, one for each word that may fill it."""
    span = _span(clause)
    first = span[0]
    tokens = clause.analysis.tokens
    names = frozenset(i for i in span if i not in dated and is_name(tokens[i], begins=i == first))
    numbers = frozenset(i for i in span if i not in dated and i not in names and number(tokens[i]))
    dates = frozenset(i for i in span if i in dated and not _of_the_day(clause, i))
    said = names | numbers | dates
    if said:
        return (
            Slot(
                "said",
                frozenset(tokens[i].text.casefold() for i in names),
                frozenset(number(tokens[i]) for i in numbers),
                frozenset(dated[i] for i in dates),
                "",
                _frame(clause, span, said),
                any(tokens[i].dep in ("dobj", "attr") for i in said),
            ),
        )
    within = clause.members if any(tokens[i].dep in _FILLED for i in clause.members) else span
    found = [slot for i in within if i != clause.head for slot in _of_word(clause, span, i)]
    return tuple(found[-MAX_SLOTS:])


def _of_word(clause: Clause, span: Sequence[int], i: int) -> Iterator[Slot]:
    """A noun phrase as a filling, whole and by its parts."""
    token = clause.token(i)
    owned = token.dep in ("nsubj", "nsubjpass") and clause.children(i, "poss")
    if token.dep not in _ARGUMENTS or owned or token.pos == "VERB" or concept(token) in {"", *FILLER}:
        return
    modifiers = clause.children(i, "compound", "amod")
    for masked in ({i, *modifiers}, *({k} for k in (i, *modifiers) if modifiers)):
        value = " ".join(filter(None, (concept(clause.token(k)) for k in sorted(masked))))
        if value:
            yield _word(value, _frame(clause, span, masked), direct=token.dep in ("dobj", "attr"))


def _word(word: str, frame: str, *, direct: bool) -> Slot:
    return Slot("word", frozenset(), frozenset(), frozenset(), word, frame, direct)


def _of_the_day(clause: Clause, i: int) -> bool:
    """Whether a time expression is of the day it is said on, and so no filling: "this morning", "last week"."""
    return clause.token(i).lemma.casefold() in TIME_OF_DAY


def _span(clause: Clause) -> Sequence[int]:
    if len(clause.span) <= MAX_SENTENCE:
        return clause.span
    members = set(clause.members) | set(clause.subject_tree)
    return sorted(members)


def _frame(clause: Clause, span: Sequence[int], masked: frozenset[int] | set[int]) -> str:
    words: list[str] = []
    for i in span:
        token = clause.analysis.tokens[i]
        if i in masked:
            if not words or words[-1] != MASK:
                words.append(MASK)
        elif token.pos != "PUNCT":
            if words and (token.text[:1] in ("'", "’") or token.text in ("n't", "n’t")):
                words[-1] += token.text
            else:
                words.append(token.text)
    text = " ".join(words)
    cleaned = " ".join(CUE.sub(" ", text).split())
    return cleaned or text

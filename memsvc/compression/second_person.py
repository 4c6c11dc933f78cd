"""Whom "you" means: the one who is spoken to, or anybody."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from memsvc.compression.clauses import Clauses

_ANYBODY = re.compile(
    r"\byou (?:never|can never|can['’]?t ever) \w+|"
    r"\b(?:when|if|whatever|once|unless|as long as|whenever|the more) you\b|"
    r"\b(?:important|key|essential|crucial|vital|healthy|tough|hard|easy|difficult) (?:to|for)\b",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"\b(?:great|awesome|amazing|nice|good|cool|wonderful|fantastic|lovely)(?: to (?:hear|see|know))?,?"
    r" (?:that |how )?you\b|"
    r"\b(?:sounds?|looks?|seems?) like you\b",
    re.IGNORECASE,
)
_TOLD = frozenset({"be", "have", "will", "must", "should", "would", "might", "may", "could"})
_CONTRACTED = frozenset({"'ll", "'re", "'ve", "’ll", "’re", "’ve"})
_OF_THE_MOMENT = frozenset({"will", "'ll", "should", "must", "might", "would"})


class You(Enum):
    """A meaning of the second person."""

    ADDRESSEE = "addressee"
    ANYBODY = "anybody"


def meaning(text: str, clauses: Clauses, yours: Sequence[int]) -> You | None:
    """What the second person pronouns at the indices `yours` of a sentence without a first person mean.

    A past, a future, praise and advice tell of the addressee; "when you", "important to" and what holds in general
    tell of anybody; None when neither is clear.
    """
    subjects = [i for i in yours if clauses.is_subject(i)]
    groups = [group for i in subjects if (group := clauses.verbs(i))]
    anybody = bool(_ANYBODY.search(text))
    if any(_is_told(clauses, group, anybody=anybody) for group in groups) or _PRAISE.search(text):
        return You.ADDRESSEE
    if anybody or (not subjects and ("can" in clauses.words() or clauses.has_general_subject())):
        return You.ANYBODY if _is_present(clauses) else None
    if any(clauses.tokens[group[-1]].dep == "ROOT" for group in groups):
        return None if any(clauses.word(group[0]) in ("can", "ca") for group in groups) else You.ADDRESSEE
    if subjects:
        return None
    told = any(clauses.tokens[i].tag == "VBD" or clauses.word(i) in _OF_THE_MOMENT for i in clauses.range)
    return You.ADDRESSEE if told or any(clauses.word(i) == "your" for i in yours) else None


def _is_told(clauses: Clauses, group: Sequence[int], *, anybody: bool) -> bool:
    """A plain present ("you never know") is mostly about anybody."""
    first = clauses.tokens[group[0]]
    if first.tag == "VBD":
        return True
    lemma = first.lemma.casefold()
    return (lemma in _TOLD or first.text in _CONTRACTED) and not (lemma == "be" and anybody)


def _is_present(clauses: Clauses) -> bool:
    roots = [i for i in clauses.range if clauses.tokens[i].dep == "ROOT"]
    return bool(roots) and clauses.tokens[roots[0]].tag in ("VBZ", "VBP", "VB")

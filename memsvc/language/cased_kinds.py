"""What a run of capitalised words names: a person, a place, or something else."""

from __future__ import annotations

import re
from collections.abc import Sequence

from memsvc.language import gazetteer
from memsvc.language.cased_words import CasedWord
from memsvc.language.name_words import BRANDS, DOING, ENTITY_NOUNS, LOCATIVES, PLACE_NOUNS
from memsvc.types import NameKind

CAMEL = re.compile(r"[a-z][A-Z]")
"""Within a word: it is made of several."""
QUOTES = ('"', "“", "„", "«", "‘")
_TOWARDS = frozenset({"to", "from", "at", "of", "von", "bei"})
_WITH = frozenset({"with", "mit", "con", "avec", "с", "met", "com"})


def kind_of(words: Sequence[CasedWord], start: int, end: int, *, introduced: bool) -> NameKind:
    """The kind of the name `words[start:end]`.

    Args:
        words: of the whole text.
        start: first word of the name.
        end: the word after its last.
        introduced: whether a title or what a person is to somebody stands before it.
    """
    name = words[start:end]
    folded = [word.folded for word in name]
    if any(word in ENTITY_NOUNS for word in folded):
        return NameKind.ENTITY
    if len(name) > 1 and any(word in PLACE_NOUNS for word in folded):
        return NameKind.PLACE
    if introduced:
        return NameKind.PERSON
    if len(name) > 1 and name[0].gap.endswith(QUOTES):
        return NameKind.ENTITY
    before = words[start - 1].folded if start and name[0].gap == " " else ""
    if name[-1].suffixed and before == "at":
        before = ""
    return _listed_kind(folded, before) or _unlisted_kind(words, start, end, before)


def _listed_kind(folded: Sequence[str], before: str) -> NameKind | None:
    phrase = " ".join(folded)
    place = gazetteer.is_place(phrase)
    if (phrase in BRANDS and not (place and before in LOCATIVES)) or (before == "at" and not place):
        return NameKind.ENTITY
    given = gazetteer.is_given_name(folded[0])
    if place and (not given or before in LOCATIVES or before in _TOWARDS):
        return NameKind.PLACE
    return NameKind.PERSON if given else None


def _unlisted_kind(words: Sequence[CasedWord], start: int, end: int, before: str) -> NameKind:
    word = words[end - 1]
    after = words[end].folded if end < len(words) and words[end].gap == " " else ""
    if word.text.isupper() or CAMEL.search(word.text):
        return NameKind.ENTITY
    if before in LOCATIVES and len(words[start].text) > 1:
        return NameKind.PLACE
    if word.suffixed or before in _WITH or after in DOING:
        return NameKind.PERSON
    return NameKind.PERSON if end - start > 1 and word.folded in gazetteer.surnames() else NameKind.ENTITY

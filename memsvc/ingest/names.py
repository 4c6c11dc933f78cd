"""What may stand as the name of a speaker: memories are labelled with it, so it must read as nothing but a name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from memsvc.types import Role

RESERVED = {
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "tool": Role.TOOL,
    "function": Role.TOOL,
}
"""Names that say which role speaks, each with that role; with "the" before them too."""
_INVISIBLE = frozenset({"Cf", "Co", "Zl", "Zp"})
_MARKS = re.compile(r"[!?;:\u2026\u3002\u0964\u06d4\u061f\u061b\"\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a`]")
_COLONS = frozenset(
    "\u02d0\u02d1\u02f8\u0589\u05c3\u0703\u0704\u1365\u16ec\u205a\u2236\ua4fd\ua789\ufe13\ufe30\ufe55\uff1a"
)
"""Characters that look like the colon behind a label (Unicode, confusables.txt)."""
_LATIN = str.maketrans("аеорсухіјѕԁһաոսαειορτυν", "aeopcyxijsdhanuaeioptuv")
"""Cyrillic, Armenian and Greek letters that look like Latin ones (Unicode, confusables.txt)."""
_BRACKETS = frozenset({"Ps", "Pe", "Pi", "Pf"})
_APOSTROPHES = "'\u2018\u2019"
_FULL_STOP = re.compile(r"\.(?=\s|\.|$)")
_WORD_BEFORE = re.compile(r"[^\W\d_]*$")
_VOWELS = frozenset("aeiouyаеёиоуыэюяіїєαεηιουω")
_LONGEST_CONTRACTION = 4
_ABBREVIATIONS = frozenset(
    [
        *("adm", "capt", "co", "col", "corp", "dipl", "dott", "dra", "esq", "gen", "gov", "hon", "inc", "ing", "insp"),
        *(
            "mag",
            "maj",
            "med",
            "pres",
            "prof",
            "rep",
            "rev",
            "sen",
            "sra",
            "srta",
            "ste",
            "supt",
            "univ",
            "ven",
            "проф",
        ),
    ]
)
"""Titles and suffixes that are written with a full stop; contractions without a vowel ("Dr.", "Sgt.") need no list."""


def name_faults(name: str, role: Role | None) -> Iterator[str]:
    """What keeps a speaker of this role from being called `name`, control characters aside, in words of ours alone."""
    plain = unicodedata.normalize("NFKC", name)
    if name != name.strip():
        yield "begins or ends with a blank; none is allowed there"
    if any(unicodedata.category(character) in _INVISIBLE for character in name):
        yield "contains an invisible format character; none is allowed"
    if _has_sentence_mark(plain):
        yield (
            "contains a sentence mark, a quotation mark or a bracket; a name may hold letters, digits, blanks, "
            'hyphens, apostrophes and the full stops of abbreviations, such as "Dr. Ana Silva-O\'Neil"'
        )
    key = " ".join(_skeleton(plain).split()).removeprefix("the ")
    owner = RESERVED.get(key)
    if owner is not None and role is not None and owner is not role:
        yield f"is a name reserved for the role {owner.upper()}; leave it empty or give the speaker's own name"


def _skeleton(name: str) -> str:
    """The name as it looks: without case and accents, letters of other scripts as the Latin ones they resemble."""
    letters = unicodedata.normalize("NFD", name.casefold())
    return "".join(c for c in letters if not unicodedata.combining(c)).translate(_LATIN)


def _has_sentence_mark(name: str) -> bool:
    if _MARKS.search(name) or not _COLONS.isdisjoint(name):
        return True
    if any(_is_bracket(name, position) for position in range(len(name))):
        return True
    return any(not _abbreviates(name[: stop.start()]) for stop in _FULL_STOP.finditer(name))


def _is_bracket(name: str, position: int) -> bool:
    """Whether a bracket or a quotation mark stands there; before a letter it may be an apostrophe ("O'Neil")."""
    character = name[position]
    if character in _APOSTROPHES:
        return not name[position + 1 : position + 2].isalpha()
    return unicodedata.category(character) in _BRACKETS or character in "<>"


def _abbreviates(before: str) -> bool:
    """Whether a full stop after this text ends an abbreviation: an initial, a contraction or a known title."""
    found = _WORD_BEFORE.search(before)
    word = found.group().casefold() if found else ""
    letters = unicodedata.normalize("NFD", word)
    vowels = _VOWELS.intersection(letters)
    return len(word) == 1 or word in _ABBREVIATIONS or (1 < len(word) <= _LONGEST_CONTRACTION and not vowels)

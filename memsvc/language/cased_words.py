"""Words of scripts with capitals, less what an apostrophe sets apart, and whether they begin a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass

from memsvc.language.name_words import ELISIONS, TITLES

_LETTER = "[^\\W\\d_\u0600-\u06ff\u0900-\u097f\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_WORD = re.compile(rf"{_LETTER}(?:{_LETTER}|[0-9\u0300-\u036f])*(?:['’\-‐‑&]{_LETTER}+)*")
_OPENS = re.compile(r"[.!?…:\n\t\"“”„«»()\[\]{}|•*–—¿¡\0]|- | -|\d")
"""In the gap before a word that begins a sentence, a heading, an item or a quotation."""


@dataclass(slots=True)
class CasedWord:
    """A word less what an apostrophe sets apart before it (`l'`) and behind it (`'s`)."""

    start: int
    end: int
    text: str
    folded: str
    gap: str
    """What stands between it and the word before."""
    opens: bool
    """Whether it begins a sentence, a heading, an item or a quotation: its capital says little."""
    suffixed: bool
    capital: bool

    @property
    def is_initial(self) -> bool:
        """Whether it is one capital: "J. Smith"."""
        return len(self.text) == 1 and self.text.isupper()


def cased_words(text: str) -> list[CasedWord]:
    """The words of a text that are in scripts with capitals, in order."""
    words: list[CasedWord] = []
    position = 0
    for match in _WORD.finditer(text):
        start, end = match.span()
        word = match.group()
        gap = text[position:start]
        opens = gap != " " and (not words or _opens(gap, words[-1]))
        suffixed = False
        if not word.isalpha():
            start, word, suffixed = _without_affixes(start, word)
        words.append(
            CasedWord(start, start + len(word), word, word.casefold(), gap, opens, suffixed, word[0].isupper())
        )
        position = end
    if words:
        words[0].opens = True
    return words


def _opens(gap: str, before: CasedWord) -> bool:
    """Whether the word behind a gap begins a sentence or the like: not so behind the point of "Dr." and "J."."""
    if gap == ". " and (len(before.text) == 1 or before.folded in TITLES):
        return False
    return bool(_OPENS.search(gap))


def _without_affixes(start: int, word: str) -> tuple[int, str, bool]:
    """Where a word begins and what it is without an elided article before it and an ending in lower case behind it."""
    if "'" not in word and "’" not in word:
        return start, word, False
    head, mark, tail = re.split("(['’])", word, maxsplit=1)
    if head.casefold() in ELISIONS and len(tail) > 1:
        return start + len(head) + len(mark), tail.split("'")[0].split("’")[0], False
    if tail[0].islower() or len(tail) == 1:
        return start, head, True
    return start, word, False

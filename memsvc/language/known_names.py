"""Names that are known already, found in a text as whole words in any case, and in scripts without blanks as parts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from memsvc.language import gazetteer
from memsvc.language.name_words import COMMON_NAMES, NEVER
from memsvc.language.words import STOP_WORDS, is_unspaced
from memsvc.types import NameKind

_WORD = re.compile(r"[^\W_](?:[^\W_]|[\u0300-\u036f\u064b-\u065f\u0900-\u0963\u200c\u200d])*")
_MAX_WORDS = 6
_MIN_CHARACTERS = 2
_FEW = 50


@dataclass(frozen=True, slots=True)
class _Index:
    """Known names by their first word, the longest first, and those of scripts without blanks by two characters."""

    by_word: dict[str, list[tuple[str, ...]]]
    by_pair: dict[str, list[str]]


def known_spans(text: str, known: Collection[str]) -> Iterator[tuple[int, int, NameKind]]:
    """Spans of known names, case-folded ones, without overlaps within a script.

    A name that is a word of the language too ("Will", "May") counts only where it has a capital.
    """
    if not known:
        return
    index = _index(frozenset(known))
    if index.by_word and _may_hold(text, index.by_word):
        yield from _whole_words(text, index.by_word)
    if index.by_pair:
        yield from _parts(text, index.by_pair)


@lru_cache(maxsize=64)
def _index(known: frozenset[str]) -> _Index:
    by_word: dict[str, list[tuple[str, ...]]] = {}
    by_pair: dict[str, list[str]] = {}
    for name in sorted(known, key=len, reverse=True):
        words = tuple(match.group() for match in _WORD.finditer(name))
        if len(name) >= _MIN_CHARACTERS and is_unspaced(name):
            by_pair.setdefault(name[:2], []).append(name)
        elif words and len(words) <= _MAX_WORDS:
            by_word.setdefault(words[0], []).append(words)
    return _Index(by_word, by_pair)


def _may_hold(text: str, by_word: dict[str, list[tuple[str, ...]]]) -> bool:
    """Whether a text may have one of a few names, found faster than word by word."""
    folded = text.casefold()
    return len(by_word) > _FEW or any(word in folded for word in by_word)


def _whole_words(text: str, by_word: dict[str, list[tuple[str, ...]]]) -> Iterator[tuple[int, int, NameKind]]:
    matches = list(_WORD.finditer(text))
    folded = [match.group().casefold() for match in matches]
    i = 0
    while i < len(matches):
        name = _first(by_word.get(folded[i], ()), folded, i)
        if name and (len(name) > 1 or _is_meant(matches[i].group(), name[0])):
            start, end = matches[i].start(), matches[i + len(name) - 1].end()
            yield start, end, _kind(" ".join(name))
            i += len(name)
        else:
            i += 1


def _first(names: Collection[tuple[str, ...]], folded: list[str], i: int) -> tuple[str, ...]:
    return next((name for name in names if tuple(folded[i : i + len(name)]) == name), ())


def _is_meant(word: str, folded: str) -> bool:
    ordinary = folded in COMMON_NAMES or folded in NEVER or folded in STOP_WORDS
    return not ordinary or word[0].isupper()


def _parts(text: str, by_pair: dict[str, list[str]]) -> Iterator[tuple[int, int, NameKind]]:
    i = 0
    while i < len(text) - 1:
        name = next((name for name in by_pair.get(text[i : i + 2], ()) if text.startswith(name, i)), "")
        if name:
            yield i, i + len(name), _kind(name)
        i += len(name) or 1


def _kind(name: str) -> NameKind:
    return NameKind.PLACE if name in gazetteer.places() else NameKind.PERSON

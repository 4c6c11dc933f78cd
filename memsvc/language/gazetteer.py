"""Common names of people and places in many scripts, from the lists that `data/gazetteer.txt` names."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

_RUSSIAN_ENDINGS = ("ой", "ей", "ом", "ем", "ью", "а", "я", "у", "ю", "е", "ы", "и")


@cache
def given_names() -> frozenset[str]:
    """Case-folded given names."""
    return _sections()["given"]


@cache
def surnames() -> frozenset[str]:
    """Case-folded surnames."""
    return _sections()["surnames"]


@cache
def places() -> frozenset[str]:
    """Case-folded countries, large cities and capitals, as they are called in many languages."""
    return _sections()["places"]


def is_given_name(word: str) -> bool:
    """Whether a case-folded word is a given name, in Russian in any case."""
    return word in given_names() or any(base in given_names() for base in _russian_bases(word))


def is_place(words: str) -> bool:
    """Whether case-folded words are a place, in Russian in any case."""
    return words in places() or any(base in places() for base in _russian_bases(words))


def _russian_bases(word: str) -> Iterator[str]:
    """Nominatives that a Russian noun may be a case of."""
    if not "а" <= word[-1:] <= "я":
        return
    for ending in _RUSSIAN_ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) > 1:
            stem = word.removesuffix(ending)
            yield from (stem, stem + "а", stem + "я", stem + "й", stem + "ь", stem + "ия")


@cache
def _sections() -> dict[str, frozenset[str]]:
    return {name: frozenset(lines) for name, lines in _read()}


def _read() -> Iterator[tuple[str, list[str]]]:
    text = files("memsvc.language").joinpath("data", "gazetteer.txt").read_text("utf-8")
    for section in text.split("\n[")[1:]:
        name, _, lines = section.partition("]\n")
        yield name, lines.splitlines()

"""Names of people, places and other entities in any sentence and script, without a model. Linear in the text.

In scripts with capitals a capital is evidence, which its place in the sentence, the language and the text as a whole
strengthen or weaken; lists of names and cues ("my sister X", "X said") decide the rest. Scripts without capitals are
read by lists and cues alone.
"""

from __future__ import annotations

from collections.abc import Collection

from memsvc.language.cased_names import cased_spans
from memsvc.language.caseless_names import caseless_spans
from memsvc.language.known_names import known_spans
from memsvc.language.prose import prose_only
from memsvc.types import Name, NameKind


def find_names(text: str, language: str, known: Collection[str] = ()) -> tuple[Name, ...]:
    """Find the names in a text, in order and without overlaps; `text[name.start : name.end] == name.text`.

    Titles ("Dr."), possessives, and endings behind an apostrophe are no part of a name. Code, addresses and paths hold
    none; nationalities, languages, weekdays and months are none.

    Args:
        text: of any length and in any script.
        language: ISO 639-1 code; decides how much a capital says.
        known: case-folded names, found in any case as whole words, and in scripts without blanks as parts of words.
            A frozenset is read once.
    """
    prose = prose_only(text)
    found = [*known_spans(prose, known), *cased_spans(prose, language), *caseless_spans(prose, language)]
    return tuple(Name(text[start:end], start, end, kind) for start, end, kind in _without_overlaps(found))


def _without_overlaps(found: list[tuple[int, int, NameKind]]) -> list[tuple[int, int, NameKind]]:
    """The longest of those that begin first; of two equal ones the last, since the known come first, of unsure kind."""
    kept: list[tuple[int, int, NameKind]] = []
    for span in sorted(found, key=lambda span: (span[0], -span[1])):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
        elif span[:2] == kept[-1][:2]:
            kept[-1] = span
    return kept

"""People and entities that a question names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from memsvc.types import Analysis, EntitySpan, Token

_ENTITY_LABELS = frozenset(
    {"ORG", "GPE", "LOC", "FAC", "PRODUCT", "EVENT", "WORK_OF_ART", "NORP", "LANGUAGE", "LAW"}
)  # fmt: skip
_POSSESSIVES = ("'s", "’s", "'", "’")


@dataclass(frozen=True, slots=True)
class Names:
    """Names in order of appearance, each as it was written, without a possessive ending.

    A proper noun that the tagger saw but could not type stands in both lists: a symbolic match is an "any of".
    """

    people: tuple[str, ...]
    entities: tuple[str, ...]
    people_spans: tuple[tuple[int, int], ...]
    """Half-open character spans of the people."""

    @property
    def all(self) -> tuple[str, ...]:
        """People and entities, each name once."""
        return _unique((*self.people, *self.entities))


def question_names(analysis: Analysis) -> Names:
    """Collect the names of an analysed question; without tags, words with a capital inside a sentence count."""
    typed = [span for span in analysis.entities if span.label == "PERSON" or span.label in _ENTITY_LABELS]
    untyped = _untyped_names(analysis, typed)
    people = [span for span in typed if span.label == "PERSON"] + untyped
    entities = [span for span in typed if span.label in _ENTITY_LABELS] + untyped
    people.sort(key=lambda span: span.start)
    entities.sort(key=lambda span: span.start)
    return Names(
        people=_unique(_bare(span.text) for span in people),
        entities=_unique(_bare(span.text) for span in entities),
        people_spans=tuple((span.start, span.end) for span in people),
    )


def without_people(text: str, names: Names) -> str:
    """Return the question without the people it names, or unchanged when nothing else would be left.

    Dense views are built without speaker names: a name moves an embedding towards everything that person said.
    """
    kept, position = [], 0
    for start, end in names.people_spans:
        kept.append(text[position:start])
        position = max(position, end)
    rest = " ".join(("".join(kept) + text[position:]).replace("'s ", " ").replace("’s ", " ").split())
    return rest if any(character.isalnum() for character in rest) else text


def _untyped_names(analysis: Analysis, typed: list[EntitySpan]) -> list[EntitySpan]:
    sentence_starts = {start for start, _ in analysis.sentences}
    return [
        EntitySpan(token.text, "", token.start, token.end)
        for i, token in enumerate(analysis.tokens)
        if _is_name(token, first=i in sentence_starts) and not _inside(token, analysis.entities, typed)
    ]


def _is_name(token: Token, *, first: bool) -> bool:
    if token.pos:
        return token.pos == "PROPN" and token.text[:1].isupper()
    return not first and token.text[:1].isupper()


def _inside(token: Token, *groups: Iterable[EntitySpan]) -> bool:
    return any(span.start <= token.start < span.end for group in groups for span in group)


def _bare(name: str) -> str:
    for ending in _POSSESSIVES:
        name = name.removesuffix(ending)
    return name.strip()


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    """Drop empty names and repeats under case folding, keeping order."""
    first: dict[str, str] = {}
    for name in names:
        if name:
            first.setdefault(name.casefold(), name)
    return tuple(first.values())

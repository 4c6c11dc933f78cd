"""People and entities that a question names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from memsvc.types import Name, NameKind


@dataclass(frozen=True, slots=True)
class Names:
    """Names in order of appearance, each as it was written, without a possessive ending.

    A name whose kind could not be told stands in both lists: a symbolic match is an "any of".
    """

    people: tuple[str, ...]
    entities: tuple[str, ...]
    people_spans: tuple[tuple[int, int], ...]
    """Half-open character spans of the people."""

    @property
    def all(self) -> tuple[str, ...]:
        """People and entities, each name once."""
        return _unique((*self.people, *self.entities))


def question_names(found: Iterable[Name]) -> Names:
    """Sort the names found in a question; places are among its entities."""
    found = tuple(found)
    people = [name for name in found if name.kind is NameKind.PERSON]
    return Names(
        people=_unique(name.text for name in found if name.kind is not NameKind.PLACE),
        entities=_unique(name.text for name in found if name.kind is not NameKind.PERSON),
        people_spans=tuple((name.start, name.end) for name in people),
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


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    """Drop repeats under case folding, keeping order."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.casefold(), name)
    return tuple(first.values())

"""Generates what consolidation is measured with: facts said again and again, and values that change.

Cases are drawn from the templates with a seed. Each is a conversation of one user with the truth beside it: which
sentences say the same, and which value holds from when on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

import numpy as np

from memsvc.bench.templates.kinds import Attribute, Fact, Templates

T = TypeVar("T")
START = datetime(2024, 1, 3, 9, tzinfo=UTC)
SPEAKERS = ("Ana", "Ben", "")
_MOST_SAYS = 8
# Facts that are about the attribute of a case, and so are no background for it.
_CLASHES = {
    "home": {"home"},
    "address": {"home"},
    "employer": {"work"},
    "cats": {"children"},
    "diet": {"like"},
    "doctor": {"doctor"},
    "car": {"purchase"},
    "bike state": {"sold"},
    "newspaper": {"subscription"},
}


class Kind(StrEnum):
    """What happens in a case."""

    REDUNDANCY = "redundancy"
    CHANGE = "change"
    CHAIN = "chain"
    RETURN = "return"
    CORRECTION = "correction"
    END = "end"
    UNSAID = "unsaid"
    CASCADE = "cascade"
    DELETION = "deletion"


@dataclass(frozen=True, slots=True)
class Said:
    """One turn. `fact` names what it says, the same for turns that say the same.

    `value` is what holds of the case's attribute from then on; None for turns about something else, empty where it
    ended.
    """

    content: str
    time: datetime
    fact: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One user's conversation, in order of time."""

    name: str
    kind: Kind
    template: str
    speaker: str
    turns: tuple[Said, ...]


def generate(templates: Templates, seed: int, *, repeats: int = 2, redundancy_repeats: int = 10) -> list[Case]:
    """All cases of one half: `repeats` of each kind for every attribute, `redundancy_repeats` for every fact."""
    rng = np.random.default_rng(seed)
    cases = [_redundancy(fact, rng, f"{fact.name}/{i}") for fact in templates.facts for i in range(redundancy_repeats)]
    for attribute in templates.attributes:
        for kind in (k for k in Kind if k is not Kind.REDUNDANCY):
            if kind is Kind.END and not attribute.ends:
                continue
            cases += [_update(attribute, templates, kind, rng, f"{attribute.name}/{kind}/{i}") for i in range(repeats)]
    return cases


def _redundancy(fact: Fact, rng: np.random.Generator, name: str) -> Case:
    v, w = _draw(fact.values, 2, rng) if len(fact.values) > 1 else (fact.values[0], "")
    k, other = _draw(fact.seconds, 2, rng) if len(fact.seconds) > 1 else (fact.seconds[0], "")
    count = int(rng.integers(1, _MOST_SAYS + 1))
    said = [(text.format(v=v, w=w, k=k, l=other), "fact") for text in _draw(fact.says, count, rng)]
    near = [(text.format(v=v, w=w, k=k, l=other), f"near {i}") for i, text in enumerate(fact.near)]
    mixed = [*said, *near]
    order = rng.permutation(len(mixed))
    turns = tuple(Said(*_at(mixed[i], position, rng)) for position, i in enumerate(order))
    return Case(name, Kind.REDUNDANCY, fact.name, _speaker(rng), turns)


def _update(attribute: Attribute, templates: Templates, kind: Kind, rng: np.random.Generator, name: str) -> Case:
    values = _draw(attribute.values, len(attribute.values), rng)
    told = list(_story(attribute, kind, values, rng))
    background = [(text, f"other {i}", None) for i, text in enumerate(_background(attribute, templates, kind, rng))]
    spare = values[-1] if len(values) > 2 or kind in (Kind.UNSAID, Kind.END) else None
    if spare is not None:
        unsaid = _draw(attribute.unsaid, int(rng.integers(1, 3)), rng)
        background += [(text.format(v=spare), f"unsaid {i}", None) for i, text in enumerate(unsaid)]
    places = sorted(rng.choice(len(told) + len(background), len(told), replace=False))
    ordered: list[tuple[str, str, str | None]] = list(background)
    for place, turn in zip(places, told, strict=True):
        ordered.insert(int(place), turn)
    turns = tuple(
        Said(text, START + timedelta(days=3 * i, minutes=int(rng.integers(0, 300))), fact, value)
        for i, (text, fact, value) in enumerate(ordered)
    )
    return Case(name, kind, attribute.name, _speaker(rng), turns)


def _story(
    attribute: Attribute, kind: Kind, values: list[str], rng: np.random.Generator
) -> Iterator[tuple[str, str, str | None]]:
    """The turns about the attribute: wording, fact and value."""
    first, second = values[0], values[1]
    for text in _draw(attribute.states, int(rng.integers(1, len(attribute.states) + 1)), rng):
        yield text.format(v=first), f"value {first}", first
    path: list[str] = []
    if kind in (Kind.CHANGE, Kind.CASCADE):
        path = [second]
    elif kind is Kind.CHAIN:
        path = values[1:3]
    elif kind is Kind.RETURN:
        path = [second, first]
    for step, value in enumerate(path):
        yield _one(attribute.changes, rng).format(v=value), f"value {value} {step}", value
        if rng.random() < 0.5:
            yield _one(attribute.states, rng).format(v=value), f"value {value} {step}", value
    if kind is Kind.CORRECTION:
        yield _one(attribute.corrections, rng).format(v=second), f"value {second} 0", second
    if kind is Kind.END:
        yield _one(attribute.ends, rng).format(v=first), "end", ""


def _background(attribute: Attribute, templates: Templates, kind: Kind, rng: np.random.Generator) -> Iterator[str]:
    """Sentences about other things; more of them where episodes are wanted."""
    facts = [fact for fact in templates.facts if fact.name not in _CLASHES.get(attribute.name, ())]
    wanted = 7 if kind in (Kind.CASCADE, Kind.DELETION) else int(rng.integers(2, 6))
    for fact in _draw(tuple(facts), min(wanted, len(facts)), rng):
        yield _one(fact.says, rng).format(v=_one(fact.values, rng), k=_one(fact.seconds, rng))


def _at(text: tuple[str, str], position: int, rng: np.random.Generator) -> tuple[str, datetime, str]:
    return text[0], START + timedelta(days=3 * position, minutes=int(rng.integers(0, 300))), text[1]


def _speaker(rng: np.random.Generator) -> str:
    return _one(SPEAKERS, rng)


def _draw(items: Sequence[T], count: int, rng: np.random.Generator) -> list[T]:
    return [items[i] for i in rng.choice(len(items), count, replace=False)]


def _one(items: Sequence[T], rng: np.random.Generator) -> T:
    return items[int(rng.integers(len(items)))]

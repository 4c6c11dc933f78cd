"""Synthetic growth: copies of really compressed conversations that differ in names, dates, wording and vectors.

A copy is told by other people (names of `PEOPLE` for the people, coined words for the entities, each consistently),
in other weeks (whole weeks, so that a date stays on its day of the week), and in every other memory one sentence is
taken from another memory of the same speaker. Its vectors are the originals' plus Gaussian noise, renormalised; see
`NOISE`. Everything depends on the seed, the conversation and the number of the copy alone.
"""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import product

import numpy as np

from memsvc.language.spans import MONTHS
from memsvc.language.splitting import sentences
from memsvc.ports import Vectors
from memsvc.types import Memory, Neighbour, Scope, Symbolic, TurnRef

NOISE = 0.6
"""Length of the noise added to a unit vector: cosine to the original about 1 / sqrt(1 + NOISE²) = 0.86.

That is what the built-in model gives between a memory and its copy's text; see docs/benchmarks.md.
"""
MAX_WEEKS = 520
EVERYONE = "everyone"
"""The user of a store that has only one."""

_PEOPLE = """
Abigail Adrian Agnes Aidan Aisha Alan Alma Amara Amos Anders Angela Anika Anton Astrid Barnaby Beatrice
Benedict Bianca Bodil Boris Bram Brenda Bruno Calvin Camilla Carmen Cecil Celia Chloe Clara Claude Conrad Cora
Cyril Dagmar Damian Daphne Declan Delia Dominic Dora Edgar Edith Eleanor Elias Elsa Emil Enid Erik Esther
Ethel Eugene Farid Fatima Felix Fergus Fiona Flora Floyd Frieda Gareth Gemma Gerald Gilda Giles Greta Gustav
Gwen Hamish Hannes Hassan Hazel Hector Heidi Helga Henrik Hilda Hugo Ibrahim Imogen Ines Ingrid Irma Isaac
Ivan Ivy Jasper Joachim Joyce Judith Julius Karim Katya Kerstin Klara Konrad Lars Laurel Leah Leopold Lena
Lionel Lorna Ludwig Lydia Mabel Magnus Malik Marcel Margot Marta Matilda Maurice Mavis Mikael Milo Mina Miriam
Moira Nadia Naomi Nestor Nina Noel Nora Odette Olaf Olga Omar Orla Oswald Otto Pascal Pavel Pedro Petra Phoebe
Priya Quentin Ralph Ramona Rasmus Regina Renata Rhoda Roland Rosalind Rufus Rupert Sabine Samir Saskia Selma
Sibyl Sigrid Silas Sonia Stella Sven Tabitha Tariq Tessa Thelma Tobias Trudy Ulrich Una Ursula Valerie Vera
Vernon Viktor Viola Walter Wanda Wilbur Wilma Winston Xenia Yara Yusuf Yvette Zara Zelda Zoltan
"""
_HEADS = "al bar cor dar el fen gal har is jor kel lor mar nor or pel quin ros sal tar ul ven wes yor zan"
_MIDDLES = "a e i o u an en in on ar er or al el il"
_TAILS = "bek dale dor fall gate holm ka lin mere mont na nova port ria ryn stad ta thorpe ville wick"
PEOPLE = tuple(_PEOPLE.split())
COINED = tuple("".join(parts).capitalize() for parts in product(_HEADS.split(), _MIDDLES.split(), _TAILS.split()))
"""7,500 words for entities and places, such as Zanelville."""

_DAY = re.compile(rf"\b(\d{{1,2}}) ({'|'.join(MONTHS)}) (\d{{4}})\b")


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What is stored of a conversation: its user, the memories and their vectors [memories, dimension]."""

    user: str
    memories: tuple[Memory, ...]
    vectors: Vectors


def copies(originals: Sequence[Told], units: int, *, seed: int, one_user: bool) -> Iterator[Told]:
    """The originals, then as many copies as make `units` memories in all; the last is cut to that number.

    Each copy is one session. It belongs to a user of its own, or all to EVERYONE.
    """
    left = units
    number = 0
    while left > 0:
        for told in originals:
            if left <= 0:
                return
            user = told.user if number == 0 else f"{told.user}-{number}"
            scope = Scope(EVERYONE, "", user) if one_user else Scope(user, "", "all")
            grown = copy(told, number, scope, seed=seed)
            if len(grown.memories) > left:
                grown = replace(grown, memories=grown.memories[:left], vectors=grown.vectors[:left])
            left -= len(grown.memories)
            yield grown
        number += 1


def copy(told: Told, number: int, scope: Scope, *, seed: int) -> Told:
    """Copy `number` of a conversation, in another scope; number 0 says what the original says."""
    chance = random.Random(f"{seed}/{told.user}/{number}")  # noqa: S311 - a sample, not a secret
    weeks = timedelta(weeks=chance.randrange(-MAX_WEEKS, 0)) if number else timedelta(0)
    rename = _renaming(told, chance) if number else _unchanged
    change = _Change(scope, weeks, rename)
    memories = tuple(change.memory(memory, number) for memory in (_mixed(told, chance) if number else told.memories))
    vectors = _noisy(told.vectors, np.random.default_rng([seed, number, len(told.user)])) if number else told.vectors
    return Told(scope.user_id, memories, vectors)


@dataclass(frozen=True, slots=True)
class _Change:
    """What makes a copy of its original: another scope, other weeks, other names."""

    scope: Scope
    weeks: timedelta
    rename: Callable[[str], str]

    def memory(self, memory: Memory, number: int) -> Memory:
        symbolic = memory.symbolic
        return replace(
            memory,
            id=str(uuid.uuid5(uuid.UUID(memory.id), f"{number}/{self.scope.key}")),
            scope=self.scope,
            text=self.text(memory.text),
            dense_text=self.text(memory.dense_text),
            lexical_text=self.text(memory.lexical_text),
            neighbours=tuple(
                Neighbour(TurnRef(self.scope, each.ref.turn_id), self.text(each.text)) for each in memory.neighbours
            ),
            event_time=memory.event_time + self.weeks,
            valid_from=self._time(memory.valid_from),
            valid_to=self._time(memory.valid_to),
            symbolic=Symbolic(
                people=tuple(self.rename(name) for name in symbolic.people),
                entities=tuple(self.rename(name) for name in symbolic.entities),
                place=self.rename(symbolic.place),
                topic=symbolic.topic,
                speaker=self.rename(symbolic.speaker),
            ),
            sources=tuple(TurnRef(self.scope, ref.turn_id) for ref in memory.sources),
            version=1,
        )

    def text(self, text: str) -> str:
        return _DAY.sub(self._day, self.rename(text)) if self.weeks else text

    def _day(self, match: re.Match[str]) -> str:
        try:
            day = date(int(match[3]), MONTHS.index(match[2]) + 1, int(match[1])) + self.weeks
        except (ValueError, OverflowError):  # "31 June 2023" stays as it was said
            return match[0]
        return f"{day.day} {MONTHS[day.month - 1]} {day.year}"

    def _time(self, time: datetime | None) -> datetime | None:
        if time is None or not datetime(600, 1, 1, tzinfo=UTC) < time < datetime(9000, 1, 1, tzinfo=UTC):
            return time
        return time + self.weeks


def _renaming(told: Told, chance: random.Random) -> Callable[[str], str]:
    """Replaces whole words: speakers and people by other names, entities and places by coined words."""
    people = {name for memory in told.memories for name in (memory.symbolic.speaker, *memory.symbolic.people)}
    things = {name for memory in told.memories for name in (*memory.symbolic.entities, memory.symbolic.place)}
    new = dict(zip(sorted(people - {""}), _drawn(PEOPLE, len(people), chance), strict=False))
    new |= {name: chance.choice(COINED) for name in sorted(things - people - {""})}
    if not new:
        return _unchanged
    # The longest first: "New York" before "York".
    pattern = re.compile(rf"\b(?:{'|'.join(re.escape(name) for name in sorted(new, key=len, reverse=True))})\b")
    return lambda text: pattern.sub(lambda match: new[match[0]], text)


def _unchanged(text: str) -> str:
    return text


def _drawn(names: Sequence[str], count: int, chance: random.Random) -> list[str]:
    """`count` names, each at most once more often than any other."""
    drawn: list[str] = []
    while len(drawn) < count:
        drawn += chance.sample(names, len(names))
    return drawn


def _mixed(told: Told, chance: random.Random) -> list[Memory]:
    """Every other memory ends with a sentence of another memory of the same speaker, in each of its texts."""
    by_speaker: dict[str, list[Memory]] = {}
    for memory in told.memories:
        by_speaker.setdefault(memory.symbolic.speaker, []).append(memory)
    return [
        _ending_as(memory, chance.choice(by_speaker[memory.symbolic.speaker])) if i % 2 else memory
        for i, memory in enumerate(told.memories)
    ]


def _ending_as(memory: Memory, other: Memory) -> Memory:
    text = _spliced(memory.text, other.text)
    return replace(
        memory,
        text=text,
        dense_text=_spliced(memory.dense_text, other.dense_text),
        lexical_text=memory.lexical_text.replace(memory.text, text, 1),
    )


def _spliced(text: str, other: str) -> str:
    """`text` with the last sentence of `other` in the place of its own last one, or after its only one."""
    told = sentences(text)
    kept = told[:-1] or told
    return " ".join((*kept, *sentences(other)[-1:]))


def _noisy(vectors: Vectors, chance: np.random.Generator) -> Vectors:
    noise = chance.standard_normal(vectors.shape, np.float32)
    mixed = vectors + noise * np.float32(NOISE / np.sqrt(vectors.shape[1]))
    unit: Vectors = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return unit

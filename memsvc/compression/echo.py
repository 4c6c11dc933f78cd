"""Sentences that repeat what was told before: an assistant says again what it recalled, a user pastes it back.

An echo is known by its words: nearly all runs of `RUN` words in it stand in one text that was told before. It adds no
memory. Somebody who says again what they themselves said does mean it, so their own earlier turns make no echo, unless
they repeat a whole block of what memory told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from memsvc.compression.pieces import Piece
from memsvc.compression.reading import Reading
from memsvc.language.words import tokenize
from memsvc.types import Role

RUN = 4
"""Words of a run."""
FEWEST_WORDS = 6
"""Of an assistant's sentence that is an echo: shorter ones are said alike by chance."""
PASTED_WORDS = 24
"""Of what a user repeats, over all its sentences: less may be meant anew ("I live in Porto again")."""
REPEATED = 0.75
"""Share of a sentence's runs that one earlier text must have."""
_PERSONS = {
    "i": "you", "me": "you", "my": "your", "mine": "yours", "am": "are",
    "i'm": "you're", "i've": "you've", "i'll": "you'll", "i'd": "you'd",
}  # fmt: skip
"""An echo turns round who speaks: "my dogs" comes back as "your dogs"."""


class Told:
    """Runs of words of texts that were told before, each with the speaker that it was told of or by."""

    def __init__(self) -> None:
        self._by_run: defaultdict[tuple[str, ...], set[int]] = defaultdict(set)
        self._texts = 0

    def add(self, text: str) -> None:
        """Remember a text."""
        for run in _runs(tokenize(text)):
            self._by_run[run].add(self._texts)
        self._texts += 1

    def repeats(self, text: str) -> bool:
        """Whether one text that was told before holds nearly all of this one's runs."""
        runs = _runs(tokenize(text))
        if not runs:
            return False
        counts: defaultdict[int, int] = defaultdict(int)
        for run in runs:
            for number in self._by_run.get(run, ()):
                counts[number] += 1
        return max(counts.values(), default=0) >= REPEATED * len(runs)


def told_before(texts: Iterable[str]) -> Told:
    """What memories told, by their texts."""
    told = Told()
    for text in texts:
        told.add(text)
    return told


def echoes(reading: Reading, told: Told) -> frozenset[Piece]:
    """The pieces of a turn that repeat what was told."""
    sentences = [piece for piece in reading.prose if not piece.is_question(reading.turn.content)]
    repeated = [piece for piece in sentences if told.repeats(reading.text(piece))]
    if reading.turn.role is Role.ASSISTANT:
        return frozenset(piece for piece in repeated if _length(reading, [piece]) >= FEWEST_WORDS)
    pasted = reading.turn.role is Role.USER and _length(reading, repeated) >= PASTED_WORDS
    return frozenset(repeated) if pasted else frozenset()


def _length(reading: Reading, pieces: Sequence[Piece]) -> int:
    return sum(len(tokenize(reading.text(piece))) for piece in pieces)


def _runs(said: Sequence[str]) -> set[tuple[str, ...]]:
    words = [_PERSONS.get(word, word) for word in said]
    return {tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}

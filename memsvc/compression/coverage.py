"""The sentences of a session that cover most of its content words for their tokens.

Greedy maximisation of a submodular function (Lin and Bilmes, 2011): the gain of a sentence is the self-information,
in bits beyond `ORDINARY_BITS`, of the stems that no chosen sentence has yet, over the tokens of the sentence as told.
Sentences are chosen, highest gain first, until the best one left gains less than `LEAST_GAIN` bits a token.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memsvc.compression.reading import Reading
from memsvc.language.words import STOP_WORDS, stems, tokenize
from memsvc.ports import Surprisal, TokenCounter

ORDINARY_BITS = 6.0
LEAST_GAIN = 2.25
"""Bits a token; some quarter of the tokens of a chat between people is chosen."""

Place = tuple[int, int]
"""A reading's index and where a piece of it starts."""


@dataclass(frozen=True, slots=True)
class _Sentence:
    place: Place
    bits: Mapping[str, float]
    tokens: int

    def gain(self, covered: set[str]) -> float:
        return sum(bits for stem, bits in self.bits.items() if stem not in covered) / self.tokens


def covering(
    readings: Sequence[Reading], first: int, surprisals: Sequence[Surprisal], tokens: TokenCounter
) -> frozenset[Place]:
    """Choose among the pieces of the readings from index `first` on; those that are not English are all chosen."""
    chosen: set[Place] = set()
    sentences: list[_Sentence] = []
    for i in range(first, len(readings)):
        reading = readings[i]
        if reading.language != "en":
            chosen.update((i, piece.start) for piece in reading.pieces)
            continue
        for piece in reading.pieces:
            text = reading.text(piece)
            cost = max(1, tokens.count(f"{reading.turn.speaker_name}: {text}"))
            sentences.append(_Sentence((i, piece.start), _bits(text, surprisals[i]), cost))
    return frozenset(chosen | _greedy(sentences))


def _greedy(sentences: Sequence[_Sentence]) -> set[Place]:
    """Lazy: a gain only falls as words are covered, so one that is still on top after an update is the largest."""
    chosen: set[Place] = set()
    covered: set[str] = set()
    queue = [(-sentence.gain(covered), i) for i, sentence in enumerate(sentences)]
    heapq.heapify(queue)
    while queue:
        _, i = heapq.heappop(queue)
        gain = sentences[i].gain(covered)
        if queue and gain < -queue[0][0]:
            heapq.heappush(queue, (-gain, i))
        elif gain < LEAST_GAIN:
            break
        else:
            chosen.add(sentences[i].place)
            covered.update(sentences[i].bits)
    return chosen


def _bits(text: str, surprisal: Surprisal) -> dict[str, float]:
    found: dict[str, float] = {}
    for word in sorted({word for word in tokenize(text) if word not in STOP_WORDS}):
        bits = max(0.0, surprisal.bits(word, "en") - ORDINARY_BITS)
        for stem in stems(word):
            found[stem] = max(found.get(stem, 0.0), bits)
    return found

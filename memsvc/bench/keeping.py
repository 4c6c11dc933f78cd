"""Simple ways to keep less of a conversation: the curves that a compressor has to beat.

    random          turns in random order
    idf_turns       turns by the mean IDF of their words, highest first
    idf_sentences   sentences by the mean IDF of their words, highest first

IDF of a stem is ln(1 + (N - n + 0.5) / (n + 0.5)) over the N turns of the conversation, n of which hold it. Each way
takes what fits a share of the tokens, in its order; sentences of one turn become one unit again, in their own order.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean

from memsvc.bench.units import Unit
from memsvc.language.words import stems
from memsvc.ports import TokenCounter

_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|\n+")
Keep = Callable[[Sequence[Unit], float], list[Unit]]


def ways(language: str, tokens: TokenCounter, seed: int) -> dict[str, Keep]:
    """Each way by name: from the turns of a conversation and a share of their tokens to the units kept."""

    def keep_random(units: Sequence[Unit], share: float) -> list[Unit]:
        order = random.Random(seed).sample(range(len(units)), len(units))  # noqa: S311 - an order, not a secret
        return _merge(units, [(i, units[i].content) for i in order], share, tokens)

    def keep_turns(units: Sequence[Unit], share: float) -> list[Unit]:
        parts = [(i, unit.content) for i, unit in enumerate(units)]
        return _merge(units, _densest(units, parts, language), share, tokens)

    def keep_sentences(units: Sequence[Unit], share: float) -> list[Unit]:
        parts = [(i, sentence) for i, unit in enumerate(units) for sentence in sentences(unit.content)]
        return _merge(units, _densest(units, parts, language), share, tokens)

    return {"random": keep_random, "idf_turns": keep_turns, "idf_sentences": keep_sentences}


def sentences(text: str) -> list[str]:
    """Cut a text after sentence marks that a space follows, and at line breaks."""
    return [part for part in _SENTENCE_END.split(text) if part.strip()]


def _densest(units: Sequence[Unit], parts: list[tuple[int, str]], language: str) -> list[tuple[int, str]]:
    found = Counter(stem for unit in units for stem in set(stems(unit.content, language)))

    def density(part: tuple[int, str]) -> float:
        words = stems(part[1], language)
        return fmean(_idf(found[word], len(units)) for word in words) if words else 0.0

    return sorted(parts, key=density, reverse=True)


def _idf(holding: int, total: int) -> float:
    return math.log(1 + (total - holding + 0.5) / (holding + 0.5))


def _merge(units: Sequence[Unit], ordered: list[tuple[int, str]], share: float, tokens: TokenCounter) -> list[Unit]:
    """Take parts in order up to the share; put those of a unit together again, as they stood."""
    left = share * sum(tokens.count(unit.content) for unit in units)
    kept: dict[int, list[str]] = defaultdict(list)
    for i, part in ordered:
        cost = tokens.count(part)
        if cost <= left:
            left -= cost
            kept[i].append(part)
    return [replace(units[i], content=" ".join(sorted(kept[i], key=units[i].content.index))) for i in sorted(kept)]

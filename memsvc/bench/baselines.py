"""Rankings of turns to beat: lexical, dense, and two ways to fuse them.

    bm25     BM25 (k1 1.5, b 0.75) of "Speaker: text", stemmed, stop words out
    dense    cosine of all-MiniLM-L6-v2 embeddings of "Speaker: text" and the question
    rrf      sum of 1 / (60 + rank) over bm25 and dense
    hybrid   .35 bm25 + .25 dense without speaker names + .20 dense of previous-and-self without speaker names
             + .20 bm25 of previous-and-self + .05 if the question names the speaker; the first four min-max
             normalised over the conversation's turns, for each question

Without speaker names means: cut out of the question, and the texts embedded without the speaker before them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import bm25s
import numpy as np
from numpy.typing import NDArray

from memsvc.bench.units import Unit
from memsvc.language.words import stems

K1, B = 1.5, 0.75
RRF_CONSTANT = 60
LEXICAL, DENSE, DENSE_PAIR, LEXICAL_PAIR, NAMED = 0.35, 0.25, 0.20, 0.20, 0.05
RANKED = ("bm25", "dense", "rrf", "hybrid")

# The package sets its own logger to DEBUG, whatever the program's level is.
logging.getLogger("bm25s").setLevel(logging.WARNING)

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
Scores = NDArray[np.float64]


class Baselines:
    """Scores every unit of one conversation for a question, by each method of `RANKED`.

    Args:
        units: in order of time.
        names: of the speakers; roles do not count.
        language: of the texts, as an ISO 639-1 code.
        embed: texts to unit-length vectors, one row each.
    """

    def __init__(self, units: Sequence[Unit], names: Sequence[str], language: str, embed: Embed) -> None:
        self._language = language
        self._embed = embed
        self._names = _name_pattern(names)
        self._speakers = [unit.speaker.casefold() for unit in units]
        said = [unit.text for unit in units]
        bare = [" ".join(unit.content.split()) for unit in units]
        self._bm25 = _bm25(said, language)
        self._bm25_pair = _bm25(_with_previous(said), language)
        self._dense = embed(said)
        self._dense_bare = embed(bare)
        self._dense_pair = embed(_with_previous(bare))

    def expect(self, questions: Sequence[str]) -> None:
        """Embed questions together, which is faster than each when its turn comes."""
        if questions:
            self._embed([*questions, *map(self._without_names, questions)])

    def scores(self, question: str) -> Mapping[str, Scores]:
        """Scores of shape [units], higher is better."""
        words = stems(question, self._language)
        bare = self._without_names(question)
        lexical, dense = _bm25_scores(self._bm25, words), self._cosine(self._dense, question)
        hybrid = (
            LEXICAL * _min_max(lexical)
            + DENSE * _min_max(self._cosine(self._dense_bare, bare))
            + DENSE_PAIR * _min_max(self._cosine(self._dense_pair, bare))
            + LEXICAL_PAIR * _min_max(_bm25_scores(self._bm25_pair, words))
            + NAMED * self._named(question)
        )
        return {"bm25": lexical, "dense": dense, "rrf": reciprocal_ranks(lexical, dense), "hybrid": hybrid}

    def _cosine(self, vectors: NDArray[np.float32], text: str) -> Scores:
        return np.asarray(vectors @ self._embed([text])[0], np.float64)

    def _without_names(self, question: str) -> str:
        if self._names is None:
            return question
        rest = " ".join(self._names.sub(" ", question).split())
        return rest if any(character.isalnum() for character in rest) else question

    def _named(self, question: str) -> Scores:
        named = {match.group("name").casefold() for match in self._names.finditer(question)} if self._names else set()
        return np.array([speaker in named for speaker in self._speakers], np.float64)


def best_first(scores: Scores) -> NDArray[np.intp]:
    """Order units by score, equal ones in order of time."""
    return np.argsort(-scores, kind="stable")


def reciprocal_ranks(*rankings: Scores) -> Scores:
    """Reciprocal rank fusion (Cormack et al., SIGIR 2009): the sum of 1 / (60 + rank), ranks from 1."""
    total = np.zeros(len(rankings[0]))
    for scores in rankings:
        total[best_first(scores)] += 1 / (RRF_CONSTANT + np.arange(1, len(scores) + 1))
    return total


def _min_max(scores: Scores) -> Scores:
    low, high = scores.min(), scores.max()
    return (scores - low) / (high - low) if high > low else np.zeros_like(scores)


def _with_previous(texts: Sequence[str]) -> list[str]:
    return [*texts[:1], *(f"{before} {text}" for before, text in pairwise(texts))]


def _name_pattern(names: Sequence[str]) -> re.Pattern[str] | None:
    known = sorted({name for name in names if name}, key=len, reverse=True)
    if not known:
        return None
    return re.compile(rf"\b(?P<name>{'|'.join(map(re.escape, known))})\b(?:['’]s\b)?", re.IGNORECASE)


def _bm25(texts: Sequence[str], language: str) -> Any:
    index = bm25s.BM25(k1=K1, b=B)
    index.index([stems(text, language) for text in texts], show_progress=False)
    return index


def _bm25_scores(index: Any, words: list[str]) -> Scores:
    return np.asarray(index.get_scores(words), np.float64)

"""The one sentence of a memory that says most about the question, for memories that are not worth all their tokens.

The best memories are told in full, because an answer often stands in a sentence that shares no word with its question.
Further down a list it is the better bet to hear one sentence each of twice as many memories.

    score(s) = COVERAGE * cover(s) + INFORMATION * info(s) + KIND * kind(s) - ASKING * asks(s)

`cover` is the share of the question's IDF mass whose words occur in the sentence, `info` the sentence's own IDF mass
over the largest in its memory, `kind` whether it has a number where a time or a number is asked for, and `asks`
whether it is a question itself. IDF is that of the candidates: log(1 + (n - df + 0.5) / (df + 0.5)).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from memsvc.language.splitting import sentences
from memsvc.language.words import stems
from memsvc.retrieval.question import Asked, Question

COVERAGE = 1.0
INFORMATION = 0.15
KIND = 0.3
ASKING = 0.3

_LABEL = re.compile(r"^[^\s:.!?\"“]+(?: [^\s:.!?\"“]+){0,2}: (?=[^\s\"“])")
"""Who is quoted, where a statement begins with it: "Caroline: "."""
_NUMBERED = frozenset({Asked.TIME, Asked.NUMBER})


class Excerpts:
    """Cuts statements down to one sentence, for one question and its candidates' texts."""

    def __init__(self, question: Question, texts: Iterable[str]) -> None:
        self._language = question.language
        frequency: Counter[str] = Counter()
        count = 0
        for text in texts:
            frequency.update(_stems(text, self._language))
            count += 1
        self._idf = {
            stem: math.log1p((count - document_frequency + 0.5) / (document_frequency + 0.5))
            for stem, document_frequency in frequency.items()
        }
        self._unseen = math.log1p((count + 0.5) / 0.5)
        self._terms = frozenset(
            stems(question.text, self._language)
        )  # with names: a sentence about the one who is named is nearer
        self._mass = self._sum(self._terms) or 1.0
        self._numbered = bool(question.asks & _NUMBERED)

    def of(self, text: str) -> str:
        """The best sentence of a text, under the name of its speaker where the text begins with it."""
        parts = sentences(text)
        if len(parts) < 2:
            return text
        label = _LABEL.match(text)
        largest = max(self._sum(_stems(part, self._language)) for part in parts) or 1.0
        best = max(parts, key=lambda part: self._score(part, largest))
        return best if label is None or best is parts[0] else label.group() + best

    def _score(self, sentence: str, largest: float) -> float:
        found = _stems(sentence, self._language)
        return (
            COVERAGE * self._sum(found & self._terms) / self._mass
            + INFORMATION * self._sum(found) / largest
            + KIND * (self._numbered and any(character.isdigit() for character in sentence))
            - ASKING * ("?" in sentence or "？" in sentence or "؟" in sentence)
        )

    def _sum(self, found: Iterable[str]) -> float:
        return sum(self._idf.get(stem, self._unseen) for stem in sorted(found))


@lru_cache(maxsize=16_384)
def _stems(text: str, language: str) -> frozenset[str]:
    return frozenset(stems(text, language))

"""A part of a long memory: the sentences around the one that says most about the question.

The best memories are told in full, because an answer often stands in a sentence that shares no word with its question.
Further down a list a long memory is told by a run of its sentences, with "…" where others were left out. Who says it,
the question that it answers and what it stands under stay before it, and a sentence stays with one that takes it back.

    score(s) = COVERAGE * cover(s) + INFORMATION * info(s) + KIND * kind(s) - ASKING * asks(s)

`cover` is the share of the question's IDF mass whose words occur in the sentence, `info` the sentence's own IDF mass
over the largest in its memory, `kind` whether it has a number where a time or a number is asked for, and `asks`
whether it is a question itself. IDF is that of the candidates: log(1 + (n - df + 0.5) / (df + 0.5)).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from memsvc.language.splitting import Range, sentence_ranges
from memsvc.language.words import stems
from memsvc.ports import TokenCounter
from memsvc.retrieval.question import Asked, Question
from memsvc.types import AdditionKind, Memory

COVERAGE = 1.0
INFORMATION = 0.15
KIND = 0.3
ASKING = 0.3
LONG_TOKENS = 30
"""Tokens of what a memory tells, labels left out, from which a part of it may stand for the whole; chosen on the
development conversations (docs/benchmarks.md)."""
EXCERPT_TOKENS = 24
"""Tokens up to which an excerpt takes the sentences around the best one with it."""

_NUMBERED = frozenset({Asked.TIME, Asked.NUMBER})
_TAKES_BACK = re.compile(
    r"\W*(?:no\b|not\b|nope|wait|actually|scratch that|(?:just )?kidding|i mean|i meant|correction|sorry|but\b|however|"
    r"instead|rather|except|unless|only\b|make (?:it|that)|never ?mind|oops|nein|doch|aber|nicht|pero|sino|"
    r"non\b|mais|нет|но\b)|\W*(?:不|但|いや|でも|違)",
    re.IGNORECASE,
)
"""How a sentence begins that corrects, denies or limits the one before it."""
_LEADS_IN = re.compile(r"\w[\"'”’)]*\s?[:：](?=\s|$|[\"“«„‘「『])")


class Excerpts:
    """Cuts long memories down, for one question and its candidates."""

    def __init__(self, question: Question, memories: Iterable[Memory], tokens: TokenCounter) -> None:
        self._language = question.language
        self._tokens = tokens
        frequency: Counter[str] = Counter()
        count = 0
        for memory in memories:
            frequency.update(_stems(memory.text, self._language))
            count += 1
        self._idf = {
            stem: math.log1p((count - document_frequency + 0.5) / (document_frequency + 0.5))
            for stem, document_frequency in frequency.items()
        }
        self._unseen = math.log1p((count + 0.5) / 0.5)
        # With names: a sentence about the one who is named is nearer.
        self._terms = frozenset(stems(question.text, self._language))
        self._mass = self._sum(self._terms) or 1.0
        self._numbered = bool(question.asks & _NUMBERED)

    def of(self, memory: Memory) -> Memory:
        """The memory with the part of its text that is nearest to the question; a short one as it is."""
        text, body = memory.text, _body(memory)
        if self._tokens.count(text[body:]) <= LONG_TOKENS:
            return memory
        ranges = sentence_ranges(text, body)
        first, last = self._chosen(text, ranges)
        if last - first + 1 == len(ranges):
            return memory
        start, end = ranges[first][0], ranges[last][1]
        before, after = "… " if first else "", " …" if last + 1 < len(ranges) else ""
        return replace(memory, text=f"{text[:body]}{before}{text[start:end]}{after}")

    def _chosen(self, text: str, ranges: Sequence[Range]) -> tuple[int, int]:
        """First and last of the sentences that are told."""
        parts = [text[start:end] for start, end in ranges]
        largest = max((self._sum(_stems(part, self._language)) for part in parts), default=1.0) or 1.0
        scores = [self._score(part, largest) for part in parts]
        first = last = max(range(len(parts)), key=lambda i: scores[i])
        while first and (_TAKES_BACK.match(parts[first]) or _LEADS_IN.search(parts[first - 1])):
            first -= 1
        while last + 1 < len(parts) and _TAKES_BACK.match(parts[last + 1]):
            last += 1
        while (wider := self._widened(text, ranges, scores, first, last)) is not None:
            first, last = wider
        return first, last

    def _widened(
        self, text: str, ranges: Sequence[Range], scores: Sequence[float], first: int, last: int
    ) -> tuple[int, int] | None:
        """The run with the better of the sentences beside it, while it fits."""
        beside = [(first - 1, last, scores[first - 1])] if first else []
        beside += [(first, last + 1, scores[last + 1])] if last + 1 < len(ranges) else []
        fitting = [
            (score, a, b)
            for a, b, score in beside
            if self._tokens.count(text[ranges[a][0] : ranges[b][1]]) <= EXCERPT_TOKENS
        ]
        return max(fitting)[1:] if fitting else None

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


def _body(memory: Memory) -> int:
    """Where what is told begins: behind the labels, the question and what it stands under."""
    heads = (AdditionKind.LABEL, AdditionKind.BREAK)
    return max((each.text_end for each in memory.additions if each.kind in heads), default=0)


@lru_cache(maxsize=16_384)
def _stems(text: str, language: str) -> frozenset[str]:
    return frozenset(stems(text, language))

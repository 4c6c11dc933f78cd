"""Among memories about the same thing, the newest comes first.

Asked about the present, a memory that tells anew what the best one tells takes the place before it. Whether memory n,
told after o, renews it is a logistic regression on signals of the pair:

    P(n renews o) = sigmoid(BIAS - CROWD * ln(candidates / 5) + sum over signals s of  WEIGHTS[s] * s(o, n))

`similarity` is the cosine of their vectors; `same_voice` whether one speaker in one role tells both, or o only repeats
that speaker; `change` whether n has a word of change ("now", "instead", "moved"); `shared` the share of their words, by
IDF among the candidates, that they have in common, `on_question` the share of the question's words that they do;
`rank` one over n's rank; `assistant` whether n is an assistant's and o is not; `asks` whether n is a question. The more
memories match a question, the more of them are near one another by chance, which the middle term takes off. What
names other people renews nothing, unless it speaks of a change; and neither does what has another word in the place of
one of the question's.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from memsvc.language.words import stem, stems, tokenize
from memsvc.ports import Vectors
from memsvc.retrieval.fusion import Candidate
from memsvc.retrieval.question import Question
from memsvc.types import Memory, Role, Signal, folded

LOOKED_AT = 6
"""Candidates, best first, that may renew the best one."""
WEIGHTS = {
    "similarity": 8.16, "shared": 1.8, "on_question": 1.46, "same_voice": 3.16, "change": 1.46, "rank": 5.22,
    "assistant": -3.11, "asks": -2.59,
}  # fmt: skip
BIAS = -8.48
"""Fitted on 62 pairs of statements of which one renews the other, and 5,174 of which none does, that are near one
another in the conversations which ship with memsvc; all written for this project."""
CROWD = 0.5
"""Chosen on the same conversations: twice as much loses renewals, half as much puts evidence behind what only follows
it (docs/benchmarks.md)."""
RENEWS, SURELY = 0.5, 0.8
"""P(n renews o) from which n comes first, and from which the context says so."""
REPEATS = 0.5
"""Repetition from which an assistant's memory says again what its user said."""
SIGNAL = "renews"
"""The signal that lifts a memory above what it renews."""

_CHANGE = re.compile(
    r"\b(?:now|instead|any ?more|no longer|new|chang(?:e|ed|es)|switch(?:ed)?|mov(?:e|ed)|renamed?|replac\w+|cancel\w*|"
    r"postpon\w*|reschedul\w*|make (?:it|that)|from now on|as of|updated?|correction|became|gave up|quit|stopped|"
    r"halv\w+|doubl\w+|rais\w+|lower\w*|cut|increas\w+|reduc\w+|upgrad\w+|went (?:up|down)|back to|closed|turns? out|"
    r"ahora|ya no|cambi\w+|jetzt|nicht mehr|statt\w*|neue?[rns]?|désormais|maintenant|nouve\w+|теперь|больше не)\b|"
    r"现在|改|搬|换|今は|変え|もう",
    re.IGNORECASE,
)
"""Words that say that something is no longer as it was."""
_PAST = re.compile(
    r"\b(?:did|was|were|had|used to|ago|originally|initially|previously|first|before|earlier)\b", re.IGNORECASE
)
"""What an English question about the past holds: there the newest is no better than the others."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """Candidates with what renews the best one before it, and by the older one's id that of the newer."""

    candidates: list[Candidate]
    renewed_by: Mapping[str, str]


def compared(candidates: Sequence[Candidate], question: Question) -> tuple[str, ...]:
    """Ids of the memories whose vectors `newest_first` needs; none where nothing would be moved."""
    if question.language == "en" and _PAST.search(question.text):
        return ()
    near = [candidate for candidate in candidates[:LOOKED_AT] if candidate.memory is not None]
    if not near or near[0] is not candidates[0] or not any(_follows(each, near[0]) for each in near[1:]):
        return ()
    return tuple(candidate.memory_id for candidate in near)


def newest_first(
    candidates: Sequence[Candidate],
    question: Question,
    vectors: Mapping[str, Vectors],
    *,
    understood: bool = True,
) -> Ordered:
    """Move what renews the best candidate before it, the newest first.

    Args:
        candidates: best first.
        question: what is asked.
        vectors: unit vectors of shape [dimension] by memory id; what has none is not compared.
        understood: whether the embedding model knows the question's language. Where it does not, only what speaks of a
            change renews anything.
    """
    ids = [memory_id for memory_id in compared(candidates, question) if memory_id in vectors]
    if not ids or ids[0] != candidates[0].memory_id:
        return Ordered(list(candidates), {})
    best, pair = candidates[0], _Pair(candidates, question, vectors, understood)
    later = [(rank, each) for rank, each in enumerate(candidates[:LOOKED_AT], 1) if _follows(each, best)]
    renewal = {each.memory_id: pair.renewal(each, best, rank) for rank, each in later if each.memory_id in ids}
    renewing = [each for _, each in later if renewal.get(each.memory_id, 0.0) >= RENEWS]
    renewing.sort(key=_told, reverse=True)
    lifted = [_lifted(each, best.score) for each in renewing]
    rest = [each for each in candidates if each not in renewing]
    sure = [each.memory_id for each in renewing if renewal[each.memory_id] >= SURELY]
    return Ordered([*lifted, *rest], {best.memory_id: sure[0]} if sure else {})


def _told(candidate: Candidate) -> datetime:
    return candidate.memory.event_time if candidate.memory else datetime.min.replace(tzinfo=UTC)


def _follows(newer: Candidate, older: Candidate) -> bool:
    """Whether a memory was told after another, and is not the answer to it."""
    return _told(newer) > _told(older) and not _answers(newer.memory, older.memory)


def _answers(reply: Memory | None, asked: Memory | None) -> bool:
    """Whether a memory tells another as the question before it."""
    return reply is not None and asked is not None and asked.sources[:1] == reply.sources[1:2] != ()


class _Pair:
    """Signals of two candidates, for one question and all candidates."""

    def __init__(
        self, candidates: Sequence[Candidate], question: Question, vectors: Mapping[str, Vectors], understood: bool
    ) -> None:
        self._language, self._terms, self._vectors = question.language, question.terms, vectors
        self._count, self._understood = len(candidates), understood
        self._holding: Counter[str] = Counter()
        for candidate in candidates:
            self._holding.update(self._stems(candidate.memory))

    def renewal(self, newer: Candidate, older: Candidate, rank: int) -> float:
        """P(newer renews older); `rank` is the newer one's, from 1."""
        one, other = newer.memory, older.memory
        if one is None or other is None:
            return 0.0
        change = _CHANGE.search(one.dense_text) is not None
        if not change and (_of_others(one, other) or not self._understood):
            return 0.0
        words, others = self._stems(one), self._stems(other)
        shared = words & others
        if self._tells_of_another(one, other):
            return 0.0
        said_again = other.role is Role.ASSISTANT and other.repetition >= REPEATS and one.role is Role.USER
        values = {
            "similarity": float(np.dot(self._vectors[newer.memory_id], self._vectors[older.memory_id])),
            "shared": self._share(shared, min(words, others, key=self._mass)),
            "on_question": self._share(shared & self._terms, self._terms),
            "same_voice": float(said_again or (one.symbolic.speaker, one.role) == (other.symbolic.speaker, other.role)),
            "change": float(change),
            "rank": 1.0 / rank,
            "assistant": float(one.role is Role.ASSISTANT and other.role is not Role.ASSISTANT),
            "asks": float("?" in one.text[-3:]),
        }
        crowd = CROWD * math.log(max(1.0, self._count / 5))
        return 1.0 / (1.0 + math.exp(crowd - BIAS - sum(WEIGHTS[name] * value for name, value in values.items())))

    def _tells_of_another(self, newer: Memory, older: Memory) -> bool:
        """Whether the newer one has another word where the older one has one of the question's: "my father's birthday".

        The place of a word is the words on both its sides; what changed of the same thing is not what was asked for.
        """
        places = dict(self._placed(newer))
        return any(
            word in self._terms and places.get(place, word) not in self._terms for place, word in self._placed(older)
        )

    def _placed(self, memory: Memory) -> Iterator[tuple[tuple[str, str], str]]:
        """Each word's stem by the words on both sides of it, the first of several."""
        words = ["", *tokenize(memory.dense_text), ""]
        for i in range(len(words) - 2, 0, -1):
            yield (words[i - 1], words[i + 1]), stem(words[i], self._language)

    def _share(self, part: Iterable[str], whole: Iterable[str]) -> float:
        mass = self._mass(whole)
        return self._mass(part) / mass if mass > 0 else 0.0

    def _mass(self, words: Iterable[str]) -> float:
        """IDF of words over the candidates, summed: log(1 + (n - df + 0.5) / (df + 0.5))."""
        found = (self._holding[word] for word in sorted(words))
        return sum(math.log1p((self._count - df + 0.5) / (df + 0.5)) for df in found)

    def _stems(self, memory: Memory | None) -> frozenset[str]:
        return frozenset(stems(memory.dense_text, self._language)) if memory else frozenset()


def _of_others(one: Memory, other: Memory) -> bool:
    """Whether two memories name people, and none that both name."""
    people, others = (folded(each.symbolic.people) - folded((each.symbolic.speaker,)) for each in (one, other))
    return bool(people and others) and people.isdisjoint(others)


def _lifted(candidate: Candidate, score: float) -> Candidate:
    """The candidate with the score of what it renews, and the signal that says so."""
    lift = Signal(SIGNAL, 1.0, score - candidate.score)
    return replace(candidate, score=score, signals=(*candidate.signals, lift))

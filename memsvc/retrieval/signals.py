"""What speaks for a candidate: signals, each in [0, 1], that the fusion weighs.

The first two are the views' scores after min-max normalisation over the candidates, 0 for a memory that the view did
not return: cosines and BM25 scores have no common scale. The next two are the best of these in the candidate's
session: a question is about a talk, and talks stay with their subject. The last two are the best of these among the
parts of a long answer to what the candidate says: an assistant elaborates what its user told it, in many more words
that match than the user used, or says it again. The others are read from the memory itself, so they hold whichever view
found it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from memsvc.language.words import is_unspaced
from memsvc.retrieval.question import Asked, Question
from memsvc.types import (
    IndexHit,
    Interval,
    Memory,
    Role,
    Scope,
    SymbolicQuery,
    TurnRef,
    View,
    ViewScore,
    folded,
)

SIGNALS = (
    "dense", "lexical", "session_dense", "session_lexical", "speaker", "names", "time",
    "states_time", "states_place", "states_person", "states_number", "length", "salience", "is_question",
    "elaboration", "asks_reply", "reply_dense", "reply_lexical",
)  # fmt: skip
"""Names of the signals, in the order in which a trace tells them."""

_QUESTION_MARKS = ("?", "？", "؟")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|once|twice|dozen|couple|few)\b", re.IGNORECASE
)
_FULL_LENGTH = 5.0
"""Natural logarithm of the tokens at which the length signal is full: about 150."""


def view_scores(results: Mapping[View, Sequence[IndexHit]], limit: int) -> dict[str, list[ViewScore]]:
    """Rank, raw and normalised score of every candidate in each view that returned it, by memory id."""
    scores: dict[str, list[ViewScore]] = {}
    for view, hits in results.items():
        for memory_id, score in _normalized(view, hits, limit):
            scores.setdefault(memory_id, []).append(score)
    return scores


def _normalized(view: View, hits: Sequence[IndexHit], limit: int) -> list[tuple[str, ViewScore]]:
    if not hits:
        return []
    low, high = _floor(view, hits, limit), max(hit.score for hit in hits)
    span = high - low
    return [
        (
            hit.memory_id,
            ViewScore(view=view, rank=rank, score=hit.score, normalized=(hit.score - low) / span if span > 0 else 1.0),
        )
        for rank, hit in enumerate(hits, start=1)
    ]


def _floor(view: View, hits: Sequence[IndexHit], limit: int) -> float:
    """The lowest score of any candidate: 0 for BM25 when the view ran out of memories that share a word."""
    lowest = min(hit.score for hit in hits)
    return min(lowest, 0.0) if view is View.LEXICAL and len(hits) < limit else lowest


def session_best(found: Iterable[tuple[Memory, Sequence[ViewScore]]], view: View) -> dict[Scope, float]:
    """The best normalised score of a view in each session, by scope."""
    best: dict[Scope, float] = {}
    for memory, scores in found:
        best[memory.scope] = max(best.get(memory.scope, 0.0), normalized(scores, view))
    return best


def normalized(scores: Sequence[ViewScore], view: View) -> float:
    """The candidate's normalised score in a view, 0 when the view did not return it."""
    return next((score.normalized for score in scores if score.view is view), 0.0)


def own_signals(memory: Memory, question: Question, wanted: SymbolicQuery) -> dict[str, float]:
    """The signals that are read from the memory itself."""
    people = folded(memory.symbolic.people)
    speaker = memory.symbolic.speaker.casefold()
    return {
        "speaker": float(is_named(memory.symbolic.speaker, question)),
        "names": names_matched(memory, wanted),
        "time": float(wanted.interval is not None and _overlaps(memory, wanted.interval)),
        "states_time": float(Asked.TIME in question.asks and _states_time(memory)),
        "states_place": float(Asked.PLACE in question.asks and bool(memory.symbolic.place)),
        "states_person": float(Asked.PERSON in question.asks and bool(people - {speaker})),
        "states_number": float(Asked.NUMBER in question.asks and _NUMBER.search(memory.text) is not None),
        "length": min(1.0, math.log1p(memory.token_count) / _FULL_LENGTH),
        "salience": memory.salience,
        "is_question": float(ends_in_question(memory.text)),
        "elaboration": elaboration(memory),
        "asks_reply": elaboration(memory) * (Asked.REPLY in question.asks),
    }


def elaboration(memory: Memory) -> float:
    """How far an assistant's answer goes beyond one thought, or says again what it answers, in [0, 1].

    The larger of 1 - 1 / its parts and its `repetition`; 0 for others' words.
    """
    return max(1.0 - 1.0 / max(1, memory.part_count), memory.repetition) if memory.role is Role.ASSISTANT else 0.0


def reply_best(found: Iterable[tuple[Memory, Sequence[ViewScore]]], view: View) -> dict[TurnRef, float]:
    """The best normalised score of a view among the parts of each turn's answer, weighed by its `elaboration`."""
    best: dict[TurnRef, float] = {}
    for memory, scores in found:
        value = elaboration(memory) * normalized(scores, view)
        for neighbour in memory.neighbours:
            if neighbour.offset == -1:
                best[neighbour.ref] = max(best.get(neighbour.ref, 0.0), value)
    return best


def is_named(speaker: str, question: Question) -> bool:
    """Whether the question names the speaker, in full or by the first name.

    Names are looked for among the people that were found in the question and, since those are not found in every
    language, in its text: as a word that is spelled alike ("will" is not Will), or anywhere in scripts that do not set
    words apart.
    """
    names = (speaker.strip(), *speaker.split()[:1])
    if not names[0]:
        return False
    if {name.casefold() for name in names} & {person.casefold() for person in question.names.people}:
        return True
    return any(_as_word(name).search(question.text) for name in names)


@lru_cache(maxsize=4096)
def _as_word(name: str) -> re.Pattern[str]:
    return re.compile(re.escape(name) if is_unspaced(name) else rf"(?<!\w){re.escape(name)}(?!\w)")


def names_matched(memory: Memory, wanted: SymbolicQuery) -> float:
    """Share in [0, 1] of the question's people and entities that the memory names; 0 when it names none."""
    names = folded(wanted.people) | folded(wanted.entities)
    present = folded(memory.symbolic.people) | folded(memory.symbolic.entities)
    return len(names & present) / len(names) if names else 0.0


def ends_in_question(text: str) -> bool:
    """Whether a statement ends by asking something, in quotation marks or not."""
    return text.rstrip("\"'”’ \n").endswith(_QUESTION_MARKS)


def _states_time(memory: Memory) -> bool:
    return memory.valid_from is not None or _YEAR.search(memory.text) is not None


def _overlaps(memory: Memory, interval: Interval) -> bool:
    """Whether the event or a validity with both ends falls into the interval; an open end says too little."""
    if interval.start <= memory.event_time < interval.end:
        return True
    if memory.valid_from is None or memory.valid_to is None:
        return False
    return memory.valid_from < interval.end and memory.valid_to > interval.start

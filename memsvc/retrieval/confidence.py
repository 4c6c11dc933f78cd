"""How likely it is that memory holds an answer, in two steps.

    confidence = relevance * answer
    relevance  = sigmoid(RELEVANCE_BIAS + sum over its signals s of  weight_s * s)
    answer     = sigmoid(bias + sum over its signals s of  weight_s * s)

Relevance tells what the talks are about from everything else: how near the best memory comes, and how many of the
question's words, names included, occur in any memory that was found. Of what is relevant, a question about something
that another person said finds memories as good as any: only they are the other's. So the signals of the answer compare
what the named speaker said with what everyone else said, and leave out what speaks of the one it is said to ("How was
your trip?"), which is neither's. A question that names no speaker is judged by how close the best memory comes.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from unicodedata import combining, normalize

from memsvc.language.persons import is_about_listener
from memsvc.language.words import stems
from memsvc.retrieval.fusion import Candidate
from memsvc.retrieval.question import Question
from memsvc.types import Signal, View

CONFIDENCE_SIGNALS = ("own_share", "coverage_margin", "closeness")
"""The named speaker's share of the best memories, each weighed by `exp(SHARPNESS * score)`, 0.5 where no speaker is
named; best share of the question's words by IDF that one of the named speaker's memories has, minus that of the
others', in [-1, 1]; the best cosine of the named speaker's memories."""
SHARPNESS = 20.0
"""A tenth of a score weighs e^2; chosen on the development conversations."""
RELEVANCE_SIGNALS = {"nearness": 16.37, "known_words": 5.8, "unknown_people": -4.0}
"""Best cosine of any memory, the share of the question's words by IDF that occur in any memory found, and the share of
the people it names who occur in none, each with its weight."""
RELEVANCE_BIAS = -8.02
"""Fitted on 290 questions of the conversations that ship with memsvc, and 510 about anything else asked of them. The
weight of unknown people is a judgement: a fit to the 195 that name one, with a name in its place that nobody there has,
gives -9.2, at which somebody whom memory knows by another name would be found no more."""

UNKNOWN_NEARNESS = 0.3
"""Most that nearness counts in a language that the embedding model does not know; a judgement."""
_NOUNS_WITH_CAPITALS = frozenset({"de", "lb"})
"""Languages in which a name cannot be told from a noun by its capital."""
_LEAST_MISSPELT, _ALIKE = 5, 0.85
"""Letters from which, and `difflib`'s ratio from which, a word is taken for a name mistyped; judgements."""
_SHORT_FORM = 3
"""Letters from which a word that begins like a name is taken for it: "Ben" and "Benjamin"; a judgement."""
_CALLED = re.compile(r"(?:(?:hey|hi|hello|dear|ok|okay) )?(\S+?)[,!]\s", re.IGNORECASE)
_CALLED_AT_END = re.compile(r", (\S{1,40}?)[?.!]{0,9}$")
"""A name at the beginning or the end of a question, of the one who is asked: "Hey Claude, what …", "…, Alexa?"."""
_SHARED = 30
"""Memories, best first, among which the named speaker has a share."""
_COVERING = 10
"""Memories of each side, best first, whose words are looked at."""


@dataclass(frozen=True, slots=True)
class Confidence:
    """The confidence in [0, 1], and the weighed signals of both its parts."""

    value: float
    signals: tuple[Signal, ...]


def relevance_signals(candidates: Sequence[Candidate], question: Question, *, understood: bool) -> dict[str, float]:
    """The signals of `RELEVANCE_SIGNALS`, each in [0, 1]; all 0 without candidates.

    To a model that does not know their language all texts are near one another, so that nearness says little there.
    """
    found = [frozenset(stems(c.memory.lexical_text, question.language)) for c in candidates if c.memory is not None]
    holding = Counter(stem for words in found for stem in words)
    asked = frozenset(stems(question.text, question.language))
    idf = {stem: math.log1p((len(found) - holding[stem] + 0.5) / (holding[stem] + 0.5)) for stem in sorted(asked)}
    mass = sum(idf.values())
    known = sum(value for stem, value in idf.items() if holding[stem])
    nearest = max((_cosine(candidate) for candidate in candidates), default=0.0)
    nearest = nearest if understood else min(nearest, UNKNOWN_NEARNESS)
    return {
        "nearness": max(0.0, nearest),
        "known_words": known / mass if mass else 0.0,
        "unknown_people": _unknown_people(question, holding) if found else 0.0,
    }


def _unknown_people(question: Question, holding: Mapping[str, int]) -> float:
    """Share in [0, 1] of the people named who occur in no memory, in languages that show a name by its capital."""
    called = {found[1] for found in (_CALLED.match(question.text), _CALLED_AT_END.search(question.text)) if found}
    named = [_whole_word(question.text, start, end) for start, end in question.names.people_spans]
    named = [name for name in named if name not in called]
    if not named or question.language in _NOUNS_WITH_CAPITALS or not all(name[0].isupper() for name in named):
        return 0.0
    known = [_without_accents(word) for word in holding]
    unknown = [name for name in named if not _is_known(name, question.language, known)]
    return len(unknown) / len(named)


def _whole_word(text: str, start: int, end: int) -> str:
    """A name with what is written before it without a blank: "D'Angelo" is a word."""
    return text[text.rfind(" ", 0, start) + 1 : end].lstrip("\"'“‘„«(¿¡")


def _is_known(name: str, language: str, known: Sequence[str]) -> bool:
    """Whether a part of a name is in memory, or one that is spelt much like it, or is short for it."""
    parts = [_without_accents(stem) for stem in stems(name, language)]
    for part in parts:
        like = [word for word in known if word[0] == part[0] and len(word) >= _SHORT_FORM]
        if part in known or any(word.startswith(part) or part.startswith(word) for word in like):
            return True
        if len(part) >= _LEAST_MISSPELT and get_close_matches(part, like, n=1, cutoff=_ALIKE):
            return True
    return not parts  # a name that is a word without content is not looked for


def _without_accents(word: str) -> str:
    return "".join(letter for letter in normalize("NFKD", word) if not combining(letter)) or word


def confidence_signals(candidates: Sequence[Candidate], question: Question) -> dict[str, float]:
    """The signals of `CONFIDENCE_SIGNALS`; closeness alone where no speaker is named, or nobody else spoke.

    All are 0 without candidates.
    """
    if not candidates:
        return dict.fromkeys(CONFIDENCE_SIGNALS, 0.0)
    own, others = _sides(candidates, question)
    closeness = max((_cosine(c) for c in own or others), default=0.0)
    if not own or not others:
        return {"own_share": 0.5, "coverage_margin": 0.0, "closeness": closeness}
    idf = _idf([*own, *others], question)
    return {
        "own_share": _share(own, others),
        "coverage_margin": _coverage(own, idf, question) - _coverage(others, idf, question),
        "closeness": closeness,
    }


def confidence(
    candidates: Sequence[Candidate],
    question: Question,
    weights: Mapping[str, float],
    bias: float,
    *,
    understood: bool = True,
) -> Confidence:
    """The confidence that the candidates, best first, hold an answer.

    Args:
        candidates: best first.
        question: what is asked.
        weights: of the answer's signals.
        bias: of the answer.
        understood: whether the embedding model knows the question's language.
    """
    if not candidates:
        return Confidence(0.0, ())
    relevance = _signals(relevance_signals(candidates, question, understood=understood), RELEVANCE_SIGNALS)
    values = confidence_signals(candidates, question)
    value = _sigmoid(RELEVANCE_BIAS, relevance) * answer_confidence(values, weights, bias)
    return Confidence(value, (*relevance, *_signals(values, weights)))


def answer_confidence(values: Mapping[str, float], weights: Mapping[str, float], bias: float) -> float:
    """The second part alone, in [0, 1]."""
    return _sigmoid(bias, _signals(values, weights))


def _signals(values: Mapping[str, float], weights: Mapping[str, float]) -> tuple[Signal, ...]:
    return tuple(Signal(name, value, weights[name]) for name, value in values.items())


def _sigmoid(bias: float, signals: Sequence[Signal]) -> float:
    return 1.0 / (1.0 + math.exp(-bias - sum(signal.value * signal.weight for signal in signals)))


def _sides(candidates: Sequence[Candidate], question: Question) -> tuple[list[Candidate], list[Candidate]]:
    """Candidates said by the speaker that the question names, and all others, each best first without that signal.

    Those that speak of the one they are said to are on neither side, unless a side would be empty.
    """
    ranked = sorted((c for c in candidates if c.memory is not None), key=_plain_score, reverse=True)
    own, others = _by_speaker(ranked)
    if not own or not others:
        return own, others
    of_themselves = [c for c in ranked if c.memory and not is_about_listener(c.memory.text, question.language)]
    clear = _by_speaker(of_themselves)
    return clear if all(clear) else (own, others)


def _by_speaker(ranked: Sequence[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
    return [c for c in ranked if _signal(c, "speaker")], [c for c in ranked if not _signal(c, "speaker")]


def _share(own: Sequence[Candidate], others: Sequence[Candidate]) -> float:
    """The share in [0, 1] that one side has of the best memories, weighed by their scores."""
    scores = [(_plain_score(c), side) for side, found in ((1.0, own), (0.0, others)) for c in found[:_SHARED]]
    scores = sorted(scores, reverse=True)[:_SHARED]
    weights = [math.exp(SHARPNESS * (score - scores[0][0])) for score, _ in scores]
    return sum(weight * side for weight, (_, side) in zip(weights, scores, strict=True)) / sum(weights)


def _plain_score(candidate: Candidate) -> float:
    """The score without the part that being the named speaker's adds to it."""
    return candidate.score - sum(s.value * s.weight for s in candidate.signals if s.name == "speaker")


def _signal(candidate: Candidate, name: str) -> float:
    return next((signal.value for signal in candidate.signals if signal.name == name), 0.0)


def _cosine(candidate: Candidate) -> float:
    return max((s.score for s in candidate.view_scores if s.view is not View.LEXICAL), default=0.0)


def _idf(candidates: Sequence[Candidate], question: Question) -> dict[str, float]:
    """IDF of the question's words over the candidates: log(1 + (n - df + 0.5) / (df + 0.5))."""
    holding = Counter(stem for c in candidates for stem in question.terms & _words(c, question))
    count = len(candidates)
    return {term: math.log1p((count - holding[term] + 0.5) / (holding[term] + 0.5)) for term in sorted(question.terms)}


def _coverage(candidates: Sequence[Candidate], idf: Mapping[str, float], question: Question) -> float:
    """The largest share of the question's words, by their IDF, that one of the best of one side has."""
    mass = sum(idf.values())
    found = (sum(idf[term] for term in sorted(question.terms & _words(c, question))) for c in candidates[:_COVERING])
    return max(found, default=0.0) / mass if mass else 0.0


def _words(candidate: Candidate, question: Question) -> frozenset[str]:
    return frozenset(stems(candidate.memory.text, question.language)) if candidate.memory else frozenset()

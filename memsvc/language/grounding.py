"""Whether a statement that a language model wrote is borne out by what it cites. The model is not trusted.

Names, numbers, dates and negations must come from the cited texts, and most of the other words too. What is checked is
that nothing was added; that a statement has the relations between its words right cannot be told this way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from memsvc.language import spans
from memsvc.language.timeline import TimeMention, find_times, render
from memsvc.language.words import STOP_WORDS, stems, tokenize
from memsvc.types import Analysis, Interval

ALLOWANCE_TOKENS = 16
"""Tokens by which a statement may be longer than its sources: for speaker and date."""
FEWEST_WORDS = 3
"""Of a statement: less is no sentence."""
OVERLAP = 0.5
"""Least share of a statement's content stems, speakers and dates left out, that its sources have too."""

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"[^\W\d_](?:[\w'’]*\w)?")
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|„[^“]*“|«[^»]*»")
_SPEAKER_WORDS = re.compile(r"\b(?:I|(?i:me|my|mine|myself|we|our|ours|ourselves|you|your|yours|yourself))\b|\bus\b")
_NEGATIONS = frozenset({"not", "no", "never", "none", "neither", "nor", "without", "cannot", "nobody", "nothing"})
_NAME_LABELS = frozenset(
    {"PERSON", "ORG", "GPE", "LOC", "FAC", "PRODUCT", "EVENT", "WORK_OF_ART", "NORP", "LANGUAGE", "LAW"}
)
_COUNTED = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NUMBER_WORDS = {word: str(n) for n, word in enumerate(_COUNTED.split())}
_NUMBER_WORDS |= {word: str(10 * n) for n, word in enumerate(_TENS.split(), 2)}
_NUMBER_WORDS |= {"dozen": "12", "hundred": "100", "thousand": "1000", "million": "1000000"}
_UNPRINTABLE = ("Cc", "Cs")
"""Control characters and lone surrogates: no store takes them."""
_ONE = "one"
"""More often a pronoun than a number."""


class Rejection(StrEnum):
    """Why a statement of a language model was dropped; the text that readers of reasons see."""

    NO_SOURCE = "NO_SOURCE"
    UNRELATED_SOURCE = "UNRELATED_SOURCE"
    TOO_FEW_SOURCES = "TOO_FEW_SOURCES"
    TOO_MANY_SOURCES = "TOO_MANY_SOURCES"
    EMPTY = "EMPTY"
    UNPRINTABLE = "UNPRINTABLE"
    TOO_LONG = "TOO_LONG"
    NOT_SELF_CONTAINED = "NOT_SELF_CONTAINED"
    UNSUPPORTED_NAME = "UNSUPPORTED_NAME"
    UNSUPPORTED_NUMBER = "UNSUPPORTED_NUMBER"
    UNSUPPORTED_DATE = "UNSUPPORTED_DATE"
    UNSUPPORTED_NEGATION = "UNSUPPORTED_NEGATION"
    LITTLE_OVERLAP = "LITTLE_OVERLAP"
    DUPLICATE = "DUPLICATE"


@dataclass(frozen=True, slots=True)
class Source:
    """A text that can be cited, and when it was said."""

    text: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the cited sources, in order of time, and those who speak in them bear out."""

    sources: tuple[Source, ...]
    speakers: tuple[str, ...]
    words: frozenset[str]
    """Words of the sources and of the speakers' names."""
    stems: frozenset[str]
    """Of the same."""
    numbers: frozenset[str]
    times: tuple[TimeMention, ...]
    intervals: tuple[Interval, ...]
    """Times that the sources name, and the days they were said on."""

    @property
    def text(self) -> str:
        """The sources' texts, one after the other."""
        return "\n".join(source.text for source in self.sources)


def evidence(sources: Sequence[Source], speakers: Iterable[str]) -> Evidence:
    """Read the cited sources."""
    names = tuple(dict.fromkeys(speakers))
    texts = (*(source.text for source in sources), *names)
    words = frozenset(word for text in texts for word in tokenize(text))
    times = tuple(mention for source in sources for mention in find_times(source.text, source.time))
    days = tuple(spans.day(source.time.date(), source.time.tzinfo or UTC) for source in sources)
    numbers = frozenset(_numbers("\n".join(source.text for source in sources)))
    numbers |= {_NUMBER_WORDS[word] for word in words if word in _NUMBER_WORDS}
    intervals = (*(mention.interval for mention in times), *days)
    stemmed = frozenset(stem for text in texts for stem in stems(text))
    return Evidence(tuple(sources), names, words, stemmed, numbers, times, intervals)


def absolute(text: str, known: Evidence) -> str:
    """Say those relative dates absolutely that the sources say in the same words."""
    said = {mention.text.casefold(): mention for mention in known.times if mention.relative}
    for mention in reversed(find_times(text, known.sources[-1].time)):
        source = said.get(mention.text.casefold())
        if source is not None:
            text = f"{text[: mention.start]}{render(source)}{text[mention.end :]}"
    return text


def judge(
    text: str, analysis: Analysis, known: Evidence, *, tokens: int, source_tokens: int, most_sources: int
) -> Rejection | None:
    """Return why a statement is not borne out by its sources; None when it is.

    Args:
        text: the statement, with single spaces.
        analysis: of `text`.
        known: what its sources bear out.
        tokens: of the statement.
        source_tokens: of the sources' texts together.
        most_sources: that it may join: of many, models mix up who did what.
    """
    if len(known.sources) > most_sources:
        return Rejection.TOO_MANY_SOURCES
    if len(tokenize(text)) < FEWEST_WORDS:
        return Rejection.EMPTY
    if any(unicodedata.category(character) in _UNPRINTABLE for character in text):
        return Rejection.UNPRINTABLE
    if tokens > source_tokens + ALLOWANCE_TOKENS:
        return Rejection.TOO_LONG
    if analysis.language == "en" and _SPEAKER_WORDS.search(_QUOTED.sub(" ", text)):
        return Rejection.NOT_SELF_CONTAINED
    return _unsupported(text, analysis, known)


def _unsupported(text: str, analysis: Analysis, known: Evidence) -> Rejection | None:
    times = find_times(text, known.sources[-1].time)
    if not all(is_told(mention, known) for mention in times):
        return Rejection.UNSUPPORTED_DATE
    undated = _blanked(text, times)
    if not set(_numbers(undated)) <= known.numbers or not _number_words(undated) <= known.numbers:
        return Rejection.UNSUPPORTED_NUMBER
    if not all(has_words(name, known) for name in _names(undated, analysis)):
        return Rejection.UNSUPPORTED_NAME
    if _negated(tokenize(undated)) and not _negated(tokenize(known.text)):
        return Rejection.UNSUPPORTED_NEGATION
    if _overlap(undated, analysis.language, known) < OVERLAP:
        return Rejection.LITTLE_OVERLAP
    return None if all(_draws_on(text, source) for source in known.sources) else Rejection.UNRELATED_SOURCE


def _draws_on(text: str, source: Source) -> bool:
    """Whether a statement and a source share a content word; a source without one ("yes") can be cited by any."""
    theirs = set(stems(source.text))
    return not theirs or not theirs.isdisjoint(stems(text)) or bool(find_times(source.text, source.time))


def without_speaker(text: str, known: Evidence) -> str:
    """The statement without the speaker it begins with; a name moves an embedding towards all that person said."""
    for name in known.speakers:
        rest = text.removeprefix(name).removeprefix(":").strip()
        if rest != text and any(character.isalnum() for character in rest):
            return rest
    return text


def is_told(mention: TimeMention, known: Evidence) -> bool:
    """Whether a time is one that the sources name or were said on, or a longer one around it."""
    interval = mention.interval
    return any(interval.start <= told.start and told.end <= interval.end for told in known.intervals)


def has_words(name: str, known: Evidence) -> bool:
    """Whether each word of a name is one of the sources' or the speakers', up to its ending."""
    words = tokenize(name)
    return bool(words) and all(word in known.words or known.stems.intersection(stems(word)) for word in words)


def _names(undated: str, analysis: Analysis) -> list[str]:
    """Words that are names: with a capital within a sentence, or tagged as one; in texts without case, entities."""
    starts = {analysis.tokens[first].start for first, _ in analysis.sentences if first < len(analysis.tokens)}
    tagged = {token.start for token in analysis.tokens if token.pos == "PROPN"}
    tagged |= {
        token.start
        for token in analysis.tokens
        for span in analysis.entities
        if span.label in _NAME_LABELS and span.start <= token.start < span.end
    }
    found = []
    for match in _WORD.finditer(undated):
        word, start = match.group(), match.start()
        capital = word[:1].isupper() and (start not in starts or start in tagged)
        if capital and word.casefold() not in STOP_WORDS:
            found.append(word)
    caseless = (span.text for span in analysis.entities if span.label in _NAME_LABELS and not _is_cased(span.text))
    return [*found, *caseless]


def _is_cased(text: str) -> bool:
    return text.lower() != text.upper()


def _numbers(text: str) -> list[str]:
    """Numbers written in digits, without separators of thousands."""
    return [re.sub(r",(?=\d{3}(?!\d))", "", match.group()) for match in _NUMBER.finditer(text)]


def _number_words(text: str) -> set[str]:
    return {_NUMBER_WORDS[word] for word in tokenize(text) if word in _NUMBER_WORDS and word != _ONE}


def _negated(words: Iterable[str]) -> bool:
    return any(word in _NEGATIONS or word.endswith("n't") for word in words)


def _overlap(undated: str, language: str, known: Evidence) -> float:
    """Share of the statement's content stems, the speakers' names left out, that the sources have."""
    speakers = {stem for name in known.speakers for stem in stems(name, language)}
    said = set(stems(undated, language)) - speakers
    return len(said & set(stems(known.text, language))) / len(said) if said else 0.0


def _blanked(text: str, times: Sequence[TimeMention]) -> str:
    for mention in times:
        text = f"{text[: mention.start]}{' ' * (mention.end - mention.start)}{text[mention.end :]}"
    return text

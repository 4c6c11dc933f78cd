"""The symbolic view of a unit: people, entities, place, topic, validity and salience."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from memsvc.compression.utterances import Piece, Utterance
from memsvc.language.timeline import TimeMention
from memsvc.language.words import STOP_WORDS, tokenize
from memsvc.ports import Surprisal
from memsvc.types import EntitySpan, Interval, Symbolic, Token

_PLACES = frozenset({"GPE", "LOC", "FAC"})
_NAMES = _PLACES | {"ORG", "PRODUCT", "EVENT", "WORK_OF_ART", "NORP", "LANGUAGE", "LAW"}
_ORDINARY_BITS, _RARE_BITS = 8.0, 20.0
"""Mean bits per content word of small talk and of a dense statement: salience is scaled between them."""


def named(utterance: Utterance) -> frozenset[str]:
    """Case-folded people and entities that a turn names, its speaker left out."""
    found = {e.text.casefold() for e in utterance.analysis.entities if e.label in _NAMES or e.label == "PERSON"}
    return frozenset(found - {utterance.speaker.casefold()})


def symbols(utterance: Utterance, pieces: Sequence[Piece], text: str, surprisal: Surprisal) -> Symbolic:
    """Attributes of the unit that `pieces` of a turn make, worded as `text`."""
    entities = [e for e in utterance.analysis.entities if _within(e.start, pieces)]
    people = [e.text for e in entities if e.label == "PERSON"]
    people += [name for name in (utterance.voices.speaker, utterance.voices.addressee) if _is_named(name, text)]
    return Symbolic(
        people=_unique(people),
        entities=_unique([e.text for e in entities if e.label in _NAMES]),
        place=next((e.text for e in entities if e.label in _PLACES), ""),
        topic=_topic(utterance, pieces, entities, surprisal),
        speaker=utterance.turn.speaker,
    )


def validity(times: Iterable[TimeMention]) -> Interval | None:
    """When the unit holds: the one interval that it states, None when it states none or several."""
    intervals = {mention.interval for mention in times}
    return intervals.pop() if len(intervals) == 1 else None


def times_in(utterance: Utterance, pieces: Sequence[Piece]) -> list[TimeMention]:
    """Time mentions that lie in the pieces."""
    return [mention for mention in utterance.times if _within(mention.start, pieces)]


def mean_bits(text: str, language: str, surprisal: Surprisal) -> float:
    """Mean self-information of a text's words in bits; 0 without words."""
    words = tokenize(text)
    return sum(surprisal.bits(word, language) for word in words) / len(words) if words else 0.0


def telling_bits(text: str, language: str, surprisal: Surprisal) -> float:
    """Self-information in bits of a text's content words, each counted once, beyond that of an ordinary word."""
    content = {word for word in tokenize(text) if word not in STOP_WORDS}
    return sum(max(0.0, surprisal.bits(word, language) - _ORDINARY_BITS) for word in content)


def salience(text: str, language: str, symbolic: Symbolic, *, dated: bool, surprisal: Surprisal) -> float:
    """Prior importance in [0, 1]: 0.4 information + 0.3 entities (full at three) + 0.15 number + 0.15 date."""
    content = [word for word in tokenize(text) if word not in STOP_WORDS]
    bits = sum(surprisal.bits(word, language) for word in content) / len(content) if content else 0.0
    information = min(1.0, max(0.0, (bits - _ORDINARY_BITS) / (_RARE_BITS - _ORDINARY_BITS)))
    entities = min(1.0, len(symbolic.entities) / 3)
    number = any(character.isdigit() for character in text)
    return round(0.4 * information + 0.3 * entities + 0.15 * number + 0.15 * dated, 4)


def _topic(utterance: Utterance, pieces: Sequence[Piece], entities: Sequence[EntitySpan], surprisal: Surprisal) -> str:
    """The noun phrase (modifiers and noun) whose noun is rarest, names left out."""
    tokens = utterance.analysis.tokens
    taken = [(e.start, e.end) for e in entities if e.label == "PERSON"]
    nouns = [
        i
        for i, token in enumerate(tokens)
        if token.pos == "NOUN" and _within(token.start, pieces) and not any(a <= token.start < b for a, b in taken)
    ]
    if not nouns:
        return entities[0].text if entities else ""
    best = max(nouns, key=lambda i: (surprisal.bits(tokens[i].lemma, utterance.analysis.language), -i))
    return " ".join(token.text for token in _phrase(tokens, best))


def _phrase(tokens: Sequence[Token], noun: int) -> Sequence[Token]:
    first = noun
    while first > 0 and tokens[first - 1].head == noun and tokens[first - 1].dep in ("compound", "amod"):
        first -= 1
    return tokens[first : noun + 1]


def _within(offset: int, pieces: Sequence[Piece]) -> bool:
    return any(piece.start <= offset < piece.end for piece in pieces)


def _is_named(name: str, text: str) -> bool:
    return bool(name) and name not in ("The user", "The assistant", "The tool") and name in text


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.casefold(), name)
    return tuple(found.values())

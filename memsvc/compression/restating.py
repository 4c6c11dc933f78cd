"""The answer of a language model, checked: statements that are borne out become memories, the others get a reason."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from memsvc.compression.prompting import Window
from memsvc.compression.symbols import salience
from memsvc.compression.views import AFTER, BEFORE, NEIGHBOUR_CHARACTERS, date_in_words
from memsvc.language.grounding import (
    Evidence,
    Rejection,
    Source,
    absolute,
    evidence,
    has_words,
    is_told,
    judge,
    without_speaker,
)
from memsvc.language.timeline import find_times
from memsvc.ports import Analyzer, Surprisal, TokenCounter
from memsvc.types import (
    Addition,
    AdditionKind,
    Analysis,
    Interval,
    Memory,
    Neighbour,
    SpaceKey,
    Symbolic,
    Turn,
    TurnRef,
    merged_metadata,
)

MOST_SOURCES = 2
"""Turns that one statement may join, a question and its answer."""

_IDS = uuid.UUID("1f2b6b0e-6b0b-5c44-8f0f-0a7a5d2f3b61")
_MOST_NAMES, _LONGEST_NAME = 64, 256
"""The API's limits of a symbolic view."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A statement as the model gave it: its text with single spaces and absolute dates, and the turns it cites."""

    fields: dict[str, Any]
    text: str
    turns: tuple[Turn, ...] = ()
    """The cited turns, in order of time."""
    known: Evidence | None = None
    """What they bear out; None when it cites no turn of the window."""

    @property
    def refs(self) -> tuple[TurnRef, ...]:
        """Their addresses."""
        return tuple(turn.ref for turn in self.turns)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A statement and why it was dropped, None when it was not."""

    draft: Draft
    rejection: Rejection | None


class Restater:
    """Checks statements and makes memories of them.

    Args:
        name: of the compressor that the memories are said to come from.
        analyzer: tags and entities of the statements.
        surprisal: self-information of words, for the salience.
        tokens: the tokenizer that budgets are given in.
    """

    def __init__(self, name: str, *, analyzer: Analyzer, surprisal: Surprisal, tokens: TokenCounter) -> None:
        self._name = name
        self._analyzer = analyzer
        self._surprisal = surprisal
        self._tokens = tokens

    async def verdicts(self, window: Window, units: Sequence[dict[str, Any]]) -> list[Verdict]:
        """Judge the statements of one answer, each on its own."""
        drafts = [_draft(window, unit) for unit in units]
        analyses = await self._analyzer.analyze([draft.text for draft in drafts])
        judged = zip(drafts, analyses, strict=True)
        return [Verdict(draft, self._judge(draft, analysis)) for draft, analysis in judged]

    def _judge(self, draft: Draft, analysis: Analysis) -> Rejection | None:
        known = draft.known
        if known is None:
            return Rejection.NO_SOURCE
        return judge(
            draft.text,
            analysis,
            known,
            tokens=self._tokens.count(draft.text),
            source_tokens=sum(self._tokens.count(source.text) for source in known.sources),
            most_sources=MOST_SOURCES,
        )

    def memories(self, space: SpaceKey, drafts: Sequence[Draft], session: Sequence[Turn]) -> list[Memory]:
        """Make memories of accepted statements; ids follow from the turns they cite, their order, and the name."""
        ordinals: dict[tuple[TurnRef, ...], int] = {}
        made = []
        for draft in drafts:
            ordinal = ordinals.get(draft.refs, 0)
            ordinals[draft.refs] = ordinal + 1
            made.append(self._memory(space, draft, ordinal, session))
        return made

    def _memory(self, space: SpaceKey, draft: Draft, ordinal: int, session: Sequence[Turn]) -> Memory:
        known = draft.known
        if known is None:
            raise AssertionError("a statement without sources is never accepted")
        last = draft.turns[-1]
        symbolic, interval = _symbolic(draft, known), _validity(draft, known)
        plain = without_speaker(draft.text, known)
        return Memory(
            id=self._id(space, draft.refs, ordinal),
            scope=last.scope,
            text=draft.text,
            additions=(Addition(AdditionKind.STATEMENT, 0, len(draft.text)),),
            role=last.role,
            event_time=last.event_time,
            utc_offset_minutes=last.utc_offset_minutes,
            symbolic=symbolic,
            valid_from=interval.start if interval else None,
            valid_to=interval.end if interval else None,
            salience=salience(plain, "en", symbolic, dated=interval is not None, surprisal=self._surprisal),
            token_count=self._tokens.count(draft.text),
            sources=tuple(reversed(draft.refs)),
            compressor=self._name,
            metadata=merged_metadata(draft.turns),
            dense_text=plain,
            lexical_text=f"{draft.text}\n{date_in_words(last)}",
            neighbours=_around(last, session),
        )

    def _id(self, space: SpaceKey, refs: Sequence[TurnRef], ordinal: int) -> str:
        turns = (ref.turn_id for ref in refs)
        parts = [space.tenant, space.space, refs[0].scope.key, *turns, str(ordinal), self._name]
        return str(uuid.uuid5(_IDS, "\x1f".join(parts)))


def _draft(window: Window, unit: dict[str, Any]) -> Draft:
    text = " ".join(str(unit["text"]).split())
    ids = window.ids
    cited = [turn for id_, turn in ids.items() if id_ in unit["turns"]]
    if not cited or not ids.keys() >= set(unit["turns"]):
        return Draft(unit, text)
    sources = [Source(turn.content, turn.local_time) for turn in cited]
    known = evidence(sources, (turn.speaker_name for turn in (*window.context, *window.turns)))
    return Draft(unit, absolute(text, known), tuple(cited), known)


def _symbolic(draft: Draft, known: Evidence) -> Symbolic:
    """The model's attributes, those left out that the turns do not name."""
    fields = draft.fields
    return Symbolic(
        people=_supported(fields["people"], known),
        entities=_supported(fields["entities"], known),
        place=next(iter(_supported([fields["place"]], known)), ""),
        topic=next(iter(_supported([fields["topic"]], known)), ""),
        speaker=draft.turns[-1].speaker,
    )


def _supported(names: Iterable[str], known: Evidence) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for name in names:
        clean = " ".join(name.split())
        if clean.isprintable() and len(clean) <= _LONGEST_NAME and has_words(clean, known):
            found.setdefault(clean.casefold(), clean)
    return tuple(found.values())[:_MOST_NAMES]


def _validity(draft: Draft, known: Evidence) -> Interval | None:
    """When the statement holds: the one time that it names, else the time the model gave, if the turns tell it."""
    base = known.sources[-1].time
    for text in (draft.text, str(draft.fields["time"])):
        told = {mention.interval for mention in find_times(text, base) if is_told(mention, known)}
        if len(told) == 1:
            return told.pop()
        if told:
            return None
    return None


def _around(turn: Turn, session: Sequence[Turn]) -> tuple[Neighbour, ...]:
    """The turn itself, the two before it and the one after: what a statement leaves out is found all the same."""
    place = next((i for i, other in enumerate(session) if other.ref == turn.ref), 0)
    near = range(max(0, place - BEFORE), min(len(session), place + AFTER + 1))
    return tuple(Neighbour(session[i].ref, session[i].content[:NEIGHBOUR_CHARACTERS], i - place) for i in near)

"""What holds of a case's memories and search results, check by check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from cases.reading import Ask, Case, Dated, SaidBy, Told, With, kept_in_order
from cases.serving import Outcome
from memsvc_client.models import Memory, SearchResult

NEXT_TO_NOTHING = 40
"""Tokens that a question nothing answers may draw."""
_BRACKETS = re.compile(r" \[[^\[\]]*\]")


class Figure(StrEnum):
    """What a share is computed of."""

    BYTES = "bytes unaltered"
    NEVER = "nothing made up"
    FACTS = "facts kept"
    ECHOES = "echoes add nothing"
    DATES_RIGHT = "dates not wrong"
    DATES_GIVEN = "dates given"
    ATTRIBUTION = "attribution right"
    DECIDES = "deciding sentence"
    NEWEST = "newest first"
    NOTHING = "nothing for nothing"


@dataclass(frozen=True)
class Check:
    """One thing that was to hold."""

    figure: Figure
    holds: bool
    wanted: str
    """In words, for who reads a failure."""


def checks(outcome: Outcome) -> Iterator[Check]:
    """Check everything that a case expects, and that no memory alters what was said."""
    case, memories = outcome.case, outcome.memories
    yield from chain.from_iterable(_unaltered(case, memory) for memory in memories)
    yield from chain.from_iterable(_told(told, memories) for told in case.told)
    yield from (_joined(joined, case, memories) for joined in case.joined)
    yield from (_echo(index, case, memories) for index in case.echoes)
    yield from (_never(words, case, memories) for words in case.never)
    yield from chain.from_iterable(_dated(dated, case, memories) for dated in case.dated)
    yield from (_undated(expression, case, memories) for expression in case.undated)
    yield from (_said_by(said, case, memories) for said in case.said_by)
    for ask, result in zip(case.ask, outcome.results, strict=True):
        yield from _asked(ask, case, result)


def _unaltered(case: Case, memory: Memory) -> Iterator[Check]:
    """Whether spans and additions make up the whole text, and every span is its turn's slice."""
    spans, additions = memory.spans, memory.additions
    pieces = sorted(
        [(span.text_start, span.text_start + span.end - span.start) for span in spans]
        + [(addition.text_start, addition.text_end) for addition in additions]
    )
    whole = [0, *(end for _, end in pieces)] == [*(start for start, _ in pieces), len(memory.memory)]
    slices = all(
        case.turns[int(span.turn.turn_id)].content[span.start : span.end]
        == memory.memory[span.text_start : span.text_start + span.end - span.start]
        for span in spans
    )
    yield Check(Figure.BYTES, whole and slices, f"{memory.memory!r} is made of spans and additions")


def _told(told: Told, memories: tuple[Memory, ...]) -> Iterator[Check]:
    texts = [own_words(memory) for memory in memories if told.turn in _cited(memory)]
    best = max(texts, key=lambda text: kept_in_order(told.keeps, text), default="")
    start = 0
    for words in told.keeps:
        at = best.find(words, start)
        start = max(start, at + len(words)) if at >= 0 else start
        yield Check(Figure.FACTS, at >= 0, f"turn {told.turn} keeps {words!r}")


def _joined(joined: With, case: Case, memories: tuple[Memory, ...]) -> Check:
    """Among the memories that tell the turn as expected, one holds the other turn too."""
    told = next((told for told in case.told if told.turn == joined.turn), None)
    keeps = told.keeps if told else ()
    holds = any(
        {joined.turn, joined.also} <= _cited(memory)
        and kept_in_order(keeps, own_words(memory)) == len(keeps)
        and joined.holds in own_words(memory)
        and _has_span_of(joined.also, memory)
        for memory in memories
    )
    return Check(Figure.FACTS, holds, f"turn {joined.turn} stands with {joined.holds!r} of turn {joined.also}")


def _has_span_of(index: int, memory: Memory) -> bool:
    return any(span.turn.turn_id == str(index) for span in memory.spans)


def _echo(index: int, case: Case, memories: tuple[Memory, ...]) -> Check:
    echoed = any(index in _cited(memory) and _cited(memory) <= set(case.echoes) for memory in memories)
    return Check(Figure.ECHOES, not echoed, f"no memory of turn {index}, an echo")


def _never(words: str, case: Case, memories: tuple[Memory, ...]) -> Check:
    figure = Figure.ATTRIBUTION if case.kind == "attribution" else Figure.NEVER
    return Check(figure, not any(words in memory.memory for memory in memories), f"{words!r} nowhere")


def _dated(dated: Dated, case: Case, memories: tuple[Memory, ...]) -> Iterator[Check]:
    """Two checks: the date is there, and no other one is."""
    given = any(_with_date(dated) in memory.memory for memory in memories)
    wrong = _has_wrong_date(dated.expression, case, memories)
    yield Check(Figure.DATES_GIVEN, given, f"{dated.expression!r} is [{dated.date}]")
    yield Check(Figure.DATES_RIGHT, not wrong, f"{dated.expression!r} is nothing but [{dated.date}]")


def _undated(expression: str, case: Case, memories: tuple[Memory, ...]) -> Check:
    wrong = _has_wrong_date(expression, case, memories)
    return Check(Figure.DATES_RIGHT, not wrong, f"{expression!r} has no date")


def _has_wrong_date(expression: str, case: Case, memories: tuple[Memory, ...]) -> bool:
    """Whether the expression has a date once all right ones are taken away, those of longer expressions among them."""
    texts = [memory.memory for memory in memories]
    for right in sorted(map(_with_date, case.dated), key=len, reverse=True):
        texts = [text.replace(right, "") for text in texts]
    return any(f"{expression} [" in text for text in texts)


def _with_date(dated: Dated) -> str:
    return f"{dated.expression} [{dated.date}]"


def _said_by(said: SaidBy, case: Case, memories: tuple[Memory, ...]) -> Check:
    """Every memory that holds the quote, and there is one, has it under the label."""
    labels = {_label(said.quote, memory, case) for memory in memories if said.quote in own_words(memory)}
    wanted = f"{said.quote!r} under {said.label!r}, not {sorted(labels) or 'lost'}"
    return Check(Figure.ATTRIBUTION, labels == {said.label.casefold()}, wanted)


def _label(quote: str, memory: Memory, case: Case) -> str:
    """The last label before the quote, folded; empty where there is none."""
    position = own_words(memory).index(quote)
    additions = memory.additions
    last, removed = "", 0
    for addition in sorted(additions, key=lambda addition: addition.text_start):
        words = memory.memory[addition.text_start : addition.text_end]
        if addition.text_end - removed > position:
            break
        if _in_brackets(words):
            removed += len(words)
        elif addition.kind == "label":
            last = words.strip().removesuffix(":").casefold()
    return last


def own_words(memory: Memory) -> str:
    """A memory's text less what stands in brackets of memsvc's own, which may come between any two words."""
    text = memory.memory
    for addition in sorted(memory.additions, key=lambda addition: -addition.text_start):
        if _in_brackets(text[addition.text_start : addition.text_end]):
            text = text[: addition.text_start] + text[addition.text_end :]
    return text


def _in_brackets(addition: str) -> bool:
    return addition.strip().startswith("[")


def _asked(ask: Ask, case: Case, result: SearchResult) -> Iterator[Check]:
    question = repr(ask.question)
    contexts = (result.context, _BRACKETS.sub("", result.context))
    for words in ask.has:
        yield Check(Figure.DECIDES, any(words in context for context in contexts), f"{question} draws {words!r}")
    for words in ask.lacks:
        yield Check(Figure.DECIDES, words not in result.context, f"{question} does not draw {words!r}")
    yield from _ranked(ask, case, result)
    if ask.empty:
        holds = result.token_count <= NEXT_TO_NOTHING
        yield Check(Figure.NOTHING, holds, f"{question} draws next to nothing, not {result.token_count} tokens")


def _ranked(ask: Ask, case: Case, result: SearchResult) -> Iterator[Check]:
    """What is first: a pair of a newer and an older value is one check, however it is said."""
    holds, wanted = [], []
    if ask.before:
        texts = [own_words(hit) for hit in result]
        newer, older = (next((n for n, text in enumerate(texts) if words in text), None) for words in ask.before)
        holds.append(newer is not None and (older is None or newer < older))
        wanted.append(f"{ask.before[0]!r} before {ask.before[1]!r}")
    if ask.cites_first is not None:
        holds.append(bool(result.hits) and ask.cites_first in _cited(result[0]))
        wanted.append(f"turn {ask.cites_first} first")
    if holds:
        figure = Figure.NEWEST if case.kind == "newest" else Figure.DECIDES
        yield Check(figure, all(holds), f"{ask.question!r} draws {' and '.join(wanted)}")


def _cited(memory: Memory) -> set[int]:
    return {int(source.turn_id) for source in memory.sources}

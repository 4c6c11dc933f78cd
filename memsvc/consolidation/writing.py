"""Episodes and themes in a writer's words. The writer is not trusted: each sentence is checked against what it cites.

What it may not say is dropped, and where nothing is left, or the writer fails, the statements that were chosen stand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from memsvc.consolidation.decisions import NAME, Action, Decision
from memsvc.consolidation.params import ConsolidationParams
from memsvc.consolidation.units import SENTENCE_SOURCES
from memsvc.errors import ModelUnavailable, ModelUnusable
from memsvc.language.grounding import Evidence, Rejection, Source, absolute, evidence, judge, without_speaker
from memsvc.language.words import tokenize
from memsvc.ports import Analyzer, TokenCounter
from memsvc.types import Analysis, Memory, SpaceKey

MOST_SOURCES = 4
"""Memories that one sentence may join."""
FEWEST_SOURCES = 2
"""Memories that a text must draw on: a single one's is not what several have in common."""
AT_ONCE = 4
"""Texts that are asked for side by side; a writer that is away is asked for no more than these."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a writer wrote, and the memories that it says it has it from, by their places in the list it was given."""

    text: str
    cites: tuple[int, ...]


class Writer(Protocol):
    """Words what several memories say."""

    @property
    def name(self) -> str:
        """Its name, for the memories it words."""
        ...

    async def write(self, space: SpaceKey, memories: Sequence[Memory], most_tokens: int) -> Sequence[Sentence]:
        """Sentences on what the memories, by event time, say together; `most_tokens` in all, of the service's tokens.

        Raises:
            ModelUnavailable: it is away, or the space may not ask any more today.
            ModelUnusable: it refuses, or its answer is of no use.
        """
        ...


_Answer = Sequence[Sentence] | ModelUnavailable | ModelUnusable


@dataclass(frozen=True, slots=True)
class _Draft:
    """A sentence with single spaces and absolute dates, and what it cites; `known` is None where that is nothing."""

    text: str
    cited: tuple[Memory, ...] = ()
    known: Evidence | None = None


class Wording:
    """Has episodes and themes worded, as far as what is written is borne out by their children.

    Args:
        writer: writes.
        analyzer: tags and entities of what it writes.
        tokens: the tokenizer that budgets are given in.
        params: constants.
    """

    def __init__(
        self, writer: Writer, *, analyzer: Analyzer, tokens: TokenCounter, params: ConsolidationParams
    ) -> None:
        self._writer = writer
        self._analyzer = analyzer
        self._tokens = tokens
        self._params = params

    async def reword(
        self, space: SpaceKey, decisions: Sequence[Decision], memories: Mapping[str, Memory]
    ) -> list[Decision]:
        """The decisions, those that write an episode or a theme with its text and the reason why it is that one.

        Args:
            space: on whose account the writer is asked.
            decisions: to be reworded; others than ABSTRACT stay as they are.
            memories: the children of all results, by id.
        """
        made = [(d, [memories[i] for i in d.result.derived_from]) for d in decisions if d.result and _abstracts(d)]
        worded: list[Decision] = []
        away: ModelUnavailable | None = None
        for start in range(0, len(made), AT_ONCE):
            some = made[start : start + AT_ONCE]
            answers = [away] * len(some) if away else await self._ask(space, [children for _, children in some])
            away = next((answer for answer in answers if isinstance(answer, ModelUnavailable)), None)
            for (decision, children), answer in zip(some, answers, strict=True):
                worded.append(await self._worded(decision, children, answer))
        left = iter(worded)
        return [next(left) if d.result and _abstracts(d) else d for d in decisions]

    async def _ask(self, space: SpaceKey, groups: Sequence[Sequence[Memory]]) -> list[_Answer]:
        asked = [self._writer.write(space, children, self._room(children)) for children in groups]
        answers: list[_Answer] = []
        for answer in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(answer, BaseException) and not isinstance(answer, ModelUnavailable | ModelUnusable):
                raise answer
            answers.append(answer)
        return answers

    def _room(self, children: Sequence[Memory]) -> int:
        """Tokens that a text may have: always fewer than its children's."""
        total = sum(self._tokens.count(child.text) for child in children)
        return min(int(self._params.abstract_share * total), self._params.written_tokens, total - 1)

    async def _worded(self, decision: Decision, children: Sequence[Memory], answer: _Answer) -> Decision:
        if isinstance(answer, ModelUnavailable | ModelUnusable):
            return _noted(decision, f"its text quotes them, as the language model failed ({answer.reason})")
        drafts, dropped = await self._checked(children, answer)
        reasons = ", ".join(dict.fromkeys(dropped))
        if decision.result is None or not drafts:
            why = (
                f"nothing that the language model wrote holds ({reasons})"
                if dropped
                else "the language model wrote nothing"
            )
            return _noted(decision, f"its text quotes them, as {why}")
        note = "the language model wrote its text" + (f", less what does not hold ({reasons})" if dropped else "")
        return replace(_noted(decision, note), result=self._written(decision.result, drafts))

    async def _checked(
        self, children: Sequence[Memory], sentences: Sequence[Sentence]
    ) -> tuple[list[_Draft], list[Rejection]]:
        """The sentences that may be told, and why each of the others may not."""
        drafts = [_draft(children, sentence) for sentence in sentences]
        analyses = await self._analyzer.analyze([draft.text for draft in drafts])
        kept: list[_Draft] = []
        dropped: list[Rejection] = []
        room = self._room(children)
        for draft, analysis in zip(drafts, analyses, strict=True):
            reason = self._judge(draft, analysis)
            if reason is None and any(tokenize(draft.text) == tokenize(other.text) for other in kept):
                reason = Rejection.DUPLICATE
            if reason is None and self._tokens.count(_text([*kept, draft])) > room:
                reason = Rejection.TOO_LONG
            if reason is None:
                kept.append(draft)
            else:
                dropped.append(reason)
        if kept and len({child.id for draft in kept for child in draft.cited}) < FEWEST_SOURCES:
            return [], [*dropped, Rejection.TOO_FEW_SOURCES]
        return kept, dropped

    def _judge(self, draft: _Draft, analysis: Analysis) -> Rejection | None:
        if draft.known is None:
            return Rejection.NO_SOURCE
        return judge(
            draft.text,
            analysis,
            draft.known,
            tokens=self._tokens.count(draft.text),
            source_tokens=sum(self._tokens.count(child.text) for child in draft.cited),
            most_sources=MOST_SOURCES,
        )

    def _written(self, result: Memory, drafts: Sequence[_Draft]) -> Memory:
        """The episode or theme in other words; all else, such as what it was made from and when it holds, stays."""
        text = _text(drafts)
        sources = " ".join(",".join(child.id for child in draft.cited) for draft in drafts)
        return replace(
            result,
            text=text,
            token_count=self._tokens.count(text),
            compressor=f"{NAME}:{self._writer.name}",
            metadata={**result.metadata, SENTENCE_SOURCES: sources},
            dense_text=" ".join(without_speaker(draft.text, draft.known) for draft in drafts if draft.known),
            lexical_text=text,
        )


def _abstracts(decision: Decision) -> bool:
    return decision.action is Action.ABSTRACT


def _draft(children: Sequence[Memory], sentence: Sentence) -> _Draft:
    text = " ".join(sentence.text.split())
    if text and text[-1].isalnum():
        text += "."  # the next sentence follows on the same line
    if not sentence.cites or not all(0 <= place < len(children) for place in sentence.cites):
        return _Draft(text)
    cited = tuple(children[place] for place in sorted(set(sentence.cites)))
    sources = [Source(child.text, child.event_time) for child in cited]
    known = evidence(sources, (child.symbolic.speaker for child in cited if child.symbolic.speaker))
    return _Draft(absolute(text, known), cited, known)


def _text(drafts: Sequence[_Draft]) -> str:
    return " ".join(draft.text for draft in drafts)


def _noted(decision: Decision, note: str) -> Decision:
    return replace(decision, reason=f"{decision.reason.removesuffix('.')}; {note}.")

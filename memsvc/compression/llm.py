"""The compressor with a language model: what it says is checked, what it leaves open falls to the rules."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from memsvc.compression.prompting import Window, answer_tokens, messages, schema, windows
from memsvc.compression.restating import Draft, Restater, Verdict
from memsvc.errors import ModelUnavailable, ModelUnusable
from memsvc.language.grounding import Rejection
from memsvc.language.words import stems, tokenize
from memsvc.ports import Analyzer, Compressor, MeteredModel, Surprisal, TokenCounter
from memsvc.types import (
    LLM_FAILED,
    Compression,
    Disposition,
    ModelPurpose,
    PendingTurns,
    SpaceKey,
    Turn,
    TurnOutcome,
    TurnRef,
)

RESTATED = "LLM"
"""Reason of a turn that a statement of the model covers."""
DROPPED, SILENT, HALF_TOLD = "LLM_DROPPED", "LLM_SILENT", "LLM_HALF_TOLD"
"""How the reason of a turn that fell to the rules ends: why its statements were dropped, that there were none, or that
they leave out nearly all of it."""
COVERAGE = 0.3
"""Share of a turn's content stems that its statements must keep between them for the turn to count as told."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of one window: verdicts, or the failure that sends the whole window to the rules."""

    window: Window
    verdicts: tuple[Verdict, ...] = ()
    failure: ModelUnavailable | ModelUnusable | None = None


class LlmCompressor:
    """Implements `ports.Compressor` and `ports.Recompressor`.

    Turns that no valid statement covers are compressed by the rules, with the reason on their outcome. A window whose
    model is away, refuses or answers garbage is compressed by the rules as a whole, and its turns are in
    `Compression.redo`. Ids are deterministic for the same answers of the model.

    Args:
        model: answers; several windows are asked at once, as far as it lets them.
        rules: what every turn falls back to.
        analyzer: tags and entities of the model's statements.
        surprisal: self-information of words.
        tokens: the tokenizer that budgets are given in.
    """

    def __init__(
        self,
        *,
        model: MeteredModel,
        rules: Compressor,
        analyzer: Analyzer,
        surprisal: Surprisal,
        tokens: TokenCounter,
    ) -> None:
        self._model = model
        self._rules = rules
        self._name = f"llm/1:{model.name}"
        self._restater = Restater(self._name, analyzer=analyzer, surprisal=surprisal, tokens=tokens)

    @property
    def name(self) -> str:
        """Name, version and model."""
        return self._name

    async def compress(self, space: SpaceKey, turns: PendingTurns) -> Compression:
        """Compress the pending turns: every one gets an outcome. Raises Unavailable when a store or the rules' are."""
        asked = [self._ask(space, window) for window in windows(turns)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return await self._combine(space, turns, [answer for answer in answers if isinstance(answer, _Answer)])

    async def recompress(self, space: SpaceKey, turns: PendingTurns) -> Compression:
        """As `compress`, of turns whose window failed before. Raises what the model raises; nothing falls back."""
        answers = [await self._answered(space, window) for window in windows(turns)]
        return await self._combine(space, turns, answers)

    async def _ask(self, space: SpaceKey, window: Window) -> _Answer:
        try:
            return await self._answered(space, window)
        except (ModelUnavailable, ModelUnusable) as error:
            return _Answer(window, failure=error)

    async def _answered(self, space: SpaceKey, window: Window) -> _Answer:
        completion = await self._model.complete(
            space, ModelPurpose.COMPRESS, messages(window), schema(window), max_tokens=answer_tokens(window)
        )
        return _Answer(window, tuple(await self._restater.verdicts(window, completion.value["units"])))

    async def _combine(self, space: SpaceKey, turns: PendingTurns, answers: Sequence[_Answer]) -> Compression:
        answers = _once(answers)
        accepted = [verdict.draft for answer in answers for verdict in answer.verdicts if verdict.rejection is None]
        covered = _covered(accepted)
        for ref in _half_told(accepted):
            del covered[ref]
        redo = tuple(turn.ref for answer in answers if answer.failure for turn in answer.window.turns)
        memories = self._restater.memories(space, accepted, (*turns.context, *turns.pending))
        left = [turn.ref for turn in turns.pending if turn.ref not in covered]
        if not left:
            return Compression(tuple(memories), tuple(covered.values()))
        ruled = await self._rules.compress(space, turns)
        notes = _notes(answers)
        # The rules read the whole session, so that their memories of these turns are what they would be alone.
        memories += [memory for memory in ruled.memories if not covered.keys() >= set(memory.sources)]
        outcomes = [
            covered.get(outcome.ref) or _noted(outcome, notes.get(outcome.ref, "")) for outcome in ruled.outcomes
        ]
        return Compression(tuple(memories), tuple(outcomes), redo)


def _once(answers: Iterable[_Answer]) -> list[_Answer]:
    """Reject statements that say, word for word, what an earlier accepted one says, of whichever window."""
    seen: set[tuple[str, ...]] = set()

    def checked(verdict: Verdict) -> Verdict:
        words = tuple(tokenize(verdict.draft.text))
        if verdict.rejection is None and words in seen:
            return replace(verdict, rejection=Rejection.DUPLICATE)
        if verdict.rejection is None:
            seen.add(words)
        return verdict

    return [replace(answer, verdicts=tuple(map(checked, answer.verdicts))) for answer in answers]


def _covered(drafts: Sequence[Draft]) -> dict[TurnRef, TurnOutcome]:
    """Outcomes of the cited turns: KEPT where a statement ends with the turn, MERGED into a later one otherwise."""
    ends = {draft.refs[-1] for draft in drafts}
    cited = dict.fromkeys(ref for draft in drafts for ref in draft.refs)
    return {ref: TurnOutcome(ref, Disposition.KEPT if ref in ends else Disposition.MERGED, RESTATED) for ref in cited}


def _half_told(drafts: Sequence[Draft]) -> list[TurnRef]:
    """Cited turns of which the statements leave out nearly everything: what is left must not be lost with them."""
    texts: dict[TurnRef, list[str]] = {}
    turns: dict[TurnRef, Turn] = {}
    for draft in drafts:
        for turn in draft.turns:
            turns[turn.ref] = turn
            texts.setdefault(turn.ref, []).append(draft.text)
    return [ref for ref, turn in turns.items() if not _covers(texts[ref], turn)]


def _covers(texts: Iterable[str], turn: Turn) -> bool:
    """Whether the statements that cite a turn keep enough of what it says to stand in its place."""
    theirs = set(stems(turn.content))
    kept = {stem for text in texts for stem in stems(text)}
    return len(theirs & kept) >= COVERAGE * len(theirs)


def _notes(answers: Sequence[_Answer]) -> Mapping[TurnRef, str]:
    """What to say of each turn of the windows, should it fall to the rules."""
    notes: dict[TurnRef, str] = {}
    for answer in answers:
        for turn in answer.window.turns:
            notes[turn.ref] = _note(answer, turn.ref)
    return notes


def _note(answer: _Answer, ref: TurnRef) -> str:
    if answer.failure is not None:
        return f"{LLM_FAILED} {answer.failure.reason}"
    dropped = {
        verdict.rejection: None
        for verdict in answer.verdicts
        if verdict.rejection and (ref in verdict.draft.refs or not verdict.draft.refs)
    }
    if dropped:
        return " ".join([DROPPED, *dropped])
    cited = any(ref in verdict.draft.refs for verdict in answer.verdicts)
    return HALF_TOLD if cited else SILENT


def _noted(outcome: TurnOutcome, note: str) -> TurnOutcome:
    """The rules' outcome with the note: a failure first, since that is what a later attempt looks for."""
    if not note:
        return outcome
    parts = (note, outcome.reason) if note.startswith(LLM_FAILED) else (outcome.reason, note)
    return replace(outcome, reason="; ".join(parts))

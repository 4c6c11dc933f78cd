"""Which pieces of each turn are told, and why the others are not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from memsvc.compression.blocks import BlockKind
from memsvc.compression.coverage import Place
from memsvc.compression.echo import Told, echoes
from memsvc.compression.entropy import GateSettings, WindowScore
from memsvc.compression.phatic import nothing_said, reacts
from memsvc.compression.pieces import Piece
from memsvc.compression.questions import Question, elaborates, open_question
from memsvc.compression.reading import Reading
from memsvc.compression.reasons import Reason
from memsvc.language.splitting import Range
from memsvc.types import Role


class Density(StrEnum):
    """How much of a session is told: all of it, all that says something, or a few sentences that cover its words."""

    FULL = "full"
    BALANCED = "balanced"
    TERSE = "terse"


@dataclass(slots=True)
class Judgement:
    """What becomes of one turn: the pieces that are told, the question they answer, and the cuts with their reasons."""

    told: list[Piece]
    cuts: dict[Piece, Reason]
    question: Question | None = None

    def cut(self, piece: Piece, reason: Reason) -> None:
        """Leave a piece out that was to be told."""
        if piece in self.told:
            self.told.remove(piece)
            self.cuts[piece] = reason

    @property
    def reason(self) -> Reason:
        """Why the turn is kept or merged, or else the reason of its longest cut."""
        if self.told:
            return Reason.INFORMATIVE
        if Reason.ANSWERED in self.cuts.values():
            return Reason.ANSWERED
        longest = max(self.cuts, key=lambda piece: piece.end - piece.start, default=None)
        return Reason.EMPTY if longest is None else self.cuts[longest]


def judge(
    readings: Sequence[Reading],
    questions: Sequence[Question | None],
    *,
    context: int,
    scores: Sequence[WindowScore],
    gate: GateSettings,
    told_before: Told,
    density: Density,
    chosen: frozenset[Place] | None,
) -> list[Judgement]:
    """Judge the turns after the first `context` ones, each with the question that it answers (`questions.answered`).

    A question that is told with its answer is told there alone, unless the answer is an assistant's long one: what its
    user asked then stands beside it as what the user said.
    """
    for reading in readings[:context]:
        told_before.add(reading.turn.content)
    judgements: list[Judgement] = []
    for i in range(context, len(readings)):
        made = _judge(
            readings, i, questions[i], scores[i - context].score < gate.threshold, told_before, density, chosen
        )
        if made.told and made.question is not None and made.question.index >= context and not elaborates(readings[i]):
            asker = judgements[made.question.index - context]
            # What answers a question itself stays where nothing else of it is told: its question is told there alone.
            if asker.question is None or not set(asker.told) <= set(made.question.asked):
                for piece in made.question.asked:
                    asker.cut(piece, Reason.ANSWERED)
        told_before.add(readings[i].turn.content)
        judgements.append(made)
    return judgements


def _judge(
    readings: Sequence[Reading],
    i: int,
    question: Question | None,
    nothing_new: bool,
    told_before: Told,
    density: Density,
    chosen: frozenset[Place] | None,
) -> Judgement:
    reading = readings[i]
    if reading.turn.role is Role.SYSTEM:
        return Judgement([], dict.fromkeys(reading.pieces, Reason.SYSTEM))
    if density is Density.FULL:
        return Judgement(list(reading.pieces), {}, question)
    asked = open_question(readings, i) is not None
    repeated = echoes(reading, told_before)
    reasons: dict[Piece, Reason] = {}
    quoted = {piece.start for piece in repeated}
    for piece in reading.pieces:
        led = any(lead[0] not in quoted for lead in piece.leads)
        reason = (
            Reason.ECHO if piece in repeated else _reason(reading, piece, led, asked=asked, nothing_new=nothing_new)
        )
        if reason is None and chosen is not None and (i, piece.start) not in chosen:
            reason = Reason.LOW_INFORMATION
        if reason is not None:
            reasons[piece] = reason
    _keep_headings(reading, reasons)
    told = [piece for piece in reading.pieces if piece not in reasons]
    return Judgement(told, reasons, question)


def _reason(reading: Reading, piece: Piece, led: bool, *, asked: bool, nothing_new: bool) -> Reason | None:
    if piece.kind is not BlockKind.PROSE or led or not reading.is_talk:
        return None  # what stands under something belongs to it, be it no more than a "Thanks!" in a mail
    text = reading.text(piece)
    reason = nothing_said(text, names=reading.called, answering=asked)
    if reason is None and nothing_new and not asked and reacts(text, names=reading.called):
        return Reason.LOW_ENTROPY
    return reason


def _keep_headings(reading: Reading, reasons: dict[Piece, Reason]) -> None:
    """What stands under a heading, and the heading over it, are told together or not at all."""
    under: defaultdict[Range, list[Reason | None]] = defaultdict(list)
    for piece in reading.pieces:
        for lead in piece.leads:
            under[lead].append(reasons.get(piece))
    for piece in reading.pieces:
        below = under.get((piece.start, piece.end), [])
        if None in below:
            reasons.pop(piece, None)
        elif below and below[0] is not None:
            reasons.setdefault(piece, below[0])

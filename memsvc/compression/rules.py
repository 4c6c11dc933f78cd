"""The compressor without a language model: turns into memories that tell what was said in its own words."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from memsvc.compression.composing import compose
from memsvc.compression.coverage import covering
from memsvc.compression.echo import told_before
from memsvc.compression.entropy import GateSettings, WindowScore, score_turns
from memsvc.compression.judging import Density, Judgement, judge
from memsvc.compression.pieces import Piece
from memsvc.compression.questions import Question, answered, elaborates
from memsvc.compression.reading import Reading, read
from memsvc.compression.reasons import Reason
from memsvc.compression.symbols import among, mean_bits, named, salience, symbols, validity
from memsvc.compression.units import units
from memsvc.compression.views import around, date_in_words, repetition
from memsvc.ports import ContextSurprisal, Embedder, Surprisal, TokenCounter, Vectors
from memsvc.types import (
    Compression,
    Cut,
    Disposition,
    Gate,
    Memory,
    MemoryState,
    PendingTurns,
    SpaceKey,
    TurnOutcome,
    TurnRef,
    merged_metadata,
)

NAME = "rules/2"
_IDS = uuid.UUID("6f1f3f5e-6a0c-5d4b-9a9e-2f6d1f0f7c11")


@dataclass(frozen=True, slots=True)
class _Session:
    """One call's input: readings with the context first, and the score and judgement of each pending one."""

    space: SpaceKey
    readings: Sequence[Reading]
    context: int
    scores: Sequence[WindowScore]
    judgements: Sequence[Judgement]
    surprisals: Sequence[Surprisal]
    """Of each reading, the words within its turn."""


@dataclass(frozen=True, slots=True)
class _Unit:
    """What one memory is made of: pieces of the reading at `index`, which of them are told, and its place."""

    index: int
    pieces: Sequence[Piece]
    told: Sequence[Piece]
    ordinal: int
    count: int
    is_first: bool


class RulesCompressor:
    """Implements `ports.Compressor` without an LLM; deterministic, memory ids included.

    Args:
        embedder: vectors for the gate's novelty, of each turn's first memory.
        surprisal: self-information of words.
        tokens: the tokenizer that budgets are given in.
        gate: constants of the entropy gate.
        density: how much is told.
    """

    def __init__(
        self,
        *,
        embedder: Embedder,
        surprisal: ContextSurprisal,
        tokens: TokenCounter,
        gate: GateSettings,
        density: Density = Density.BALANCED,
    ) -> None:
        self._embedder = embedder
        self._surprisal = surprisal
        self._tokens = tokens
        self._gate = gate
        self._density = density

    @property
    def name(self) -> str:
        """Name and version."""
        return NAME

    async def compress(self, space: SpaceKey, turns: PendingTurns) -> Compression:
        """Compress the pending turns: every one gets an outcome. Raises Unavailable when the embedder is down."""
        if not turns.pending:
            return Compression((), ())
        everyone = [*turns.context, *turns.pending]
        readings = await asyncio.to_thread(read, everyone, known=turns.known_entities, tokens=self._tokens)
        questions = await asyncio.to_thread(_questions, readings)
        vectors = await self._vectors(readings, questions)
        surprisals = await self._surprisal.within([turn.content for turn in everyone])
        return await asyncio.to_thread(self._compress, space, turns, readings, questions, vectors, surprisals)

    async def _vectors(self, readings: Sequence[Reading], questions: Sequence[Question | None]) -> Vectors:
        """Embeddings of the turns, shape [turns, dimension]; zeros for turns that say nothing.

        The texts are those that are embedded for the index anyway: of a long turn the first memory stands for the
        whole, an answer stands for the question that it is told with.
        """
        vectors = np.zeros((len(readings), self._embedder.dimension), dtype=np.float32)
        joined = _joined(readings, questions)
        said = [
            i for i, reading in enumerate(readings) if not joined.issuperset((i, piece) for piece in reading.pieces)
        ]
        if said:
            vectors[said] = await self._embedder.embed([self._first_text(readings, i, questions[i]) for i in said])
        return vectors

    def _first_text(self, readings: Sequence[Reading], i: int, question: Question | None) -> str:
        first = units(readings[i].turn.content, readings[i].pieces, self._tokens)[0]
        return _embedded(readings, _searched(readings[i], first), question)

    def _compress(
        self,
        space: SpaceKey,
        turns: PendingTurns,
        readings: Sequence[Reading],
        questions: Sequence[Question | None],
        vectors: Vectors,
        surprisals: Sequence[Surprisal],
    ) -> Compression:
        context = len(turns.context)
        names = [named(reading) for reading in readings]
        known = turns.known_entities
        scores = score_turns(names, vectors, context=context, known=known, settings=self._gate)
        terse = self._density is Density.TERSE
        judgements = judge(
            readings,
            questions,
            context=context,
            scores=scores,
            gate=self._gate,
            told_before=told_before(turns.told),
            density=self._density,
            chosen=covering(readings, context, surprisals, self._tokens) if terse else None,
        )
        session = _Session(space, readings, context, scores, judgements, surprisals)
        memories = [
            self._memory(session, unit) for i in range(context, len(readings)) for unit in self._units(session, i)
        ]
        outcomes = [_outcome(session, i) for i in range(context, len(readings))]
        return Compression(tuple(memories), tuple(outcomes))

    def _units(self, session: _Session, i: int) -> list[_Unit]:
        """The memories of a turn; one that is left out whole is a memory too, which is served where asked for."""
        reading, judgement = session.readings[i], session.judgements[i - session.context]
        if not judgement.told:
            merged = judgement.reason is Reason.ANSWERED
            return [] if merged or not reading.pieces else [_Unit(i, reading.pieces, reading.pieces, 0, 1, False)]
        told = set(judgement.told)
        groups = units(reading.turn.content, reading.pieces, self._tokens)
        parts = [(group, [piece for piece in group if piece in told]) for group in groups]
        parts = [(group, chosen) for group, chosen in parts if chosen]
        return [_Unit(i, group, chosen, n, len(parts), n == 0) for n, (group, chosen) in enumerate(parts)]

    def _memory(self, session: _Session, unit: _Unit) -> Memory:
        reading, judgement = session.readings[unit.index], session.judgements[unit.index - session.context]
        question = judgement.question if unit.is_first else None
        asker = session.readings[question.index] if question else None
        asked = question.asked if question else ()
        composed = compose(
            reading.turn,
            unit.told,
            reading.times,
            question=(asker.turn, asked, asker.times) if asker else None,
        )
        told_ranges = [(piece.start, piece.end) for piece in unit.told]
        parts = [(asker, [(piece.start, piece.end) for piece in asked])] if asker else []
        parts.append((reading, told_ranges))
        surprisal = session.surprisals[unit.index]
        symbolic = symbols(parts, surprisal)
        times = among(reading.times, told_ranges)
        interval = validity(times)
        searched = _searched(reading, unit.pieces)
        sources = (reading.turn.ref, *((asker.turn.ref,) if asker else ()))
        return Memory(
            id=_id(session.space, sources, unit.ordinal),
            scope=reading.turn.scope,
            text=composed.text,
            spans=composed.spans,
            additions=composed.additions,
            event_time=reading.turn.event_time,
            utc_offset_minutes=reading.turn.utc_offset_minutes,
            role=reading.turn.role,
            part_count=unit.count,
            repetition=repetition(session.readings, unit.index, unit.told),
            state=MemoryState.ACTIVE if judgement.told else MemoryState.LEFT_OUT,
            symbolic=symbolic,
            valid_from=interval.start if interval else None,
            valid_to=interval.end if interval else None,
            salience=salience(searched, reading.language, symbolic, dated=bool(times), surprisal=surprisal),
            token_count=self._tokens.count(composed.text),
            sources=sources,
            gate=self._explain(session, unit, searched),
            compressor=NAME,
            metadata=merged_metadata([each.turn for each, _ in parts]),
            dense_text=_embedded(session.readings, searched, question),
            lexical_text=_lexical(reading, unit, composed.text),
            neighbours=around(session.readings, unit.index),
        )

    def _explain(self, session: _Session, unit: _Unit, searched: str) -> Gate:
        reading, judgement = session.readings[unit.index], session.judgements[unit.index - session.context]
        score = session.scores[unit.index - session.context]
        cuts = [(piece, judgement.cuts[piece]) for piece in unit.pieces if piece in judgement.cuts]
        return Gate(
            score=score.score,
            new_entity_rate=score.new_entity_rate,
            novelty=score.novelty,
            alpha=self._gate.alpha,
            threshold=self._gate.threshold,
            surprisal=mean_bits(searched, reading.language, session.surprisals[unit.index]),
            kept=bool(judgement.told),
            reason=judgement.reason,
            cuts=tuple(Cut(reading.text(piece), reason) for piece, reason in cuts) if judgement.told else (),
        )


def _outcome(session: _Session, i: int) -> TurnOutcome:
    ref, judgement = session.readings[i].turn.ref, session.judgements[i - session.context]
    if judgement.told:
        return TurnOutcome(ref, Disposition.KEPT, judgement.reason)
    merged = judgement.reason is Reason.ANSWERED
    return TurnOutcome(ref, Disposition.MERGED if merged else Disposition.LEFT_OUT, judgement.reason)


def _questions(readings: Sequence[Reading]) -> list[Question | None]:
    return [answered(readings, i) for i in range(len(readings))]


def _joined(readings: Sequence[Reading], questions: Sequence[Question | None]) -> set[tuple[int, Piece]]:
    """Places of the pieces that are told with their answer alone."""
    return {
        (question.index, piece)
        for i, question in enumerate(questions)
        if question is not None and not elaborates(readings[i])
        for piece in question.asked
    }


def _embedded(readings: Sequence[Reading], searched: str, question: Question | None) -> str:
    """What the dense view embeds: the question that an answer needs, and what is searched of the answer."""
    if question is None:
        return searched
    return " ".join([*(readings[question.index].text(piece) for piece in question.asked), searched])


def _searched(reading: Reading, group: Sequence[Piece]) -> str:
    """What the views search of a group of pieces: what it stands under, and all of it, also what is not told."""
    leads = [lead for lead in group[0].leads if lead[1] <= group[0].start]
    ranges = [*leads, *((piece.start, piece.end) for piece in group)]
    return " ".join(reading.turn.content[start:end] for start, end in ranges)


def _lexical(reading: Reading, unit: _Unit, text: str) -> str:
    told = set(unit.told)
    left_out = [reading.text(piece) for piece in unit.pieces if piece not in told]
    return "\n".join([text, *left_out, date_in_words(reading.turn)])


def _id(space: SpaceKey, sources: Sequence[TurnRef], ordinal: int) -> str:
    parts = [space.tenant, space.space, sources[0].scope.key, *(ref.turn_id for ref in sources), str(ordinal), NAME]
    return str(uuid.uuid5(_IDS, "\x1f".join(parts)))

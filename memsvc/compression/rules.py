"""The rule-based compressor: turns into statements without a language model."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from memsvc.compression.coverage import Place, covering
from memsvc.compression.entropy import GateSettings, WindowScore, score_turns
from memsvc.compression.phatic import Reason
from memsvc.compression.questions import Exchange, exchange
from memsvc.compression.references import speaks_of_self
from memsvc.compression.segments import segments
from memsvc.compression.statements import state, state_exchange
from memsvc.compression.symbols import mean_bits, named, salience, symbols, telling_bits, times_in, validity
from memsvc.compression.telling import Density, only_reacts, telling, tells_of_us
from memsvc.compression.utterances import Piece, Utterance, left_out_reason, read
from memsvc.ports import Analyzer, ContextSurprisal, Embedder, Surprisal, TokenCounter, Vectors
from memsvc.types import (
    Compression,
    Cut,
    Disposition,
    Gate,
    Memory,
    MemoryState,
    Neighbour,
    PendingTurns,
    Role,
    SpaceKey,
    Turn,
    TurnOutcome,
    TurnRef,
)

NAME = "rules/1"
_IDS = uuid.UUID("6f1f3f5e-6a0c-5d4b-9a9e-2f6d1f0f7c11")
_TELLING_BITS = 50.0
"""Bits from which a turn is kept whatever its window scores: so much is rarely small talk."""


@dataclass(frozen=True, slots=True)
class _Session:
    """One call's input: utterances with the context first, and the score of each pending one."""

    space: SpaceKey
    utterances: Sequence[Utterance]
    context: int
    known: frozenset[str]
    scores: Sequence[WindowScore]
    surprisals: Sequence[Surprisal]
    """Of each utterance, the words within its turn."""
    chosen: frozenset[Place] | None = None
    """With terse density, the pieces that are told."""


class RulesCompressor:
    """Implements `ports.Compressor` without an LLM; deterministic, memory ids included.

    Args:
        analyzer: tags, parse and entities.
        embedder: vectors for the gate's novelty; it sees the texts that become the dense view.
        surprisal: self-information of words.
        tokens: the tokenizer that budgets are given in.
        gate: constants of the entropy gate.
        density: how much is told.
    """

    def __init__(
        self,
        *,
        analyzer: Analyzer,
        embedder: Embedder,
        surprisal: ContextSurprisal,
        tokens: TokenCounter,
        gate: GateSettings,
        density: Density = Density.BALANCED,
    ) -> None:
        self._analyzer = analyzer
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
        analyses = await self._analyzer.analyze([turn.content for turn in everyone])
        utterances = await asyncio.to_thread(read, everyone, analyses)
        vectors = await self._vectors(utterances)
        scores = score_turns(
            [named(u) for u in utterances],
            vectors,
            context=len(turns.context),
            known=turns.known_entities,
            settings=self._gate,
        )
        surprisals = await self._surprisal.within([turn.content for turn in everyone])
        session = _Session(space, utterances, len(turns.context), turns.known_entities, scores, surprisals)
        return await asyncio.to_thread(self._compress, session)

    async def _vectors(self, utterances: Sequence[Utterance]) -> Vectors:
        """Embeddings of what each turn says, shape [turns, dimension]; zeros for turns that say nothing."""
        vectors = np.zeros((len(utterances), self._embedder.dimension), dtype=np.float32)
        said = [i for i, utterance in enumerate(utterances) if utterance.content]
        if said:
            vectors[said] = await self._embedder.embed([utterances[i].content for i in said])
        return vectors

    def _compress(self, session: _Session) -> Compression:
        if self._density is Density.TERSE:
            chosen = covering(session.utterances, session.context, session.surprisals, self._tokens)
            session = replace(session, chosen=chosen)
        memories: list[Memory] = []
        outcomes: dict[TurnRef, TurnOutcome] = {}
        for i in range(session.context, len(session.utterances)):
            ref = session.utterances[i].turn.ref
            before = session.utterances[i - 1] if i else None
            joined = exchange(before, session.utterances[i])
            if before is not None and joined is not None:
                if joined.prompt == before.last_question and before.content in ("", joined.prompt):
                    memories = [memory for memory in memories if memory.sources != (before.turn.ref,)]
                    self._merge(before.turn.ref, outcomes)
                memories.append(self._exchange_unit(session, i, joined))
                outcomes[ref] = TurnOutcome(ref, Disposition.KEPT, Reason.INFORMATIVE)
                continue
            kept, reason = self._judge(session, i)
            units = self._units(session, i, reason) if kept else [self._left_out(session, i, reason)]
            memories.extend(units)
            outcomes[ref] = TurnOutcome(ref, Disposition.KEPT if kept else Disposition.LEFT_OUT, reason)
        return Compression(tuple(memories), tuple(outcomes.values()))

    def _merge(self, ref: TurnRef, outcomes: dict[TurnRef, TurnOutcome]) -> None:
        """The turn's whole content lives in the exchange; one of an earlier call keeps the unit it has."""
        if ref in outcomes:
            outcomes[ref] = TurnOutcome(ref, Disposition.MERGED, Reason.ANSWERED)

    def _judge(self, session: _Session, i: int) -> tuple[bool, Reason]:
        utterance = session.utterances[i]
        if utterance.turn.role is Role.SYSTEM:
            return False, Reason.SYSTEM
        if not utterance.pieces:
            return False, left_out_reason(utterance)
        if session.chosen is not None:
            told = any((i, piece.start) in session.chosen for piece in utterance.pieces)
            return (True, Reason.INFORMATIVE_TURN) if told else (False, Reason.LOW_INFORMATION)
        if self._density is Density.BALANCED and self._only_reacts(session, i):
            return False, Reason.LOW_INFORMATION
        if session.scores[i - session.context].score >= self._gate.threshold:
            return True, Reason.INFORMATIVE
        return (True, Reason.INFORMATIVE_TURN) if self._is_informative(session, i) else (False, Reason.LOW_ENTROPY)

    def _only_reacts(self, session: _Session, i: int) -> bool:
        before = session.utterances[i - 1] if i else None
        return only_reacts(session.utterances[i], before, session.surprisals[i])

    def _is_informative(self, session: _Session, i: int) -> bool:
        """Whether a turn of a low window says something itself: a new name, a number, a time, its speaker, or much."""
        utterance = session.utterances[i]
        earlier = session.known.union(*(named(u) for u in session.utterances[:i]))
        content = utterance.content
        return (
            bool(named(utterance) - earlier)
            or bool(times_in(utterance, utterance.pieces))
            or any(character.isdigit() for character in content)
            or speaks_of_self(content)
            or tells_of_us(utterance)
            or telling_bits(content, utterance.analysis.language, session.surprisals[i]) >= _TELLING_BITS
        )

    def _units(self, session: _Session, i: int, reason: Reason) -> list[Memory]:
        utterance = session.utterances[i]
        groups = [(group, self._told(session, i, group)) for group in segments(utterance.pieces, self._tokens)]
        told = [(group, chosen) for group, chosen in groups if chosen]
        return [self._unit(session, i, reason, ordinal, *parts) for ordinal, parts in enumerate(told)]

    def _told(self, session: _Session, i: int, pieces: Sequence[Piece]) -> list[Piece]:
        if session.chosen is not None:
            return [piece for piece in pieces if (i, piece.start) in session.chosen]
        if self._density is Density.FULL:
            return list(pieces)
        return telling(session.utterances[i], pieces, session.surprisals[i])

    def _unit(
        self, session: _Session, i: int, reason: Reason, ordinal: int, pieces: Sequence[Piece], told: Sequence[Piece]
    ) -> Memory:
        utterance = session.utterances[i]
        dropped = [Cut(piece.plain, Reason.LOW_INFORMATION) for piece in pieces if piece not in told]
        dropped += [Cut(piece.spared, Reason.WORDING) for piece in told if piece.spared]
        return self._memory(
            session,
            i,
            reason,
            text=state([piece.told for piece in told], utterance.voices),
            searched=state(pieces, utterance.voices),
            plain=" ".join(piece.plain for piece in pieces),
            pieces=pieces,
            ordinal=ordinal,
            cuts=tuple(dropped),
        )

    def _exchange_unit(self, session: _Session, i: int, joined: Exchange) -> Memory:
        before, reply = session.utterances[i - 1], session.utterances[i]
        return self._memory(
            session,
            i,
            Reason.INFORMATIVE,
            text=state_exchange(joined, before.speaker, reply.speaker),
            plain=f"{joined.prompt} {joined.reply}",
            pieces=reply.pieces,
            sources=(before.turn.ref, reply.turn.ref),
        )

    def _left_out(self, session: _Session, i: int, reason: Reason) -> Memory:
        utterance = session.utterances[i]
        content = utterance.turn.content
        return self._memory(
            session,
            i,
            reason,
            text=f"{utterance.speaker}: {content}",
            plain=content,
            pieces=utterance.pieces,
            state=MemoryState.LEFT_OUT,
        )

    def _memory(
        self,
        session: _Session,
        i: int,
        reason: Reason,
        *,
        text: str,
        plain: str,
        pieces: Sequence[Piece],
        searched: str = "",
        ordinal: int = 0,
        sources: tuple[TurnRef, ...] = (),
        state: MemoryState = MemoryState.ACTIVE,
        cuts: tuple[Cut, ...] = (),
    ) -> Memory:
        utterance = session.utterances[i]
        turn, language = utterance.turn, utterance.analysis.language
        sources = sources or (turn.ref,)
        times = times_in(utterance, pieces)
        interval = validity(times)
        symbolic = symbols(utterance, pieces, text, session.surprisals[i])
        return Memory(
            id=_id(session.space, sources, ordinal),
            scope=turn.scope,
            text=text,
            event_time=turn.event_time,
            state=state,
            symbolic=symbolic,
            valid_from=interval.start if interval else None,
            valid_to=interval.end if interval else None,
            salience=salience(plain, language, symbolic, dated=bool(times), surprisal=session.surprisals[i]),
            token_count=self._tokens.count(text),
            sources=sources,
            gate=self._explain(session, i, reason, plain, kept=state is MemoryState.ACTIVE, cuts=cuts),
            compressor=NAME,
            dense_text=plain,
            lexical_text=_lexical(turn, searched or text),
            neighbours=_neighbours(session.utterances, i),
        )

    def _explain(
        self, session: _Session, i: int, reason: Reason, plain: str, *, kept: bool, cuts: tuple[Cut, ...]
    ) -> Gate:
        score = session.scores[i - session.context]
        utterance = session.utterances[i]
        return Gate(
            score=score.score,
            new_entity_rate=score.new_entity_rate,
            novelty=score.novelty,
            alpha=self._gate.alpha,
            threshold=self._gate.threshold,
            surprisal=mean_bits(plain, utterance.analysis.language, session.surprisals[i]),
            kept=kept,
            reason=reason,
            cuts=(*utterance.cuts, *cuts) if kept else (),
        )


def _id(space: SpaceKey, sources: Sequence[TurnRef], ordinal: int) -> str:
    parts = [space.tenant, space.space, sources[0].scope.key, *(ref.turn_id for ref in sources), str(ordinal), NAME]
    return str(uuid.uuid5(_IDS, "\x1f".join(parts)))


def _lexical(turn: Turn, text: str) -> str:
    """The unit, its speaker and its date in words."""
    return f"{text}\n{turn.speaker_name}, {turn.event_time:%A} {turn.event_time.day} {turn.event_time:%B %Y}"


def _neighbours(utterances: Sequence[Utterance], i: int) -> tuple[Neighbour, ...]:
    """What the two turns before the unit's and the one after it say."""
    around = [*utterances[max(0, i - 2) : i], *utterances[i + 1 : i + 2]]
    return tuple(Neighbour(each.turn.ref, each.content) for each in around if each.content)

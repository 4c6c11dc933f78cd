"""Numbered streams of turns with durable acknowledgements.

A stream is known by its id, a UUID of the caller's. Turns carry consecutive sequence numbers from 1; the service
answers how far it has committed, skips what it already has, and so a caller resumes by sending again from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field

from memsvc.errors import InvalidInput, MemsvcError, Reason, Violation
from memsvc.ingest.accept import TurnAcceptor
from memsvc.ingest.limits import STREAM_BATCH_SECONDS, STREAM_BATCH_TURNS
from memsvc.ingest.validate import TurnDraft, check_turn
from memsvc.ingest.violations import Violations
from memsvc.types import Priority, SpaceKey, StreamPosition


@dataclass(frozen=True, slots=True)
class NumberedTurn:
    """A turn of a stream; `violations` is what was already found wrong with it."""

    sequence: int
    draft: TurnDraft
    violations: Violations


@dataclass(frozen=True, slots=True)
class StreamAck:
    """Everything up to `committed_sequence` is stored; jobs as in `Accepted`."""

    committed_sequence: int
    job_id: str = ""
    duplicate_count: int = 0
    job_ids: tuple[str, ...] = ()


STOP_CHECK_SECONDS = 0.25
"""How often a quiet stream looks whether the service is shutting down."""


@dataclass(slots=True)
class _Batch:
    last: int
    drafts: list[TurnDraft] = field(default_factory=list)
    skipped: bool = False
    ended: bool = False
    error: MemsvcError | None = None

    @property
    def closed(self) -> bool:
        """Whether no further turn can join."""
        return self.ended or self.error is not None or len(self.drafts) == STREAM_BATCH_TURNS


def malformed(field: str, description: str) -> InvalidInput:
    """The error of a message that breaks the protocol."""
    return InvalidInput([Violation(field, description)], reason=Reason.MALFORMED_STREAM)


class IngestStream:
    """One open stream. Acknowledges a turn only after its transaction is committed."""

    def __init__(
        self,
        acceptor: TurnAcceptor,
        space: SpaceKey,
        stream_id: str,
        stopped: Callable[[], bool],
        *,
        priority: Priority = Priority.INTERACTIVE,
        time_zone: str = "",
    ) -> None:
        self._acceptor = acceptor
        self._space = space
        self._stream_id = stream_id
        self._stopped = stopped
        self._priority = priority
        self._time_zone = time_zone
        self._committed = 0

    async def run(self, turns: AsyncIterator[NumberedTurn]) -> AsyncGenerator[StreamAck, None]:
        """Yield the acknowledgement of the header, then one per committed batch.

        What came before a faulty message is committed and acknowledged before its error is raised. The stream ends
        early, after a commit, when `stopped` says so.

        Raises:
            InvalidInput: MALFORMED_STREAM for a gap or a repeat, INVALID_FIELD for a turn.
            NotFound, Conflict: see `TurnLog`.
        """
        self._committed = await self._acceptor.position(self._space, self._stream_id)
        yield StreamAck(self._committed)
        arrivals = _Arrivals(turns)
        try:
            while not self._stopped():
                batch = await self._next_batch(arrivals)
                if batch.drafts or batch.skipped:
                    yield await self._commit(batch)
                if batch.error:
                    raise batch.error
                if batch.ended:
                    return
        finally:
            await arrivals.close()

    async def _next_batch(self, arrivals: _Arrivals) -> _Batch:
        """Take the turns that arrive within a moment of each other, up to a full batch; none after a quiet while."""
        batch = _Batch(last=self._committed)
        clock = asyncio.get_running_loop().time
        if not await arrivals.wait(STOP_CHECK_SECONDS):
            return batch
        self._take(batch, arrivals)
        deadline = clock() + STREAM_BATCH_SECONDS
        while not batch.closed and await arrivals.wait(max(0.0, deadline - clock())):
            self._take(batch, arrivals)
        return batch

    def _take(self, batch: _Batch, arrivals: _Arrivals) -> None:
        try:
            numbered = arrivals.take()
            if numbered is None:
                batch.ended = True
            elif self._is_new(numbered.sequence, batch.last):
                self._check(numbered)
                batch.drafts.append(numbered.draft)
                batch.last = numbered.sequence
            else:
                batch.skipped = True
        except MemsvcError as error:
            batch.error = error

    def _is_new(self, sequence: int, last: int) -> bool:
        if sequence < 1:
            raise malformed("turn.sequence", "is below 1; numbering starts at 1")
        if sequence > last + 1:
            raise malformed("turn.sequence", f"is {sequence}; {last + 1} was expected, none may be left out")
        if self._committed < sequence <= last:
            raise malformed("turn.sequence", f"is {sequence} again; {last + 1} was expected")
        return sequence > self._committed

    def _check(self, numbered: NumberedTurn) -> None:
        check_turn(numbered.draft, "turn.turn", numbered.violations, self._acceptor.now())
        numbered.violations.check(metadata={"sequence": str(numbered.sequence)})

    async def _commit(self, batch: _Batch) -> StreamAck:
        if not batch.drafts:
            return StreamAck(self._committed)
        position = StreamPosition(self._stream_id, batch.last)
        accepted = await self._acceptor.accept_batch(
            self._space, batch.drafts, position, self._priority, self._time_zone
        )
        self._committed = batch.last
        return StreamAck(batch.last, accepted.job_id, accepted.duplicate_count, accepted.job_ids)


class _Arrivals:
    """The caller's messages, one at a time; waiting for the next may be given up without losing it."""

    def __init__(self, turns: AsyncIterator[NumberedTurn]) -> None:
        self._turns = turns
        self._next: asyncio.Task[NumberedTurn | None] | None = None

    async def wait(self, seconds: float) -> bool:
        """Whether a message, or the end, has arrived within `seconds`."""
        self._next = self._next or asyncio.create_task(self._receive())
        done, _ = await asyncio.wait({self._next}, timeout=seconds)
        return bool(done)

    def take(self) -> NumberedTurn | None:
        """The message that `wait` saw, None at the end; raises what reading it raised."""
        arrived, self._next = self._next, None
        return arrived.result() if arrived else None

    async def close(self) -> None:
        """Stop waiting."""
        if self._next:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)

    async def _receive(self) -> NumberedTurn | None:
        return await anext(self._turns, None)

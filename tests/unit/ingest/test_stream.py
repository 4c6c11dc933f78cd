"""Numbered streams: batches, resumption, protocol errors. The log stands in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.errors import InvalidInput, Reason
from memsvc.ingest.accept import TurnAcceptor
from memsvc.ingest.limits import STREAM_BATCH_TURNS
from memsvc.ingest.stream import IngestStream, NumberedTurn, StreamAck, malformed
from memsvc.ingest.validate import TurnDraft
from memsvc.ingest.violations import Violations
from memsvc.types import Accepted, Priority, Role, Scope, SpaceKey, StreamPosition, Turn

SPACE = SpaceKey("a", "default")
NOW = datetime(2025, 1, 1, tzinfo=UTC)


class Log:
    """Records what is committed."""

    def __init__(self, position: int = 0) -> None:
        self.position = position
        self.batches: list[list[str]] = []

    async def stream_position(self, space: SpaceKey, stream_id: str) -> int:
        return self.position

    async def accept(
        self,
        space: SpaceKey,
        turns: Sequence[Turn],
        *,
        request: Any = None,
        stream: StreamPosition | None = None,
        priority: Priority = Priority.INTERACTIVE,
        time_zone: str = "",
    ) -> Accepted:
        assert stream is not None
        await asyncio.sleep(0)
        self.batches.append([turn.turn_id for turn in turns])
        self.position = stream.sequence
        return Accepted("job", len(turns), 0)


class Words:
    def count(self, text: str) -> int:
        return len(text.split())


def numbered(sequence: int, content: str = "hello") -> NumberedTurn:
    draft = TurnDraft(turn_id=str(sequence), scope=Scope("u"), role=Role.USER, content=content)
    return NumberedTurn(sequence, draft, Violations())


async def arriving(*turns: NumberedTurn | Exception) -> AsyncIterator[NumberedTurn]:
    for turn in turns:
        if isinstance(turn, Exception):
            raise turn
        yield turn


def stream_over(log: Any, stopped: bool = False) -> IngestStream:
    return IngestStream(TurnAcceptor(log, Words(), lambda: NOW), SPACE, "id", lambda: stopped)


async def run(log: Log, *turns: NumberedTurn | Exception) -> list[StreamAck]:
    return [ack async for ack in stream_over(log).run(arriving(*turns))]


@given(committed=st.integers(0, 30), sent=st.integers(0, 200), start=st.integers(1, 30))
def test_every_turn_is_committed_once_and_in_order(committed: int, sent: int, start: int) -> None:
    start = min(start, committed + 1)
    log = Log(committed)
    acks = asyncio.run(run(log, *[numbered(n) for n in range(start, start + sent)]))
    last = max(committed, start + sent - 1)
    assert [turn for batch in log.batches for turn in batch] == [str(n) for n in range(committed + 1, last + 1)]
    assert (acks[0].committed_sequence, acks[-1].committed_sequence) == (committed, last)
    assert all(1 <= len(batch) <= STREAM_BATCH_TURNS for batch in log.batches)


@pytest.mark.parametrize("sequences", [(0,), (-1,), (2,), (1, 3), (1, 2, 2)])
async def test_numbers_out_of_order(sequences: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput) as caught:
        await run(Log(), *[numbered(n) for n in sequences])
    assert caught.value.reason is Reason.MALFORMED_STREAM


@pytest.mark.parametrize("fault", [numbered(3, ""), numbered(9), malformed("turn", "is missing")])
async def test_what_came_before_a_fault_is_acknowledged_first(fault: NumberedTurn | Exception) -> None:
    log = Log()
    acks = stream_over(log).run(arriving(numbered(1), numbered(2), fault))
    assert [(await anext(acks)).committed_sequence, (await anext(acks)).committed_sequence] == [0, 2]
    with pytest.raises(InvalidInput):
        await anext(acks)
    assert log.position == 2


async def test_a_stopped_stream_reads_no_further() -> None:
    log = Log(7)
    acks = [ack async for ack in stream_over(log, stopped=True).run(arriving(numbered(8)))]
    assert acks == [StreamAck(7)]
    assert log.batches == []


async def test_a_late_turn_makes_a_batch_of_its_own() -> None:
    async def slow() -> AsyncIterator[NumberedTurn]:
        yield numbered(1)
        await asyncio.sleep(0.4)
        yield numbered(2)

    log = Log()
    acks = [ack.committed_sequence async for ack in stream_over(log).run(slow())]
    assert log.batches == [["1"], ["2"]]
    assert acks == [0, 1, 2]

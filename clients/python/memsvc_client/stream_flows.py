"""The two streams, as flows: numbered ingest and the watch. Both go on by themselves after an outage."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeAlias

from memsvc_client import messages, methods, parsing
from memsvc_client.errors import Conflict, Internal, MemsvcError, Unavailable, invalid
from memsvc_client.flows import Calls, Drop, End, Flow, Open, Read, Sleep, Write
from memsvc_client.histories import read
from memsvc_client.messages import Envelope
from memsvc_client.models import MemoryChange, Operation, StreamAck
from memsvc_client.retry import Backoff
from memsvc_client.v1 import memory_pb2
from memsvc_client.v1 import memory_service_pb2 as service

FAREWELL = 1.0
"""Seconds a server has to end a finished stream."""

StreamMessage: TypeAlias = str | Mapping[str, object]


class IngestFlows:
    """The state of one ingest stream: which turns are numbered and which of them are committed.

    Turns stay in memory until the service acknowledges them, at most `max_unacked` of them. After UNAVAILABLE
    the stream is opened again, the service says what it has, and the rest is sent once more.
    """

    def __init__(
        self,
        calls: Calls,
        parent: str,
        stream_id: uuid.UUID,
        envelope: Envelope,
        max_unacked: int,
        priority: str | None,
        time_zone: str | None,
    ) -> None:
        if max_unacked < 1:
            raise invalid("max_unacked", "must be at least 1")
        self.stream_id = str(stream_id)
        self._calls = calls
        self._header = service.StreamIngestHeader(
            parent=parent,
            stream_id=self.stream_id,
            priority=messages.priority(priority),
            time_zone=time_zone or "",
        )
        self._envelope = envelope
        self._max_unacked = max_unacked
        self._pending: deque[service.StreamIngestTurn] = deque()
        self._last = 0
        self._opened = False
        self._connected = False
        self.ack: StreamAck[Operation] = StreamAck(
            committed_sequence=0, duplicate_count=0, consistency_token="", operation=None
        )

    @property
    def unacked_count(self) -> int:
        """Turns sent and not yet acknowledged."""
        return len(self._pending)

    def open(self, timeout: float | None = None) -> Flow[None]:
        """Open the stream and learn what the service has of it already."""
        backoff = self._calls.backoff(timeout)
        while not self._connected:
            yield from self._advance(backoff)

    def send(self, message: StreamMessage, timeout: float | None = None) -> Flow[int]:
        """Number a message and send it; wait only while too many are unacknowledged. Returns its sequence."""
        backoff = self._calls.backoff(timeout)
        while not self._connected or self.unacked_count >= self._max_unacked:
            yield from self._advance(backoff)
        turn = self._number(message)
        yield from self._write(turn, backoff)
        return turn.sequence

    def flush(self, timeout: float | None = None) -> Flow[StreamAck[Operation]]:
        """Wait until every turn is committed."""
        backoff = self._calls.backoff(timeout)
        while self._pending:
            yield from self._advance(backoff)
        return self.ack

    def finish(self) -> Flow[None]:
        """End a flushed stream, so that the server sees an end and not a cancellation."""
        if self._connected:
            try:
                yield End()
                while True:
                    yield Read(FAREWELL)
            except MemsvcError:
                pass  # every turn is committed: how the connection ends is of no matter
        yield from self.close()

    def close(self) -> Flow[None]:
        """Let go of the connection; unacknowledged turns are given up."""
        self._connected = False
        yield Drop()

    def _number(self, message: StreamMessage) -> service.StreamIngestTurn:
        made = self._envelope.turns(read(message, "message"), self._last + 1, "message")
        if len(made) != 1:
            raise invalid(
                "message", f"holds {len(made)} turns; in a stream, where messages are numbered, it must be one"
            )
        [turn] = made
        if not turn.HasField("event_time"):
            # Stamped here, not by the service: a turn may wait out an outage before it is delivered.
            turn.event_time.FromDatetime(datetime.now(UTC))
        self._last += 1
        numbered = service.StreamIngestTurn(sequence=self._last, turn=turn)
        self._pending.append(numbered)
        return numbered

    def _advance(self, backoff: Backoff) -> Flow[None]:
        """Take one step: connect, or read one acknowledgement; pause after a failure."""
        connected, self._connected = self._connected, False  # whatever interrupts the step, the next one connects
        try:
            if connected:
                self._note((yield Read(backoff.budget())))
            else:
                yield from self._connect(backoff)
        except Unavailable as error:
            yield Drop()
            yield Sleep(backoff.delay(error))
        else:
            self._connected = True

    def _connect(self, backoff: Backoff) -> Flow[None]:
        yield Open(methods.STREAM_INGEST, service.StreamIngestRequest(header=self._header), more=True)
        self._note((yield Read(backoff.budget())))
        for turn in tuple(self._pending):
            yield Write(service.StreamIngestRequest(turn=turn), backoff.budget())

    def _write(self, turn: service.StreamIngestTurn, backoff: Backoff) -> Flow[None]:
        self._connected = False
        try:
            yield Write(service.StreamIngestRequest(turn=turn), backoff.budget())
        except MemsvcError:
            return  # the turn is numbered and pending: the next step connects, sends it, and meets what is wrong
        self._connected = True

    def _note(self, response: service.StreamIngestResponse) -> None:
        committed = response.committed_sequence
        if not self._opened:
            self._opened, self._last = True, committed
        elif committed > self._last:
            raise Conflict(
                f"the service has turn {committed}, this stream sent {self._last}: its id is in use elsewhere",
                reason="STREAM_SEQUENCE_CONFLICT",
            )
        elif committed < self.ack.committed_sequence:
            raise Internal(f"turn {self.ack.committed_sequence} was acknowledged, now only {committed} is known")
        while self._pending and self._pending[0].sequence <= committed:
            self._pending.popleft()
        self.ack = StreamAck(
            committed_sequence=committed,
            duplicate_count=self.ack.duplicate_count + response.duplicate_count,
            consistency_token=response.consistency_token or self.ack.consistency_token,
            operation=parsing.operation(response.operation) if response.HasField("operation") else self.ack.operation,
        )


class WatchFlows:
    """The state of one watch: where it is in the change log."""

    def __init__(
        self,
        calls: Calls,
        parent: str,
        scope: memory_pb2.Scope,
        resume_token: str,
        timeout: float | None,
        *,
        whole_space: bool,
    ) -> None:
        self.resume_token = resume_token
        self._parent = parent
        self._scope = scope
        self._whole_space = whole_space
        self._backoff = calls.backoff(timeout)
        self._connected = False

    def next(self) -> Flow[MemoryChange]:
        """Wait for the next change, connecting again where needed."""
        while True:
            response = yield from self._read()
            if response is None:
                continue
            self.resume_token = response.resume_token or self.resume_token
            if response.HasField("change"):
                return parsing.change(response.change, self.resume_token)

    def close(self) -> Flow[None]:
        """Let go of the connection."""
        self._connected = False
        yield Drop()

    def _read(self) -> Flow[service.WatchMemoriesResponse | None]:
        connected, self._connected = self._connected, False
        try:
            if not connected:
                yield Open(methods.WATCH_MEMORIES, self._request(), more=False)
            response: service.WatchMemoriesResponse = yield Read(None)
        except Unavailable as error:
            yield Drop()
            yield Sleep(self._pause(error))
            return None
        self._connected = True
        self._backoff.failures = 0
        return response

    def _request(self) -> service.WatchMemoriesRequest:
        return service.WatchMemoriesRequest(
            parent=self._parent, resume_token=self.resume_token, scope=self._scope, whole_space=self._whole_space
        )

    def _pause(self, error: Unavailable) -> float:
        if not self._backoff.failures:
            self._backoff.restart()  # the timeout bounds an outage, not the watch
        return self._backoff.delay(error)

"""The asyncio client's streams. Neither is meant to be used by two tasks at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from memsvc_client.aio_resources import AsyncOperationHandle, AsyncOperations
from memsvc_client.aio_transport import AsyncDuplex, AsyncTransport
from memsvc_client.errors import Cancelled
from memsvc_client.models import MemoryChange, StreamAck
from memsvc_client.stream_flows import IngestFlows, StreamMessage, WatchFlows


class AsyncIngestStream:
    """Adds an unbounded sequence of messages; an async context manager that flushes at its end.

    Acknowledgements are read by `flush`, and by `send` when too many are outstanding.
    """

    def __init__(self, transport: AsyncTransport, operations: AsyncOperations, flows: IngestFlows) -> None:
        self._duplex = AsyncDuplex(transport)
        self._operations = operations
        self._flows = flows

    @property
    def stream_id(self) -> str:
        """Names the stream; pass it to `stream()` to go on with it in another process."""
        return self._flows.stream_id

    @property
    def committed_sequence(self) -> int:
        """The last message known to be stored for good; the first message of a stream is 1."""
        return self._flows.ack.committed_sequence

    @property
    def unacked_count(self) -> int:
        """Messages sent and not yet known to be stored."""
        return self._flows.unacked_count

    async def send(self, message: StreamMessage, *, timeout: float | None = None) -> int:
        """Send one message and return its sequence; it is stored once `committed_sequence` has reached that."""
        return await self._duplex.run(self._flows.send(message, timeout))

    async def flush(self, *, timeout: float | None = None) -> StreamAck[AsyncOperationHandle]:
        """Wait until everything sent is stored."""
        ack = await self._duplex.run(self._flows.flush(timeout))
        return StreamAck(
            committed_sequence=ack.committed_sequence,
            duplicate_count=ack.duplicate_count,
            consistency_token=ack.consistency_token,
            operation=self._operations.handle(ack.operation) if ack.operation else None,
        )

    async def close(self) -> None:
        """End the stream without waiting; messages not yet acknowledged may be lost."""
        await self._duplex.run(self._flows.close())

    async def __aenter__(self) -> Self:
        await self._duplex.run(self._flows.open())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                await self.flush()
                await self._duplex.run(self._flows.finish())
        finally:
            await self.close()


class AsyncWatch(AsyncIterator[MemoryChange]):
    """Iterates over changes as they happen, for ever; it goes on by itself after an outage."""

    def __init__(self, transport: AsyncTransport, flows: WatchFlows) -> None:
        self._duplex = AsyncDuplex(transport)
        self._flows = flows
        self._closed = False

    @property
    def resume_token(self) -> str:
        """Pass it to `watch()` to go on after the last change seen."""
        return self._flows.resume_token

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> MemoryChange:
        if self._closed:
            raise StopAsyncIteration
        try:
            return await self._duplex.run(self._flows.next())
        except Cancelled:
            if self._closed:
                raise StopAsyncIteration from None
            raise

    async def close(self) -> None:
        """End the watch; an iteration that is waiting ends too."""
        self._closed = True
        await self._duplex.run(self._flows.close())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

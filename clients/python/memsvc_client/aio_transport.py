"""Performs flows over an asyncio gRPC channel."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from grpc import aio

from memsvc_client.connection import Connection
from memsvc_client.errors import Cancelled, DeadlineExceeded, MemsvcError, Unavailable, from_call
from memsvc_client.flows import Drop, Effect, End, Flow, Open, Read, Rpc, Sleep, Write
from memsvc_client.transport import serialize

T = TypeVar("T")


async def drive(flow: Flow[T], perform: Callable[[Effect], Awaitable[Any]]) -> T:
    """Run a flow to its end, feeding it the outcome or the error of each effect."""
    try:
        effect = next(flow)
        while True:
            try:
                outcome = await perform(effect)
            except MemsvcError as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(outcome)
    except StopIteration as stop:
        result: T = stop.value
        return result


class AsyncTransport:
    """A channel, and how to make unary calls on it. The channel is made on the first call, in its event loop."""

    def __init__(self, connection: Connection) -> None:
        self.metadata = connection.metadata
        self._connection = connection
        self._channel: aio.Channel | None = None

    @property
    def channel(self) -> aio.Channel:
        """The channel."""
        if self._channel is None:
            self._channel = _channel(self._connection)
        return self._channel

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow of unary calls."""
        return await drive(flow, self.perform)

    async def perform(self, effect: Effect) -> Any:
        """Perform one effect that needs no stream."""
        match effect:
            case Rpc():
                return await self._call(effect)
            case Sleep():
                return await asyncio.sleep(effect.seconds)
            case _:
                raise TypeError(f"{type(effect).__name__} needs a stream")

    async def close(self) -> None:
        """Close the channel; calls going on are cancelled."""
        if self._channel is not None:
            await self._channel.close(None)

    async def _call(self, effect: Rpc) -> Any:
        method = effect.method
        call = self.channel.unary_unary(
            method.path, request_serializer=serialize, response_deserializer=method.response.FromString
        )
        try:
            return await call(effect.request, timeout=effect.timeout, metadata=self.metadata)
        except aio.AioRpcError as error:
            raise from_call(error) from error


class AsyncDuplex:
    """One stream at a time on a transport's channel."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport
        self._call: Any = None

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow that uses this stream."""
        return await drive(flow, self._perform)

    def drop(self) -> None:
        """Cancel the stream, if one is open."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    async def _perform(self, effect: Effect) -> Any:
        match effect:
            case Open():
                return await self._open(effect)
            case Write():
                return await self._bounded(self._write(effect.request), effect.timeout)
            case Read():
                return await self._bounded(self._read(), effect.timeout)
            case End():
                return await self._current().done_writing()
            case Drop():
                return self.drop()
            case _:
                return await self._transport.perform(effect)

    async def _open(self, effect: Open) -> None:
        self.drop()
        channel, metadata, method = self._transport.channel, self._transport.metadata, effect.method
        if not effect.more:
            self._call = channel.unary_stream(
                method.path, request_serializer=serialize, response_deserializer=method.response.FromString
            )(effect.first, metadata=metadata)
            return
        self._call = channel.stream_stream(
            method.path, request_serializer=serialize, response_deserializer=method.response.FromString
        )(None, metadata=metadata)
        await self._write(effect.first)

    async def _write(self, request: Message) -> None:
        try:
            await self._current().write(request)
        except aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.INTERNAL:
                # The server ended the call while this was being written, and gRPC lost the status over it.
                raise Unavailable("the stream ended under a write") from error
            raise from_call(error) from error
        except asyncio.InvalidStateError:
            await self._read()  # the call is over: reading raises the reason

    async def _read(self) -> Any:
        call = self._current()
        try:
            message = await call.read()
        except aio.AioRpcError as error:
            raise from_call(error) from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if call is self._call or (task is not None and task.cancelling()):
                raise
            raise Cancelled("the stream was closed") from None  # by another task; this one goes on
        if not isinstance(message, Message):  # gRPC's EOF marker
            raise Unavailable("the server ended the stream")
        return message

    def _current(self) -> Any:
        if self._call is None:
            raise Unavailable("the stream is closed")
        return self._call

    async def _bounded(self, work: Awaitable[T], timeout: float | None) -> T:
        try:
            async with asyncio.timeout(timeout):
                return await work
        except TimeoutError:
            raise DeadlineExceeded(f"nothing came within {timeout:g} s") from None


def _channel(connection: Connection) -> aio.Channel:
    if connection.credentials is None:
        return aio.insecure_channel(connection.address, options=connection.options)
    return aio.secure_channel(connection.address, connection.credentials, options=connection.options)

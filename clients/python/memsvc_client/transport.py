"""Performs flows over a blocking gRPC channel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from memsvc_client.connection import Connection
from memsvc_client.errors import DeadlineExceeded, MemsvcError, Unavailable, from_call
from memsvc_client.flows import Drop, Effect, End, Flow, Open, Read, Rpc, Sleep, Write

T = TypeVar("T")


def drive(flow: Flow[T], perform: Callable[[Effect], Any]) -> T:
    """Run a flow to its end, feeding it the outcome or the error of each effect."""
    try:
        effect = next(flow)
        while True:
            try:
                outcome = perform(effect)
            except MemsvcError as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(outcome)
    except StopIteration as stop:
        result: T = stop.value
        return result


class Transport:
    """A channel, and how to make unary calls on it."""

    def __init__(self, connection: Connection) -> None:
        self.metadata = connection.metadata
        self.channel = _channel(connection)

    def run(self, flow: Flow[T]) -> T:
        """Run a flow of unary calls."""
        return drive(flow, self.perform)

    def perform(self, effect: Effect) -> Any:
        """Perform one effect that needs no stream."""
        match effect:
            case Rpc():
                return self._call(effect)
            case Sleep():
                return time.sleep(effect.seconds)
            case _:
                raise TypeError(f"{type(effect).__name__} needs a stream")

    def close(self) -> None:
        """Close the channel; calls going on fail as `Cancelled`."""
        self.channel.close()

    def _call(self, effect: Rpc) -> Any:
        method = effect.method
        call = self.channel.unary_unary(
            method.path, request_serializer=serialize, response_deserializer=method.response.FromString
        )
        try:
            return call(effect.request, timeout=effect.timeout, metadata=self.metadata)
        except grpc.RpcError as error:
            raise from_call(error) from error


class Duplex:
    """One stream at a time on a transport's channel. The outbox is emptied by gRPC's own sending thread."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._outbox: SimpleQueue[Message | None] = SimpleQueue()
        self._call: Any = None

    def run(self, flow: Flow[T]) -> T:
        """Run a flow that uses this stream."""
        return drive(flow, self._perform)

    def drop(self) -> None:
        """Cancel the stream, if one is open."""
        if self._call is not None:
            self._outbox.put(None)
            self._call.cancel()
            self._call = None

    def _perform(self, effect: Effect) -> Any:
        match effect:
            case Open():
                return self._open(effect)
            case Write():
                return self._outbox.put(effect.request)
            case Read():
                return self._read(effect.timeout)
            case End():
                return self._outbox.put(None)
            case Drop():
                return self.drop()
            case _:
                return self._transport.perform(effect)

    def _open(self, effect: Open) -> None:
        self.drop()
        self._outbox = SimpleQueue()
        self._outbox.put(effect.first)
        if not effect.more:
            self._outbox.put(None)
        call = self._transport.channel.stream_stream(
            effect.method.path, request_serializer=serialize, response_deserializer=effect.method.response.FromString
        )
        self._call = call(_drain(self._outbox), metadata=self._transport.metadata)

    def _read(self, timeout: float | None) -> Any:
        call = self._call
        if call is None:
            raise Unavailable("the stream is closed")
        # A blocking read takes no timeout of its own, so a timer cancels the call under it.
        late = threading.Event()
        timer = threading.Timer(timeout, _expire, (call, late)) if timeout is not None else None
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            return next(call)
        except StopIteration:
            raise Unavailable("the server ended the stream") from None
        except grpc.RpcError as error:
            if late.is_set():
                raise DeadlineExceeded(f"nothing came within {timeout:g} s") from None
            raise from_call(error) from error
        finally:
            if timer is not None:
                timer.cancel()


def serialize(message: Message) -> bytes:
    """Serialize a request."""
    return message.SerializeToString()


def _channel(connection: Connection) -> grpc.Channel:
    if connection.credentials is None:
        return grpc.insecure_channel(connection.address, options=connection.options)
    return grpc.secure_channel(connection.address, connection.credentials, options=connection.options)


def _drain(outbox: SimpleQueue[Message | None]) -> Iterator[Message]:
    while (message := outbox.get()) is not None:
        yield message


def _expire(call: Any, late: threading.Event) -> None:
    late.set()
    call.cancel()

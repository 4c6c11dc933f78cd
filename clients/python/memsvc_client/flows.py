"""Flows: what a client method does, free of how it is done.

A flow is a generator that yields effects (make this call, sleep this long, read that stream), is sent each
outcome or has the call's error thrown into it, and returns the method's result. `transport.py` and
`aio_transport.py` each hold a small performer of effects, blocking in the one and awaiting in the other;
everything else is shared.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, cast

from google.protobuf.message import Message

from memsvc_client.errors import NotFound, Unavailable
from memsvc_client.methods import Method
from memsvc_client.retry import Backoff, RetryPolicy

T = TypeVar("T")
Req = TypeVar("Req", bound=Message)
Resp = TypeVar("Resp", bound=Message)


@dataclass(frozen=True, slots=True)
class Rpc:
    """Effect: make one unary call within `timeout` seconds; its outcome is the response."""

    method: Method[Any, Any]
    request: Message
    timeout: float


@dataclass(frozen=True, slots=True)
class Sleep:
    """Effect: wait; its outcome is None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Open:
    """Effect: drop the flow's stream if it has one, open another and write `first`; `more` writes follow."""

    method: Method[Any, Any]
    first: Message
    more: bool


@dataclass(frozen=True, slots=True)
class Write:
    """Effect: write to the open stream."""

    request: Message
    timeout: float


@dataclass(frozen=True, slots=True)
class Read:
    """Effect: read from the open stream, None seconds meaning without end; its outcome is the message.

    A stream that the server has ended reads as `Unavailable`.
    """

    timeout: float | None


@dataclass(frozen=True, slots=True)
class End:
    """Effect: tell the server that no more writes follow."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Effect: cancel the open stream, if any."""


Effect: TypeAlias = Rpc | Sleep | Open | Write | Read | End | Drop
Flow: TypeAlias = Generator[Effect, Any, T]


@dataclass(frozen=True, slots=True)
class Calls:
    """Makes flows of single calls under one policy; `timeout` is the default in seconds."""

    policy: RetryPolicy
    timeout: float

    def backoff(self, timeout: float | None) -> Backoff:
        """Start the clock of one method call."""
        return Backoff(self.policy, self.timeout if timeout is None else timeout)

    def call(
        self,
        method: Method[Req, Resp],
        request: Req,
        parse: Callable[[Resp], T],
        *,
        timeout: float | None = None,
        retry: bool = True,
    ) -> Flow[T]:
        """Call, retrying while UNAVAILABLE unless told that a repeat is not safe, and parse the response."""
        return parse((yield from unary(method, request, self.backoff(timeout), retry=retry)))

    def remove(self, method: Method[Req, Resp], request: Req, *, timeout: float | None = None) -> Flow[None]:
        """Call a deletion. NOT_FOUND after a failed try means that the try had worked, so it is no error."""
        backoff = self.backoff(timeout)
        try:
            yield from unary(method, request, backoff)
        except NotFound:
            if not backoff.failures:
                raise


def unary(method: Method[Req, Resp], request: Req, backoff: Backoff, *, retry: bool = True) -> Flow[Resp]:
    """Try one call until it answers, fails for good, or the backoff gives up. The request never changes."""
    while True:
        try:
            return cast("Resp", (yield Rpc(method, request, backoff.budget())))
        except Unavailable as error:
            if not retry:
                raise
            yield Sleep(backoff.delay(error))

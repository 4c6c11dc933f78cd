"""A real gRPC server that answers from a script, and both clients behind one way to call them."""

from __future__ import annotations

import inspect
import operator
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2
from hypothesis import settings

from memsvc_client import AsyncMemoryClient, MemoryClient, methods
from memsvc_client.methods import Method

# Deadlines of single examples say how busy the machine is, not whether the code is right.
settings.register_profile("memsvc", deadline=None)
settings.load_profile("memsvc")

_METHODS = {value.path: value for value in vars(methods).values() if isinstance(value, Method)}
_STREAMS = {methods.STREAM_INGEST.path, methods.WATCH_MEMORIES.path}


class Failure:
    """An answer that fails the call, with `google.rpc.Status` details made by Google's own classes."""

    def __init__(self, code: grpc.StatusCode, message: str = "scripted", *details: Any) -> None:
        self.code = code
        self.message = message
        self.details = details

    def abort(self, context: grpc.ServicerContext) -> None:
        if self.details:
            status = status_pb2.Status(code=self.code.value[0], message=self.message)
            for detail in self.details:
                packed = AnyMessage()
                packed.Pack(detail)
                status.details.append(packed)
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(self.code, self.message)


class Script(grpc.GenericRpcHandler):
    """Replies per method, in order; the last one is repeated. Remembers what was asked."""

    details = error_details_pb2
    code = grpc.StatusCode
    failure = Failure

    def __init__(self) -> None:
        self.replies: dict[str, deque[Any]] = defaultdict(deque)
        self.streams: dict[str, Callable[[Iterator[Any]], Iterator[Any]]] = {}
        self.asked: list[Any] = []
        self.metadata: list[dict[str, Any]] = []
        self.time_left: list[float] = []

    def on(self, method: Method[Any, Any], *replies: Any) -> None:
        self.replies[method.path] = deque(replies)

    def on_stream(self, method: Method[Any, Any], behaviour: Callable[[Iterator[Any]], Iterator[Any]]) -> None:
        self.streams[method.path] = behaviour

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        method = _METHODS[call.method]
        decode, encode = method.request.FromString, method.response.SerializeToString
        if method.path in _STREAMS:
            return grpc.stream_stream_rpc_method_handler(self._stream(method.path), decode, encode)
        return grpc.unary_unary_rpc_method_handler(self._unary(method.path), decode, encode)

    def _unary(self, path: str) -> Callable[[Any, grpc.ServicerContext], Any]:
        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            self.asked.append(request)
            self.metadata.append(dict(context.invocation_metadata()))
            self.time_left.append(context.time_remaining())
            replies = self.replies[path]
            reply = replies.popleft() if len(replies) > 1 else replies[0]
            if isinstance(reply, Failure):
                reply.abort(context)
            return reply(request) if callable(reply) else reply

        return answer

    def _stream(self, path: str) -> Callable[[Iterator[Any], grpc.ServicerContext], Iterator[Any]]:
        def answer(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
            for reply in self.streams[path](requests):
                if isinstance(reply, Failure):
                    reply.abort(context)
                yield reply

        return answer


class Twin:
    """Calls either client the same way, so that every test holds for both."""

    def __init__(self, kind: type[Any], client: Any) -> None:
        self.kind = kind
        self.client = client

    async def __call__(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return await self.result(operator.attrgetter(name)(self.client)(*args, **kwargs))

    async def result(self, value: Any) -> Any:
        return await value if inspect.isawaitable(value) else value

    async def items(self, iterable: Any, count: int | None = None) -> list[Any]:
        found = []
        if hasattr(iterable, "__aiter__"):
            async for item in iterable:
                found.append(item)
                if len(found) == count:
                    return found
            return found
        for item in iterable:
            found.append(item)
            if len(found) == count:
                return found
        return found

    async def enter(self, stack: AsyncExitStack, manager: Any) -> Any:
        if hasattr(manager, "__aenter__"):
            return await stack.enter_async_context(manager)
        return stack.enter_context(manager)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def address(script: Script) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(8), handlers=(script,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


@pytest.fixture(params=[MemoryClient, AsyncMemoryClient])
def kind(request: pytest.FixtureRequest) -> type[Any]:
    return request.param


@pytest.fixture
async def api(kind: type[Any], address: str) -> AsyncIterator[Twin]:
    twin = Twin(kind, kind(address, api_key="secret", timeout=10.0))
    yield twin
    await twin.result(twin.client.close())

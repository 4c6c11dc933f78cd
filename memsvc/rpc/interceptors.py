"""The one chain that every call goes through, unary or streaming, ours, health and reflection.

request id -> access log -> admission -> credential -> access table -> deadline -> parsing -> the servicer
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import grpc
import structlog
from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from memsvc import metrics
from memsvc.errors import DeadlineExceeded, InvalidInput, MemsvcError, Violation
from memsvc.rpc.admission import Admission
from memsvc.rpc.authentication import Authenticator
from memsvc.rpc.authorization import authorize, is_public
from memsvc.rpc.call import CURRENT, Call
from memsvc.rpc.errors import STATUS_TRAILER, code_of, internal_status, status_of

log = structlog.get_logger(__name__)

REQUEST_ID = "x-request-id"
SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(slots=True)
class _Exchange:
    """What the access log says of a call besides its method and code."""

    call: Call
    received_bytes: int = 0
    sent_bytes: int = 0


class CallInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs only
    """Wraps every handler in the chain."""

    def __init__(self, authenticator: Authenticator, admission: Admission, default_deadline_seconds: float) -> None:
        self._authenticator = authenticator
        self._admission = admission
        self._default_deadline = default_deadline_seconds

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any]]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any]:
        """Replace the handler of a call by one that runs it inside the chain; unknown methods stay unknown."""
        handler = await continuation(handler_call_details)
        return handler and self._wrapped(handler, handler_call_details)

    def _wrapped(
        self, handler: grpc.RpcMethodHandler[Any, Any], details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Any, Any]:
        # Requests are parsed inside the chain: gRPC itself answers bytes that do not parse with INTERNAL.
        # Single responses are serialized inside it too, so that the access log knows their size.
        metadata = dict(reversed(list(details.invocation_metadata or ())))
        exchange = _Exchange(Call(request_id=_request_id(metadata.get(REQUEST_ID)), method=details.method))
        parse, serialize = _parser(handler, exchange), _serializer(handler, exchange)
        behaviours: tuple[Any, ...] = (
            handler.unary_unary,
            handler.unary_stream,
            handler.stream_unary,
            handler.stream_stream,
        )
        serve = next(behaviour for behaviour in behaviours if behaviour is not None)

        async def run(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            async def work() -> Any:
                parsed = _parsed(request, parse) if handler.request_streaming else parse(request)
                return await _respond(serve(parsed, context), context, serialize)

            streaming = handler.request_streaming or handler.response_streaming
            return await self._run(exchange, metadata, context, work, streaming=streaming)

        build: Callable[..., grpc.RpcMethodHandler[Any, Any]] = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[handler.request_streaming, handler.response_streaming]
        return build(
            run, request_deserializer=None, response_serializer=serialize if handler.response_streaming else None
        )

    async def _run(
        self,
        exchange: _Exchange,
        metadata: dict[str, Any],
        context: grpc.aio.ServicerContext[Any, Any],
        work: Callable[[], Awaitable[Any]],
        *,
        streaming: bool,
    ) -> Any:
        call = exchange.call
        started = time.monotonic()
        context.set_trailing_metadata(((REQUEST_ID, call.request_id),))
        code = "OK"
        try:
            with structlog.contextvars.bound_contextvars(request_id=call.request_id):
                exchange.call = call = self._with_deadline(call, context, streaming=streaming)
                return await self._bounded(exchange, metadata, work)
        except grpc.aio.AbortError:
            code = _name(context.code())
            raise
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        except MemsvcError as error:
            code = code_of(error).name
            status = status_of(error, call.request_id)
            if code in ("INTERNAL", "DATA_LOSS"):
                log.exception("rpc.failed", method=call.method, request_id=call.request_id)
        except Exception:  # the last line of defence: whatever nobody foresaw is logged and told as INTERNAL
            code = "INTERNAL"
            status = internal_status(call.request_id)
            log.exception("rpc.failed", method=call.method, request_id=call.request_id)
        finally:
            seconds = time.monotonic() - started
            metrics.RPC.labels(call.method, code).observe(seconds)
            _log_access(exchange, code, seconds)
        return await _abort(context, status, grpc.StatusCode[code])

    def _with_deadline(self, call: Call, context: grpc.aio.ServicerContext[Any, Any], *, streaming: bool) -> Call:
        """The call with its caller's deadline; a unary call without one gets the server's."""
        remaining = context.time_remaining()
        if remaining is None:
            remaining = None if streaming else self._default_deadline
        return call if remaining is None else replace(call, deadline=time.monotonic() + remaining)

    async def _bounded(self, exchange: _Exchange, metadata: dict[str, Any], work: Callable[[], Awaitable[Any]]) -> Any:
        scope = asyncio.timeout(exchange.call.remaining())
        try:
            async with scope:
                return await self._admitted(exchange, metadata, work)
        except TimeoutError:
            if scope.expired():
                raise DeadlineExceeded("the deadline passed before the work was done") from None
            raise

    async def _admitted(self, exchange: _Exchange, metadata: dict[str, Any], work: Callable[[], Awaitable[Any]]) -> Any:
        public = is_public(exchange.call.method)
        with nullcontext() if public else self._admission.slot():
            if not public:
                exchange.call = await self._identified(exchange.call, metadata.get("authorization"))
            CURRENT.set(exchange.call)
            return await work()

    async def _identified(self, call: Call, authorization: Any) -> Call:
        key = await self._authenticator.authenticate(authorization if isinstance(authorization, str) else None)
        authorize(call.method, key.role)
        return replace(call, tenant=key.tenant, actor=key.id, role=key.role)


async def _respond(
    result: Any, context: grpc.aio.ServicerContext[Any, Any], serialize: Callable[[Any], bytes]
) -> bytes | None:
    """Await a single response and return its bytes, or write each of a stream of them."""
    if not hasattr(result, "__aiter__"):
        return serialize(await result)
    async with aclosing(result) as responses:
        async for response in responses:
            await context.write(response)
    return None


async def _abort(context: grpc.aio.ServicerContext[Any, Any], status: status_pb2.Status, code: grpc.StatusCode) -> None:
    trailers = (*(context.trailing_metadata() or ()), (STATUS_TRAILER, status.SerializeToString()))
    await context.abort(code, status.message, trailers)


def _parser(handler: grpc.RpcMethodHandler[Any, Any], exchange: _Exchange) -> Callable[[bytes], Any]:
    def parse(raw: bytes) -> Any:
        exchange.received_bytes += len(raw)
        try:
            return handler.request_deserializer(raw) if handler.request_deserializer else raw
        except DecodeError:
            raise InvalidInput([Violation("request", "is not a valid message of this method")]) from None

    return parse


def _serializer(handler: grpc.RpcMethodHandler[Any, Any], exchange: _Exchange) -> Callable[[Any], bytes]:
    def serialize(message: Any) -> bytes:
        raw: bytes = handler.response_serializer(message) if handler.response_serializer else message
        exchange.sent_bytes += len(raw)
        return raw

    return serialize


async def _parsed(requests: AsyncIterator[bytes], parse: Callable[[bytes], Any]) -> AsyncIterator[Any]:
    async for raw in requests:
        yield parse(raw)


def _request_id(value: Any) -> str:
    return value if isinstance(value, str) and SANE_REQUEST_ID.fullmatch(value) else uuid.uuid4().hex


def _name(code: Any) -> str:
    return code.name if isinstance(code, grpc.StatusCode) else str(code)


def _log_access(exchange: _Exchange, code: str, seconds: float) -> None:
    """One line per call; it never holds what was said."""
    call = exchange.call
    write = log.debug if is_public(call.method) else log.info
    write(
        "rpc",
        method=call.method,
        code=code,
        latency_ms=round(seconds * 1e3, 1),
        tenant=call.tenant,
        actor=call.actor,
        request_id=call.request_id,
        received_bytes=exchange.received_bytes,
        sent_bytes=exchange.sent_bytes,
    )

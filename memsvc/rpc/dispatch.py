"""Serves a servicer's snake_case methods as the methods of a proto service.

A servicer takes the parsed request (or an iterator of them) and the `Call`, and returns a message (or an iterator
of them); it never sees gRPC. A method that the servicer lacks fails the start of the server.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from memsvc.rpc.call import CURRENT


def service_handler(service: ServiceDescriptor, servicer: object) -> grpc.GenericRpcHandler[Any, Any]:
    """Handlers of every method of `service`. Raises AttributeError for one that `servicer` lacks."""
    handlers = {method.name: _handler(method, getattr(servicer, snake_case(method.name))) for method in service.methods}
    return grpc.method_handlers_generic_handler(service.full_name, handlers)


def snake_case(name: str) -> str:
    """`GetMemory` as `get_memory`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _handler(method: MethodDescriptor, serve: Callable[..., Any]) -> grpc.RpcMethodHandler[Any, Any]:
    async def respond(request: Message | AsyncIterator[Message], _context: object) -> Any:
        return await serve(request, CURRENT.get())

    def stream(request: Message | AsyncIterator[Message], _context: object) -> Any:
        return serve(request, CURRENT.get())

    build: Callable[..., grpc.RpcMethodHandler[Any, Any]] = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[method.client_streaming, method.server_streaming]
    return build(
        stream if method.server_streaming else respond,
        request_deserializer=GetMessageClass(method.input_type).FromString,
        response_serializer=GetMessageClass(method.output_type).SerializeToString,
    )

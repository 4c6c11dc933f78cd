"""No input ends in INTERNAL: random messages and random bytes to every method, over the real parts."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from memsvc.rpc.server import ADMIN_SERVICE, MEMORY_SERVICE
from support.messages import PARENT, SPACE_A, ingest, memory
from support.server import Running, running

METHODS = {f"/{service.full_name}/{m.name}": m for service in (MEMORY_SERVICE, ADMIN_SERVICE) for m in service.methods}
FORBIDDEN = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS, grpc.StatusCode.UNAVAILABLE}
KNOWN = memory()
INT32, INT64 = 2**31, 2**63
TEXTS = st.sampled_from(
    [
        "",
        PARENT,
        f"{PARENT}/memories/{KNOWN.id}",
        f"{PARENT}/memories/{KNOWN.id.upper()}",
        f"{PARENT}/operations/{KNOWN.id}",
        "spaces/none",
        "keys/none",
        KNOWN.id,
        "text",
        "display_name",
        "Where did Ana move last week?",
        "user-1",
        "v1",
        "eyJiIjoiIiwiYyI6IiJ9",
        "\x00",
        "a\x00b",
        "\x1f",
        "'; drop table memories; --",
        "%",
        "\U0001f469\u200d\U0001f680",
        "\u202e",
        "x" * 300,
    ]
) | st.text(max_size=20)
PLAUSIBLE = {
    "parent": [PARENT, PARENT, PARENT, "spaces/none"],
    "name": [PARENT, f"{PARENT}/memories/{KNOWN.id}"],
    "request_id": ["", KNOWN.id],
    "stream_id": [KNOWN.id],
    "etag": ["", "v1"],
    "page_token": [""],
    "resume_token": [""],
    "consistency_token": [""],
    "text": ["Where did Ana move last week?"],
    "turn_id": ["t1", "t2"],
    "user_id": ["", "user-1"],
    "paths": ["text", "symbolic.people"],
    "space_id": ["another"],
}
"""Values that get a request past the first check of a field."""
DOUBLES = st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 0.5, 1e308, -1.0]) | st.floats()
NUMBERS = {
    FieldDescriptor.CPPTYPE_INT32: st.sampled_from([0, 1, -1, 50, INT32 - 1, -INT32]),
    FieldDescriptor.CPPTYPE_INT64: st.sampled_from([0, 1, 2, -1, INT64 - 1, -INT64, 253402300799, -62135596800, 10**9]),
    FieldDescriptor.CPPTYPE_DOUBLE: DOUBLES,
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_ENUM: st.sampled_from([0, 1, 2, 3, 4, 5, 99, -1, INT32 - 1]),
    FieldDescriptor.CPPTYPE_STRING: TEXTS,
}


@st.composite
def messages(draw: st.DrawFn, descriptor: Descriptor, depth: int = 0) -> Message:
    """A message with any subset of its fields set to values of their types."""
    made = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if depth < 4 and draw(st.integers(0, 4)):
            _fill(draw, made, field, depth)
    return made


def _fill(draw: st.DrawFn, made: Any, field: FieldDescriptor, depth: int) -> None:
    if field.name in PLAUSIBLE and draw(st.integers(0, 5)):
        value = draw(st.sampled_from(PLAUSIBLE[field.name]))
        getattr(made, field.name).append(value) if field.is_repeated else setattr(made, field.name, value)
        return
    is_message = field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE
    if is_message and field.message_type.GetOptions().map_entry:
        values = messages(field.message_type.fields_by_name["value"].message_type, depth + 1)
        for key in draw(st.lists(TEXTS, max_size=3)):
            getattr(made, field.name)[key].CopyFrom(draw(values))
    elif is_message:
        values = messages(field.message_type, depth + 1)
        if field.is_repeated:
            getattr(made, field.name).extend(draw(st.lists(values, max_size=2)))
        else:
            getattr(made, field.name).CopyFrom(draw(values))
    elif field.is_repeated:
        getattr(made, field.name).extend(draw(st.lists(NUMBERS[field.cpp_type], max_size=3)))
    else:
        setattr(made, field.name, draw(NUMBERS[field.cpp_type]))


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, list[bytes]]:
    """A method and the messages to send it, some of them not messages at all."""
    path = draw(st.sampled_from(sorted(METHODS)))
    valid = messages(METHODS[path].input_type).map(lambda made: made.SerializePartialToString())
    count = draw(st.integers(0, 4)) if METHODS[path].client_streaming else 1
    return path, [draw(valid | valid | valid | valid | st.binary(max_size=40)) for _ in range(count)]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, models=True) as started:
        async with started.client() as client:
            await client("Ingest", ingest())
        await started.remember(SPACE_A, KNOWN)
        yield started


CLIENT_RACE = "Internal error from Core"
"""What grpc.aio's client itself says when it was still sending at the moment the server's answer came."""


async def outcome(channel: grpc.aio.Channel, path: str, raws: list[bytes], metadata: Any) -> grpc.StatusCode:
    """How the server ended a call."""
    for _ in range(20):
        code, text = await attempt(channel, path, raws, metadata)
        if text != CLIENT_RACE:
            break
    return code


async def attempt(
    channel: grpc.aio.Channel, path: str, raws: list[bytes], metadata: Any
) -> tuple[grpc.StatusCode, str | None]:
    """Code and text of one call; a stream that goes on is ended by its deadline."""
    method = METHODS[path]
    kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
    request = iter(raws) if method.client_streaming else raws[0]
    call = getattr(channel, kind)(path)(request, metadata=metadata, timeout=0.6 if method.server_streaming else 10)
    try:
        if method.server_streaming:
            async for _ in call:
                pass
        else:
            await call
    except grpc.aio.AioRpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""


async def test_no_input_ends_in_internal(server: Running) -> None:
    loop = asyncio.get_running_loop()
    seen: set[grpc.StatusCode] = set()

    async def check(path: str, raws: list[bytes]) -> None:
        async with grpc.aio.insecure_channel(server.address) as channel:
            code = await outcome(channel, path, raws, server.metadata("a-admin"))
        seen.add(code)
        assert code not in FORBIDDEN, (path, raws)

    @settings(
        max_examples=400,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(calls())
    def fuzz(made: tuple[str, list[bytes]]) -> None:
        asyncio.run_coroutine_threadsafe(check(*made), loop).result(60)

    await asyncio.to_thread(fuzz)
    assert {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND} <= seen


@pytest.mark.parametrize("raw", [b"\xff\xff\xff", b"\x0a\x7f"])
async def test_bytes_that_are_no_message(server: Running, raw: bytes) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        for path in METHODS:
            code = await outcome(channel, path, [raw], server.metadata("a-admin"))
            unread = path.endswith("ImportMemories")
            assert code is (grpc.StatusCode.UNIMPLEMENTED if unread else grpc.StatusCode.INVALID_ARGUMENT), path


async def test_text_that_is_not_utf8(server: Running) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        for path in ("/memsvc.v1.MemoryService/GetMemory", "/memsvc.v1.MemoryService/Ingest"):
            code = await outcome(channel, path, [b"\x0a\x02\xff\xfe"], server.metadata("a-admin"))
            assert code is grpc.StatusCode.INVALID_ARGUMENT


async def test_empty_messages(server: Running) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        for path, method in METHODS.items():
            empty = GetMessageClass(method.input_type)()
            code = await outcome(channel, path, [empty.SerializeToString()], server.metadata("a-admin"))
            assert code not in FORBIDDEN, path

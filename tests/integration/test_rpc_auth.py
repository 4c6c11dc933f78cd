"""Every method of every service: who may call it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass

from memsvc.rpc.authorization import ACCESS, Access
from memsvc.rpc.server import ADMIN_SERVICE, MEMORY_SERVICE, ServerOptions
from memsvc.v1 import admin_service_pb2 as admin
from memsvc.v1 import memory_service_pb2 as pb
from support.messages import EVERYBODY
from support.server import Running, reason_of, running

METHODS = {f"/{service.full_name}/{m.name}": m for service in (MEMORY_SERVICE, ADMIN_SERVICE) for m in service.methods}
ADMIN_METHODS = [name for name in METHODS if ACCESS[name] is Access.ADMIN]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as started:
        yield started


async def call(channel: grpc.aio.Channel, path: str, metadata: Any, message: bytes | None = None) -> None:
    """Call a method with an empty request, whatever its kind; raises AioRpcError."""
    method = METHODS[path]
    raw = GetMessageClass(method.input_type)().SerializeToString() if message is None else message
    if method.client_streaming and method.server_streaming:
        stream = channel.stream_stream(path)(iter([raw]), metadata=metadata, timeout=10)
        await stream.read()
        return await _ended(stream)
    if method.client_streaming:
        await channel.stream_unary(path)(iter([raw]), metadata=metadata, timeout=10)
        return None
    if method.server_streaming:
        responses = channel.unary_stream(path)(raw, metadata=metadata, timeout=10)
        await responses.read()
        return await _ended(responses)
    await channel.unary_unary(path)(raw, metadata=metadata, timeout=10)
    return None


async def _ended(stream: Any) -> None:
    if stream.done() and await stream.code() is not grpc.StatusCode.OK:
        async for _ in stream:
            pass


async def test_table_covers_every_method() -> None:
    ours = {name for name in ACCESS if name.startswith("/memsvc.")}
    assert ours == set(METHODS)
    assert not [name for name in METHODS if ACCESS[name] is Access.PUBLIC]


async def test_no_method_answers_without_credential(server: Running) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        for path in METHODS:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(channel, path, ())
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED, path
            assert reason_of(caught.value) == "CREDENTIAL_MISSING"


@pytest.mark.parametrize(
    "credential", ["Bearer wrong", "Basic abc", "Bearer ", "Bearer " + "x" * 3000, "é".encode().hex()]
)
async def test_wrong_credentials(server: Running, credential: str) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(channel, "/memsvc.v1.MemoryService/GetMemory", (("authorization", credential),))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(caught.value) == "CREDENTIAL_INVALID"


async def test_agents_are_kept_from_admin_methods(server: Running) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        for path in ADMIN_METHODS:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(channel, path, server.metadata("a-agent"))
            assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED, path
            assert reason_of(caught.value) == "ROLE_FORBIDDEN"


async def test_agents_may_call_the_rest(server: Running) -> None:
    refused = (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)
    async with grpc.aio.insecure_channel(server.address) as channel:
        for path in set(METHODS) - set(ADMIN_METHODS):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(channel, path, server.metadata("a-agent"))
            assert caught.value.code() not in refused, path


async def test_revoked_key_is_refused_at_once(server: Running) -> None:
    async with server.client() as client:
        made = await client("CreateKey", admin.CreateKeyRequest(role=admin.KEY_ROLE_AGENT, display_name="x"))
        client.credential = (("authorization", f"Bearer {made.secret}"),)
        await client("ListMemories", pb.ListMemoriesRequest(parent="spaces/default", filter=EVERYBODY))
        client.credential = server.metadata("a-admin")
        revoked = await client("RevokeKey", admin.RevokeKeyRequest(name=made.key.name))
        assert revoked.key.HasField("revoke_time")
        client.credential = (("authorization", f"Bearer {made.secret}"),)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client("ListMemories", pb.ListMemoriesRequest(parent="spaces/default", filter=EVERYBODY))
    assert reason_of(caught.value) == "CREDENTIAL_INVALID"


async def test_auth_none_is_the_default_tenant(tmp_path: Path) -> None:
    async with running(tmp_path, ServerOptions(auth="none")) as server, server.client("") as client:
        await client("CreateSpace", admin.CreateSpaceRequest(space_id="mine"))
        assert (await client("ListSpaces", admin.ListSpacesRequest())).spaces[0].name == "spaces/mine"
        page = await server.services.spaces.page("default", limit=10)
    assert [space.key.tenant for space in page.items] == ["default"]

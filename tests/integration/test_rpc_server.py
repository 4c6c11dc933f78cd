"""The server around the services: health, reflection, limits, request ids, drain, TLS."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from structlog.testing import capture_logs

from memsvc.rpc.server import MEMORY_SERVICE, REFLECTION_NAMES, ServerOptions
from memsvc.v1 import admin_service_pb2 as admin
from memsvc.v1 import memory_service_pb2 as pb
from support.messages import EVERYBODY, PARENT, ingest
from support.server import Client, Running, details_of, reason_of, running


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as started:
        yield started


async def test_health_is_public(server: Running) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for name in ("", MEMORY_SERVICE.full_name):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Check(health_pb2.HealthCheckRequest(service="none"))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("service", REFLECTION_NAMES)
async def test_reflection_needs_a_credential(server: Running, service: str) -> None:
    request = reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString()
    async with grpc.aio.insecure_channel(server.address) as channel:
        method = channel.stream_stream(f"/{service}/ServerReflectionInfo")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await method(iter([request])).read()
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        raw = await method(iter([request]), metadata=server.metadata("a-agent")).read()
    listed = reflection_pb2.ServerReflectionResponse.FromString(raw).list_services_response.service
    assert MEMORY_SERVICE.full_name in {entry.name for entry in listed}


async def test_request_id_comes_back_and_is_logged_without_content(server: Running) -> None:
    async with server.client() as client:
        with capture_logs() as logs:
            call = client.memory.Ingest(ingest(), metadata=(*client.credential, ("x-request-id", "mine-1")))
            answer = await call
            assert dict(await call.trailing_metadata())["x-request-id"] == "mine-1"
        line = next(entry for entry in logs if entry["event"] == "rpc")
        assert (line["request_id"], line["tenant"], line["code"]) == ("mine-1", "a", "OK")
        assert line["received_bytes"] == len(ingest().SerializeToString())
        assert line["sent_bytes"] == len(answer.SerializeToString())
        assert "Lisbon" not in str(logs)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.memory.Ask(pb.AskRequest(), metadata=(*client.credential, ("x-request-id", "not sane")))
    told = details_of(caught.value)["RequestInfo"].request_id
    assert len(told) == 32


async def test_too_many_calls(tmp_path: Path) -> None:
    async with running(tmp_path, ServerOptions(max_concurrent_rpcs=1)) as server, server.client() as client:
        watch = client.memory.WatchMemories(
            pb.WatchMemoriesRequest(parent=PARENT, whole_space=True), metadata=client.credential
        )
        await watch.read()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client("ListTurns", pb.ListTurnsRequest(parent=PARENT, whole_space=True))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert details_of(caught.value)["RetryInfo"].retry_delay.seconds == 1
        watch.cancel()


async def test_default_deadline(tmp_path: Path) -> None:
    async with running(tmp_path, ServerOptions(default_deadline_seconds=0.5)) as server, server.client() as client:
        token = (await client("Ingest", ingest())).consistency_token
        request = pb.QueryRequest(parent=PARENT, spec=pb.QuerySpec(text="x", filter=EVERYBODY), consistency_token=token)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.memory.Query(request, metadata=client.credential)
    assert (caught.value.code(), reason_of(caught.value)) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")


async def test_message_over_the_limit(tmp_path: Path) -> None:
    async with running(tmp_path, ServerOptions(max_message_bytes=1_000)) as server, server.client() as client:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client("Query", pb.QueryRequest(parent="x" * 2_000))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_drain_ends_streams_and_finishes_calls(server: Running) -> None:
    async with server.client() as client:
        name = (await client("Ingest", ingest())).operation.name
        watch = client.memory.WatchMemories(
            pb.WatchMemoriesRequest(parent=PARENT, whole_space=True), metadata=client.credential
        )
        await watch.read()
        waiting = asyncio.create_task(client("WaitOperation", admin.WaitOperationRequest(name=name)))
        health = health_pb2_grpc.HealthStub(client.channel).Watch(health_pb2.HealthCheckRequest())
        await health.read()
        await asyncio.sleep(0.1)
        stopping = asyncio.create_task(server.server.stop(10.0))
        assert (await health.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        for call in (watch.read(), waiting):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            assert reason_of(caught.value) == "SHUTTING_DOWN"
        await stopping
    await server.server.serve_forever()


async def test_tls(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    async with running(tmp_path, ServerOptions(tls_cert=certificate, tls_key=key)) as server:
        request = pb.ListTurnsRequest(parent=PARENT, whole_space=True)
        trusting = grpc.ssl_channel_credentials(root_certificates=certificate)
        async with grpc.aio.secure_channel(server.address, trusting) as channel:
            assert await Client(channel, server.metadata("a-agent"))("ListTurns", request) == pb.ListTurnsResponse()
        for untrusting in (
            grpc.aio.secure_channel(server.address, grpc.ssl_channel_credentials()),
            grpc.aio.insecure_channel(server.address),
        ):
            async with untrusting as channel:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await Client(channel, server.metadata("a-agent"))("ListTurns", request)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def self_signed(folder: Path) -> tuple[bytes, bytes]:
    """A certificate of 127.0.0.1 and its key, PEM."""
    files = [folder / "cert.pem", folder / "key.pem"]
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "1"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-out", str(files[0]), "-keyout", str(files[1])),
        ],
        check=True,
        capture_output=True,
    )
    return files[0].read_bytes(), files[1].read_bytes()


async def test_address_in_use(server: Running, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    with pytest.raises(Exception, match="cannot listen"):
        async with running(folder, ServerOptions(listen=server.address)):
            pass

"""Spaces, operations and keys over the real stores; and that no tenant reaches another's."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from structlog.testing import capture_logs

from memsvc.types import JobError, JobKind, Scope, SpaceKey, SparseVector
from memsvc.v1 import admin_service_pb2 as admin
from memsvc.v1 import memory_pb2, operation_pb2
from memsvc.v1 import memory_service_pb2 as pb
from support.messages import EVERYBODY, PARENT, SPACE_A, ingest, memory, turn
from support.server import DIMENSION, Client, Running, details_of, reason_of, running


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as started:
        yield started


@pytest.fixture
async def client(server: Running) -> AsyncIterator[Client]:
    async with server.client() as made:
        yield made


async def refused(client: Client, name: str, request: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client(name, request)
    return caught.value


async def test_life_of_a_space(client: Client) -> None:
    request = admin.CreateSpaceRequest(
        space_id="team", space=memory_pb2.Space(display_name="Team"), request_id=str(uuid.uuid4())
    )
    made = (await client("CreateSpace", request)).space
    assert (made.name, made.display_name) == ("spaces/team", "Team")
    assert (await client("CreateSpace", request)).space == made
    request.request_id = ""
    assert reason_of(await refused(client, "CreateSpace", request)) == "SPACE_EXISTS"
    change = admin.UpdateSpaceRequest(
        space=memory_pb2.Space(name=made.name, display_name="New", etag=made.etag),
        update_mask=FieldMask(paths=["display_name"]),
    )
    changed = (await client("UpdateSpace", change)).space
    assert (changed.display_name, changed.etag != made.etag) == ("New", True)
    assert reason_of(await refused(client, "UpdateSpace", change)) == "ETAG_MISMATCH"
    listed = await client("ListSpaces", admin.ListSpacesRequest())
    assert [space.name for space in listed.spaces] == ["spaces/default", "spaces/team"]
    await client("Ingest", pb.IngestRequest(parent=made.name, turns=[turn()]))
    remove = admin.DeleteSpaceRequest(name=made.name)
    assert reason_of(await refused(client, "DeleteSpace", remove)) == "SPACE_NOT_EMPTY"
    remove.force = True
    await client("DeleteSpace", remove)
    assert reason_of(await refused(client, "GetSpace", admin.GetSpaceRequest(name=made.name))) == "SPACE_NOT_FOUND"
    default = admin.DeleteSpaceRequest(name=PARENT, force=True)
    assert reason_of(await refused(client, "DeleteSpace", default)) == "DEFAULT_SPACE"


async def _space_with_a_point(server: Running, client: Client) -> SpaceKey:
    await client("CreateSpace", admin.CreateSpaceRequest(space_id="team"))
    space = SpaceKey("a", "team")
    await server.services.index.upsert(space, [memory()], np.ones((1, DIMENSION), np.float32), [SparseVector((), ())])
    assert await server.services.index.count(space) == 1
    return space


async def test_deleting_a_space_deletes_its_points(server: Running, client: Client) -> None:
    space = await _space_with_a_point(server, client)
    await client("DeleteSpace", admin.DeleteSpaceRequest(name="spaces/team"))
    assert await server.services.index.count(space) == 0


async def test_a_space_can_be_deleted_while_the_index_is_down(server: Running, client: Client) -> None:
    await _space_with_a_point(server, client)
    await server.services.index.close()
    with capture_logs() as logs:
        await client("DeleteSpace", admin.DeleteSpaceRequest(name="spaces/team"))
    assert [(line["space"], line["reason"]) for line in logs if line["event"] == "space.points_left"] == [
        ("team", "INDEX_UNAVAILABLE")
    ]
    gone = await refused(client, "GetSpace", admin.GetSpaceRequest(name="spaces/team"))
    assert reason_of(gone) == "SPACE_NOT_FOUND"


@pytest.mark.parametrize("space_id", ["", "ab", "Abc", "1abc", "a_b_c", "a" * 64])
async def test_space_ids(client: Client, space_id: str) -> None:
    error = await refused(client, "CreateSpace", admin.CreateSpaceRequest(space_id=space_id))
    assert [v.field for v in details_of(error)["BadRequest"].field_violations] == ["space_id"]


async def test_wait_returns_when_the_operation_ends(server: Running, client: Client) -> None:
    name = (await client("Ingest", ingest())).operation.name
    waiting = asyncio.create_task(client("WaitOperation", admin.WaitOperationRequest(name=name)))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await server.remember(SPACE_A, memory())
    operation = (await waiting).operation
    assert operation.done
    assert operation.summary.created_count == 1
    error = await refused(client, "CancelOperation", admin.CancelOperationRequest(name=name))
    assert reason_of(error) == "OPERATION_ENDED"


async def test_wait_answers_before_its_deadline(client: Client) -> None:
    name = (await client("Ingest", ingest())).operation.name
    answer = await client("WaitOperation", admin.WaitOperationRequest(name=name), timeout=1.0)
    assert not answer.operation.done


async def test_cancelled_and_failed_operations(server: Running, client: Client) -> None:
    first = (await client("Ingest", ingest())).operation.name
    for _ in range(2):
        answer = await client("CancelOperation", admin.CancelOperationRequest(name=first))
        assert answer.operation.state == operation_pb2.OPERATION_STATE_CANCELLED
        assert answer.operation.error.code == grpc.StatusCode.CANCELLED.value[0]
    await client("Ingest", ingest(turn("t2")))
    job = await server.services.jobs.claim("test", [JobKind.COMPRESS], lease_seconds=60)
    assert job
    await server.services.jobs.fail(job, JobError("INDEX_UNAVAILABLE", "down"), retry_in=60)
    request = admin.GetOperationRequest(name=f"{PARENT}/operations/{job.id}")
    assert (await client("GetOperation", request)).operation.last_error.code == grpc.StatusCode.UNAVAILABLE.value[0]
    states = [operation_pb2.OPERATION_STATE_CANCELLED]
    listed = await client("ListOperations", admin.ListOperationsRequest(parent=PARENT, states=states))
    assert [operation.name for operation in listed.operations] == [first]


async def test_a_failed_operation_is_retried_or_forgotten_and_its_turns_stay(server: Running, client: Client) -> None:
    name = (await client("Ingest", ingest())).operation.name
    for method, request in (
        ("RetryOperation", admin.RetryOperationRequest(name=name)),
        ("DeleteOperation", admin.DeleteOperationRequest(name=name)),
    ):
        assert reason_of(await refused(client, method, request)) == "OPERATION_NOT_FAILED"
    for answered in ("RetryOperation", "DeleteOperation"):
        job = await server.services.jobs.claim("test", [JobKind.COMPRESS], lease_seconds=60)
        assert job
        await server.services.jobs.fail(job, JobError("INTERNAL", "KeyError"), retry_in=None)
        failed = (await client("GetOperation", admin.GetOperationRequest(name=name))).operation
        assert (failed.error.reason, failed.attempt_count) == ("INTERNAL", 1)
        if answered == "RetryOperation":
            queued = (await client(answered, admin.RetryOperationRequest(name=name))).operation
            assert (queued.state, queued.attempt_count) == (operation_pb2.OPERATION_STATE_QUEUED, 0)
            assert queued.last_error.reason == "INTERNAL"
    await client("DeleteOperation", admin.DeleteOperationRequest(name=name))
    assert reason_of(await refused(client, "GetOperation", admin.GetOperationRequest(name=name))) == (
        "OPERATION_NOT_FOUND"
    )
    await client("Ingest", ingest(turn("t2")))
    job = await server.services.jobs.claim("test", [JobKind.COMPRESS], lease_seconds=60)
    assert job
    scope = Scope(*job.payload["scope"])
    pending = (await server.services.turns.pending(job.space, scope, limit=9, context=0)).pending
    assert [turn.turn_id for turn in pending] == ["t1", "t2"]


async def test_reindex_and_stats(server: Running, client: Client) -> None:
    await client("Ingest", ingest())
    await server.remember(SPACE_A, memory())
    operation = (await client("Reindex", admin.ReindexRequest(parent=PARENT))).operation
    assert operation.kind == operation_pb2.OPERATION_KIND_REINDEX
    assert (await client("Reindex", admin.ReindexRequest(parent=PARENT))).operation.name == operation.name
    stats = await client("GetStats", admin.GetStatsRequest(parent=PARENT))
    assert (stats.turn_count, stats.memory_count, stats.unindexed_memory_count) == (1, 1, 1)
    assert 0 < stats.compression_ratio < 1


async def test_keys(client: Client) -> None:
    error = await refused(client, "CreateKey", admin.CreateKeyRequest(display_name="x\0"))
    assert [v.field for v in details_of(error)["BadRequest"].field_violations] == ["display_name", "role"]
    made = await client("CreateKey", admin.CreateKeyRequest(display_name="bot", role=admin.KEY_ROLE_AGENT))
    listed = await client("ListKeys", admin.ListKeysRequest())
    assert made.key in listed.keys
    assert made.secret not in str(listed)
    error = await refused(client, "RevokeKey", admin.RevokeKeyRequest(name="keys/none"))
    assert reason_of(error) == "KEY_NOT_FOUND"


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("Erase", admin.EraseRequest(parent=PARENT)),
        ("ListAuditEvents", admin.ListAuditEventsRequest()),
    ],
)
async def test_later_releases(client: Client, name: str, request_: Any) -> None:
    error = await refused(client, name, request_)
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED")


async def test_no_tenant_reaches_another(server: Running, client: Client) -> None:
    """Tenant b names tenant a's space, memory, operation and key; its own have other ids."""
    space = "spaces/private"
    await client("CreateSpace", admin.CreateSpaceRequest(space_id="private"))
    accepted = await client("Ingest", pb.IngestRequest(parent=space, turns=[turn()]))
    await server.remember(type(SPACE_A)("a", "private"), memory())
    name = (await client("ListMemories", pb.ListMemoriesRequest(parent=space, filter=EVERYBODY))).memories[0].name
    key = (await client("CreateKey", admin.CreateKeyRequest(role=admin.KEY_ROLE_AGENT))).key.name
    operation = accepted.operation.name
    scope, spec = memory_pb2.Scope(user_id="user-1"), pb.QuerySpec(text="Where is Ana?", filter=EVERYBODY)
    edited = memory_pb2.Memory(name=name, text="Mine now.")
    renamed = memory_pb2.Space(name=space, display_name="Mine now.")
    settings = memory_pb2.UserSettings(name=f"{space}/users/user-1/settings", time_zone="Asia/Tokyo")
    attempts: list[tuple[str, Any]] = [
        ("Ingest", pb.IngestRequest(parent=space, turns=[turn("t9")])),
        ("Query", pb.QueryRequest(parent=space, spec=spec)),
        ("Explain", pb.ExplainRequest(parent=space, spec=spec)),
        ("ListMemories", pb.ListMemoriesRequest(parent=space, filter=EVERYBODY)),
        ("GetMemory", pb.GetMemoryRequest(name=name)),
        ("UpdateMemory", pb.UpdateMemoryRequest(memory=edited, update_mask=FieldMask(paths=["text"]))),
        ("DeleteMemory", pb.DeleteMemoryRequest(name=name)),
        ("DeleteMemories", pb.DeleteMemoriesRequest(parent=space, scope=scope)),
        ("GetHistory", pb.GetHistoryRequest(name=name)),
        ("ListTurns", pb.ListTurnsRequest(parent=space, whole_space=True)),
        ("GetUserSettings", pb.GetUserSettingsRequest(name=settings.name)),
        (
            "UpdateUserSettings",
            pb.UpdateUserSettingsRequest(settings=settings, update_mask=FieldMask(paths=["time_zone"])),
        ),
        ("GetSpace", admin.GetSpaceRequest(name=space)),
        ("UpdateSpace", admin.UpdateSpaceRequest(space=renamed, update_mask=FieldMask(paths=["display_name"]))),
        ("DeleteSpace", admin.DeleteSpaceRequest(name=space, force=True)),
        ("Consolidate", admin.ConsolidateRequest(parent=space)),
        ("Reindex", admin.ReindexRequest(parent=space)),
        ("GetStats", admin.GetStatsRequest(parent=space)),
        ("ListOperations", admin.ListOperationsRequest(parent=space)),
        ("GetOperation", admin.GetOperationRequest(name=operation)),
        ("WaitOperation", admin.WaitOperationRequest(name=operation)),
        ("CancelOperation", admin.CancelOperationRequest(name=operation)),
        ("RetryOperation", admin.RetryOperationRequest(name=operation)),
        ("DeleteOperation", admin.DeleteOperationRequest(name=operation)),
        ("RevokeKey", admin.RevokeKeyRequest(name=key)),
    ]
    async with server.client("b-admin") as other:
        for method, request in attempts:
            error = await refused(other, method, request)
            assert error.code() is grpc.StatusCode.NOT_FOUND, method
        watch = other.memory.WatchMemories(
            pb.WatchMemoriesRequest(parent=space, whole_space=True), metadata=other.credential, timeout=10
        )
        stream = other.memory.StreamIngest(
            iter([pb.StreamIngestRequest(header={"parent": space, "stream_id": str(uuid.uuid4())})]),
            metadata=other.credential,
            timeout=10,
        )
        for call in (watch, stream):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call.read()
            assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        in_own_space = name.replace(space, PARENT)
        error = await refused(other, "GetMemory", pb.GetMemoryRequest(name=in_own_space))
        assert error.code() is grpc.StatusCode.NOT_FOUND
        tokened = pb.QueryRequest(parent=PARENT, spec=spec, consistency_token=accepted.consistency_token)
        assert reason_of(await refused(other, "Query", tokened)) == "CONSISTENCY_TOKEN_INVALID"
        assert [s.name for s in (await other("ListSpaces", admin.ListSpacesRequest())).spaces] == [PARENT]
        assert key not in {k.name for k in (await other("ListKeys", admin.ListKeysRequest())).keys}
    assert (await client("GetMemory", pb.GetMemoryRequest(name=name))).memory.text == "Ana moved to Lisbon."

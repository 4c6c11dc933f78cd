"""Reading and changing memories over the real stores, index and models."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from memsvc.types import JobError, JobKind, SpaceKey
from memsvc.v1 import admin_service_pb2 as admin
from memsvc.v1 import memory_pb2
from memsvc.v1 import memory_service_pb2 as pb
from support.messages import EVERYBODY, PARENT, SPACE_A, ingest, memory, turn
from support.server import Client, Running, details_of, reason_of, running


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as started:
        yield started


@pytest.fixture
async def client(server: Running) -> AsyncIterator[Client]:
    async with server.client("a-agent") as made:
        yield made


async def stored(server: Running, client: Client, count: int = 1) -> list[str]:
    """Ingest a turn, make `count` memories of it, return their names, the newest first."""
    await client("Ingest", ingest())
    await server.remember(SPACE_A, *[memory(f"Ana moved to Lisbon {n}.") for n in range(count)])
    page = await client("ListMemories", pb.ListMemoriesRequest(parent=PARENT, page_size=1000, filter=EVERYBODY))
    return [found.name for found in page.memories]


async def refused(client: Client, name: str, request: object) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client(name, request)
    return caught.value


async def test_query_waits_for_the_write_and_explain_agrees(tmp_path: Path) -> None:
    async with running(tmp_path, models=True) as server, server.client("a-agent") as client:
        token = (await client("Ingest", ingest())).consistency_token
        spec = pb.QuerySpec(text="Where did Ana move?", filter=EVERYBODY)
        request = pb.QueryRequest(parent=PARENT, spec=spec, consistency_token=token)
        waiting = asyncio.create_task(client("Query", request))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await server.remember(SPACE_A, memory())
        answer = await waiting
        assert [r.memory.text for r in answer.results] == ["Ana moved to Lisbon."]
        assert "Lisbon" in answer.context
        trace = await client("Explain", pb.ExplainRequest(parent=PARENT, spec=spec))
        assert trace.response.results == answer.results
        assert [hit.name for hit in trace.hits] == [answer.results[0].memory.name]
        assert not answer.warnings
        german = pb.QueryRequest(parent=PARENT, spec=pb.QuerySpec(text="Wohin ist Ana umgezogen?", filter=EVERYBODY))
        [warning] = (await client("Query", german)).warnings
        assert warning.code == "EMBEDDER_LANGUAGE"
        assert "'de'" in warning.message
        request.read_mask.paths.extend(["text", "scope.user_id"])
        masked = (await client("Query", request)).results[0].memory
        assert {field.name for field, _ in masked.ListFields()} == {"text", "scope"}
        assert masked.scope == memory_pb2.Scope(user_id="user-1")


async def test_points_that_a_deleted_space_left_never_surface(tmp_path: Path) -> None:
    space = SpaceKey("a", "team")
    query = pb.QueryRequest(parent="spaces/team", spec=pb.QuerySpec(text="Where did Ana move?", filter=EVERYBODY))
    async with running(tmp_path, models=True) as server, server.client() as client:
        for wanted in (1, 0):
            await client("CreateSpace", admin.CreateSpaceRequest(space_id="team"))
            if wanted:
                await client("Ingest", pb.IngestRequest(parent="spaces/team", turns=[turn()]))
                await server.remember(space, memory())
            answer = await client("Query", query)
            assert len(answer.results) == wanted
            assert not any(view.HasField("error") for view in answer.views)
            await server.services.spaces.delete(space, force=True)
        assert await server.services.index.count(space) == 1


async def test_query_tells_that_the_write_failed(server: Running, client: Client) -> None:
    token = (await client("Ingest", ingest())).consistency_token
    job = await server.services.jobs.claim("test", [JobKind.COMPRESS], lease_seconds=60)
    assert job
    await server.services.jobs.fail(job, JobError("CHECKSUM_MISMATCH", "damaged"), retry_in=None)
    spec = pb.QuerySpec(text="x", filter=EVERYBODY)
    error = await refused(client, "Query", pb.QueryRequest(parent=PARENT, spec=spec, consistency_token=token))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.FAILED_PRECONDITION, "WRITE_FAILED")
    assert details_of(error)["ErrorInfo"].metadata["operation_reason"] == "CHECKSUM_MISMATCH"


async def test_query_gives_up_waiting_at_its_deadline(client: Client) -> None:
    token = (await client("Ingest", ingest())).consistency_token
    request = pb.QueryRequest(parent=PARENT, spec=pb.QuerySpec(text="x", filter=EVERYBODY), consistency_token=token)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client("Query", request, timeout=0.6)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.QueryRequest(parent=PARENT, spec=pb.QuerySpec(filter=EVERYBODY)), "spec.text"),
        (pb.QueryRequest(parent=PARENT, spec=pb.QuerySpec(text="x", depth=0, filter=EVERYBODY)), "spec.depth"),
        (
            pb.QueryRequest(parent=PARENT, spec=pb.QuerySpec(text="x", max_tokens=-1, filter=EVERYBODY)),
            "spec.max_tokens",
        ),
        (pb.QueryRequest(parent=PARENT, spec=pb.QuerySpec(text="x\0", filter=EVERYBODY)), "spec.text"),
        (
            pb.QueryRequest(
                parent=PARENT, spec=pb.QuerySpec(text="x", filter=EVERYBODY), read_mask=FieldMask(paths=["no"])
            ),
            "read_mask.paths[0]",
        ),
        (
            pb.QueryRequest(
                parent=PARENT,
                spec=pb.QuerySpec(
                    text="x", filter=pb.MemoryFilter(states=[memory_pb2.MEMORY_STATE_DELETED], whole_space=True)
                ),
            ),
            "spec.filter.states",
        ),
        (
            pb.QueryRequest(parent=PARENT, spec=pb.QuerySpec(text="x", filter=EVERYBODY), consistency_token="?"),
            "consistency_token",
        ),
    ],
)
async def test_query_refuses(client: Client, request_: pb.QueryRequest, field: str) -> None:
    error = await refused(client, "Query", request_)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [v.field for v in details_of(error)["BadRequest"].field_violations] == [field]


async def test_pages(server: Running, client: Client) -> None:
    names = await stored(server, client, 5)
    first = await client("ListMemories", pb.ListMemoriesRequest(parent=PARENT, page_size=3, filter=EVERYBODY))
    rest = await client(
        "ListMemories",
        pb.ListMemoriesRequest(parent=PARENT, page_size=3, page_token=first.next_page_token, filter=EVERYBODY),
    )
    assert [m.name for m in (*first.memories, *rest.memories)] == names
    assert rest.next_page_token == ""
    other = pb.ListMemoriesRequest(
        parent=PARENT, page_token=first.next_page_token, filter=pb.MemoryFilter(people=["Ana"], whole_space=True)
    )
    assert reason_of(await refused(client, "ListMemories", other)) == "PAGE_TOKEN_INVALID"


async def test_update_changes_what_the_mask_names(server: Running, client: Client) -> None:
    name = (await stored(server, client))[0]
    wanted = memory_pb2.Memory(name=name, text="Ana lives in Porto.", salience=0.9)
    request = pb.UpdateMemoryRequest(memory=wanted, update_mask=FieldMask(paths=["text"]), request_id=str(uuid.uuid4()))
    answer = await client("UpdateMemory", request)
    assert (answer.memory.text, answer.memory.salience) == ("Ana lives in Porto.", 0.5)
    assert answer.memory.token_count == server.services.tokens.count("Ana lives in Porto.")
    assert answer.consistency_token
    kept = await server.services.memories.get(SPACE_A, name.rpartition("/")[2])
    assert kept.dense_text == kept.lexical_text == "Ana lives in Porto."
    assert await client("UpdateMemory", request) == answer
    history = await client("GetHistory", pb.GetHistoryRequest(name=name))
    assert [(c.sequence, c.previous_text) for c in history.changes] == [(1, ""), (2, "Ana moved to Lisbon 0.")]


async def test_update_with_a_stale_etag(server: Running, client: Client) -> None:
    name = (await stored(server, client))[0]
    request = pb.UpdateMemoryRequest(
        memory=memory_pb2.Memory(name=name, salience=0.1, etag="v9"), update_mask=FieldMask(paths=["salience"])
    )
    error = await refused(client, "UpdateMemory", request)
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")


@pytest.mark.parametrize("salience", [float("nan"), float("inf"), -0.1, 1.1])
async def test_update_refuses_a_salience_outside_of_its_range(client: Client, salience: float) -> None:
    changed = memory_pb2.Memory(name=f"{PARENT}/memories/{uuid.uuid4()}", salience=salience)
    request = pb.UpdateMemoryRequest(memory=changed, update_mask=FieldMask(paths=["salience", "etag"]))
    error = await refused(client, "UpdateMemory", request)
    fields = [v.field for v in details_of(error)["BadRequest"].field_violations]
    assert fields == ["update_mask.paths[1]", "memory.salience"]


async def test_concurrent_updates_without_etag_all_succeed(server: Running, client: Client) -> None:
    name = (await stored(server, client))[0]
    requests = [
        pb.UpdateMemoryRequest(
            memory=memory_pb2.Memory(name=name, metadata={"n": str(n)}), update_mask=FieldMask(paths=["metadata"])
        )
        for n in range(3)
    ]
    await asyncio.gather(*[client("UpdateMemory", request) for request in requests])
    assert (await client("GetMemory", pb.GetMemoryRequest(name=name))).memory.etag == "v4"


async def test_delete(server: Running, client: Client) -> None:
    name, other = await stored(server, client, 2)
    await client("DeleteMemory", pb.DeleteMemoryRequest(name=name))
    assert reason_of(await refused(client, "GetMemory", pb.GetMemoryRequest(name=name))) == "MEMORY_NOT_FOUND"
    await client("DeleteMemory", pb.DeleteMemoryRequest(name=name, allow_missing=True))
    error = await refused(client, "DeleteMemories", pb.DeleteMemoriesRequest(parent=PARENT))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    scope = memory_pb2.Scope(user_id="user-1")
    answer = await client("DeleteMemories", pb.DeleteMemoriesRequest(parent=PARENT, scope=scope))
    assert (answer.deleted_count, answer.deleted_turn_count) == (1, 0)
    deleted = pb.MemoryFilter(states=[memory_pb2.MEMORY_STATE_DELETED], whole_space=True)
    listed = await client("ListMemories", pb.ListMemoriesRequest(parent=PARENT, filter=deleted))
    assert {(m.name, m.text) for m in listed.memories} == {(name, ""), (other, "")}
    await client("Ingest", ingest(turn("t2")))
    answer = await client("DeleteMemories", pb.DeleteMemoriesRequest(parent=PARENT, scope=scope))
    assert (answer.deleted_count, answer.deleted_turn_count) == (0, 1)
    listed = await client("ListTurns", pb.ListTurnsRequest(parent=PARENT, scope=scope))
    assert {(t.turn_id, t.content, t.disposition) for t in listed.turns} == {
        (turn_id, "", memory_pb2.TURN_DISPOSITION_DELETED) for turn_id in ("t1", "t2")
    }


async def test_watch_starts_with_a_bookmark_and_resumes(server: Running, client: Client) -> None:
    call = client.memory.WatchMemories(
        pb.WatchMemoriesRequest(parent=PARENT, whole_space=True), timeout=20, metadata=client.credential
    )
    bookmark = await call.read()
    assert not bookmark.HasField("change")
    names = await stored(server, client, 2)
    seen = [await call.read(), await call.read()]
    assert [event.change.memory.name for event in seen] == names[::-1]
    call.cancel()
    again = client.memory.WatchMemories(
        pb.WatchMemoriesRequest(parent=PARENT, resume_token=seen[0].resume_token, whole_space=True),
        timeout=20,
        metadata=client.credential,
    )
    await again.read()
    assert (await again.read()).change == seen[1].change
    again.cancel()
    bad = client.memory.WatchMemories(
        pb.WatchMemoriesRequest(parent=PARENT, resume_token="e30", whole_space=True),
        timeout=20,
        metadata=client.credential,
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await bad.read()
    assert reason_of(caught.value) == "RESUME_TOKEN_INVALID"


async def test_ask_needs_a_language_model(client: Client) -> None:
    error = await refused(client, "Ask", pb.AskRequest(parent=PARENT, spec=pb.QuerySpec(text="Who?", filter=EVERYBODY)))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.FAILED_PRECONDITION, "LLM_NOT_CONFIGURED")
    error = await refused(client, "Ask", pb.AskRequest(parent=PARENT))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")


async def test_turns_of_a_scope(client: Client) -> None:
    await client("Ingest", ingest(turn("t1"), turn("t2", scope=memory_pb2.Scope(user_id="user-2"))))
    scope = memory_pb2.Scope(user_id="user-2")
    listed = await client("ListTurns", pb.ListTurnsRequest(parent=PARENT, scope=scope))
    assert [t.turn_id for t in listed.turns] == ["t2"]

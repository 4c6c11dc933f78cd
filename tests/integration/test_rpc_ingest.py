"""Ingest and StreamIngest over the real log."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from memsvc.types import JobKind, JobSummary
from memsvc.v1 import memory_pb2, operation_pb2
from memsvc.v1 import memory_service_pb2 as pb
from support.messages import EVERYBODY, PARENT, SPACE_A, ingest, turn
from support.server import Running, details_of, reason_of, running


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as started:
        yield started


async def test_ingest_commits_turns_and_a_job(server: Running) -> None:
    async with server.client("a-agent") as client:
        answer = await client("Ingest", ingest(turn("t1"), turn("t2")))
        assert (answer.accepted_count, answer.duplicate_count) == (2, 0)
        assert answer.operation.state == operation_pb2.OPERATION_STATE_QUEUED
        assert answer.consistency_token
        listed = await client("ListTurns", pb.ListTurnsRequest(parent=PARENT, whole_space=True))
    assert [t.turn_id for t in listed.turns] == ["t1", "t2"]
    assert listed.turns[0].disposition == memory_pb2.TURN_DISPOSITION_PENDING
    stats = await server.services.spaces.stats(SPACE_A)
    assert stats.raw_token_count == 2 * server.services.tokens.count("Ana: Ana moved to Lisbon.")


async def test_a_query_waits_for_every_session_that_was_written_to(server: Running) -> None:
    sessions = [turn(scope=memory_pb2.Scope(session_id=name)) for name in ("first", "last")]
    async with server.client() as client:
        answer = await client("Ingest", ingest(*sessions))
        for _ in sessions:
            job = await server.services.jobs.claim("w", list(JobKind), lease_seconds=60)
            assert job is not None
            if answer.operation.name.endswith(job.id):
                await server.services.jobs.succeed(job, JobSummary())
        spec = pb.QuerySpec(text="Where?", filter=EVERYBODY)
        request = pb.QueryRequest(parent=PARENT, spec=spec, consistency_token=answer.consistency_token)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client("Query", request, timeout=1.0)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert not details_of(caught.value)["ErrorInfo"].metadata["operation"].endswith(answer.operation.name[-36:])


async def test_every_violation_is_told(server: Running) -> None:
    bad = turn("", "", role=memory_pb2.ROLE_UNSPECIFIED)
    bad.ClearField("role")
    bad.event_time.nanos = -1
    async with server.client() as client:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client("Ingest", ingest(turn("ok"), bad, request_id="no"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    found = details_of(caught.value)
    assert found["ErrorInfo"].domain == "memsvc"
    assert {v.field for v in found["BadRequest"].field_violations} == {
        "turns[1].event_time.nanos",
        "request_id",
        "turns[1].turn_id",
        "turns[1].role",
        "turns[1].content",
    }


async def test_many_violations_fit_the_trailers(server: Running) -> None:
    async with server.client() as client:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client("Ingest", ingest(*[memory_pb2.Turn() for _ in range(256)]))
    found = details_of(caught.value)
    shown = len(found["BadRequest"].field_violations)
    assert shown + int(found["ErrorInfo"].metadata["violations_left_out"]) == 4 * 256


async def test_request_id_makes_ingest_idempotent(server: Running) -> None:
    request_id = str(uuid.uuid4())
    async with server.client() as client:
        first = await client("Ingest", ingest(turn("t1"), request_id=request_id))
        again = await client("Ingest", ingest(turn("t1"), request_id=request_id.upper()))
        assert again == first
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client("Ingest", ingest(turn("t2"), request_id=request_id))
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert reason_of(caught.value) == "REQUEST_ID_CONFLICT"


async def test_a_backfill_waits_until_nothing_is_more_urgent(server: Running) -> None:
    def of(session: str, priority: pb.Priority.ValueType) -> pb.IngestRequest:
        request = ingest(turn(scope=memory_pb2.Scope(session_id=session)))
        request.priority = priority
        return request

    async with server.client("a-agent") as client:
        for session, priority in (
            ("filled in", pb.PRIORITY_BACKFILL),
            ("unset", pb.PRIORITY_UNSPECIFIED),
            ("talked in", pb.PRIORITY_INTERACTIVE),
        ):
            await client("Ingest", of(session, priority))
    stream_id = str(uuid.uuid4())
    opened = header(stream_id)
    opened.header.priority = pb.PRIORITY_BACKFILL
    await send(server, opened, numbered(1))
    await send(server, header(stream_id), numbered(1), numbered(2, "again"))
    order = []
    while job := await server.services.jobs.claim("w", list(JobKind), lease_seconds=60):
        order.append(job.payload["scope"][2])
    assert order == ["unset", "talked in", "session-1", "filled in"]


async def test_an_unknown_priority_is_told_with_what_is_allowed(server: Running) -> None:
    request = ingest(turn())
    request.priority = 7  # type: ignore[assignment]
    opened = header(str(uuid.uuid4()))
    opened.header.priority = 7  # type: ignore[assignment]
    async with server.client() as client:
        with pytest.raises(grpc.aio.AioRpcError) as unary:
            await client("Ingest", request)
    with pytest.raises(grpc.aio.AioRpcError) as streamed:
        await send(server, opened, numbered(1))
    for caught, field in ((unary, "priority"), (streamed, "header.priority")):
        found = details_of(caught.value)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert found["ErrorInfo"].reason == "INVALID_FIELD"
        [violation] = found["BadRequest"].field_violations
        assert violation.field == field
        assert "PRIORITY_INTERACTIVE" in violation.description
        assert "PRIORITY_BACKFILL" in violation.description


async def test_a_request_id_stands_for_one_priority(server: Running) -> None:
    request = ingest(turn("t1"), request_id=str(uuid.uuid4()))
    async with server.client() as client:
        first = await client("Ingest", request)
        request.priority = pb.PRIORITY_INTERACTIVE
        assert await client("Ingest", request) == first
        request.priority = pb.PRIORITY_BACKFILL
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client("Ingest", request)
    assert reason_of(caught.value) == "REQUEST_ID_CONFLICT"


async def test_known_turn_is_a_duplicate_and_another_content_a_conflict(server: Running) -> None:
    async with server.client() as client:
        await client("Ingest", ingest(turn("t1")))
        again = await client("Ingest", ingest(turn("t1")))
        assert (again.accepted_count, again.duplicate_count) == (0, 1)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client("Ingest", ingest(turn("t1", "Something else.")))
    assert reason_of(caught.value) == "TURN_ID_CONFLICT"


async def test_unknown_space(server: Running) -> None:
    async with server.client() as client:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client("Ingest", pb.IngestRequest(parent="spaces/other", turns=[turn()]))
    assert (caught.value.code(), reason_of(caught.value)) == (grpc.StatusCode.NOT_FOUND, "SPACE_NOT_FOUND")


def header(stream_id: str) -> pb.StreamIngestRequest:
    return pb.StreamIngestRequest(header=pb.StreamIngestHeader(parent=PARENT, stream_id=stream_id))


def numbered(sequence: int, turn_id: str = "") -> pb.StreamIngestRequest:
    message = pb.StreamIngestTurn(sequence=sequence, turn=turn(turn_id or f"s{sequence}"))
    return pb.StreamIngestRequest(turn=message)


async def send(server: Running, *requests: pb.StreamIngestRequest) -> list[pb.StreamIngestResponse]:
    async with server.client("a-agent") as client:
        call = client.memory.StreamIngest(iter(requests), timeout=20, metadata=client.credential)
        return [response async for response in call]


async def test_stream_commits_and_resumes(server: Running) -> None:
    stream_id = str(uuid.uuid4())
    acks = await send(server, header(stream_id), *[numbered(n) for n in range(1, 101)])
    assert acks[0].committed_sequence == 0
    assert not acks[0].HasField("operation")
    assert acks[-1].committed_sequence == 100
    assert acks[-1].consistency_token
    resumed = await send(server, header(stream_id), *[numbered(n) for n in range(90, 104)])
    assert [resumed[0].committed_sequence, resumed[-1].committed_sequence] == [100, 103]
    assert (await server.services.spaces.stats(SPACE_A)).turn_count == 103


@pytest.mark.parametrize(
    ("requests", "field"),
    [
        ([], "header"),
        ([numbered(1)], "header"),
        ([header("no uuid")], "header.stream_id"),
        ([header("a" * 8 + "-aaaa-aaaa-aaaa-" + "a" * 12), header("x")], "turn"),
        ([header("a" * 8 + "-aaaa-aaaa-aaaa-" + "a" * 12), numbered(2)], "turn.sequence"),
        ([header("a" * 8 + "-aaaa-aaaa-aaaa-" + "a" * 12), numbered(0)], "turn.sequence"),
        ([header("a" * 8 + "-aaaa-aaaa-aaaa-" + "a" * 12), numbered(1), numbered(3)], "turn.sequence"),
    ],
)
async def test_malformed_streams(server: Running, requests: list[pb.StreamIngestRequest], field: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await send(server, *requests)
    found = details_of(caught.value)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert found["ErrorInfo"].reason == "MALFORMED_STREAM"
    assert [v.field for v in found["BadRequest"].field_violations] == [field]


async def test_what_came_before_a_faulty_turn_is_stored(server: Running) -> None:
    stream_id = str(uuid.uuid4())
    bad = numbered(3)
    bad.turn.turn.content = ""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await send(server, header(stream_id), numbered(1), numbered(2), bad)
    assert details_of(caught.value)["ErrorInfo"].metadata["sequence"] == "3"
    assert await server.services.turns.stream_position(SPACE_A, stream_id) == 2

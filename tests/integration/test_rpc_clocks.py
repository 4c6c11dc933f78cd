"""Whose clock counts, from the wire to the headings of a context."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from memsvc.v1 import admin_service_pb2 as admin
from memsvc.v1 import memory_pb2
from memsvc.v1 import memory_service_pb2 as pb
from support.messages import EVERYBODY, PARENT, SPACE_A, ingest, memory, turn
from support.server import Client, Running, details_of, running

USER = f"{PARENT}/users/user-1/settings"
LATE = datetime(2025, 3, 1, 23, tzinfo=UTC)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, models=True) as started:
        yield started


@pytest.fixture
async def client(server: Running) -> AsyncIterator[Client]:
    async with server.client() as made:
        yield made


async def set_space_zone(client: Client, time_zone: str) -> None:
    space = memory_pb2.Space(name=PARENT, time_zone=time_zone)
    await client("UpdateSpace", admin.UpdateSpaceRequest(space=space, update_mask=FieldMask(paths=["time_zone"])))


async def set_user_zone(client: Client, time_zone: str) -> pb.UpdateUserSettingsResponse:
    settings = memory_pb2.UserSettings(name=USER, time_zone=time_zone)
    request = pb.UpdateUserSettingsRequest(settings=settings, update_mask=FieldMask(paths=["time_zone"]))
    answer: pb.UpdateUserSettingsResponse = await client("UpdateUserSettings", request)
    return answer


async def violations(client: Client, method: str, request: Any) -> dict[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client(method, request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    return {v.field: v.description for v in details_of(caught.value)["BadRequest"].field_violations}


async def offsets(client: Client) -> dict[str, int | None]:
    listed = await client("ListTurns", pb.ListTurnsRequest(parent=PARENT, whole_space=True))
    return {t.turn_id: t.utc_offset_minutes if t.HasField("utc_offset_minutes") else None for t in listed.turns}


async def test_an_agent_sets_a_users_time_zone(server: Running) -> None:
    async with server.client("a-agent") as agent:
        unset = await agent("GetUserSettings", pb.GetUserSettingsRequest(name=USER))
        assert unset.settings == memory_pb2.UserSettings(name=USER)
        answer = await set_user_zone(agent, "Asia/Tokyo")
        assert answer.settings == memory_pb2.UserSettings(name=USER, time_zone="Asia/Tokyo")
        assert (await agent("GetUserSettings", pb.GetUserSettingsRequest(name=USER))).settings == answer.settings


async def test_turns_are_stored_with_the_nearest_clock(client: Client) -> None:
    await client("Ingest", pb.IngestRequest(parent=PARENT, turns=[turn("unknown")]))
    await set_space_zone(client, "Asia/Kathmandu")
    await client("Ingest", pb.IngestRequest(parent=PARENT, turns=[turn("space")]))
    await set_user_zone(client, "Asia/Tokyo")
    await client("Ingest", pb.IngestRequest(parent=PARENT, turns=[turn("user")]))
    both = [turn("call"), turn("own", utc_offset_minutes=0)]
    await client("Ingest", pb.IngestRequest(parent=PARENT, turns=both, time_zone="-03:30"))
    assert await offsets(client) == {"unknown": None, "space": 345, "user": 540, "call": -210, "own": 0}


async def test_a_stream_has_the_clock_of_its_header(client: Client) -> None:
    header = pb.StreamIngestHeader(parent=PARENT, stream_id=str(uuid.uuid4()), time_zone="Asia/Tokyo")
    sent = [
        pb.StreamIngestRequest(header=header),
        pb.StreamIngestRequest(turn=pb.StreamIngestTurn(sequence=1, turn=turn("t1"))),
    ]
    async for _ in client.memory.StreamIngest(iter(sent), metadata=client.credential, timeout=10):
        pass
    assert await offsets(client) == {"t1": 540}
    sent[0].header.time_zone = "Tokyo"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.memory.StreamIngest(iter(sent), metadata=client.credential, timeout=10).read()
    (violation,) = details_of(caught.value)["BadRequest"].field_violations
    assert violation.field == "header.time_zone"


async def test_headings_show_local_days(server: Running, client: Client) -> None:
    own = replace(memory("Ana moved to Lisbon with Bo."), event_time=LATE, utc_offset_minutes=-480)
    unknown = replace(memory("Ana moved to Lisbon alone."), event_time=LATE)
    await client("Ingest", ingest())
    await server.remember(SPACE_A, own, unknown)

    async def days(time_zone: str = "") -> list[str]:
        where = pb.MemoryFilter(scope=memory_pb2.Scope(user_id="user-1"))
        spec = pb.QuerySpec(text="Where did Ana move?", filter=where, time_zone=time_zone)
        answer = await client("Query", pb.QueryRequest(parent=PARENT, spec=spec))
        offset = {r.memory.text: r.memory.HasField("utc_offset_minutes") for r in answer.results}
        assert offset == {own.text: True, unknown.text: False}
        return [line for line in answer.context.split("\n") if line.endswith(":")]

    assert await days() == ["1 March 2025:"]
    await set_space_zone(client, "Asia/Tokyo")
    assert await days() == ["1 March 2025:", "2 March 2025:"]
    await set_user_zone(client, "America/Los_Angeles")
    assert await days() == ["1 March 2025:"]
    assert await days("+01:00") == ["1 March 2025:", "2 March 2025:"]


async def test_what_names_no_clock_is_refused_everywhere(client: Client) -> None:
    settings = memory_pb2.UserSettings(name=USER, time_zone="Tokyo")
    space = memory_pb2.Space(name=PARENT, time_zone="Tokyo")
    mask = FieldMask(paths=["time_zone"])
    spec = pb.QuerySpec(text="?", time_zone="Tokyo", filter=EVERYBODY)
    wrong: dict[str, tuple[str, Any]] = {
        "time_zone": ("Ingest", pb.IngestRequest(parent=PARENT, turns=[turn()], time_zone="Tokyo")),
        "turns[0].utc_offset_minutes": (
            "Ingest",
            pb.IngestRequest(parent=PARENT, turns=[turn(utc_offset_minutes=900)]),
        ),
        "spec.time_zone": ("Query", pb.QueryRequest(parent=PARENT, spec=spec)),
        "settings.time_zone": ("UpdateUserSettings", pb.UpdateUserSettingsRequest(settings=settings, update_mask=mask)),
        "space.time_zone": ("UpdateSpace", admin.UpdateSpaceRequest(space=space, update_mask=mask)),
        "update_mask": ("UpdateUserSettings", pb.UpdateUserSettingsRequest(settings={"name": USER})),
        "name": ("GetUserSettings", pb.GetUserSettingsRequest(name=f"{PARENT}/users/{'x' * 257}/settings")),
    }
    for field, (method, request) in wrong.items():
        found = await violations(client, method, request)
        assert list(found) == [field]
        if field.endswith("time_zone"):
            assert "Europe/Lisbon" in found[field]
    assert await offsets(client) == {}
    assert (await client("GetSpace", admin.GetSpaceRequest(name=PARENT))).space.time_zone == ""

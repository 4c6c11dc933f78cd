"""Filters by metadata and by name over the wire: queries, lists and deletions agree."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.struct_pb2 import Struct

from memsvc.retrieval import prefilter
from memsvc.types import Symbolic
from memsvc.v1 import memory_pb2
from memsvc.v1 import memory_service_pb2 as pb
from memsvc_client.messages import filters as sdk_filters
from memsvc_client.v1 import memory_pb2 as sdk
from support.messages import PARENT, SCOPE, SPACE_A, ingest, memory, turn
from support.server import Client, Running, details_of, running

NOTES: dict[str, dict[str, Any]] = {
    "Ana booked Rome.": {"project": "trip", "cost": 120, "tags": ["travel"], "due": "2026-06-01"},
    "Ana booked Oslo.": {"project": "trip", "cost": 80.5, "tags": [], "due": "2026-07-01", "done": True},
    "Ana booked Bern.": {"project": "trips", "place": {"city": "Bern"}},
    "Ana booked Cork.": {},
}
PEOPLE = {"Ana booked Rome.": ("Ben",), "Ana booked Oslo.": ("BENJAMIN",), "Ana booked Bern.": ("ben", "Ana")}
SCOPE_MESSAGE = memory_pb2.Scope(user_id=SCOPE.user_id)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path, models=True) as started:
        yield started


@pytest.fixture
async def client(server: Running) -> AsyncIterator[Client]:
    async with server.client("a-agent") as made:
        await made("Ingest", ingest())
        notes = [
            memory(text, metadata=metadata, symbolic=Symbolic(people=PEOPLE.get(text, ())))
            for text, metadata in NOTES.items()
        ]
        await server.remember(SPACE_A, *notes)
        yield made


def where(filters: dict[str, Any]) -> pb.MemoryFilter:
    made = pb.MemoryFilter()
    made.MergeFromString(sdk_filters(sdk.Scope(user_id=SCOPE.user_id), filters).SerializeToString())
    return made


def unscoped(filters: dict[str, Any]) -> pb.MemoryFilter:
    made = where(filters)
    made.ClearField("scope")
    return made


async def queried(client: Client, filters: dict[str, Any]) -> pb.QueryResponse:
    spec = pb.QuerySpec(text="What did Ana book?", filter=where(filters), depth=9)
    answer: pb.QueryResponse = await client("Query", pb.QueryRequest(parent=PARENT, spec=spec))
    return answer


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"project": "trip"}, {"Rome", "Oslo"}),
        ({"project": {"ne": "trip"}}, {"Bern", "Cork"}),
        ({"project": {"contains": "trip"}}, {"Rome", "Oslo", "Bern"}),
        ({"tags": {"contains": "travel"}}, {"Rome"}),
        ({"cost": {"gt": 80, "lte": 120}}, {"Rome", "Oslo"}),
        ({"cost": {"lt": 100}}, {"Oslo"}),
        ({"due": {"gte": "2026-06-15"}}, {"Oslo"}),
        ({"place.city": {"in": ["Bern", "Basel"]}}, {"Bern"}),
        ({"project": {"exists": False}}, {"Cork"}),
        ({"AND": [{"project": "trip"}, {"cost": {"gte": 10}}, {"NOT": [{"done": True}]}]}, {"Rome"}),
        ({"OR": [{"done": True}, {"place.city": {"exists": True}}]}, {"Oslo", "Bern"}),
        ({"people": ["Ben"]}, {"Rome", "Bern"}),
        ({"people": ["BEN", "benjamin"], "project": "trip"}, {"Rome", "Oslo"}),
        ({"project": "none"}, set()),
    ],
)
async def test_queries_lists_and_deletions_agree(client: Client, filters: dict[str, Any], expected: set[str]) -> None:
    texts = {f"Ana booked {town}." for town in expected}
    answer = await queried(client, filters)
    assert {hit.memory.text for hit in answer.results} == texts
    assert not answer.degraded
    page = await client("ListMemories", pb.ListMemoriesRequest(parent=PARENT, filter=where(filters)))
    assert {found.text for found in page.memories} == texts
    request = pb.DeleteMemoriesRequest(parent=PARENT, scope=SCOPE_MESSAGE, filter=unscoped(filters))
    assert (await client("DeleteMemories", request)).deleted_count == len(texts)
    left = await client("ListMemories", pb.ListMemoriesRequest(parent=PARENT, filter=where({})))
    assert {found.text for found in left.memories} == NOTES.keys() - texts


async def test_more_than_the_index_can_be_told_is_the_newest_and_says_so(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefilter, "MAX_IDS", 2)
    answer = await queried(client, {"project": {"contains": "trip"}})
    assert [hit.memory.text for hit in sorted(answer.results, key=lambda hit: hit.memory.text)] == [
        "Ana booked Bern.",
        "Ana booked Oslo.",
    ]
    assert (answer.degraded, answer.degraded_reason) == (True, "FILTER_CUT")
    assert (await queried(client, {"tags": {"contains": "travel"}})).degraded_reason == ""


async def test_metadata_is_json_and_can_be_replaced(server: Running, client: Client) -> None:
    metadata = Struct()
    metadata.update({"n": 1, "half": 0.5, "deep": {"list": [None, True, {"a": "b"}]}, "ключ": "é"})
    await client("Ingest", ingest(turn("t2", metadata=metadata)))
    again = await client("Ingest", ingest(turn("t2", metadata=metadata)))
    assert again.duplicate_count == 1
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client("Ingest", ingest(turn("t2", metadata=Struct())))
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    turns = (await client("ListTurns", pb.ListTurnsRequest(parent=PARENT, scope=SCOPE_MESSAGE))).turns
    assert [each.metadata for each in turns if each.turn_id == "t2"] == [metadata]
    [found] = (await queried(client, {"place.city": "Bern"})).results
    changed = memory_pb2.Memory(name=found.memory.name, metadata=metadata)
    request = pb.UpdateMemoryRequest(memory=changed, update_mask=FieldMask(paths=["metadata"]))
    updated = await client("UpdateMemory", request)
    assert updated.memory.metadata == metadata
    assert server.indexer is not None
    async for _ in server.indexer.index(SPACE_A):
        pass
    [hit] = (await queried(client, {"deep.list": {"contains": True}, "half": {"lt": 1}})).results
    assert hit.memory.name == found.memory.name


@pytest.mark.parametrize(
    ("filter_", "field"),
    [
        (pb.MemoryFilter(scope=SCOPE_MESSAGE), "filter.scope"),
        (pb.MemoryFilter(whole_space=True), "filter.whole_space"),
        (pb.MemoryFilter(states=[memory_pb2.MEMORY_STATE_DELETED]), "filter.states"),
        (pb.MemoryFilter(metadata=pb.MetadataCondition()), "filter.metadata"),
    ],
)
async def test_a_deletion_with_a_wrong_filter_deletes_nothing(
    client: Client, filter_: pb.MemoryFilter, field: str
) -> None:
    request = pb.DeleteMemoriesRequest(parent=PARENT, scope=SCOPE_MESSAGE, filter=filter_)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client("DeleteMemories", request)
    assert [each.field for each in details_of(caught.value)["BadRequest"].field_violations] == [field]
    page = await client("ListMemories", pb.ListMemoriesRequest(parent=PARENT, filter=where({})))
    assert len(page.memories) == len(NOTES)


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ({"project": "trip"}, {"t3"}),
        ({"project": {"ne": "trip"}}, {"t2"}),
        ({"states": ["active"], "project": "trip"}, {"t3"}),
        ({"states": ["left_out"]}, {"t2", "t3"}),
        ({"people": ["Ana"]}, {"t2", "t3"}),
    ],
)
async def test_turns_not_compressed_yet_are_deleted_by_their_own_metadata(
    client: Client, filters: dict[str, Any], left: set[str]
) -> None:
    metadata = Struct()
    metadata.update({"project": "trip"})
    await client("Ingest", ingest(turn("t2", metadata=metadata), turn("t3")))
    request = pb.DeleteMemoriesRequest(parent=PARENT, scope=SCOPE_MESSAGE, filter=unscoped(filters))
    await client("DeleteMemories", request)
    pending = [memory_pb2.TURN_DISPOSITION_PENDING]
    listed = pb.ListTurnsRequest(parent=PARENT, scope=SCOPE_MESSAGE, dispositions=pending)
    assert {each.turn_id for each in (await client("ListTurns", listed)).turns} == left

"""U+0000, which PostgreSQL cannot store, is refused in every text of every request before anything is stored."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value

from memsvc.v1 import admin_service_pb2 as admin
from memsvc.v1 import memory_pb2
from memsvc.v1 import memory_service_pb2 as pb
from support.messages import PARENT, turn
from support.server import running

NUL = "a\x00b"
SCOPE = memory_pb2.Scope(user_id="u", agent_id="a", session_id="s")
TEST = pb.MetadataTest(path=["key"], operator=pb.METADATA_OPERATOR_EQ, value=Value(string_value="value"))
ANY_OF = pb.MetadataConditions(conditions=[pb.MetadataCondition(test=TEST)])
CONDITION = pb.MetadataCondition(any_of=ANY_OF)
FILTER = pb.MemoryFilter(scope=SCOPE, people=["Ana"], entities=["Lisbon"], metadata=CONDITION)
METADATA = Struct(fields={"key": Value(string_value="value")})
MEMORY = memory_pb2.Memory(
    name=f"{PARENT}/memories/{uuid.UUID(int=1)}",
    text="Ana moved.",
    symbolic=memory_pb2.SymbolicView(people=["Ana"], entities=["Lisbon"], place="Lisbon", topic="moving"),
    metadata=METADATA,
    etag="v1",
)
ID = str(uuid.UUID(int=2))
SETTINGS = memory_pb2.UserSettings(name=f"{PARENT}/users/ana/settings", time_zone="Europe/Lisbon")
SPACE = memory_pb2.Space(name="spaces/team", display_name="Team", etag="v1", time_zone="Europe/Lisbon")
SPEC = pb.QuerySpec(text="Where?", filter=FILTER, time_zone="Europe/Lisbon")
REQUESTS: list[tuple[str, Message]] = [
    (
        "Ingest",
        pb.IngestRequest(parent=PARENT, turns=[turn(metadata=METADATA)], request_id=ID, time_zone="+01:00"),
    ),
    ("Query", pb.QueryRequest(parent=PARENT, spec=SPEC, consistency_token="t", read_mask=FieldMask(paths=["text"]))),
    ("Explain", pb.ExplainRequest(parent=PARENT, spec=SPEC, consistency_token="t")),
    ("ListMemories", pb.ListMemoriesRequest(parent=PARENT, filter=FILTER, page_token="t")),
    ("GetMemory", pb.GetMemoryRequest(name=MEMORY.name)),
    (
        "UpdateMemory",
        pb.UpdateMemoryRequest(
            memory=MEMORY, update_mask=FieldMask(paths=["text", "symbolic", "metadata"]), request_id=ID
        ),
    ),
    ("DeleteMemory", pb.DeleteMemoryRequest(name=MEMORY.name, etag="v1")),
    (
        "DeleteMemories",
        pb.DeleteMemoriesRequest(
            parent=PARENT, scope=SCOPE, filter=pb.MemoryFilter(people=["Ana"], entities=["Lisbon"], metadata=CONDITION)
        ),
    ),
    ("GetHistory", pb.GetHistoryRequest(name=MEMORY.name, page_token="t")),
    ("ListTurns", pb.ListTurnsRequest(parent=PARENT, scope=SCOPE, page_token="t")),
    ("GetUserSettings", pb.GetUserSettingsRequest(name=SETTINGS.name)),
    (
        "UpdateUserSettings",
        pb.UpdateUserSettingsRequest(settings=SETTINGS, update_mask=FieldMask(paths=["time_zone"])),
    ),
    ("CreateSpace", admin.CreateSpaceRequest(space_id="team", space=SPACE, request_id=ID)),
    ("UpdateSpace", admin.UpdateSpaceRequest(space=SPACE, update_mask=FieldMask(paths=["display_name"]))),
    ("GetSpace", admin.GetSpaceRequest(name=PARENT)),
    ("DeleteSpace", admin.DeleteSpaceRequest(name=PARENT)),
    ("ListSpaces", admin.ListSpacesRequest(page_token="t")),
    ("CreateKey", admin.CreateKeyRequest(display_name="key", role=memory_pb2.ROLE_USER)),
    ("ListKeys", admin.ListKeysRequest(page_token="t")),
    ("RevokeKey", admin.RevokeKeyRequest(name="keys/key")),
    ("Reindex", admin.ReindexRequest(parent=PARENT)),
    ("GetStats", admin.GetStatsRequest(parent=PARENT)),
    ("ListOperations", admin.ListOperationsRequest(parent=PARENT, page_token="t")),
    ("GetOperation", admin.GetOperationRequest(name=f"{PARENT}/operations/{ID}")),
    ("WaitOperation", admin.WaitOperationRequest(name=f"{PARENT}/operations/{ID}")),
    ("CancelOperation", admin.CancelOperationRequest(name=f"{PARENT}/operations/{ID}")),
]
IGNORED = {
    "space.name": "CreateSpace names the space by its id",
    "space.etag": "a new space has none to match",
}
"""Texts of CreateSpace that the service never looks at."""


def spoiled(message: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Put U+0000 into one text of the message after another, in place; yield where, and take it out again."""
    for field, value in message.ListFields():
        name = f"{path}{field.name}"
        if field.message_type and field.message_type.GetOptions().map_entry:
            for key in list(value):
                yield from spoiled(value[key], f"{name}.")
                value[NUL].CopyFrom(value[key])
                yield name, message
                del value[NUL]
        elif field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            for part in value if field.is_repeated else [value]:
                yield from spoiled(part, f"{name}.")
        elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING and field.is_repeated:
            for position, text in enumerate(value):
                value[position] = NUL
                yield name, message
                value[position] = text
        elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            setattr(message, field.name, NUL)
            yield name, message
            setattr(message, field.name, value)


async def test_every_text_of_every_call(tmp_path: Path) -> None:
    async with running(tmp_path) as server, server.client() as client:
        for method, template in REQUESTS:
            request = type(template)()
            request.CopyFrom(template)
            places = 0
            for place, _ in spoiled(request):
                places += 1
                if method == "CreateSpace" and place in IGNORED:
                    continue
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await client(method, request)
                assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT, (method, place)
            assert places, method
            assert request == template


async def test_streams(tmp_path: Path) -> None:
    header = pb.StreamIngestRequest(header=pb.StreamIngestHeader(parent=PARENT, stream_id=ID))
    numbered = pb.StreamIngestRequest(turn=pb.StreamIngestTurn(sequence=1, turn=turn(metadata=METADATA)))
    watch = pb.WatchMemoriesRequest(parent=PARENT, scope=SCOPE, resume_token="t")
    async with running(tmp_path) as server, server.client() as client:
        for place, stub, sent in _each(client, header, numbered, watch):
            call = stub(iter(sent) if isinstance(sent, list) else sent, metadata=client.credential, timeout=10)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                async for _ in call:
                    pass
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT, place


def _each(client: Any, header: Any, numbered: Any, watch: Any) -> Iterator[tuple[str, Any, Any]]:
    """Every spoiled stream; the messages are as they should be again once the next one is asked for."""
    for place, _ in spoiled(header):
        yield place, client.memory.StreamIngest, [header]
    for place, _ in spoiled(numbered):
        yield place, client.memory.StreamIngest, [header, numbered]
    for place, _ in spoiled(watch):
        yield place, client.memory.WatchMemories, watch

"""Whose memories a request is about: an empty name is refused everywhere, a whole space is read by name only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from memsvc.v1 import admin_service_pb2 as admin
from memsvc.v1 import memory_pb2
from memsvc.v1 import memory_service_pb2 as pb
from support.messages import PARENT, SPACE_A, ingest, memory, turn
from support.server import Client, details_of, running

NAMES = ("user_id", "agent_id", "session_id")


def query(**where: Any) -> pb.QuerySpec:
    return pb.QuerySpec(text="Where does Ana live?", filter=pb.MemoryFilter(**where))


def reads(**whose: Any) -> list[tuple[str, Any, str]]:
    """Every read that takes a scope, asked for `whose`, and the field that its scope is in."""
    spec, where = query(**whose), pb.MemoryFilter(**whose)
    return [
        ("Query", pb.QueryRequest(parent=PARENT, spec=spec), "spec.filter.scope"),
        ("Explain", pb.ExplainRequest(parent=PARENT, spec=spec), "spec.filter.scope"),
        ("Ask", pb.AskRequest(parent=PARENT, spec=spec), "spec.filter.scope"),
        ("ListMemories", pb.ListMemoriesRequest(parent=PARENT, filter=where), "filter.scope"),
        ("ListTurns", pb.ListTurnsRequest(parent=PARENT, **whose), "scope"),
        ("WatchMemories", pb.WatchMemoriesRequest(parent=PARENT, **whose), "scope"),
    ]


def with_name(name: str, value: str) -> list[tuple[str, Any, str]]:
    """Every call that takes a scope, where one name of it is `value` beside others that are not."""
    scope = memory_pb2.Scope(**{other: "x" for other in NAMES if other != name})
    setattr(scope, name, value)
    message = turn()
    message.scope.CopyFrom(scope)
    return [
        *reads(scope=scope),
        ("Ingest", ingest(message), "turns[0].scope"),
        ("DeleteMemories", pb.DeleteMemoriesRequest(parent=PARENT, scope=scope), "scope"),
    ]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with running(tmp_path) as server, server.client("a-admin") as made:
        await made("Ingest", ingest())
        await server.remember(SPACE_A, memory())
        yield made


async def watched(client: Client, request: pb.WatchMemoriesRequest) -> Any:
    return await client.memory.WatchMemories(request, metadata=client.credential, timeout=10).read()


async def refused(client: Client, name: str, request: object) -> dict[str, str]:
    """The violations that a call is refused with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (watched(client, request) if name == "WatchMemories" else client(name, request))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    return {
        violation.field: violation.description for violation in details_of(caught.value)["BadRequest"].field_violations
    }


@pytest.mark.parametrize("name", NAMES)
async def test_an_empty_name_is_refused_in_every_call(client: Client, name: str) -> None:
    for method, request, field in with_name(name, ""):
        assert await refused(client, method, request) == {
            f"{field}.{name}": "is empty; leave it unset or give 1 to 256 characters"
        }, method


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_of_blanks_is_refused_in_every_call(client: Client, name: str) -> None:
    for method, request, field in with_name(name, " \u00a0"):
        said = "holds nothing but blanks; leave it unset or name somebody"
        assert await refused(client, method, request) == {f"{field}.{name}": said}, method


async def test_consolidation_refuses_an_empty_name_too(client: Client) -> None:
    request = admin.ConsolidateRequest(parent=PARENT, scope=memory_pb2.Scope(user_id=""))
    assert list(await refused(client, "Consolidate", request)) == ["scope.user_id"]


async def test_a_read_names_somebody_or_the_whole_space(client: Client) -> None:
    for method, request, field in reads():
        found = await refused(client, method, request)
        assert list(found) == [field], method
        assert "whole_space" in found[field]
    for method, request, field in reads(scope=memory_pb2.Scope(user_id="x"), whole_space=True):
        assert await refused(client, method, request) == {field: "is set beside whole_space; set one of the two"}


async def test_a_whole_space_is_read_by_name(client: Client) -> None:
    listed = await client(
        "ListMemories", pb.ListMemoriesRequest(parent=PARENT, filter=pb.MemoryFilter(whole_space=True))
    )
    [found] = listed.memories
    assert [(field.name, name) for field, name in found.scope.ListFields()] == [
        ("user_id", "user-1"),
        ("agent_id", "agent-1"),
        ("session_id", "session-1"),
    ]
    turns = await client("ListTurns", pb.ListTurnsRequest(parent=PARENT, whole_space=True))
    assert [told.turn_id for told in turns.turns] == ["t1"]
    children = await client("ListMemories", pb.ListMemoriesRequest(parent=PARENT, children_of=found.name))
    assert list(children.memories) == []
    own = pb.ListTurnsRequest(parent=PARENT, scope=memory_pb2.Scope(user_id="nobody"))
    assert list((await client("ListTurns", own)).turns) == []


async def test_names_that_a_scope_does_not_have_are_unset_in_answers(client: Client) -> None:
    message = turn("t2")
    message.scope.CopyFrom(memory_pb2.Scope(user_id="bo"))
    await client("Ingest", ingest(message))
    own = pb.ListTurnsRequest(parent=PARENT, scope=message.scope)
    [stored] = (await client("ListTurns", own)).turns
    assert [field.name for field, _ in stored.scope.ListFields()] == ["user_id"]

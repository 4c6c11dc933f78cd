"""Consolidation through the real server, with the real models: what callers see of it, ask of it and undo."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from memsvc.consolidation.consolidator import Consolidator
from memsvc.jobs.consolidation import ConsolidateHandler, MemoryConsolidation
from memsvc.models.analyzer import SpacyAnalyzer
from memsvc.models.embedder import SentenceTransformerEmbedder
from memsvc.models.tokens import Cl100kCounter
from memsvc.rpc.services import Preview
from memsvc.storage.consolidating import SqlConsolidationLog
from memsvc.storage.database import Database
from memsvc.storage.uses import UseCounter
from memsvc.types import JobKind, Memory, Scope, SpaceKey, Symbolic
from memsvc.v1 import admin_service_pb2 as admin
from memsvc.v1 import memory_pb2, operation_pb2
from memsvc.v1 import memory_service_pb2 as pb
from support.messages import EVERYBODY, PARENT, SCOPE, SPACE_A, ingest, memory, turn
from support.server import Client, Running, details_of, running

JANUARY = datetime(2024, 1, 10, tzinfo=UTC)
MARCH = datetime(2024, 3, 10, tzinfo=UTC)
PORTO, LISBON = "Ana lives in Porto.", "Ana moved to Lisbon."


class Late:
    """The consolidation of a server that is not there yet when the server is told of it."""

    real: MemoryConsolidation

    async def preview(self, space: SpaceKey, scope: Scope) -> Preview:
        return await self.real.preview(space, scope)


@dataclass
class World:
    """A server, a client, and a worker's part in it."""

    server: Running
    client: Client
    handler: ConsolidateHandler

    async def consolidated(self, **fields: Any) -> operation_pb2.Operation:
        """Start a consolidation, do its job, and return the operation."""
        started = await self.client("Consolidate", admin.ConsolidateRequest(parent=PARENT, **fields))
        jobs = self.server.services.jobs
        job = await jobs.claim("test", [JobKind.CONSOLIDATE], lease_seconds=60)
        assert job is not None
        await jobs.succeed(job, await self.handler(job, _ignore))
        name = started.operation.name
        done: operation_pb2.Operation = (
            await self.client("GetOperation", admin.GetOperationRequest(name=name))
        ).operation
        return done

    async def query(self, text: str = "Where does Ana live?", **fields: Any) -> list[str]:
        spec = pb.QuerySpec(text=text, max_tokens=200, filter=EVERYBODY, **fields)
        answer = await self.client("Query", pb.QueryRequest(parent=PARENT, spec=spec))
        return [result.memory.text for result in answer.results]

    async def listed(self, **fields: Any) -> dict[str, memory_pb2.Memory]:
        answer = await self.client("ListMemories", pb.ListMemoriesRequest(parent=PARENT, filter=EVERYBODY, **fields))
        return {found.text: found for found in answer.memories}


async def _ignore(_fraction: float) -> None:
    return None


@asynccontextmanager
async def world_at(path: Path, *memories: Memory) -> AsyncIterator[World]:
    late = Late()
    async with running(path, models=True, consolidation=late) as server, server.client() as client:
        assert server.indexer is not None
        database = Database(f"sqlite:///{path / 'memsvc.db'}")
        embedder = SentenceTransformerEmbedder(device="cpu")
        late.real = MemoryConsolidation(
            log=SqlConsolidationLog(database),
            index=server.services.index,
            embedder=embedder,
            consolidator=Consolidator(analyzer=SpacyAnalyzer(), tokens=Cl100kCounter()),
            topics=False,
        )
        try:
            await client("Ingest", ingest(*(turn(m.sources[0].turn_id) for m in memories)))
            await server.remember(SPACE_A, *memories)
            yield World(server, client, ConsolidateHandler(late.real, indexer=server.indexer))
        finally:
            await embedder.close()
            await database.close()


def said(text: str, when: datetime, turn_id: str) -> Memory:
    told = memory(text, turn_id, symbolic=Symbolic(people=("Ana",), speaker="Ana"))
    return replace(told, event_time=when)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    told = (
        said(PORTO, JANUARY, "t1"),
        said(PORTO, JANUARY + timedelta(days=9), "t2"),
        said("Bo plays the violin.", JANUARY, "t3"),
        said(LISBON, MARCH, "t4"),
    )
    async with world_at(tmp_path, *told) as made:
        yield made


async def test_repeats_merge_and_the_newer_statement_is_current(world: World) -> None:
    preview = await world.client("Consolidate", admin.ConsolidateRequest(parent=PARENT, validate_only=True))
    assert (preview.examined_count, preview.complete, preview.HasField("operation")) == (4, True, False)
    actions = [decision.action for decision in preview.decisions]
    assert actions == [admin.CONSOLIDATION_ACTION_MERGE, admin.CONSOLIDATION_ACTION_SUPERSEDE]
    merge, supersession = preview.decisions
    assert (merge.result.text, len(merge.memories), merge.result.name) == (PORTO, 2, supersession.memories[0])
    assert supersession.HasField("valid_to")
    assert all(decision.reason for decision in preview.decisions)
    assert len(await world.listed()) == 3  # the two that read alike share a key, and nothing was changed
    operation = await world.consolidated()
    assert operation.state == operation_pb2.OPERATION_STATE_SUCCEEDED
    summary = operation.summary
    assert (summary.examined_count, summary.merged_count, summary.superseded_count) == (4, 2, 1)
    assert PORTO not in await world.query()
    assert (await world.query())[0] == LISBON
    stats = await world.client("GetStats", admin.GetStatsRequest(parent=PARENT))
    assert (stats.memory_count, stats.unconsolidated_memory_count, stats.pending_job_count) == (2, 0, 1)


async def test_queries_look_back(world: World) -> None:
    await world.consolidated()
    february = datetime(2024, 2, 1, tzinfo=UTC)
    assert (await world.query(as_of=february))[0] == PORTO
    assert LISBON not in await world.query(as_of=february)
    assert await world.query(as_of=JANUARY - timedelta(days=1)) == []
    april = datetime(2024, 4, 1, tzinfo=UTC)
    assert (await world.query(as_of=april))[0] == LISBON
    assert PORTO not in await world.query(as_of=april)
    assert PORTO in await world.query(as_of=february, known_at=april)


async def test_callers_see_who_superseded_what_and_why(world: World) -> None:
    await world.consolidated()
    where = pb.MemoryFilter(states=[memory_pb2.MEMORY_STATE_SUPERSEDED], whole_space=True)
    superseded = await world.client("ListMemories", pb.ListMemoriesRequest(parent=PARENT, filter=where))
    current = (await world.listed())[LISBON]
    (merged,) = [found for found in superseded.memories if found.derived_from]
    assert merged.superseded_by == current.name
    assert merged.supersede_time.ToDatetime(tzinfo=UTC) == MARCH
    history = await world.client("GetHistory", pb.GetHistoryRequest(name=merged.name))
    last = history.changes[-1]
    assert (last.kind, last.actor) == (memory_pb2.MEMORY_CHANGE_KIND_SUPERSEDED, "consolidation")
    assert last.reason
    children = await world.client(
        "ListMemories", pb.ListMemoriesRequest(parent=PARENT, children_of=merged.name, page_size=1)
    )
    assert children.memories[0].name in merged.derived_from
    rest = await world.client(
        "ListMemories",
        pb.ListMemoriesRequest(
            parent=PARENT, children_of=merged.name, page_size=1, page_token=children.next_page_token
        ),
    )
    assert {m.name for m in (*children.memories, *rest.memories)} == set(merged.derived_from)
    assert not rest.next_page_token
    explained = await world.client(
        "Explain", pb.ExplainRequest(parent=PARENT, spec=pb.QuerySpec(text="Where does Ana live?", filter=EVERYBODY))
    )
    assert PORTO not in {hit.text for hit in explained.hits}


async def test_what_is_deleted_stays_away(world: World) -> None:
    await world.consolidated()
    current = (await world.listed())[LISBON]
    await world.client("DeleteMemory", pb.DeleteMemoryRequest(name=current.name))
    (again,) = [m for m in (await world.listed()).values() if m.text == PORTO]
    await world.client("DeleteMemory", pb.DeleteMemoryRequest(name=again.name))
    await world.client("Ingest", ingest(turn("t1"), turn("t2")))
    await world.consolidated()
    assert set(await world.listed()) == {"Bo plays the violin."}
    for as_of in (JANUARY + timedelta(days=20), MARCH + timedelta(days=1)):
        assert {PORTO, LISBON}.isdisjoint(await world.query(as_of=as_of))


async def test_a_consolidation_can_be_bounded_and_repeated(world: World) -> None:
    request = admin.ConsolidateRequest(parent=PARENT, request_id=str(uuid.uuid4()), scope={"user_id": "nobody"})
    first = await world.client("Consolidate", request)
    assert (await world.client("Consolidate", request)).operation.name == first.operation.name
    assert first.operation.kind == operation_pb2.OPERATION_KIND_CONSOLIDATE
    job = await world.server.services.jobs.claim("test", [JobKind.CONSOLIDATE], lease_seconds=60)
    assert job is not None
    assert (await world.handler(job, _ignore)).examined_count == 0


async def test_pins_and_uses(world: World) -> None:
    stored = (await world.listed())["Bo plays the violin."]
    change = pb.UpdateMemoryRequest(
        memory=memory_pb2.Memory(name=stored.name, pinned=True), update_mask=FieldMask(paths=["pinned"])
    )
    assert (await world.client("UpdateMemory", change)).memory.pinned
    await world.query("Who plays the violin?")
    uses = world.server.services.uses
    assert isinstance(uses, UseCounter)
    await uses.flush()
    found = (await world.client("GetMemory", pb.GetMemoryRequest(name=stored.name))).memory
    assert (found.pinned, found.use_count, found.HasField("last_use_time")) == (True, 1, True)


@pytest.mark.parametrize(
    ("name", "request_", "field"),
    [
        (
            "Consolidate",
            admin.ConsolidateRequest(parent=PARENT, scope={"user_id": "u", "session_id": "s"}),
            "scope.session_id",
        ),
        ("Consolidate", admin.ConsolidateRequest(parent=PARENT, request_id="x"), "request_id"),
        (
            "Query",
            pb.QueryRequest(
                parent=PARENT, spec={"text": "x", "known_at": {"seconds": 9}, "filter": {"whole_space": True}}
            ),
            "spec.known_at",
        ),
        (
            "Query",
            pb.QueryRequest(
                parent=PARENT,
                spec={
                    "text": "x",
                    "as_of": {"seconds": 9},
                    "filter": {"states": [memory_pb2.MEMORY_STATE_SUPERSEDED], "whole_space": True},
                },
            ),
            "spec.filter.states",
        ),
        (
            "Query",
            pb.QueryRequest(
                parent=PARENT,
                spec={"text": "x", "filter": {"states": [memory_pb2.MEMORY_STATE_RETIRED], "whole_space": True}},
            ),
            "spec.filter.states",
        ),
        (
            "Query",
            pb.QueryRequest(parent=PARENT, spec={"text": "x", "as_of": {"nanos": -1}, "filter": {"whole_space": True}}),
            "spec.as_of.nanos",
        ),
        (
            "ListMemories",
            pb.ListMemoriesRequest(parent=PARENT, children_of=f"spaces/other/memories/{uuid.UUID(int=1)}"),
            "children_of",
        ),
    ],
)
async def test_wrong_requests_are_told_what_is_wrong(tmp_path: Path, name: str, request_: Any, field: str) -> None:
    async with running(tmp_path) as server, server.client() as client:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client(name, request_)
    violations = details_of(caught.value)["BadRequest"].field_violations
    assert [violation.field for violation in violations] == [field]


async def test_a_preview_stays_in_its_tenant(world: World) -> None:
    assert SCOPE.user_id
    async with world.server.client("b-admin") as other:
        preview = await other("Consolidate", admin.ConsolidateRequest(parent=PARENT, validate_only=True))
    assert (preview.examined_count, list(preview.decisions)) == (0, [])

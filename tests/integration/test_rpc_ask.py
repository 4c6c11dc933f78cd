"""Ask over gRPC: with a language model that answers, one that is down, and none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import grpc
import pytest

from memsvc.models.llm import LitellmModel
from memsvc.models.metered import LedgerModel
from memsvc.retrieval.ask import Asker
from memsvc.storage.database import Database
from memsvc.storage.usage import SqlUsageLedger
from memsvc.types import QuerySpec, Scope, SpaceKey, Symbolic, TurnRef
from memsvc.v1 import admin_service_pb2 as admin
from memsvc.v1 import memory_pb2
from memsvc.v1 import memory_service_pb2 as pb
from support.chat_server import Body, ChatServer, Reply, chat_server, overloaded, refuse
from support.retrieval import make_memory
from support.server import Client, Running, details_of, reason_of, running

PARENT = "spaces/default"
ID = "00000000-0000-5000-8000-000000000001"


@pytest.fixture
async def model() -> AsyncIterator[ChatServer]:
    async with chat_server() as server:
        yield server


@pytest.fixture
async def server(tmp_path: Path, model: ChatServer) -> AsyncIterator[Running]:
    database = Database(f"sqlite:///{tmp_path / 'memsvc.db'}")

    class Later:
        """The retriever of the server, which does not exist yet."""

        async def retrieve(self, space: SpaceKey, spec: QuerySpec) -> object:
            return await started.services.retriever.retrieve(space, spec)

    asked = LitellmModel("openai/gpt-4o-mini", api_base=model.url, timeout=30, attempts=1)
    asker = Asker(Later(), LedgerModel(asked, SqlUsageLedger(database)))  # type: ignore[arg-type]
    async with running(tmp_path, models=True, asker=asker) as started:
        yield started
    await database.close()


@pytest.fixture
async def client(server: Running) -> AsyncIterator[Client]:
    scope = Scope(user_id="ana")
    async with server.client() as client:
        turn = memory_pb2.Turn(
            turn_id="t1", scope=memory_pb2.Scope(user_id="ana"), role=memory_pb2.ROLE_USER, content="I moved to Lisbon."
        )
        await client("Ingest", pb.IngestRequest(parent=PARENT, turns=[turn]))
        memory = make_memory(
            "Ana moved to Lisbon.",
            id=ID,
            scope=scope,
            sources=(TurnRef(scope, "t1"),),
            symbolic=Symbolic(people=("Ana",)),
        )
        await server.remember(SpaceKey("a", "default"), memory)
        yield client


def ask(text: str = "Where did Ana move?", parent: str = PARENT) -> pb.AskRequest:
    return pb.AskRequest(parent=parent, spec=pb.QuerySpec(text=text, filter=pb.MemoryFilter(whole_space=True)))


async def failed(client: Client, request: pb.AskRequest) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client("Ask", request)
    return caught.value


def answering(text: str, *citations: int, abstain: bool = False) -> Callable[[Body], Reply]:
    return lambda body: Reply({"answer": text, "citations": list(citations), "abstain": abstain})


async def test_an_answer_names_its_memories_and_is_billed_to_its_space(
    server: Running, client: Client, model: ChatServer
) -> None:
    model.answer = answering("To Lisbon.", 1, 9)
    async with server.client("b-admin") as other:
        answer = await other("Ask", ask())
        assert (answer.abstain_reason, len(answer.retrieval.results)) == ("NOTHING_RETRIEVED", 0)
        assert reason_of(await failed(other, ask(parent="spaces/none"))) == "SPACE_NOT_FOUND"
        assert model.requests == []
        answer = await client("Ask", ask())
        assert (answer.answer, answer.abstained, answer.abstain_reason) == ("To Lisbon.", False, "")
        assert list(answer.citations) == [f"{PARENT}/memories/{ID}"]
        assert answer.retrieval.results[0].memory.text == "Ana moved to Lisbon."
        stats = await client("GetStats", admin.GetStatsRequest(parent=PARENT))
        assert (stats.llm_call_count, stats.llm_prompt_token_count, stats.llm_completion_token_count) == (1, 100, 20)
        assert stats.llm_cost_usd == pytest.approx(27e-6)
        assert stats.llm_unpriced_call_count == stats.llm_redo_turn_count == 0
        assert (await other("GetStats", admin.GetStatsRequest(parent=PARENT))).llm_call_count == 0


async def test_abstentions_say_why_and_failures_are_errors(client: Client, model: ChatServer) -> None:
    model.answer = answering("Mars.", 4)
    answer = await client("Ask", ask())
    assert (answer.answer, answer.abstained, answer.abstain_reason) == ("", True, "NO_VALID_CITATION")

    model.answer = answering("", abstain=True)
    request = ask()
    request.spec.ask_time.FromDatetime(datetime(2024, 2, 3, tzinfo=UTC))
    assert (await client("Ask", request)).abstain_reason == "MODEL_ABSTAINED"
    assert "3 February 2024" in model.user_texts()[-1]

    model.answer = lambda body: refuse()
    error = await failed(client, ask())
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.FAILED_PRECONDITION, "LLM_REFUSED")

    model.answer = lambda body: overloaded("77")
    error = await failed(client, ask())
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAVAILABLE, "LLM_RATE_LIMITED")
    assert details_of(error)["RetryInfo"].retry_delay.seconds == 77
    model.answer = lambda body: Reply(status=500)
    assert reason_of(await failed(client, ask())) == "LLM_UNAVAILABLE"

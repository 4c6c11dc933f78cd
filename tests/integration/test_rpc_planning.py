"""Planning over gRPC: asked for, by setting, failing, and without a language model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from memsvc.models.llm import LitellmModel
from memsvc.types import Scope, SpaceKey, Symbolic, TurnRef
from memsvc.v1 import admin_service_pb2 as admin
from memsvc.v1 import memory_pb2
from memsvc.v1 import memory_service_pb2 as pb
from support.chat_server import Body, ChatServer, Reply, chat_server, cut_short, garbage, hang, overloaded, refuse
from support.retrieval import make_memory
from support.server import Client, details_of, reason_of, running

PARENT = "spaces/default"
QUESTION = "Which pets do Ana and Ben have?"
SUB_QUERIES = ["Ana's cat", "Ben's dog"]
TEXTS = ("Ana adopted a grey cat.", "Ben walks his dog in the park.", "Cleo talked about pets.")


def plan(*sub_queries: str) -> dict[str, Any]:
    none = {"words": "", "start": "", "end": ""}
    return {"sub_queries": list(sub_queries), "names": ["Zoe"], "time": none, "multiple": True}


def answer(body: Body) -> Reply:
    """A plan for what is to be planned, an answer for what is asked."""
    if "sub_queries" in body["response_format"]["json_schema"]["schema"]["properties"]:
        return Reply(plan(*SUB_QUERIES))
    return Reply({"answer": "A cat and a dog.", "citations": [1, 2], "abstain": False})


@pytest.fixture
async def model() -> AsyncIterator[ChatServer]:
    async with chat_server(answer) as server:
        yield server


@asynccontextmanager
async def serving(path: Path, model: ChatServer | None, *, plans_unasked: bool = False) -> AsyncIterator[Client]:
    """A client of a service that remembers who has which pet."""
    asked = LitellmModel("openai/gpt-4o-mini", api_base=model.url, timeout=30, attempts=1) if model else None
    scope = Scope(user_id="ana")
    async with (
        running(path, models=True, model=asked, plans_unasked=plans_unasked) as started,
        started.client() as client,
    ):
        turn = memory_pb2.Turn(
            turn_id="t1", scope=memory_pb2.Scope(user_id="ana"), role=memory_pb2.ROLE_USER, content="I've a cat."
        )
        await client("Ingest", pb.IngestRequest(parent=PARENT, turns=[turn]))
        memories = [
            make_memory(
                text, scope=scope, sources=(TurnRef(scope, "t1"),), symbolic=Symbolic(people=(text.split()[0],))
            )
            for text in TEXTS
        ]
        await started.remember(SpaceKey("a", "default"), *memories)
        yield client


def spec(planning: pb.QueryPlanning.ValueType = pb.QUERY_PLANNING_LLM) -> pb.QuerySpec:
    return pb.QuerySpec(text=QUESTION, planning=planning, filter=pb.MemoryFilter(whole_space=True))


def explain(planning: pb.QueryPlanning.ValueType = pb.QUERY_PLANNING_LLM) -> pb.ExplainRequest:
    return pb.ExplainRequest(parent=PARENT, spec=spec(planning))


async def test_a_plan_is_told_and_billed_and_ask_uses_it(tmp_path: Path, model: ChatServer) -> None:
    async with serving(tmp_path, model) as client:
        alone = await client("Explain", explain(pb.QUERY_PLANNING_UNSPECIFIED))
        assert (alone.response.HasField("planning"), model.requests) == (False, [])

        told = await client("Explain", explain())
        report = told.response.planning
        assert list(report.sub_queries) == SUB_QUERIES
        assert [(drop.text, drop.reason) for drop in report.dropped] == [("Zoe", "UNSUPPORTED_NAME")]
        assert (report.multiple, report.prompt_token_count, report.completion_token_count) == (True, 100, 20)
        assert not report.HasField("error")
        assert {view.sub_query for view in told.response.views} == {0, 1, 2}
        by_text = {hit.text: hit.sub_query for hit in told.hits}
        assert (by_text[TEXTS[0]], by_text[TEXTS[1]]) == (1, 2)
        assert "llm_multiple" in {feature.name for feature in told.features}
        stats = await client("GetStats", admin.GetStatsRequest(parent=PARENT))
        assert (stats.llm_call_count, stats.llm_prompt_token_count) == (1, 100)

        answered = await client("Ask", pb.AskRequest(parent=PARENT, spec=spec()))
        assert answered.answer == "A cat and a dog."
        assert list(answered.retrieval.planning.sub_queries) == SUB_QUERIES
        stats = await client("GetStats", admin.GetStatsRequest(parent=PARENT))
        assert stats.llm_call_count == 3


async def test_the_setting_decides_where_the_query_does_not(tmp_path: Path, model: ChatServer) -> None:
    async with serving(tmp_path, model, plans_unasked=True) as client:
        planned = await client("Query", pb.QueryRequest(parent=PARENT, spec=spec(pb.QUERY_PLANNING_UNSPECIFIED)))
        assert list(planned.planning.sub_queries) == SUB_QUERIES
        refused = await client("Query", pb.QueryRequest(parent=PARENT, spec=spec(pb.QUERY_PLANNING_OFF)))
        assert (refused.HasField("planning"), len(model.requests)) == (False, 1)


async def test_a_model_that_fails_is_reported_and_the_rules_answer(tmp_path: Path, model: ChatServer) -> None:
    async with serving(tmp_path, model) as client:
        alone = await client("Query", pb.QueryRequest(parent=PARENT, spec=spec(pb.QUERY_PLANNING_OFF)))
        for bad, reason in (
            (garbage(), "LLM_MALFORMED"),
            (cut_short('{"sub_queries": ["Ana'), "LLM_TRUNCATED"),
            (refuse(), "LLM_REFUSED"),
            (overloaded("1000"), "LLM_RATE_LIMITED"),
            (Reply(status=500), "LLM_UNAVAILABLE"),
        ):
            model.script = [bad]
            response = await client("Query", pb.QueryRequest(parent=PARENT, spec=spec()))
            assert response.planning.error.reason == reason
            assert (response.context, response.max_tokens) == (alone.context, alone.max_tokens)


async def test_a_hanging_model_gets_a_share_of_the_deadline(tmp_path: Path, model: ChatServer) -> None:
    async with serving(tmp_path, model) as client:
        await client("Query", pb.QueryRequest(parent=PARENT, spec=spec(pb.QUERY_PLANNING_OFF)))
        model.script = [hang(300)]
        response = await client("Query", pb.QueryRequest(parent=PARENT, spec=spec()), timeout=9.0)
        assert response.planning.error.reason == "DEADLINE_EXCEEDED"
        assert "within 3.0 seconds" in response.planning.error.message or "within 2." in response.planning.error.message
        assert response.context


async def test_without_a_language_model_planning_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path, None) as client:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client("Query", pb.QueryRequest(parent=PARENT, spec=spec()))
        assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
        assert reason_of(caught.value) == "LLM_NOT_CONFIGURED"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client("Query", pb.QueryRequest(parent=PARENT, spec=spec(9)))  # type: ignore[arg-type]  # unknown
        [violation] = details_of(caught.value)["BadRequest"].field_violations
        assert violation.field == "spec.planning"

"""The client of a language model, over HTTP, against a server that follows a script."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from memsvc.breaker import CircuitBreaker
from memsvc.errors import (
    ModelMalformed,
    ModelRateLimited,
    ModelRefused,
    ModelTruncated,
    ModelUnavailable,
    ModelUnusable,
    Reason,
)
from memsvc.models.llm import LitellmModel
from memsvc.models.retry_after import LONGEST, retry_after
from memsvc.types import ChatMessage
from support.chat_server import ChatServer, Reply, chat_server, cut_short, garbage, hang, overloaded, refuse

KEY = "sk-very-secret"
GOOD = {"city": "Porto"}
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
MESSAGES = (ChatMessage("system", "Answer."), ChatMessage("user", "Where?"))


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with chat_server(lambda body: Reply(GOOD)) as server:
        yield server


def model(server: ChatServer, name: str = "openai/local", **options: Any) -> LitellmModel:
    return LitellmModel(name, **{"api_base": server.url, "api_key": KEY, "max_backoff": 0.01} | options)


async def ask(asked: LitellmModel) -> Any:
    return await asked.complete(MESSAGES, SCHEMA, max_tokens=50)


async def failure(asked: LitellmModel) -> Any:
    with pytest.raises((ModelUnavailable, ModelUnusable)) as caught:
        await ask(asked)
    told = f"{caught.value.message} {caught.value.metadata} {caught.value.__cause__} {caught.value.__context__}"
    assert KEY not in told
    assert "Where?" not in told
    return caught.value


async def test_answers_with_the_value_and_what_it_cost(server: ChatServer) -> None:
    completion = await ask(model(server))
    assert completion.value == GOOD
    usage = completion.usage
    assert (usage.call_count, usage.prompt_token_count, usage.completion_token_count) == (1, 100, 20)
    assert (usage.cost_usd, usage.unpriced_call_count) == (0.0, 1)
    [body] = server.requests
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("local", 50, 0.0)
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"


async def test_a_model_with_a_known_price_is_priced(server: ChatServer) -> None:
    usage = (await ask(model(server, "openai/gpt-4o-mini"))).usage
    assert usage.cost_usd == pytest.approx(100 * 0.15e-6 + 20 * 0.6e-6)
    assert usage.unpriced_call_count == 0


async def test_a_fenced_answer_is_read(server: ChatServer) -> None:
    server.script = [Reply(f"```json\n{json.dumps(GOOD)}\n```")]
    assert (await ask(model(server))).value == GOOD


@pytest.mark.parametrize(
    ("refused", "worked"),
    [((), "json_schema"), (("json_schema",), "json_object"), (("json_schema", "json_object"), "none")],
)
async def test_the_form_of_the_schema_that_worked_is_kept(
    server: ChatServer, refused: tuple[str, ...], worked: str
) -> None:
    server.refused_formats = frozenset(refused)
    asked = model(server)
    for _ in range(2):
        assert (await ask(asked)).value == GOOD
    kinds = [body.get("response_format", {}).get("type", "none") for body in server.requests]
    assert kinds == [*refused, worked, worked]
    last = server.requests[-1]
    if worked == "json_object":
        assert last["response_format"]["schema"] == SCHEMA
    assert (json.dumps(SCHEMA) in last["messages"][0]["content"]) is (worked == "none")


async def test_a_server_error_about_the_format_counts_as_not_understood(server: ChatServer) -> None:
    server.script = [Reply(status=500, message="{'loc': ('body', 'response_format', 'type')}")]
    assert (await ask(model(server))).value == GOOD
    assert [body["response_format"]["type"] for body in server.requests] == ["json_schema", "json_object"]


@pytest.mark.parametrize("mode", ["json_schema", "json_object", "none"])
async def test_a_form_that_was_set_is_the_only_one(server: ChatServer, mode: str) -> None:
    await ask(model(server, schema_mode=mode))
    server.refused_formats = frozenset({mode})
    error = await failure(model(server, schema_mode=mode)) if mode != "none" else None
    assert {body.get("response_format", {}).get("type", "none") for body in server.requests} == {mode}
    assert error is None or error.metadata == {"cause": "BadRequestError"}


@pytest.mark.parametrize("bad", [Reply(status=429), Reply(status=500), Reply(status=503), Reply(GOOD, cut=30)])
async def test_a_passing_failure_is_tried_again(server: ChatServer, bad: Reply) -> None:
    server.script = [bad, bad]
    assert (await ask(model(server))).value == GOOD
    assert len(server.requests) == 3


async def test_retry_after_is_respected(server: ChatServer) -> None:
    server.script = [overloaded("0.4")]
    before = time.monotonic()
    assert (await ask(model(server))).value == GOOD
    assert time.monotonic() - before >= 0.4


async def test_a_long_retry_after_is_told_instead_of_waited_for(server: ChatServer) -> None:
    server.script = [overloaded("600")]
    error = await failure(model(server, retry_seconds=5))
    assert (type(error), error.reason, error.retry_after) == (ModelRateLimited, Reason.LLM_RATE_LIMITED, 600)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("bad", "kind", "reason", "requests"),
    [
        (overloaded(), ModelRateLimited, Reason.LLM_RATE_LIMITED, 3),
        (Reply(status=500), ModelUnavailable, Reason.LLM_UNAVAILABLE, 3),
        (Reply(status=401), ModelUnavailable, Reason.LLM_UNAVAILABLE, 1),
        (Reply(status=404), ModelUnavailable, Reason.LLM_UNAVAILABLE, 1),
        (
            Reply(status=400, message="This model's maximum context length is 9 tokens"),
            ModelTruncated,
            Reason.LLM_TRUNCATED,
            1,
        ),
        (
            Reply(status=400, message="invalid_request_error content_policy_violation"),
            ModelRefused,
            Reason.LLM_REFUSED,
            1,
        ),
        (refuse(), ModelRefused, Reason.LLM_REFUSED, 1),
        (Reply("", finish="content_filter"), ModelRefused, Reason.LLM_REFUSED, 1),
        (cut_short(json.dumps(GOOD)), ModelTruncated, Reason.LLM_TRUNCATED, 1),
        (garbage(), ModelMalformed, Reason.LLM_MALFORMED, 1),
        (Reply(""), ModelMalformed, Reason.LLM_MALFORMED, 1),
        (Reply("[" * 100_000), ModelMalformed, Reason.LLM_MALFORMED, 1),
        (Reply({"city": 7}), ModelMalformed, Reason.LLM_MALFORMED, 1),
        (Reply({"town": "Porto"}), ModelMalformed, Reason.LLM_MALFORMED, 1),
        (Reply([GOOD]), ModelMalformed, Reason.LLM_MALFORMED, 1),
    ],
)
async def test_every_failure_is_told_apart(
    server: ChatServer, bad: Reply, kind: type, reason: Reason, requests: int
) -> None:
    server.script = [bad] * 10
    error = await failure(model(server))
    assert (type(error), error.reason) == (kind, reason)
    assert len(server.requests) == requests
    if bad.status == 200:
        assert error.usage.token_count == 120


async def test_a_hanging_endpoint_is_unavailable_in_bounded_time(server: ChatServer) -> None:
    server.script = [hang(), hang()]
    before = time.monotonic()
    assert (await failure(model(server, timeout=0.2, attempts=2))).reason is Reason.LLM_UNAVAILABLE
    assert time.monotonic() - before < 5


async def test_an_endpoint_out_of_reach_is_unavailable(server: ChatServer) -> None:
    assert (await failure(model(server, api_base="http://127.0.0.1:9", attempts=2))).reason is Reason.LLM_UNAVAILABLE


async def test_the_circuit_opens_and_closes_again(server: ChatServer) -> None:
    asked = model(server, attempts=1, breaker=CircuitBreaker(threshold=2, seconds=0.3))
    server.script = [Reply(status=500), Reply(status=500)]
    for _ in range(2):
        await failure(asked)
    error = await failure(asked)
    assert (error.metadata["cause"], len(server.requests)) == ("CircuitOpen", 2)
    assert error.retry_after > 0
    await asyncio.sleep(0.35)
    assert (await ask(asked)).value == GOOD


async def test_unusable_answers_do_not_open_the_circuit(server: ChatServer) -> None:
    asked = model(server, breaker=CircuitBreaker(threshold=2, seconds=60))
    server.script = [garbage()] * 5
    for _ in range(5):
        assert isinstance(await failure(asked), ModelMalformed)
    assert (await ask(asked)).value == GOOD


async def test_calls_at_once_are_bounded(server: ChatServer) -> None:
    server.answer = lambda body: Reply(GOOD, delay=0.05)
    asked = model(server, concurrency=2)
    await asyncio.gather(*(ask(asked) for _ in range(6)))
    assert server.most_running == 2


async def test_a_cancelled_call_frees_its_place(server: ChatServer) -> None:
    server.script = [hang()]
    asked = model(server, concurrency=1)
    waiting = asyncio.create_task(ask(asked))
    await asyncio.sleep(0.2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await ask(asked)).value == GOOD


class Told(Exception):
    def __init__(self, value: str) -> None:
        self.litellm_response_headers = {"retry-after": value}


def test_retry_after_is_read_as_seconds_or_date() -> None:
    assert retry_after(Told("7")) == 7
    assert retry_after(Told("7.5")) == 7.5
    assert retry_after(Told("99999999")) == LONGEST
    soon = retry_after(Told(format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)))
    assert soon is not None
    assert 85 < soon <= 90
    assert retry_after(Told(format_datetime(datetime.now(UTC) - timedelta(days=1)))) == 0
    for useless in ("", "soon", "-5", "²", "1e9"):
        assert retry_after(Told(useless)) in (None, 0.0)
    assert retry_after(ValueError()) is None
    assert retry_after(None) is None

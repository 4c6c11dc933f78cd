import asyncio

import pytest
from grpc import StatusCode, aio
from httpx import ConnectError, Headers
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from memsvc.breaker import CircuitBreaker
from memsvc.errors import Reason, Unavailable
from memsvc.vectors.calls import FOR_QUERIES, FOR_WRITES, GuardedCalls


def rpc_error(code: StatusCode) -> aio.AioRpcError:
    return aio.AioRpcError(code, aio.Metadata(), aio.Metadata(), details="details")


def response(status: int) -> UnexpectedResponse:
    return UnexpectedResponse(status, "reason", b"", Headers())


DOWN = rpc_error(StatusCode.UNAVAILABLE)


class Request:
    """A request that fails a number of times before it answers."""

    def __init__(self, error: Exception, failures: int) -> None:
        self.error = error
        self.failures = failures
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return "answer"


class Time:
    """Time that passes only while somebody sleeps, and the sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def calls(time: Time) -> GuardedCalls:
    return GuardedCalls(breaker=CircuitBreaker(threshold=5, seconds=60, clock=lambda: time.now), sleep=time.sleep)


@pytest.mark.parametrize(
    "error",
    [
        rpc_error(StatusCode.UNAVAILABLE),
        rpc_error(StatusCode.DEADLINE_EXCEEDED),
        rpc_error(StatusCode.RESOURCE_EXHAUSTED),
        response(503),
        response(429),
        ResponseHandlingException(ConnectError("refused")),
        ResourceExhaustedResponse("busy", 7),
    ],
)
async def test_passing_failures_are_tried_again(calls: GuardedCalls, error: Exception) -> None:
    request = Request(error, failures=4)
    assert await calls(request) == "answer"
    assert request.calls == 5


@pytest.mark.parametrize("error", [rpc_error(StatusCode.INVALID_ARGUMENT), response(400)])
async def test_other_failures_are_not_tried_again(calls: GuardedCalls, error: Exception) -> None:
    request = Request(error, failures=99)
    with pytest.raises(Unavailable, match="Qdrant server failed"):
        await calls(request)
    assert request.calls == 1


async def test_the_servers_pause_is_kept(calls: GuardedCalls, time: Time) -> None:
    assert await calls(Request(ResourceExhaustedResponse("busy", 7), failures=2)) == "answer"
    assert [round(seconds) for seconds in time.sleeps] == [7, 7]


async def test_a_pause_beyond_patience_is_passed_on(calls: GuardedCalls, time: Time) -> None:
    request = Request(ResourceExhaustedResponse("busy", 31), failures=99)
    with pytest.raises(Unavailable) as busy:
        await calls(request)
    assert (request.calls, time.sleeps, busy.value.retry_after) == (1, [], 31)


async def test_queries_do_not_wait_for_a_busy_server(calls: GuardedCalls, time: Time) -> None:
    with pytest.raises(Unavailable) as busy:
        await calls(Request(ResourceExhaustedResponse("busy", 7), failures=99), FOR_QUERIES)
    assert (time.sleeps, busy.value.retry_after) == ([], 7)


async def test_a_server_that_is_down_is_left_alone(calls: GuardedCalls, time: Time) -> None:
    request = Request(DOWN, failures=5)
    with pytest.raises(Unavailable):
        await calls(request, FOR_WRITES)
    assert request.calls == 5
    with pytest.raises(Unavailable, match="left alone") as refused:
        await calls(request)
    assert request.calls == 5
    assert refused.value.reason is Reason.INDEX_UNAVAILABLE
    time.now += refused.value.retry_after
    assert await calls(request) == await calls(request) == "answer"


async def test_one_call_finds_out_whether_the_server_is_back(calls: GuardedCalls, time: Time) -> None:
    with pytest.raises(Unavailable):
        await calls(Request(DOWN, failures=99))
    time.now += 60
    answer = asyncio.Event()

    async def slow() -> str:
        await answer.wait()
        return "answer"

    trial = asyncio.create_task(calls(slow))
    await asyncio.sleep(0)
    second = Request(DOWN, failures=0)
    with pytest.raises(Unavailable, match="left alone"):
        await calls(second)
    answer.set()
    assert await trial == "answer"
    assert second.calls == 0
    assert await calls(second) == "answer"


@pytest.mark.parametrize("error", [ResourceExhaustedResponse("busy", 1), rpc_error(StatusCode.NOT_FOUND)])
async def test_a_server_that_answers_is_not_down(calls: GuardedCalls, error: Exception) -> None:
    for _ in range(5):
        with pytest.raises(Unavailable):
            await calls(Request(error, failures=99))
    assert await calls(Request(error, failures=0)) == "answer"

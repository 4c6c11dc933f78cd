import pytest
from grpc import StatusCode, aio
from httpx import ConnectError, Headers
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from memsvc.errors import Unavailable
from memsvc.vectors.server import ServerIndex, connect


def rpc_error(code: StatusCode) -> aio.AioRpcError:
    return aio.AioRpcError(code, aio.Metadata(), aio.Metadata(), details="details")


def response(status: int) -> UnexpectedResponse:
    return UnexpectedResponse(status, "reason", b"", Headers())


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


@pytest.fixture
async def index():
    index = ServerIndex(connect("http://127.0.0.1:1"), "test", 8)
    yield index
    await index.close()


@pytest.mark.parametrize(
    "error",
    [
        rpc_error(StatusCode.UNAVAILABLE),
        rpc_error(StatusCode.DEADLINE_EXCEEDED),
        response(503),
        response(429),
        ResponseHandlingException(ConnectError("refused")),
        ResourceExhaustedResponse("busy", 7),
    ],
)
async def test_transient_failures_are_tried_again(index: ServerIndex, error: Exception) -> None:
    request = Request(error, failures=2)
    assert await index._call(request) == "answer"
    assert request.calls == 3


async def test_tries_are_bounded(index: ServerIndex) -> None:
    request = Request(ResourceExhaustedResponse("busy", 7), failures=99)
    with pytest.raises(Unavailable) as failed:
        await index._call(request)
    assert request.calls == 3
    assert failed.value.retry_after == 7


@pytest.mark.parametrize("error", [rpc_error(StatusCode.INVALID_ARGUMENT), response(400)])
async def test_other_failures_are_not_tried_again(index: ServerIndex, error: Exception) -> None:
    request = Request(error, failures=99)
    with pytest.raises(Unavailable, match="Qdrant server failed"):
        await index._call(request)
    assert request.calls == 1

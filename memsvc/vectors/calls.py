"""Calls of a Qdrant server: tried again when that may help, refused at once while the server is down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import grpc
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from memsvc.breaker import CircuitBreaker, Outcome
from memsvc.errors import Unavailable

T = TypeVar("T")

FAILURES_IN_A_ROW = 5
OPEN_SECONDS = 5.0
RETRY_SECONDS = 1.0
"""What a caller is told to wait when the server does not say."""

_BACKOFF = wait_random_exponential(multiplier=0.1, max=1.0)
_BUSY_STATUS = 429
_DOWN_STATUS = frozenset({500, 502, 503, 504})
_DOWN_CODES = frozenset(
    {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.ABORTED},
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is tried, and the longest pause, in seconds, that the server may ask for in between."""

    attempts: int
    longest_pause: float


FOR_WRITES = Patience(attempts=5, longest_pause=30.0)
FOR_QUERIES = Patience(attempts=2, longest_pause=0.5)
"""Somebody waits for the answer, and there is another one to give without the index."""


class GuardedCalls:
    """Makes calls of one server. A request must be one that can be repeated.

    A server that asks for a pause (RESOURCE_EXHAUSTED) gets it, as far as the patience goes, and is not taken to be
    down. One that failed several times in a row, in whatever calls, is left alone for some seconds; then one call
    at a time finds out whether it is back.
    """

    def __init__(
        self,
        *,
        breaker: CircuitBreaker | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._breaker = breaker or CircuitBreaker(threshold=FAILURES_IN_A_ROW, seconds=OPEN_SECONDS)
        self._sleep = sleep

    async def __call__(self, request: Callable[[], Awaitable[T]], patience: Patience = FOR_WRITES) -> T:
        """Answer of the request.

        Raises:
            Unavailable: INDEX_UNAVAILABLE: every try failed, or none was made because the server is down.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: _is_down(error) or _is_busy(error)),
            stop=lambda state: stop_after_attempt(patience.attempts)(state) or _asked(state) > patience.longest_pause,
            wait=lambda state: max(_BACKOFF(state), _asked(state)),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return await retrying(self._attempt, request)
        except (ApiException, QdrantException, grpc.aio.AioRpcError) as error:
            wait = _pause_of(error) or RETRY_SECONDS
            raise Unavailable(f"The Qdrant server failed: {_summary(error)}", retry_after=wait) from error

    async def _attempt(self, request: Callable[[], Awaitable[T]]) -> T:
        wait = self._breaker.admit()
        if wait:
            raise Unavailable(
                "The Qdrant server failed several times in a row and is left alone for a while.", retry_after=wait
            )
        outcome = Outcome.ABANDONED
        try:
            result = await request()
            outcome = Outcome.ANSWERED
        except Exception as error:
            outcome = Outcome.FAILED if _is_down(error) else Outcome.ANSWERED
            raise
        finally:
            self._breaker.settle(outcome)
        return result


def _is_down(error: BaseException) -> bool:
    if isinstance(error, grpc.aio.AioRpcError):
        return error.code() in _DOWN_CODES
    if isinstance(error, UnexpectedResponse):
        return error.status_code in _DOWN_STATUS
    return isinstance(error, ResponseHandlingException)


def _is_busy(error: BaseException) -> bool:
    if isinstance(error, grpc.aio.AioRpcError):
        return error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    if isinstance(error, UnexpectedResponse):
        return error.status_code == _BUSY_STATUS
    return isinstance(error, ResourceExhaustedResponse)


def _asked(state: RetryCallState) -> float:
    return _pause_of(state.outcome.exception() if state.outcome else None)


def _pause_of(error: BaseException | None) -> float:
    """Seconds that the server asks to wait, 0 when it does not say."""
    return float(error.retry_after_s) if isinstance(error, ResourceExhaustedResponse) else 0.0


def _summary(error: Exception) -> str:
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {error.details()}"
    return str(error)

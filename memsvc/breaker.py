"""A circuit breaker: after failures in a row, calls are refused for a while, then one may try.

Packages were looked at: pybreaker is asynchronous with tornado only, aiobreaker rests since 2021, and purgatory lets
every caller through once its pause is over, counts cancelled calls as failures and does not say how long it is open.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum


class Outcome(StrEnum):
    """How a call ended, as far as the circuit cares."""

    ANSWERED = "answered"
    FAILED = "failed"
    ABANDONED = "abandoned"
    """Cancelled by its caller: says nothing about the other side."""


class CircuitBreaker:
    """Closed until `threshold` calls in a row failed; then open for `seconds`; then one call at a time probes.

    For one event loop: nothing in here waits.
    """

    def __init__(self, *, threshold: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._threshold = threshold
        self._seconds = seconds
        self._clock = clock
        self._failures = 0
        self._opened = 0.0
        self._probing = False

    def admit(self) -> float:
        """Return 0 for a call that may go, which must then be settled; else the seconds until one may."""
        if self._failures < self._threshold:
            return 0.0
        left = self._opened + self._seconds - self._clock()
        if left > 0 or self._probing:
            return max(left, 1.0)
        self._probing = True
        return 0.0

    def settle(self, outcome: Outcome) -> None:
        """Tell how an admitted call ended."""
        self._probing = False
        if outcome is Outcome.ANSWERED:
            self._failures = 0
        elif outcome is Outcome.FAILED:
            self._failures += 1
            self._opened = self._clock()

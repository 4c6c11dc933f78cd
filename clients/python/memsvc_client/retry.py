"""When and how long to wait before another try. No input or output in here: both clients share it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from secrets import SystemRandom

from memsvc_client.errors import DeadlineExceeded, Unavailable

_RANDOM = SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential backoff with full jitter; only UNAVAILABLE is retried, and never past the call's timeout.

    The wait before try n + 1 is uniform in [0, min(maximum, initial * multiplier ** (n - 1))] seconds, and at
    least what the server asks for. `max_attempts=1` turns retries off; None means until the timeout.
    """

    initial: float = 0.1
    multiplier: float = 2.0
    maximum: float = 5.0
    max_attempts: int | None = None

    def ceiling(self, failures: int) -> float:
        """Longest wait in seconds after that many failures in a row (1 or more)."""
        # The exponent is capped so that a long outage cannot overflow.
        return min(self.maximum, self.initial * self.multiplier ** min(failures - 1, 64))


@dataclass(slots=True)
class Backoff:
    """The tries of one call: counts failures, and stops when the policy or the timeout (seconds) says so."""

    policy: RetryPolicy
    timeout: float
    failures: int = 0
    _started: float = field(default_factory=time.monotonic)

    @property
    def remaining(self) -> float:
        """Seconds left."""
        return self.timeout - (time.monotonic() - self._started)

    def budget(self) -> float:
        """Return the seconds left; raise DeadlineExceeded when there are none."""
        left = self.remaining
        if left <= 0:
            raise DeadlineExceeded(f"not done within {self.timeout:g} s")
        return left

    def delay(self, error: Unavailable) -> float:
        """Return how many seconds to wait before the next try; raise `error` when there must be none."""
        self.failures += 1
        if self.policy.max_attempts is not None and self.failures >= self.policy.max_attempts:
            raise error
        wait = max(_RANDOM.uniform(0, self.policy.ceiling(self.failures)), error.retry_after or 0.0)
        if wait >= self.remaining:
            raise error
        return wait

    def restart(self) -> None:
        """Start the timeout again."""
        self._started = time.monotonic()

"""The retry policy alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc_client import DeadlineExceeded, RetryPolicy, Unavailable
from memsvc_client.retry import Backoff
from memsvc_client.status import Details, decode


@given(st.integers(1, 10_000))
def test_the_longest_wait_grows_to_the_maximum(failures):
    policy = RetryPolicy(initial=0.1, multiplier=2, maximum=5)
    assert policy.ceiling(failures) == pytest.approx(min(5, 0.1 * 2 ** min(failures - 1, 64)))


@given(st.floats(0, 3), st.integers(1, 5))
def test_a_wait_is_jittered_and_at_least_what_the_server_asks(asked, tries):
    backoff = Backoff(RetryPolicy(), timeout=1000)
    for failure in range(1, tries + 1):
        wait = backoff.delay(Unavailable("down", details=Details(retry_after=asked)))
        assert asked <= wait <= max(asked, backoff.policy.ceiling(failure))


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_a_policy_bounds_the_attempts(attempts):
    backoff = Backoff(RetryPolicy(max_attempts=attempts), timeout=1000)
    error = Unavailable("down")
    for _ in range(attempts - 1):
        backoff.delay(error)
    with pytest.raises(Unavailable):
        backoff.delay(error)


def test_no_try_starts_without_time():
    with pytest.raises(DeadlineExceeded, match="within 0 s"):
        Backoff(RetryPolicy(), timeout=0).budget()


@given(st.binary(max_size=200))
def test_any_bytes_decode_to_some_details(raw):
    assert isinstance(decode(raw), Details)

from hypothesis import given
from hypothesis import strategies as st

from memsvc.breaker import CircuitBreaker, Outcome


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(threshold=3, seconds=30, clock=clock)


def fail(circuit: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        assert circuit.admit() == 0
        circuit.settle(Outcome.FAILED)


def test_opens_after_failures_in_a_row_and_says_for_how_long() -> None:
    clock = Clock()
    circuit = breaker(clock)
    fail(circuit, 2)
    assert circuit.admit() == 0
    circuit.settle(Outcome.ANSWERED)
    fail(circuit, 3)
    clock.now = 10
    assert circuit.admit() == 20


def test_one_probe_at_a_time_decides() -> None:
    clock = Clock()
    circuit = breaker(clock)
    fail(circuit, 3)
    clock.now = 31
    assert circuit.admit() == 0
    assert circuit.admit() > 0
    circuit.settle(Outcome.FAILED)
    assert circuit.admit() == 30
    clock.now = 62
    assert circuit.admit() == 0
    circuit.settle(Outcome.ABANDONED)
    assert circuit.admit() == 0
    circuit.settle(Outcome.ANSWERED)
    assert circuit.admit() == circuit.admit() == 0


@given(st.lists(st.tuples(st.sampled_from(Outcome), st.floats(0, 100))))
def test_is_never_open_for_longer_than_it_says(steps: list[tuple[Outcome, float]]) -> None:
    clock = Clock()
    circuit = breaker(clock)
    for outcome, pause in steps:
        clock.now += pause
        wait = circuit.admit()
        if wait:
            clock.now += wait
            assert circuit.admit() == 0
        circuit.settle(outcome)

from __future__ import annotations

import time

import pytest

from memsvc.bench.timing import Spread, spread, spread_of


def test_percentiles_are_in_milliseconds() -> None:
    assert spread_of([number / 1000 for number in range(101)]) == pytest.approx(Spread(50.0, 95.0, 99.0))


def test_calls_are_timed_one_after_another() -> None:
    made: list[int] = []

    def call() -> None:
        made.append(len(made))
        time.sleep(0.002)

    assert spread([call] * 3).p50 >= 2.0
    assert made == [0, 1, 2]

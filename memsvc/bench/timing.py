"""Latencies of calls made one after another."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles, in milliseconds."""

    p50: float
    p95: float
    p99: float


def spread(calls: Sequence[Callable[[], object]]) -> Spread:
    """Make every call once, in order."""
    times = []
    for call in calls:
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) * 1000)
    return Spread(*(float(value) for value in np.percentile(times, (50, 95, 99))))

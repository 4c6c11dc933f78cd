"""Latencies, and what they come to."""

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
        times.append(time.perf_counter() - begin)
    return spread_of(times)


def spread_of(seconds: Sequence[float]) -> Spread:
    """Percentiles of latencies that were measured already."""
    return Spread(*(1000 * float(value) for value in np.percentile(seconds, (50, 95, 99))))

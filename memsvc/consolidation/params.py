"""Constants of consolidation, each with its unit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolidationParams:
    """Constants; docs/consolidation.md says how they were chosen."""

    semantic_weight: float = 0.8
    """β of the affinity, in [0, 1]: the share of the cosine; the rest is nearness in time."""
    decay_per_day: float = 0.1
    """λ of the affinity, per day."""

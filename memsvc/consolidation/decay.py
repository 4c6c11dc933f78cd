"""Salience falls with age and lack of use; what falls under the floor leaves the index and stays in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from memsvc.consolidation.params import ConsolidationParams
from memsvc.types import Memory

_DAY = 86_400.0


def salience_at(memory: Memory, now: datetime, params: ConsolidationParams) -> float:
    """Salience in [0, 1]: max(prior, least)·2^(−age/(half-life·(1+uses))), age in days since it was last of use.

    A memory that is not stored yet has age 0, and one is never older than the service has known it.
    """
    known = memory.last_use_time or memory.create_time or now
    age = max(0.0, (now - max(known, min(memory.event_time, now))).total_seconds() / _DAY)
    half_life = params.salience_half_life_days * (1 + memory.use_count)
    return float(min(1.0, max(memory.salience, params.least_salience) * 2.0 ** (-age / half_life)))


def faded(
    memories: Iterable[Memory], now: datetime, params: ConsolidationParams
) -> Iterator[tuple[Memory, float, str]]:
    """Memories to retire, with their salience and why; never pinned ones and those in frequent use."""
    for memory in memories:
        if memory.pinned or memory.use_count >= params.used_often:
            continue
        salience = salience_at(memory, now, params)
        if salience < params.salience_floor:
            uses = f"{memory.use_count} use" if memory.use_count == 1 else f"{memory.use_count} uses"
            yield memory, round(salience, 4), f"Its salience fell to {salience:.3f} ({uses})."

"""Filters that the index cannot apply by itself: SQL says which memories pass, and the index searches those."""

from __future__ import annotations

from dataclasses import dataclass, replace

from memsvc.ports import MemoryLog
from memsvc.types import MemoryFilter, SpaceKey

MAX_IDS = 4_000
"""Memories named to the index: about 15 ms of each of its searches."""


@dataclass(frozen=True, slots=True)
class Prefilter:
    """A filter that the index can apply."""

    where: MemoryFilter
    cut: bool = False
    """Whether more memories pass than can be named; those that are, are the newest."""


async def prefilter(memories: MemoryLog, space: SpaceKey, where: MemoryFilter) -> Prefilter:
    """The filter itself, or one that names the memories which pass, where it compares texts of metadata."""
    if where.metadata is None or not where.metadata.compares_text:
        return Prefilter(where)
    found = await memories.ids(space, where, limit=MAX_IDS + 1)
    return Prefilter(replace(where, ids=frozenset(found[:MAX_IDS])), cut=len(found) > MAX_IDS)

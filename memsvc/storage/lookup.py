"""Memories by id, for retrieval: it asks for a few hundred at a time, and often for the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from cachetools import LRUCache
from sqlmodel import Session, col, select

from memsvc.storage.database import Database
from memsvc.storage.memory_query import in_space
from memsvc.storage.rows import memory_of
from memsvc.storage.tables import MemoryRow
from memsvc.types import Memory, SpaceKey

MAX_MEMORIES = 10_000
"""Memories to keep; one takes about three kilobytes."""
BATCH = 500

# The time tells a memory from an equal id and version in a space that was deleted and created again.
_Version: TypeAlias = tuple[SpaceKey, str, int, datetime]


class MemoryLookup:
    """Reads memories whose current version it has not kept; which version is current, SQL says at every call.

    Building a memory from its row costs many times what asking for its version costs.
    """

    def __init__(self, db: Database, max_memories: int = MAX_MEMORIES) -> None:
        self._db = db
        self._kept: LRUCache[_Version, Memory] = LRUCache(max_memories)

    async def get_many(self, space: SpaceKey, memory_ids: Sequence[str]) -> dict[str, Memory]:
        """Return those of the memories that exist in this space, in any state, by id."""
        versions = await self._db.read(lambda session: _versions(session, space, memory_ids))
        found = {version[1]: self._kept[version] for version in versions if version in self._kept}
        unknown = [version[1] for version in versions if version[1] not in found]
        if unknown:
            read = await self._db.read(lambda session: _memories(session, space, unknown))
            self._kept.update(read)
            found |= {memory.id: memory for memory in read.values()}
        return found


def _versions(session: Session, space: SpaceKey, memory_ids: Sequence[str]) -> list[_Version]:
    columns = select(MemoryRow.id, MemoryRow.version, MemoryRow.update_time)
    return [
        (space, *row)
        for some in _batches(memory_ids)
        for row in session.exec(columns.where(*in_space(space), col(MemoryRow.id).in_(some)))
    ]


def _memories(session: Session, space: SpaceKey, memory_ids: Sequence[str]) -> dict[_Version, Memory]:
    return {
        (space, row.id, row.version, row.update_time): memory_of(row)
        for some in _batches(memory_ids)
        for row in session.exec(select(MemoryRow).where(*in_space(space), col(MemoryRow.id).in_(some)))
    }


def _batches(memory_ids: Sequence[str]) -> list[Sequence[str]]:
    return [memory_ids[start : start + BATCH] for start in range(0, len(memory_ids), BATCH)]

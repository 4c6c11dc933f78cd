"""Brings an index that may have lost writes up to SQL, without writing again what it still holds."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from memsvc.errors import NotFound
from memsvc.jobs.embeddings import OpenModel
from memsvc.ports import MemoryLog, SpaceStore, VectorIndex
from memsvc.types import IndexedMemory, SpaceKey

log = structlog.get_logger(__name__)
PAGE = 1_000
"""Memories compared at once: about 10 ms of the index's time."""
SLACK = timedelta(minutes=1)
"""A memory is written to the index a little after it was changed."""


async def catch_up_index(spaces: SpaceStore, memories: MemoryLog, opened: OpenModel) -> None:
    """Queue the indexing of whatever the index may lack: all, if it is new; after a power cut or a kill, little.

    A kill loses nothing of the index, but may cut off a write whose memory was not marked yet, which is due anyway. So
    for most memories the question is only whether their points are there. What was changed since the index became
    unsure is written again, as a point of an older version looks like one of the current.
    """
    since = opened.index.unsure_since
    if since is None:
        return
    for space in await spaces.all():
        with suppress(NotFound):  # deleted meanwhile, by another server
            if missing := await _catch_up_space(memories, opened, space, since):
                log.warning("index.behind", tenant=space.tenant, space=space.space, memories=missing)
    await opened.index.caught_up()


async def _catch_up_space(memories: MemoryLog, opened: OpenModel, space: SpaceKey, since: datetime) -> int:
    """Return how many memories were made due. Raises NotFound for the space."""
    missing, cursor = 0, None
    while True:
        page = await memories.indexed(space, limit=PAGE, slot=opened.model.slot, cursor=cursor)
        if due := await _due(opened.index, space, page.items, since):
            await memories.reindex(space, due, slot=opened.model.slot)
            missing += len(due)
        if (cursor := page.cursor) is None:
            return missing


async def _due(index: VectorIndex, space: SpaceKey, memories: tuple[IndexedMemory, ...], since: datetime) -> list[str]:
    present = await index.present(space, [memory.memory_id for memory in memories])
    return [
        memory.memory_id
        for memory in memories
        if memory.has_point != (memory.memory_id in present)
        or (memory.has_point and memory.version > 1 and memory.update_time + SLACK >= since)
    ]

"""The change from one embedding model to another, step by step, while the service runs. Every step can be repeated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from memsvc.errors import FailedPrecondition, NotFound, Reason, Unavailable
from memsvc.jobs.embeddings import POLL_SECONDS
from memsvc.ports import EmbeddingModels, JobQueue, MemoryLog, SpaceStore
from memsvc.types import EmbeddingCheck, EmbeddingModel, EmbeddingState, JobKind, SpaceKey

NOTICE_SECONDS = 3 * POLL_SECONDS
"""By when every process that reaches the database has learnt of a change."""

REMOVAL_SECONDS = 30.0
"""For which another process is waited for to remove an index."""

LEAST_SELF_RECALL = 0.9


@dataclass(frozen=True, slots=True)
class EmbeddingMigration:
    """Has memories indexed with another model, compares, and has queries answered by it.

    It only writes down what is wanted and queues jobs; workers do the work. A migration that was cut off goes on where
    it stood when it is started again.
    """

    models: EmbeddingModels
    memories: MemoryLog
    spaces: SpaceStore
    jobs: JobQueue
    reindex_lock: str
    notice_seconds: float = NOTICE_SECONDS
    poll_seconds: float = 0.5
    removal_seconds: float = REMOVAL_SECONDS

    async def begin(self, target: EmbeddingModel, current: EmbeddingModel) -> EmbeddingModel:
        """Have every process write with the target too, and return it as registered; `current` is what settings name.

        Raises:
            FailedPrecondition: EMBEDDINGS_CHANGING, another change is under way.
        """
        registered = await self.models.register(target, current)
        if registered.state is EmbeddingState.TARGET:
            # Whoever still writes to a model that was in this slot before must have stopped, or its marks would count.
            await asyncio.sleep(self.notice_seconds)
            for space in await self.spaces.all():
                await self._mark_all_due(space, registered.slot)
            await self.models.ready(registered.slot)
            await asyncio.sleep(self.notice_seconds)
        return registered

    async def fill(self, slot: int) -> AsyncIterator[int]:
        """Index what is due in a slot, in every space; yield how many memories are still due until none is."""
        while True:
            queued = [(space, await self._queue(space)) for space in await self.spaces.all()]
            while not all([await self._has_ended(space, job_id) for space, job_id in queued]):
                yield await self.models.due_count(slot)
                await asyncio.sleep(self.poll_seconds)
            due = await self.models.due_count(slot)
            yield due
            if not due:
                return
            await asyncio.sleep(self.poll_seconds)

    async def compare(self) -> Sequence[EmbeddingCheck]:
        """How the new index compares with the old one in every space.

        Raises:
            FailedPrecondition: EMBEDDINGS_CHANGING: points are missing, memories are not found by their own vectors, or
                a space was not compared.
        """
        checks = await self.models.checks()
        compared = {check.space for check in checks}
        for space in await self.spaces.all():
            if space not in compared:
                raise FailedPrecondition(
                    f"{space.tenant}/{space.space} was not compared; start the migration again.",
                    reason=Reason.EMBEDDINGS_CHANGING,
                )
        for check in checks:
            if check.points < check.expected or check.self_recall < LEAST_SELF_RECALL:
                raise FailedPrecondition(
                    f"{check.space.tenant}/{check.space.space}: {check.points:,} of {check.expected:,} memories are in "
                    f"the new index, and {check.self_recall:.0%} of {check.sample} are found by their own vector; "
                    "queries are still answered by the old one. Start the migration again.",
                    reason=Reason.EMBEDDINGS_CHANGING,
                )
        return checks

    async def switch(self, slot: int) -> AsyncIterator[int]:
        """Have queries answered by the model of this slot, and catch up on what was written without it meanwhile."""
        await self.models.activate(slot)
        await asyncio.sleep(self.notice_seconds)
        async for due in self.fill(slot):
            yield due

    async def remove_old(self, active_slot: int, remove: Callable[[], Awaitable[None]] | None = None) -> None:
        """Have memories written with the active model alone, and wait until the other's index is removed.

        Args:
            active_slot: whose index stays.
            remove: removes the other one in this process; None leaves it to the others.

        Raises:
            Unavailable: it cannot be removed now. Every process goes on trying, and so does this when it is repeated.
        """
        for model in await self.models.all():
            if model.slot != active_slot:
                await self.models.discard(model.slot)
        patience = time.monotonic() + self.removal_seconds
        while old := [model.name for model in await self.models.all() if model.slot != active_slot]:
            if remove is not None:
                await remove()
            elif time.monotonic() > patience:
                raise Unavailable(f"The index of {old[0]} is not removed yet; the log of the service says why.")
            else:
                await asyncio.sleep(self.poll_seconds)

    async def _mark_all_due(self, space: SpaceKey, slot: int) -> None:
        try:
            await self.memories.mark_all_unindexed(space, slot)
        except NotFound:
            return  # deleted meanwhile

    async def _queue(self, space: SpaceKey) -> str:
        try:
            return await self.jobs.defer(space, JobKind.REINDEX, {}, lock=self.reindex_lock)
        except NotFound:
            return ""

    async def _has_ended(self, space: SpaceKey, job_id: str) -> bool:
        try:
            return not job_id or (await self.jobs.get(space, job_id)).state.ended
        except NotFound:
            return True

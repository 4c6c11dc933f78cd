"""The embedding models that memories are indexed with, as SQL says, followed by every process while it runs.

While the service changes from one model to another there are two: memories are written with both, queries are
answered by the active one, and a process that learns of a change a moment later misses nothing. Which version of a
memory is indexed is recorded for each model, so whoever knows one model alone never marks what the other lacks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from memsvc.errors import MemsvcError, Unavailable
from memsvc.jobs.indexer import Indexer
from memsvc.ports import Embedder, EmbeddingModels, MemoryLog, VectorIndex, Vectors
from memsvc.types import (
    EmbeddingCheck,
    EmbeddingModel,
    EmbeddingState,
    Memory,
    MemoryFilter,
    Scope,
    SpaceKey,
)

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
TRY_AGAIN_SECONDS = 30.0
"""Until a model is tried again that could not be opened beside another one, or whose index could not be removed."""
SAMPLE = 50
"""Memories of a space that a comparison looks at, the newest."""
NEIGHBOURS = 10


class RemovableIndex(VectorIndex, Protocol):
    """An index that can be thrown away."""

    async def drop(self) -> None:
        """Remove all that it holds, and close it. Can be repeated.

        Raises:
            Unavailable: it cannot be removed now.
        """
        ...


@dataclass(frozen=True, slots=True)
class OpenModel:
    """A model that is loaded, with the index of its vectors."""

    model: EmbeddingModel
    embedder: Embedder
    index: RemovableIndex


class CurrentModels:
    """Opens and closes models as SQL says; `default` is the one as long as SQL names none.

    Args:
        open_model: loads a model and its index, on a thread; the index need not be ensured.
        ensured: called for each index once it is known to exist, and after its `ensure`.
    """

    def __init__(
        self,
        models: EmbeddingModels,
        default: EmbeddingModel,
        *,
        open_model: Callable[[EmbeddingModel], OpenModel],
        ensured: Callable[[OpenModel], Awaitable[None]],
    ) -> None:
        self._models = models
        self._default = default
        self._open_model = open_model
        self._ensured = ensured
        self._opened: dict[tuple[int, str], OpenModel] = {}
        self._unready: set[tuple[int, str]] = set()
        self._try_again: dict[tuple[int, str], float] = {}
        self._not_removed: dict[tuple[int, str], MemsvcError] = {}
        self._refreshing = asyncio.Lock()
        self._active: tuple[int, str] | None = None

    @property
    def active(self) -> OpenModel:
        """The model that answers queries."""
        if self._active is None:
            raise Unavailable("No embedding model is open.")
        return self._opened[self._active]

    @property
    def others(self) -> list[OpenModel]:
        """Models that memories are written with beside the active one."""
        return [
            opened
            for key, opened in self._opened.items()
            if key != self._active and opened.model.state is not EmbeddingState.UNWANTED
        ]

    async def start(self) -> None:
        """Open what SQL names. An index that is out of reach is waited for in the background.

        Raises:
            FailedPrecondition: the index of a model is in use or another one.
            Unavailable: SQL is out of reach.
        """
        for model in await self._models.all() or [self._default]:
            if model.state is not EmbeddingState.UNWANTED:
                await self._open(model)
        await self.refresh()

    async def refresh(self) -> None:
        """Follow SQL: open what is new, answer by what is active, remove what is unwanted, close what is gone."""
        async with self._refreshing:
            await self._refresh()

    async def remove_unwanted(self) -> None:
        """Remove the indexes of unwanted models now. Raises the error of one that cannot be removed, and stays."""
        async with self._refreshing:
            self._try_again.clear()
            await self._refresh()
        for error in self._not_removed.values():
            raise error

    async def _refresh(self) -> None:
        wanted = {(model.slot, model.name): model for model in await self._models.all() or [self._default]}
        unwanted = {key: model for key, model in wanted.items() if model.state is EmbeddingState.UNWANTED}
        self._unready -= unwanted.keys()
        for key, model in wanted.items():
            if key in self._opened:
                self._opened[key] = replace(self._opened[key], model=model)
            elif key not in unwanted and self._is_due(key):
                await self._open_beside(key, model)
        for key in list(self._unready):
            await self._ensure(key)
        self._answer_by(wanted)
        for key, model in unwanted.items():
            if key != self._active and self._is_due(key):
                await self._remove(key, model)
        for key in self._opened.keys() - wanted.keys() - {self._active}:
            await _closed(self._forget(key))  # another process has removed its index
        for key in self._not_removed.keys() - wanted.keys():
            del self._not_removed[key]

    def _answer_by(self, wanted: Mapping[tuple[int, str], EmbeddingModel]) -> None:
        for key, model in wanted.items():
            if model.state is EmbeddingState.ACTIVE and key in self._opened and self._active != key:
                self._active = key
                log.info("embeddings.active", model=model.name)

    async def run(self) -> None:
        """Refresh every `POLL_SECONDS` until cancelled."""
        failing = False
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.refresh()
                failing = False
            except MemsvcError as error:
                if not failing:
                    log.warning("embeddings.not_refreshed", reason=error.reason, message=error.message)
                failing = True

    async def close(self) -> None:
        """Close every index and model."""
        for opened in self._opened.values():
            await _closed(opened)

    def _is_due(self, key: tuple[int, str]) -> bool:
        return self._try_again.get(key, 0.0) <= time.monotonic()

    def _forget(self, key: tuple[int, str]) -> OpenModel:
        self._unready.discard(key)
        return self._opened.pop(key)

    async def _remove(self, key: tuple[int, str], model: EmbeddingModel) -> None:
        """Remove an index; SQL forgets it only then, so that whoever comes later knows what is left to do."""
        try:
            if key not in self._opened:
                self._opened[key] = await self._opened_anew(model)
            await self._opened[key].index.drop()
        except MemsvcError as error:
            if key not in self._not_removed:
                log.warning("embeddings.not_removed", model=model.name, reason=error.reason, message=error.message)
            self._not_removed[key] = error
            self._try_again[key] = time.monotonic() + TRY_AGAIN_SECONDS
            return
        await _closed(self._forget(key))
        await self._models.removed(model.slot)
        self._not_removed.pop(key, None)
        log.info("embeddings.removed", model=model.name)

    async def _opened_anew(self, model: EmbeddingModel) -> OpenModel:
        try:
            return await asyncio.to_thread(self._open_model, model)
        except Exception as error:  # a model's files and libraries raise anything
            raise Unavailable(f"{model.name} cannot be opened, which it takes to remove its index: {error}") from error

    async def _open_beside(self, key: tuple[int, str], model: EmbeddingModel) -> None:
        """Open a model while another one answers: whatever is wrong with the new one, the service goes on."""
        try:
            await self._open(model)
        except Exception:  # a model's files and libraries raise anything
            log.exception("embeddings.not_opened", model=model.name)
            self._try_again[key] = time.monotonic() + TRY_AGAIN_SECONDS

    async def _open(self, model: EmbeddingModel) -> None:
        key = (model.slot, model.name)
        self._opened[key] = await asyncio.to_thread(self._open_model, model)
        try:
            await self._ensure(key)
        except MemsvcError:
            await _closed(self._opened.pop(key))
            raise

    async def _ensure(self, key: tuple[int, str]) -> None:
        try:
            await self._opened[key].index.ensure()
            await self._ensured(self._opened[key])
        except Unavailable as error:
            if key not in self._unready:
                log.warning("index.not_reached", model=key[1], reason=error.reason, message=error.message)
            self._unready.add(key)
        else:
            self._unready.discard(key)


async def _closed(opened: OpenModel) -> None:
    await opened.index.close()
    await opened.embedder.close()


class ModelIndexer:
    """Indexes with every model: first with the active one, whose batches are counted."""

    def __init__(self, memories: MemoryLog, models: CurrentModels) -> None:
        self._memories = memories
        self._models = models

    async def index(
        self, space: SpaceKey, memory_ids: Sequence[str] | None = None, *, scope: Scope | None = None
    ) -> AsyncGenerator[int, None]:
        """See `Indexes.index`. What cannot be written with another model stays due there, and holds up nothing."""
        active, others = self._models.active, self._models.others
        async for count in self._with(active).index(space, memory_ids, scope=scope):
            yield count
        for other in others:
            try:
                async for _ in self._with(other).index(space, memory_ids, scope=scope):
                    yield 0
            except Unavailable as error:
                log.warning("index.other_left_due", model=other.model.name, reason=error.reason, message=error.message)

    async def prepare(self, space: SpaceKey, memories: Sequence[Memory]) -> None:
        """See `Indexes.prepare`: with the model that answers queries, so that the others get these memories later."""
        await self._with(self._models.active).prepare(space, memories)

    async def discard(self, space: SpaceKey, memories: Sequence[Memory]) -> None:
        """See `Indexes.discard`."""
        await self._with(self._models.active).discard(space, memories)

    def _with(self, opened: OpenModel) -> Indexer:
        return Indexer(memories=self._memories, index=opened.index, embedder=opened.embedder, slot=opened.model.slot)


class ModelCheck:
    """Compares the index of a new model with that of the active one."""

    def __init__(self, memories: MemoryLog, store: EmbeddingModels, models: CurrentModels) -> None:
        self._memories = memories
        self._store = store
        self._models = models

    async def __call__(self, space: SpaceKey) -> None:
        """Record how the two indexes of a space compare; nothing where no index is being filled."""
        await self._models.refresh()
        for new in self._models.others:
            if new.model.state is EmbeddingState.FILLING:
                await self._store.record(await self._compare(space, self._models.active.index, new))

    async def _compare(self, space: SpaceKey, old: VectorIndex, new: OpenModel) -> EmbeddingCheck:
        newest = await self._memories.page(space, MemoryFilter(), limit=SAMPLE)
        ids = [memory.id for memory in newest.items]
        before, after = await old.vectors(space, ids), await new.index.vectors(space, ids)
        selves, overlaps = 0, []
        for memory_id in before.keys() & after.keys():
            was = await _nearest(old, space, before[memory_id])
            found = await _nearest(new.index, space, after[memory_id])
            selves += memory_id in found
            expected = set(was) - {memory_id}
            overlaps.append(len(expected & set(found)) / len(expected) if expected else 1.0)
        return EmbeddingCheck(
            space=space,
            points=await new.index.count(space),
            expected=await self._memories.indexed_count(space, new.model.slot),
            sample=len(overlaps),
            self_recall=selves / len(overlaps) if overlaps else 1.0,
            overlap=sum(overlaps) / len(overlaps) if overlaps else 1.0,
        )


async def _nearest(index: VectorIndex, space: SpaceKey, vector: Vectors) -> list[str]:
    hits = await index.search_dense(space, vector, MemoryFilter(), limit=NEIGHBOURS + 1)
    return [hit.memory_id for hit in hits]

"""Groups texts of many callers into batches for one device.

One queue with one owner. A batch is cut by its padded size (longest text x number of texts), holds texts
of similar length, and always contains the oldest text that waits, so nothing is passed over for ever.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Generic, TypeVar

from memsvc import metrics
from memsvc.errors import Reason, Unavailable

P = TypeVar("P")
R = TypeVar("R")

# Texts among which one batch looks for similar lengths.
_WINDOW = 1024
# With both classes waiting, one batch in this many is a background batch.
_BACKGROUND_SHARE = 8


class Batcher(Generic[P, R]):
    """Runs `compute` on batches of payloads in `executor`.

    Urgent requests go before background ones. An urgent request waits for the batches that are being computed and no
    other background batch; background work gets at least one batch in eight.

    Args:
        compute: turns the payloads of one batch into as many results, in order. Called in the executor.
        executor: where it runs.
        max_batch_tokens: bound on longest length x number of payloads; a longer payload goes alone.
        batches_at_once: batches in the executor at a time. With two, a GPU computes one while the other is laid out
            and copied to it; a CPU has nothing to gain.
        name: what the metrics call the model.
    """

    def __init__(
        self,
        compute: Callable[[Sequence[P]], Sequence[R]],
        executor: Executor,
        *,
        max_batch_tokens: int,
        batches_at_once: int = 1,
        name: str = "embedder",
    ) -> None:
        self._compute = compute
        self._executor = executor
        self._max_batch_tokens = max_batch_tokens
        self._batches_at_once = batches_at_once
        self._figures = _Figures(name)
        self._urgent: _Line[P, R] = _Line()
        self._background: _Line[P, R] = _Line()
        self._urgent_batches_in_a_row = 0
        self._owners: set[asyncio.Task[None]] = set()
        self._closed = False

    async def submit(self, payloads: Sequence[P], lengths: Sequence[int], *, urgent: bool) -> list[R]:
        """Return one result per payload, in order; `lengths` are their token counts.

        Cancelling the call drops what has not been computed yet.

        Raises:
            Unavailable: the computation failed, or the batcher is closed.
        """
        self.check_open()
        if not payloads:
            return []
        request: _Request[R] = _Request(len(payloads), urgent=urgent)
        line = self._urgent if urgent else self._background
        line.extend(
            _Item(payload, length, request, position)
            for position, (payload, length) in enumerate(zip(payloads, lengths, strict=True))
        )
        # Owners live only while something waits, so that no event loop is held when all is quiet.
        self._owners = {owner for owner in self._owners if not owner.done()}
        if len(self._owners) < self._batches_at_once:
            self._owners.add(asyncio.create_task(self._work()))
        return await request.future

    def check_open(self) -> None:
        """Raise Unavailable when the batcher is closed."""
        if self._closed:
            raise _closing()

    async def close(self) -> None:
        """Fail what waits with Unavailable, let the running batch end."""
        self._closed = True
        for item in chain(self._urgent.clear(), self._background.clear()):
            item.request.fail(_closing())
        running = [owner for owner in self._owners if not owner.done()]
        await asyncio.gather(*running)

    async def _work(self) -> None:
        while batch := self._next_batch():
            error = await self._run(batch)
            # A batch may fail through one text, or through its size: then every text gets a try of its own.
            if error is not None and len(batch) > 1:
                for item in batch:
                    if not item.request.ended:
                        item.fail(await self._run([item]))
            elif error is not None:
                batch[0].fail(error)

    async def _run(self, batch: Sequence[_Item[P, R]]) -> BaseException | None:
        """Compute one batch and hand the results back, or return what went wrong."""
        with self._figures.computing(batch):
            computing = asyncio.get_running_loop().run_in_executor(
                self._executor, self._compute, [item.payload for item in batch]
            )
            await asyncio.wait((computing,))
        if error := computing.exception():
            return error
        results = computing.result()
        if len(results) != len(batch):
            return RuntimeError(f"{len(results)} results for {len(batch)} texts")
        for item, result in zip(batch, results, strict=True):
            item.request.deliver(item.position, result)
        return None

    def _next_batch(self) -> list[_Item[P, R]]:
        background_is_due = self._urgent_batches_in_a_row >= _BACKGROUND_SHARE - 1
        lines = (self._background, self._urgent) if background_is_due else (self._urgent, self._background)
        for line in lines:
            if batch := line.take(self._max_batch_tokens):
                self._urgent_batches_in_a_row = self._urgent_batches_in_a_row + 1 if line is self._urgent else 0
                return batch
        return []


class _Request(Generic[R]):
    """The texts of one call; its future ends with the last of them."""

    def __init__(self, size: int, *, urgent: bool) -> None:
        self.urgent = urgent
        self.since = time.monotonic()
        self.started = False
        self.future: asyncio.Future[list[R]] = asyncio.get_running_loop().create_future()
        self._results: dict[int, R] = {}
        self._size = size

    @property
    def ended(self) -> bool:
        return self.future.done()

    def deliver(self, position: int, result: R) -> None:
        self._results[position] = result
        if len(self._results) == self._size and not self.ended:
            self.future.set_result([self._results[place] for place in range(self._size)])

    def fail(self, error: Unavailable) -> None:
        if not self.ended:
            self.future.set_exception(error)


@dataclass(frozen=True, slots=True, eq=False)
class _Item(Generic[P, R]):
    payload: P
    length: int
    request: _Request[R]
    position: int

    def fail(self, error: BaseException | None) -> None:
        """Fail the whole request with what went wrong for this text, if anything did."""
        if error is not None:
            failure = Unavailable(
                f"the embedding model failed: {type(error).__name__}", reason=Reason.EMBEDDER_UNAVAILABLE
            )
            failure.__cause__ = error
            self.request.fail(failure)


class _Figures:
    """What the metrics learn of batches."""

    def __init__(self, model: str) -> None:
        self._waits = {urgent: metrics.MODEL_WAIT.labels(model, metrics.urgency(urgent)) for urgent in (False, True)}
        self._texts = metrics.MODEL_BATCH_TEXTS.labels(model)
        self._batch_tokens = metrics.MODEL_BATCH_TOKENS.labels(model)
        self._tokens = metrics.MODEL_TOKENS.labels(model)
        self._padding = metrics.MODEL_PADDING.labels(model)
        self._busy = metrics.MODEL_BUSY.labels(model)
        self._running = 0
        self._counted_until = 0.0

    @contextmanager
    def computing(self, batch: Sequence[_Item[P, R]]) -> Iterator[None]:
        """Around the computation of a batch. Time in which two overlap counts once."""
        now = time.monotonic()
        for request in {item.request for item in batch}:
            if not request.started:
                request.started = True
                self._waits[request.urgent].observe(now - request.since)
        tokens, padded = sum(item.length for item in batch), max(item.length for item in batch) * len(batch)
        self._texts.observe(len(batch))
        self._batch_tokens.observe(padded)
        if not self._running:
            self._counted_until = now
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            now = time.monotonic()
            self._busy.inc(now - self._counted_until)
            self._counted_until = now
            self._tokens.inc(tokens)
            self._padding.inc(padded - tokens)


class _Line(Generic[P, R]):
    """Items of one class, oldest first. The front is a window among which batches are chosen."""

    def __init__(self) -> None:
        self._front: list[_Item[P, R]] = []
        self._rest: deque[_Item[P, R]] = deque()
        self.extend = self._rest.extend

    def take(self, max_batch_tokens: int) -> list[_Item[P, R]]:
        """Remove and return the next batch, empty when nothing waits; drops abandoned items."""
        self._fill_front()
        if not self._front:
            return []
        batch = similar_to_first([item.length for item in self._front], max_batch_tokens)
        chosen = frozenset(batch)
        items = [self._front[index] for index in batch]
        self._front = [item for index, item in enumerate(self._front) if index not in chosen]
        return items

    def clear(self) -> list[_Item[P, R]]:
        """Remove and return everything."""
        items = [*self._front, *self._rest]
        self._front.clear()
        self._rest.clear()
        return items

    def _fill_front(self) -> None:
        self._front = [item for item in self._front if not item.request.ended]
        while self._rest and len(self._front) < _WINDOW:
            item = self._rest.popleft()
            if not item.request.ended:
                self._front.append(item)


def similar_to_first(lengths: Sequence[int], max_batch_tokens: int) -> list[int]:
    """Choose indices of one batch: index 0, then shorter texts, then longer ones while the budget lasts.

    The chosen lengths are neighbours in sorted order, so little is padded. Longest first.
    """
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    first = last = order.index(0)
    budget = max(max_batch_tokens, lengths[0])
    while last + 1 < len(order) and lengths[order[first]] * (last + 2 - first) <= budget:
        last += 1
    while first > 0 and lengths[order[first - 1]] * (last + 2 - first) <= budget:
        first -= 1
    return order[first : last + 1]


def _closing() -> Unavailable:
    return Unavailable("the embedder is closing", reason=Reason.EMBEDDER_UNAVAILABLE)

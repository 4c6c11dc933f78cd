"""How many calls run at once, and the end of it when the server drains."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from memsvc.errors import Reason, ResourceExhausted, Unavailable


def shutting_down() -> Unavailable:
    """The error of a call that a draining server refuses or ends."""
    return Unavailable("the server is shutting down; try again", reason=Reason.SHUTTING_DOWN)


class Admission:
    """Counts running calls; one event loop, no locks."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running = 0
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one place while the block runs.

        Raises:
            Unavailable: SHUTTING_DOWN.
            ResourceExhausted: every place is taken.
        """
        if self._draining:
            raise shutting_down()
        if self._running >= self._limit:
            raise ResourceExhausted(
                f"{self._limit} calls are running, as many as this server runs at once; try again later",
                metadata={"limit": str(self._limit)},
            )
        self._running += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    def drain(self) -> None:
        """Refuse new calls from now on; calls without an end of their own look at `draining` and end."""
        self._draining = True

    def draining(self) -> bool:
        """Whether the server is shutting down."""
        return self._draining

    async def idle(self) -> None:
        """Return when no call runs."""
        await self._idle.wait()

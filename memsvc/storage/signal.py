"""Wakes the workers of this process when a job may have become due."""

from __future__ import annotations

import asyncio
import contextlib


class WorkSignal:
    """Stays set until somebody looked for work after the last `notify` and found none.

    Not for use across threads: `notify` belongs to the event loop.
    """

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._notices = 0
        self.to_tell = asyncio.Event()
        """Set by `deferred`, for whoever tells other processes."""

    @property
    def notices(self) -> int:
        """How often `notify` was called; read it before looking for work."""
        return self._notices

    def notify(self) -> None:
        """Say that there may be work."""
        self._notices += 1
        self._event.set()

    def deferred(self) -> None:
        """Say that there is work that any process may take up."""
        self.notify()
        self.to_tell.set()

    def found_none(self, notices: int) -> None:
        """Say that a look begun at `notices` found nothing; ignored when there were notices since."""
        if notices == self._notices:
            self._event.clear()

    async def wait(self, timeout: float) -> None:
        """Return once there may be work, at the latest after `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), timeout)

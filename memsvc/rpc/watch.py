"""Following a space's change log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

from memsvc.errors import InvalidInput, Reason, Violation
from memsvc.ports import MemoryLog
from memsvc.types import Change, Scope, SpaceKey

POLL_SECONDS = 0.25
BOOKMARK_SECONDS = 10.0
BATCH = 256


class Watch:
    """One watch of one space: changes in order, with bookmarks in between."""

    def __init__(self, memories: MemoryLog, space: SpaceKey, scope: Scope, stopped: Callable[[], bool]) -> None:
        self._memories = memories
        self._space = space
        self._scope = scope
        self._stopped = stopped

    async def start(self, after: int | None) -> int:
        """The sequence to start after: `after`, or for None the newest there is.

        Raises:
            NotFound: SPACE_NOT_FOUND.
            InvalidInput: RESUME_TOKEN_INVALID when the log never got as far as `after`.
        """
        last = await self._memories.last_sequence(self._space)
        if after is not None and after > last:
            violation = Violation("resume_token", "is ahead of the change log, which was reset since; start anew")
            raise InvalidInput([violation], reason=Reason.RESUME_TOKEN_INVALID)
        return last if after is None else after

    async def follow(self, after: int) -> AsyncGenerator[tuple[int, Change | None], None]:
        """Yield (sequence to resume after, change), without a change for a bookmark; the first is a bookmark.

        Ends when `stopped` says so.
        """
        yield after, None
        told = time.monotonic()
        while not self._stopped():
            changes, after = await self._memories.changes(self._space, self._scope, after=after, limit=BATCH)
            for change in changes:
                yield change.sequence, change
            if changes or time.monotonic() - told >= BOOKMARK_SECONDS:
                yield after, None
                told = time.monotonic()
            else:
                await asyncio.sleep(POLL_SECONDS)

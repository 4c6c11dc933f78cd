"""The one way turns come in: checked, measured, committed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from memsvc.ingest.validate import TurnDraft, check_turns
from memsvc.ingest.violations import Violations
from memsvc.ports import TokenCounter, TurnLog
from memsvc.types import Accepted, IngestRequestId, Priority, Role, SpaceKey, StreamPosition, Turn, utc_now

_APART = timedelta(microseconds=1)


class TurnAcceptor:
    """Checks drafts and commits them as turns."""

    def __init__(self, turns: TurnLog, tokens: TokenCounter, clock: Callable[[], datetime] = utc_now) -> None:
        self._turns = turns
        self._tokens = tokens
        self._clock = clock

    async def accept(
        self,
        space: SpaceKey,
        drafts: Sequence[TurnDraft],
        *,
        request_id: str,
        violations: Violations,
        priority: Priority = Priority.INTERACTIVE,
        time_zone: str = "",
    ) -> Accepted:
        """Commit the turns of one call.

        `violations` holds what was already found wrong with the request; `request_id` may be empty, and so may
        `time_zone`, the clock of turns without an offset.

        Raises:
            InvalidInput: with every violation; nothing was stored.
            NotFound, Conflict: see `TurnLog.accept`.
        """
        now = self._clock()
        request_id = violations.uuid("request_id", request_id)
        time_zone = violations.time_zone("time_zone", time_zone)
        check_turns(drafts, violations, now)
        violations.check()
        request = IngestRequestId(request_id, digest(drafts, priority, time_zone)) if request_id else None
        turns = self._measured(drafts, now)
        return await self._turns.accept(space, turns, request=request, priority=priority, time_zone=time_zone)

    async def position(self, space: SpaceKey, stream_id: str) -> int:
        """The last committed sequence of a stream. Raises NotFound for the space."""
        return await self._turns.stream_position(space, stream_id)

    async def accept_batch(
        self,
        space: SpaceKey,
        drafts: Sequence[TurnDraft],
        position: StreamPosition,
        priority: Priority,
        time_zone: str = "",
    ) -> Accepted:
        """Commit checked turns of a stream, and the position they bring it to."""
        turns = self._measured(drafts, self._clock())
        return await self._turns.accept(space, turns, stream=position, priority=priority, time_zone=time_zone)

    def now(self) -> datetime:
        """The clock that turns are checked and dated by."""
        return self._clock()

    def _measured(self, drafts: Sequence[TurnDraft], now: datetime) -> list[Turn]:
        """Turns without a time were said now, each right after the one before it, so that their order stays."""
        return [self._turn(draft, now + i * _APART) for i, draft in enumerate(drafts)]

    def _turn(self, draft: TurnDraft, now: datetime) -> Turn:
        turn = Turn(
            turn_id=draft.turn_id,
            scope=draft.scope,
            role=draft.role or Role.USER,
            speaker=draft.speaker,
            content=draft.content,
            event_time=draft.event_time or now,
            utc_offset_minutes=draft.utc_offset_minutes,
            metadata=dict(draft.metadata),
        )
        return replace(turn, token_count=self._tokens.count(f"{turn.speaker_name}: {turn.content}"))


def digest(drafts: Sequence[TurnDraft], priority: Priority = Priority.INTERACTIVE, time_zone: str = "") -> str:
    """32 hex digits of what was sent, as it was sent: an unset event time is part of it, the clock is not."""
    rows = [
        [
            draft.turn_id,
            [draft.scope.user_id, draft.scope.agent_id, draft.scope.session_id],
            draft.role,
            draft.speaker,
            draft.content,
            draft.event_time.isoformat() if draft.event_time else None,
            sorted(draft.metadata.items()),
            *([] if draft.utc_offset_minutes is None else [draft.utc_offset_minutes]),
        ]
        for draft in drafts
    ]
    # What could be said before there were priorities and time zones has the digest that it had then.
    options = [option for option in (priority, time_zone) if option not in (Priority.INTERACTIVE, "")]
    body = [*options, rows] if options else rows
    packed = json.dumps(body, ensure_ascii=True, separators=(",", ":"))
    return hashlib.blake2b(packed.encode(), digest_size=16).hexdigest()

"""What language models cost each space."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from memsvc.storage.database import Database
from memsvc.storage.tables import ModelUsageRow, SpaceRow
from memsvc.types import ModelPurpose, ModelUsage, SpaceKey, utc_now


class SqlUsageLedger:
    """Implements `ports.UsageLedger`: one row per space, UTC day and purpose."""

    def __init__(self, db: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._db = db
        self._clock = clock

    async def record(self, space: SpaceKey, purpose: ModelPurpose, usage: ModelUsage) -> None:
        """Add to today's account. A space that is gone meanwhile is left alone."""
        day = self._clock().astimezone(UTC).date()

        def add(session: Session) -> None:
            if session.get(SpaceRow, (space.tenant, space.space)) is None:
                return
            address = (space.tenant, space.space, day, purpose.value)
            row = session.get(ModelUsageRow, address, with_for_update=True)
            row = row or ModelUsageRow(
                tenant=space.tenant,
                space=space.space,
                day=day,
                purpose=purpose.value,
                call_count=0,
                prompt_token_count=0,
                completion_token_count=0,
                cost_usd=0.0,
                unpriced_call_count=0,
            )
            row.call_count += usage.call_count
            row.prompt_token_count += usage.prompt_token_count
            row.completion_token_count += usage.completion_token_count
            row.cost_usd += usage.cost_usd
            row.unpriced_call_count += usage.unpriced_call_count
            session.add(row)

        await self._db.write(add)

    async def tokens_today(self, space: SpaceKey) -> int:
        """Tokens in and out since midnight UTC, for all purposes."""
        today = col(ModelUsageRow.day) == self._clock().astimezone(UTC).date()
        return (await self._db.read(lambda session: usage_of(session, space, today))).token_count


def usage_of(session: Session, space: SpaceKey, *conditions: ColumnElement[bool]) -> ModelUsage:
    """The sum of a space's rows that meet the conditions."""
    names = ("call_count", "prompt_token_count", "completion_token_count", "cost_usd", "unpriced_call_count")
    sums = [func.coalesce(func.sum(getattr(ModelUsageRow, name)), 0) for name in names]
    here = (ModelUsageRow.tenant == space.tenant, ModelUsageRow.space == space.space)
    calls, prompt, completion, cost, unpriced = session.exec(select(*sums).where(*here, *conditions)).one()
    return ModelUsage(
        call_count=int(calls),
        prompt_token_count=int(prompt),
        completion_token_count=int(completion),
        cost_usd=float(cost),
        unpriced_call_count=int(unpriced),
    )

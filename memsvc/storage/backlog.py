"""How many jobs are in the queue, over all spaces: for the metrics, which name none of them."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import func
from sqlmodel import Session, col, select

from memsvc import metrics
from memsvc.errors import MemsvcError
from memsvc.storage.database import Database
from memsvc.storage.tables import JobRow
from memsvc.types import JobKind, JobState

log = structlog.get_logger(__name__)

REFRESH_SECONDS = 15.0
COUNTED = (JobState.QUEUED, JobState.RUNNING, JobState.FAILED)
"""Jobs that wait or run, and those that an operator should look at."""


async def count(db: Database) -> dict[tuple[JobKind, JobState], int]:
    """Return the number of jobs of every kind in each of the states `COUNTED`, zeros included."""

    def read(session: Session) -> dict[tuple[JobKind, JobState], int]:
        rows = session.exec(
            select(JobRow.kind, JobRow.state, func.count())
            .where(col(JobRow.state).in_([state.value for state in COUNTED]))
            .group_by(col(JobRow.kind), col(JobRow.state))
        )
        found = {(JobKind(kind), JobState(state)): number for kind, state, number in rows}
        return {(kind, state): found.get((kind, state), 0) for kind in JobKind for state in COUNTED}

    return await db.read(read)


async def keep_counting(db: Database) -> None:
    """Set the gauge anew every fifteen seconds until cancelled; a database that is down leaves it as it was."""
    while True:
        try:
            for (kind, state), number in (await count(db)).items():
                metrics.JOBS_IN_QUEUE.labels(kind.value, state.value).set(number)
        except MemsvcError as error:
            log.warning("metrics.backlog_unknown", reason=error.reason)
        await asyncio.sleep(REFRESH_SECONDS)

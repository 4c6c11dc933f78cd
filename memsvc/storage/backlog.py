"""How many jobs are in the queue, over all spaces: for the metrics, which name none of them."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import func
from sqlmodel import Session, col, select

from memsvc import metrics
from memsvc.errors import MemsvcError
from memsvc.storage.database import Database
from memsvc.storage.tables import BACKFILL, JobRow
from memsvc.types import JobKind, JobState

log = structlog.get_logger(__name__)

REFRESH_SECONDS = 15.0
COUNTED = (JobState.QUEUED, JobState.RUNNING, JobState.FAILED)
"""Jobs that wait or run, and those that an operator should look at."""


async def count(db: Database) -> dict[tuple[JobKind, JobState, bool], int]:
    """Return the number of jobs of every kind, in each of the states `COUNTED`, urgent ones and others; zeros too."""

    def read(session: Session) -> dict[tuple[JobKind, JobState, bool], int]:
        rows = session.exec(
            select(JobRow.kind, JobRow.state, JobRow.priority, func.count())
            .where(col(JobRow.state).in_([state.value for state in COUNTED]))
            .group_by(col(JobRow.kind), col(JobRow.state), col(JobRow.priority))
        )
        found = {(kind, state, urgent): 0 for kind in JobKind for state in COUNTED for urgent in (True, False)}
        for kind, state, priority, number in rows:
            found[JobKind(kind), JobState(state), priority < BACKFILL] += number
        return found

    return await db.read(read)


async def keep_counting(db: Database) -> None:
    """Set the gauge anew every fifteen seconds until cancelled; a database that is down leaves it as it was."""
    while True:
        try:
            for (kind, state, urgent), number in (await count(db)).items():
                metrics.JOBS_IN_QUEUE.labels(kind.value, state.value, metrics.urgency(urgent)).set(number)
        except MemsvcError as error:
            log.warning("metrics.backlog_unknown", reason=error.reason)
        await asyncio.sleep(REFRESH_SECONDS)

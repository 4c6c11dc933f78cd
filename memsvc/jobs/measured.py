"""Handlers that tell the metrics how their attempts end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from memsvc import metrics
from memsvc.errors import LeaseLost, Unavailable
from memsvc.jobs.handlers import Handler, Progress
from memsvc.types import Job, JobKind, JobSummary, utc_now


class MeasuredHandler:
    """Runs a handler, and counts waits, durations and outcomes.

    Outcomes: `done`; `unfinished`, the rest of the work is queued again; `waiting` for a part that is down; `failed`;
    `stopped`, by a caller, a drain, or a lease that was lost.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def __call__(self, job: Job, progress: Progress) -> Any:
        """Return and raise what the handler does."""
        if job.attempt == 1 and job.summary is None:  # one that gave way has been waited for already
            waited = (utc_now() - job.create_time).total_seconds()
            metrics.JOB_WAIT.labels(job.kind.value, metrics.urgency(job.urgent)).observe(max(0.0, waited))
        begin = time.monotonic()
        outcome = "failed"
        try:
            result = await self._handler(job, progress)
            outcome = "done" if isinstance(result, JobSummary) else "unfinished"
        except (asyncio.CancelledError, LeaseLost):
            outcome = "stopped"
            raise
        except Unavailable:
            outcome = "waiting"
            raise
        finally:
            metrics.JOB_RUN.labels(job.kind.value).observe(time.monotonic() - begin)
            metrics.JOBS.labels(job.kind.value, outcome).inc()
        return result


def measured(handlers: Mapping[JobKind, Handler]) -> Mapping[JobKind, Handler]:
    """The same handlers, measured."""
    return {kind: MeasuredHandler(handler) for kind, handler in handlers.items()}

"""Jobs that are done a part at a time, so that no slot of a worker is one job's for hours."""

from __future__ import annotations

import time
from dataclasses import dataclass

from memsvc.types import Job, JobSummary

STINT_SECONDS = 1.0
"""How long a job goes on, in whole batches, before it gives way.

Others wait for it about as long as for a window of a session. Each further stint costs a claim, which takes up to a
tenth of a second on a busy machine: too much for each batch of a job whose batches are short.
"""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A job that gives way to others before it goes on."""

    summary: JobSummary
    """What was done so far; the next attempt finds it in `Job.summary`."""


class Stint:
    """The time that an attempt at a job may take before it gives way: one batch, if the attempt before was lost.

    A job that gets on counts its attempts afresh, so one whose workers die young is not taken to be what kills them.
    """

    def __init__(self, job: Job, seconds: float) -> None:
        self._end = time.monotonic() + (seconds if job.attempt <= 1 else 0.0)

    @property
    def is_over(self) -> bool:
        """Whether others should have their turn."""
        return time.monotonic() >= self._end


def share(job: Job, batch: int) -> int:
    """How much of a batch to do at once: less with each attempt that was lost, at least one."""
    return max(1, batch // max(1, job.attempt))

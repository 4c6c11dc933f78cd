"""Waiting for a job to end, bounded by the caller's deadline."""

from __future__ import annotations

import asyncio

from memsvc.errors import DeadlineExceeded, FailedPrecondition, InvalidInput, NotFound, Reason, Violation
from memsvc.ports import JobQueue
from memsvc.rpc.admission import Admission, shutting_down
from memsvc.rpc.call import Call
from memsvc.rpc.encode import ending_error
from memsvc.rpc.names import operation_name
from memsvc.rpc.tokens import parse_consistency_token
from memsvc.types import Job, JobState, SpaceKey

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.25
MARGIN = 0.1
"""Seconds before the deadline at which a wait answers, so that the answer arrives."""


class JobWaiter:
    """Looks at a job until it ends; no longer than the call may take, nor than the server serves."""

    def __init__(self, jobs: JobQueue, admission: Admission) -> None:
        self._jobs = jobs
        self._admission = admission

    async def until_ended(self, call: Call, space: SpaceKey, job_id: str) -> Job:
        """Return the job once it ended, or as it stands shortly before the deadline.

        Raises:
            NotFound: OPERATION_NOT_FOUND.
            Unavailable: SHUTTING_DOWN.
        """
        pause = FIRST_PAUSE
        while True:
            job = await self._jobs.get(space, job_id)
            remaining = call.remaining()
            left = LONGEST_PAUSE if remaining is None else remaining - MARGIN
            if job.state.ended or left <= 0:
                return job
            if self._admission.draining():
                raise shutting_down()
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE)

    async def until_consistent(self, call: Call, space: SpaceKey, token: str) -> None:
        """Return once the write that `token` came from is searchable; at once for an empty token.

        Raises:
            InvalidInput: CONSISTENCY_TOKEN_INVALID.
            FailedPrecondition: WRITE_FAILED; the write will not become searchable by itself.
            DeadlineExceeded: it was not yet searchable when the deadline neared.
        """
        for job_id in parse_consistency_token(token) if token else ():
            await self._until_searchable(call, space, job_id)

    async def _until_searchable(self, call: Call, space: SpaceKey, job_id: str) -> None:
        try:
            job = await self.until_ended(call, space, job_id)
        except NotFound as error:
            if error.reason is not Reason.OPERATION_NOT_FOUND:
                raise
            violation = Violation("consistency_token", "does not come from a write to this space")
            raise InvalidInput([violation], reason=Reason.CONSISTENCY_TOKEN_INVALID) from None
        name = operation_name(space.space, job_id)
        if not job.state.ended:
            raise DeadlineExceeded(
                f"the write is not searchable yet; {name} is {job.state}", metadata={"operation": name}
            )
        if job.state is not JobState.SUCCEEDED:
            raise _write_failed(job, name)


def _write_failed(job: Job, name: str) -> FailedPrecondition:
    error = ending_error(job)
    return FailedPrecondition(
        f"the write is stored but not searchable: {name} ended with {error.reason}",
        reason=Reason.WRITE_FAILED,
        metadata={"operation": name, "operation_reason": error.reason},
    )

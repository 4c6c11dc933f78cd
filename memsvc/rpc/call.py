"""Who is calling, and how long they will wait. The tenant comes from the credential and from nowhere else."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass

from memsvc.types import KeyRole, SpaceKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One RPC in progress."""

    request_id: str
    method: str
    """Full name, `/memsvc.v1.MemoryService/Query`."""
    tenant: str = ""
    actor: str = ""
    """Id of the API key; written into change logs."""
    role: KeyRole | None = None
    deadline: float | None = None
    """On the clock of `time.monotonic`; None: the call has none."""

    def space(self, space_id: str) -> SpaceKey:
        """The caller's space of that id."""
        return SpaceKey(self.tenant, space_id)

    def remaining(self) -> float | None:
        """Seconds until the deadline, None without one."""
        return None if self.deadline is None else self.deadline - time.monotonic()


CURRENT: ContextVar[Call] = ContextVar("call")
"""The call that the running task serves; set by the interceptor, read where servicers are called."""

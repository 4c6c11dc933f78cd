"""The errors of the client.

MemsvcError
├── InvalidArgument      a field is wrong; carries one violation per field (also a ValueError)
├── NotFound
├── Conflict             the id stands for another content, or somebody else changed it first
├── FailedPrecondition
├── Unauthenticated
├── PermissionDenied
├── ResourceExhausted
├── Unavailable          the service, or a part of it, is down; the client retried already
├── DeadlineExceeded
├── Cancelled
├── Unimplemented
├── Internal
└── OperationFailed      an operation that was waited for failed or was cancelled

`reason` is the service's machine-readable name of what happened; branch on it or on the class, never on the
text. Where no server answered (connection refused, a proxy in between) it is the name of the gRPC code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import grpc

from memsvc_client.status import TRAILER, Details, Violation, decode


class MemsvcError(Exception):
    """Base of everything this client raises on purpose.

    `metadata` are short facts for machines, `request_id` is what the server logged the call under (if it said).
    """

    code = grpc.StatusCode.UNKNOWN

    def __init__(
        self, message: str, *, details: Details | None = None, code: grpc.StatusCode | None = None, reason: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.details = details or Details()
        self.reason = reason or self.details.reason or self.code.name

    @property
    def metadata(self) -> dict[str, str]:
        """Facts such as the names or limits concerned."""
        return self.details.metadata

    @property
    def request_id(self) -> str:
        """The server's id of the call, empty when none was sent."""
        return self.details.request_id

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


class InvalidArgument(MemsvcError, ValueError):
    """The caller's input is wrong; nothing was changed. Also raised here, before any call is made."""

    code = grpc.StatusCode.INVALID_ARGUMENT

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What is wrong, one entry per field."""
        return self.details.violations


class NotFound(MemsvcError):
    """The named resource does not exist for this credential."""

    code = grpc.StatusCode.NOT_FOUND


class Conflict(MemsvcError):
    """The same id stands for another content, or the etag is stale."""

    code = grpc.StatusCode.ALREADY_EXISTS


class FailedPrecondition(MemsvcError):
    """The request is well-formed, but the system is not in a state for it."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class Unauthenticated(MemsvcError):
    """No API key, or one that is unknown or revoked."""

    code = grpc.StatusCode.UNAUTHENTICATED


class PermissionDenied(MemsvcError):
    """The API key does not allow this call."""

    code = grpc.StatusCode.PERMISSION_DENIED


class ResourceExhausted(MemsvcError):
    """A limit was reached; `retry_after` says when to try again, if the server said."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait."""
        return self.details.retry_after


class Unavailable(MemsvcError):
    """The service, or a part the request needs, is down."""

    code = grpc.StatusCode.UNAVAILABLE

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait, if the server said."""
        return self.details.retry_after


class DeadlineExceeded(MemsvcError):
    """The timeout passed. A write may still have taken effect; repeat it with the same `request_id`."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED


class Cancelled(MemsvcError):
    """The call was cancelled by the server or by closing the client."""

    code = grpc.StatusCode.CANCELLED


class Unimplemented(MemsvcError):
    """The server does not offer this method."""

    code = grpc.StatusCode.UNIMPLEMENTED


class Internal(MemsvcError):
    """The server failed in a way it did not foresee."""

    code = grpc.StatusCode.INTERNAL


class OperationFailed(MemsvcError):
    """An operation ended without success; `operation` is its last state."""

    def __init__(self, message: str, *, reason: str, operation: Any) -> None:
        super().__init__(message, reason=reason)
        self.operation = operation


_BY_CODE: dict[grpc.StatusCode, type[MemsvcError]] = {
    grpc.StatusCode.ABORTED: Conflict,
    grpc.StatusCode.OUT_OF_RANGE: InvalidArgument,
    grpc.StatusCode.DATA_LOSS: Internal,
    grpc.StatusCode.UNKNOWN: Internal,
} | {
    kind.code: kind
    for kind in (
        InvalidArgument, NotFound, Conflict, FailedPrecondition, Unauthenticated, PermissionDenied,
        ResourceExhausted, Unavailable, DeadlineExceeded, Cancelled, Unimplemented, Internal,
    )
}  # fmt: skip


class FailedCall(Protocol):
    """What both kinds of failed gRPC calls offer."""

    def code(self) -> grpc.StatusCode:
        """The status code."""
        ...

    def details(self) -> str | None:
        """The status text."""
        ...

    def trailing_metadata(self) -> Iterable[Any] | None:
        """Trailing metadata."""
        ...


def from_call(call: FailedCall) -> MemsvcError:
    """Turn a failed gRPC call into the error of its code, with everything the server said about it."""
    trailers = dict(call.trailing_metadata() or ())
    raw = trailers.get(TRAILER)
    details = decode(raw if isinstance(raw, bytes) else None)
    code = call.code()
    return _BY_CODE.get(code, MemsvcError)(call.details() or code.name, details=details, code=code)


def invalid(field: str, description: str) -> InvalidArgument:
    """Return the error of one wrong argument, found before any call."""
    return invalid_fields([Violation(field, description)])


def invalid_fields(violations: Sequence[Violation], details: Details | None = None) -> InvalidArgument:
    """Return the error of several wrong arguments, found before any call or told by the server's `details`."""
    message = "; ".join(f"{v.field}: {v.description}" for v in violations)
    told = replace(details or Details(reason="INVALID_FIELD"), violations=tuple(violations))
    return InvalidArgument(message, details=told)

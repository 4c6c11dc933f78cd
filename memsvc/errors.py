"""The error tree.

MemsvcError
├── InvalidInput         a field is wrong; carries one violation per field
├── NotFound
├── Conflict             exists already, with another content
├── StaleEtag            somebody else changed it first
├── FailedPrecondition
├── Unauthenticated
├── PermissionDenied
├── ResourceExhausted
├── Unavailable          a part is down; try again
│   └── ModelUnavailable     the language model is out of reach, failing, or its circuit is open
│       ├── ModelRateLimited     its endpoint asks to slow down
│       └── ModelBudgetSpent     the space has used up its tokens of the day
├── ModelUnusable        the language model answered, and the answer cannot be used
│   ├── ModelRefused         it would not answer
│   ├── ModelMalformed       no JSON, or not of the schema
│   └── ModelTruncated       the question or the answer is longer than it takes
├── DeadlineExceeded
├── NotImplementedYet    belongs to a later release
├── LeaseLost            another worker took the job over
├── TurnsDeleted         what was compressed was deleted meanwhile
└── Corrupt              stored data or model files are damaged

Every error has a `Reason`, the machine-readable name that callers may branch on; `rpc/errors.py` maps
each class to its gRPC code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from memsvc.types import ModelUsage


class Reason(StrEnum):
    """Machine-readable reasons, as they stand in `google.rpc.ErrorInfo.reason`. Never renamed."""

    INVALID_FIELD = "INVALID_FIELD"
    MALFORMED_STREAM = "MALFORMED_STREAM"
    PAGE_TOKEN_INVALID = "PAGE_TOKEN_INVALID"
    RESUME_TOKEN_INVALID = "RESUME_TOKEN_INVALID"
    CONSISTENCY_TOKEN_INVALID = "CONSISTENCY_TOKEN_INVALID"
    SPACE_NOT_FOUND = "SPACE_NOT_FOUND"
    MEMORY_NOT_FOUND = "MEMORY_NOT_FOUND"
    OPERATION_NOT_FOUND = "OPERATION_NOT_FOUND"
    KEY_NOT_FOUND = "KEY_NOT_FOUND"
    SPACE_EXISTS = "SPACE_EXISTS"
    TURN_ID_CONFLICT = "TURN_ID_CONFLICT"
    REQUEST_ID_CONFLICT = "REQUEST_ID_CONFLICT"
    STREAM_SEQUENCE_CONFLICT = "STREAM_SEQUENCE_CONFLICT"
    ETAG_MISMATCH = "ETAG_MISMATCH"
    SPACE_NOT_EMPTY = "SPACE_NOT_EMPTY"
    DEFAULT_SPACE = "DEFAULT_SPACE"
    OPERATION_ENDED = "OPERATION_ENDED"
    OPERATION_NOT_FAILED = "OPERATION_NOT_FAILED"
    WRITE_FAILED = "WRITE_FAILED"
    LLM_NOT_CONFIGURED = "LLM_NOT_CONFIGURED"
    SCHEMA_OUTDATED = "SCHEMA_OUTDATED"
    INDEX_IN_USE = "INDEX_IN_USE"
    INDEX_MISMATCH = "INDEX_MISMATCH"
    EMBEDDINGS_CHANGING = "EMBEDDINGS_CHANGING"
    CONSOLIDATION_RUNNING = "CONSOLIDATION_RUNNING"
    CREDENTIAL_MISSING = "CREDENTIAL_MISSING"
    CREDENTIAL_INVALID = "CREDENTIAL_INVALID"
    ROLE_FORBIDDEN = "ROLE_FORBIDDEN"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    DATABASE_UNAVAILABLE = "DATABASE_UNAVAILABLE"
    INDEX_UNAVAILABLE = "INDEX_UNAVAILABLE"
    EMBEDDER_UNAVAILABLE = "EMBEDDER_UNAVAILABLE"
    LLM_UNAVAILABLE = "LLM_UNAVAILABLE"
    LLM_RATE_LIMITED = "LLM_RATE_LIMITED"
    LLM_BUDGET_SPENT = "LLM_BUDGET_SPENT"
    LLM_REFUSED = "LLM_REFUSED"
    LLM_MALFORMED = "LLM_MALFORMED"
    LLM_TRUNCATED = "LLM_TRUNCATED"
    ALL_VIEWS_FAILED = "ALL_VIEWS_FAILED"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    LEASE_LOST = "LEASE_LOST"
    TURNS_DELETED = "TURNS_DELETED"
    CHECKSUM_MISMATCH = "CHECKSUM_MISMATCH"
    CANCELLED = "CANCELLED"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong with one field: its path (`turns[3].content`), what was wrong, what is allowed."""

    field: str
    description: str


class MemsvcError(Exception):
    """Base of everything the service raises on purpose.

    `metadata` are short key-value facts for machines; they never hold text from turns.
    """

    default_reason = Reason.INTERNAL

    def __init__(
        self, message: str, *, reason: Reason | None = None, metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.default_reason
        self.metadata = dict(metadata or {})


class InvalidInput(MemsvcError):
    """The caller's input is wrong. Nothing was changed."""

    default_reason = Reason.INVALID_FIELD

    def __init__(
        self,
        violations: Sequence[Violation],
        *,
        reason: Reason | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.violations = tuple(violations)
        super().__init__(
            "; ".join(f"{v.field}: {v.description}" for v in self.violations[:3]) or "invalid input",
            reason=reason,
            metadata=metadata,
        )


class NotFound(MemsvcError):
    """The named resource does not exist in the caller's tenant."""

    default_reason = Reason.MEMORY_NOT_FOUND


class Conflict(MemsvcError):
    """The same id already stands for another content."""

    default_reason = Reason.REQUEST_ID_CONFLICT


class StaleEtag(MemsvcError):
    """The resource was changed since the caller read it; read it again, then retry."""

    default_reason = Reason.ETAG_MISMATCH


class FailedPrecondition(MemsvcError):
    """The request is well-formed but the system is not in a state for it."""

    default_reason = Reason.LLM_NOT_CONFIGURED


class Unauthenticated(MemsvcError):
    """No credential, or one that is unknown or revoked."""

    default_reason = Reason.CREDENTIAL_MISSING


class PermissionDenied(MemsvcError):
    """The credential does not allow this method."""

    default_reason = Reason.ROLE_FORBIDDEN


class ResourceExhausted(MemsvcError):
    """A limit of the server was reached; try again later."""

    default_reason = Reason.TOO_MANY_REQUESTS


class Unavailable(MemsvcError):
    """A part the request needs is down; retry after `retry_after` seconds."""

    default_reason = Reason.INDEX_UNAVAILABLE

    def __init__(
        self,
        message: str,
        *,
        reason: Reason | None = None,
        metadata: Mapping[str, str] | None = None,
        retry_after: float = 1.0,
    ) -> None:
        super().__init__(message, reason=reason, metadata=metadata)
        self.retry_after = retry_after


class ModelUnavailable(Unavailable):
    """The language model is out of reach, failing, misconfigured, or was too often for now."""

    default_reason = Reason.LLM_UNAVAILABLE


class ModelRateLimited(ModelUnavailable):
    """The endpoint of the language model asks to slow down."""

    default_reason = Reason.LLM_RATE_LIMITED


class ModelBudgetSpent(ModelUnavailable):
    """The space has used up its tokens of the day; `retry_after` is the rest of the day."""

    default_reason = Reason.LLM_BUDGET_SPENT


class ModelUnusable(MemsvcError):
    """The language model answered, and the answer cannot be used; the same question may well fail again.

    `usage` is what the answer cost all the same.
    """

    default_reason = Reason.LLM_MALFORMED

    def __init__(
        self,
        message: str,
        *,
        reason: Reason | None = None,
        metadata: Mapping[str, str] | None = None,
        usage: ModelUsage | None = None,
    ) -> None:
        super().__init__(message, reason=reason, metadata=metadata)
        self.usage = usage or ModelUsage()


class ModelRefused(ModelUnusable):
    """The language model would not answer."""

    default_reason = Reason.LLM_REFUSED


class ModelMalformed(ModelUnusable):
    """The answer is no JSON, or not of the schema that was asked for."""


class ModelTruncated(ModelUnusable):
    """The question is longer than the model takes, or the answer was cut short."""

    default_reason = Reason.LLM_TRUNCATED


class DeadlineExceeded(MemsvcError):
    """The caller's deadline passed before the work was done."""

    default_reason = Reason.DEADLINE_EXCEEDED


class NotImplementedYet(MemsvcError):
    """The method is part of the API but not of this release."""

    default_reason = Reason.NOT_IMPLEMENTED


class LeaseLost(MemsvcError):
    """The job's lease ran out and another worker may have it; nothing was written."""

    default_reason = Reason.LEASE_LOST


class TurnsDeleted(MemsvcError):
    """A turn that a compression read was deleted before it was committed; nothing was written."""

    default_reason = Reason.TURNS_DELETED


class Corrupt(MemsvcError):
    """Stored data or model files are damaged and were not used."""

    default_reason = Reason.CHECKSUM_MISMATCH

"""The one place where errors become gRPC codes and `google.rpc.Status` details."""

from __future__ import annotations

from collections.abc import Iterable

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from memsvc import errors
from memsvc.errors import InvalidInput, MemsvcError, Reason, ResourceExhausted, Unavailable, Violation

DOMAIN = "memsvc"
STATUS_TRAILER = "grpc-status-details-bin"
MAX_DETAIL_BYTES = 4_096
"""Room for violations: a client's HTTP/2 stack takes 8 KiB of trailers, of which base64 costs a third."""
MAX_MESSAGE = 512
"""Length of the message; it travels twice, percent-encoded once."""
RETRY_SECONDS = 1.0

CODES: dict[type[MemsvcError], grpc.StatusCode] = {
    errors.InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.Conflict: grpc.StatusCode.ALREADY_EXISTS,
    errors.StaleEtag: grpc.StatusCode.ABORTED,
    errors.FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.ResourceExhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.ModelUnusable: grpc.StatusCode.FAILED_PRECONDITION,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.NotImplementedYet: grpc.StatusCode.UNIMPLEMENTED,
    errors.LeaseLost: grpc.StatusCode.ABORTED,
    errors.TurnsDeleted: grpc.StatusCode.ABORTED,
    errors.Corrupt: grpc.StatusCode.DATA_LOSS,
}

FAILURE_CODES: dict[str, grpc.StatusCode] = {
    Reason.DATABASE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Reason.INDEX_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Reason.EMBEDDER_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Reason.LLM_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Reason.LLM_RATE_LIMITED: grpc.StatusCode.UNAVAILABLE,
    Reason.LLM_BUDGET_SPENT: grpc.StatusCode.UNAVAILABLE,
    Reason.LLM_REFUSED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.LLM_MALFORMED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.LLM_TRUNCATED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.ALL_VIEWS_FAILED: grpc.StatusCode.UNAVAILABLE,
    Reason.SHUTTING_DOWN: grpc.StatusCode.UNAVAILABLE,
    Reason.DEADLINE_EXCEEDED: grpc.StatusCode.DEADLINE_EXCEEDED,
    Reason.CANCELLED: grpc.StatusCode.CANCELLED,
    Reason.CHECKSUM_MISMATCH: grpc.StatusCode.DATA_LOSS,
    Reason.SPACE_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.INVALID_FIELD: grpc.StatusCode.INVALID_ARGUMENT,
}
"""Codes of failures that are told inside a response: of an operation, of one view."""


def code_of(error: MemsvcError) -> grpc.StatusCode:
    """The gRPC code of an error's class, or of the nearest class it derives from."""
    return next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), grpc.StatusCode.INTERNAL)


def failure_code(reason: str) -> int:
    """The `google.rpc.Code` number of a failure told by its reason."""
    return code_number(FAILURE_CODES.get(reason, grpc.StatusCode.INTERNAL))


def code_number(code: grpc.StatusCode) -> int:
    """The `google.rpc.Code` number of a gRPC code."""
    number: int = code.value[0]
    return number


def status_of(error: MemsvcError, request_id: str) -> status_pb2.Status:
    """The `google.rpc.Status` of an error: reason, violations, when to retry, and the request's id."""
    metadata = dict(error.metadata)
    details: list[Message] = []
    if isinstance(error, InvalidInput):
        shown = list(_fitting(error.violations))
        details.append(_bad_request(shown))
        if len(shown) < len(error.violations):
            metadata["violations_left_out"] = str(len(error.violations) - len(shown))
    if isinstance(error, Unavailable | ResourceExhausted):
        details.append(_retry_info(error.retry_after if isinstance(error, Unavailable) else RETRY_SECONDS))
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata)
    details = [info, *details, error_details_pb2.RequestInfo(request_id=request_id)]
    return status_pb2.Status(
        code=code_number(code_of(error)), message=error.message[:MAX_MESSAGE], details=[_packed(d) for d in details]
    )


def internal_status(request_id: str) -> status_pb2.Status:
    """The status of an error nobody foresaw; it says nothing but the id it was logged under."""
    error = MemsvcError(f"internal error; the server logged it under request id {request_id}", reason=Reason.INTERNAL)
    return status_of(error, request_id)


def _fitting(violations: Iterable[Violation]) -> Iterable[Violation]:
    room = MAX_DETAIL_BYTES
    for violation in violations:
        room -= len(violation.field.encode()) + len(violation.description.encode()) + 8
        if room < 0:
            return
        yield violation


def _bad_request(violations: Iterable[Violation]) -> Message:
    rows = [
        error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)
        for violation in violations
    ]
    message: Message = error_details_pb2.BadRequest(field_violations=rows)
    return message


def _retry_info(seconds: float) -> Message:
    info = error_details_pb2.RetryInfo()
    info.retry_delay.FromNanoseconds(int(seconds * 1e9))
    message: Message = info
    return message


def _packed(detail: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed

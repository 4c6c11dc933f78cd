"""Errors as `google.rpc.Status`."""

from __future__ import annotations

import grpc
from google.rpc import error_details_pb2

from memsvc import errors
from memsvc.errors import InvalidInput, MemsvcError, Unavailable, Violation
from memsvc.rpc.errors import CODES, code_of, failure_code, internal_status, status_of


def test_every_class_has_a_code() -> None:
    assert set(CODES) == set(MemsvcError.__subclasses__())


def test_subclasses_inherit_their_code() -> None:
    class Special(errors.NotFound):
        pass

    assert code_of(Special("x")) is grpc.StatusCode.NOT_FOUND
    assert code_of(MemsvcError("x")) is grpc.StatusCode.INTERNAL


def test_details_in_order() -> None:
    status = status_of(Unavailable("down", metadata={"part": "index"}, retry_after=2.5), "id-1")
    info, retry, request = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.RetryInfo(),
        error_details_pb2.RequestInfo(),
    )
    assert [d.Unpack(m) for d, m in zip(status.details, (info, retry, request), strict=True)] == [True] * 3
    assert (info.reason, info.domain, dict(info.metadata)) == ("INDEX_UNAVAILABLE", "memsvc", {"part": "index"})
    assert (retry.retry_delay.seconds, retry.retry_delay.nanos) == (2, 500_000_000)
    assert request.request_id == "id-1"
    assert status.code == 14


def test_violations_are_cut_to_what_a_trailer_holds() -> None:
    error = InvalidInput([Violation(f"turns[{n}].content", "is empty") for n in range(5_000)])
    status = status_of(error, "id")
    assert status.ByteSize() < 5_500
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(bad)
    assert len(bad.field_violations) + int(info.metadata["violations_left_out"]) == 5_000


def test_internal_errors_tell_the_request_id_only() -> None:
    status = internal_status("id-1")
    assert status.code == 13
    assert "id-1" in status.message


def test_failures_inside_responses() -> None:
    assert failure_code("INDEX_UNAVAILABLE") == 14
    assert failure_code("CANCELLED") == 1
    assert failure_code("SOMETHING_ELSE") == 13

"""Reads the `google.rpc.Status` that a failed call carries in `grpc-status-details-bin`.

The few `google.rpc` messages needed are declared here with their published field numbers, in a descriptor
pool of their own: no further dependency, and no clash with `googleapis-common-protos` where it is installed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from google.protobuf import message
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

TRAILER = "grpc-status-details-bin"

_KINDS = {
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
}

# Message -> field -> (number, type, repeated). `Duration` and `Any` are the well-known types' layouts; a map
# is a repeated entry on the wire.
_MESSAGES: dict[str, dict[str, tuple[int, str, bool]]] = {
    "Any": {"type_url": (1, "string", False), "value": (2, "bytes", False)},
    "Duration": {"seconds": (1, "int64", False), "nanos": (2, "int32", False)},
    "Status": {"code": (1, "int32", False), "message": (2, "string", False), "details": (3, "Any", True)},
    "Entry": {"key": (1, "string", False), "value": (2, "string", False)},
    "ErrorInfo": {"reason": (1, "string", False), "domain": (2, "string", False), "metadata": (3, "Entry", True)},
    "FieldViolation": {"field": (1, "string", False), "description": (2, "string", False)},
    "BadRequest": {"field_violations": (1, "FieldViolation", True)},
    "RetryInfo": {"retry_delay": (1, "Duration", False)},
    "RequestInfo": {"request_id": (1, "string", False)},
}


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong with one field: its path, such as `turns[3].content`, and what is allowed."""

    field: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What a failed call says beyond its code; everything is empty when the server sent no details."""

    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    retry_after: float | None = None
    """Seconds to wait before the next try, where the server named them."""
    request_id: str = ""


def decode(raw: bytes | None) -> Details:
    """Read a serialized `google.rpc.Status`; unknown details are skipped, damaged ones give empty `Details`."""
    try:
        return _details(_CLASSES["Status"].FromString(raw)) if raw else Details()
    except message.DecodeError:
        return Details()  # a proxy's bytes: the code and text of the call still stand


def _details(status: Any) -> Details:
    found = {name: _CLASSES[name]() for name in ("ErrorInfo", "BadRequest", "RetryInfo", "RequestInfo")}
    for detail in status.details:
        name = detail.type_url.rpartition("google.rpc.")[2]
        if name in found:
            found[name].ParseFromString(detail.value)
    info, retry = found["ErrorInfo"], found["RetryInfo"]
    delay = retry.retry_delay
    return Details(
        reason=info.reason,
        metadata={entry.key: entry.value for entry in info.metadata},
        violations=tuple(Violation(v.field, v.description) for v in found["BadRequest"].field_violations),
        retry_after=delay.seconds + delay.nanos / 1e9 if retry.HasField("retry_delay") else None,
        request_id=found["RequestInfo"].request_id,
    )


def _field(name: str, number: int, kind: str, repeated: bool) -> FieldDescriptorProto:
    label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
    declared = FieldDescriptorProto(name=name, number=number, label=label)
    if kind in _KINDS:
        declared.type = _KINDS[kind]
    else:
        declared.type = FieldDescriptorProto.TYPE_MESSAGE
        declared.type_name = f".memsvc_client.rpc.{kind}"
    return declared


def _classes() -> dict[str, Any]:
    file = FileDescriptorProto(name="memsvc_client/rpc.proto", package="memsvc_client.rpc", syntax="proto3")
    for name, fields in _MESSAGES.items():
        file.message_type.append(DescriptorProto(name=name, field=[_field(key, *spec) for key, spec in fields.items()]))
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return {name: GetMessageClass(pool.FindMessageTypeByName(f"memsvc_client.rpc.{name}")) for name in _MESSAGES}


_CLASSES = _classes()

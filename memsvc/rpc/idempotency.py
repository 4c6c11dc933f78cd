"""What makes a write with a `request_id` idempotent."""

from __future__ import annotations

import hashlib

from google.protobuf.message import Message

from memsvc.ingest.violations import Violations
from memsvc.types import IngestRequestId


def write_id(request: Message, request_id: str, violations: Violations) -> IngestRequestId | None:
    """The request id with a digest of everything else in the request; None when the caller gave none."""
    found = violations.uuid("request_id", request_id)
    if not found:
        return None
    bare = type(request)()
    bare.CopyFrom(request)
    bare.ClearField("request_id")
    packed = request.DESCRIPTOR.full_name.encode() + b"\x1f" + bare.SerializeToString(deterministic=True)
    return IngestRequestId(found, hashlib.blake2b(packed, digest_size=16).hexdigest())

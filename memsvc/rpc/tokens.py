"""Opaque tokens: of pages, of watches, of writes. Each is bound to what it was made for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import NoReturn

from google.protobuf.message import Message

from memsvc.errors import InvalidInput, Reason, Violation
from memsvc.ingest.limits import MAX_CONSISTENCY_TOKEN, MAX_TOKEN, MAX_TURNS
from memsvc.ingest.violations import CONTROL, canonical_uuid
from memsvc.rpc.call import Call

MAX_SEQUENCE = 2**63 - 1


def listing(call: Call, request: Message) -> str:
    """Digest of what a page token is bound to: tenant, method and every field but the page's own."""
    bare = type(request)()
    bare.CopyFrom(request)
    for field in ("page_size", "page_token"):
        bare.ClearField(field)
    return _digest(call.tenant, call.method, bare.SerializeToString(deterministic=True).hex())


def page_token(binding: str, cursor: str | None) -> str:
    """The token of the page that starts at `cursor`; empty after the last page."""
    return "" if cursor is None else _encode({"b": binding, "c": cursor})


def parse_page_token(binding: str, token: str) -> str | None:
    """The cursor of a page token, None for the first page.

    Raises:
        InvalidInput: PAGE_TOKEN_INVALID for a token that was not made for this listing.
    """
    if not token:
        return None
    content = _decode(token)
    cursor = content.get("c")
    if not isinstance(cursor, str) or CONTROL.search(cursor):
        _refuse("page_token", "is not a token of this service", Reason.PAGE_TOKEN_INVALID)
    if content.get("b") != binding:
        _refuse("page_token", "was made for another listing; repeat the same filter", Reason.PAGE_TOKEN_INVALID)
    return cursor


def resume_token(call: Call, space_id: str, sequence: int) -> str:
    """The token that resumes a watch of a space after `sequence`."""
    return _encode({"b": _digest(call.tenant, "watch", space_id), "s": sequence})


def parse_resume_token(call: Call, space_id: str, token: str) -> int:
    """The sequence to resume after. Raises InvalidInput RESUME_TOKEN_INVALID."""
    content = _decode(token)
    sequence = content.get("s")
    if content.get("b") != _digest(call.tenant, "watch", space_id):
        _refuse("resume_token", "was not made by a watch of this space", Reason.RESUME_TOKEN_INVALID)
    if type(sequence) is not int or not 0 <= sequence <= MAX_SEQUENCE:
        _refuse("resume_token", "is not a token of this service", Reason.RESUME_TOKEN_INVALID)
    return sequence


def consistency_token(job_ids: Sequence[str]) -> str:
    """The token of a write that the jobs make searchable; empty when there is nothing to wait for."""
    return _encode({"j": list(job_ids)}) if job_ids else ""


def parse_consistency_token(token: str) -> tuple[str, ...]:
    """The ids of the jobs to wait for, 1 to `MAX_TURNS`. Raises InvalidInput CONSISTENCY_TOKEN_INVALID."""
    told = _decode(token, most=MAX_CONSISTENCY_TOKEN).get("j")
    job_ids = [canonical_uuid(job_id) if isinstance(job_id, str) else "" for job_id in _listed(told)]
    if not 1 <= len(job_ids) <= MAX_TURNS or not all(job_ids):
        _refuse("consistency_token", "is not a token of a write", Reason.CONSISTENCY_TOKEN_INVALID)
    return tuple(job_ids)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _refuse(field: str, description: str, reason: Reason) -> NoReturn:
    raise InvalidInput([Violation(field, description)], reason=reason)


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=12).hexdigest()


def _encode(content: dict[str, object]) -> str:
    packed = json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _decode(token: str, *, most: int = MAX_TOKEN) -> dict[str, object]:
    """The content of a token, empty for anything that is none or longer than `most`."""
    if len(token) > most:
        return {}
    try:
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        content = json.loads(packed)
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}

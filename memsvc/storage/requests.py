"""Requests with an id: answered once, then answered the same again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session

from memsvc.errors import Conflict, Reason
from memsvc.storage.tables import RequestRow
from memsvc.types import IngestRequestId, SpaceKey


def answered(session: Session, space: SpaceKey, method: str, request: IngestRequestId | None) -> dict[str, Any] | None:
    """Return what the request was answered, None for a new one. Raises Conflict REQUEST_ID_CONFLICT."""
    if request is None:
        return None
    row = session.get(RequestRow, (space.tenant, space.space, method, request.id))
    if row is None:
        return None
    if row.digest != request.digest:
        raise Conflict(
            "this request id was used with another body",
            reason=Reason.REQUEST_ID_CONFLICT,
            metadata={"request_id": request.id},
        )
    return row.response


def remember(
    session: Session,
    space: SpaceKey,
    method: str,
    request: IngestRequestId | None,
    response: dict[str, Any],
    now: datetime,
) -> None:
    """Keep the answer of a request, in the transaction that carries it out."""
    if request is None:
        return
    session.add(
        RequestRow(
            tenant=space.tenant,
            space=space.space,
            method=method,
            request_id=request.id,
            digest=request.digest,
            response=response,
            create_time=now,
        )
    )

"""API keys. A secret reads `msk_<key id>_<43 url-safe characters>` and only its digest is stored."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from memsvc.errors import NotFound, Reason
from memsvc.storage.cursors import invalid, page_of, text_at
from memsvc.storage.database import Database
from memsvc.storage.rows import key_of
from memsvc.storage.spaces import DEFAULT_SPACE, add_space
from memsvc.storage.tables import KeyRow, SpaceRow
from memsvc.types import Key, KeyRole, Page, SpaceKey, utc_now

_SECRET = re.compile(r"msk_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")


class SqlKeyStore:
    """Implements `ports.KeyStore`."""

    def __init__(self, db: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._db = db
        self._clock = clock

    async def create(self, tenant: str, display_name: str, role: KeyRole) -> tuple[Key, str]:
        """Create a key and, if the tenant has none, its `default` space; return the key and its secret."""
        key_id = secrets.token_hex(8)
        secret = f"msk_{key_id}_{secrets.token_urlsafe(32)}"

        def create(session: Session) -> Key:
            now = self._clock()
            if session.get(SpaceRow, (tenant, DEFAULT_SPACE)) is None:
                add_space(session, SpaceKey(tenant, DEFAULT_SPACE), "", now)
            row = KeyRow(
                id=key_id,
                tenant=tenant,
                display_name=display_name,
                role=role.value,
                digest=_digest(secret),
                create_time=now,
            )
            session.add(row)
            return key_of(row)

        return await self._db.write(create), secret

    async def authenticate(self, secret: str) -> Key | None:
        """Return the live key of a secret, None when unknown or revoked."""
        parts = _SECRET.fullmatch(secret)
        if parts is None:
            return None

        def find(session: Session) -> Key | None:
            row = session.get(KeyRow, parts[1])
            if row is None or row.revoke_time is not None or not hmac.compare_digest(row.digest, _digest(secret)):
                return None
            return key_of(row)

        return await self._db.read(find)

    async def page(self, tenant: str, *, limit: int, cursor: str | None = None) -> Page[Key]:
        """List a tenant's keys, oldest first, revoked ones included."""
        order = (col(KeyRow.create_time), col(KeyRow.id))

        def load(session: Session) -> Page[Key]:
            query = select(KeyRow).where(KeyRow.tenant == tenant).order_by(*order).limit(limit + 1)
            if cursor is not None:
                last = session.get(KeyRow, text_at(cursor))
                if last is None or last.tenant != tenant:
                    raise invalid()
                query = query.where(tuple_(*order) > tuple_(last.create_time, last.id))
            return page_of(session.exec(query).all(), limit, key_of, lambda row: (row.id,))

        return await self._db.read(load)

    async def revoke(self, tenant: str, key_id: str) -> Key:
        """Revoke a key; a revoked one stays as it is. Raises NotFound KEY_NOT_FOUND."""

        def revoke(session: Session) -> Key:
            row = session.get(KeyRow, key_id, with_for_update=True)
            if row is None or row.tenant != tenant:
                raise NotFound(f"key {key_id!r} does not exist", reason=Reason.KEY_NOT_FOUND)
            row.revoke_time = row.revoke_time or self._clock()
            session.add(row)
            return key_of(row)

        return await self._db.write(revoke)

    async def is_empty(self) -> bool:
        """Whether no key was ever created."""
        return await self._db.read(lambda session: session.exec(select(KeyRow.id).limit(1)).first() is None)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

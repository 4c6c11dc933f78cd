"""Who a credential belongs to."""

from __future__ import annotations

from typing import Protocol

from memsvc.errors import Reason, Unauthenticated
from memsvc.ports import KeyStore
from memsvc.types import Key, KeyRole, utc_now

MAX_CREDENTIAL = 1_024
LOCAL_TENANT = "default"
LOCAL_ACTOR = "local"


class Authenticator(Protocol):
    """Turns the `authorization` metadata of a call into the key that was presented."""

    async def authenticate(self, authorization: str | None) -> Key:
        """Return the live key. Raises Unauthenticated."""
        ...


class KeyAuthenticator:
    """`authorization: Bearer <secret>`, looked up at each call, so that a revoked key ends at once."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys

    async def authenticate(self, authorization: str | None) -> Key:
        """Return the live key. Raises Unauthenticated."""
        if not authorization:
            raise Unauthenticated("no credential; send the metadata `authorization: Bearer <API key>`")
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer" or not secret or len(secret) > MAX_CREDENTIAL:
            raise Unauthenticated(
                "the credential is not of the form `Bearer <API key>`", reason=Reason.CREDENTIAL_INVALID
            )
        key = await self._keys.authenticate(secret.strip())
        if key is None:
            raise Unauthenticated("the API key is unknown or revoked", reason=Reason.CREDENTIAL_INVALID)
        return key


class LocalAuthenticator:
    """Everybody is the administrator of the tenant `default`; for servers that only this machine reaches."""

    async def authenticate(self, authorization: str | None) -> Key:
        """Return the one key there is, whatever was presented."""
        return Key(id=LOCAL_ACTOR, tenant=LOCAL_TENANT, display_name="local", role=KeyRole.ADMIN, create_time=utc_now())

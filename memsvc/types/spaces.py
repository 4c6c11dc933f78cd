"""Whose memories they are: tenants' spaces, scopes within them, keys."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from memsvc.types.language import ModelUsage

T = TypeVar("T")


def utc_now() -> datetime:
    """Return the wall clock as an aware UTC datetime."""
    return datetime.now(UTC)


class KeyRole(StrEnum):
    """What an API key may do."""

    AGENT = "agent"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class SpaceKey:
    """A space of a tenant: the unit of isolation. Nothing is ever read without one."""

    tenant: str
    space: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose memory it is. On reads an empty field matches everything."""

    user_id: str = ""
    agent_id: str = ""
    session_id: str = ""

    def __bool__(self) -> bool:
        return bool(self.user_id or self.agent_id or self.session_id)

    @property
    def owner(self) -> Scope:
        """Its user and agent, of whatever session: what consolidation works within."""
        return Scope(self.user_id, self.agent_id)

    @property
    def key(self) -> str:
        """32 hex digits that identify this exact scope; the unit of ordering and of turn ids."""
        packed = "\x1f".join((self.user_id, self.agent_id, self.session_id))
        return hashlib.blake2b(packed.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """An isolation boundary of a tenant."""

    key: SpaceKey
    display_name: str
    create_time: datetime
    update_time: datetime
    version: int
    time_zone: str = ""
    """Clock of turns and questions that come with none; see `zone_of`."""

    @property
    def etag(self) -> str:
        """Opaque version for optimistic concurrency."""
        return f"v{self.version}"


@dataclass(frozen=True, slots=True)
class UserSettings:
    """What is set for one end user of a space."""

    user_id: str
    time_zone: str = ""
    """As that of the space; empty means the space's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceStats:
    """Counts and sizes of one space. Token counts are cl100k_base."""

    turn_count: int
    pending_turn_count: int
    left_out_turn_count: int
    memory_count: int
    raw_token_count: int
    compressed_raw_token_count: int
    """Raw tokens of the turns that compression has finished with."""
    stored_token_count: int
    unindexed_memory_count: int
    pending_job_count: int
    failed_job_count: int
    oldest_pending_time: datetime | None
    unconsolidated_memory_count: int = 0
    llm_redo_turn_count: int = 0
    """Turns whose outcome is marked `LLM_FAILED`: a language model is still to compress them."""
    outdated_memory_count: int = 0
    """Memories that an earlier release worded, still to be replaced by the own words of their turns."""
    llm: ModelUsage = field(default_factory=lambda: ModelUsage())

    @property
    def compression_ratio(self) -> float:
        """Stored tokens over raw tokens of the compressed turns; 0 while there are none."""
        raw = self.compressed_raw_token_count
        return self.stored_token_count / raw if raw else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An API key, without its secret."""

    id: str
    tenant: str
    display_name: str
    role: KeyRole
    create_time: datetime
    revoke_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; `cursor` is where the next one starts, None on the last."""

    items: tuple[T, ...]
    cursor: str | None

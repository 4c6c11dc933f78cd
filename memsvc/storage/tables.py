"""The tables. Every row belongs to a space of a tenant and goes when the space goes."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from memsvc.storage.columns import Ordinal, UtcDateTime

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


URGENT = 0
BACKFILL = 5
"""From this `priority` of a job on nobody waits for it, and it can wait."""

OUTDATED = (
    "compressor = 'rules/1' AND (state IN ('active', 'left_out') OR (state = 'superseded' AND superseded_by <> ''))"
)
"""Whether a memory tells its turns in the words of an earlier release, or did until consolidation closed it."""

_JSON: Any = JSON(none_as_null=True)


class Row(SQLModel):
    """Base of all tables."""

    metadata = METADATA


def _of_space() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant", "space"], ["spaces.tenant", "spaces.name"], ondelete="CASCADE")


def _ordinal() -> Any:
    return Field(default=None, sa_column=Column(Ordinal, primary_key=True, autoincrement=True))


def _text() -> Any:
    return Field(sa_type=Text)


def _time() -> Any:
    return Field(sa_type=UtcDateTime)


def _optional_time() -> Any:
    return Field(default=None, sa_type=UtcDateTime, nullable=True)


def _json(**options: Any) -> Any:
    return Field(sa_type=_JSON, **options)


class SpaceRow(Row, table=True):
    """A space, and the counter that its change log draws sequences from."""

    __tablename__ = "spaces"

    tenant: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(primary_key=True, sa_type=Text)
    display_name: str = _text()
    create_time: datetime = _time()
    update_time: datetime = _time()
    version: int = 1
    change_sequence: int = Field(default=0, sa_type=BigInteger)
    time_zone: str = Field(default="", sa_type=Text)


class UserRow(Row, table=True):
    """What is set for a user of a space; no row while nothing is."""

    __tablename__ = "users"
    __table_args__ = (_of_space(),)

    tenant: str = Field(primary_key=True, sa_type=Text)
    space: str = Field(primary_key=True, sa_type=Text)
    user_id: str = Field(primary_key=True, sa_type=Text)
    time_zone: str = _text()


class TurnRow(Row, table=True):
    """A turn as ingested; `ordinal` is the order of ingestion."""

    __tablename__ = "turns"
    __table_args__ = (
        _of_space(),
        UniqueConstraint("tenant", "space", "scope_key", "turn_id"),
        Index("ix_turns_timeline", "tenant", "space", "scope_key", "event_time", "ordinal"),
        Index("ix_turns_listing", "tenant", "space", "ordinal"),
        Index(
            "ix_turns_pending",
            *("tenant", "space", "scope_key", "event_time", "ordinal"),
            sqlite_where=text("disposition = 'pending'"),
            postgresql_where=text("disposition = 'pending'"),
        ),
        Index("ix_turns_counts", "tenant", "space", "token_count", "disposition"),
        Index(
            "ix_turns_redo",
            *("tenant", "space", "reason"),
            sqlite_where=text("reason >= 'LLM_FAILED' AND reason < 'LLM_FAILEE'"),
            postgresql_where=text("reason >= 'LLM_FAILED' AND reason < 'LLM_FAILEE'"),
        ),
    )

    ordinal: int | None = _ordinal()
    tenant: str = _text()
    space: str = _text()
    scope_key: str = _text()
    user_id: str = _text()
    agent_id: str = _text()
    session_id: str = _text()
    turn_id: str = _text()
    role: str = _text()
    speaker: str = _text()
    content: str = _text()
    event_time: datetime = _time()
    labels: dict[str, Any] = _json()
    token_count: int
    digest: str = _text()
    ingest_time: datetime = _time()
    disposition: str = _text()
    reason: str = _text()
    job_id: str = _text()
    utc_offset_minutes: int | None = None
    closed: bool = False
    """Whether a deletion keeps it out of everything that is made from then on."""


class MemoryRow(Row, table=True):
    """A memory; `ordinal` is the order of creation.

    In the index when `indexed_version` is its version, or `indexed_version_1` with the model of slot 1; looked at by
    consolidation when `consolidated_version` is.
    """

    __tablename__ = "memories"
    __table_args__ = (
        _of_space(),
        UniqueConstraint("tenant", "space", "id"),
        Index("ix_memories_listing", "tenant", "space", "ordinal"),
        Index("ix_memories_scope", "tenant", "space", "user_id", "agent_id", "session_id", "ordinal"),
        Index(
            "ix_memories_unindexed",
            *("tenant", "space", "ordinal"),
            sqlite_where=text("indexed_version <> version"),
            postgresql_where=text("indexed_version <> version"),
        ),
        Index(
            "ix_memories_unindexed_1",
            *("tenant", "space", "ordinal"),
            sqlite_where=text("indexed_version_1 <> version"),
            postgresql_where=text("indexed_version_1 <> version"),
        ),
        Index(
            "ix_memories_unconsolidated",
            *("tenant", "space", "user_id", "agent_id", "ordinal"),
            sqlite_where=text("state = 'active' AND consolidated_version <> version"),
            postgresql_where=text("state = 'active' AND consolidated_version <> version"),
        ),
        # Not the state first: lists by state must not be drawn to an index that is not in their order.
        Index(
            "ix_memories_counts",
            *("tenant", "space", "token_count", "state"),
            *("version", "indexed_version", "indexed_version_1", "consolidated_version"),
        ),
        Index(
            "ix_memories_superseded_by",
            *("tenant", "space", "superseded_by"),
            sqlite_where=text("superseded_by <> ''"),
            postgresql_where=text("superseded_by <> ''"),
        ),
        Index(
            "ix_memories_outdated",
            *("tenant", "space", "user_id", "agent_id", "session_id", "event_time", "ordinal"),
            *("compressor", "state", "superseded_by"),  # of the condition, for SQLite to count without reading rows
            sqlite_where=text(OUTDATED),
            postgresql_where=text(OUTDATED),
        ),
    )

    ordinal: int | None = _ordinal()
    tenant: str = _text()
    space: str = _text()
    id: str = _text()
    user_id: str = _text()
    agent_id: str = _text()
    session_id: str = _text()
    kind: str = _text()
    state: str = _text()
    text: str = _text()
    dense_text: str = _text()
    lexical_text: str = _text()
    spans: list[Any] = _json()
    additions: list[Any] = _json()
    role: str = Field(default="", sa_type=Text)
    part_count: int = 1
    repetition: float = 0.0
    neighbours: list[Any] = _json(default_factory=list)
    event_time: datetime = _time()
    valid_from: datetime | None = _optional_time()
    valid_to: datetime | None = _optional_time()
    salience: float
    token_count: int
    symbolic: dict[str, Any] = _json()
    sources: list[Any] = _json()
    derived_from: list[str] = _json()
    gate: dict[str, Any] | None = _json(nullable=True)
    compressor: str = _text()
    labels: dict[str, Any] = _json()
    create_time: datetime = _time()
    update_time: datetime = _time()
    version: int
    indexed_version: int = 0
    indexed_version_1: int = 0
    consolidated_version: int = 0
    superseded_by: str = Field(default="", sa_type=Text)
    supersede_time: datetime | None = _optional_time()
    conflicts_with: list[str] = _json(default_factory=list)
    pinned: bool = False
    use_count: int = Field(default=0, sa_type=BigInteger)
    last_use_time: datetime | None = _optional_time()
    utc_offset_minutes: int | None = None


class MemoryNameRow(Row, table=True):
    """A case-folded name that a memory carries, so that filters can test it."""

    __tablename__ = "memory_names"
    __table_args__ = (ForeignKeyConstraint(["ordinal"], ["memories.ordinal"], ondelete="CASCADE"),)

    ordinal: int = Field(primary_key=True, sa_type=BigInteger)
    kind: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(primary_key=True, sa_type=Text)


class MemoryOriginRow(Row, table=True):
    """A memory that another one was made of, so that both can be found from either."""

    __tablename__ = "memory_origins"
    __table_args__ = (
        ForeignKeyConstraint(["ordinal"], ["memories.ordinal"], ondelete="CASCADE"),
        Index("ix_memory_origins_origin", "origin_id"),
    )

    ordinal: int = Field(primary_key=True, sa_type=BigInteger)
    origin_id: str = Field(primary_key=True, sa_type=Text)


class ChangeRow(Row, table=True):
    """One entry of a space's change log: sequences have no gaps and are in the order of the commits."""

    __tablename__ = "changes"
    __table_args__ = (
        _of_space(),
        Index("ix_changes_history", "tenant", "space", "memory_id", "sequence"),
    )

    tenant: str = Field(primary_key=True, sa_type=Text)
    space: str = Field(primary_key=True, sa_type=Text)
    sequence: int = Field(primary_key=True, sa_type=BigInteger)
    memory_id: str = _text()
    user_id: str = _text()
    agent_id: str = _text()
    session_id: str = _text()
    kind: str = _text()
    time: datetime = _time()
    memory: dict[str, Any] = _json()
    previous_text: str = _text()
    actor: str = _text()
    reason: str = Field(default="", sa_type=Text)


class JobRow(Row, table=True):
    """A job, the lower its priority the sooner; the partial unique index is what makes locks exclusive."""

    __tablename__ = "jobs"
    __table_args__ = (
        _of_space(),
        UniqueConstraint("id"),
        Index("ix_jobs_listing", "tenant", "space", "ordinal"),
        Index(
            "ix_jobs_line",
            *("kind", "priority", "tenant", "run_at", "ordinal"),
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "ix_jobs_spaces",
            *("kind", "priority", "tenant", "space", "run_at", "ordinal"),
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "ix_jobs_served",
            *("kind", "priority", "tenant", "start_time"),
            sqlite_where=text("start_time IS NOT NULL"),
            postgresql_where=text("start_time IS NOT NULL"),
        ),
        Index(
            "ix_jobs_open",
            *("tenant", "space", "state", "kind", "create_time"),
            sqlite_where=text("state <> 'succeeded'"),
            postgresql_where=text("state <> 'succeeded'"),
        ),
        Index("ix_jobs_lock", "tenant", "space", "lock", "state"),
        Index(
            "uq_jobs_running",
            *("tenant", "space", "lock"),
            unique=True,
            sqlite_where=text("state = 'running'"),
            postgresql_where=text("state = 'running'"),
        ),
    )

    ordinal: int | None = _ordinal()
    id: str = _text()
    tenant: str = _text()
    space: str = _text()
    kind: str = _text()
    lock: str = _text()
    payload: dict[str, Any] = _json()
    payload_digest: str = _text()
    priority: int = 0
    state: str = _text()
    attempt: int = 0
    progress: float = 0.0
    run_at: datetime = _time()
    lease_owner: str = Field(default="", sa_type=Text)
    lease_until: datetime | None = _optional_time()
    error: dict[str, Any] | None = _json(default=None, nullable=True)
    summary: dict[str, Any] | None = _json(default=None, nullable=True)
    create_time: datetime = _time()
    start_time: datetime | None = _optional_time()
    """When a worker last took it up."""
    end_time: datetime | None = _optional_time()


class RequestRow(Row, table=True):
    """What a request with an id was answered; `space` is empty for requests that create one."""

    __tablename__ = "requests"

    tenant: str = Field(primary_key=True, sa_type=Text)
    space: str = Field(primary_key=True, sa_type=Text)
    method: str = Field(primary_key=True, sa_type=Text)
    request_id: str = Field(primary_key=True, sa_type=Text)
    digest: str = _text()
    response: dict[str, Any] = _json()
    create_time: datetime = _time()


class StreamRow(Row, table=True):
    """The last committed sequence of a numbered stream."""

    __tablename__ = "streams"
    __table_args__ = (_of_space(),)

    tenant: str = Field(primary_key=True, sa_type=Text)
    space: str = Field(primary_key=True, sa_type=Text)
    stream_id: str = Field(primary_key=True, sa_type=Text)
    sequence: int = Field(sa_type=BigInteger)


class ModelUsageRow(Row, table=True):
    """What language models cost a space on one UTC day, by purpose."""

    __tablename__ = "model_usage"
    __table_args__ = (_of_space(),)

    tenant: str = Field(primary_key=True, sa_type=Text)
    space: str = Field(primary_key=True, sa_type=Text)
    day: date = Field(primary_key=True)
    purpose: str = Field(primary_key=True, sa_type=Text)
    call_count: int = Field(sa_type=BigInteger)
    prompt_token_count: int = Field(sa_type=BigInteger)
    completion_token_count: int = Field(sa_type=BigInteger)
    cost_usd: float
    unpriced_call_count: int = Field(sa_type=BigInteger)


class EmbeddingModelRow(Row, table=True):
    """An embedding model that memories are indexed with; no row while only the settings name one, in slot 0."""

    __tablename__ = "embedding_models"

    slot: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    name: str = _text()
    dimension: int
    api_base: str = _text()
    state: str = _text()


class EmbeddingCheckRow(Row, table=True):
    """How a space's index with a new model compared with the one with the old."""

    __tablename__ = "embedding_checks"
    __table_args__ = (_of_space(),)

    tenant: str = Field(primary_key=True, sa_type=Text)
    space: str = Field(primary_key=True, sa_type=Text)
    points: int = Field(sa_type=BigInteger)
    expected: int = Field(sa_type=BigInteger)
    sample: int
    self_recall: float
    overlap: float


class KeyRow(Row, table=True):
    """An API key; of its secret only the SHA-256 digest."""

    __tablename__ = "keys"
    __table_args__ = (Index("ix_keys_listing", "tenant", "create_time", "id"),)

    id: str = Field(primary_key=True, sa_type=Text)
    tenant: str = _text()
    display_name: str = _text()
    role: str = _text()
    digest: str = _text()
    create_time: datetime = _time()
    revoke_time: datetime | None = _optional_time()

"""SQL's side: turns, memories, spaces, keys, jobs, embedding models in use, and what language models cost."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from memsvc.types import (
    Accepted,
    Change,
    Compression,
    Disposition,
    EmbeddingCheck,
    EmbeddingModel,
    IndexedMemory,
    IngestRequestId,
    Job,
    JobError,
    JobKind,
    JobState,
    JobSummary,
    Key,
    KeyRole,
    LexicalText,
    Memory,
    MemoryFilter,
    ModelPurpose,
    ModelUsage,
    Page,
    PendingTurns,
    Priority,
    Scope,
    Space,
    SpaceKey,
    SpaceStats,
    StreamPosition,
    Turn,
    TurnRef,
    UserSettings,
)


class TurnLog(Protocol):
    """Turns as they were ingested."""

    async def accept(
        self,
        space: SpaceKey,
        turns: Sequence[Turn],
        *,
        request: IngestRequestId | None = None,
        stream: StreamPosition | None = None,
        priority: Priority = Priority.INTERACTIVE,
        time_zone: str = "",
    ) -> Accepted:
        """Commit `turns`, one COMPRESS job per session among them, and the idempotency record, in one transaction.

        `Accepted.job_id` is the job of the last session, `job_ids` are those of all. A turn whose (scope, turn_id)
        is known with the same role, speaker, content, event time and metadata counts as duplicate and changes nothing;
        so does one with an offset, where none was known or the same. A new turn without an offset takes that of
        `time_zone`, else of its user's zone, else of the space's, and keeps None where none of them is set.
        A job that is joined is made as urgent as `priority`, and never less urgent.

        Raises:
            NotFound: SPACE_NOT_FOUND.
            Conflict: TURN_ID_CONFLICT when a known id has another content; REQUEST_ID_CONFLICT when the request
                id is known with another digest; STREAM_SEQUENCE_CONFLICT when the stream is already past it.
        """
        ...

    async def stream_position(self, space: SpaceKey, stream_id: str) -> int:
        """Return the last committed sequence of a stream, 0 for a new one. Raises NotFound for the space."""
        ...

    async def page(
        self,
        space: SpaceKey,
        scope: Scope,
        dispositions: Sequence[Disposition],
        *,
        limit: int,
        cursor: str | None = None,
    ) -> Page[Turn]:
        """List turns by ingestion order, oldest first. Raises NotFound for the space."""
        ...

    async def pending(self, space: SpaceKey, scope: Scope, *, limit: int, context: int) -> PendingTurns:
        """Return up to `limit` pending turns of exactly this scope, and up to `context` turns before the first.

        The context begins after the newest turn before them that a deletion closed.
        """
        ...

    async def to_redo(self, space: SpaceKey, scope: Scope, *, limit: int, context: int) -> PendingTurns:
        """As `pending`, of the turns whose outcome is marked LLM_FAILED; those returned follow one another."""
        ...


class MemoryLog(Protocol):
    """Memories and their change log: the truth that every index is derived from."""

    async def commit(
        self,
        space: SpaceKey,
        job: Job,
        compression: Compression,
        *,
        context: Collection[TurnRef] = (),
        actor: str = "worker",
    ) -> tuple[str, ...]:
        """Write new memories, their CREATED changes and the turns' outcomes, in one transaction.

        Known memory ids are left alone, so a repeat changes nothing. Where `compression.redo` names turns, a
        RECOMPRESS job of their session is queued with them. `context` are the other turns that were read with those
        compressed. Returns ids of the written memories.

        Raises:
            LeaseLost: `job.lease_owner` no longer holds the job; nothing was written.
            TurnsDeleted: one of the turns was deleted since it was read; nothing was written.
        """
        ...

    async def redo(
        self,
        space: SpaceKey,
        job: Job,
        compression: Compression,
        *,
        context: Collection[TurnRef] = (),
        actor: str = "worker",
    ) -> tuple[tuple[str, ...], int]:
        """Put a new compression of turns in the place of their earlier one, in one transaction.

        Memories that a worker made from those turns alone, and that the new compression does not hold, become
        SUPERSEDED. A turn of which a caller deleted or changed a memory keeps what it has. Returns ids of the written
        memories and the number of superseded ones. Raises LeaseLost and TurnsDeleted, as `commit` does.
        """
        ...

    async def get(self, space: SpaceKey, memory_id: str) -> Memory:
        """Return one memory, deleted ones excepted. Raises NotFound."""
        ...

    async def get_many(self, space: SpaceKey, memory_ids: Sequence[str]) -> dict[str, Memory]:
        """Return those of the memories that exist in this space, in any state, by id."""
        ...

    async def page(
        self, space: SpaceKey, where: MemoryFilter, *, limit: int, cursor: str | None = None, children_of: str = ""
    ) -> Page[Memory]:
        """List memories, newest first; with `children_of` only those that one was made of.

        Raises:
            NotFound: the space, or the memory `children_of`.
        """
        ...

    async def ids(self, space: SpaceKey, where: MemoryFilter, *, limit: int) -> list[str]:
        """Return the ids of up to `limit` memories that pass, newest first; none of an unknown space."""
        ...

    async def lexical_texts(
        self, space: SpaceKey, where: MemoryFilter, *, limit: int, cursor: str | None = None
    ) -> Page[LexicalText]:
        """List what the lexical view searches of memories, newest first. Raises NotFound for the space."""
        ...

    async def update(
        self, space: SpaceKey, memory: Memory, *, etag: str, actor: str, request: IngestRequestId | None = None
    ) -> tuple[Memory, str]:
        """Replace a memory's editable fields, append the change, defer an INDEX job; one transaction.

        What consolidation made of its earlier content is withdrawn with it. Returns the memory after the change and the
        id of the job. `etag` is always checked.

        Raises:
            NotFound: it does not exist or was deleted.
            StaleEtag: `etag` is not the stored one.
            Conflict: REQUEST_ID_CONFLICT.
        """
        ...

    async def delete(self, space: SpaceKey, memory_id: str, *, etag: str, actor: str) -> None:
        """Mark a memory deleted, append the change, defer an INDEX job. An empty `etag` is not checked.

        So goes what consolidation made of it, and what tells nothing but what it tells. What it said is gone for good,
        from the change log too. The turns it comes from are closed: nothing new is made of them, and no other memory
        is found by them; those that no other memory tells are DELETED, and empty.

        Raises:
            NotFound: it does not exist or was already deleted.
            StaleEtag: `etag` is not the stored one.
        """
        ...

    async def delete_scope(
        self, space: SpaceKey, scope: Scope, where: MemoryFilter | None = None, *, actor: str
    ) -> tuple[int, int]:
        """Delete every memory and turn of the scope, with what consolidation made of them, in one transaction.

        With `where`, only the memories that pass it, and of the turns that were not compressed yet those that pass
        what it asks of metadata and time. Returns how many memories are gone, and how many turns that were not
        compressed yet. Idempotent. Raises NotFound for the space.
        """
        ...

    async def history(self, space: SpaceKey, memory_id: str, *, limit: int, cursor: str | None = None) -> Page[Change]:
        """List a memory's changes, oldest first, deleted memories included. Raises NotFound."""
        ...

    async def changes(self, space: SpaceKey, scope: Scope, *, after: int, limit: int) -> tuple[list[Change], int]:
        """Return changes with a sequence above `after`, in order, and the sequence up to which the log was read."""
        ...

    async def last_sequence(self, space: SpaceKey) -> int:
        """Return the newest sequence of the space's change log, 0 when empty. Raises NotFound for the space."""
        ...

    async def unindexed(
        self,
        space: SpaceKey,
        memory_ids: Sequence[str] | None,
        *,
        limit: int,
        scope: Scope | None = None,
        slot: int = 0,
    ) -> list[Memory]:
        """Return memories whose current version is not in the index yet, deleted ones included.

        `memory_ids` None means all of the space, or with `scope` all of exactly that scope; `slot` is that of the
        embedding model.
        """
        ...

    async def mark_indexed(self, space: SpaceKey, memories: Sequence[Memory], slot: int = 0) -> None:
        """Record that exactly these versions are in the index; a memory changed since stays unindexed."""
        ...

    async def mark_all_unindexed(self, space: SpaceKey, slot: int | None = None) -> int:
        """Make every memory of the space due again, with every model or with that of a slot; return how many."""
        ...

    async def reindex(
        self, space: SpaceKey, memory_ids: Sequence[str] | None = None, *, slot: int | None = None
    ) -> str:
        """Make memories due again, all of the space with None, and queue the REINDEX job, in one transaction.

        `slot` as in `mark_all_unindexed`; unknown ids are ignored. Returns the job's id. Raises NotFound for the space.
        """
        ...

    async def indexed(
        self, space: SpaceKey, *, limit: int, slot: int = 0, cursor: str | None = None
    ) -> Page[IndexedMemory]:
        """List the memories that are not due for the index of a slot, the first created first."""
        ...

    async def indexed_count(self, space: SpaceKey, slot: int = 0) -> int:
        """Return how many memories of the space have a point in the index of a slot, as far as SQL knows."""
        ...


class SpaceStore(Protocol):
    """Spaces of a tenant."""

    async def create(
        self, key: SpaceKey, display_name: str, *, time_zone: str = "", request: IngestRequestId | None = None
    ) -> Space:
        """Create a space. Raises Conflict SPACE_EXISTS or REQUEST_ID_CONFLICT."""
        ...

    async def get(self, key: SpaceKey) -> Space:
        """Return a space. Raises NotFound SPACE_NOT_FOUND."""
        ...

    async def page(self, tenant: str, *, limit: int, cursor: str | None = None) -> Page[Space]:
        """List a tenant's spaces by name."""
        ...

    async def update(
        self, key: SpaceKey, display_name: str | None = None, *, time_zone: str | None = None, etag: str
    ) -> Space:
        """Change what is not None; an empty `etag` is not checked. Raises NotFound or StaleEtag."""
        ...

    async def delete(self, key: SpaceKey, *, force: bool) -> None:
        """Delete a space and everything in it. Raises NotFound, or FailedPrecondition SPACE_NOT_EMPTY."""
        ...

    async def stats(self, key: SpaceKey) -> SpaceStats:
        """Count. Raises NotFound."""
        ...

    async def all(self) -> list[SpaceKey]:
        """Every space of every tenant; for operators' tools on the machine, never behind an RPC."""
        ...


class UserStore(Protocol):
    """What is set for the end users of a space."""

    async def get(self, space: SpaceKey, user_id: str) -> UserSettings:
        """Return a user's settings, empty ones where nothing was set. Raises NotFound for the space."""
        ...

    async def set_time_zone(self, space: SpaceKey, user_id: str, time_zone: str) -> UserSettings:
        """Set a user's time zone; an empty one unsets it. Raises NotFound for the space."""
        ...

    async def time_zone(self, space: SpaceKey, user_id: str) -> str:
        """Return the zone of a user, else of the space, empty where neither is set. Raises NotFound for the space."""
        ...


class KeyStore(Protocol):
    """API keys. Only digests of secrets are stored."""

    async def create(self, tenant: str, display_name: str, role: KeyRole) -> tuple[Key, str]:
        """Create a key and, if the tenant is new, its `default` space; return the key and its secret."""
        ...

    async def authenticate(self, secret: str) -> Key | None:
        """Return the live key of a secret, None when unknown or revoked."""
        ...

    async def page(self, tenant: str, *, limit: int, cursor: str | None = None) -> Page[Key]:
        """List a tenant's keys, oldest first, revoked ones included."""
        ...

    async def revoke(self, tenant: str, key_id: str) -> Key:
        """Revoke a key; a revoked one stays as it is. Raises NotFound KEY_NOT_FOUND."""
        ...

    async def is_empty(self) -> bool:
        """Whether no key was ever created."""
        ...


class JobQueue(Protocol):
    """Leased jobs: at most one RUNNING job per (space, lock); an expired lease hands the job on."""

    async def defer(
        self,
        space: SpaceKey,
        kind: JobKind,
        payload: dict[str, object],
        *,
        lock: str,
        request: IngestRequestId | None = None,
    ) -> str:
        """Queue a job and return its id; joins a QUEUED job of the same space, kind, lock and payload.

        Raises:
            NotFound: SPACE_NOT_FOUND.
            Conflict: REQUEST_ID_CONFLICT.
        """
        ...

    async def claim(
        self, owner: str, kinds: Sequence[JobKind], *, lease_seconds: float, idle_tenants: bool = False
    ) -> Job | None:
        """Lease the due job whose lock is free and whose turn it is, raising its attempt; None when there is none.

        What callers wait for comes first, then backfills, then consolidation. Among jobs as urgent, tenants take turns:
        the one with the fewest running, of those the one served longest ago; within a tenant its spaces, and within a
        space what was due first. With `idle_tenants` only what callers wait for, of tenants none of whose such jobs of
        these kinds is running.
        """
        ...

    async def heartbeat(self, job: Job, *, lease_seconds: float, progress: float | None = None) -> bool:
        """Extend the lease; False when it was lost or the job was cancelled."""
        ...

    async def succeed(self, job: Job, summary: JobSummary) -> None:
        """End a job well. Raises LeaseLost."""
        ...

    async def fail(self, job: Job, error: JobError, *, retry_in: float | None, counted: bool = True) -> None:
        """Record a failed attempt: due again in `retry_in` seconds, or FAILED for good when None.

        `counted` False takes the attempt back: the job waits for a part that is down. Raises LeaseLost.
        """
        ...

    async def give_way(self, job: Job, summary: JobSummary) -> None:
        """Queue a job that got on but is not done behind what is due by now; its attempts count afresh.

        `summary` is what it did so far. Raises LeaseLost.
        """
        ...

    async def release(self, job: Job) -> None:
        """Give an unfinished job back, due at once, its attempt not counted; for a draining worker."""
        ...

    async def cancel(self, space: SpaceKey, job_id: str) -> Job:
        """Cancel a job that has not ended; one that has stays as it is. Raises NotFound OPERATION_NOT_FOUND."""
        ...

    async def retry(self, space: SpaceKey, job_id: str) -> Job:
        """Queue a FAILED job again, due at once, its attempts counted afresh; its error stays until one succeeds.

        Raises NotFound OPERATION_NOT_FOUND, FailedPrecondition OPERATION_NOT_FAILED.
        """
        ...

    async def drop(self, space: SpaceKey, job_id: str) -> None:
        """Forget a FAILED job; what it was to do stays undone. Raises as `retry`."""
        ...

    async def get(self, space: SpaceKey, job_id: str) -> Job:
        """Return one job. Raises NotFound OPERATION_NOT_FOUND."""
        ...

    async def page(
        self, space: SpaceKey, states: Sequence[JobState], *, limit: int, cursor: str | None = None
    ) -> Page[Job]:
        """List jobs, newest first. Raises NotFound for the space."""
        ...

    async def purge(self, before: datetime) -> int:
        """Forget jobs that succeeded or were cancelled before then, and answers to request ids; return how many.

        FAILED jobs stay, for operators.
        """
        ...

    async def wait_for_work(self, timeout: float) -> None:
        """Return when a job may have become due, at the latest after `timeout` seconds."""
        ...


class EmbeddingModels(Protocol):
    """Which embedding models memories are indexed with: one, or two while the service changes from one to another."""

    async def all(self) -> list[EmbeddingModel]:
        """Every model that memories are indexed with; none as long as only the settings name one, in slot 0."""
        ...

    async def register(self, target: EmbeddingModel, current: EmbeddingModel) -> EmbeddingModel:
        """Have memories indexed with `target` too, in a free slot, and return it as it stands if it is known already.

        `current` is what the settings name, for a service that never changed its model. Raises FailedPrecondition
        EMBEDDINGS_CHANGING when there are two others, or its own index of before is still being removed.
        """
        ...

    async def ready(self, slot: int) -> None:
        """Say that what was indexed in this slot before is forgotten: TARGET becomes FILLING."""
        ...

    async def activate(self, slot: int) -> None:
        """Have queries answered by the model of this slot; the other one is kept up to date, and old."""
        ...

    async def discard(self, slot: int) -> None:
        """Have memories indexed with a model no more, and its index removed. Raises FailedPrecondition if active."""
        ...

    async def removed(self, slot: int) -> None:
        """Say that the index of an UNWANTED model is removed: the slot is free. Another model's slot stays as it is."""
        ...

    async def due_count(self, slot: int) -> int:
        """Memories of all spaces whose current version is not indexed in this slot."""
        ...

    async def record(self, check: EmbeddingCheck) -> None:
        """Keep how a space's index with the new model compares with the one with the old."""
        ...

    async def checks(self) -> Sequence[EmbeddingCheck]:
        """The last check of every space."""
        ...


class UsageLedger(Protocol):
    """What language models cost each space, by UTC day and purpose."""

    async def record(self, space: SpaceKey, purpose: ModelPurpose, usage: ModelUsage) -> None:
        """Add to today's account. A space that is gone meanwhile is left alone."""
        ...

    async def tokens_today(self, space: SpaceKey) -> int:
        """Tokens in and out since midnight UTC, for all purposes."""
        ...

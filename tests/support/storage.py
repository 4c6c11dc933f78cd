"""Builders for what the stores store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from memsvc.storage.keys import SqlKeyStore
from memsvc.types import (
    Compression,
    Cut,
    Disposition,
    Gate,
    Job,
    JobKind,
    JobState,
    KeyRole,
    Memory,
    Page,
    Role,
    Scope,
    SpaceKey,
    Symbolic,
    Turn,
    TurnOutcome,
    TurnRef,
)

T = TypeVar("T")

NOON = datetime(2024, 5, 7, 12, 0, 0, 123456, tzinfo=UTC)
SCOPE = Scope("ana", "bot", "s1")
SPACE = SpaceKey("acme", "default")
OTHER_TENANT = SpaceKey("globex", "default")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def turn(number: int, *, scope: Scope = SCOPE, **changes: Any) -> Turn:
    made = Turn(
        turn_id=f"t{number}",
        scope=scope,
        role=Role.USER,
        content=f"said {number} — 中文 'quoted\" ; DROP TABLE turns",
        event_time=NOON + timedelta(minutes=number),
        speaker="Ana",
        metadata={"lang": "en"},
        token_count=number + 1,
    )
    return replace(made, **changes)


def memory(number: int, *, scope: Scope = SCOPE, **changes: Any) -> Memory:
    made = Memory(
        id=f"00000000-0000-5000-8000-{number:012d}",
        scope=scope,
        text=f"Ana said {number}.",
        event_time=NOON + timedelta(minutes=number),
        symbolic=Symbolic(people=("Ana",), entities=("Straße", f"E{number}"), place="Oslo", topic="talk"),
        valid_from=NOON,
        salience=0.1 + 0.2,
        token_count=7,
        sources=(TurnRef(scope, f"t{number}"),),
        derived_from=("x",),
        gate=Gate(
            score=1 / 3,
            new_entity_rate=0.5,
            novelty=0.25,
            alpha=0.5,
            threshold=0.35,
            surprisal=8.5,
            kept=True,
            reason="new",
            cuts=(Cut("well", "filler"),),
        ),
        compressor="rules/1",
        metadata={"lang": "en"},
        dense_text=f"said {number}",
        lexical_text=f"Ana said {number} on 7 May 2024",
    )
    return replace(made, **changes)


def held_job(job_id: str = "none", *, space: SpaceKey = SPACE, owner: str = "w") -> Job:
    """A job as a worker without a lease would hold it."""
    return Job(
        id=job_id,
        space=space,
        kind=JobKind.COMPRESS,
        state=JobState.RUNNING,
        payload={},
        attempt=1,
        progress=0,
        create_time=NOON,
        lease_owner=owner,
    )


def kept(*memories: Memory, turns: tuple[Turn, ...] = ()) -> Compression:
    return Compression(memories, tuple(TurnOutcome(t.ref, Disposition.KEPT, "said something new") for t in turns))


async def make_tenants(keys: SqlKeyStore) -> None:
    """Two tenants, each with its default space."""
    for space in (SPACE, OTHER_TENANT):
        await keys.create(space.tenant, "key", KeyRole.ADMIN)


async def walk(page: Callable[[str | None], Awaitable[Page[T]]]) -> list[T]:
    """Every item of a list, page by page."""
    items: list[T] = []
    cursor: str | None = None
    while True:
        found = await page(cursor)
        items += found.items
        cursor = found.cursor
        if cursor is None:
            return items

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, event, text
from sqlmodel import Session

from memsvc.errors import Conflict, FailedPrecondition, InvalidInput, NotFound, Reason, StaleEtag
from memsvc.storage.cursors import encode
from memsvc.storage.tables import METADATA
from memsvc.types import (
    Disposition,
    IngestRequestId,
    JobError,
    JobKind,
    MemoryState,
    Scope,
    SpaceKey,
    StreamPosition,
    TurnOutcome,
)
from support.storage import NOON, OTHER_TENANT, SCOPE, SPACE, kept, memory, turn, walk

if TYPE_CHECKING:
    from contract.conftest import Stores

TEAM = SpaceKey("acme", "team")
REQUEST = IngestRequestId("r", "d")


async def test_a_space_is_created_once(stores: Stores) -> None:
    made = await stores.spaces.create(TEAM, "Team")
    assert await stores.spaces.get(TEAM) == made
    assert (made.key, made.display_name, made.create_time, made.version) == (TEAM, "Team", NOON, 1)
    with pytest.raises(Conflict) as caught:
        await stores.spaces.create(TEAM, "Team")
    assert caught.value.reason is Reason.SPACE_EXISTS
    await stores.spaces.create(replace(TEAM, tenant="globex"), "theirs")


async def test_a_repeated_request_is_answered_the_same(stores: Stores) -> None:
    made = await stores.spaces.create(TEAM, "Team", request=REQUEST)
    assert await stores.spaces.create(TEAM, "Team", request=REQUEST) == made
    with pytest.raises(Conflict) as caught:
        await stores.spaces.create(SpaceKey("acme", "other"), "Team", request=replace(REQUEST, digest="x"))
    assert caught.value.reason is Reason.REQUEST_ID_CONFLICT


async def test_concurrent_creations_have_one_winner(servers: list[Stores]) -> None:
    results = await asyncio.gather(
        *(s.spaces.create(TEAM, str(n)) for n, s in enumerate(servers)), return_exceptions=True
    )
    assert sum(isinstance(result, Conflict) for result in results) == 3


async def test_renaming_checks_the_etag(stores: Stores) -> None:
    made = await stores.spaces.create(TEAM, "Team")
    stores.clock.advance(1)
    renamed = await stores.spaces.update(TEAM, "Crew", etag=made.etag)
    assert (renamed.display_name, renamed.version) == ("Crew", 2)
    assert renamed.update_time > renamed.create_time
    with pytest.raises(StaleEtag):
        await stores.spaces.update(TEAM, "Gang", etag=made.etag)
    assert (await stores.spaces.update(TEAM, "Gang", etag="")).display_name == "Gang"


async def test_one_of_two_concurrent_renames_wins(servers: list[Stores]) -> None:
    made = await servers[0].spaces.create(TEAM, "Team")
    calls = (s.spaces.update(TEAM, str(n), etag=made.etag) for n, s in enumerate(servers))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(result, StaleEtag) for result in results) == 3
    assert (await servers[0].spaces.get(TEAM)).version == 2


async def test_unknown_spaces_are_not_found(stores: Stores) -> None:
    for call in (
        stores.spaces.get(TEAM),
        stores.spaces.update(TEAM, "x", etag=""),
        stores.spaces.delete(TEAM, force=True),
        stores.spaces.stats(TEAM),
    ):
        with pytest.raises(NotFound) as caught:
            await call
        assert caught.value.reason is Reason.SPACE_NOT_FOUND


async def test_pages_walk_a_tenants_spaces_by_name(stores: Stores) -> None:
    for name in ("c", "a", "b", "e"):
        await stores.spaces.create(SpaceKey("acme", name), "")
    found = await walk(lambda cursor: stores.spaces.page("acme", limit=2, cursor=cursor))
    assert [space.key.space for space in found] == ["a", "b", "c", "default", "e"]
    assert len(await stores.spaces.all()) == 6


@pytest.mark.parametrize("text", ["a\x00", "\x00", "\ud800", "a\udfff", "\x1f"])
async def test_a_forged_page_token_is_refused(stores: Stores, text: str) -> None:
    for page in (stores.spaces.page, stores.keys.page):
        with pytest.raises(InvalidInput) as caught:
            await page("acme", limit=2, cursor=encode([text]))
        assert caught.value.reason is Reason.PAGE_TOKEN_INVALID


async def test_the_default_space_stays(stores: Stores) -> None:
    with pytest.raises(FailedPrecondition) as caught:
        await stores.spaces.delete(SPACE, force=True)
    assert caught.value.reason is Reason.DEFAULT_SPACE


async def test_only_force_deletes_a_space_with_content_and_nothing_is_left(stores: Stores) -> None:
    await stores.spaces.create(TEAM, "")
    for space in (TEAM, OTHER_TENANT):
        await stores.turns.accept(space, [turn(1)], request=REQUEST, stream=StreamPosition("s", 1))
        job = await stores.jobs.claim("w", list(JobKind), lease_seconds=9)
        assert job is not None
        await stores.memories.commit(space, job, kept(memory(1), turns=(turn(1),)))
    with pytest.raises(FailedPrecondition) as caught:
        await stores.spaces.delete(TEAM, force=False)
    assert caught.value.reason is Reason.SPACE_NOT_EMPTY
    await stores.spaces.delete(TEAM, force=True)

    def left(session: Session) -> dict[str, int]:
        counts = {}
        for table in METADATA.tables:
            where = " WHERE space = 'team'" if "space" in METADATA.tables[table].columns else ""
            query = text(f"SELECT count(*) FROM {table}{where}")  # noqa: S608 - names of our own tables
            counts[table] = session.connection().execute(query).scalar_one()
        return counts

    counts = await stores.database.read(left)
    # What is left are the names and the origin of the other tenant's memory.
    assert (counts.pop("memory_names"), counts.pop("memory_origins")) == (3, 1)
    assert counts.pop("spaces") == 2
    assert counts.pop("keys") == 2
    assert set(counts.values()) == {0}
    assert (await stores.spaces.stats(OTHER_TENANT)).memory_count == 1
    assert (await stores.spaces.create(TEAM, "again")).version == 1
    assert await stores.memories.last_sequence(TEAM) == 0


async def test_an_empty_space_needs_no_force(stores: Stores) -> None:
    await stores.spaces.create(TEAM, "")
    await stores.spaces.delete(TEAM, force=False)
    with pytest.raises(NotFound):
        await stores.spaces.get(TEAM)


async def test_stats_of_an_empty_space_are_zero(stores: Stores) -> None:
    stats = await stores.spaces.stats(SPACE)
    assert (stats.turn_count, stats.memory_count, stats.raw_token_count, stats.pending_job_count) == (0, 0, 0, 0)
    assert (stats.oldest_pending_time, stats.compression_ratio) == (None, 0.0)


async def test_stats_read_no_rows(stores: Stores, database_url: str) -> None:
    asked: list[tuple[str, tuple[object, ...]]] = []

    def note(_: object, __: object, statement: str, parameters: tuple[object, ...], *___: object) -> None:
        asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        await stores.spaces.stats(SPACE)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    counts = [each for each in asked if re.search(r"FROM (memories|turns|jobs)", each[0])]
    assert len(counts) == 6
    if not database_url.startswith("sqlite"):
        return  # how PostgreSQL plans them depends on what the tables hold
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection:
        for statement, parameters in counts:
            (scan, *_) = connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            assert re.match(r"SEARCH \w+ USING COVERING INDEX \w+ \(tenant=\? AND space=\?", scan[3]), statement


async def test_stats_count(stores: Stores) -> None:
    await stores.turns.accept(OTHER_TENANT, [turn(8)])
    other = await stores.jobs.claim("w", list(JobKind), lease_seconds=9)
    assert other is not None
    await stores.jobs.fail(other, JobError("INTERNAL", ""), retry_in=None)
    stores.clock.advance(5)
    await stores.turns.accept(SPACE, [turn(1), turn(2), turn(3), turn(4, scope=Scope("bo"))])
    job = await stores.jobs.claim("w", list(JobKind), lease_seconds=9)
    assert job is not None
    compression = kept(memory(1), memory(2, state=MemoryState.LEFT_OUT), memory(3), turns=(turn(1),))
    left = TurnOutcome(turn(2).ref, Disposition.LEFT_OUT, "small talk")
    await stores.memories.commit(SPACE, job, replace(compression, outcomes=(*compression.outcomes, left)))
    await stores.memories.mark_indexed(SPACE, [await stores.memories.get(SPACE, memory(1).id)])
    await stores.memories.delete_scope(SPACE, replace(SCOPE, user_id="nobody"), actor="a")
    stats = await stores.spaces.stats(SPACE)
    assert (stats.turn_count, stats.pending_turn_count, stats.left_out_turn_count) == (4, 2, 1)
    assert (stats.raw_token_count, stats.compressed_raw_token_count) == (2 + 3 + 4 + 5, 2 + 3)
    assert (stats.memory_count, stats.stored_token_count, stats.unindexed_memory_count) == (2, 14, 2)
    assert (stats.pending_job_count, stats.failed_job_count) == (2, 0)
    assert stats.oldest_pending_time == stores.clock.now
    assert stats.compression_ratio == 14 / 5

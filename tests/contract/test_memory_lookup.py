from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memsvc.storage.lookup import BATCH, MemoryLookup
from memsvc.types import JobKind, JobSummary, Memory, MemoryState, SpaceKey
from support.storage import OTHER_TENANT, SPACE, kept, memory

if TYPE_CHECKING:
    from contract.conftest import Stores

AGAIN = SpaceKey("acme", "again")


async def _store(stores: Stores, *memories: Memory, space: SpaceKey = SPACE) -> None:
    await stores.jobs.defer(space, JobKind.REINDEX, {}, lock=space.tenant)
    job = await stores.jobs.claim("w", [JobKind.REINDEX], lease_seconds=30)
    assert job is not None
    await stores.memories.commit(space, job, kept(*memories))
    await stores.jobs.succeed(job, JobSummary())


async def test_it_finds_what_the_space_holds_and_nothing_else(stores: Stores) -> None:
    many = [memory(number) for number in range(BATCH + 1)]
    await _store(stores, *many)
    await _store(stores, memory(1, text="theirs"), space=OTHER_TENANT)
    lookup = MemoryLookup(stores.database)
    found = await lookup.get_many(SPACE, [*(one.id for one in many), "unknown"])
    assert sorted(found) == sorted(one.id for one in many)
    assert found[many[0].id] == await stores.memories.get(SPACE, many[0].id)
    assert {one.text for one in (await lookup.get_many(OTHER_TENANT, [memory(1).id])).values()} == {"theirs"}
    assert await lookup.get_many(SPACE, []) == {}


async def test_what_another_server_changed_is_read_again(servers: list[Stores]) -> None:
    here, there = servers[:2]
    await _store(here, memory(1), memory(2))
    ids = [memory(1).id, memory(2).id]
    before = await here.memories.get_many(SPACE, ids)
    changed, _ = await there.memories.update(SPACE, memory(1, text="changed"), etag="v1", actor="a")
    after = await here.memories.get_many(SPACE, ids)
    assert after == {ids[0]: changed, ids[1]: before[ids[1]]}
    assert after[ids[1]] is before[ids[1]]
    await there.memories.delete(SPACE, ids[1], etag="", actor="a")
    assert (await here.memories.get_many(SPACE, ids))[ids[1]].state is MemoryState.DELETED


async def test_a_space_created_again_does_not_show_the_old_one(stores: Stores) -> None:
    await stores.spaces.create(AGAIN, "")
    await _store(stores, memory(1, text="old"), space=AGAIN)
    known = memory(1).id
    assert (await stores.memories.get_many(AGAIN, [known]))[known].text == "old"
    await stores.spaces.delete(AGAIN, force=True)
    assert await stores.memories.get_many(AGAIN, [known]) == {}
    stores.clock.advance(1)
    await stores.spaces.create(AGAIN, "")
    await _store(stores, memory(1, text="new"), space=AGAIN)
    assert (await stores.memories.get_many(AGAIN, [known]))[known].text == "new"


async def test_a_full_cache_still_answers_with_everything(stores: Stores) -> None:
    memories = [replace(memory(number), text=f"text {number}") for number in range(4)]
    await _store(stores, *memories)
    lookup = MemoryLookup(stores.database, max_memories=2)
    for _ in range(2):
        found = await lookup.get_many(SPACE, [one.id for one in memories])
        assert {one.text for one in found.values()} == {"text 0", "text 1", "text 2", "text 3"}

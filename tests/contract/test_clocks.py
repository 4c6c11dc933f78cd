"""Whose clock a turn is read on, and what is stored of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from memsvc.errors import Conflict, NotFound, Reason
from memsvc.types import IngestRequestId, JobKind, Scope, SpaceKey, Turn, UserSettings
from support.storage import OTHER_TENANT, SPACE, kept, memory, turn

if TYPE_CHECKING:
    from contract.conftest import Stores

TEAM = SpaceKey("acme", "team")
SUMMER = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
WINTER = datetime(2026, 1, 15, 22, 30, tzinfo=UTC)


async def stored(stores: Stores, sent: Turn, space: SpaceKey = SPACE, *, time_zone: str = "") -> Turn:
    await stores.turns.accept(space, [sent], time_zone=time_zone)
    found = (await stores.turns.page(space, sent.scope, (), limit=100)).items
    return next(each for each in found if each.turn_id == sent.turn_id)


async def test_the_nearest_clock_counts(stores: Stores) -> None:
    said = turn(1, event_time=SUMMER)
    assert (await stored(stores, said)).utc_offset_minutes is None
    await stores.spaces.update(SPACE, time_zone="Asia/Tokyo", etag="")
    assert (await stored(stores, replace(said, turn_id="space"))).utc_offset_minutes == 540
    await stores.users.set_time_zone(SPACE, "ana", "America/Los_Angeles")
    assert (await stored(stores, replace(said, turn_id="user"))).utc_offset_minutes == -420
    by_call = await stored(stores, replace(said, turn_id="call"), time_zone="Europe/Lisbon")
    assert by_call.utc_offset_minutes == 60
    own = replace(said, turn_id="own", utc_offset_minutes=330)
    assert (await stored(stores, own, time_zone="Europe/Lisbon")).utc_offset_minutes == 330


async def test_a_zone_has_its_offset_at_the_time_of_the_turn(stores: Stores) -> None:
    await stores.spaces.update(SPACE, time_zone="Europe/Lisbon", etag="")
    summer = await stored(stores, turn(1, event_time=SUMMER))
    winter = await stored(stores, turn(2, event_time=WINTER))
    assert (summer.local_time.isoformat(), winter.utc_offset_minutes) == ("2026-07-01T23:30:00+01:00", 0)


async def test_each_turn_of_a_call_goes_by_its_own_user(stores: Stores) -> None:
    await stores.users.set_time_zone(SPACE, "ana", "Asia/Tokyo")
    await stores.users.set_time_zone(OTHER_TENANT, "ben", "Asia/Tokyo")
    scopes = [Scope(user_id="ana"), Scope(user_id="ben"), Scope(agent_id="ana")]
    await stores.turns.accept(SPACE, [turn(1, scope=scope) for scope in scopes])
    found = (await stores.turns.page(SPACE, Scope(), (), limit=9)).items
    assert {t.scope: t.utc_offset_minutes for t in found} == {scopes[0]: 540, scopes[1]: None, scopes[2]: None}


async def test_an_offset_belongs_to_a_turn_and_may_become_known(stores: Stores) -> None:
    await stores.turns.accept(SPACE, [turn(1), turn(2, utc_offset_minutes=60)])
    again = await stores.turns.accept(SPACE, [turn(1), turn(1, utc_offset_minutes=60), turn(2, utc_offset_minutes=60)])
    assert (again.accepted_count, again.duplicate_count) == (0, 3)
    for other in (turn(2), turn(2, utc_offset_minutes=0)):
        with pytest.raises(Conflict) as caught:
            await stores.turns.accept(SPACE, [other])
        assert caught.value.reason is Reason.TURN_ID_CONFLICT


async def test_a_repeat_on_another_clock_of_the_space_is_the_same_turn(stores: Stores) -> None:
    await stores.spaces.update(SPACE, time_zone="Asia/Tokyo", etag="")
    first = await stored(stores, turn(1))
    await stores.spaces.update(SPACE, time_zone="Europe/Lisbon", etag="")
    assert (await stored(stores, turn(1))) == first
    with pytest.raises(Conflict):
        await stores.turns.accept(SPACE, [turn(1, utc_offset_minutes=60)])


@pytest.mark.parametrize("offset", [None, 0, -420, 845])
async def test_a_memory_keeps_its_clock(stores: Stores, offset: int | None) -> None:
    await stores.turns.accept(SPACE, [turn(1)])
    job = await stores.jobs.claim("w", list(JobKind), lease_seconds=9)
    assert job is not None
    await stores.memories.commit(SPACE, job, kept(memory(1, utc_offset_minutes=offset), turns=(turn(1),)))
    found = await stores.memories.get(SPACE, memory(1).id)
    (change,) = (await stores.memories.history(SPACE, found.id, limit=9)).items
    assert (found.utc_offset_minutes, change.memory.utc_offset_minutes) == (offset, offset)


async def test_settings_are_of_one_user_of_one_space(stores: Stores) -> None:
    await stores.spaces.create(TEAM, "", time_zone="Europe/Paris")
    set_to = await stores.users.set_time_zone(TEAM, "ana", "Asia/Tokyo")
    assert set_to == UserSettings("ana", "Asia/Tokyo") == await stores.users.get(TEAM, "ana")
    assert await stores.users.get(SPACE, "ana") == UserSettings("ana")
    assert [await stores.users.time_zone(TEAM, user) for user in ("ana", "ben", "")] == [
        "Asia/Tokyo",
        *2 * ["Europe/Paris"],
    ]
    assert await stores.users.time_zone(SPACE, "ana") == ""
    await stores.users.set_time_zone(TEAM, "ana", "")
    assert await stores.users.time_zone(TEAM, "ana") == "Europe/Paris"


async def test_settings_go_with_their_space(stores: Stores) -> None:
    await stores.spaces.create(TEAM, "")
    await stores.users.set_time_zone(TEAM, "ana", "Asia/Tokyo")
    await stores.spaces.delete(TEAM, force=False)
    with pytest.raises(NotFound):
        await stores.users.get(TEAM, "ana")
    for call in (stores.users.time_zone(TEAM, "ana"), stores.users.set_time_zone(TEAM, "ana", "Asia/Tokyo")):
        with pytest.raises(NotFound):
            await call
    await stores.spaces.create(TEAM, "")
    assert await stores.users.get(TEAM, "ana") == UserSettings("ana")


async def test_a_space_changes_what_is_given(stores: Stores) -> None:
    made = await stores.spaces.create(TEAM, "Team", time_zone="Europe/Paris")
    assert made.time_zone == "Europe/Paris"
    renamed = await stores.spaces.update(TEAM, "Crew", etag=made.etag)
    moved = await stores.spaces.update(TEAM, time_zone="", etag=renamed.etag)
    assert [(s.display_name, s.time_zone) for s in (renamed, moved)] == [("Crew", "Europe/Paris"), ("Crew", "")]


async def test_a_request_may_be_repeated(stores: Stores) -> None:
    request = IngestRequestId("5b3d6f0e-0000-4000-8000-000000000000", "digest")
    first = await stores.turns.accept(SPACE, [turn(1)], request=request, time_zone="Asia/Tokyo")
    assert await stores.turns.accept(SPACE, [turn(1)], request=request, time_zone="Asia/Tokyo") == first

"""Times as callers write them, and the clock they are sent with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from memsvc_client import InvalidArgument, UserSettings, methods
from memsvc_client.v1 import admin_service_pb2 as admin
from memsvc_client.v1 import memory_pb2
from memsvc_client.v1 import memory_service_pb2 as service

TOKYO = timezone(timedelta(hours=9))
LISBON = ZoneInfo("Europe/Lisbon")


@pytest.mark.parametrize(
    ("created_at", "offset"),
    [
        ("2026-03-10T08:00:00+09:00", 540),
        ("2026-06-30T18:00:00-07:00", -420),
        (datetime(2026, 3, 10, 8, tzinfo=TOKYO), 540),
        (datetime(2026, 7, 1, tzinfo=LISBON), 60),
        (datetime(2026, 1, 1, tzinfo=LISBON), 0),
        (datetime(2026, 1, 1, tzinfo=UTC), None),
        (datetime(2026, 1, 1, tzinfo=ZoneInfo("Etc/UTC")), None),
        ("2026-01-01T00:00:00Z", None),
    ],
)
async def test_a_message_is_sent_with_the_clock_it_was_written_by(api, script, created_at, offset):
    script.on(methods.INGEST, service.IngestResponse())
    await api("add", {"content": "Today!", "created_at": created_at}, user_id="ana")
    [turn] = script.asked[0].turns
    assert (turn.utc_offset_minutes if turn.HasField("utc_offset_minutes") else None) == offset


@pytest.mark.parametrize(
    ("time_zone", "seconds", "offset"),
    [
        ("Asia/Tokyo", "2026-03-09T23:00:00Z", 540),
        ("+09:00", "2026-03-09T23:00:00Z", 540),
        ("-03:30", "2026-03-10T11:30:00Z", -210),
    ],
)
async def test_a_time_without_an_offset_is_read_by_the_time_zone(api, script, time_zone, seconds, offset):
    script.on(methods.INGEST, service.IngestResponse())
    for written in ("2026-03-10T08:00:00", datetime(2026, 3, 10, 8)):  # noqa: DTZ001 - the case under test
        await api("add", {"content": "Tomorrow.", "created_at": written}, user_id="ana", time_zone=time_zone)
        [turn] = script.asked[-1].turns
        assert turn.event_time.ToDatetime(tzinfo=UTC) == datetime.fromisoformat(seconds)
        assert turn.utc_offset_minutes == offset
        assert script.asked[-1].time_zone == time_zone


@pytest.mark.parametrize("time_zone", ["Tokyo", "JST+9", "../x", "", 9])
async def test_an_unknown_time_zone_is_refused_before_any_call(api, script, time_zone):
    for call in ("add", "search"):
        with pytest.raises(InvalidArgument, match="time_zone"):
            await api(call, "x", time_zone=time_zone, user_id="ana")
    assert script.asked == []


async def test_a_clock_that_nobody_has_is_refused(api, script):
    written = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-13)))
    with pytest.raises(InvalidArgument, match=r"messages\[0\].created_at"):
        await api("add", {"content": "x", "created_at": written}, user_id="ana")
    assert script.asked == []


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, ""),
        ({"ask_time": "2026-03-10T08:00:00+09:00"}, "+09:00"),
        ({"ask_time": "2026-03-10T08:00:00-03:30"}, "-03:30"),
        ({"ask_time": "2026-03-10T08:00:00Z"}, ""),
        ({"ask_time": datetime(2026, 3, 10, tzinfo=LISBON)}, "Europe/Lisbon"),
        ({"ask_time": "2026-03-10T08:00:00+09:00", "time_zone": "Europe/Lisbon"}, "Europe/Lisbon"),
        ({"ask_time": "2026-03-10T08:00:00", "time_zone": "Asia/Tokyo"}, "Asia/Tokyo"),
    ],
)
async def test_a_question_is_asked_on_a_clock(api, script, given, sent):
    script.on(methods.QUERY, service.QueryResponse())
    script.on(methods.EXPLAIN, service.ExplainResponse())
    script.on(methods.ASK, service.AskResponse())
    for call in ("search", "context", "explain", "ask"):
        await api(call, "Which call was last week?", user_id="ana", **given)
    assert [request.spec.time_zone for request in script.asked] == [sent] * 4


async def test_settings_of_a_user(api, script):
    name = "spaces/default/users/team/ana/settings"
    settings = memory_pb2.UserSettings(name=name, time_zone="Asia/Tokyo")
    script.on(methods.UPDATE_USER_SETTINGS, service.UpdateUserSettingsResponse(settings=settings))
    script.on(methods.GET_USER_SETTINGS, service.GetUserSettingsResponse(settings=settings))
    expected = UserSettings(user_id="team/ana", time_zone="Asia/Tokyo")
    assert await api("users.set_time_zone", "team/ana", "Asia/Tokyo") == expected
    assert await api("users.get", "team/ana") == expected
    change, read = script.asked
    assert (change.settings, list(change.update_mask.paths), read.name) == (settings, ["time_zone"], name)
    with pytest.raises(InvalidArgument, match="user_id"):
        await api("users.get", "")


async def test_time_zone_of_a_space(api, script):
    script.on(methods.CREATE_SPACE, admin.CreateSpaceResponse(space={"name": "spaces/team", "time_zone": "Asia/Tokyo"}))
    script.on(methods.UPDATE_SPACE, admin.UpdateSpaceResponse(space={"name": "spaces/team"}))
    assert (await api("spaces.create", "team", time_zone="Asia/Tokyo")).time_zone == "Asia/Tokyo"
    await api("spaces.update", "team", time_zone="")
    created, updated = script.asked
    assert created.space.time_zone == "Asia/Tokyo"
    assert list(updated.update_mask.paths) == ["time_zone"]
    with pytest.raises(InvalidArgument, match="at least one field"):
        await api("spaces.update", "team")

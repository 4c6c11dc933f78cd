"""The SDK against a real service: everything a user does in the first hour."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from memsvc.process import ServiceProcess
from memsvc_client import (
    AsyncMemoryClient,
    Conflict,
    InvalidArgument,
    MemoryChange,
    MemoryClient,
    NotFound,
    Unauthenticated,
)

TALK = [
    {"role": "user", "name": "Ana", "content": "Hi!", "created_at": "2025-05-08T10:00:00+00:00", "id": "1"},
    {
        "role": "user",
        "name": "Ana",
        "content": "I moved to Lisbon last month and started at a bakery called Pão Quente yesterday.",
        "created_at": "2025-05-08T10:00:30+00:00",
        "id": "2",
    },
    {
        "role": "assistant",
        "name": "Mo",
        "content": "Lovely! What is your sister Marta doing?",
        "created_at": "2025-05-08T10:01:00+00:00",
        "id": "3",
    },
    {
        "role": "user",
        "name": "Ana",
        "content": "She teaches violin in Porto.",
        "created_at": "2025-05-08T10:02:00+00:00",
        "id": "4",
    },
]


def test_what_is_added_can_be_read_at_once_with_its_token(client: MemoryClient) -> None:
    added = client.add(TALK, user_id="ana", session_id="s1")
    assert (added.accepted_count, added.duplicate_count) == (4, 0)
    found = client.search("Where does Ana live?", user_id="ana", after=added)
    assert "Lisbon" in found.context
    assert "2" in {source.turn_id for hit in found for source in hit.sources}
    assert 0 < found.token_count <= found.max_tokens
    assert not found.degraded
    operation = added.operation.wait()
    assert (operation.state, operation.summary.turn_count) == ("succeeded", 4)


def test_below_the_least_confidence_nothing_is_told_and_a_warning_says_so(client: MemoryClient) -> None:
    client.add(TALK, user_id="ana", session_id="s1", wait=True)
    withheld = client.search("Where does Ana live?", user_id="ana", min_confidence=1.0)
    assert (tuple(withheld), withheld.context) == ((), "")
    assert "BELOW_MIN_CONFIDENCE" in {str(warning.code).upper() for warning in withheld.warnings}
    told = client.search("Where does Ana live?", user_id="ana", min_confidence=0.0)
    assert "Lisbon" in told.context
    assert not told.warnings


def test_relative_dates_are_resolved_beside_them_and_speakers_are_named(client: MemoryClient) -> None:
    client.add(TALK, user_id="ana", session_id="s1", wait=True)
    moved = next(m for m in client.list(user_id="ana") if "Lisbon" in m.memory)
    assert moved.memory.startswith("Ana: ")
    assert "yesterday [7 May 2025]" in moved.memory
    assert moved.gate is not None
    assert moved.gate.kept


def test_what_was_left_out_says_why_and_can_still_be_searched(client: MemoryClient) -> None:
    client.add(TALK, user_id="ana", session_id="s1", wait=True)
    turns = {turn.id: turn for turn in client.turns(user_id="ana")}
    assert turns["1"].disposition == "left_out"
    assert turns["1"].disposition_reason
    assert turns["1"].content == "Hi!"
    left_out = list(client.list(user_id="ana", filters={"states": ["left_out"]}))
    assert "1" in {source.turn_id for memory in left_out for source in memory.sources}
    served = client.search("Hi!", user_id="ana")
    assert "1" not in {source.turn_id for hit in served for source in hit.sources}


def test_a_repeat_is_a_duplicate_and_another_body_an_error(client: MemoryClient) -> None:
    request = "3f2a5a0e-6a39-4a59-8f6e-0b7f0f7f2a11"
    first = client.add(TALK[:2], user_id="ana", request_id=request)
    again = client.add(TALK[:2], user_id="ana", request_id=request)
    assert again.consistency_token == first.consistency_token
    assert again.accepted_count == first.accepted_count == 2
    with pytest.raises(Conflict) as conflict:
        client.add(TALK[2:], user_id="ana", request_id=request)
    assert conflict.value.reason == "REQUEST_ID_CONFLICT"
    repeated = client.add(TALK[:3], user_id="ana")
    assert (repeated.accepted_count, repeated.duplicate_count) == (1, 2)
    with pytest.raises(Conflict) as changed:
        client.add([{**TALK[0], "content": "Bye!"}], user_id="ana")
    assert changed.value.reason == "TURN_ID_CONFLICT"


def test_update_history_and_delete(client: MemoryClient) -> None:
    client.add(TALK, user_id="ana", wait=True)
    memory = next(m for m in client.list(user_id="ana") if "Lisbon" in m.memory)
    changed = client.update(memory.id, text="Ana lives in Coimbra.", etag=memory.etag)
    assert changed.memory.memory == "Ana lives in Coimbra."
    found = client.search("Who lives in Coimbra?", user_id="ana", after=changed)
    assert found[0].id == memory.id
    with pytest.raises(Conflict) as stale:
        client.update(memory.id, text="Ana lives in Faro.", etag=memory.etag)
    assert stale.value.reason == "ETAG_MISMATCH"
    client.delete(memory.id)
    assert memory.id not in {hit.id for hit in client.search("Who lives in Coimbra?", user_id="ana")}
    with pytest.raises(NotFound):
        client.get(memory.id)
    assert [change.kind for change in client.history(memory.id)] == ["created", "updated", "deleted"]
    assert (
        client.delete_all(user_id="ana") == len(list(client.list(user_id="ana", filters={"states": ["deleted"]}))) - 1
    )


def test_explain_is_query_with_a_trace(client: MemoryClient) -> None:
    added = client.add(TALK, user_id="ana")
    result = client.search("What does Marta do?", user_id="ana", after=added)
    trace = client.explain("What does Marta do?", user_id="ana")
    assert trace.result.context == result.context
    assert [c.id for c in trace.candidates if c.outcome == "returned"] == [hit.id for hit in result]
    assert all(candidate.reason for candidate in trace.candidates)
    assert {view.view for view in result.views} >= {"dense", "lexical"}


def test_an_empty_answer_is_not_an_error(client: MemoryClient) -> None:
    result = client.search("Where does Ana live?", user_id="nobody")
    assert len(result) == 0
    assert result.context == ""
    assert not result.degraded


def test_users_do_not_see_each_other(client: MemoryClient) -> None:
    client.add("I keep the spare key under the blue pot.", user_id="ana", wait=True)
    client.add("I keep bees.", user_id="bo", wait=True)
    assert all(hit.user_id == "bo" for hit in client.search("Where is the spare key?", user_id="bo"))
    assert client.delete_all(user_id="bo") == 1
    assert len(client.search("Where is the spare key?", user_id="ana")) == 1


def test_spaces_do_not_see_each_other(client: MemoryClient, running: ServiceProcess) -> None:
    client.add("The vault code is 4711.", user_id="ana", wait=True)
    with MemoryClient(running.address, api_key=running.api_key, space="default") as other:
        assert "4711" not in other.search("What is the vault code?", whole_space=True).context


def test_a_stream_acknowledges_what_is_committed_and_resumes(client: MemoryClient) -> None:
    with client.stream(user_id="ana", session_id="live") as stream:
        for number in range(150):
            stream.send({"role": "user", "name": "Ana", "content": f"Box {number} holds {number * 3} plates."})
        stream.flush()
    assert len(list(client.turns(user_id="ana"))) == 150


def test_watch_sees_what_happens(client: MemoryClient) -> None:
    seen: list[MemoryChange] = []
    watch = client.watch(user_id="ana", timeout=60.0)

    def follow() -> None:
        for change in watch:
            seen.append(change)
            if change.kind == "deleted":
                return

    follower = threading.Thread(target=follow)
    follower.start()
    # The watch starts "now"; writing until it has seen something leaves no race with its start.
    written = []
    while not seen and len(written) < 50:
        client.add(f"Ana bought {len(written) + 2} green chairs in Braga.", user_id="ana", wait=True)
        written = list(client.list(user_id="ana"))
    client.delete(written[0].id)
    follower.join(60)
    assert seen[-1].kind == "deleted"
    assert seen[-1].memory.id == written[0].id
    assert [change.sequence for change in seen] == sorted(change.sequence for change in seen)


def test_stats_count(client: MemoryClient) -> None:
    client.add(TALK, user_id="ana", wait=True)
    stats = client.stats()
    assert (stats.turn_count, stats.pending_turn_count, stats.failed_job_count) == (4, 0, 0)
    assert stats.stored_token_count == sum(memory.token_count for memory in client.list(user_id="ana"))
    assert stats.compression_ratio == pytest.approx(stats.stored_token_count / stats.raw_token_count)
    assert stats.unindexed_memory_count == 0


def test_reindex_rebuilds_the_same_answers(client: MemoryClient) -> None:
    client.add(TALK, user_id="ana", wait=True)
    before = client.search("What does Marta do?", user_id="ana").context
    done = client.reindex().wait()
    assert done.state == "succeeded"
    assert done.summary.indexed_count == len(
        list(client.list(whole_space=True, filters={"states": ["active", "left_out"]}))
    )
    assert client.search("What does Marta do?", user_id="ana").context == before


def test_bad_input_names_every_field_and_changes_nothing(client: MemoryClient) -> None:
    with pytest.raises(InvalidArgument) as error:
        client.add([{"role": "user", "content": text} for text in ("", "x" * 40_000, "y" * 40_000)], user_id="ana")
    # The first one holds nothing, which is no error.
    assert {violation.field for violation in error.value.violations} == {"turns[1].content", "turns[2].content"}
    assert client.stats().turn_count == 0


def test_a_wrong_key_gets_nowhere(running: ServiceProcess) -> None:
    with (
        MemoryClient(running.address, api_key="msk_nope", timeout=5.0) as stranger,
        pytest.raises(Unauthenticated),
    ):
        stranger.stats()


async def test_the_async_client_does_the_same(running: ServiceProcess, space: str) -> None:
    async with AsyncMemoryClient(running.address, api_key=running.api_key, space=space, timeout=60.0) as client:
        added = await client.add(
            {"role": "user", "name": "Ana", "content": "I sold the kayak to Priya.", "created_at": datetime.now(UTC)},
            user_id="ana",
        )
        context = await client.context("Who has the kayak?", user_id="ana", after=added)
        assert "Priya" in context.to_text()
        assert context.to_openai()[-1]["role"] == "user"
        assert [memory.memory async for memory in client.list(user_id="ana")]


def test_a_method_of_a_later_release_says_so(running: ServiceProcess) -> None:
    from grpc import StatusCode, insecure_channel

    from memsvc_client.v1 import admin_service_pb2 as service
    from memsvc_client.v1 import admin_service_pb2_grpc as stubs

    with insecure_channel(running.address) as channel:
        stub = stubs.AdminServiceStub(channel)
        request = service.ListAuditEventsRequest()
        with pytest.raises(Exception) as error:  # noqa: PT011 - grpc's own error class is private
            stub.ListAuditEvents(request, metadata=(("authorization", f"Bearer {running.api_key}"),), timeout=5)
    assert error.value.code() is StatusCode.UNIMPLEMENTED
    assert "release" in error.value.details()


def test_metadata_of_messages_is_on_their_memories_and_filters_them(client: MemoryClient) -> None:
    told = [
        {"role": "user", "name": "Ana", "content": "The flight to Rome costs 120 euros.", "metadata": {"cost": 120}},
        {"role": "user", "name": "Ana", "content": "The train to Bern costs 80 euros.", "metadata": {"cost": 80}},
    ]
    client.add(told, user_id="ana", session_id="s1", metadata={"project": {"name": "trip"}}, wait=True)
    cheap = {"project.name": "trip", "cost": {"lt": 100}}
    [hit] = client.search("What does travel cost?", user_id="ana", filters=cheap)
    assert hit.metadata == {"project": {"name": "trip"}, "cost": 80}
    assert "Bern" in hit.memory
    assert [item.id for item in client.list(user_id="ana", filters=cheap)] == [hit.id]
    assert client.delete_all(user_id="ana", filters={"cost": {"gt": 100}}) == 1
    assert [item.id for item in client.list(user_id="ana")] == [hit.id]


def test_contexts_are_grouped_by_the_speakers_days(client: MemoryClient) -> None:
    client.add(
        [
            {"content": "I have a call with Kenji tomorrow at 9am.", "created_at": "2026-03-10T08:00:00+09:00"},
            {"content": "Today is my last day at Initech.", "created_at": "2026-06-30T18:00:00-07:00"},
        ],
        user_id="ana",
        wait=True,
    )
    context = client.context("What about Kenji and Initech?", user_id="ana", limit=5).to_text()
    assert [line for line in context.splitlines() if line.endswith(":")] == ["10 March 2026:", "30 June 2026:"]
    (last,) = client.search("Which day was the last at Initech?", user_id="ana", limit=1)
    assert last.local_time is not None
    assert (last.utc_offset_minutes, last.local_time.isoformat()) == (-420, "2026-06-30T18:00:00-07:00")

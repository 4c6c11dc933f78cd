"""The two streams: what is acknowledged, and how they go on after an outage."""

from __future__ import annotations

import asyncio
import threading
import uuid
from contextlib import AsyncExitStack

import pytest

from memsvc_client import AsyncMemoryClient, Conflict, DeadlineExceeded, Internal, InvalidArgument, Unavailable, methods
from memsvc_client.v1 import memory_pb2, operation_pb2
from memsvc_client.v1 import memory_service_pb2 as service


class Log:
    """Keeps a stream as the service does: commits each turn once, skips numbers it has, acknowledges in batches."""

    def __init__(self, script, *, batch=1, fail_after=()):
        self.script = script
        self.batch = batch
        self.fail_after = list(fail_after)
        self.committed = []
        self.headers = []
        self.ended_well = False

    def __call__(self, requests):
        self.headers.append(next(requests).header)
        yield self.ack(first=True)
        since = 0
        for request in requests:
            assert request.turn.sequence <= len(self.committed) + 1, "a number was left out"
            if request.turn.sequence == len(self.committed) + 1:
                self.committed.append(request.turn.turn)
                since += 1
            if self.fail_after and len(self.committed) == self.fail_after[0]:
                self.fail_after.pop(0)
                yield self.script.failure(self.script.code.UNAVAILABLE, "restarting")
            if since >= self.batch:
                since = 0
                yield self.ack()
        self.ended_well = True

    def ack(self, *, first=False):
        number = len(self.committed)
        operation = None if first else operation_pb2.Operation(name=f"spaces/default/operations/op{number}")
        return service.StreamIngestResponse(
            committed_sequence=number, consistency_token=f"t{number}", operation=operation
        )


async def test_a_stream_numbers_turns_and_flushes_at_its_end(api, script):
    log = Log(script)
    script.on_stream(methods.STREAM_INGEST, log)
    async with AsyncExitStack() as stack:
        stream = await api.enter(stack, api.client.stream(user_id="ana", session_id="s1", metadata={"a": "b"}))
        sequences = [await api.result(stream.send(text)) for text in ("one", "two")]
        await api.result(stream.send({"role": "assistant", "content": "three", "id": "mine"}))
        ack = await api.result(stream.flush())
        assert (stream.committed_sequence, stream.unacked_count) == (3, 0)
    assert sequences == [1, 2]
    assert [turn.content for turn in log.committed] == ["one", "two", "three"]
    assert log.committed[2].turn_id == "mine"
    assert all(turn.scope == memory_pb2.Scope(user_id="ana", session_id="s1") for turn in log.committed)
    assert all(turn.HasField("event_time") and turn.metadata["a"] == "b" for turn in log.committed)
    assert (ack.committed_sequence, ack.consistency_token, ack.operation.id) == (3, "t3", "op3")


async def test_a_stream_has_its_priority_again_after_an_outage(api, script):
    log = Log(script, fail_after=[1])
    script.on_stream(methods.STREAM_INGEST, log)
    async with AsyncExitStack() as stack:
        stream = await api.enter(stack, api.client.stream(user_id="ana", priority="backfill"))
        for text in ("one", "two"):
            await api.result(stream.send(text))
        await api.result(stream.flush())
    assert [header.priority for header in log.headers] == [service.PRIORITY_BACKFILL] * 2
    with pytest.raises(InvalidArgument) as raised:
        api.client.stream(user_id="ana", priority="low")
    assert [violation.field for violation in raised.value.violations] == ["priority"]


async def test_leaving_the_block_flushes_and_ends_the_stream(api, script):
    log = Log(script)
    script.on_stream(methods.STREAM_INGEST, log)
    async with AsyncExitStack() as stack:
        stream = await api.enter(stack, api.client.stream(user_id="ana"))
        for n in range(50):
            await api.result(stream.send(f"message {n}"))
    assert [turn.content for turn in log.committed] == [f"message {n}" for n in range(50)]
    assert log.ended_well


async def test_a_stream_goes_on_after_outages_and_commits_every_turn_once(api, script):
    log = Log(script, fail_after=[3, 7, 20])
    script.on_stream(methods.STREAM_INGEST, log)
    async with AsyncExitStack() as stack:
        stream = await api.enter(stack, api.client.stream(user_id="ana", max_unacked=4))
        for n in range(30):
            await api.result(stream.send(f"message {n}"))
            assert stream.unacked_count <= 4
    assert [turn.content for turn in log.committed] == [f"message {n}" for n in range(30)]
    assert len(log.headers) == 4
    assert {header.stream_id for header in log.headers} == {stream.stream_id}
    assert len({turn.turn_id for turn in log.committed}) == 30


async def test_a_stream_goes_on_in_another_process_where_it_was_committed(api, script):
    log = Log(script)
    script.on_stream(methods.STREAM_INGEST, log)
    stream_id = uuid.uuid4()
    history = [f"message {n}" for n in range(1, 9)]
    for part in (history[:5], history):
        async with AsyncExitStack() as stack:
            stream = await api.enter(stack, api.client.stream(user_id="ana", stream_id=stream_id))
            for text in part[stream.committed_sequence :]:
                await api.result(stream.send(text))
    assert [turn.content for turn in log.committed] == history


async def test_a_failing_turn_ends_the_stream_with_its_error(api, script):
    def refuse(requests):
        next(requests)
        yield service.StreamIngestResponse()
        next(requests)
        violation = script.details.BadRequest.FieldViolation(field="turn.content", description="too long")
        bad = script.details.BadRequest(field_violations=[violation])
        yield script.failure(script.code.INVALID_ARGUMENT, "bad", bad)

    script.on_stream(methods.STREAM_INGEST, refuse)
    async with AsyncExitStack() as stack:
        stream = await api.enter(stack, api.client.stream(user_id="ana"))
        await api.result(stream.send("x"))
        with pytest.raises(InvalidArgument) as raised:
            await api.result(stream.flush())
        assert raised.value.violations[0].field == "turn.content"
        assert stream.unacked_count == 1
        await api.result(stream.close())
        with pytest.raises(InvalidArgument):
            await api.result(stream.flush())
        stack.pop_all()
    await api.result(stream.close())


async def test_a_service_that_never_acknowledges_ends_in_the_timeout(api, script):
    def silent(requests):
        next(requests)
        yield service.StreamIngestResponse()
        for _ in requests:
            pass

    script.on_stream(methods.STREAM_INGEST, silent)
    async with AsyncExitStack() as stack:
        stream = await api.enter(stack, api.client.stream(user_id="ana"))
        await api.result(stream.send("x"))
        with pytest.raises(DeadlineExceeded):
            await api.result(stream.flush(timeout=0.3))
        stack.pop_all()
    assert stream.unacked_count == 1
    await api.result(stream.close())


@pytest.mark.parametrize(("answers", "expected"), [((0, 5), Conflict), ((4, 1), Internal)])
async def test_an_impossible_acknowledgement_is_an_error(api, script, answers, expected):
    def confused(requests):
        next(requests)
        yield service.StreamIngestResponse(committed_sequence=answers[0])
        next(requests)
        yield service.StreamIngestResponse(committed_sequence=answers[1])

    script.on_stream(methods.STREAM_INGEST, confused)
    async with AsyncExitStack() as stack:
        stream = await api.enter(stack, api.client.stream(user_id="ana"))
        await api.result(stream.send("x"))
        with pytest.raises(expected):
            await api.result(stream.flush())
        stack.pop_all()
    await api.result(stream.close())


async def test_an_outage_longer_than_the_timeout_is_unavailable(api, script):
    client = api.kind("127.0.0.1:1", timeout=2.0)
    async with AsyncExitStack() as stack:
        with pytest.raises(Unavailable):
            await api.enter(stack, client.stream(user_id="ana"))
    await api.result(client.close())


class ChangeLog:
    """Streams changes after a resume token, failing after each one of `fail_after` was sent."""

    def __init__(self, script, count, fail_after=()):
        self.script = script
        self.count = count
        self.fail_after = set(fail_after)
        self.requests = []
        self.ended = threading.Event()

    def __call__(self, requests):
        self.requests.append(next(requests))
        start = int(self.requests[-1].resume_token or 0)
        yield service.WatchMemoriesResponse(resume_token=str(start))  # a bookmark
        for number in range(start + 1, self.count + 1):
            memory = memory_pb2.Memory(name=f"spaces/default/memories/m{number}", text="t")
            change = memory_pb2.MemoryChange(sequence=number, kind="MEMORY_CHANGE_KIND_CREATED", memory=memory)
            yield service.WatchMemoriesResponse(change=change, resume_token=str(number))
            if number in self.fail_after:
                self.fail_after.remove(number)
                yield self.script.failure(self.script.code.UNAVAILABLE, "restarting")
        self.ended.wait(10)


async def test_a_watch_goes_on_after_outages_without_gap_or_repeat(api, script):
    log = ChangeLog(script, 6, fail_after=[2, 3])
    script.on_stream(methods.WATCH_MEMORIES, log)
    watch = api.client.watch(user_id="ana")
    changes = await api.items(watch, 6)
    assert [change.sequence for change in changes] == [1, 2, 3, 4, 5, 6]
    assert [change.memory.id for change in changes] == [f"m{n}" for n in range(1, 7)]
    assert [request.resume_token for request in log.requests] == ["", "2", "3"]
    assert {request.scope.user_id for request in log.requests} == {"ana"}
    assert (watch.resume_token, changes[3].resume_token, changes[0].kind) == ("6", "4", "created")
    await api.result(watch.close())
    log.ended.set()


async def test_a_watch_starts_at_the_given_token_and_stays_closed(api, script):
    log = ChangeLog(script, 5)
    script.on_stream(methods.WATCH_MEMORIES, log)
    watch = api.client.watch(whole_space=True, resume_token="3")
    assert [change.sequence for change in await api.items(watch, 2)] == [4, 5]
    await api.result(watch.close())
    log.ended.set()
    assert await api.items(watch) == []


async def test_a_watch_that_cannot_come_back_is_unavailable(api, script):
    script.on_stream(methods.WATCH_MEMORIES, lambda _: iter([script.failure(script.code.UNAVAILABLE, "down")]))
    with pytest.raises(Unavailable):
        await api.items(api.client.watch(whole_space=True, timeout=0.4), 1)


async def test_a_refused_token_is_an_error(api, script):
    reason = script.details.ErrorInfo(reason="RESUME_TOKEN_INVALID", domain="memsvc")
    failure = script.failure(script.code.INVALID_ARGUMENT, "bad", reason)
    script.on_stream(methods.WATCH_MEMORIES, lambda _: iter([failure]))
    with pytest.raises(InvalidArgument) as raised:
        await api.items(api.client.watch(whole_space=True, resume_token="nonsense"), 1)
    assert raised.value.reason == "RESUME_TOKEN_INVALID"


async def test_closing_a_watch_ends_a_waiting_iteration(api, script):
    log = ChangeLog(script, 1)
    script.on_stream(methods.WATCH_MEMORIES, log)
    watch = api.client.watch(whole_space=True)
    assert len(await api.items(watch, 1)) == 1
    if hasattr(watch, "__anext__"):
        waiting = asyncio.create_task(api.items(watch))
        await asyncio.sleep(0.1)
        await watch.close()
        rest = await waiting
    else:
        waiting = asyncio.create_task(asyncio.to_thread(list, watch))
        await asyncio.sleep(0.1)
        watch.close()
        rest = await waiting
    log.ended.set()
    assert rest == []


async def test_a_cancelled_task_is_cancelled_and_the_stream_goes_on(script, address):
    log = Log(script, batch=3)
    script.on_stream(methods.STREAM_INGEST, log)
    async with AsyncMemoryClient(address) as client, client.stream(user_id="ana") as stream:
        await stream.send("one")
        flushing = asyncio.create_task(stream.flush())
        await asyncio.sleep(0.1)
        flushing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await flushing
        await stream.send("two")
        await stream.send("three")
        await stream.send("four")
        log.batch = 1
    assert [turn.content for turn in log.committed] == ["one", "two", "three", "four"]

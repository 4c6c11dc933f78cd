import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc import metrics
from memsvc.errors import Reason, Unavailable
from memsvc.models.batcher import Batcher, similar_to_first


class Device:
    """Doubles numbers, batch by batch; `gate` holds it, a payload of -1 breaks it."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.started = threading.Event()

    def compute(self, payloads: Sequence[int]) -> list[int]:
        self.batches.append(list(payloads))
        self.started.set()
        assert self.gate.wait(10)
        if -1 in payloads:
            raise ValueError("broken payload")
        return [2 * payload for payload in payloads]


@pytest.fixture
def device() -> Device:
    return Device()


@pytest.fixture
async def batcher(device: Device) -> AsyncIterator[Batcher[int, int]]:
    with ThreadPoolExecutor(1) as executor:
        batcher = Batcher(device.compute, executor, max_batch_tokens=40)
        yield batcher
        device.gate.set()
        await batcher.close()


async def held(device: Device, batcher: Batcher[int, int]) -> asyncio.Task[list[int]]:
    """Occupy the device with a first batch until `device.gate` is set."""
    device.gate.clear()
    task = asyncio.create_task(batcher.submit([0], [40], urgent=False))
    await asyncio.to_thread(device.started.wait, 10)
    return task


async def submit(
    batcher: Batcher[int, int], payloads: list[int], length: int, *, urgent: bool = False
) -> asyncio.Task[list[int]]:
    task = asyncio.create_task(batcher.submit(payloads, [length] * len(payloads), urgent=urgent))
    await asyncio.sleep(0)
    return task


async def test_results_come_back_in_order_for_many_callers(batcher: Batcher[int, int]) -> None:
    calls = [list(range(start, start + start % 7 + 1)) for start in range(50)]
    results = await asyncio.gather(*(batcher.submit(c, [1 + v % 9 for v in c], urgent=c[0] % 3 == 0) for c in calls))
    assert results == [[2 * value for value in call] for call in calls]


async def test_no_payloads_need_no_batch(batcher: Batcher[int, int], device: Device) -> None:
    assert await batcher.submit([], [], urgent=True) == []
    assert device.batches == []


async def test_batches_keep_to_the_token_budget_and_a_larger_text_goes_alone(
    batcher: Batcher[int, int], device: Device
) -> None:
    lengths = [5, 30, 10, 90, 10, 5, 20]
    assert await batcher.submit(range(7), lengths, urgent=False) == [0, 2, 4, 6, 8, 10, 12]
    for batch in device.batches:
        assert len(batch) == 1 or max(lengths[i] for i in batch) * len(batch) <= 40
    assert [3] in device.batches


async def test_urgent_waits_for_one_batch_only(batcher: Batcher[int, int], device: Device) -> None:
    first = await held(device, batcher)
    background = await submit(batcher, [1, 2, 3], 40)
    urgent = await submit(batcher, [9], 40, urgent=True)
    device.gate.set()
    await asyncio.gather(first, background, urgent)
    assert device.batches == [[0], [9], [1], [2], [3]]


async def test_background_gets_one_batch_in_eight(batcher: Batcher[int, int], device: Device) -> None:
    first = await held(device, batcher)
    urgent = await submit(batcher, list(range(10, 30)), 40, urgent=True)
    background = await submit(batcher, [1, 2], 40)
    device.gate.set()
    await asyncio.gather(first, background, urgent)
    assert [device.batches.index([value]) for value in (1, 2)] == [8, 16]


async def test_abandoned_requests_are_not_computed(batcher: Batcher[int, int], device: Device) -> None:
    first = await held(device, batcher)
    abandoned = await submit(batcher, [1, 2, 3], 40)
    kept = await submit(batcher, [4], 40)
    abandoned.cancel()
    await asyncio.sleep(0)
    device.gate.set()
    assert await asyncio.gather(first, kept) == [[0], [8]]
    assert device.batches == [[0], [4]]


async def test_a_broken_payload_fails_only_its_own_request(batcher: Batcher[int, int], device: Device) -> None:
    first = await held(device, batcher)
    good = await submit(batcher, [1, 2], 5)
    bad = await submit(batcher, [-1, 5], 5)
    device.gate.set()
    assert await asyncio.gather(first, good) == [[0], [2, 4]]
    with pytest.raises(Unavailable, match="ValueError") as caught:
        await bad
    assert caught.value.reason is Reason.EMBEDDER_UNAVAILABLE
    assert isinstance(caught.value.__cause__, ValueError)


async def test_a_wrong_number_of_results_is_a_failure() -> None:
    with ThreadPoolExecutor(1) as executor:
        batcher: Batcher[int, int] = Batcher(lambda payloads: [], executor, max_batch_tokens=40)
        with pytest.raises(Unavailable, match="RuntimeError"):
            await batcher.submit([1, 2], [5, 5], urgent=False)


async def test_closing_fails_what_waits_and_ends_what_runs(batcher: Batcher[int, int], device: Device) -> None:
    running = await held(device, batcher)
    waiting = await submit(batcher, [1], 40, urgent=True)
    closing = asyncio.create_task(batcher.close())
    with pytest.raises(Unavailable, match="closing"):
        await waiting
    device.gate.set()
    await closing
    assert await running == [0]
    with pytest.raises(Unavailable, match="closing"):
        await batcher.submit([1], [1], urgent=False)


def test_one_batcher_serves_one_event_loop_after_another(device: Device) -> None:
    with ThreadPoolExecutor(1) as executor:
        batcher = Batcher(device.compute, executor, max_batch_tokens=40)
        assert [asyncio.run(batcher.submit([n], [1], urgent=False)) for n in (1, 2)] == [[2], [4]]


async def test_two_batches_at_once_where_the_device_has_room_for_them(device: Device) -> None:
    with ThreadPoolExecutor(2) as executor:
        batcher = Batcher(device.compute, executor, max_batch_tokens=40, batches_at_once=2)
        first = await held(device, batcher)
        device.started.clear()
        second = await submit(batcher, [1], 40)
        await asyncio.to_thread(device.started.wait, 10)
        third = await submit(batcher, [2], 40)
        assert device.batches == [[0], [1]]
        device.gate.set()
        assert await asyncio.gather(first, second, third) == [[0], [2], [4]]
        await batcher.close()


async def test_metrics_tell_waits_sizes_and_padding(device: Device) -> None:
    def value(name: str, **labels: str) -> float:
        return metrics.REGISTRY.get_sample_value(name, {"model": "counted", **labels}) or 0.0

    with ThreadPoolExecutor(1) as executor:
        batcher = Batcher(device.compute, executor, max_batch_tokens=40, name="counted")
        await batcher.submit([1, 2, 3], [10, 8, 5], urgent=False)
        await batcher.submit([4], [7], urgent=True)
    assert value("memsvc_model_tokens_total") == 30
    assert value("memsvc_model_padding_tokens_total") == 7
    assert value("memsvc_model_batch_texts_sum") == 4
    assert value("memsvc_model_batch_tokens_sum") == 37
    assert value("memsvc_model_busy_seconds_total") > 0
    assert [value("memsvc_model_wait_seconds_count", urgency=name) for name in ("urgent", "background")] == [1, 1]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=80), st.integers(1, 2000))
def test_a_batch_holds_the_oldest_and_only_neighbours_in_length(lengths: list[int], budget: int) -> None:
    batch = similar_to_first(lengths, budget)
    chosen = [lengths[index] for index in batch]
    assert 0 in batch
    assert len(set(batch)) == len(batch)
    assert chosen[0] * len(batch) <= max(budget, lengths[0])
    outside = [lengths[index] for index in range(len(lengths)) if index not in batch]
    assert not any(min(chosen) < length < max(chosen) for length in outside)

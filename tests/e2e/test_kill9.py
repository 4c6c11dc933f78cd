"""kill -9 at random moments of ingest, compression, consolidation and indexing; then everything is counted.

The service runs in children of a fork server that has the slow imports done, so that a start costs a second and
two hundred kills fit into a test. `MEMSVC_TEST_KILLS` and `MEMSVC_TEST_SEED` change number and moments.
"""

from __future__ import annotations

import os
import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from memsvc_client import MemoryClient, MemsvcError
from support.forked_service import ForkedService

KILLS = int(os.environ.get("MEMSVC_TEST_KILLS", "200"))
SEED = int(os.environ.get("MEMSVC_TEST_SEED", "20250301"))
SESSIONS = 150

WORDS = (
    *("Lisbon", "ferry", "ticket", "garden", "Marta", "violin", "dentist", "Thursday", "budget", "laptop", "recipe"),
    *("saffron", "bicycle", "Oslo", "lease", "Tomas", "exam", "curtains", "harbour", "telescope", "choir", "Priya"),
)


@dataclass
class Ledger:
    """What the service acknowledged."""

    turns: dict[tuple[str, str], str] = field(default_factory=dict)
    requests: int = 0
    failures: int = 0
    unanswered: tuple[str, str, list[dict[str, str]]] | None = None
    """The request that a kill cut off: stored or not, nobody knows until it is repeated."""


def _turns(rng: random.Random, number: int) -> list[dict[str, str]]:
    def sentence() -> str:
        return f"I put the {rng.choice(WORDS)} beside the {rng.choice(WORDS)} on day {rng.randrange(1000)}."

    return [
        {
            "id": f"{number}-{position}",
            "role": rng.choice(("user", "assistant")),
            "name": rng.choice(("Ana", "Bo")),
            "content": rng.choice((sentence(), f"Where is the {rng.choice(WORDS)}?", "Ok, thanks!", sentence())),
        }
        for position in range(rng.randrange(1, 9))
    ]


def _ingest_until(stop: threading.Event, client: MemoryClient, rng: random.Random, ledger: Ledger, start: int) -> None:
    """Send requests, first of all the one that the service's last life did not answer, as it was."""
    number = start
    while not stop.is_set():
        if ledger.unanswered is None:
            number += 1
            session = f"s{rng.randrange(SESSIONS)}"
            ledger.unanswered = (session, str(uuid.UUID(int=rng.getrandbits(128), version=4)), _turns(rng, number))
        try:
            _send(client, ledger, timeout=1.0)
        except MemsvcError:
            ledger.failures += 1
            time.sleep(0.01)


def _send(client: MemoryClient, ledger: Ledger, *, timeout: float) -> None:
    assert ledger.unanswered is not None
    session, request, turns = ledger.unanswered
    client.add(turns, user_id="u", session_id=session, request_id=request, timeout=timeout)
    ledger.requests += 1
    ledger.turns.update({(session, turn["id"]): turn["content"] for turn in turns})
    ledger.unanswered = None


@pytest.mark.timeout(2400)
def test_no_kill_loses_or_doubles_an_acknowledged_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSVC_CONSOLIDATION", "on")  # so that kills hit consolidation too
    monkeypatch.setenv("MEMSVC_CONSOLIDATION_DELAY_SECONDS", "0.5")
    rng = random.Random(SEED)
    service = ForkedService(tmp_path)
    ledger = Ledger()
    for kill in range(KILLS):
        process, address = service.start()
        key = service.api_key()
        stop = threading.Event()
        with MemoryClient(address, api_key=key, timeout=1.0) as client:
            sender = threading.Thread(
                target=_ingest_until, args=(stop, client, random.Random(rng.random()), ledger, kill * 1_000_000)
            )
            sender.start()
            # Short lives die while they ingest, long ones while they compress and index.
            time.sleep(rng.choice((rng.uniform(0.0, 0.5), rng.uniform(0.5, 3.0))))
            process.kill()  # SIGKILL
            stop.set()
            sender.join()
        process.join()

    process, address = service.start()
    try:
        with MemoryClient(address, api_key=key, timeout=60.0) as client:
            if ledger.unanswered is not None:
                _send(client, ledger, timeout=60.0)
            _drain(client)
            _count(client, ledger)
    finally:
        process.terminate()
        process.join()


def _drain(client: MemoryClient) -> None:
    _wait_for_jobs(client)
    client.consolidate().wait(timeout=600)
    _wait_for_jobs(client)


def _wait_for_jobs(client: MemoryClient) -> None:
    deadline = time.monotonic() + 600
    while client.stats().pending_job_count:
        assert time.monotonic() < deadline, "the backlog does not drain"
        time.sleep(0.2)


def _count(client: MemoryClient, ledger: Ledger) -> None:
    assert ledger.requests >= KILLS / 4, "the service hardly lived long enough to acknowledge anything"
    turns = list(client.turns())
    stored = Counter((turn.session_id, turn.id) for turn in turns)
    content = {(turn.session_id, turn.id): turn.content for turn in turns}
    assert max(stored.values()) == 1, "a turn is stored twice"
    assert {name: content.get(name) for name in ledger.turns} == ledger.turns, "an acknowledged turn is missing"
    assert set(content) == set(ledger.turns), "a turn was stored that nobody sent"
    assert {turn.disposition for turn in turns} <= {"kept", "merged", "left_out"}, "a turn was never processed"

    served = list(client.list(filters={"states": ["active", "left_out"]}))
    said = Counter(
        (memory.memory, tuple((source.session_id, source.turn_id) for source in memory.sources)) for memory in served
    )
    assert max(said.values()) == 1, "a memory was written twice"
    memories = [*served, *client.list(filters={"states": ["superseded"]})]
    cited = {(source.session_id, source.turn_id) for memory in memories for source in memory.sources}
    assert cited <= set(stored), "a memory cites a turn that does not exist"
    kept = {(turn.session_id, turn.id) for turn in turns if turn.disposition == "kept"}
    assert kept <= cited, "a kept turn is in no memory"
    stats = client.stats()
    assert (stats.failed_job_count, stats.unindexed_memory_count, stats.pending_turn_count) == (0, 0, 0)
    assert stats.turn_count == len(turns)
    assert stats.unconsolidated_memory_count == 0
    done = client.operations.list(states=["succeeded"])
    assert any(operation.attempt_count > 1 for operation in done), "no kill ever hit a job"
    print(
        f"{KILLS} kills, seed {SEED}: {len(ledger.turns)} turns acknowledged in {ledger.requests} requests, "
        f"{ledger.failures} failed calls; {len(turns)} stored, "
        f"0 missing, 0 doubled; {len(memories)} memories, 0 doubled"
    )

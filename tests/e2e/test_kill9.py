"""kill -9 at random moments of ingest, compression, consolidation and indexing; then everything is counted.

The service runs in children of a fork server that has the slow imports done, so that a start costs a second and
two hundred kills fit into a test. `MEMSVC_TEST_KILLS` and `MEMSVC_TEST_SEED` change the number of the long test and the
moments.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from memsvc_client import MemoryClient
from support.forked_service import ForkedService
from support.ledger import Ledger, Sender, count, drain, until

FEW = 6
MANY = int(os.environ.get("MEMSVC_TEST_KILLS", "200"))
SEED = int(os.environ.get("MEMSVC_TEST_SEED", "20250301"))
SESSIONS = 150
PAUSE_SECONDS = 0.1
"""Between two requests, so that a life has time to compress and consolidate what it took in, and is killed in that."""


@pytest.mark.parametrize("kills", [FEW, pytest.param(MANY, marks=[pytest.mark.long, pytest.mark.timeout(2400)])])
def test_no_kill_loses_or_doubles_an_acknowledged_turn(tmp_path: Path, kills: int) -> None:
    rng = random.Random(SEED)
    # Consolidation is on so that kills hit it too.
    service = ForkedService(tmp_path, consolidation="on", consolidation_delay_seconds=0.5)
    ledger = Ledger()
    for kill in range(kills):
        process, address = service.start()
        key = service.api_key()
        with MemoryClient(address, api_key=key, timeout=1.0) as client:
            sender = Sender(
                [client],
                random.Random(rng.random()),
                ledger=ledger,
                name=str(kill),
                sessions=SESSIONS,
                pause=PAUSE_SECONDS,
            )
            # Short lives die while they ingest, long ones while they compress and index.
            time.sleep(rng.choice((rng.uniform(0.0, 0.5), rng.uniform(0.5, 3.0))))
            if kill % 2:
                until(lambda client=client: list(client.operations.list(states=["running"])), "no job runs")
            process.kill()  # SIGKILL
            sender.stop()
        process.join()

    process, address = service.start()
    try:
        with MemoryClient(address, api_key=key, timeout=60.0) as client:
            if ledger.unanswered is not None:
                ledger.send(client, timeout=60.0)
            drain(client)
            client.consolidate().wait(timeout=600)
            drain(client)
            counted = count(client, ledger)
            assert ledger.requests >= kills / 4, "the service hardly lived long enough to acknowledge anything"
            assert client.stats().unconsolidated_memory_count == 0
            done = client.operations.list(states=["succeeded"])
            assert any(operation.attempt_count > 1 for operation in done), "no kill ever hit a job"
    finally:
        process.terminate()
        process.join()
    print(f"{kills} kills, seed {SEED}: {counted}")

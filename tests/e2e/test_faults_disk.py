"""A full disk: what cannot be written is refused with its reason, what is stored is answered, and it goes on."""

from __future__ import annotations

import io
import os
import random
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from memsvc_client import MemoryClient, MemsvcError, Unavailable
from support.fleet import ONE_TRY
from support.forked_service import ForkedService
from support.ledger import Ledger, count, drain, some_turns, until

ROOM = 2**17
"""Bytes that are left when the disk is about to be full."""
ACKNOWLEDGED_AT_MOST = 2_000


class GrownOut:
    """No file of the process may grow beyond the largest it has."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fill(self, process: BaseProcess) -> None:
        assert process.pid is not None
        largest = max(file.stat().st_size for file in self._folder.glob("memsvc.db*"))
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (largest + ROOM, resource.RLIM_INFINITY))

    def free(self, process: BaseProcess) -> None:
        assert process.pid is not None
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Filled:
    """A file takes up the file system but for a little."""

    def __init__(self, folder: Path) -> None:
        self._filler = folder / "filler"

    def fill(self, process: BaseProcess) -> None:
        with self._filler.open("wb", buffering=0) as filler:
            with pytest.raises(OSError, match="No space left"):
                self._write(filler)
            filler.truncate(max(0, filler.tell() - ROOM))

    @staticmethod
    def _write(filler: io.FileIO) -> None:
        while True:
            filler.write(bytes(2**16))

    def free(self, process: BaseProcess) -> None:
        self._filler.unlink(missing_ok=True)


@pytest.fixture(params=[GrownOut, Filled], ids=["file size limit", "file system of 256 MB"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, GrownOut | Filled]]:
    """A folder, and what fills the disk it is on."""
    make: Callable[[Path], GrownOut | Filled] = request.param
    if make is GrownOut:
        yield tmp_path, make(tmp_path)
        return
    mounted = ["mount", "-t", "tmpfs", "-o", "size=256m", "none", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(mounted, capture_output=True).returncode != 0:
        pytest.skip("mounting is not permitted here")
    try:
        yield tmp_path, make(tmp_path)
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(disk: tuple[Path, GrownOut | Filled]) -> None:
    folder, fault = disk
    service = ForkedService(folder, auth="none", worker_lease_seconds=4.0)
    process, address = service.start()
    rng, ledger = random.Random(11), Ledger()
    try:
        with MemoryClient(address, timeout=60.0, retry=ONE_TRY) as client:
            client.add([{"id": "fact", "role": "user", "content": "Priya moved to Oslo."}], user_id="u", session_id="s")
            drain(client)
            ledger.turns["s", "fact"] = "Priya moved to Oslo."
            fault.fill(process)
            refused = _send_until_refused(client, ledger, rng)
            assert isinstance(refused, Unavailable), refused
            assert (refused.reason, refused.retry_after) == ("WRITE_FAILED", 1.0)
            found = client.search("Where does Priya live?", user_id="u")
            assert any("Oslo" in hit.memory for hit in found)
            fault.free(process)
            until(lambda: _sent(client, ledger), "it does not go on when there is room again")
            drain(client)
            print(count(client, ledger))
    finally:
        with suppress(ProcessLookupError):
            fault.free(process)
        process.terminate()
        process.join()


def _send_until_refused(client: MemoryClient, ledger: Ledger, rng: random.Random) -> MemsvcError | None:
    for number in range(ACKNOWLEDGED_AT_MOST):
        request = f"00000000-0000-4000-8000-{number:012}"
        ledger.unanswered = (f"s{number % 7}", request, [_long(turn) for turn in some_turns(rng, number)])
        try:
            ledger.send(client, timeout=60.0)
        except MemsvcError as error:
            ledger.failures += 1
            return error
    return None


def _long(turn: dict[str, str]) -> dict[str, str]:
    return {**turn, "content": turn["content"] + " It was a long day." * 20}


def _sent(client: MemoryClient, ledger: Ledger) -> bool:
    ledger.send(client, timeout=60.0)
    return True

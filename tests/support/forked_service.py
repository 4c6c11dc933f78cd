"""`memsvc serve` in children of a fork server that has the slow imports done: a start costs a second, not ten."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

from memsvc.cli.service import serve
from memsvc.config import load
from memsvc.telemetry import configure_logging

START_SECONDS = 90.0


def run(data_dir: str) -> None:
    """Serve from `data_dir` in this process, logging to `service.log` in it."""
    log = os.open(str(Path(data_dir) / "service.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 2)
    configure_logging("info", "json")
    serve(load(data_dir=data_dir, listen="127.0.0.1:0", drain_seconds=0.5))


class ForkedService:
    """Starts lives of one service, one after another, over the same data."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        # The fork server is a fresh interpreter that gets no path of ours, and ignores what it cannot import.
        os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["support.forked_service"])

    def start(self) -> tuple[BaseProcess, str]:
        """Start a life; return its process and address once it serves."""
        process = self._context.Process(target=run, args=(str(self._data_dir),), daemon=True)
        process.start()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert process.is_alive(), self.log()
            if (address := self._announced(process.pid)) is not None:
                return process, address
            time.sleep(0.01)
        raise AssertionError(self.log())

    def log(self) -> str:
        """The end of the log of all lives."""
        file = self._data_dir / "service.log"
        return file.read_text(errors="replace")[-3000:] if file.exists() else "no log"

    def api_key(self) -> str:
        """The key that the first life left."""
        return (self._data_dir / "api-key").read_text().strip()

    def _announced(self, pid: int | None) -> str | None:
        try:
            found = json.loads((self._data_dir / "server.json").read_text())
        except FileNotFoundError:
            return None
        return found["address"] if found["pid"] == pid else None

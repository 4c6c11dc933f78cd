"""`memsvc serve` and `memsvc worker` in children of a fork server that has the slow imports done.

A start costs a second, not ten.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import time
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from memsvc.cli.service import serve, work
from memsvc.config import load
from memsvc.models.embedder import SentenceTransformerEmbedder
from memsvc.telemetry import configure_logging
from support.embeddings_server import embeddings_server
from support.index_process import serve as serve_index

START_SECONDS = 90.0
DEFAULTS = {"listen": "127.0.0.1:0", "drain_seconds": 0.5}
PRELOADED = ["support.forked_service", "litellm"]


def run(settings: Mapping[str, Any], concurrency: int) -> None:
    """Serve in this process, or with a concurrency work, logging to `service.log` in the data directory."""
    _log_to(Path(settings["data_dir"]) / "service.log")
    configure_logging("info", "json")
    loaded = load(**settings)
    if concurrency:
        work(loaded, concurrency)
    else:
        serve(loaded)


def embed(folder: str, port: int) -> None:
    """Serve the default model as a remote embedding endpoint, until killed."""
    _log_to(Path(folder) / "service.log")

    async def forever() -> None:
        async with embeddings_server(SentenceTransformerEmbedder(device="cpu"), port=port):
            await asyncio.Event().wait()

    asyncio.run(forever())


def index(folder: str, port: int) -> None:
    """Serve the double of a Qdrant server, until killed."""
    _log_to(Path(folder) / "service.log")
    asyncio.run(serve_index(Path(folder), port))


def _log_to(file: Path) -> None:
    log = os.open(str(file), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 2)


def fork(target: Any, *args: Any) -> BaseProcess:
    """Start `target` in a child of the fork server."""
    # The fork server is a fresh interpreter that gets no path of ours, and ignores what it cannot import.
    paths = [str(Path(__file__).parents[1]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, paths)))
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=target, args=args, daemon=True)
    process.start()
    return process


class ForkedService:
    """Starts lives of one server, one after another, over the same data; `settings` are those of `config.Settings`."""

    def __init__(self, data_dir: Path, **settings: Any) -> None:
        self._data_dir = data_dir
        self._settings = {**DEFAULTS, **settings, "data_dir": str(data_dir)}
        data_dir.mkdir(parents=True, exist_ok=True)

    def start(self) -> tuple[BaseProcess, str]:
        """Start a life; return its process and address once it serves."""
        process = fork(run, self._settings, 0)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert process.is_alive(), self.log()
            if (address := self._announced(process.pid)) is not None:
                return process, address
            time.sleep(0.01)
        raise AssertionError(self.log())

    def work(self, concurrency: int) -> BaseProcess:
        """Start a worker with these settings; return at once."""
        return fork(run, self._settings, concurrency)

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

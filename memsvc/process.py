"""A private memsvc service in a child process: what the demo, the benchmarks and the tests talk to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 120.0
STOP_SECONDS = 30.0
FREE_PORT = "127.0.0.1:0"


class StartFailed(Exception):
    """The service ended, or did not get ready in time; the message ends with what it logged last."""


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """A running service: where it listens, its first key, and its process."""

    address: str
    api_key: str
    process: subprocess.Popen[bytes]


@contextmanager
def service(
    data_dir: Path, environment: Mapping[str, str] | None = None, *, listen: str = FREE_PORT
) -> Iterator[ServiceProcess]:
    """Start `memsvc serve` over `data_dir`, wait until it is ready, stop it at the end.

    It listens on a free loopback port unless `listen` names another.

    Raises:
        StartFailed: it did not get ready.
    """
    process = start(data_dir, environment, listen=listen)
    try:
        yield ready(process, data_dir)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def start(
    data_dir: Path, environment: Mapping[str, str] | None = None, *, listen: str = FREE_PORT
) -> subprocess.Popen[bytes]:
    """Start the process and return at once; its log goes to `data_dir/service.log`."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "service.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
            [sys.executable, "-m", "memsvc", "serve", "--data-dir", str(data_dir), "--listen", listen],
            env={**os.environ, "MEMSVC_LOG_FORMAT": "json", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def ready(process: subprocess.Popen[bytes], data_dir: Path) -> ServiceProcess:
    """Wait until the process serves. Raises StartFailed."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StartFailed(f"the service ended with status {process.returncode}\n{_last_lines(data_dir)}")
        found = _announced(data_dir)
        if found and found["pid"] == process.pid:
            key = (data_dir / "api-key").read_text().strip()
            return ServiceProcess(str(found["address"]), key, process)
        time.sleep(0.05)
    raise StartFailed(f"the service was not ready after {START_SECONDS:.0f} s\n{_last_lines(data_dir)}")


def _announced(data_dir: Path) -> dict[str, object] | None:
    try:
        found: dict[str, object] = json.loads((data_dir / "server.json").read_text())
    except FileNotFoundError:
        return None
    return found


def _last_lines(data_dir: Path, count: int = 15) -> str:
    return "\n".join((data_dir / "service.log").read_text(errors="replace").splitlines()[-count:])

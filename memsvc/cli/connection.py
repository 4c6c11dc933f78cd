"""How a client command finds its service and its key, and the options that say so."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from memsvc.config import Settings, load
from memsvc_client import MemoryClient
from memsvc_client.clocks import zone_name

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where database and index live.", show_default="~/.memsvc")
]
Address = Annotated[
    str | None, typer.Option(help="host:port of the service.", show_default="MEMSVC_ADDRESS, or the local service")
]
ApiKey = Annotated[str | None, typer.Option(help="API key.", show_default="MEMSVC_API_KEY, or the local key")]
TimeZone = Annotated[
    str | None,
    typer.Option(help="Clock of what is said: Europe/Lisbon, or +09:00.", show_default="this machine's"),
]
SpaceName = Annotated[str, typer.Option("--space", help="Space to work in.")]

DEFAULT_ADDRESS = "localhost:7070"
TIMEOUT_SECONDS = 10.0
"""Of one call, retries while the service cannot be reached included: a person is waiting."""


def local_address(settings: Settings) -> str | None:
    """Address of the service that runs from the data directory, None when none does."""
    try:
        found = json.loads(settings.address_file.read_text())
        os.kill(int(found["pid"]), 0)
    except (FileNotFoundError, ProcessLookupError, ValueError, KeyError):
        return None
    except PermissionError:
        pass  # the process runs, as another user
    return str(found["address"])


def connect(settings: Settings, *, address: str | None, api_key: str | None, space: str) -> MemoryClient:
    """A client for the service that the options, the environment or the data directory name, in this order."""
    if address is None:
        address = os.environ.get("MEMSVC_ADDRESS") or local_address(settings) or DEFAULT_ADDRESS
    if api_key is None:
        api_key = os.environ.get("MEMSVC_API_KEY") or _stored_key(settings)
    return MemoryClient(address, api_key=api_key, space=space, timeout=TIMEOUT_SECONDS)


def opened(data_dir: Path | None, address: str | None, api_key: str | None, space: str) -> MemoryClient:
    """The client that the options of a command ask for."""
    return connect(load(None, data_dir=data_dir), address=address, api_key=api_key, space=space)


def clock(time_zone: str | None) -> str | None:
    """The time zone that was asked for, else that of this machine; None where that is UTC, which is nobody's own."""
    return time_zone or zone_name(datetime.now(UTC).astimezone(), "time_zone") or None


def _stored_key(settings: Settings) -> str | None:
    try:
        return settings.api_key_file.read_text().strip()
    except (FileNotFoundError, PermissionError):
        return None

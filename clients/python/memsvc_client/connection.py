"""Where the service is and how to talk to it; shared by both clients."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import grpc

from memsvc_client.version import __version__

DEFAULT_ADDRESS = "localhost:7070"
MAX_RESPONSE_BYTES = 256 * 1024 * 1024
"""A page of 1000 turns may hold 1000 x 32768 characters."""

_OPTIONS = (
    ("grpc.primary_user_agent", f"memsvc-client-python/{__version__}"),
    ("grpc.max_receive_message_length", MAX_RESPONSE_BYTES),
    # Retries are this client's own: one policy that knows about request ids.
    ("grpc.enable_retries", 0),
    # gRPC would wait up to two minutes before it looks for a restarted service again.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Address, credential and channel options. The key is kept out of the repr."""

    address: str
    api_key: str = field(repr=False)
    credentials: grpc.ChannelCredentials | None
    """None means plain text."""
    options: tuple[tuple[str, str | int], ...]

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries."""
        return (("authorization", f"Bearer {self.api_key}"),) if self.api_key else ()


def connection(
    address: str | None,
    api_key: str | None,
    *,
    secure: bool,
    credentials: grpc.ChannelCredentials | None,
    options: Sequence[tuple[str, str | int]],
) -> Connection:
    """Fill what was not given from `MEMSVC_ADDRESS` and `MEMSVC_API_KEY`."""
    if secure and credentials is None:
        credentials = grpc.ssl_channel_credentials()
    return Connection(
        address=address or os.environ.get("MEMSVC_ADDRESS") or DEFAULT_ADDRESS,
        api_key=os.environ.get("MEMSVC_API_KEY", "") if api_key is None else api_key,
        credentials=credentials,
        options=(*_OPTIONS, *options),
    )

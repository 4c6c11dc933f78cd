"""`memsvc operations …`: the jobs of a running service, for the operator who looks after those that failed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from memsvc.cli import connection, render
from memsvc.config import load
from memsvc_client import MemoryClient

operations = typer.Typer(no_args_is_help=True, help="Jobs of a running service: those that failed, again or no more.")

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where database and index live.", show_default="~/.memsvc")
]
Address = Annotated[
    str | None, typer.Option(help="host:port of the service.", show_default="MEMSVC_ADDRESS, or the local service")
]
ApiKey = Annotated[str | None, typer.Option(help="API key.", show_default="MEMSVC_API_KEY, or the local key")]
SpaceName = Annotated[str, typer.Option("--space", help="Space to work in.")]
OperationId = Annotated[str, typer.Argument(help="The operation's id.")]


@operations.command("list")
def list_operations(
    state: Annotated[
        list[str] | None, typer.Option(help="queued, running, succeeded, failed or cancelled; repeat it.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most operations to show.")] = 50,
    data_dir: DataDir = None,
    address: Address = None,
    api_key: ApiKey = None,
    space: SpaceName = "default",
) -> None:
    """List operations, newest first; `--state failed` for those that no worker tries any more."""
    with _client(data_dir, address, api_key, space) as client:
        for found in islice(client.operations.list(states=state or ()), limit):
            _print(render.operation(found))


@operations.command("show")
def show_operation(
    operation: OperationId,
    data_dir: DataDir = None,
    address: Address = None,
    api_key: ApiKey = None,
    space: SpaceName = "default",
) -> None:
    """Show an operation as JSON: its error, attempts and what it changed."""
    with _client(data_dir, address, api_key, space) as client:
        _print(render.as_json(client.operations.get(operation)))


@operations.command("retry")
def retry_operation(
    operation: OperationId,
    data_dir: DataDir = None,
    address: Address = None,
    api_key: ApiKey = None,
    space: SpaceName = "default",
) -> None:
    """Queue an operation that failed for good again, with fresh attempts."""
    with _client(data_dir, address, api_key, space) as client:
        _print(render.operation(client.operations.retry(operation)))


@operations.command("drop")
def drop_operation(
    operation: OperationId,
    data_dir: DataDir = None,
    address: Address = None,
    api_key: ApiKey = None,
    space: SpaceName = "default",
) -> None:
    """Forget an operation that failed for good; its turns stay pending until the session is written to again."""
    with _client(data_dir, address, api_key, space) as client:
        client.operations.drop(operation)
    _print(f"{operation}: forgotten")


def _client(data_dir: Path | None, address: str | None, api_key: str | None, space: str) -> MemoryClient:
    return connection.connect(load(None, data_dir=data_dir), address=address, api_key=api_key, space=space)


def _print(text: str) -> None:
    render.out.print(text, soft_wrap=True, markup=False, highlight=False)

"""`memsvc operations …`: the jobs of a running service, for the operator who looks after those that failed."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from memsvc.cli import render
from memsvc.cli.connection import Address, ApiKey, DataDir, SpaceName, opened

operations = typer.Typer(no_args_is_help=True, help="Jobs of a running service: those that failed, again or no more.")

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
    with opened(data_dir, address, api_key, space) as client:
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
    with opened(data_dir, address, api_key, space) as client:
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
    with opened(data_dir, address, api_key, space) as client:
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
    with opened(data_dir, address, api_key, space) as client:
        client.operations.drop(operation)
    _print(f"{operation}: forgotten")


def _print(text: str) -> None:
    render.out.print(text, soft_wrap=True, markup=False, highlight=False)

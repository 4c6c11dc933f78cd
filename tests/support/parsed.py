"""`memsvc`, whose commands read their arguments and then do nothing: `python -m support.parsed bench …`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from typer import Typer

from memsvc.cli.app import app


def doing_nothing(command: Callable[..., Any]) -> Callable[..., None]:
    @wraps(command)
    def nothing(*_: object, **__: object) -> None:
        """In the place of what the command does."""

    return nothing


def disarm(commands: Typer) -> None:
    """Let all commands do nothing, those of groups too."""
    for command in commands.registered_commands:
        assert command.callback is not None
        command.callback = doing_nothing(command.callback)
    for group in commands.registered_groups:
        assert group.typer_instance is not None
        disarm(group.typer_instance)


if __name__ == "__main__":
    disarm(app)
    app()

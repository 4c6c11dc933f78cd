"""The `memsvc` command."""

from memsvc.cli.app import main

__all__ = ["main"]

"""Turns into memories."""

from __future__ import annotations

from typing import Protocol

from memsvc.types import Compression, PendingTurns, SpaceKey


class Compressor(Protocol):
    """Turns into memories."""

    @property
    def name(self) -> str:
        """Name and version, such as `rules/2`."""
        ...

    async def compress(self, space: SpaceKey, turns: PendingTurns) -> Compression:
        """Compress the pending turns; deterministic for the same input, memory ids included."""
        ...


class Recompressor(Protocol):
    """Turns that a language model failed to compress into memories after all."""

    async def recompress(self, space: SpaceKey, turns: PendingTurns) -> Compression:
        """As `Compressor.compress`. Raises ModelUnavailable or ModelUnusable when the model fails again."""
        ...

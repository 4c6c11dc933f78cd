"""What a compression that was written adds to the summary of its job."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from memsvc.types import Compression, Disposition, JobSummary, MemoryState


def counted(summary: JobSummary, compression: Compression, written: Collection[str]) -> JobSummary:
    """The summary with the turns of a compression, and those of its memories whose ids are among `written`."""
    created = sum(m.id in written and m.state is MemoryState.ACTIVE for m in compression.memories)
    left_out = sum(outcome.disposition is Disposition.LEFT_OUT for outcome in compression.outcomes)
    return replace(
        summary,
        turn_count=summary.turn_count + len(compression.outcomes),
        created_count=summary.created_count + created,
        left_out_turn_count=summary.left_out_turn_count + left_out,
    )

"""Queues that a worker can be given: groups of kinds of jobs that want the same machine."""

from __future__ import annotations

from collections.abc import Mapping

from memsvc.types import JobKind

QUEUES: Mapping[str, frozenset[JobKind]] = {
    "compress": frozenset({JobKind.COMPRESS, JobKind.RECOMPRESS, JobKind.REWRITE}),
    "consolidate": frozenset({JobKind.CONSOLIDATE}),
    "index": frozenset({JobKind.INDEX, JobKind.REINDEX}),
}


def kinds_of(names: str) -> frozenset[JobKind]:
    """The kinds of the queues that `names` lists, separated by commas. Raises ValueError for an unknown one."""
    kinds: frozenset[JobKind] = frozenset()
    for name in names.split(","):
        if name.strip() not in QUEUES:
            raise ValueError(f"queues: {name.strip()!r} is not one of {', '.join(QUEUES)}")
        kinds |= QUEUES[name.strip()]
    return kinds

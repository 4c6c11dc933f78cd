"""What the servicers are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from memsvc.ports import JobQueue, KeyStore, MemoryLog, SpaceStore, TokenCounter, TurnLog, VectorIndex
from memsvc.types import QuerySpec, Retrieval, SpaceKey


class Retrieves(Protocol):
    """The one path of Query and Explain."""

    async def retrieve(self, space: SpaceKey, spec: QuerySpec) -> Retrieval:
        """Answer a query with its full trace. Raises Unavailable ALL_VIEWS_FAILED."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """The parts that a server needs, from outside."""

    turns: TurnLog
    memories: MemoryLog
    spaces: SpaceStore
    keys: KeyStore
    jobs: JobQueue
    index: VectorIndex
    retriever: Retrieves
    tokens: TokenCounter

"""What the servicers are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from memsvc.ports import JobQueue, KeyStore, MemoryLog, SpaceStore, TokenCounter, TurnLog, VectorIndex
from memsvc.retrieval.ask import Answer, Retrieves
from memsvc.types import QuerySpec, SpaceKey


class Asks(Protocol):
    """What Ask does after it has read its request."""

    async def ask(self, space: SpaceKey, spec: QuerySpec) -> Answer:
        """Answer a question, or abstain. Raises Unavailable and ModelUnusable."""
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
    asker: Asks | None = None
    """None where no language model is configured."""
    plans_unasked: bool = False
    """Whether a language model plans queries that do not say who does."""

"""What the servicers are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from memsvc.consolidation.decisions import Decision
from memsvc.ports import JobQueue, KeyStore, MemoryLog, SpaceStore, TokenCounter, TurnLog, UserStore, VectorIndex
from memsvc.retrieval.ask import Answer, Retrieves
from memsvc.types import QuerySpec, Scope, SpaceKey


class Asks(Protocol):
    """What Ask does after it has read its request."""

    async def ask(self, space: SpaceKey, spec: QuerySpec) -> Answer:
        """Answer a question, or abstain. Raises Unavailable and ModelUnusable."""
        ...


class Preview(Protocol):
    """What consolidation would do."""

    @property
    def decisions(self) -> Sequence[Decision]:
        """In the order in which they would be carried out."""
        ...

    @property
    def examined_count(self) -> int:
        """Memories looked at."""
        ...

    @property
    def complete(self) -> bool:
        """Whether there is no more to look at."""
        ...


class Previews(Protocol):
    """Consolidation that writes nothing."""

    async def preview(self, space: SpaceKey, scope: Scope) -> Preview:
        """Decide about fresh memories within `scope`. Raises NotFound for the space."""
        ...


class CountsUses(Protocol):
    """Keeps count of what queries return, without making them wait."""

    def count(self, space: SpaceKey, memory_ids: Iterable[str]) -> None:
        """Count one use of each memory."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """The parts that a server needs, from outside."""

    turns: TurnLog
    memories: MemoryLog
    spaces: SpaceStore
    users: UserStore
    keys: KeyStore
    jobs: JobQueue
    index: VectorIndex
    retriever: Retrieves
    tokens: TokenCounter
    consolidation: Previews
    uses: CountsUses
    asker: Asks | None = None
    """None where no language model is configured."""
    plans_unasked: bool = False
    """Whether a language model plans queries that do not say who does."""

"""The consolidator: fresh memories and those near them, to decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from memsvc.consolidation.decisions import NAME, Consolidation
from memsvc.consolidation.params import ConsolidationParams
from memsvc.ports import Analyzer, TokenCounter, Vectors
from memsvc.types import Memory


class Consolidator:
    """Decides what becomes of fresh memories; deterministic for the same input, in any order.

    Args:
        analyzer: tags, parse and entities.
        tokens: the tokenizer that budgets are given in.
        params: constants.
    """

    def __init__(self, *, analyzer: Analyzer, tokens: TokenCounter, params: ConsolidationParams | None = None) -> None:
        self._analyzer = analyzer
        self._tokens = tokens
        self._params = params or ConsolidationParams()

    @property
    def name(self) -> str:
        """Name and version."""
        return NAME

    async def consolidate(
        self, fresh: Sequence[Memory], known: Sequence[Memory], vectors: Mapping[str, Vectors], *, now: datetime
    ) -> Consolidation:
        """Decide about memories of one user and agent.

        Args:
            fresh: ACTIVE memories that were not examined yet.
            known: ACTIVE memories near them, earlier results included; those that are fresh too are ignored.
            vectors: unit vectors of shape [dimension] for every one of them, by id.
            now: the time at which salience is judged.

        Raises:
            ValueError: the memories are not all of one user and agent, or a vector is missing.
        """
        return Consolidation((), tuple(sorted(memory.id for memory in fresh)))

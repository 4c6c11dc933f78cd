"""Every case through one real service: its turns in, its memories and search results out, by the SDK alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cases.reading import Case
from memsvc.bootstrap.serving import running_server
from memsvc.config import load
from memsvc_client import AsyncMemoryClient
from memsvc_client.models import Memory, SearchResult

CALLS = 8
"""Calls under way at once."""


@dataclass(frozen=True)
class Outcome:
    """What the service made of a case."""

    case: Case
    memories: tuple[Memory, ...]
    """The active ones."""
    results: tuple[SearchResult, ...]
    """One for each question of the case."""


async def outcomes(cases: Sequence[Case], folder: Path) -> list[Outcome]:
    """Serve from an empty folder with the default settings, and put every case through, each as a user of its own.

    A session is compressed before the next one of its case begins, as it would be days later.
    """
    settings = load(data_dir=folder, listen="127.0.0.1:0", drain_seconds=1.0, log_level="error")
    async with running_server(settings) as port:
        key = settings.api_key_file.read_text().strip()
        async with AsyncMemoryClient(f"127.0.0.1:{port}", api_key=key, timeout=60.0) as client:
            service = _Service(client)
            for position in range(max(len(case.sessions) for case in cases)):
                begun = [case for case in cases if position < len(case.sessions)]
                await asyncio.gather(*(service.add(case, case.sessions[position]) for case in begun))
                await service.settle()
            return list(await asyncio.gather(*(service.outcome(case) for case in cases)))


class _Service:
    def __init__(self, client: AsyncMemoryClient) -> None:
        self._client = client
        self._calls = asyncio.Semaphore(CALLS)

    async def add(self, case: Case, session: str) -> None:
        """Add the turns of a session; a turn's id is its place in the case."""
        messages = [
            {
                "role": turn.role,
                "name": turn.name,
                "content": turn.content,
                "created_at": case.when(index),
                "id": str(index),
            }
            for index, turn in enumerate(case.turns)
            if turn.session == session
        ]
        async with self._calls:
            await self._client.add(messages, user_id=case.id, session_id=session)

    async def settle(self) -> None:
        """Wait until everything is compressed and searchable."""
        while True:
            stats = await self._client.stats()
            assert not stats.failed_job_count, f"{stats.failed_job_count} jobs failed for good"
            if not (stats.pending_job_count or stats.pending_turn_count or stats.unindexed_memory_count):
                return
            await asyncio.sleep(0.3)

    async def outcome(self, case: Case) -> Outcome:
        """What is stored of a case, and what its questions find."""
        async with self._calls:
            memories = [memory async for memory in self._client.list(user_id=case.id, page_size=1000)]
            asked = case.when(len(case.turns) - 1) + timedelta(hours=1)
            results = [await self._client.search(ask.question, user_id=case.id, ask_time=asked) for ask in case.ask]
        return Outcome(case, tuple(memories), tuple(results))

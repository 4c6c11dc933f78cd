"""Drives a memsvc service through the public SDK: fills one space per conversation, then asks the questions.

A space of its own keeps a conversation's index statistics apart from the others', so that a question's result does not
depend on which other conversations a run covers. Everything can be repeated: turns that the service knows are
acknowledged as duplicates.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from memsvc.bench.conversations import Conversation, Message, Question
from memsvc.bench.metrics import first_citations
from memsvc.bench.outcomes import BUDGETS, Context, Outcome
from memsvc_client import Conflict, MemoryClient, SearchResult, Stats

RANKED_UNITS, RANKING_TOKENS = 100, 50_000
"""Depth and budget of the query whose only purpose is the ranking."""
CALL_SECONDS = 600.0
CONSOLIDATE_SECONDS = 7200.0
POLL_SECONDS = 0.2

Progress = Callable[[int], None]


class IngestFailed(ValueError):
    """The service holds other turns than the conversation's, or a job failed for good."""


@dataclass(frozen=True, slots=True)
class Target:
    """A service to measure; `prefix` starts the ids of its spaces, and tells one run's settings from another's."""

    address: str
    api_key: str | None
    prefix: str

    def space(self, talk: Conversation) -> str:
        """Id of the conversation's space."""
        return f"{self.prefix}-{hashlib.sha256(talk.id.encode()).hexdigest()[:16]}"

    def client(self, talk: Conversation) -> MemoryClient:
        """A client of the conversation's space."""
        return MemoryClient(self.address, api_key=self.api_key, space=self.space(talk), timeout=CALL_SECONDS)


def send(target: Target, talk: Conversation, progress: Progress) -> None:
    """Hand every turn to the service, session by session; returns when all are acknowledged."""
    with target.client(talk) as client:
        with suppress(Conflict):  # filled by an earlier run: what it has already counts as a duplicate
            client.spaces.create(target.space(talk), display_name=talk.id[:100])
        for name, turns in talk.sessions.items():
            client.add([as_message(turn) for turn in turns], user_id=talk.id, session_id=name)
            progress(len(turns))


def wait(target: Target, talk: Conversation, progress: Progress) -> Stats:
    """Wait until every turn is searchable; `progress` gets the count of turns done since its last call."""
    done = 0
    with target.client(talk) as client:
        while (stats := client.stats()).pending_job_count:
            done = _advance(progress, done, stats.turn_count - stats.pending_turn_count)
            time.sleep(POLL_SECONDS)
    total = sum(1 for _ in talk.turns())
    if stats.failed_job_count or stats.turn_count != total:
        raise IngestFailed(
            f"{talk.id}: {stats.failed_job_count} jobs failed, {stats.turn_count} of {total} turns stored"
        )
    _advance(progress, done, total)
    return stats


def consolidate(target: Target, talk: Conversation) -> None:
    """Consolidate all that the service keeps of a conversation; returns when the result is searchable."""
    with target.client(talk) as client:
        client.consolidate().wait(timeout=CONSOLIDATE_SECONDS)
        while (stats := client.stats()).pending_job_count:
            time.sleep(POLL_SECONDS)
    if stats.unconsolidated_memory_count or stats.failed_job_count:
        raise IngestFailed(
            f"{talk.id}: {stats.failed_job_count} jobs failed, {stats.unconsolidated_memory_count} memories are not "
            "consolidated"
        )


def _advance(progress: Progress, done: int, now: int) -> int:
    progress(max(0, now - done))
    return max(done, now)


def as_message(turn: Message) -> dict[str, Any]:
    """A turn as the SDK takes it."""
    return {
        "id": turn.turn_id,
        "role": turn.role,
        "name": turn.speaker,
        "content": turn.content,
        "created_at": turn.time,
    }


def ask(client: MemoryClient, talk: Conversation, question: Question) -> Outcome:
    """Ask with the adaptive budget, which is timed, then with each budget, then for the ranking.

    A question is asked at its own time or, without one, at the conversation's end.
    """
    search = partial(client.search, question.text, user_id=talk.id, ask_time=question.asked_at or talk.end())
    begin = time.perf_counter()
    adaptive = search()
    latency_ms = (time.perf_counter() - begin) * 1000
    ranked = search(max_tokens=RANKING_TOKENS, limit=RANKED_UNITS)
    return Outcome(
        contexts={budget: _context(search(max_tokens=budget)) for budget in BUDGETS},
        adaptive=_context(adaptive),
        ranking=_cited(ranked),
        confidence=_confidence(adaptive),
        latency_ms=latency_ms,
    )


def _context(result: SearchResult) -> Context:
    return Context(result.context, _cited(result), result.token_count)


def _cited(result: SearchResult) -> tuple[str, ...]:
    return first_citations([source.turn_id for source in hit.sources] for hit in result)


def _confidence(result: SearchResult) -> float:
    """The service's own confidence where it gives one, else the best score, 0 without a hit."""
    own = getattr(result, "confidence", None)
    if own is not None:
        return float(own)
    return result[0].score if len(result) else 0.0

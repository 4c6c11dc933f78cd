"""What a fleet is given to do: conversations to remember from several clients at once, then questions."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from rich.progress import Progress

from memsvc.bench.asking import as_message
from memsvc.bench.conversations import Conversation, Message
from memsvc.bench.timing import spread_of
from memsvc_client import MemoryClient

SENDERS = 4
CALL_SECONDS = 600.0
SPACE = "default"

Sessions = Sequence[tuple[str, str, Sequence[Message]]]


def sessions(talks: Sequence[Conversation], turns: int) -> list[tuple[str, str, Sequence[Message]]]:
    """User, session and turns: the conversations again and again, each time as another user, up to `turns` turns."""
    found: list[tuple[str, str, Sequence[Message]]] = []
    total = 0
    for copy in itertools.count():
        for talk in talks:
            for name, said in talk.sessions.items():
                if total >= turns:
                    return found
                found.append((f"{talk.id}-{copy}", name, said[: turns - total]))
                total += len(found[-1][2])
    raise AssertionError


def questions(talks: Sequence[Conversation], users: Sequence[str], count: int) -> list[tuple[str, str]]:
    """`count` questions, each with a user who has told of what it asks, spread over all."""
    every = [
        (user, question.text)
        for user in users
        for talk in talks
        if user.startswith(f"{talk.id}-")
        for question in talk.questions
    ]
    if not every:
        raise ValueError("the data has no questions")
    return [every[i * len(every) // count if count < len(every) else i % len(every)] for i in range(count)]


@contextmanager
def clients(addresses: Sequence[str], count: int) -> Iterator[list[MemoryClient]]:
    """So many clients, the servers in turn."""
    made = [MemoryClient(addresses[n % len(addresses)], timeout=CALL_SECONDS) for n in range(count)]
    try:
        yield made
    finally:
        for client in made:
            client.close()


def ingest(addresses: Sequence[str], jobs: Sessions, bar: Progress) -> dict[str, float]:
    """Send every session in one request, from four clients; wait until all is searchable.

    Raises ValueError when a job failed or a turn is missing.
    """
    total = sum(len(turns) for _, _, turns in jobs)
    sent, done = bar.add_task("acknowledged", total=total), bar.add_task("searchable", total=total)
    with clients(addresses, SENDERS) as some, ThreadPoolExecutor(SENDERS) as pool:

        def send(number: int) -> float:
            user, session, turns = jobs[number]
            begin = time.perf_counter()
            some[number % SENDERS].add([as_message(turn) for turn in turns], user_id=user, session_id=session)
            bar.advance(sent, len(turns))
            return time.perf_counter() - begin

        begin = time.perf_counter()
        calls = list(pool.map(send, range(len(jobs))))
        acknowledged_s = time.perf_counter() - begin
        while (stats := some[0].stats()).pending_job_count:
            bar.update(done, completed=stats.turn_count - stats.pending_turn_count)
            time.sleep(0.2)
        searchable_s = time.perf_counter() - begin
    bar.update(done, completed=total)
    if stats.failed_job_count or stats.turn_count != total:
        raise ValueError(f"{stats.failed_job_count} jobs failed, {stats.turn_count} of {total} turns stored")
    return {
        "turns": total,
        "requests": len(jobs),
        "memories": stats.memory_count,
        "acknowledged_s": acknowledged_s,
        "searchable_s": searchable_s,
        "acknowledge_ms_p50": 1000 * statistics.median(calls),
    }


def query(addresses: Sequence[str], asked: Sequence[tuple[str, str]], concurrent: int, bar: Progress) -> dict[str, Any]:
    """Ask every question with so many clients at once, each asking one question after another."""
    task = bar.add_task(f"{concurrent} clients", total=len(asked))
    with clients(addresses, concurrent) as some, ThreadPoolExecutor(concurrent) as pool:

        def ask(mine: int) -> list[float]:
            spent = []
            for user, text in asked[mine::concurrent]:
                begin = time.perf_counter()
                some[mine].search(text, user_id=user)
                spent.append(time.perf_counter() - begin)
                bar.advance(task)
            return spent

        for client in some:
            client.stats()  # connected
        begin = time.perf_counter()
        spent = [one for many in pool.map(ask, range(concurrent)) for one in many]
        seconds = time.perf_counter() - begin
    return {"clients": concurrent, "queries_per_s": len(asked) / seconds, **asdict(spread_of(spent))}

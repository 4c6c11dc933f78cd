"""What a service acknowledged, turn by turn, and the count at the end: nothing missing, nothing doubled."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from memsvc_client import MemoryClient, MemsvcError

DRAIN_SECONDS = 600.0

WORDS = (
    *("Lisbon", "ferry", "ticket", "garden", "Marta", "violin", "dentist", "Thursday", "budget", "laptop", "recipe"),
    *("saffron", "bicycle", "Oslo", "lease", "Tomas", "exam", "curtains", "harbour", "telescope", "choir", "Priya"),
)


@dataclass
class Ledger:
    """What the service acknowledged to one sender."""

    turns: dict[tuple[str, str], str] = field(default_factory=dict)
    requests: int = 0
    failures: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """Of the calls that failed."""
    unanswered: tuple[str, str, list[dict[str, str]]] | None = None
    """The request that a fault cut off: stored or not, nobody knows until it is repeated."""

    def send(self, client: MemoryClient, *, timeout: float) -> None:
        """Send the unanswered request as it was. Raises what the client raises; then it stays unanswered."""
        assert self.unanswered is not None
        session, request, turns = self.unanswered
        client.add(turns, user_id="u", session_id=session, request_id=request, timeout=timeout)
        self.requests += 1
        self.turns.update({(session, turn["id"]): turn["content"] for turn in turns})
        self.unanswered = None


def some_turns(rng: random.Random, number: int | str) -> list[dict[str, str]]:
    """One to eight turns whose ids begin with `number`."""

    def sentence() -> str:
        return f"I put the {rng.choice(WORDS)} beside the {rng.choice(WORDS)} on day {rng.randrange(1000)}."

    return [
        {
            "id": f"{number}-{position}",
            "role": rng.choice(("user", "assistant")),
            "name": rng.choice(("Ana", "Bo")),
            "content": rng.choice((sentence(), f"Where is the {rng.choice(WORDS)}?", "Ok, thanks!", sentence())),
        }
        for position in range(rng.randrange(1, 9))
    ]


class Sender:
    """Sends request after request on a thread, each as it was until it is acknowledged.

    `clients` are used in turn, so that a repeat goes to another server where there is one. `pause` seconds lie
    between an answer and the next request.
    """

    def __init__(
        self,
        clients: Iterable[MemoryClient],
        rng: random.Random,
        *,
        ledger: Ledger,
        name: str,
        sessions: int,
        pause: float = 0.0,
    ) -> None:
        self._pause = pause
        self._clients = list(clients)
        self._rng = rng
        self._name = name
        self._sessions = sessions
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.ledger = ledger
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            if self.ledger.unanswered is None:
                number += 1
                session = f"s{self._rng.randrange(self._sessions)}"
                request = str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
                self.ledger.unanswered = (session, request, some_turns(self._rng, f"{self._name}-{number}"))
            client = self._clients[(self.ledger.requests + self.ledger.failures) % len(self._clients)]
            try:
                self.ledger.send(client, timeout=1.0)
                self._stop.wait(self._pause)
            except MemsvcError as error:
                self.ledger.failures += 1
                self.ledger.reasons[error.reason] += 1
                time.sleep(0.01)

    def stop(self) -> None:
        """End after the running request; what is unanswered then stays in the ledger."""
        self._stop.set()
        self._thread.join()


def until(condition: Callable[[], object], what: str, *, seconds: float = 60.0) -> None:
    """Wait until it holds; a call that fails meanwhile counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
            last = ""
        except MemsvcError as error:
            last = f": {error}"
        assert time.monotonic() < deadline, what + last
        time.sleep(0.05)


def drain(client: MemoryClient) -> None:
    """Wait until no job is left that stores or indexes anything."""
    until(lambda: client.stats().pending_job_count == 0, "the backlog does not drain", seconds=DRAIN_SECONDS)


def count(client: MemoryClient, *ledgers: Ledger) -> str:
    """Compare what is stored in the client's space with what was acknowledged; say how much there was."""
    acknowledged = {name: content for ledger in ledgers for name, content in ledger.turns.items()}
    turns = list(client.turns(whole_space=True))
    stored = Counter((turn.session_id, turn.id) for turn in turns)
    content = {(turn.session_id, turn.id): turn.content for turn in turns}
    assert max(stored.values(), default=0) <= 1, "a turn is stored twice"
    assert {name: content.get(name) for name in acknowledged} == acknowledged, "an acknowledged turn is missing"
    assert set(content) == set(acknowledged), "a turn was stored that nobody sent"
    assert {turn.disposition for turn in turns} <= {"kept", "merged", "left_out"}, "a turn was never processed"

    served = list(client.list(whole_space=True, filters={"states": ["active", "left_out"]}))
    said = Counter(
        (memory.memory, tuple((source.session_id, source.turn_id) for source in memory.sources)) for memory in served
    )
    assert max(said.values(), default=0) <= 1, "a memory was written twice"
    memories = [*served, *client.list(whole_space=True, filters={"states": ["superseded"]})]
    cited = {(source.session_id, source.turn_id) for memory in memories for source in memory.sources}
    assert cited <= set(stored), "a memory cites a turn that does not exist"
    kept = {(turn.session_id, turn.id) for turn in turns if turn.disposition == "kept"}
    assert kept <= cited, "a kept turn is in no memory"
    stats = client.stats()
    failed = list(client.operations.list(states=["failed"]))
    assert not failed, f"jobs failed: {failed}"
    assert (stats.failed_job_count, stats.unindexed_memory_count, stats.pending_turn_count) == (0, 0, 0)
    assert stats.turn_count == len(turns)
    requests, failures = sum(ledger.requests for ledger in ledgers), sum(ledger.failures for ledger in ledgers)
    return (
        f"{len(acknowledged)} turns acknowledged in {requests} requests, {failures} failed calls; {len(turns)} "
        f"stored, 0 missing, 0 doubled; {len(memories)} memories, 0 doubled"
    )

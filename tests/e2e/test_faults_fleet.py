"""A fleet whose parts are killed and whose networks stall: what was acknowledged is there once, and it goes on.

`MEMSVC_TEST_SCHEDULES` and `MEMSVC_TEST_SEED` change the number of the long test and the course of the random
schedules.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from memsvc_client import DeadlineExceeded, MemoryClient, MemsvcError, Unavailable
from support.fleet import Child, Fleet, add_space, fleet
from support.ledger import Ledger, Sender, count, drain, until

pytestmark = pytest.mark.timeout(600)

FEW = 2
MANY = int(os.environ.get("MEMSVC_TEST_SCHEDULES", "20"))
SEED = int(os.environ.get("MEMSVC_TEST_SEED", "20261124"))
PASSING = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "DATABASE_UNAVAILABLE", "SHUTTING_DOWN", "TOO_MANY_REQUESTS"}
"""Reasons of failed writes that a fault may have; any other would be a bug."""

NEEDED = ("postgres", "index", "embedder")
"""Parts that servers and workers start with."""

FACT = "Priya keeps the spare telescope in the harbour office."
QUESTION = "Where does Priya keep the spare telescope?"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with fleet(tmp_path_factory.mktemp("fleet")) as made:
        yield made


@pytest.fixture
def space(running: Fleet, request: pytest.FixtureRequest) -> Iterator[str]:
    """A space that holds one fact, which queries find."""
    name = "t-" + request.node.name.removeprefix("test_")[:40].replace("_", "-").strip("-")
    with running.client(space=name) as client:
        add_space(client, name)
        client.add([{"id": "fact", "role": "user", "name": "Priya", "content": FACT}], session_id="s", user_id="p")
        drain(client)
        yield name
        client.spaces.delete(name, force=True)


def known() -> Ledger:
    """What the fixture sent."""
    return Ledger(turns={("s", "fact"): FACT}, requests=1)


def finds_the_fact(client: MemoryClient, timeout: float = 30.0) -> bool:
    return any("telescope" in hit.memory for hit in client.search(QUESTION, user_id="p", timeout=timeout))


def many_turns(count: int) -> list[dict[str, str]]:
    rng = random.Random(7)
    return [
        {"id": f"m{n}", "role": "user", "name": "Ana", "content": f"On day {n} I moved to room {rng.randrange(10**6)}."}
        for n in range(count)
    ]


def settle(running: Fleet, space: str, *ledgers: Ledger) -> str:
    """Send again what nobody answered, wait until nothing is left to do, and count."""
    with running.client(space=space, timeout=60.0) as client:
        for ledger in ledgers:
            if ledger.unanswered is not None:
                ledger.send(client, timeout=60.0)
        drain(client)
        assert finds_the_fact(client)
        return count(client, known(), *ledgers)


def one_request() -> Ledger:
    return Ledger(unanswered=("s1", "00000000-0000-4000-8000-000000000002", many_turns(5)))


def acknowledged(ledgers: list[Ledger]) -> int:
    return sum(ledger.requests for ledger in ledgers)


@pytest.mark.parametrize("name", ["server-0", "postgres", "embedder", "index"])
def test_a_kill_under_load_loses_and_doubles_nothing(running: Fleet, space: str, name: str) -> None:
    ledgers = [Ledger(), Ledger()]
    clients = [running.blunt_client(server, space=space) for server in running.servers]
    senders = [
        Sender(clients, random.Random(number), ledger=ledger, name=f"w{number}", sessions=5, pause=0.1)
        for number, ledger in enumerate(ledgers)
    ]
    try:
        until(lambda: acknowledged(ledgers) >= 10, "nothing is acknowledged")
        running.parts[name].kill()
        if name == "postgres":
            with pytest.raises(MemsvcError) as down:
                clients[0].add("Is anybody there?", user_id="u", session_id="s0", timeout=20.0)
            assert isinstance(down.value, Unavailable), down.value
            assert down.value.reason == "DATABASE_UNAVAILABLE"
        else:
            before = acknowledged(ledgers)
            until(lambda: acknowledged(ledgers) >= before + 10, f"nothing is acknowledged without {name}")
        running.parts[name].start()
        before = acknowledged(ledgers)
        until(lambda: acknowledged(ledgers) >= before + 10, f"nothing is acknowledged after {name} is back")
    finally:
        for sender in senders:
            sender.stop()
        for client in clients:
            client.close()
    print(f"{name} killed: {settle(running, space, *ledgers)}")


def test_a_worker_killed_in_its_batch_leaves_the_batch_to_another(running: Fleet, space: str) -> None:
    ledger = Ledger(unanswered=("s1", "00000000-0000-4000-8000-000000000001", many_turns(250)))
    with running.client(space=space) as client:
        ledger.send(client, timeout=30.0)
        until(lambda: list(client.operations.list(states=["running"])), "no worker takes it up")
        for name in ("worker-0", "worker-1"):
            running.parts[name].kill()
        assert client.stats().pending_turn_count > 0, "the batch was done before the kill"
        running.parts["worker-0"].start()
        # Once a part of the batch is done, attempts count afresh.
        until(
            lambda: any(job.attempt_count > 1 for job in client.operations.list()),
            "nobody takes the batch over",
            seconds=120.0,
        )
        drain(client)
        running.parts["worker-1"].start()
    settle(running, space, ledger)


@pytest.mark.parametrize("name", ["index", "embedder"])
def test_without_a_part_queries_say_so_and_never_that_nothing_is_known(running: Fleet, space: str, name: str) -> None:
    running.parts[name].kill()
    try:
        with running.blunt_client(space=space) as client, suppress(Unavailable):
            found = client.search(f"{QUESTION} It is needed without the {name}.", user_id="p", timeout=20.0)
            assert found.degraded
            assert any("telescope" in hit.memory for hit in found)
    finally:
        running.parts[name].start()
    with running.client(space=space) as client:
        until(lambda: not client.search(QUESTION, user_id="p").degraded, f"queries stay degraded after {name} is back")
        assert finds_the_fact(client)


@pytest.mark.parametrize("answers_only", [False, True], ids=["both-ways", "answers"])
def test_a_request_that_the_network_swallowed_is_stored_once(running: Fleet, space: str, answers_only: bool) -> None:
    ledger, network = one_request(), running.networks["server-0"]
    with running.blunt_client(space=space) as client:
        assert client.stats().turn_count == 1  # connected
        network.stall(answers_only=answers_only)
        with pytest.raises(DeadlineExceeded):
            ledger.send(client, timeout=1.0)
        network.cut()
        network.flow()
    with running.client("server-1", space=space) as client:
        if answers_only:  # stored, and nobody was told
            until(lambda: client.stats().turn_count == 6, "the request that came through is not stored")
    settle(running, space, ledger)


@pytest.mark.parametrize("then", ["flow", "cut"])
def test_while_the_database_stalls_nothing_is_acknowledged(running: Fleet, space: str, then: str) -> None:
    ledger, network = one_request(), running.networks["postgres"]
    with running.blunt_client(space=space) as client:
        network.stall()
        with pytest.raises((DeadlineExceeded, Unavailable)):
            ledger.send(client, timeout=1.0)
        with pytest.raises((DeadlineExceeded, Unavailable)):
            client.search(QUESTION, user_id="p", timeout=1.0)
        if then == "cut":
            network.cut()
        network.flow()
    settle(running, space, ledger)


@pytest.mark.parametrize("name", ["embedder", "index"])
def test_a_part_that_stalls_delays_what_is_acknowledged(running: Fleet, space: str, name: str) -> None:
    ledger, network = one_request(), running.networks[name]
    network.stall()
    with running.client(space=space) as client:
        ledger.send(client, timeout=10.0)
        until(lambda: list(client.operations.list(states=["running"])), "no worker takes it up")
        with suppress(Unavailable, DeadlineExceeded):
            found = client.search(f"{QUESTION} The {name} stalls.", user_id="p", timeout=2.0)
            assert any("telescope" in hit.memory for hit in found)
        network.cut()
        network.flow()
    settle(running, space, ledger)


@pytest.mark.parametrize(
    "numbers",
    [range(FEW), pytest.param(range(FEW, MANY), marks=[pytest.mark.long, pytest.mark.timeout(300 + 120 * MANY)])],
    ids=["few", "many"],
)
def test_random_schedules_lose_and_double_nothing(running: Fleet, numbers: range) -> None:
    for number in numbers:
        rng, name = random.Random(f"{SEED}-{number}"), f"schedule-{number}"
        with running.client(space=name, timeout=60.0) as client:
            add_space(client, name)
            client.add([{"id": "fact", "role": "user", "name": "Priya", "content": FACT}], session_id="s", user_id="p")
            drain(client)
            assert finds_the_fact(client)
        ledgers, told = one_schedule(running, name, rng)
        counted = settle(running, name, *ledgers)
        with running.client(timeout=60.0) as client:
            client.spaces.delete(name, force=True)
        assert set().union(*(ledger.reasons for ledger in ledgers)) <= PASSING
        print(f"schedule {number}, seed {SEED}: {' '.join(told)}: {counted}", flush=True)


def one_schedule(running: Fleet, space: str, rng: random.Random) -> tuple[list[Ledger], list[str]]:
    """Begin and end faults at random while two senders write and one reader asks; end with everything up."""
    clients = [running.blunt_client(server, space=space) for server in running.servers]
    ledgers = [Ledger(), Ledger()]
    senders = [
        Sender(clients, random.Random(rng.random()), ledger=ledger, name=f"w{number}", sessions=8, pause=0.2)
        for number, ledger in enumerate(ledgers)
    ]
    faults = [("kill", name) for name in running.parts]
    faults += [(kind, name) for kind in ("stall", "cut") for name in running.networks]
    open_faults: list[tuple[str, str]] = []
    told: list[str] = []
    try:
        for _ in range(rng.randrange(4, 9)):
            time.sleep(rng.uniform(0.0, 0.6))
            if open_faults and rng.random() < 0.5:
                end(running, open_faults, rng.randrange(len(open_faults)))
            else:
                fault = rng.choice([fault for fault in faults if fault[1] not in {name for _, name in open_faults}])
                begin(running, fault)
                open_faults.append(fault)
                told.append("-".join(fault))
            ask(rng.choice(clients))
        while open_faults:
            end(running, open_faults, 0)
        revive(running)
        before = acknowledged(ledgers)
        until(lambda: acknowledged(ledgers) >= before + 4, "nothing is acknowledged after the faults")
    finally:
        for sender in senders:
            sender.stop()
        for client in clients:
            client.close()
    return ledgers, told


def begin(running: Fleet, fault: tuple[str, str]) -> None:
    kind, name = fault
    if kind == "kill":
        running.parts[name].kill()
    elif kind == "stall":
        running.networks[name].stall()
    else:
        running.networks[name].cut()


def end(running: Fleet, open_faults: list[tuple[str, str]], position: int) -> None:
    """End a fault; before a server or worker is started again, those end that would keep it from starting."""
    kind, name = open_faults.pop(position)
    if kind != "kill":
        running.networks[name].flow()
        return
    if name.startswith(("server", "worker")):
        for other in [fault for fault in open_faults if fault[0] != "kill" or fault[1] in NEEDED]:
            end(running, open_faults, open_faults.index(other))
    running.parts[name].start()


def revive(running: Fleet) -> None:
    """Start again what ended by itself because a part was down when it started, as a supervisor does."""
    for part in running.parts.values():
        if isinstance(part, Child) and not part.alive:
            part.kill()
            part.start()


def ask(client: MemoryClient) -> None:
    """A query finds the fact or fails; it never says that there is nothing."""
    with suppress(Unavailable, DeadlineExceeded):
        assert finds_the_fact(client, 1.5)

"""What a fleet is given to do, and how its report reads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.bench.conversations import Conversation
from memsvc.bench.fleet_load import questions, sessions
from memsvc.bench.fleet_parts import processor_seconds
from memsvc.bench.fleet_report import markdown, plot
from memsvc.bench.reading import read

TALKS = read(None)


def total(talks: list[Conversation]) -> int:
    return sum(len(turns) for talk in talks for turns in talk.sessions.values())


@given(st.integers(min_value=1, max_value=3 * total(TALKS)))
def test_conversations_are_repeated_under_other_users_up_to_the_count(turns: int) -> None:
    jobs = sessions(TALKS, turns)
    assert sum(len(said) for _, _, said in jobs) == turns
    assert len({(user, name) for user, name, _ in jobs}) == len(jobs)
    told = {(user, turn.turn_id) for user, _, said in jobs for turn in said}
    assert len(told) == turns


def test_questions_are_asked_of_users_who_told_of_it() -> None:
    users = list(dict.fromkeys(user for user, _, _ in sessions(TALKS, 2 * total(TALKS))))
    asked = questions(TALKS, users, 7)
    assert len(asked) == 7
    assert {user for user, _ in asked} <= set(users)
    assert len(questions(TALKS, users, 1000)) == 1000


def test_data_without_questions_is_refused() -> None:
    with pytest.raises(ValueError, match="no questions"):
        questions(TALKS, ["nobody"], 5)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_processor_time_counts_a_process_and_its_children() -> None:
    busy = "sum(i * i for i in range(3_000_000))"
    before = processor_seconds({"mine": os.getpid()})["mine"]
    subprocess.run([sys.executable, "-c", busy], check=True)
    assert processor_seconds({"mine": os.getpid()})["mine"] > before


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_child_that_is_named_counts_for_itself_alone() -> None:
    loop = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass\ninput()"
    with subprocess.Popen([sys.executable, "-c", loop + "\n"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        alone = processor_seconds({"mine": os.getpid(), "child": child.pid})
        while alone["child"] < 0.5:
            alone = processor_seconds({"mine": os.getpid(), "child": child.pid})
        together = processor_seconds({"mine": os.getpid()})
        assert together["mine"] - alone["mine"] >= 0.5
        child.communicate(b"\n")


def test_a_process_that_is_gone_has_used_nothing() -> None:
    assert processor_seconds({"gone": 2**22 + 1}) == {"gone": 0.0}


def test_the_report_gives_rates_beside_the_floor_and_a_picture(tmp_path: Path) -> None:
    spread = {"p50": 1.0, "p95": 2.0, "p99": 3.0}
    report: dict[str, Any] = {
        "ingest": {"turns": 100, "memories": 90, "acknowledged_s": 0.5, "searchable_s": 10.0},
        "queries": [{"clients": 8, "queries_per_s": 40.0, "p50": 11.0, "p95": 22.0, "p99": 33.0}],
        "phases": {
            "ingest": {"processor_s": {"server-0": 1.0, "postgres": 0.5}, "span_s": {"server": {"call Ingest": 0.4}}},
            "queries": {"processor_s": {"server-0": 2.0}, "span_s": {"server": {"call Query": 1.5}}},
        },
        "floor": {
            "embed_texts_per_s": 50.0,
            "insert_rows_per_s": 400.0,
            "embed_query_ms": spread,
            "index_search_ms": spread,
        },
        "run": {"queries": 200},
    }
    told = markdown(report)
    assert "| turns acknowledged per second | 200 | 400 rows inserted | 0.50 |" in told
    assert "| turns searchable per second | 10.0 | 50 texts embedded | 0.20 |" in told
    assert "| 8 | 40.0 | 11 | 22 | 33 |" in told
    assert "| server-0 | 10.00 | 10.00 |" in told
    assert "| postgres | 5.00 | 0.00 |" in told
    plot(report, tmp_path / "fleet.png")
    assert (tmp_path / "fleet.png").read_bytes().startswith(b"\x89PNG")

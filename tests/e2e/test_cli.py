"""The command as a person types it, against a service it starts itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from memsvc.process import service


def memsvc(*arguments: str, data_dir: Path, ok: bool = True, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "memsvc", *arguments, "--data-dir", str(data_dir)],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "160", "MEMSVC_LOG_LEVEL": "error", **environment},
        timeout=120,
    )
    assert (done.returncode == 0) is ok, done.stderr
    return done.stdout if ok else done.stderr


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli") / "data"


@pytest.fixture(scope="module")
def live(data_dir: Path) -> Iterator[Path]:
    with service(data_dir, {"MEMSVC_CONSOLIDATION": "off"}):
        yield data_dir


def test_add_search_explain_stats_find_the_local_service_and_key(live: Path) -> None:
    said = memsvc("add", "I planted two fig trees in Évora.", "--user", "ana", "--name", "Ana", data_dir=live)
    assert "1 turns → 1 memories" in said
    assert "fig" in memsvc("search", "What did Ana plant?", "--user", "ana", data_dir=live)
    found = json.loads(memsvc("search", "What did Ana plant?", "--user", "ana", "--json", data_dir=live))
    assert "Évora" in found["hits"][0]["memory"]
    assert "returned" in memsvc("explain", "What did Ana plant?", "--user", "ana", data_dir=live)
    stats = json.loads(memsvc("stats", "--json", data_dir=live))
    assert stats["turn_count"] == 1
    assert "fig" in memsvc("search", "What did Ana plant?", "--whole-space", data_dir=live)
    for names in ((), ("--user", "")):
        assert "INVALID_FIELD" in memsvc("search", "What did Ana plant?", *names, data_dir=live, ok=False)


def test_what_is_said_in_a_terminal_is_on_its_clock(live: Path) -> None:
    zones = {"kenji": ("--time-zone", "Asia/Tokyo"), "lena": ("--time-zone", "-03:00"), "maya": ()}
    offsets = {}
    for user, option in zones.items():
        memsvc("add", "I planted two fig trees.", "--user", user, *option, data_dir=live, TZ="<+0545>-5:45")
        found = json.loads(memsvc("search", "Who planted trees?", "--user", user, "--json", *option, data_dir=live))
        offsets[user] = found["hits"][0]["utc_offset_minutes"]
    assert offsets == {"kenji": 540, "lena": -180, "maya": 345}
    said = memsvc("add", "x", "--user", "maya", "--time-zone", "Nowhere", data_dir=live, ok=False)
    assert "time_zone: 'Nowhere' is neither an IANA time zone" in said


def test_consolidation_and_looking_back(live: Path) -> None:
    for text in ("I live in Porto.", "I live in Porto.", "Rain fell on the harbour of Oslo."):
        memsvc("add", text, "--user", "bo", "--name", "Bo", data_dir=live)
    shown = json.loads(memsvc("consolidate", "--user", "bo", "--dry-run", "--json", data_dir=live))
    assert [decision["action"] for decision in shown["decisions"]] == ["merge"]
    assert "merge" in memsvc("consolidate", "--user", "bo", "--dry-run", data_dir=live)
    assert "2 merged" in memsvc("consolidate", "--user", "bo", data_dir=live)
    assert "nothing to do" in memsvc("consolidate", "--user", "bo", "--dry-run", data_dir=live)
    question = ("search", "Where does Bo live?", "--user", "bo")
    assert "nothing matched" in memsvc(*question, "--as-of", "2020-01-01T00:00:00Z", data_dir=live)
    assert "Porto" in memsvc(*question, "--as-of", "2999-01-01T00:00:00Z", data_dir=live)


def test_reindex_in_a_running_service(live: Path) -> None:
    assert "succeeded" in memsvc("reindex", data_dir=live)


def test_operations_are_listed_and_only_failed_ones_retried_or_dropped(live: Path) -> None:
    memsvc("reindex", data_dir=live)
    newest, *_ = memsvc("operations", "list", data_dir=live).splitlines()
    assert newest.startswith("reindex ")
    operation = newest.split()[1].rstrip(":")
    assert json.loads(memsvc("operations", "show", operation, data_dir=live))["state"] == "succeeded"
    for command in ("retry", "drop"):
        assert "has not failed" in memsvc("operations", command, operation, data_dir=live, ok=False)
    assert memsvc("operations", "list", "--state", "failed", data_dir=live) == ""


def test_a_worker_of_an_unknown_queue_is_refused(tmp_path: Path) -> None:
    said = memsvc("worker", "--queues", "compress,erase", data_dir=tmp_path, ok=False)
    assert "queues: 'erase' is not one of compress, consolidate, index" in said
    assert "device" in memsvc("worker", "--device", "tpu", data_dir=tmp_path, ok=False)


def test_a_second_service_on_the_same_data_is_refused(live: Path) -> None:
    said = memsvc("serve", "--listen", "127.0.0.1:0", data_dir=live, ok=False)
    assert "INDEX_IN_USE" in said


def test_an_error_is_one_line(live: Path) -> None:
    assert "user_id" in memsvc("add", "no scope", data_dir=live, ok=False)
    unreachable = memsvc("stats", "--address", "127.0.0.1:1", data_dir=live, ok=False)
    assert "Traceback" not in unreachable


def test_offline_commands(tmp_path: Path) -> None:
    assert "schema: none → " in memsvc("migrate", data_dir=tmp_path)
    assert "newest" in memsvc("migrate", "--show", data_dir=tmp_path)
    secret = memsvc("keys", "create", "--tenant", "acme", "--role", "agent", data_dir=tmp_path).strip()
    assert secret.startswith("msk_")
    assert "acme/default: 0 memories indexed" in memsvc("reindex", data_dir=tmp_path)
    assert "gate_threshold" in memsvc("config", data_dir=tmp_path)
    assert "settings: listen" in memsvc("serve", "--listen", "nowhere", data_dir=tmp_path, ok=False)

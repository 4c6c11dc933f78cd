"""`memsvc bench …` as it is called; most start a real service themselves."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers import SentenceTransformer

from memsvc.bench.arms import ARMS
from memsvc.bench.outcomes import METRICS
from memsvc.bootstrap.parts import load_weights
from memsvc.cli.app import main
from memsvc.process import ServiceProcess
from memsvc_client import MemoryClient
from support.chat_server import Reply, threaded_chat_server

TALK = {
    "id": "harbour",
    "sessions": [
        {
            "session_id": "s1",
            "started_at": "2024-03-01T10:00:00+00:00",
            "turns": [
                {"turn_id": "a1", "role": "user", "name": "Ida", "content": "I adopted a grey cat called Pepper."},
                {"turn_id": "a2", "role": "user", "name": "Bo", "content": "I am repairing my wooden boat this week."},
            ],
        },
        {
            "session_id": "s2",
            "started_at": "2024-04-02T10:00:00+00:00",
            "turns": [
                {"turn_id": "b1", "role": "user", "name": "Bo", "content": "The boat race is on 7 May 2024 in Kiel."},
                {"turn_id": "b2", "role": "user", "name": "Ida", "content": "I will bake a rhubarb cake for it."},
            ],
        },
    ],
    "questions": [
        {"question": "What is Ida's cat called?", "answer": "Pepper", "evidence": ["a1"], "kind": "single"},
        {"question": "When is the boat race?", "answer": "May 7, 2024", "evidence": ["b1"], "kind": "temporal"},
        {"question": "Which plane did Bo fly?", "answer": "", "evidence": [], "kind": "none", "answerable": False},
    ],
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "talk.jsonl"
    path.write_text(json.dumps(TALK), encoding="utf-8")
    return path


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs `memsvc bench …` in this process, which has loaded torch already; the service is a process all the same."""

    def run(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["memsvc", "bench", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0

    return run


def report(folder: Path, name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return value


def test_quality_writes_the_documented_report_and_goes_on_where_it_was(
    data: Path, tmp_path: Path, bench: Callable[..., None]
) -> None:
    out = tmp_path / "out"
    bench("quality", "--format", "jsonl", "--data", str(data), "--out", str(out), "--seed", "1")
    first = report(out, "quality.json")
    _check_shape(first)
    plots = ("recall-and-tokens.png", "evidence.png", "answer-words.png", "latency.png", "reliability.png")
    for name in ("quality.md", *plots):
        assert (out / name).stat().st_size > 0
    answers = (out / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(answers) == 3

    (out / "answers.jsonl").write_text("\n".join(answers[:2]) + "\n", encoding="utf-8")
    bench("quality", "--data", str(data), "--out", str(out), "--seed", "1")
    second = report(out, "quality.json")
    assert second["run"]["answers_reused"] == 2
    assert len((out / "answers.jsonl").read_text(encoding="utf-8").splitlines()) == 3
    for arm in ARMS:
        assert _without_latency(second["arms"][arm]) == _without_latency(first["arms"][arm])


def test_a_service_that_runs_is_measured_in_spaces_of_its_own(
    data: Path, tmp_path: Path, bench: Callable[..., None], running: ServiceProcess
) -> None:
    out = tmp_path / "out"
    at = ("--address", running.address, "--api-key", running.api_key)
    bench("quality", "--data", str(data), "--out", str(out), "--limit", "1", "--consolidate", *at)
    assert report(out, "quality.json")["run"]["questions"] == 1
    assert report(out, "quality.json")["run"]["settings"]["consolidated"] is True
    assert not list(out.glob("service-*"))
    with MemoryClient(running.address, api_key=running.api_key) as client:
        assert [space.display_name for space in client.spaces.list() if space.id.startswith("bench-")] == ["harbour"]


def _without_latency(values: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if "latency" not in name}


def _check_shape(found: dict[str, Any]) -> None:
    assert set(found) == {"arms", "by_category", "intervals", "paired", "run"}
    assert list(found["arms"]) == list(ARMS)
    assert set(found["arms"]["memsvc"]) == set(METRICS)
    assert found["arms"]["memsvc"]["recall@50"] == 1
    assert found["arms"]["memsvc"]["atr@2000"] == 1
    assert set(found["by_category"]) == {"single", "temporal", "none"}
    assert len(found["intervals"]["memsvc"]["ev@500"]) == 2
    assert set(found["paired"]) == set(ARMS) - {"memsvc"}
    assert set(found["paired"]["bm25"]["ev@500"]) == {"difference", "low", "high"}
    assert {"versions", "settings", "seed", "seconds", "data_sha256"} <= set(found["run"])


def test_compression_draws_a_curve(data: Path, tmp_path: Path, bench: Callable[..., None]) -> None:
    out = tmp_path / "out"
    bench("compression", "--data", str(data), "--out", str(out), "--threshold", "0")
    found = report(out, "compression.json")
    assert set(found["curves"]) == {"memsvc", "random", "idf_turns", "idf_sentences"}
    (point,) = found["curves"]["memsvc"]
    assert point["evidence"] == 1
    assert point["ev@500"] == 1
    assert point["stored"] > 0
    assert (out / "evidence.png").stat().st_size > 0


def test_data_that_cannot_be_read_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"id": "x", "sessions": []}', encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["memsvc", "bench", "quality", "--data", str(path), "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "line 1: sessions" in " ".join(capsys.readouterr().err.split())  # wrapped to the width of the terminal


@pytest.mark.parametrize(
    ("name", "is_file", "said"),
    [("consolidation", False, "is a directory"), ("quality", True, "is a file"), ("fleet", True, "is a file")],
)
def test_a_place_where_nothing_can_be_written_is_refused_before_the_work(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    is_file: bool,
    said: str,
) -> None:
    out = tmp_path / "out"
    out.write_text("") if is_file else out.mkdir()
    monkeypatch.setattr(sys, "argv", ["memsvc", "bench", name, "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_fit_writes_weights_that_a_service_can_use(data: Path, tmp_path: Path, bench: Callable[..., None]) -> None:
    out = tmp_path / "weights.json"
    bench("fit", "--data", str(data), "--out", str(out))
    weights = load_weights(out)
    assert weights.ranking["is_question"] < 0 < weights.ranking["dense"]


def test_speed_grows_a_store_of_exactly_so_many_units_and_measures_it_once(
    data: Path, tmp_path: Path, bench: Callable[..., None]
) -> None:
    out = tmp_path / "units.json"
    arguments = ("speed", "--data", str(data), "--units", "300", "--queries", "6", "--out", str(out))
    bench(*arguments)
    (point,) = report(tmp_path, "units.json")["sizes"]
    assert point["units"] == point["units_stored"] == 300
    assert point["growth"]["recall"] > 0.99
    assert set(point["queries_per_s"]) == {"1", "4", "8"}
    assert point["ingest"]["turns"] == 4
    assert min(point["disk_bytes"].values()) > 0
    for latency in (point["query_user_ms"], point["query_space_ms"], point["floor"]["embed_and_index_ms"]):
        assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"]
    bench(*arguments)
    assert report(tmp_path, "units.json")["sizes"] == [point]


def test_a_model_answers_from_each_arms_context_and_a_rerun_asks_nothing_twice(
    tmp_path: Path, data: Path, bench: Callable[..., None]
) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        # It reads: what the context does not tell, it cannot answer.
        read = body["messages"][-1]["content"]
        return Reply({"answer": "Pepper" if "called Pepper" in read and "cat called?" in read else "unknown"})

    out = tmp_path / "answering"
    with threaded_chat_server(answer) as model:
        options = ("--data", str(data), "--out", str(out), "--model", "openai/local", "--api-base", model.url)
        bench("answering", *options, "--api-key", "k")
        first = len(model.requests)
        bench("answering", *options, "--api-key", "k", "--beside", f"before={out}")
        assert len(model.requests) == first > 0
    told = report(tmp_path, "answering/answering.json")
    assert told["questions"] == 2  # one has no answer
    assert {arm: values["contained"]["mean"] for arm, values in told["arms"].items()} == {
        "memsvc": 0.5,
        "hybrid": 0.5,
        "evidence": 0.5,
        "before": 0.5,
    }
    assert told["paired"]["before"]["f1"] == {"difference": 0, "low": 0, "high": 0}


def test_an_encoder_is_trained_on_conversations_and_told_of_others(tmp_path: Path, bench: Callable[..., None]) -> None:
    data = tmp_path / "talks.jsonl"
    data.write_text("\n".join(json.dumps(TALK | {"id": name}) for name in ("a", "b", "c")), encoding="utf-8")
    bench("train-encoder", "--data", str(data), "--epochs", "1", "--out", str(tmp_path / "encoder"))
    told = report(tmp_path, "encoder/training.json")
    assert told["conversations"]["trained"] == 2
    assert len(told["conversations"]["held_out"]) == 1
    assert told["queries"] == {"trained": 4, "held_out": 2}  # one has no evidence
    assert set(told["held_out"]) == {
        "all-MiniLM-L6-v2",
        "trained, 64",
        "trained, 128",
        "trained, 256",
        "trained, 384",
    }
    trained = SentenceTransformer(str(tmp_path / "encoder" / "model"), device="cpu")
    assert trained.encode(["a boat"]).shape == (1, 384)


@pytest.mark.parametrize(
    ("beside", "said"),
    [("elsewhere", "NAME=FOLDER"), ("hybrid=x", "name of an arm already"), ("before=nowhere", "is missing")],
)
def test_a_run_to_compare_with_that_is_none_is_told(
    beside: str,
    said: str,
    tmp_path: Path,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ("--data", str(data), "--out", str(tmp_path / "out"), "--model", "openai/local", "--beside", beside)
    monkeypatch.setattr(sys, "argv", ["memsvc", "bench", "answering", *options])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code
    assert said in "".join(capsys.readouterr())


def test_consolidation_by_the_rules_and_with_a_model_over_the_same_cases(
    tmp_path: Path, bench: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with threaded_chat_server(lambda _: Reply({"pairs": []})) as model:
        monkeypatch.setenv("MEMSVC_LLM_MODEL", "openai/local")
        monkeypatch.setenv("MEMSVC_LLM_API_BASE", model.url)
        monkeypatch.setenv("MEMSVC_LLM_API_KEY", "k")
        sets = ("--set", "development 2", "--set", "held out")
        bench("consolidation", *sets, "--cases", "4", "--llm", "--out", str(tmp_path / "c.json"))
        told = report(tmp_path, "c.json")
    assert len(told["results"]) == 4
    for half in ("development 2", "held out"):
        assert told["results"][half]["kept turns"]["cases"] == 4
        assert told["results"][f"{half}, openai/local"] == told["results"][half]  # it decided nothing
    asked = told["run"]["asked"]
    assert asked["calls"] == len(model.requests) > 0
    assert (asked["unusable"], asked["prompt_tokens"]) == (0, 100 * asked["calls"])


def test_consolidation_with_a_model_that_is_not_there_measures_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEMSVC_LLM_MODEL", "openai/local")
    monkeypatch.setenv("MEMSVC_LLM_API_BASE", "http://127.0.0.1:9")
    monkeypatch.setenv("MEMSVC_LLM_API_KEY", "k")
    arguments = ["memsvc", "bench", "consolidation", "--cases", "4", "--llm", "--out", str(tmp_path / "c.json")]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code != 0
    assert "openai/local cannot be asked" in capsys.readouterr().err
    assert not (tmp_path / "c.json").exists()

"""A service with a language model, as an operator sets it up, driven by the SDK and the CLI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memsvc.process import service
from memsvc_client import FailedPrecondition, MemoryClient
from support.chat_server import Body, ChatServer, Reply, garbage, threaded_chat_server

MOVED = "Ana moved to Lisbon with Marta on 7 May 2023."
KEY = "sk-very-secret"
PLACES = ("Alpine", "Jura", "Tatra", "Pyrenees", "Rila")
KIN = ("sister", "brother", "mother", "father", "cousin")


def answer(body: Body) -> Reply:
    """Statements for what is to be compressed, an answer for what is asked, two sentences for an episode."""
    asked = body["response_format"]["json_schema"]["schema"]["properties"]
    if "citations" in asked:
        return Reply({"answer": "In Lisbon.", "citations": [1], "abstain": False})
    if "pairs" in asked:
        return Reply({"pairs": []})
    if "sentences" in asked:
        user = body["messages"][1]["content"]
        trails = "trail" in user
        first, second = ("m0", "m1") if trails else ("m1", "m2")
        told = "Ana hiked on trails with her tent." if trails else "Ana's relatives had a fever in Kiel."
        return Reply({"sentences": [{"text": told, "memories": [first, second]}]})
    unit = {"turns": ["t1"], "text": MOVED, "people": ["Ana"], "entities": [], "place": "", "topic": "", "time": ""}
    return Reply({"units": [unit]})


@pytest.fixture(scope="module")
def model() -> Iterator[ChatServer]:
    """The scripted model."""
    with threaded_chat_server(answer) as server:
        yield server


def test_compression_ask_and_costs(model: ChatServer, tmp_path: Path) -> None:
    environment = {"MEMSVC_LLM_MODEL": "openai/local", "MEMSVC_LLM_API_BASE": model.url, "MEMSVC_LLM_API_KEY": KEY}
    said = {
        "role": "user",
        "name": "Ana",
        "content": "I moved to Lisbon with Marta yesterday.",
        "created_at": datetime(2023, 5, 8, 10, tzinfo=UTC),
    }
    with service(tmp_path, environment) as running, MemoryClient(running.address, api_key=running.api_key) as client:
        client.add([said], user_id="ana", session_id="one", wait=True, timeout=120)
        [memory] = client.list(user_id="ana")
        assert (memory.memory, memory.compressor) == (MOVED, "llm/1:openai/local")
        assert [turn.disposition_reason for turn in client.turns(user_id="ana")] == ["LLM"]

        told = client.ask("Where does Ana live?", user_id="ana", timeout=120)
        assert (told.text, told.citations) == ("In Lisbon.", (memory.id,))
        stats = client.stats()
        assert (stats.llm_call_count, stats.llm_unpriced_call_count, stats.llm_redo_turn_count) == (2, 2, 0)
        command = [sys.executable, "-m", "memsvc", "ask", "Where does Ana live now?", "--user", "ana", "--json"]
        done = subprocess.run(
            [*command, "--data-dir", str(tmp_path)], capture_output=True, text=True, timeout=120, env={**os.environ}
        )
        assert json.loads(done.stdout)["text"] == "In Lisbon."

        model.script = [garbage()]
        client.add([{**said, "id": "again"}], user_id="ana", session_id="two", wait=True, timeout=120)
        [memory] = client.list(user_id="ana", session_id="two")
        assert memory.compressor.startswith("rules/")
        [turn] = client.turns(user_id="ana", session_id="two")
        assert turn.disposition_reason.startswith("LLM_FAILED LLM_MALFORMED; ")
        stats = client.stats()
        assert (stats.llm_redo_turn_count, stats.pending_job_count) == (1, 0)
        waiting = [operation for operation in client.operations.list() if operation.kind == "recompress"]
        assert [operation.state for operation in waiting] == ["queued"]
    assert KEY not in (tmp_path / "service.log").read_text()


def test_episodes_are_worded_by_the_model_where_their_memories_bear_it_out(model: ChatServer, tmp_path: Path) -> None:
    environment = {
        "MEMSVC_LLM_MODEL": "openai/local",
        "MEMSVC_LLM_API_BASE": model.url,
        "MEMSVC_COMPRESSOR": "rules",
        "MEMSVC_CONSOLIDATION_LLM": "on",
        "MEMSVC_CONSOLIDATION_TOPICS": "true",
    }
    said = [
        *(f"I went hiking on the {place} trail with my tent." for place in PLACES),
        *(f"My {who} had a fever and saw the doctor." for who in KIN),
    ]
    turns = [
        {"role": "user", "name": "Ana", "content": text, "created_at": datetime(2023, 5, day, 10, tzinfo=UTC)}
        for day, text in enumerate(said, 1)
    ]
    with service(tmp_path, environment) as running, MemoryClient(running.address, api_key=running.api_key) as client:
        client.add(turns, user_id="ana", session_id="one", wait=True, timeout=120)
        before = client.stats().llm_call_count
        preview = client.preview_consolidation(user_id="ana", timeout=120)
        proposed = {d.result.memory for d in preview.decisions if d.action == "abstract" and d.result}
        assert client.stats().llm_call_count > before == 0
        assert not [memory for memory in client.list(user_id="ana") if memory.kind == "episode"]

        client.consolidate(user_id="ana").wait(timeout=120)
        episodes = [memory for memory in client.list(user_id="ana") if memory.kind == "episode"]
        assert {episode.memory for episode in episodes} == proposed
        hikes, ill = sorted(episodes, key=lambda episode: "fever" in episode.memory)
        assert (hikes.memory, hikes.compressor) == (
            "Ana hiked on trails with her tent.",
            "consolidation/1:openai/local",
        )
        assert hikes.metadata["sentence_sources"] == ",".join(hikes.derived_from[:2])
        assert len(hikes.derived_from) == len(hikes.sources) == len(PLACES)
        [change] = client.history(hikes.id)
        assert (change.actor, change.reason[-36:]) == ("consolidation", "; the language model wrote its text.")
        assert (ill.compressor, "Kiel" in ill.memory) == ("consolidation/1", False)
        [change] = client.history(ill.id)
        assert change.reason.endswith("nothing that the language model wrote holds (UNSUPPORTED_NAME).")
        assert "Ana hiked on trails with her tent." in [hit.memory for hit in client.search("hikes", user_id="ana")]

        client.delete(hikes.derived_from[0])
        assert hikes.memory not in [memory.memory for memory in client.list(user_id="ana")]


def test_ask_without_a_language_model_says_so(running: object, client: MemoryClient) -> None:
    with pytest.raises(FailedPrecondition) as error:
        client.ask("Where does Ana live?", whole_space=True)
    assert error.value.reason == "LLM_NOT_CONFIGURED"

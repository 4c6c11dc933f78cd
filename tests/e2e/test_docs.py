"""The examples of README and docs: shell and Python run against a real service, settings and JSON are read."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

import memsvc_client
from memsvc.config import Settings
from memsvc.process import ServiceProcess, service
from memsvc_client import AsyncMemoryClient, MemoryClient, RetryPolicy
from support.chat_server import Body, Reply, threaded_chat_server
from support.examples import Example, examples, lines_in_order, run_python

ROOT = Path(__file__).parents[2]
CLIENT = "clients/python/README.md"
"""The one document whose examples take more as given than `memory`, a client."""
DOCUMENTS = ["README.md", "CONTRIBUTING.md", CLIENT, *(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/**/*.md"))]
EXAMPLES = {document: examples(ROOT / document) for document in sorted(DOCUMENTS)}
RUN = {"bash", "python"}
LANGUAGES = {*RUN, "json", "mermaid", "text", "toml", "yaml"}
CALLS = re.compile(r"memsvc (add|ask|consolidate|explain|search|stats)\b")

MEMSVC = """\
#!/bin/bash
# `serve` is started, beside the service that the other examples call, and stopped; of a benchmark the options are read.
set -euo pipefail
case ${1-} in
serve)
  folder=$(mktemp -d)
  "$PYTHON" -m memsvc "$@" --listen 127.0.0.1:0 --data-dir "$folder" &
  until [ -e "$folder/server.json" ]; do kill -0 $! && sleep 0.1; done
  kill $!
  wait $!
  ;;
bench | migrate-embeddings) exec "$PYTHON" -m support.parsed "$@" ;;
*) exec "$PYTHON" -m memsvc "$@" ;;
esac
"""
MAKE = """\
#!/bin/bash
exec "$MAKE" --dry-run --directory "$ROOT" "$@"
"""


def marked(*languages: str) -> list[Any]:
    """The examples in these languages that are to be run, as parameters of a test."""
    return [
        pytest.param(example, id=f"{document}:{example.line}")
        for document, found in EXAMPLES.items()
        for example in found
        if example.language in languages and not example.reason
    ]


@pytest.mark.parametrize("document", EXAMPLES)
def test_each_block_says_what_it_is_so_that_none_is_passed_over(document: str) -> None:
    assert [example for example in EXAMPLES[document] if example.language not in LANGUAGES] == []


def test_there_are_examples() -> None:
    assert {example.language for example in EXAMPLES["README.md"]} >= RUN
    assert len(marked("python")) >= 10
    assert len(marked("bash")) >= 5


@pytest.mark.parametrize("example", marked("json"))
def test_json_is_json(example: Example) -> None:
    assert json.loads(example.code)


@pytest.mark.parametrize("example", marked("toml"))
def test_settings_exist(example: Example) -> None:
    assert tomllib.loads(example.code).keys() <= Settings.model_fields.keys()


def model(body: Body) -> Reply:
    """A plan for what is to be planned, an answer for what is asked."""
    if "sub_queries" in body["response_format"]["json_schema"]["schema"]["properties"]:
        time = {"words": "", "start": "", "end": ""}
        return Reply({"sub_queries": ["Ana's pet", "Ben's pet"], "names": [], "time": time, "multiple": True})
    return Reply({"answer": "In Lisbon.", "citations": [1], "abstain": False})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A checkout whose `memsvc` and `make` are those of MEMSVC and MAKE; the service's data is below it too."""
    for name, script in {".venv/bin/memsvc": MEMSVC, "bin/make": MAKE}.items():
        program = tmp_path / name
        program.parent.mkdir(parents=True)
        program.write_text(script)
        program.chmod(0o755)
    return tmp_path


@pytest.fixture
def called(home: Path) -> Iterator[ServiceProcess]:
    """The service that a document's examples call: the one that `memsvc` finds by itself, with a language model."""
    with threaded_chat_server(model) as llm:
        environment = {
            "MEMSVC_LLM_MODEL": "openai/local",
            "MEMSVC_LLM_API_BASE": llm.url,
            "MEMSVC_LLM_API_KEY": "none",
            "MEMSVC_COMPRESSOR": "rules",
            "MEMSVC_CONSOLIDATION_LLM": "off",
        }
        with service(home / ".memsvc", environment) as process:
            yield process


def run_bash(code: str, home: Path) -> str:
    """Run a script in the checkout; return what it prints. Each of its commands must succeed."""
    for name in re.findall(r"--data (\S+)", code):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    programs = [str(home / ".venv" / "bin"), str(home / "bin"), os.environ["PATH"]]
    made = {"HOME": str(home), "PATH": os.pathsep.join(programs), "ROOT": str(ROOT), "PYTHON": sys.executable}
    libraries = {"PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])}
    quiet = {"COLUMNS": "160", "MEMSVC_LOG_LEVEL": "error", "MAKE": shutil.which("make") or "make"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        cwd=home,
        env={**os.environ, **made, **libraries, **quiet},
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def given_to(client: MemoryClient) -> dict[str, Any]:
    """What the examples of the client's README begin with, whatever they assign."""
    messages = [{"role": "user", "name": "Ana", "content": f"I planted fig tree {number}."} for number in range(3)]
    client.add("I have a cat called Pepper.", user_id="ana", wait=True)
    return {
        "MemoryClient": memsvc_client.MemoryClient,
        "RetryPolicy": RetryPolicy,
        "anthropic": Mock(),
        "history": messages,
        "log": messages,
        "memory": client,
        "memory_id": next(iter(client.list(user_id="ana"))).id,
        "messages": messages,
        "old_messages": messages,
        "openai": Mock(),
        "question": "Where does Ana live?",
        "saved_id": str(uuid.uuid4()),
        "source": messages,
        "uuid": uuid,
    }


def connecting(made: type[MemoryClient | AsyncMemoryClient], called: ServiceProcess) -> Any:
    """In the place of a client's class: wherever an example connects to, it is this service."""

    def connect(*_: object, **options: Any) -> MemoryClient | AsyncMemoryClient:
        kept = {name: value for name, value in options.items() if name not in {"api_key", "secure", "credentials"}}
        return made(called.address, api_key=called.api_key, **{"timeout": 60.0, **kept})

    return connect


@pytest.mark.parametrize(
    "document", [document for document, found in EXAMPLES.items() if any(e.language in RUN for e in found)]
)
def test_examples_run_and_print_what_they_are_said_to(
    document: str, home: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    todo = [example for example in EXAMPLES[document] if example.language in RUN and not example.reason]
    given, names = dict[str, Any](), dict[str, Any]()
    with ExitStack() as stack:
        if any(example.language == "python" or CALLS.search(example.code) for example in todo):
            called: ServiceProcess = request.getfixturevalue("called")
            for made in (MemoryClient, AsyncMemoryClient):
                monkeypatch.setattr(memsvc_client, made.__name__, connecting(made, called))
            client = stack.enter_context(memsvc_client.MemoryClient())
            given = given_to(client) if document == CLIENT else {"memory": client}
        for example in todo:
            names |= given
            bash = example.language == "bash"
            printed = run_bash(example.code, home) if bash else run_python(example.code, names)
            assert lines_in_order(example.output, printed), f"{document}:{example.line} prints\n{printed}"

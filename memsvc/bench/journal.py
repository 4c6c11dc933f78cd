"""The service's answers on disk, one JSON line each as they come, so that a run goes on where it was stopped."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from memsvc.bench.conversations import Conversation, Question
from memsvc.bench.outcomes import Context, Outcome

PACKAGE = Path(__file__).parents[1]
SETTINGS_PREFIX = "MEMSVC_"


class Journal:
    """Answers by key, appended to a file; a line that a kill cut off is ignored and its question asked again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # Read when asked for: lines of another version may look otherwise, and nobody asks for their keys.
        self._found: dict[str, dict[str, Any]] = {}
        if path.is_file():
            # A kill can cut a character in half, too.
            for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
                self._load(line)

    def _load(self, line: str) -> None:
        try:
            value = json.loads(line)
        except json.JSONDecodeError:
            return
        self._found[value["key"]] = value

    def get(self, key: str) -> Outcome | None:
        """The answer kept under `key`, None when there is none."""
        value = self._found.get(key)
        return None if value is None else _outcome(value)

    def put(self, key: str, outcome: Outcome, question: str) -> None:
        """Keep an answer; the question is written beside it for people who read the file."""
        value = {"key": key, "question": question, **asdict(outcome)}
        line = json.dumps(value, ensure_ascii=False)
        with self._path.open("a", encoding="utf-8") as file:
            # A line that a kill cut off must not swallow this one.
            file.write(f"{line}\n" if _ends_a_line(self._path) else f"\n{line}\n")
        self._found[key] = value


def question_key(run: str, talk: Conversation, question: Question) -> str:
    """Digest of a run's settings and one question."""
    return digest(run, talk.id, question.text, question.category, question.evidence, str(question.asked_at))


def settings_digest(data: str, **settings: Any) -> str:
    """Digest of everything that an answer depends on: data, settings, the code of the service, its environment.

    `MEMSVC_*` variables enter as a digest only, because some of them are secrets.
    """
    environment = sorted((name, value) for name, value in os.environ.items() if name.startswith(SETTINGS_PREFIX))
    return digest(data, sorted(settings.items()), environment, _code())


def digest(*parts: Any) -> str:
    """SHA-256 of the parts' JSON, in hexadecimal."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _code() -> list[str]:
    bench = Path(__file__).parent
    return [file_digest(path) for path in sorted(PACKAGE.rglob("*.py")) if bench not in path.parents]


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _outcome(value: dict[str, Any]) -> Outcome:
    return Outcome(
        contexts={int(budget): _context(context) for budget, context in value["contexts"].items()},
        adaptive=_context(value["adaptive"]),
        ranking=tuple(value["ranking"]),
        confidence=value["confidence"],
        latency_ms=value["latency_ms"],
    )


def _context(value: dict[str, Any]) -> Context:
    return Context(value["text"], tuple(value["cited"]), value["tokens"])

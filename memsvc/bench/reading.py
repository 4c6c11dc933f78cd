"""Opens a file of conversations of any known format, and picks the questions of a run."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from memsvc.bench import jsonl, locomo, longmemeval
from memsvc.bench.checked import Malformed
from memsvc.bench.conversations import Conversation

SHIPPED = Path(__file__).parent / "data" / "heldout.jsonl"
DEMO = Path(__file__).parents[2] / "docs" / "demo" / "conversation.json"


class DataFormat(StrEnum):
    """Formats of conversations; docs/benchmarks.md describes each."""

    LOCOMO = "locomo"
    LONGMEMEVAL = "longmemeval"
    JSONL = "jsonl"


def default_data() -> Path:
    """The conversations that ship with the package, or the demo's in a source tree without them."""
    return SHIPPED if SHIPPED.is_file() else DEMO


def read(path: Path | None, data_format: DataFormat | None = None) -> list[Conversation]:
    """Read every conversation of a file: the demo's when `path` is None; the format is recognised unless given.

    Raises:
        Malformed: the file is not of the format; the message names the conversation and the field.
        OSError: it cannot be opened.
    """
    path = path or DEMO
    try:
        text = path.read_text(encoding="utf-8")
        conversations = _parse(text, data_format or _recognise(text))
    except Malformed as error:
        raise Malformed(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise Malformed(f"{path}: not UTF-8: {error}") from error
    if not conversations:
        raise Malformed(f"{path}: no conversation")
    return conversations


def choose(conversations: Sequence[Conversation], limit: int | None, seed: int) -> list[Conversation]:
    """Keep `limit` questions, drawn with `seed`, and the conversations they are about; all when None."""
    places = [(i, j) for i, talk in enumerate(conversations) for j in range(len(talk.questions))]
    if limit is not None and limit < len(places):
        places = sorted(random.Random(seed).sample(places, limit))  # noqa: S311 - a sample, not a secret
    chosen = {i: [conversations[i].questions[j] for i_, j in places if i_ == i] for i, _ in places}
    return [replace(conversations[i], questions=questions) for i, questions in chosen.items()]


def _recognise(text: str) -> DataFormat:
    value = _json(text) if text.lstrip().startswith("[") else None
    if value is None:
        return DataFormat.JSONL
    first = value[0] if isinstance(value, list) and value else None
    if isinstance(first, dict) and "conversation" in first:
        return DataFormat.LOCOMO
    if isinstance(first, dict) and "haystack_sessions" in first:
        return DataFormat.LONGMEMEVAL
    raise Malformed("neither LoCoMo, nor LongMemEval, nor a conversation per line")


def _parse(text: str, data_format: DataFormat) -> list[Conversation]:
    if data_format is DataFormat.JSONL:
        return _parse_jsonl(text)
    items = _json(text)
    if not isinstance(items, list):
        raise Malformed(f"{data_format}: the file must hold a list")
    read_one = locomo.read_sample if data_format is DataFormat.LOCOMO else longmemeval.read_instance
    return [read_one(item, number) for number, item in enumerate(items)]


def _parse_jsonl(text: str) -> list[Conversation]:
    lines = text.split("\n")  # not splitlines: it would cut at U+2028 inside a text
    # A single object over several lines, as the demo's file, starts with a line that is not JSON by itself.
    if lines and lines[0].strip() == "{":
        return [jsonl.read_object(_json(text), "conversation-1", "conversation")]
    found = jsonl.read_lines(lines)
    ids = [talk.id for talk in found]
    if repeated := [name for name in ids if ids.count(name) > 1]:
        raise Malformed(f"id {repeated[0]!r} is not unique")
    return found


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Malformed(f"not JSON: {error}") from error

"""The examples of filters in docs/api.md find what they are said to find."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from memsvc.ingest.violations import Violations
from memsvc.rpc.decode import filter_of
from memsvc.v1 import memory_service_pb2 as pb
from memsvc_client.messages import filters
from memsvc_client.v1 import memory_pb2

API = Path(__file__).parents[2] / "docs" / "api.md"
SECTION = API.read_text().partition("## Filters\n")[2].partition("\n## ")[0]
OBJECTS = json.loads(SECTION.partition("```json\n")[2].partition("```")[0])
EXAMPLES = re.findall(r"^\| `(\{.*\})` \| ([\w, ]+) \|$", SECTION, re.MULTILINE)
NUMBERS = ["first", "second", "third"]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 9


@pytest.mark.parametrize(("written", "found"), EXAMPLES)
def test_an_example(written: str, found: str) -> None:
    message = pb.MemoryFilter()
    message.MergeFromString(filters(memory_pb2.Scope(user_id="ana"), json.loads(written)).SerializeToString())
    violations = Violations()
    condition = filter_of("filter", message, violations, deleted=False).metadata
    violations.check()
    assert condition is not None
    matching = [number for number, each in zip(NUMBERS, OBJECTS, strict=True) if condition.matches(each)]
    assert ", ".join(matching) == found

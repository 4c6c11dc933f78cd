"""The examples of the client's README that stand alone: they run, and their values are those in their comments."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from memsvc_client import MemoryClient

README = Path(__file__).parents[2] / "clients" / "python" / "README.md"


def example(section: str) -> str:
    """The first code of a section."""
    _, _, rest = README.read_text().partition(f"\n### {section}\n")
    found = re.search(r"```python\n(.*?)```", rest, re.DOTALL)
    assert found
    return found.group(1)


def shown(code: str) -> list[tuple[int, str]]:
    """The values that comments show, with the last line of the expression each belongs to."""
    values = []
    for number, line in enumerate(code.splitlines(), 1):
        comment = re.search(r"# ([\['].*)$", line)
        if comment:
            alone = line.startswith("#")
            values.append((number - alone, comment.group(1)))
    return values


@pytest.mark.parametrize("section", ["Histories", "Clocks"])
def test_examples_run_and_show_what_they_say(client: MemoryClient, section: str) -> None:
    code = example(section)
    names = {"memory": client}
    values: dict[int, object] = {}
    for statement in ast.parse(code).body:
        source = ast.unparse(statement)
        if isinstance(statement, ast.Expr):
            values[statement.end_lineno or 0] = eval(source, names)  # noqa: S307 - our own README
        else:
            exec(source, names)  # noqa: S102 - our own README
    expected = shown(code)
    assert expected
    for line, value in expected:
        assert values[line] == ast.literal_eval(value)


def test_contexts_are_grouped_by_the_speakers_days(client: MemoryClient) -> None:
    client.add(
        [
            {"content": "I have a call with Kenji tomorrow at 9am.", "created_at": "2026-03-10T08:00:00+09:00"},
            {"content": "Today is my last day at Initech.", "created_at": "2026-06-30T18:00:00-07:00"},
        ],
        user_id="ana",
        wait=True,
    )
    context = client.context("What about Kenji and Initech?", user_id="ana", limit=5).to_text()
    assert [line for line in context.splitlines() if line.endswith(":")] == ["10 March 2026:", "30 June 2026:"]
    (last,) = client.search("Which day was the last at Initech?", user_id="ana", limit=1)
    assert last.local_time is not None
    assert (last.utc_offset_minutes, last.local_time.isoformat()) == (-420, "2026-06-30T18:00:00-07:00")

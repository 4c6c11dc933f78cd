"""The examples of a document: fenced blocks of code, which tests run.

A block that cannot be run stands under a comment that says why: `<!-- not run: it ends only with the service -->`. A
block of the language `text` that follows another one is what that one prints; `…` in it stands for anything.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import io
import re
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

BLOCK = re.compile(
    r"(?:^ *<!-- not run: (?P<reason>[^\n]+) -->\n\s*)?"
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
SHOWN = re.compile(r"# (['\"\[({\d-].*)$")


@dataclass(frozen=True)
class Example:
    """A block of code, the line of the document it begins at, what it is said to print, and why it is not run."""

    language: str
    code: str
    line: int
    output: str = ""
    reason: str = ""


def examples(document: Path) -> list[Example]:
    """All fenced blocks of a document, in order, but for `text` that is another's output."""
    found: list[Example] = []
    text, end = document.read_text(encoding="utf-8"), 0
    for match in BLOCK.finditer(text):
        language, code = match["language"], dedent(match["code"])
        line = text.count("\n", 0, match.start("code")) + 1
        if language == "text" and found and not text[end : match.start()].strip():
            found[-1] = Example(found[-1].language, found[-1].code, found[-1].line, code, found[-1].reason)
        else:
            found.append(Example(language, code, line, reason=match["reason"] or ""))
        end = match.end()
    return found


def run_python(code: str, names: dict[str, Any]) -> str:
    """Run code, which may await, and return what it prints; values that its comments show must be those it has.

    A comment that begins with a literal shows the value of the expression it stands behind, or under.
    """
    values: dict[int, object] = {}
    printed = io.StringIO()
    with redirect_stdout(printed):
        for statement in ast.parse(code).body:
            value = _evaluate(statement, names)
            if isinstance(statement, ast.Expr):
                values[statement.end_lineno or 0] = value
    for line, shown in _shown(code):
        if line in values:
            assert values[line] == shown, f"line {line}"
    return printed.getvalue()


def _evaluate(statement: ast.stmt, names: dict[str, Any]) -> object:
    tree: ast.Expression | ast.Module
    if isinstance(statement, ast.Expr):
        tree, mode = ast.Expression(statement.value), "eval"
    else:
        tree, mode = ast.Module([statement], []), "exec"
    value = eval(compile(tree, "example", mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)  # noqa: S307 - our own docs
    return asyncio.run(value) if inspect.iscoroutine(value) else value


def _shown(code: str) -> list[tuple[int, object]]:
    """Values in comments, each with the line that its expression ends at."""
    shown = []
    for number, line in enumerate(code.splitlines(), 1):
        comment = SHOWN.search(line)
        if comment is None:
            continue
        try:
            value = ast.literal_eval(comment[1])
        except (SyntaxError, ValueError):
            continue  # a remark that begins like a literal
        shown.append((number - line.startswith("#"), value))
    return shown


def lines_in_order(expected: str, printed: str) -> bool:
    """Whether each expected line is printed, after the one before it; blanks are as good as other blanks."""
    pieces = [re.escape(" ".join(line.split())).replace("…", ".*") for line in expected.splitlines() if line.strip()]
    left = iter(" ".join(line.split()) for line in printed.splitlines())
    return all(any(re.fullmatch(piece, line) for line in left) for piece in pieces)

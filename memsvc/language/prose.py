"""Prose apart from what stands in it and is none: code, addresses, paths, identifiers."""

from __future__ import annotations

import re

# A token is looked at from its beginning only, so that each pattern is linear in the text.
_NO_PROSE = re.compile(
    r"""
    ```.*?(?:```|\Z)                                        # fenced code
  | `[^`\n]*`                                               # code in a line
  | ^[ \t]*(?:File[ ]"|Traceback|at[ ]\S+\()[^\n]*              # lines of stack traces
  | ^[ \t]*(?:class|def|import|export|const|public|private|function|package|SELECT|INSERT|UPDATE|CREATE)\b
    [^\n]*(?:[={;]|\(\w*\))[^\n]*                        # lines of code
  | (?<![^\s"'(\[])[^\W_]+:(?=//)\S*                        # URLs
  | (?<!\S)[^\s@\\=<>$_]*+[@\\=<>$_]\S*                     # addresses, assignments, identifiers, markup
  | (?<!\S)[~.]?/\S+                                        # paths
  | (?<!\S)[^\s/]*+/[^\s.]*+\.\S*
  | (?<![\w.])\w++\.[a-z]\S*                                # file names, domains, attributes
  | (?<![\w.])[a-z]\w*+\.[A-Z]\S*
  | (?<!\w)\w++\([^\s)]*\)                                  # calls
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_MARKS = re.compile(r"[`@\\=<>$_/({]|\.\w|^[ \t]*(?:File \"|Traceback)", re.MULTILINE)


def prose_only(text: str) -> str:
    """The text with NUL in place of every character of code, addresses, paths and identifiers; its length stays."""
    if not _MARKS.search(text):
        return text
    return _NO_PROSE.sub(lambda match: "\0" * len(match.group()), text)

"""Parts of a message's content as text: what OpenAI and Anthropic call parts, blocks and tool calls.

Texts stay as they are. A tool call is told as `[tool call: name {"key": "value"}]`, with its arguments as the model
wrote them. A picture, a recording or a file is told by its caption, title or name: `[image: A cat]`,
`[file: report.pdf]`, or `[image]` where it has none; what it holds is never sent.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from memsvc_client.errors import invalid

LONGEST_CAPTION = 256
SILENT = frozenset({"thinking", "redacted_thinking", "reasoning"})
"""Parts that are a model's own thoughts: nobody was told them."""
_CAPTIONS = ("caption", "alt", "alt_text", "title", "filename", "file_name", "name")
_SOURCES = ("image_url", "file", "source", "input_file")
"""Where a part keeps the picture or file itself."""


def plain(value: object, field: str) -> Mapping[str, Any]:
    """A dict, or an object of OpenAI's or Anthropic's library as one."""
    if isinstance(value, Mapping):
        return value
    for method in ("model_dump", "to_dict"):
        dump = getattr(value, method, None)
        dumped = dump() if callable(dump) and not isinstance(value, type) else None
        if isinstance(dumped, Mapping):
            return dumped
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    if hasattr(value, "role") or hasattr(value, "type"):
        return {name: item for name, item in getattr(value, "__dict__", {}).items() if not name.startswith("_")}
    raise invalid(field, f"must be a str, a dict or an object with model_dump(), not {type(value).__name__}")


def part(value: object, field: str) -> str:
    """The text of one part of a content, empty for a model's thoughts."""
    if isinstance(value, str):
        return value
    fields = plain(value, field)
    kind = fields.get("type")
    if isinstance(kind, str) and kind in SILENT:
        return ""
    render = _RENDER.get(kind) if isinstance(kind, str) else None
    if render is None:
        raise invalid(
            f"{field}.type", f"{kind!r} is unknown; allowed: {', '.join(sorted({*_RENDER, *SILENT, *RESULTS}))}"
        )
    return render(fields, field)


def call(name: object, arguments: object, field: str) -> str:
    """A tool call as text; `arguments` are JSON as the model wrote it, or values."""
    if not isinstance(name, str) or not name:
        raise invalid(f"{field}.name", "must be the name of a tool, a str that is not empty")
    if arguments is None:
        written = ""
    elif isinstance(arguments, str):
        written = arguments.strip()
    else:
        try:
            written = json.dumps(arguments, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):
            raise invalid(field, f"the arguments of {name} are no JSON values") from None
    return f"[tool call: {name}]" if written in ("", "{}") else f"[tool call: {name} {written}]"


def caption(kind: str, fields: Mapping[str, Any]) -> str:
    """A picture, a recording or a file by what it is called."""
    held = [fields, *(fields[key] for key in _SOURCES if isinstance(fields.get(key), Mapping))]
    named = (each[key] for each in held for key in _CAPTIONS if isinstance(each.get(key), str))
    linked = (
        _file_name(url)
        for each in held
        for key in ("url", "image_url", "file_url")
        if isinstance(url := each.get(key), str)
    )
    words = next((name for name in (*named, *linked) if name.strip()), "")
    told = " ".join(words.split())[:LONGEST_CAPTION]
    return f"[{kind}: {told}]" if told else f"[{kind}]"


def _file_name(url: str) -> str:
    """The file that a URL names; empty where it names none, or holds the data itself."""
    if url[:5].lower() == "data:":
        return ""
    try:
        name = unquote(urlsplit(url).path.rpartition("/")[2])
    except ValueError:
        return ""
    return name if "." in name.strip(".") else ""


def _text(key: str) -> Callable[[Mapping[str, Any], str], str]:
    def render(fields: Mapping[str, Any], field: str) -> str:
        value = fields.get(key)
        if not isinstance(value, str):
            raise invalid(f"{field}.{key}", f"must be a str, not {type(value).__name__}")
        return value

    return render


def _captioned(kind: str) -> Callable[[Mapping[str, Any], str], str]:
    return lambda fields, field: caption(kind, fields)


def _audio(fields: Mapping[str, Any], field: str) -> str:
    held = fields.get("input_audio")
    spoken = fields.get("transcript") or (held.get("transcript") if isinstance(held, Mapping) else None)
    return spoken if isinstance(spoken, str) else caption("audio", fields)


def _call(fields: Mapping[str, Any], field: str) -> str:
    return call(fields.get("name"), fields.get("input"), field)


def _found(fields: Mapping[str, Any], field: str) -> str:
    """A page that a search found: its title and address, and the texts that came with it."""
    content = fields.get("content")
    texts = [part(each, f"{field}.content[{n}]") for n, each in enumerate(content)] if isinstance(content, list) else []
    address = fields.get("url") or fields.get("source")
    lines = [fields.get("title"), address, *texts]
    return "\n".join(line for line in lines if isinstance(line, str) and line)


def _ran(fields: Mapping[str, Any], field: str) -> str:
    """What a program wrote."""
    return "\n".join(out for key in ("stdout", "stderr") if isinstance(out := fields.get(key), str) and out)


def _failed(fields: Mapping[str, Any], field: str) -> str:
    return f"[error: {fields.get('error_code')}]"


RESULTS = frozenset(
    {
        "tool_result",
        "mcp_tool_result",
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
    }
)
"""Parts that are the result of a tool, which is a turn of its own."""
_RENDER: dict[str, Callable[[Mapping[str, Any], str], str]] = {
    **dict.fromkeys(("text", "input_text", "output_text", "summary_text"), _text("text")),
    "refusal": _text("refusal"),
    **dict.fromkeys(("image", "image_url", "input_image", "image_file", "computer_screenshot"), _captioned("image")),
    **dict.fromkeys(("file", "input_file", "document", "container_upload", "web_fetch_result"), _captioned("file")),
    **dict.fromkeys(("input_audio", "output_audio", "audio"), _audio),
    **dict.fromkeys(("tool_use", "server_tool_use", "mcp_tool_use"), _call),
    **dict.fromkeys(("web_search_result", "search_result"), _found),
    **dict.fromkeys(("code_execution_result", "bash_code_execution_result"), _ran),
    **dict.fromkeys(
        (
            "web_search_tool_result_error",
            "web_fetch_tool_result_error",
            "code_execution_tool_result_error",
            "bash_code_execution_tool_result_error",
        ),
        _failed,
    ),
}

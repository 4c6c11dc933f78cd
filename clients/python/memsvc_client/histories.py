"""Messages of a history as turns: this client's own, OpenAI's (Chat Completions and Responses) and Anthropic's.

A message is one turn, besides the results of tools that Anthropic puts into messages of the user: each of these is a
turn of the role `tool`. The parts of a message stand on lines of their own; the pieces of an assistant's text, which
APIs split anywhere, follow each other as they are. `developer` is `system`, `function` is `tool`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from memsvc_client import parts
from memsvc_client.errors import invalid

OWN = ("role", "content", "name", "created_at", "id", "metadata")
"""Fields of a message of this client."""
_CARRIERS = ("content", "tool_calls", "function_call", "refusal", "audio")
_BESIDE = (
    *(
        "type",
        "tool_call_id",
        "annotations",
        "status",
        "phase",
        "cache_control",
        "reasoning_content",
        "reasoning",
        "parsed",
    ),
    *("model", "stop_reason", "stop_sequence", "stop_details", "usage", "container", "context_management"),
)
"""Fields of the libraries' messages that say nothing to anybody."""
_ROLES = {"developer": "system", "function": "tool"}
ROLES = ("user", "assistant", "system", "tool")
_ITEM_CALLS = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "mcp_call": "arguments",
    "web_search_call": "action",
    "file_search_call": "queries",
    "code_interpreter_call": "code",
    "computer_call": "action",
    "local_shell_call": "action",
    "shell_call": "action",
    "apply_patch_call": "operation",
}
"""Items of the Responses API that are tool calls, and where each has its arguments."""
_NAMED_CALLS = ("function_call", "custom_tool_call", "mcp_call")
"""Those of a tool that the item names; others are called as their type is."""
_ITEM_OUTPUTS = tuple(f"{kind}_output" for kind in _ITEM_CALLS)
_ITEMS = (*_ITEM_CALLS, *_ITEM_OUTPUTS, "message", "image_generation_call", "reasoning", "item_reference")


@dataclass(frozen=True, slots=True)
class Said:
    """What one turn says."""

    role: str
    content: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A message as turns; `reason` tells why there is none. `fields` are those of the message itself."""

    fields: Mapping[str, Any]
    turns: Sequence[Said]
    reason: str = ""


def read(message: object, path: str) -> Reading:
    """Read one message or item; `path` names it in errors. Raises InvalidArgument for a shape that is not known."""
    if isinstance(message, str):
        if not message.strip():
            raise invalid(path, "is empty")
        return Reading({}, [Said("user", message)])
    fields = parts.plain(message, path)
    kind = fields.get("type") or "message"
    if kind == "message":
        said = _message(fields, path)
        return Reading(fields, said.end(), said.emptiness)
    if kind in ("reasoning", "item_reference"):
        return Reading(fields, [], "REASONING" if kind == "reasoning" else "REFERENCE")
    turns = _item(kind, fields, path)
    return Reading(fields, turns, "" if turns else "EMPTY")


@dataclass(slots=True)
class _Turns:
    """Collects what a message says, in order."""

    role: str
    name: str
    done: list[Said] = field(default_factory=list)
    thought: bool = False
    """Whether there were a model's own thoughts, which are left out."""
    _content: str = ""
    _after_text: bool = False

    @property
    def emptiness(self) -> str:
        """Why nothing is said; empty when something is."""
        return "" if self.done else "REASONING" if self.thought else "EMPTY"

    def say(self, piece: str, *, is_text: bool = False) -> None:
        """Add a piece to the turn under way: on a line of its own, unless it goes on a text that an API has split."""
        goes_on = is_text and self._after_text and self.role == "assistant"
        if piece and self._content and not goes_on and not self._content.endswith("\n"):
            self._content += "\n"
        if piece:
            self._content += piece
            self._after_text = is_text

    def turn(self, said: Said) -> None:
        """Add a turn of somebody else."""
        self.end()
        if said.content.strip():
            self.done.append(said)

    def end(self) -> list[Said]:
        """Close the turn under way; return all."""
        if self._content.strip():
            self.done.append(Said(self.role, self._content, self.name))
        self._content, self._after_text = "", False
        return self.done


def _message(fields: Mapping[str, Any], path: str) -> _Turns:
    known = {*OWN, *_CARRIERS, *_BESIDE}
    for key, value in fields.items():
        if key not in known and value not in (None, [], {}, ""):
            # Refused rather than dropped: what is stored must be what was passed.
            raise invalid(f"{path}.{key}", f"is unknown; allowed: {', '.join((*OWN, *_CARRIERS[1:], 'tool_call_id'))}")
    if not any(key in fields for key in _CARRIERS):
        raise invalid(f"{path}.content", "is missing")
    turns = _Turns(_role(fields.get("role", "user"), f"{path}.role"), _name(fields.get("name"), f"{path}.name"))
    _say_content(turns, fields.get("content"), f"{path}.content")
    _say_aside(turns, fields, path)
    _say_calls(turns, fields, path)
    return turns


def _say_content(turns: _Turns, content: object, path: str) -> None:
    if isinstance(content, str):
        turns.say(content, is_text=True)
        return
    for position, each in enumerate(_listed(content, path)):
        where = f"{path}[{position}]"
        block = {"type": "text", "text": each} if isinstance(each, str) else parts.plain(each, where)
        kind = block.get("type")
        if isinstance(kind, str) and kind in parts.RESULTS:
            turns.turn(Said("tool", _result(block.get("content"), f"{where}.content")))
        else:
            turns.say(parts.part(block, where), is_text=kind in ("text", "output_text"))
            turns.thought = turns.thought or kind in parts.SILENT


def _say_aside(turns: _Turns, fields: Mapping[str, Any], path: str) -> None:
    """What a message says outside of its content: a refusal, or what was spoken."""
    refusal, audio = fields.get("refusal"), fields.get("audio")
    if refusal is not None:
        turns.say(parts.part({"type": "refusal", "refusal": refusal}, path))
    if audio is not None and not fields.get("content"):
        turns.say(parts.part({**parts.plain(audio, f"{path}.audio"), "type": "audio"}, f"{path}.audio"))


def _say_calls(turns: _Turns, fields: Mapping[str, Any], path: str) -> None:
    calls = [
        (each, f"{path}.tool_calls[{n}]")
        for n, each in enumerate(_listed(fields.get("tool_calls"), f"{path}.tool_calls"))
    ]
    for given, where in calls:
        call = parts.plain(given, where)
        kind = call.get("type") or "function"
        if kind not in ("function", "custom"):
            raise invalid(f"{where}.type", f"{kind!r} is unknown; allowed: custom, function")
        told = parts.plain(call.get(kind), f"{where}.{kind}")
        turns.say(parts.call(told.get("name"), told.get("arguments", told.get("input")), f"{where}.{kind}"))
    if fields.get("function_call") is not None:
        told = parts.plain(fields["function_call"], f"{path}.function_call")
        turns.say(parts.call(told.get("name"), told.get("arguments"), f"{path}.function_call"))


def _item(kind: object, fields: Mapping[str, Any], path: str) -> list[Said]:
    """An item of the Responses API that is no message."""
    if kind == "image_generation_call":
        return [Said("assistant", parts.caption("image", {"caption": fields.get("revised_prompt")}))]
    if isinstance(kind, str) and kind in _ITEM_CALLS:
        name = fields.get("name") if kind in _NAMED_CALLS else kind.removesuffix("_call")
        said = [Said("assistant", parts.call(name, fields.get(_ITEM_CALLS[kind]), path))]
        output = _result(fields.get("output"), f"{path}.output") if kind == "mcp_call" else ""
        return [*said, Said("tool", output)] if output.strip() else said
    if kind in _ITEM_OUTPUTS:
        output = _result(fields.get("output"), f"{path}.output")
        return [Said("tool", output)] if output.strip() else []
    raise invalid(f"{path}.type", f"{kind!r} is unknown; allowed: {', '.join(sorted(_ITEMS))}")


def _result(content: object, path: str) -> str:
    """What a tool answered: a text, or parts on lines of their own."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        return parts.part(content, path)
    listed = _listed(content, path)
    return "\n".join(told for n, each in enumerate(listed) if (told := parts.part(each, f"{path}[{n}]")))


def _listed(value: object, path: str) -> Sequence[object]:
    if value is None:
        return ()
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise invalid(path, f"must be a str or a list, not {type(value).__name__}")
    return value


def _role(value: object, path: str) -> str:
    role = _ROLES.get(value, value) if isinstance(value, str) else value
    if not isinstance(role, str) or role not in ROLES:
        raise invalid(path, f"{value!r} is unknown; allowed: {', '.join((*ROLES, *_ROLES))}")
    return role


def _name(value: object, path: str) -> str:
    if value is not None and not isinstance(value, str):
        raise invalid(path, f"must be a str, not {type(value).__name__}")
    return value or ""

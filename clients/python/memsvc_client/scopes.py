"""Whose memory a call is about: the names that callers give, told apart from those they leave out."""

from __future__ import annotations

from enum import Enum
from typing import Final, TypeAlias

from memsvc_client.errors import invalid
from memsvc_client.v1 import memory_pb2


class NotGiven(Enum):
    """The type of `NOT_GIVEN`."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return self.name


NOT_GIVEN: Final = NotGiven.NOT_GIVEN
"""A name that the caller left out. Not None: a name that should be known and is None must not read everybody's."""

Name: TypeAlias = str | NotGiven


def scope(
    user_id: Name = NOT_GIVEN, agent_id: Name = NOT_GIVEN, session_id: Name = NOT_GIVEN, run_id: Name = NOT_GIVEN
) -> memory_pb2.Scope:
    """Build the scope of the names given, which may be none; `run_id` is another name of `session_id`."""
    given = {"user_id": user_id, "agent_id": agent_id, "session_id": session_id, "run_id": run_id}
    names = {field: _checked(field, name) for field, name in given.items() if name is not NOT_GIVEN}
    run = names.pop("run_id", None)
    if run is not None and names.setdefault("session_id", run) != run:
        raise invalid("run_id", "is another name of session_id, and the two differ")
    return memory_pb2.Scope(**names)


def write_scope(user_id: Name, agent_id: Name, session_id: Name, run_id: Name) -> memory_pb2.Scope:
    """Build the scope of a change: at least one name."""
    found = scope(user_id, agent_id, session_id, run_id)
    if not found.ListFields():
        raise invalid("scope", "pass at least one of user_id, agent_id and session_id")
    return found


def read_scope(user_id: Name, agent_id: Name, session_id: Name, run_id: Name, *, whole_space: bool) -> memory_pb2.Scope:
    """Build the scope of a read: at least one name, or the whole space by name."""
    found = scope(user_id, agent_id, session_id, run_id)
    named = bool(found.ListFields())
    if whole_space and named:
        raise invalid("whole_space", "pass it, or user_id, agent_id and session_id; not both")
    if not whole_space and not named:
        wanted = "at least one of user_id, agent_id and session_id, or whole_space=True to read every user's"
        raise invalid("scope", f"pass {wanted}")
    return found


def _checked(field: str, name: object) -> str:
    if not isinstance(name, str):
        raise invalid(field, f"must be a str, not {type(name).__name__}; leave it out to name nobody")
    if not name:
        raise invalid(field, "is empty; leave it out or pass 1 to 256 characters")
    return name

"""Resource names: `spaces/{space}`, `keys/{key}`, and of a space `.../memories/{uuid}`, `.../operations/{uuid}`,
`.../users/{user_id}/settings`."""

from __future__ import annotations

import re

from memsvc.errors import InvalidInput, Violation
from memsvc.ingest.violations import canonical_uuid

SPACE_ID = re.compile(r"[a-z][a-z0-9-]{2,62}")
KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
SPACE_RULE = "a lower-case letter, then 2 to 62 of a-z, 0-9 and '-'"
_SETTINGS = "/settings"


def space_name(space_id: str) -> str:
    """Format the name of a space."""
    return f"spaces/{space_id}"


def memory_name(space_id: str, memory_id: str) -> str:
    """Format the name of a memory."""
    return f"spaces/{space_id}/memories/{memory_id}"


def operation_name(space_id: str, job_id: str) -> str:
    """Format the name of an operation."""
    return f"spaces/{space_id}/operations/{job_id}"


def user_settings_name(space_id: str, user_id: str) -> str:
    """Format the name of a user's settings."""
    return f"spaces/{space_id}/users/{user_id}{_SETTINGS}"


def key_name(key_id: str) -> str:
    """Format the name of an API key."""
    return f"keys/{key_id}"


def parse_space(field: str, name: str) -> str:
    """The id of the space that `name`, the value of `field`, names. Raises InvalidInput."""
    collection, _, space_id = name.partition("/")
    if collection != "spaces" or not SPACE_ID.fullmatch(space_id):
        raise _wrong(field, name, f"spaces/{{space}}, where {{space}} is {SPACE_RULE}")
    return space_id


def parse_memory(field: str, name: str) -> tuple[str, str]:
    """The ids of the space and the memory that `name` names. Raises InvalidInput."""
    return _parse_child(field, name, "memories", "memory")


def parse_operation(field: str, name: str) -> tuple[str, str]:
    """The ids of the space and the job that `name` names. Raises InvalidInput."""
    return _parse_child(field, name, "operations", "operation")


def parse_user_settings(field: str, name: str) -> tuple[str, str]:
    """The ids of the space and the user whose settings `name` names. Raises InvalidInput.

    A user id may hold any character, slashes too: it is all that stands between `users/` and `/settings`.
    """
    collection, _, rest = name.partition("/")
    space_id, _, rest = rest.partition("/")
    children, _, rest = rest.partition("/")
    user_id = rest.removesuffix(_SETTINGS)
    named = (collection, children) == ("spaces", "users") and rest.endswith(_SETTINGS)
    if not named or not SPACE_ID.fullmatch(space_id) or not user_id:
        raise _wrong(field, name, f"spaces/{{space}}/users/{{user_id}}/settings, where {{space}} is {SPACE_RULE}")
    return space_id, user_id


def parse_key(field: str, name: str) -> str:
    """The id of the API key that `name` names. Raises InvalidInput."""
    collection, _, key_id = name.partition("/")
    if collection != "keys" or not KEY_ID.fullmatch(key_id):
        raise _wrong(field, name, "keys/{key}")
    return key_id


def _parse_child(field: str, name: str, collection: str, variable: str) -> tuple[str, str]:
    parts = name.split("/")
    form = f"spaces/{{space}}/{collection}/{{{variable}}}, where {{{variable}}} is a UUID and {{space}} {SPACE_RULE}"
    if len(parts) != 4 or (parts[0], parts[2]) != ("spaces", collection):
        raise _wrong(field, name, form)
    child = canonical_uuid(parts[3])
    if not SPACE_ID.fullmatch(parts[1]) or not child:
        raise _wrong(field, name, form)
    return parts[1], child


def _wrong(field: str, name: str, form: str) -> InvalidInput:
    return InvalidInput([Violation(field, f"{'is not a name' if name else 'is empty'}; it must be {form}")])

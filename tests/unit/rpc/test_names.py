"""Resource names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.errors import InvalidInput
from memsvc.rpc import names

UUIDS = st.uuids().map(str)
SPACES = st.from_regex(r"[a-z][a-z0-9-]{2,62}", fullmatch=True)


@given(SPACES, UUIDS)
def test_names_come_back(space: str, child: str) -> None:
    assert names.parse_space("parent", names.space_name(space)) == space
    assert names.parse_memory("name", names.memory_name(space, child)) == (space, child)
    assert names.parse_operation("name", names.operation_name(space, child)) == (space, child)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "spaces",
        "spaces/",
        "spaces/ab",
        "spaces/Abc",
        "spaces/abc/",
        "spaces/abc\n",
        "space/abc",
        "/spaces/abc",
        "spaces/" + "a" * 64,
        "spaces/abc/memories/123e4567-e89b-12d3-a456-426614174000/",
        "spaces/abc/memories/1",
        "keys/",
        "keys/a b",
    ],
)
def test_what_is_no_name(name: str) -> None:
    for parse in (names.parse_space, names.parse_memory, names.parse_operation, names.parse_key):
        with pytest.raises(InvalidInput) as caught:
            parse("name", name)
        assert [violation.field for violation in caught.value.violations] == ["name"]

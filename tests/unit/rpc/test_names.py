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


@given(SPACES, st.text(min_size=1) | st.sampled_from(["a/b", "/", "/settings", "users/ana/settings"]))
def test_a_user_id_may_be_any_text(space: str, user_id: str) -> None:
    assert names.parse_user_settings("name", names.user_settings_name(space, user_id)) == (space, user_id)


@pytest.mark.parametrize(
    "name", ["spaces/abc/users//settings", "spaces/abc/users/ana", "spaces/ABC/users/ana/settings"]
)
def test_what_names_no_settings(name: str) -> None:
    with pytest.raises(InvalidInput, match="user_id"):
        names.parse_user_settings("name", name)


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
    parsers = (names.parse_space, names.parse_memory, names.parse_operation, names.parse_key, names.parse_user_settings)
    for parse in parsers:
        with pytest.raises(InvalidInput) as caught:
            parse("name", name)
        assert [violation.field for violation in caught.value.violations] == ["name"]

"""What conditions on metadata mean, and how metadata is merged."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.types import (
    MAX_METADATA_BYTES,
    MAX_METADATA_KEYS,
    MetadataGroup,
    MetadataTest,
    Operator,
    Rule,
    canonical_json,
    merge_metadata,
)
from support.conditions import CONDITIONS, METADATA

NOTE: dict[str, Any] = {
    "project": "atlas",
    "cost": 12,
    "due": "2026-06-01",
    "done": False,
    "owner": None,
    "tags": ["red", 7, True],
    "place": {"city": "Rome", "lines": ["A"]},
}


@pytest.mark.parametrize(
    ("path", "operator", "value", "expected"),
    [
        ("project", "eq", "atlas", True),
        ("project", "eq", "Atlas", False),
        ("cost", "eq", 12.0, True),
        ("cost", "eq", "12", False),
        ("done", "eq", 0, False),
        ("done", "eq", False, True),
        ("owner", "eq", None, True),
        ("nothing", "eq", None, False),
        ("tags", "eq", "red", False),
        ("place", "eq", "Rome", False),
        ("place.city", "eq", "Rome", True),
        ("place.lines.0", "eq", "A", False),
        ("project.x", "exists", False, True),
        ("project", "ne", "atlas", False),
        ("nothing", "ne", "atlas", True),
        ("cost", "gt", 12, False),
        ("cost", "gte", 12, True),
        ("cost", "lt", 12.5, True),
        ("cost", "lte", "99", False),
        ("done", "lt", 1, False),
        ("nothing", "lt", 1, False),
        ("due", "gte", "2026-06-01", True),
        ("due", "lt", "2026-06-01T00:00", True),
        ("project", "in", ("x", "atlas"), True),
        ("tags", "in", ("red",), False),
        ("nothing", "in", (None,), False),
        ("project", "nin", ("x",), True),
        ("nothing", "nin", (None,), True),
        ("tags", "contains", "red", True),
        ("tags", "contains", "re", False),
        ("tags", "contains", 7, True),
        ("tags", "contains", 1, False),
        ("project", "contains", "tla", True),
        ("place", "contains", "city", False),
        ("cost", "contains", 12, False),
        ("owner", "exists", True, True),
        ("nothing", "exists", True, False),
        ("nothing", "exists", False, True),
    ],
)
def test_a_test_of_a_value(path: str, operator: str, value: Any, expected: bool) -> None:
    assert MetadataTest(tuple(path.split(".")), Operator(operator), value).matches(NOTE) is expected


@given(METADATA, st.lists(CONDITIONS, min_size=1, max_size=3).map(tuple))
def test_groups_are_all_any_and_none(metadata: dict[str, Any], conditions: tuple[Any, ...]) -> None:
    held = [condition.matches(metadata) for condition in conditions]
    assert MetadataGroup(Rule.ALL_OF, conditions).matches(metadata) is all(held)
    assert MetadataGroup(Rule.ANY_OF, conditions).matches(metadata) is any(held)
    assert MetadataGroup(Rule.NONE_OF, conditions).matches(metadata) is not any(held)


def test_of_one_key_the_last_value_wins() -> None:
    assert merge_metadata([{"a": 1, "b": [1]}, {"b": {"c": 2}}, {"d": None}]) == {"a": 1, "b": {"c": 2}, "d": None}
    assert merge_metadata([]) == {}


SMALL = st.dictionaries(st.text("abcdé", min_size=1, max_size=2), st.text("xé", max_size=2_000), max_size=12)


@given(st.lists(SMALL, max_size=6))
def test_a_merge_keeps_to_the_limits_and_to_the_last(objects: list[dict[str, Any]]) -> None:
    merged = merge_metadata(objects)
    assert len(merged) <= MAX_METADATA_KEYS
    assert len(canonical_json(merged).encode()) <= MAX_METADATA_BYTES
    last = {key: value for each in objects for key, value in each.items()}
    assert merged.items() <= last.items()
    if len(last) <= MAX_METADATA_KEYS and len(canonical_json(last).encode()) <= MAX_METADATA_BYTES:
        assert merged == last

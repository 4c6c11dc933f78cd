import re
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from memsvc_client import messages
from memsvc_client.errors import InvalidArgument
from memsvc_client.v1 import memory_pb2


def built(filters: dict[str, Any]) -> Any:
    """The condition on metadata of a filter, as JSON with short names of operators."""
    where = messages.filters(memory_pb2.Scope(), filters)
    return MessageToDict(where.metadata, preserving_proto_field_name=True) if where.HasField("metadata") else None


def leaf(*path: str, operator: str, value: Any) -> dict[str, Any]:
    return {"test": {"path": list(path), "operator": f"METADATA_OPERATOR_{operator}", "value": value}}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, None),
        ({"people": ["Ana"], "states": ["active"]}, None),
        ({"project": "x", "people": ["Ana"]}, leaf("project", operator="EQ", value="x")),
        ({"done": None}, leaf("done", operator="EQ", value=None)),
        ({"a.b": True}, leaf("a", "b", operator="EQ", value=True)),
        ({r"a\.b.c": 1}, leaf("a.b", "c", operator="EQ", value=1.0)),
        ({"": 1}, leaf("", operator="EQ", value=1.0)),
        ({"tag": {"in": ["x", 2]}}, leaf("tag", operator="IN", value=["x", 2.0])),
        (
            {"cost": {"gte": 10, "lt": 20}},
            {
                "all_of": {
                    "conditions": [
                        leaf("cost", operator="GTE", value=10.0),
                        leaf("cost", operator="LT", value=20.0),
                    ]
                }
            },
        ),
        (
            {
                "AND": [{"a": 1}, {"OR": [{"b": {"exists": False}}, {"c": {"contains": "x"}}]}],
                "NOT": [{"d": {"ne": 1}}],
            },
            {
                "all_of": {
                    "conditions": [
                        {
                            "all_of": {
                                "conditions": [
                                    leaf("a", operator="EQ", value=1.0),
                                    {
                                        "any_of": {
                                            "conditions": [
                                                leaf("b", operator="EXISTS", value=False),
                                                leaf("c", operator="CONTAINS", value="x"),
                                            ]
                                        }
                                    },
                                ]
                            }
                        },
                        {"none_of": {"conditions": [leaf("d", operator="NE", value=1.0)]}},
                    ]
                }
            },
        ),
    ],
)
def test_dicts_become_conditions(filters, expected):
    assert built(filters) == expected


DEEP: dict[str, Any] = {"a": 1}
for _ in range(40):
    DEEP = {"NOT": [DEEP]}


@pytest.mark.parametrize(
    ("filters", "field", "told"),
    [
        ({"project": ["x"]}, "filters.project", "write {'in': [...]}"),
        ({"project": {}}, "filters.project", "known operators"),
        ({"project": {"like": "x"}}, "filters.project", "'like' is no operator"),
        ({"project": {"in": {"x"}}}, "filters.project.in", "must be JSON"),
        ({"cost": {"gt": float("nan")}}, "filters.cost.gt", "must be finite"),
        ({"AND": [{"people": ["Ana"]}]}, "filters.AND[0].people", "pass it beside AND"),
        ({"OR": []}, "filters.OR", "at least one dict"),
        ({"OR": [{"a": 1}, {}]}, "filters.OR[1]", "at least one condition"),
        ({"NOT": ["a"]}, "filters.NOT[0]", "must be a dict"),
        ({1: "x"}, "filters key", "must be a str"),
        (DEEP, "filters" + ".NOT[0]" * 32 + ".NOT", "nested deeper"),
    ],
)
def test_a_wrong_filter_names_its_place(filters, field, told):
    with pytest.raises(InvalidArgument, match=re.escape(told)) as raised:
        built(filters)
    assert [violation.field for violation in raised.value.violations] == [field]

"""The structure of a turn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.compression.blocks import BlockKind, blocks

ROSTER = """Here is what the marina sent.
It is long, I'm afraid.

# Berths
| berth | boat |
|---|---|
| 7 | Kittiwake |

- bring the spare fenders
  and the long rope
- pay the harbour master
1. moor
2) sign

> Arrive before the tide.
> Call on channel 12.

```sh
tide --port Ilfracombe
```
**Contacts:**
Ilfracombe Harbour Office
The Quay
Devon

    at Hull.check(Hull.java:40)
    at Main.run(Main.java:7)
"""


def found(content: str) -> list[tuple[BlockKind, str]]:
    return [(block.kind, content[block.start : block.end]) for block in blocks(content)]


def test_a_turn_of_every_kind() -> None:
    assert found(ROSTER) == [
        (BlockKind.PROSE, "Here is what the marina sent.\nIt is long, I'm afraid."),
        (BlockKind.HEADING, "# Berths"),
        (BlockKind.TABLE, "| berth | boat |\n|---|---|\n| 7 | Kittiwake |"),
        (BlockKind.ITEM, "- bring the spare fenders\n  and the long rope"),
        (BlockKind.ITEM, "- pay the harbour master"),
        (BlockKind.ITEM, "1. moor"),
        (BlockKind.ITEM, "2) sign"),
        (BlockKind.QUOTE, "> Arrive before the tide.\n> Call on channel 12."),
        (BlockKind.CODE, "```sh\ntide --port Ilfracombe\n```"),
        (BlockKind.HEADING, "**Contacts:**"),
        (BlockKind.LINES, "Ilfracombe Harbour Office\nThe Quay\nDevon"),
        (BlockKind.LINES, "    at Hull.check(Hull.java:40)\n    at Main.run(Main.java:7)"),
    ]


def test_code_goes_on_over_blank_lines_and_to_the_end_when_it_is_never_closed() -> None:
    assert found("~~~\nx = 1\n\n- y\n~~~\nDone.") == [
        (BlockKind.CODE, "~~~\nx = 1\n\n- y\n~~~"),
        (BlockKind.PROSE, "Done."),
    ]
    assert found("```\nx = 1\n\n# no heading") == [(BlockKind.CODE, "```\nx = 1\n\n# no heading")]


def test_wrapped_lines_are_prose_and_short_lines_are_not() -> None:
    assert found("The ferry to Skye was\ncancelled because of the\nwind.")[0][0] is BlockKind.PROSE
    assert found("From: Ola\nTo: Kit\nSubject: the kiln")[0][0] is BlockKind.LINES


@pytest.mark.parametrize("content", ["", " \n\t\n", "\n\n\n"])
def test_a_blank_turn_has_no_blocks(content: str) -> None:
    assert blocks(content) == []


_LINES = st.sampled_from(
    ["# T", "- a", "  b", "> q", "| a | b |", "```", "~~~", "", " ", "\t", "    c", "Word. Word", "x:"]
)


@given(
    st.one_of(
        st.text(max_size=200), st.lists(_LINES, max_size=14).map("\n".join), st.text(" \n\r\t|-#>`ab.", max_size=80)
    )
)
def test_blocks_hold_every_character_that_is_not_blank_in_order(content: str) -> None:
    at = 0
    for block in blocks(content):
        assert block.start >= at
        assert not content[at : block.start].strip()
        assert content[block.start : block.end].strip()
        at = block.end
    assert not content[at:].strip()

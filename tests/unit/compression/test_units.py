"""Memories of a turn: of a size that can be found, every piece in one of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memsvc.compression.blocks import BlockKind
from memsvc.compression.pieces import MAX_TOKENS, pieces
from memsvc.compression.units import units
from support.compressing import TOKENS

SENTENCE = "The old tram to the quarry stops at the brewery on market days. "


def texts(content: str) -> list[str]:
    found = units(content, pieces(content, TOKENS), TOKENS)
    return [content[unit[0].start : unit[-1].end] for unit in found]


def test_a_short_turn_is_one_memory() -> None:
    assert texts("We fire on Tuesdays.\n\n- clay\n- glaze") == ["We fire on Tuesdays.\n\n- clay\n- glaze"]


def test_a_long_turn_is_several_of_whole_pieces() -> None:
    found = texts(SENTENCE * 20)
    assert len(found) > 2
    assert all(TOKENS.count(text) <= MAX_TOKENS for text in found)
    assert "".join(found).replace(" ", "") == (SENTENCE * 20).replace(" ", "")


def test_a_sentence_that_is_longer_than_a_memory_is_one() -> None:
    content = "Short. " + "The quarry " * MAX_TOKENS + "closed. Short."
    assert [len(text) < 20 for text in texts(content)] == [True, False, True]


def test_a_heading_begins_a_memory_and_never_ends_one_that_says_something() -> None:
    content = f"# Trams\n{SENTENCE * 4}\n\n# Boats\n{SENTENCE * 4}"
    assert [text.split("\n")[0] for text in texts(content)] == ["# Trams", "# Boats"]


def test_a_short_section_stays_with_the_next() -> None:
    assert texts("# Trams\nNone.\n\n# Boats\nOne.") == ["# Trams\nNone.\n\n# Boats\nOne."]


def test_a_heading_stays_with_a_long_paragraph_under_it() -> None:
    content = "# Trams\n" + "the quarry " * MAX_TOKENS
    assert len(texts(content)) == 1


def test_headings_alone_fill_no_more_than_their_share() -> None:
    found = texts("# a long heading about the tram\n" * 200)
    assert all(TOKENS.count(text) <= 2 * MAX_TOKENS for text in found)


_PART = st.sampled_from(["# T", "- item", "A sentence. Another!", SENTENCE * 5, "x " * 150, "```\ncode\n```", ""])


@given(st.lists(_PART, max_size=12).map("\n\n".join), st.data())
def test_every_piece_that_is_told_is_in_one_unit_once(content: str, data: st.DataObject) -> None:
    told = [piece for piece in pieces(content, TOKENS) if data.draw(st.booleans())]
    found = units(content, told, TOKENS)
    assert [piece for unit in found for piece in unit] == told
    for unit in found:
        size = sum(TOKENS.count(piece.text(content)) for piece in unit)
        said = [piece for piece in unit if piece.kind is not BlockKind.HEADING]
        assert size <= MAX_TOKENS or len(said) <= 1

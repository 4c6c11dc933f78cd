"""Grouping of pieces into units."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from memsvc.compression.segments import MAX_TOKENS, segments
from memsvc.compression.utterances import Piece


class Words:
    """Counts words."""

    def count(self, text: str) -> int:
        return len(text.split())


def piece(number: int, words: int, *, lead: bool = False) -> Piece:
    text = " ".join([f"w{number}"] * words)
    return Piece(number * 1000, number * 1000 + len(text), text, text, is_lead=lead)


def test_no_pieces_make_no_unit() -> None:
    assert segments([], Words()) == []


def test_what_fits_stays_together() -> None:
    pieces = [piece(0, 40), piece(1, 60)]
    assert segments(pieces, Words()) == [tuple(pieces)]


def test_what_does_not_fit_begins_a_unit() -> None:
    pieces = [piece(0, 60), piece(1, 60), piece(2, 10)]
    assert segments(pieces, Words()) == [(pieces[0],), (pieces[1], pieces[2])]


def test_a_piece_that_is_too_long_stands_alone() -> None:
    pieces = [piece(0, 5), piece(1, MAX_TOKENS * 3), piece(2, 5)]
    assert [len(group) for group in segments(pieces, Words())] == [1, 1, 1]


def test_every_part_of_a_list_begins_with_its_lead() -> None:
    lead, one, two = piece(0, 4, lead=True), piece(1, 80), piece(2, 80)
    assert segments([lead, one, two], Words()) == [(lead, one), (lead, two)]


def test_a_lead_in_a_well_filled_unit_begins_the_next() -> None:
    first, lead, second = piece(0, 70), piece(1, 4, lead=True), piece(2, 10)
    assert segments([first, lead, second], Words()) == [(first,), (lead, second)]


@given(st.lists(st.tuples(st.integers(1, 150), st.booleans()), max_size=20))
def test_nothing_is_lost_and_order_is_kept(shape: list[tuple[int, bool]]) -> None:
    pieces = [piece(i, words, lead=lead) for i, (words, lead) in enumerate(shape)]
    groups = segments(pieces, Words())
    assert list(dict.fromkeys(p for group in groups for p in group)) == pieces
    assert all(a.start < b.start for group in groups for a, b in pairwise(group))

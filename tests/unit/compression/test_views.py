"""What the views search of a memory beside what it tells."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memsvc.compression.views import NEIGHBOUR_CHARACTERS, around, date_in_words, repetition
from memsvc.types import Role
from support.compressing import readings, say


def test_the_turns_around_are_neighbours() -> None:
    read = readings(*[("Ida", f"Song {n} is slow.") for n in range(6)])
    assert [(each.ref.turn_id, each.offset) for each in around(read, 3)] == [("t1", -2), ("t2", -1), ("t4", 1)]
    assert [each.offset for each in around(read, 0)] == [1]
    assert [each.offset for each in around(read, 5)] == [-2, -1]


def test_neighbours_are_talk_that_says_something_cut_short() -> None:
    read = readings(("", '{"a": 1}', Role.TOOL), ("Ida", " "), ("Leo", "Why?"), ("Ida", "The choir sang. " * 60))
    (long,) = around(read, 2)
    assert long.text == ("The choir sang. " * 60)[:NEIGHBOUR_CHARACTERS]


def test_the_date_is_that_of_the_speakers_clock() -> None:
    turn = replace(say("x", "Ida"), utc_offset_minutes=15 * 60 - 60)
    assert date_in_words(say("x", "Ida")) == "Ida, Thursday 7 May 2026"
    assert date_in_words(turn) == "Ida, Friday 8 May 2026"
    assert date_in_words(say("x", "", role=Role.ASSISTANT)) == "Assistant, Thursday 7 May 2026"


@pytest.mark.parametrize(
    ("before", "reply", "least", "most"),
    [
        ("I breed alpacas near Graz.", "You breed alpacas near Graz!", 0.99, 1.0),
        ("I breed alpacas near Graz.", "Alpacas need dry stables.", 0.2, 0.5),
        ("I breed alpacas near Graz.", "The tram is late.", 0.0, 0.0),
        ("I breed alpacas near Graz.", "And so it was.", 0.0, 0.0),
    ],
)
def test_how_much_a_reply_repeats(before: str, reply: str, least: float, most: float) -> None:
    read = readings(("Ida", before), ("", reply, Role.ASSISTANT))
    assert least <= repetition(read, 1, read[1].pieces) <= most


def test_who_goes_on_repeats_nobody() -> None:
    read = readings(("Ida", "I breed alpacas."), ("Ida", "I breed alpacas."))
    assert repetition(read, 1, read[1].pieces) == 0
    assert repetition(read, 0, read[0].pieces) == 0

"""A date that is read wrongly is worse than one that is not read: which year, which way, and what is no date."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memsvc.language.timeline import find_times, render

TUESDAY = datetime(2025, 4, 22, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I've booked the Tin Spoon for Saturday 24 May at nine.", ["on 24 May 2025"]),
        ("It's Monday 19 May instead of the 5th.", ["on 19 May 2025"]),
        ("Friday the 11th? Nothing is proofread.", ["on 11 April 2025"]),
        ("I have moved the deadline to Friday 18 April.", ["on 18 April 2025"]),
        ("He was born on Thursday, June 12, and named Otis.", ["on 12 June 2025"]),
        ("The viewing on Saturday is cancelled.", ["on 26 April 2025"]),
        ("I've got a viewing on Saturday at eleven.", ["on 26 April 2025"]),
        ("Keys on Friday at four, movers on Saturday.", ["on 25 April 2025", "on 26 April 2025"]),
        ("We went to the park on Saturday.", ["on 19 April 2025"]),
        ("What did Ana do on Friday?", ["on 18 April 2025"]),
        ("I booked a table for Saturday.", ["on 26 April 2025"]),
        ("She was born on May 3rd.", []),
        ("The lease is until 3 May.", ["on 3 May 2025"]),
        ("We left on 3 March.", ["on 3 March 2025"]),
        ("I painted it at the beach last week.", ["in the week of 14 April 2025"]),
        ("The course is on eight Monday evenings.", []),
        ("They moved it from 11 November to 9 May.", ["on 9 May 2025"]),
        ("We met in May.", ["in May 2024"]),
        ("In June we fly home.", ["in June 2025"]),
        ("I saw him last Friday and this Friday.", ["on 18 April 2025", "on 25 April 2025"]),
        ("She gave it to me for Christmas.", ["on Christmas 2024"]),
        ("Which was Good Friday.", ["on Good Friday 2025"]),
        ("I'll water it every Wednesday and Sunday.", []),
        ("Aren't we all, on a Wednesday.", []),
        ("He left that Saturday, not on the Sunday.", []),
        ("Tomorrow is Wednesday.", ["on 23 April 2025"]),
        ("From Friday 9 to Tuesday 13 May.", ["on 13 May 2025"]),
    ],
)
def test_direction_and_year(text: str, expected: list[str]) -> None:
    assert [render(mention) for mention in find_times(text, TUESDAY)] == expected

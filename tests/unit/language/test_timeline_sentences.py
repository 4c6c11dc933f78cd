"""Sentences of many registers, as they are told with their dates in brackets (`sentences_*.txt`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from memsvc.language.timeline import bracket, find_times

_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_BRACKET = re.compile(
    rf" ?\[(?:(?:week|weekend|morning|afternoon|evening|night) of )?(?:\d+ (?:to \d+ )?)?"
    rf"(?:(?:{_MONTH}) |(?:spring|summer|fall|autumn|winter) )?(?:19|20)\d\d(?:/\d\d)?(?:, \d\d:\d\d)?\]"
)


def _rows() -> Iterator[tuple[str, str, str]]:
    """Language, moment and sentence; a line "@ moment" sets the moment of those below, "#" begins a comment."""
    for path in sorted(Path(__file__).parent.glob("sentences_*.txt")):
        moment = ""
        for line in path.read_text().splitlines():
            if line.startswith("@ "):
                moment = line.removeprefix("@ ")
            elif line and not line.startswith("#"):
                yield path.stem.removeprefix("sentences_"), moment, line


@pytest.mark.parametrize(("language", "moment", "told"), list(_rows()))
def test_dates_are_right_or_absent(language: str, moment: str, told: str) -> None:
    said = _BRACKET.sub("", told)
    found = said
    for mention in reversed(find_times(said, datetime.fromisoformat(moment), language=language[:2])):
        if mention.relative:
            found = f"{found[: mention.end]} [{bracket(mention)}]{found[mention.end :]}"
    assert found == told

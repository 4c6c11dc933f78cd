"""What a turn costs grows with its length and not with its square, whatever it is made of."""

from __future__ import annotations

import time

import pytest

from memsvc.types import Role
from support.compressing import Line, compress

LENGTH = 16 * 1024
"""Characters; the turn of twice as many is the longest that is measured."""
MOST = 3.0
"""Times that a turn of twice the length may cost: 2, and the noise of a busy machine. A square costs 4."""
TOO_SHORT = 0.25
"""Seconds of processor time below which a cost is noise, and far below what a square would come to."""

REPEATED = {
    "paragraphs that open a quotation": '"a\n\n',
    "quotations within a line": 'He said "a ',
    "names that are called": "@Ana, Ben, ",
    "question marks": "?",
    "marks": "?! ",
    "ellipses": "…",
    "colons": ":",
    "leads": "a: ",
    "quotation marks": '"',
    "opening quotes": "“",
    "round brackets": "(",
    "square brackets": "[",
    "closed brackets": "[a] ",
    "pipes": "|",
    "table": "a | b | c\n",
    "dashes": "-",
    "items": "- a\n",
    "letters": "a. ",
    "capitals": "A. ",
    "line breaks": "\n",
    "lines": "a\n",
    "blanks": " ",
    "tabs": "\t",
    "CJK": "漢",
    "CJK sentences": "漢字。",
    "combining marks": "\u0301",
    "accents": "a\u0301",
    "underscores": "_",
    "asterisks": "*",
    "backticks": "`",
    "fences": "```\n",
    "headings": "# a\n",
    "bold": "**a**\n",
    "quoted": "> a\n",
    "digits": "7",
    "dates": "12/5 ",
    "weekdays": "We met on Monday. ",
    "days": "the last ",
    "names": "Ben Hale met Zoë Lund. ",
    "yes": "yes, ",
    "so": "I'm so ",
    "addresses": "http://x.org/a ",
    "apostrophes": "n't ",
    "emoji": "😀",
    "Arabic": "سلام ",
    "Thai": "ก",
    "carriage returns": "a\r\n",
    "mail": "From: a\n",
    "thanks": "Thanks! ",
    "zero width": "\u200b",
    "line separators": "\u2028",
}


async def seconds(*lines: Line) -> float:
    """Processor time of one compression."""
    begun = time.process_time()
    await compress(*lines)
    return time.process_time() - begun


async def assert_linear(short: list[Line], long: list[Line]) -> None:
    for _ in range(3):
        cost = await seconds(*long)
        if cost < TOO_SHORT or cost < MOST * await seconds(*short):
            return
    pytest.fail(f"{cost:.2f} s of processor time, more than {MOST} times what half of it costs")


@pytest.mark.parametrize("unit", REPEATED.values(), ids=REPEATED)
async def test_reading_a_turn_is_linear(unit: str) -> None:
    content = unit * (2 * LENGTH // len(unit))
    await assert_linear([("Ana", content[:LENGTH])], [("Ana", content)])


@pytest.mark.parametrize(
    "sentence",
    [
        "Green apples grow here. ",
        "Green apples grow on terrace {}. ",
        "Ben met Zoë on Monday, {} times. ",
        "# {}\nSo it is: yes. ",
    ],
)
async def test_a_long_answer_to_a_long_turn_is_linear(sentence: str) -> None:
    def lines(length: int) -> list[Line]:
        content = "".join(sentence.format(n) for n in range(length // len(sentence)))
        return [("Ana", content), ("", content, Role.ASSISTANT)]

    await assert_linear(lines(LENGTH), lines(2 * LENGTH))

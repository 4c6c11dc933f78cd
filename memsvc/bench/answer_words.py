"""Which words of a gold answer a text holds: the token recall that needs no judge.

    ATR(answer, text) = |W(answer) ∩ W(text)| / |W(answer)|

W is the set of Snowball stems of a text's case-folded words, English stop words left out. For questions about time,
every date that names a month and a year becomes its ISO parts first ("7 May 2023", "May 7, 2023" and "2023-05-07" all
become 2023, 2023-05 and 2023-05-07), so that it matches however it is written, and "May 2023" holds two parts of
three. Dates without a year, and relative ones, stay the words they are.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

from memsvc.language.words import stems

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<{0}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<{0}>3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?"
_YEAR = r"(?P<{0}>(?:19|20)\d\d)"
_DATE = re.compile(
    rf"\b{_YEAR.format('y1')}-(?P<n1>0[1-9]|1[0-2])(?:-(?P<d1>3[01]|[12]\d|0[1-9]))?\b"
    rf"|\b{_DAY.format('d2')} (?:of )?{_MONTH.format('m2')},? {_YEAR.format('y2')}\b"
    rf"|\b{_MONTH.format('m3')} {_DAY.format('d3')},? {_YEAR.format('y3')}\b"
    rf"|\b{_MONTH.format('m4')},? {_YEAR.format('y4')}\b",
    re.IGNORECASE,
)


def answer_words(answer: str, language: str, *, temporal: bool) -> frozenset[str]:
    """W of a gold answer; its dates become ISO parts, and nothing else, when `temporal`."""
    if not temporal:
        return frozenset(stems(answer, language))
    return frozenset(stems(_DATE.sub(" ", answer), language)) | date_parts(answer)


def text_words(text: str, language: str) -> frozenset[str]:
    """W of a context, and the ISO parts of its dates beside their words: no stem looks like one, so they never mix."""
    return frozenset().union(*(_line_words(line, language) for line in text.split("\n")))


@lru_cache(maxsize=1 << 17)
def _line_words(line: str, language: str) -> frozenset[str]:
    return frozenset(stems(line, language)) | date_parts(line)


def date_parts(text: str) -> frozenset[str]:
    """ISO parts of every date of `text` that names month and year: year, year-month and, if given, the day."""
    return frozenset(part for match in _DATE.finditer(text) for part in _parts(match))


def _parts(match: re.Match[str]) -> list[str]:
    found = {name[0]: value for name, value in match.groupdict().items() if value}
    month = int(found["n"]) if "n" in found else _MONTHS.index(found["m"][:3].lower()) + 1
    parts = [found["y"], f"{found['y']}-{month:02}"]
    return [*parts, f"{parts[1]}-{int(found['d']):02}"] if "d" in found else parts


def token_recall(answer: frozenset[str], text: frozenset[str]) -> float:
    """ATR in [0, 1]; NaN when the answer has no content word."""
    return len(answer & text) / len(answer) if answer else math.nan

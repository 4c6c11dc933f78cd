"""The table of English time expressions: by their first word, how they are written and what reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from memsvc.language import spans
from memsvc.language.dates import english_dates as dates
from memsvc.language.dates import english_days as days
from memsvc.language.dates import english_seasons as seasons
from memsvc.language.dates import english_spans as longer
from memsvc.language.dates import english_weekdays as weekdays
from memsvc.language.dates.site import Found, Site

Resolve = Callable[[Site], Found | None]
Rule = tuple[re.Pattern[str], Resolve]

_MONTHS = [name.lower() for name in spans.MONTHS]
_SHORT_MONTHS = [*(name[:3] for name in _MONTHS if name != "may"), "sept"]
_SHORT_DAYS = ["mon", "tues", "tue", "wed", "thurs", "thur", "thu", "fri", "sat", "sun"]
_NUMBER_WORDS = sorted(longer.NUMBERS, key=len, reverse=True)

_MON = rf"(?P<month>{'|'.join(_MONTHS)}|(?:{'|'.join(sorted(_SHORT_MONTHS, key=len, reverse=True))})\b)(?:\.(?= ?\d))?"
_WEEKDAY = rf"(?P<weekday>{'|'.join([*weekdays.WEEKDAYS, *_SHORT_DAYS])})\b(?:(?<!day)\.(?= ))?"
_PART = r"(?P<part>morning|afternoon|evening|night)"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_NUMBER = r"(?:3[01]|[12]\d|0?[1-9])"
_D = rf"(?P<day>{_NUMBER}(?:st|nd|rd|th)?)"
_FROM = rf"(?:(?P<from>{_NUMBER}(?:st|nd|rd|th)?)(?: ?[-–] ?| (?:to|and|until|till|through) (?:the )?))?"
_ORDINAL = rf"(?P<day>(?:twenty|thirty)-(?:{'|'.join(list(dates.ORDINALS)[:9])})|{'|'.join(dates.ORDINALS)})"
_WHICH = r"(?P<which>last|past|this past|this coming|this|next|coming)"
_NEAR = "yesterday|today|tomorrow|tmrw|tommorow|tomorow"
_THAT = r"(?P<which>last|this|next)"
_SEASON = r"(?P<season>spring|summer|fall|autumn|winter)"
_HOLIDAY = rf"(?P<holiday>{'|'.join(sorted([*spans.HOLIDAYS, *spans.MOVABLE], key=len, reverse=True))})"
_N = rf"(?P<n>\d{{1,3}}|{'|'.join(_NUMBER_WORDS)})"
_UNIT = r"(?P<unit>day|week|fortnight|weekend|month|year)s?"
_FULL = rf"{_D} {_MON} {_YEAR}"
_OWN = r"(?:'s)?"

_WHICH_WORDS = ("last", "past", "this", "next", "coming")
_WEEKDAY_WORDS = (*weekdays.WEEKDAYS, *_SHORT_DAYS)
_MONTH_WORDS = (*_MONTHS, *_SHORT_MONTHS)
_COUNT_WORDS = (*_NUMBER_WORDS, "#")
_HOLIDAY_WORDS = tuple({re.split("[ ']", name)[0] for name in (*spans.HOLIDAYS, *spans.MOVABLE)})
_SEASON_WORDS = ("spring", "summer", "fall", "autumn", "winter")
_KINDS = "week|weekend|morning|afternoon|evening|night"

_WRITTEN: tuple[tuple[str, Resolve, Iterable[str]], ...] = (
    (rf"(?P<hour>[0-2]\d):00 on {_FULL}", dates.at_hour, "#"),
    (rf"{_FULL}, (?P<hour>[0-2]\d):00", dates.at_hour, "#"),
    (rf"(?:the )?(?P<kind>{_KINDS}) of {_FULL}", dates.anchored, ("the", *_KINDS.split("|"))),
    (
        rf"(?:{_WEEKDAY},? \(?(?:the )?|the )?{_FROM}{_D} (?:of )?{_MON}(?:,? {_YEAR})?",
        dates.calendar_day,
        ("#", "the", *_WEEKDAY_WORDS),
    ),
    (
        rf"(?:{_WEEKDAY},? (?:the )?|the )?{_ORDINAL} of {_MON}(?:,? {_YEAR})?",
        dates.calendar_day,
        ("the", *_WEEKDAY_WORDS, *dates.ORDINALS, "twenty", "thirty"),
    ),
    (
        rf"(?:{_WEEKDAY},? \(?)?{_MON} (?:the )?{_FROM}{_D}(?!:\d)(?:,? {_YEAR})?",
        dates.calendar_day,
        (*_WEEKDAY_WORDS, *_MONTH_WORDS),
    ),
    (
        rf"{_WEEKDAY},? \(?the (?P<day>{_NUMBER})(?:st|nd|rd|th)",
        dates.weekday_and_number,
        _WEEKDAY_WORDS,
    ),
    (rf"the (?P<day>{_NUMBER})(?:st|nd|rd|th)", days.numbered_day, ("the",)),
    (rf"{_YEAR}-(?P<m>[01]\d)-(?P<d>[0-3]\d)", dates.iso_day, "#"),
    (r"(?P<one>\d\d?)(?P<sep>[/.])(?P<two>\d\d?)(?P=sep)(?P<year>(?:19|20)\d\d)", dates.numeric_day, "#"),
    (rf"{_MON},? (?:of )?{_YEAR}", longer.month_of_year, _MONTH_WORDS),
    (
        rf"(?:{_WHICH} |(?P<stage>early |late |mid[- ]|(?:the )?(?:end|beginning|start|middle) of ))?{_MON}",
        longer.month,
        (*_MONTH_WORDS, *_WHICH_WORDS, "early", "late", "mid", "end", "beginning", "start", "middle", "the"),
    ),
    (rf"{_MON} (?:of )?{_THAT} year", longer.month_of_that_year, _MONTH_WORDS),
    (rf"(?:the )?{_D} (?:of )?{_MON} {_THAT} year", dates.day_of_that_year, ("#", "the")),
    (rf"{_MON} {_D} {_THAT} year", dates.day_of_that_year, _MONTH_WORDS),
    (_YEAR, longer.year, "#"),
    (
        rf"(?P<word>(?:the )?day before yesterday|(?:the )?day after tomorrow|{_NEAR}){_OWN}(?: {_PART})?{_OWN}",
        days.offset_day,
        ("the", "day", "yesterday", "today", "tomorrow", "tmrw", "tommorow", "tomorow"),
    ),
    (rf"(?P<word>tonight|last night|this {_PART}|last evening){_OWN}", days.near_part, ("tonight", "last", "this")),
    (rf"{_WHICH} (?P<unit>week|weekend|month|year){_OWN}", longer.which_unit, _WHICH_WORDS),
    (r"the weekend", longer.the_weekend, ("the",)),
    (
        rf"{_N} (?P<unit>hour|day|week|fortnight|weekend|month|year)s? (?:ago|back)(?P<today> today)?",
        longer.ago,
        _COUNT_WORDS,
    ),
    (rf"in {_N} {_UNIT}(?P<time>(?:'s?|s)? time\b)?", longer.in_units, ("in",)),
    (rf"{_N} {_UNIT} (?P<time>from (?:now|today))", longer.in_units, _COUNT_WORDS),
    (rf"(?:{_WHICH} )?{_WEEKDAY}{_OWN}(?: {_PART})?{_OWN}", weekdays.weekday, (*_WHICH_WORDS, *_WEEKDAY_WORDS)),
    (rf"{_WEEKDAY}(?: {_PART})?,? (?:of )?{_THAT} week", weekdays.weekday_of_week, _WEEKDAY_WORDS),
    (rf"{_THAT} week,? (?:on )?{_WEEKDAY}(?: {_PART})?", weekdays.weekday_of_week, _WHICH_WORDS),
    (
        rf"(?:(?:{_WHICH} |the ){_SEASON}|{_SEASON.replace('<season>', '<named>')} (?:of )?(?P<year>(?:19|20)\d\d))",
        seasons.season,
        (*_WHICH_WORDS, "the", *_SEASON_WORDS),
    ),
    (rf"(?:{_WHICH} )?{_HOLIDAY}(?:,? {_YEAR})?", seasons.holiday, (*_WHICH_WORDS, *_HOLIDAY_WORDS)),
)


def _compiled() -> dict[str, tuple[Rule, ...]]:
    table: dict[str, list[Rule]] = {}
    for pattern, resolve, firsts in _WRITTEN:
        rule = (
            re.compile(
                rf"(?:{pattern.replace(chr(39), '[' + chr(39) + '’]')})(?![\w-]|['’]\w|,? ['’]\d\d)", re.IGNORECASE
            ),
            resolve,
        )
        for first in firsts if not isinstance(firsts, str) else (firsts,):
            table.setdefault(first, []).append(rule)
    return {first: tuple(rules) for first, rules in table.items()}


RULES: dict[str, tuple[Rule, ...]] = _compiled()
"""Rules by the lower-case first word of what they match; "#" stands for a number."""

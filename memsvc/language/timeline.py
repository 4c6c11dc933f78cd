"""Finds English time expressions, resolves them against a turn's own time, and says them absolutely."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from memsvc.language import spans
from memsvc.types import Interval


class Granularity(StrEnum):
    """How exact a time expression is. SPAN is a vague stretch such as "a few days ago"."""

    HOUR = "hour"
    PART_OF_DAY = "part_of_day"
    DAY = "day"
    WEEKEND = "weekend"
    WEEK = "week"
    MONTH = "month"
    SEASON = "season"
    YEAR = "year"
    SPAN = "span"


@dataclass(frozen=True, slots=True)
class TimeMention:
    """A time expression at the half-open character span [start, end) of a text, and the interval it means.

    `relative` tells that the interval depends on the base time, so the text alone does not say it.
    """

    text: str
    start: int
    end: int
    interval: Interval
    granularity: Granularity
    relative: bool


_Resolved = tuple[Interval, Granularity, bool]
_Resolver = Callable[[re.Match[str], datetime, "_Direction"], "_Resolved | None"]
_Rule = tuple[re.Pattern[str], _Resolver]

_COUNTED = "zero one two three four five six seven eight nine ten eleven twelve"
_NUMBERS = {word: i for i, word in enumerate(_COUNTED.split())}
_NUMBERS |= {"a": 1, "an": 1}
_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_MONTHS = [name.casefold() for name in spans.MONTHS]
_SHORT = {m[:3]: i for i, m in enumerate(_MONTHS, 1)} | {"sept": 9}

_N = rf"(?P<n>\d{{1,3}}|{'|'.join(_NUMBERS)})"
_MON = rf"(?P<month>{'|'.join(_MONTHS)}|(?:{'|'.join(k for k in _SHORT if k != 'may')})\b\.?)"
_DAY = rf"(?P<weekday>{'|'.join(_WEEKDAYS)})"
_NOT_NAMED = r"(?<!\ba )(?<!\bis )(?<!\bwas )(?<!\bthat )(?<!\bthe )(?<!['’]s )(?<!good )(?<!black )(?<!easter )"
"""A weekday that something is, or that is part of a name, is not a point in time."""
_PART = r"(?P<part>morning|afternoon|evening|night)"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_D = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_WHICH = r"(?P<which>last|past|this past|this coming|this|next|coming|previous)"
_SEASON = r"(?P<season>spring|summer|fall|autumn|winter)"
_HOLIDAY = rf"(?P<holiday>{'|'.join(sorted([*spans.HOLIDAYS, *spans.MOVABLE], key=len, reverse=True))})"


class _Direction(StrEnum):
    """Which way a sentence looks: to what is to come, to what was, or not said."""

    AHEAD = "ahead"
    BACK = "back"
    OPEN = "open"


_AHEAD = re.compile(
    r"\b(?:will|won't|going to|gonna|plan(?:s|ning)?|can't wait|upcoming|soon|let's|looking forward|hop(?:e|ing)|"
    r"shall)\b|['’]ll\b",
    re.IGNORECASE,
)
_AHEAD_OF = re.compile(r"\b(?:for|until|till|by|to)(?: the)? $", re.IGNORECASE)
_SINCE = re.compile(r"\bsince(?: the)? $", re.IGNORECASE)
_RECURRING = re.compile(r"\b(?:every|each)\b[\w ,]{0,40}$", re.IGNORECASE)
_HABITUAL = re.compile(
    r"\b(?:always|usually|normally|typically|generally|regularly|often|mostly)\b[^.,!?;]{0,40}$", re.IGNORECASE
)
_IS_WHEN = re.compile(r" (?:is|are)(?: \w+ly| always| often)? (?:when|the day)\b", re.IGNORECASE)
# The simple past only: "is booked for", "has moved to" and reporting verbs say nothing about when.
_BACK = re.compile(
    r"\b(?<!have )(?<!has )(?<!['’]ve )(?<!['’]s )(?<!just )(?:was|were|did|didn't|had|went|saw|came|met|got|took|"
    r"gave|ate|bought|made|found|fell|broke|left|slept|ran|drove|flew|won|lost|began|held|taught|heard|felt|kept|spent|sat|stood|"
    r"wore|sang|swam|built|caught|drank|hung|(?<!is )(?<!are )(?<!be )(?<!been )(?<!['’]re )(?!need)\w{3,}ed)\b",
    re.IGNORECASE,
)
_TRIGGER = re.compile(
    rf"\d|day\b|tonight|tomorrow|\bago\b|\bbefore\b|\bin an?\b|{'|'.join(_NUMBERS)}|last|past|this|next|coming|"
    rf"previous|{'|'.join(_WEEKDAYS)}|{'|'.join(_MONTHS)}|{'|'.join(_SHORT)}|christmas|easter|thanksgiving|halloween|"
    rf"new year|valentine|spring|summer|fall|autumn|winter|few|couple",
    re.IGNORECASE,
)


def find_times(text: str, base: datetime) -> list[TimeMention]:
    """Return the time expressions of `text`, in order and without overlap; of two that do, the longer.

    `base` is when the text was said: relative expressions are read against it. Recurrences ("every Monday") and
    durations are no points in time and are left out.
    """
    if not _TRIGGER.search(text):
        return []
    found = sorted(_candidates(text, base.astimezone(UTC)), key=lambda m: (m.start, -m.end))
    mentions: list[TimeMention] = []
    for mention in found:
        if not mentions or mention.start >= mentions[-1].end:
            mentions.append(mention)
    return mentions


def render(mention: TimeMention) -> str:
    """Say a mention absolutely, with its preposition: "on 7 May 2023", "in the week of 1 May 2023"."""
    return f"{_PREPOSITIONS[mention.granularity]} {render_bare(mention)}".strip()


def render_bare(mention: TimeMention) -> str:
    """Say a mention absolutely without a preposition: "7 May 2023", "the week of 1 May 2023"."""
    start = mention.interval.start
    if mention.granularity is Granularity.DAY and (name := _holiday_name(mention.text)):
        return f"{name} {start.year}"
    if mention.granularity is Granularity.SPAN:
        return _render_span(mention)
    return {
        Granularity.HOUR: f"{start:%H}:00 on {_date(start)}",
        Granularity.PART_OF_DAY: f"the {_part_name(start)} of {_date(start)}",
        Granularity.DAY: _date(start),
        Granularity.WEEKEND: f"the weekend of {_date(start)}",
        Granularity.WEEK: f"the week of {_date(start)}",
        Granularity.MONTH: f"{spans.MONTHS[start.month - 1]} {start.year}",
        Granularity.SEASON: f"{_season_name(start)} {start.year}",
        Granularity.YEAR: str(start.year),
    }[mention.granularity]


_PREPOSITIONS = {
    Granularity.HOUR: "at",
    Granularity.PART_OF_DAY: "on",
    Granularity.DAY: "on",
    Granularity.WEEKEND: "on",
    Granularity.WEEK: "in",
    Granularity.MONTH: "in",
    Granularity.SEASON: "in",
    Granularity.YEAR: "in",
    Granularity.SPAN: "",
}


def _candidates(text: str, base: datetime) -> Iterator[TimeMention]:
    for pattern, resolve in _RULES:
        for match in pattern.finditer(text):
            if _RECURRING.search(text, max(0, match.start() - 50), match.start()):
                continue
            try:
                resolved = resolve(match, base, _direction(text, match))
            except (ValueError, OverflowError):  # 31 February, or a time outside the calendar
                continue
            if resolved is not None:
                yield TimeMention(match.group(), match.start(), match.end(), *resolved)


def _direction(text: str, match: re.Match[str]) -> _Direction:
    """What is before the expression decides ("for Saturday", "since May"), then the tense of its sentence."""
    before = text[: match.start()]
    if _AHEAD_OF.search(before) and not match.groupdict().get("holiday"):  # but: "she gave it to me for Christmas"
        return _Direction.AHEAD
    if _SINCE.search(before):
        return _Direction.BACK
    begin = max(text.rfind(mark, 0, match.start()) for mark in ".!?\n") + 1
    ends = [end for mark in ".!?\n" if (end := text.find(mark, match.end())) >= 0]
    sentence = text[begin : min(ends, default=len(text))]
    if _AHEAD.search(sentence):
        return _Direction.AHEAD
    return _Direction.BACK if _BACK.search(sentence) else _Direction.OPEN


def _date(d: date) -> str:
    return f"{d.day} {spans.MONTHS[d.month - 1]} {d.year}"


def _part_name(start: datetime) -> str:
    return next((name for name, (hour, _) in spans.PARTS.items() if hour == start.hour), "")


def _season_name(start: datetime) -> str:
    return next((name for name, month in spans.SEASONS.items() if month == start.month), "")


def _holiday_name(text: str) -> str:
    match = re.search(_HOLIDAY, _plain(text))
    return match.group().title().replace("'S", "'s") if match else ""


def _plain(text: str) -> str:
    return text.casefold().replace("’", "'")


_VAGUE = {"couple": (3, 1), "few": (5, 2), "several": (7, 3)}
_UNIT_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_AMOUNT = r"(?:a )?(?P<vague>couple(?: of)?|few|several) (?P<unit>day|week|month|year)s"


def _render_span(mention: TimeMention) -> str:
    match = re.search(_AMOUNT, _plain(mention.text))
    vague, unit = (match["vague"].split()[0], match["unit"]) if match else ("few", "day")
    anchor = mention.interval.end + timedelta(days=_VAGUE[vague][1] * _UNIT_DAYS[unit])
    amount = {"couple": "a couple of", "few": "a few", "several": "several"}[vague]
    return f"{amount} {unit}s before {_date(anchor)}"


def _number(text: str) -> int:
    return int(text) if text.isdigit() else _NUMBERS[text.casefold()]


def _month_number(text: str) -> int:
    return _SHORT[text.casefold().rstrip(".")[:3]]


def _vague(vague: str, unit: str, anchor: date) -> _Resolved:
    most, least = _VAGUE[vague.split()[0].casefold()]
    days = _UNIT_DAYS[unit.casefold()]
    start, end = anchor - timedelta(days=most * days), anchor - timedelta(days=least * days)
    return Interval(_midnight(start), _midnight(end)), Granularity.SPAN, True


def _midnight(d: date) -> datetime:
    return datetime.combine(d, time(), UTC)


def _unit(d: date, unit: str) -> tuple[Interval, Granularity]:
    granularity = Granularity(unit.casefold())
    interval = spans.year(d.year) if granularity is Granularity.YEAR else _SPANS[granularity](d)
    return interval, granularity


_SPANS: dict[Granularity, Callable[[date], Interval]] = {
    Granularity.DAY: spans.day,
    Granularity.WEEK: spans.week,
    Granularity.WEEKEND: spans.weekend,
    Granularity.MONTH: spans.month,
}


_REACH_DAYS = {_Direction.AHEAD: 366, _Direction.BACK: 150, _Direction.OPEN: 120}
"""How far a date without a year is trusted to be from the base day; beyond, it is left as it was said."""


def _absolute_day(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved | None:
    groups = match.groupdict()
    month, number = _month_number(groups["month"]), int(groups["day"])
    if groups["year"]:
        return spans.day(date(int(groups["year"]), month, number)), Granularity.DAY, False
    weekday = groups.get("weekday")
    if weekday:
        return spans.day(_on_weekday(base, _WEEKDAYS.index(weekday.casefold()), month, number)), Granularity.DAY, True
    found = _yearly(base, direction, lambda y: date(y, month, number))
    if abs(found - base.date()).days > _REACH_DAYS[direction]:
        return None
    return spans.day(found), Granularity.DAY, True


def _on_weekday(base: datetime, weekday: int, month: int, number: int) -> date:
    """The date nearest to the base whose weekday is as said: "Saturday 24 May" tells its year."""
    near = [date(base.year + offset, month, number) for offset in (-1, 0, 1)]
    fitting = [day for day in near if day.weekday() == weekday]
    return min(fitting or near, key=lambda day: abs(day - base.date()))


def _weekday_and_number(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved:
    """ "Friday the 11th": the nearest month whose 11th is a Friday."""
    weekday, number = _WEEKDAYS.index(match["weekday"].casefold()), int(match["day"])
    first = base.date().replace(day=1)
    months = [spans.shift(first, offset, "month") for offset in (0, 1, -1, 2, -2, 3, -3)]
    days = [month + timedelta(days=number - 1) for month in months]
    fitting = [d for d, month in zip(days, months, strict=True) if d.month == month.month and d.weekday() == weekday]
    if not fitting:
        raise ValueError(match.group())
    return spans.day(min(fitting, key=lambda d: abs(d - base.date()))), Granularity.DAY, True


def _yearly(base: datetime, direction: _Direction, of_year: Callable[[int], date]) -> date:
    """The occurrence of a yearly date: the next, the last, or the nearest; today counts for each."""
    today = base.date()
    near = [of_year(today.year + offset) for offset in (-1, 0, 1)]
    if direction is _Direction.AHEAD:
        return min(day for day in near if day >= today)
    if direction is _Direction.BACK:
        return max(day for day in near if day <= today)
    return min(near, key=lambda day: abs(day - today))


def _iso(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved:
    return spans.day(date(int(match["year"]), int(match["m"]), int(match["d"]))), Granularity.DAY, False


def _absolute_month(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved:
    month = _month_number(match["month"])
    return spans.month(date(int(match["year"]), month, 1)), Granularity.MONTH, False


def _bare_month(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved | None:
    if match["month"].islower():
        return None
    month = _month_number(match["month"])
    which = (match["which"] or "").casefold()
    first = base.date().replace(day=1)
    if which in _PAST:
        first, direction = spans.shift(first, -1, "month"), _Direction.BACK
    elif which in _NEXT:
        first, direction = spans.shift(first, 1, "month"), _Direction.AHEAD
    shifted = datetime.combine(first, time(), UTC)
    if which == "this":
        return spans.month(date(base.year, month, 1)), Granularity.MONTH, True
    return spans.month(_yearly(shifted, direction, lambda y: date(y, month, 1))), Granularity.MONTH, True


_PAST = frozenset({"last", "past", "this past", "previous"})
_NEXT = frozenset({"next", "coming", "this coming"})


def _year(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved:
    return spans.year(int(match["year"])), Granularity.YEAR, False


def _offset_day(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved:
    word = _plain(match["word"])
    offset = {"yesterday": -1, "today": 0, "tomorrow": 1, "the day before yesterday": -2, "the day after tomorrow": 2}
    d = base.date() + timedelta(days=offset[word])
    if match["part"]:
        return spans.part(d, match["part"].casefold()), Granularity.PART_OF_DAY, True
    return spans.day(d), Granularity.DAY, True


def _near_part(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved:
    word = match.group().casefold()
    if word in ("tonight", "last night"):
        return spans.part(base.date() - timedelta(days=word != "tonight"), "night"), Granularity.PART_OF_DAY, True
    return spans.part(base.date(), match["part"].casefold()), Granularity.PART_OF_DAY, True


def _which_unit(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved:
    which, unit = match["which"].casefold(), match["unit"].casefold()
    step = -1 if which in _PAST else 1 if which in _NEXT else 0
    if unit == "weekend" and which in ("this past", "past", "this coming", "coming"):
        # On a weekday the weekend to come is this week's; on a weekend the past one is the week before's.
        step = -1 if which in ("this past", "past") else int(base.weekday() >= 5)
    return *_unit(spans.shift(base.date(), step, unit), unit), True


def _ago(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved:
    return *_unit(spans.shift(base.date(), -_number(match["n"]), match["unit"].casefold()), match["unit"]), True


def _in_units(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved:
    return *_unit(spans.shift(base.date(), _number(match["n"]), match["unit"].casefold()), match["unit"]), True


def _hours_ago(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved:
    begin = (base - timedelta(hours=_number(match["n"]))).replace(minute=0, second=0, microsecond=0)
    return Interval(begin, begin + timedelta(hours=1)), Granularity.HOUR, True


def _vague_ago(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved:
    return _vague(match["vague"], match["unit"], base.date())


def _other_day(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved:
    return _vague("few", "day", base.date())


def _vague_before(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved:
    anchor = date(int(match["year"]), _month_number(match["month"]), int(match["day"]))
    interval, granularity, _ = _vague(match["vague"], match["unit"], anchor)
    return interval, granularity, False


def _is_habitual(match: re.Match[str]) -> bool:
    """Whether a day of the week is every one of them: "I always run on Monday", "Monday is when I run"."""
    text = match.string
    return bool(_HABITUAL.search(text, max(0, match.start() - 60), match.start()) or _IS_WHEN.match(text, match.end()))


def _weekday(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved | None:
    which = (match["which"] or "").casefold()
    if not which and (match["weekday"].islower() or _is_habitual(match)):
        return None
    today = base.date()
    wanted = _WEEKDAYS.index(match["weekday"].casefold())
    forward = (wanted - today.weekday() - 1) % 7 + 1
    backward = (today.weekday() - wanted - 1) % 7 + 1
    if which == "this":
        d = today + timedelta(days=wanted - today.weekday())
    elif which in _PAST or (not which and direction is _Direction.BACK):
        d = today - timedelta(days=backward)
    else:  # "keys on Friday": without a word of the past, people speak of the one to come
        d = today + timedelta(days=forward)
    if match["part"]:
        return spans.part(d, match["part"].casefold()), Granularity.PART_OF_DAY, True
    return spans.day(d), Granularity.DAY, True


def _season(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved | None:
    name, which = match["season"].casefold(), (match["which"] or "").casefold()
    if match["year"]:
        return spans.season(int(match["year"]), name), Granularity.SEASON, False
    if not which:
        return None
    begins = [spans.season(base.year + offset, name) for offset in (-2, -1, 0, 1)]
    if which in _PAST:
        chosen = [s for s in begins if s.end <= base][-1]
    elif which in _NEXT:
        chosen = next(s for s in [*begins, spans.season(base.year + 2, name)] if s.start > base)
    else:
        chosen = begins[2]
    return chosen, Granularity.SEASON, True


def _on_holiday(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved:
    name, which = _plain(match["holiday"]), (match["which"] or "").casefold()
    if match["year"]:
        return spans.day(spans.holiday(name, int(match["year"]))), Granularity.DAY, False
    if which:
        direction = _Direction.BACK if which in _PAST else _Direction.AHEAD
    return spans.day(_yearly(base, direction, lambda y: spans.holiday(name, y))), Granularity.DAY, True


def _anchored(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved:
    d = date(int(match["year"]), _month_number(match["month"]), int(match["day"]))
    kind = match["kind"].casefold()
    if kind in spans.PARTS:
        return spans.part(d, kind), Granularity.PART_OF_DAY, False
    return *_unit(d, kind), False


def _at_hour(match: re.Match[str], base: datetime, direction: _Direction) -> _Resolved:
    d = date(int(match["year"]), _month_number(match["month"]), int(match["day"]))
    begin = _midnight(d) + timedelta(hours=int(match["hour"]))
    return Interval(begin, begin + timedelta(hours=1)), Granularity.HOUR, False


def _rule(pattern: str, resolve: _Resolver) -> _Rule:
    guarded = rf"(?<!\bevery )(?<!\beach )(?<![\w-])(?:{pattern})(?![\w-])"
    return re.compile(guarded.replace("'s", "['’]s"), re.IGNORECASE), resolve


_FULL = rf"{_D} (?:of )?{_MON},? {_YEAR}"
_RULES: tuple[_Rule, ...] = (
    _rule(rf"(?:at )?(?P<hour>[0-2]\d):00 on {_FULL}", _at_hour),
    _rule(rf"(?:(?:on|in|during) )?the (?P<kind>week|weekend|morning|afternoon|evening|night) of {_FULL}", _anchored),
    _rule(rf"{_AMOUNT} before {_FULL}", _vague_before),
    _rule(rf"(?:on )?(?:{_DAY},? )?(?:the )?{_D} (?:of )?{_MON}(?:,? {_YEAR})?", _absolute_day),
    _rule(rf"(?:on )?(?:{_DAY},? )?{_MON} {_D}(?:,? {_YEAR})?", _absolute_day),
    _rule(rf"(?:on )?{_DAY},? the (?P<day>[0-3]?\d)(?:st|nd|rd|th)", _weekday_and_number),
    _rule(rf"(?:on )?{_YEAR}-(?P<m>[01]\d)-(?P<d>[0-3]\d)", _iso),
    _rule(rf"(?:(?:back )?in )?{_MON},? (?:of )?{_YEAR}", _absolute_month),
    _rule(
        rf"(?:back )?(?:(?:in )?(?:early |late )?{_WHICH} |in (?:early |late )?){_MON}(?!,? (?:19|20)\d\d)", _bare_month
    ),
    _rule(r"(?:back )?(?:in|during) (?:the year )?" + _YEAR, _year),
    _rule(
        rf"(?P<word>the day before yesterday|the day after tomorrow|(?<!like )(?<!just )yesterday|"
        rf"today|tomorrow)(?: {_PART})?",
        _offset_day,
    ),
    _rule(rf"tonight|last night|this {_PART}", _near_part),
    _rule(rf"(?:(?:over|during|in) )?(?:the )?{_WHICH} (?P<unit>week|weekend|month|year)", _which_unit),
    _rule(rf"{_N} (?P<unit>day|week|weekend|month|year)s? (?:ago|back)", _ago),
    _rule(rf"in {_N} (?P<unit>day|week|weekend|month|year)s?(?:' time)?", _in_units),
    _rule(rf"{_N} hours? ago", _hours_ago),
    _rule(rf"(?:just )?{_AMOUNT} (?:ago|back)", _vague_ago),
    _rule(r"the other day", _other_day),
    _rule(
        rf"(?:on )?(?:{_WHICH} )?{_NOT_NAMED}{_DAY}(?: {_PART})?(?! (?:morning|afternoon|evening|night)s)"
        r"(?!,? (?:the )?\d)",
        _weekday,
    ),
    _rule(rf"(?:in |over |during )?(?:the )?(?:{_WHICH} )?{_SEASON}(?: (?:of )?{_YEAR})?", _season),
    _rule(rf"(?:on |at )?(?:{_WHICH} )?{_HOLIDAY}(?:,? {_YEAR})?", _on_holiday),
)

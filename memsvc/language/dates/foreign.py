"""Time expressions of languages other than English, as far as they are certain without reading a sentence.

Days counted from today, "last" and "next" with a unit or a weekday, and a day with its month. There is no tense here:
a day with a month but no year is dated only where nothing of the past stands in its sentence and it lies ahead within
half a year, or something does and it lies back as far.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

from memsvc.language import spans
from memsvc.language.dates.foreign_words import LANGUAGES, OFFSETS_ONLY, PAST_AND_RECURRING, Language
from memsvc.language.dates.mentions import Granularity, TimeMention
from memsvc.language.dates.protected import Protected
from memsvc.language.dates.site import ahead, back
from memsvc.types import Interval

_FARTHEST_DAYS = 90
"""Of a day without a year: not every form of the past is known, and what is farther off may have been; a judgement."""
_SUNDAY = 6
_SENTENCE_END = re.compile(r"[!?\n。！？]|(?<!\d)\.(?=\s|$)|(?<=\d{4})\.(?=\s|$)")
_ISO = r"(?P<iso>(?:19|20)\d\d-[01]\d-[0-3]\d)"
_CJK_DATE = r"(?:(?P<year>(?:19|20)\d\d)年)?(?P<month>1[0-2]|0?[1-9])月(?P<day>3[01]|[12]\d|0?[1-9])[日号號]"
_LENGTHENING = "大しき"
"""What makes another day of a day's word in Chinese and Japanese: 大后天, しあさって, さきおととい."""
_COMPOSED = re.compile(
    r"\s+(?:vor|in|heute in|en|hace|fa|tra|fra|il y a|há|over|(?:en|a) (?:huit|quinze|otto|oito|ocho))\s+"
    r"(?:\w+\s+)?(?:tag\w*|woche\w*|monat\w*|jahr\w*|d[ií]as?|semanas?|mes\w*|años?|anos?|giorn\w|settiman\w|"
    r"ann[io]|jours?|semaines?|mois|ans|dag\w*|we[e]?k\w*|maand\w*|jaar)\b|\s+en (?:huit|quinze)\b",
    re.IGNORECASE,
)
"""What follows a day and counts on from it: "heute in einer Woche", "demain en huit"."""
_Meaning = tuple[Interval, Granularity, bool]


@dataclass(frozen=True, slots=True)
class _Grammar:
    """One pattern for all expressions of a language; a group's name tells its kind and its place in a table."""

    pattern: re.Pattern[str]
    offsets: tuple[int, ...]
    units: tuple[tuple[str, int], ...] = ()
    past: re.Pattern[str] | None = None
    recurring: re.Pattern[str] | None = None


def find_times(text: str, base: datetime, language: str) -> list[TimeMention]:
    """Return the time expressions of a text, in order and without overlap; none in a language without rules."""
    grammar = _grammar(language)
    protected = Protected(text)
    found: list[TimeMention] = []
    for match in grammar.pattern.finditer(text):
        meaning = None if protected.holds(*match.span()) else _meaning(match, base, grammar)
        if meaning is not None:
            mention = TimeMention(match.group(), match.start(), match.end(), *meaning)
            if not found or not _is_told_then(found[-1], mention, text, base.date()):
                found.append(mention)
    return found


def _is_told_then(before: TimeMention, mention: TimeMention, text: str, today: date) -> bool:
    """Whether the sentence first names a time gone from which what lies ahead may be counted; see English."""
    ahead_ = mention.relative and mention.interval.start.date() > today
    gone = before.interval.end.date() < today
    return ahead_ and gone and _SENTENCE_END.search(text, before.end, mention.start) is None


@cache
def _grammar(language: str) -> _Grammar:
    if language in LANGUAGES:
        return _spoken(LANGUAGES[language])
    offsets = OFFSETS_ONLY.get(language, {})
    words = "|".join(f"(?P<offset{i}>{word})" for i, word in enumerate(offsets))
    spaced = rf"(?<!\w)(?:{words})(?!\w)" if language == "ru" else rf"(?<![{_LENGTHENING}])(?:{words})"
    kinds = [kind for kind in (spaced if words else "", _CJK_DATE if language in ("zh", "ja") else "") if kind]
    pattern = re.compile("|".join([rf"(?<![\w-]){_ISO}(?![\w-])", *kinds]), re.IGNORECASE)
    told = PAST_AND_RECURRING.get(language)
    past, recurring = (re.compile(told[0]), re.compile(told[1])) if told else (None, None)
    return _Grammar(pattern, tuple(offsets.values()), (), past, recurring)


def _spoken(words: Language) -> _Grammar:
    kinds = [_ISO, _day_month(words)]
    kinds += [f"(?P<offset{i}>{word})" for i, word in enumerate(words.offsets)]
    kinds += [f"(?P<unit{i}>{word})" for i, word in enumerate(words.units)]
    for name, way in (("last", words.last), ("next", words.next)):
        for variant, form in enumerate(way.split("|")):
            names = "|".join(f"(?P<{name}{variant}_{i}>{weekday})" for i, weekday in enumerate(words.weekdays))
            kinds.append(form.replace("{day}", f"(?:{names})"))
    pattern = re.compile(rf"(?<![\w-])(?:{'|'.join(kinds)})(?![\w-])", re.IGNORECASE)
    flags = re.IGNORECASE
    units = tuple(words.units.values())
    return _Grammar(
        pattern, tuple(words.offsets.values()), units, re.compile(words.past, flags), re.compile(words.recurring, flags)
    )


def _day_month(words: Language) -> str:
    months = "|".join(f"(?P<month{i}>{name})" for i, name in enumerate(words.months, 1))
    day = r"(?P<day>3[01]|[12]\d|0?[1-9])"
    written = words.day_month.replace("{day}", day).replace("{month}", f"(?:{months})")
    return rf"{written}(?:,?(?: de| del)? (?P<year>(?:19|20)\d\d))?"


def _meaning(match: re.Match[str], base: datetime, grammar: _Grammar) -> _Meaning | None:
    try:
        return _read(match, base, grammar)
    except (ValueError, OverflowError):  # 31 February, or a time outside the calendar
        return None


def _read(match: re.Match[str], base: datetime, grammar: _Grammar) -> _Meaning | None:
    groups = {name: value for name, value in match.groupdict().items() if value}
    today, zone = base.date(), base.tzinfo or UTC
    if "iso" in groups:
        return spans.day(date.fromisoformat(groups["iso"]), zone), Granularity.DAY, False
    if "day" in groups:
        d = _calendar_day(match, groups, today, grammar)
        return None if d is None else (spans.day(d, zone), Granularity.DAY, "year" not in groups)
    name = next(iter(groups))
    if name.startswith("offset"):
        if _COMPOSED.match(match.string, match.end()):
            return None
        d = today + timedelta(days=grammar.offsets[int(name.removeprefix("offset"))])
        return spans.day(d, zone), Granularity.DAY, True
    if name.startswith("unit"):
        return _unit(*grammar.units[int(name.removeprefix("unit"))], base)
    way, _, weekday = name.partition("_")
    chosen = _weekday(today, int(weekday), back_=way.startswith("last"))
    return None if chosen is None else (spans.day(chosen, zone), Granularity.DAY, True)


def _unit(unit: str, step: int, base: datetime) -> _Meaning | None:
    today, zone = base.date(), base.tzinfo or UTC
    if unit == "week" and today.weekday() == _SUNDAY:
        return None
    d = spans.shift(today if unit == "week" else today.replace(day=1), step, unit)
    interval = {"week": spans.week(d, zone), "month": spans.month(d, zone), "year": spans.year(d.year, zone)}[unit]
    return interval, Granularity(unit), True


def _weekday(today: date, weekday: int, *, back_: bool) -> date | None:
    """Only where the nearest such day and that of the neighbouring week are the same; see English."""
    if today.weekday() == _SUNDAY:
        return None
    if back_:
        return back(today, weekday) if weekday >= today.weekday() else None
    return ahead(today, weekday) if weekday <= today.weekday() else None


def _calendar_day(match: re.Match[str], groups: dict[str, str], today: date, grammar: _Grammar) -> date | None:
    month = next(
        int(value if name == "month" else name[5:]) for name, value in groups.items() if name.startswith("month")
    )
    number = int(groups["day"])
    if "year" in groups:
        return date(int(groups["year"]), month, number)
    sentence = _sentence(match)
    if grammar.past is None or grammar.recurring is None or grammar.recurring.search(sentence):
        return None
    past = grammar.past.search(sentence) is not None
    near = [date(today.year + offset, month, number) for offset in (-1, 0, 1)]
    fitting = [d for d in near if (d < today if past else d > today) and abs((d - today).days) <= _FARTHEST_DAYS]
    return fitting[0] if len(fitting) == 1 else None


_MOST_CHARACTERS = 200
"""Of a sentence on each side of a date that are looked at: bounds the time."""


def _sentence(match: re.Match[str]) -> str:
    text = match.string
    begin, end = max(0, match.start() - _MOST_CHARACTERS), min(len(text), match.end() + _MOST_CHARACTERS)
    for mark in _SENTENCE_END.finditer(text, begin, match.start()):
        begin = mark.end()
    after = _SENTENCE_END.search(text, match.end(), end)
    return text[begin : after.start() if after else end]

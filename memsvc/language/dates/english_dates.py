"""What English dates with a month mean: "12 June", "Friday the 15th", "2026-06-12"."""

from __future__ import annotations

from datetime import date, timedelta

from memsvc.language import spans
from memsvc.language.dates import context
from memsvc.language.dates.english_weekdays import weekday_number
from memsvc.language.dates.mentions import Granularity
from memsvc.language.dates.site import Found, Site
from memsvc.language.dates.verbs import Tense
from memsvc.language.dates.words import word_list

ORDINALS = {
    word: number
    for number, word in enumerate(
        word_list(
            """
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
    fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
    """
        ),
        1,
    )
} | {"thirtieth": 30}

_MONTHS = {name.lower()[:3]: number for number, name in enumerate(spans.MONTHS, 1)}

_FARTHEST_BACK_DAYS = 183
"""Back to a day without a year: "We married on 3 October" told in May may be of any year, since the day that is nearest
lies ahead; a judgement."""
_FARTHEST_DAYS = 300
"""A date without a year that lies farther off, by its tense, may belong to another year."""


def month_number(name: str) -> int:
    """Number of a month by its name or abbreviation."""
    return _MONTHS[name[:3]]


def valid(year: int, month: int, day: int) -> date | None:
    """The day, None where the calendar has none of that name."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def weekday_and_number(site: Site) -> Found | None:
    """ "Friday the 11th": the nearest month whose 11th is a Friday; within two months, and only one."""
    wanted, number = weekday_number(site.group("weekday")), int(site.group("day"))
    first = site.today.replace(day=1)
    months = [spans.shift(first, offset, "month") for offset in (-1, 0, 1, 2)]
    days = [month + timedelta(days=number - 1) for month in months]
    fitting = [d for d, month in zip(days, months, strict=True) if d.month == month.month and d.weekday() == wanted]
    if len(fitting) != 1 or (wanted, number) == (4, 13):
        return None
    return site.on(fitting[0])


def calendar_day(site: Site) -> Found | None:
    """A day and a month, with or without weekday and year; two days when it is a range."""
    if context.is_street(site):
        return None
    month, number = month_number(site.group("month")), _day_number(site)
    if site.group("year"):
        return _range(site, date(int(site.group("year")), month, number), relative=False)
    if not _is_date(site):
        return None
    if site.group("weekday"):
        d = _dated_weekday(site.today, weekday_number(site.group("weekday")), month, number)
        return None if d is None else _range(site, d)
    tense = site.tense
    d = nearest_by_tense(site.today, tense, month, number)
    if d is None or context.is_yearly(site) or context.is_habit(site, present=tense is Tense.PRESENT):
        return None
    return _range(site, d, bare=True, tense=tense)


def _dated_weekday(today: date, weekday: int, month: int, number: int) -> date | None:
    """The day of that name near today; a weekday that fits no year near is a slip."""
    near = [valid(today.year + offset, month, number) for offset in (-1, 0, 1)]
    fitting = [d for d in near if d is not None and d.weekday() == weekday and abs((d - today).days) <= _FARTHEST_DAYS]
    return fitting[0] if len(fitting) == 1 else None


def _day_number(site: Site) -> int:
    word = site.group("day")
    if word[0].isdigit():
        return int(word.rstrip("stndrh"))
    tens, _, unit = word.partition("-")
    return ORDINALS[word] if not unit else {"twenty": 20, "thirty": 30}[tens] + ORDINALS[unit]


def _is_date(site: Site) -> bool:
    """Whether day and month make a date: "May 12 people" and "3 March hares" do not."""
    if site.match["month"].islower() and site.group("month") in {"may", "march", "mar", "dec", "jan", "sep"}:
        return site.before() in {"on", "by", "until", "since", "from", "to", "of"} and context.follows_freely(site, "")
    if site.before() in {"page", "no", "number", "section", "chapter", "verse", "room", "version", "v"}:
        return False
    placed = site.before() in {"on", "by", "until", "since", "before", "after", "from", "to"}
    return context.follows_freely(site, site.before()) or (placed and context.is_capital(site, site.last))


def nearest_by_tense(today: date, tense: Tense, month: int, number: int) -> date | None:
    """The next or the last day of that name, by the tense; None where the year is in doubt."""
    if tense is Tense.UNKNOWN:
        return None
    near = [d for offset in (-1, 0, 1) if (d := valid(today.year + offset, month, number)) is not None]
    past = tense is Tense.PAST
    fitting = [d for d in near if d <= today][-1:] if past else [d for d in near if d >= today][:1]
    farthest = _FARTHEST_BACK_DAYS if past else _FARTHEST_DAYS
    return fitting[0] if fitting and abs((fitting[0] - today).days) <= farthest else None


def _range(
    site: Site, last: date, *, relative: bool = True, bare: bool = False, tense: Tense = Tense.UNKNOWN
) -> Found | None:
    begin = site.group("from")
    if not begin:
        return site.on(last, relative=relative, bare=bare, tense=tense)
    first = last.replace(day=int(begin.rstrip("stndrh")))
    if first >= last:
        return None
    return Found(spans.days(first, last, site.zone), Granularity.DAY, relative, bare, tense)


def day_of_that_year(site: Site) -> Found:
    """ "12 June last year"."""
    steps = {"last": -1, "this": 0, "next": 1}
    year = site.today.year + steps[site.group("which")]
    return site.on(date(year, month_number(site.group("month")), _day_number(site)))


def iso_day(site: Site) -> Found:
    """ "2026-05-07"."""
    return site.on(date(int(site.group("year")), int(site.group("m")), int(site.group("d"))), relative=False)


def numeric_day(site: Site) -> Found | None:
    """ "13/06/2026": only where day and month cannot be taken for each other; with dots the day is first."""
    one, two, year = int(site.group("one")), int(site.group("two")), int(site.group("year"))
    if site.group("sep") == ".":
        return site.on(date(year, two, one), relative=False)
    if one == two or one > 12 >= two:
        return site.on(date(year, two, one), relative=False)
    return site.on(date(year, one, two), relative=False) if two > 12 >= one else None


def anchored(site: Site) -> Found:
    """What is rendered: "the week of 4 May 2026", "the evening of 11 May 2026"."""
    d = date(int(site.group("year")), month_number(site.group("month")), _day_number(site))
    kind = site.group("kind")
    return site.on(d, kind, relative=False) if kind in spans.PARTS else site.within(d, kind, relative=False)


def at_hour(site: Site) -> Found:
    """What is rendered: "07:00 on 7 May 2026", "7 May 2026, 07:00"."""
    d = date(int(site.group("year")), month_number(site.group("month")), _day_number(site))
    return Found(spans.hour(d, int(site.group("hour")), site.zone), Granularity.HOUR, relative=False)

"""What English expressions of a day mean: weekdays, "yesterday", "12 June", "on the 14th"."""

from __future__ import annotations

from datetime import date, timedelta

from memsvc.language import spans
from memsvc.language.dates import context
from memsvc.language.dates.mentions import Granularity
from memsvc.language.dates.site import Found, Site, ahead, back
from memsvc.language.dates.tense import Tense
from memsvc.language.dates.words import word_list, word_set

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
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
_FARTHEST_DAYS = 300
"""A date without a year that lies farther off, by its tense, may belong to another year."""
_SUNDAY, _SATURDAY = 6, 5
_SMALL_HOURS = 5
"""Before this hour "tonight" and "last night" may both mean the night that is passing."""
_RANGES = word_set("to through thru until till - –")
_LISTS = frozenset({"and", "or", ",", "/", "&"})


def month_number(name: str) -> int:
    """Number of a month by its name or abbreviation."""
    return _MONTHS[name[:3]]


def offset_day(site: Site) -> Found | None:
    """ "today", "yesterday", "the day after tomorrow", also with a part of the day."""
    word = site.group("word").removeprefix("the ")
    if _is_figurative(site, word):
        return None
    offsets = {"yesterday": -1, "today": 0, "tomorrow": 1, "tmrw": 1, "tmr": 1, "tomorow": 1, "tommorow": 1}
    offsets |= {"day before yesterday": -2, "day after tomorrow": 2}
    d = site.today + timedelta(days=offsets[word])
    return site.on(d, site.group("part"))


_GENERATION = word_set(
    """
    people kids youth children society world women men families companies teenagers students
    """
)
_NOWADAYS = word_set(
    """
    world society youth standards market economy kids generation children age day standard money
    """
)


def _is_figurative(site: Site, word: str) -> bool:
    if site.before() in {"like", "just", "born", "no", "of"} and word in {"yesterday", "tomorrow"}:
        return not (site.before() == "of" and site.before(2) in {"morning", "evening", "afternoon", "as", "night"})
    if word == "tomorrow" and site.after() in {"never", "week"}:
        return True
    if word == "today" and (site.before() in _GENERATION or site.after() in _NOWADAYS):
        return True
    if site.words.tokens[site.first][0].isupper():
        return context.is_capital(site, site.first)
    return False


def near_part(site: Site) -> Found | None:
    """ "tonight", "last night", "this morning", by the speaker's clock."""
    word = site.group("word")
    if word in ("tonight", "last night") and site.base.hour < _SMALL_HOURS:
        return None
    if context.is_capital(site, site.first):
        return None
    if word == "tonight":
        return site.on(site.today, "night")
    if word == "last night":
        return site.on(site.today - timedelta(days=1), "night")
    d = site.today - timedelta(days=word.startswith("last"))
    return site.on(d, site.group("part"))


def weekday(site: Site) -> Found | None:
    """A weekday, alone or with "last", "next", "this", also with a part of the day."""
    wanted = _weekday_number(site.group("weekday"))
    if not _is_written_out(site) or (context.is_before_name(site) and site.group("which")):
        return None
    which = site.group("which")
    if which:
        d = None if _is_picked(site) else _with_which(site, which, wanted)
        return None if d is None else site.on(d, site.group("part"))
    if not context.stands_alone(site):
        return None
    tense = site.tense
    if tense is Tense.UNKNOWN or wanted == site.today.weekday():
        return None
    if tense is Tense.PRESENT and _is_denied(site):
        return None
    if context.is_habit(site, present=tense is Tense.PRESENT) or _is_recurring_group(site, tense):
        return None
    d = back(site.today, wanted) if tense is Tense.PAST else ahead(site.today, wanted)
    return site.on(d, site.group("part"), bare=True, tense=tense)


def _is_denied(site: Site) -> bool:
    """ "The ferry doesn't run on Sunday" is a timetable; "we don't have a game on Sunday" is a plan."""
    negation = site.tenses.verb(site.first, site.last) in {"don't", "doesn't"}
    return negation and "have" not in site.words.lower[max(0, site.first - 6) : site.first]


def _weekday_number(name: str) -> int:
    return next(i for i, full in enumerate(WEEKDAYS) if full.startswith(name[:3]))


def _is_written_out(site: Site) -> bool:
    """An abbreviation counts with a capital and beside a preposition or a number: "Sun" and "Wed" are words."""
    name = site.group("weekday")
    if name in WEEKDAYS:
        return True
    written = site.match["weekday"]
    near = site.before() in context.PREPOSITIONS or bool(site.group("which")) or site.after()[:1].isdigit()
    return written[0].isupper() and near


def _is_picked(site: Site) -> bool:
    """ "the last Friday of May", "my last Monday", "Friday before last" are no offsets from today."""
    if site.before() in {"the", "my", "our", "your", "his", "her", "their", "every", "each", "very", "'s"}:
        return True
    return site.after() in {"of", "in", "before"} or context.is_capital(site, site.first)


def _with_which(site: Site, which: str, wanted: int) -> date | None:
    """A weekday with "last", "next" or "this", where the two ways to read it agree.

    "Next Friday" is the first Friday to come, or the Friday of next week; "last Friday" is the last one gone, or that
    of last week. Where the readings differ there is no date. On a Sunday weeks do not tell, as many begin theirs then.
    """
    today = site.today
    if which in {"coming", "this coming"}:
        return ahead(today, wanted)
    if which in {"past", "this past"}:
        return back(today, wanted)
    if which == "this":
        return _this_weekday(site, wanted)
    if today.weekday() == _SUNDAY:
        return None
    if which == "last":
        return back(today, wanted) if wanted >= today.weekday() else None
    return ahead(today, wanted) if wanted <= today.weekday() else None


def _this_weekday(site: Site, wanted: int) -> date | None:
    today = site.today
    if wanted == today.weekday():
        return None
    if wanted > today.weekday():
        return ahead(today, wanted)
    tense = site.tense
    if tense is Tense.UNKNOWN:
        return None
    return back(today, wanted) if tense is Tense.PAST else ahead(today, wanted)


def _is_recurring_group(site: Site, tense: Tense) -> bool:
    """Whether weekdays stand together as they do in a timetable: "Monday to Friday", "Tuesday and Thursday"."""
    name = site.group("weekday")[:3]
    for link, other, ends in (
        (site.before(), site.before(2), (site.before(2)[:3], name)),
        (site.after(), site.after(1), (name, site.after(1)[:3])),
    ):
        if _is_weekday(other) and link in _RANGES:
            return tense is Tense.PRESENT or ends in _WORKING_WEEKS
        if _is_weekday(other) and link in _LISTS:
            return tense is Tense.PRESENT and link != "or"
    return False


_WORKING_WEEKS = (("mon", "fri"), ("mon", "sat"), ("mon", "sun"), ("mon", "thu"), ("tue", "sat"), ("sun", "thu"))


def _is_weekday(word: str) -> bool:
    return word in WEEKDAYS or word.rstrip("s") in {"mon", "tue", "wed", "thu", "thur", "fri", "sat", "sun"}


def weekday_of_week(site: Site) -> Found | None:
    """ "Friday next week", "next week on Friday"."""
    if site.today.weekday() == _SUNDAY:
        return None
    steps = {"last": -1, "this": 0, "next": 1}
    monday = site.today - timedelta(days=site.today.weekday()) + timedelta(weeks=steps[site.group("which")])
    return site.on(monday + timedelta(days=_weekday_number(site.group("weekday"))), site.group("part"))


def weekday_and_number(site: Site) -> Found | None:
    """ "Friday the 11th": the nearest month whose 11th is a Friday; within two months, and only one."""
    wanted, number = _weekday_number(site.group("weekday")), int(site.group("day"))
    first = site.today.replace(day=1)
    months = [spans.shift(first, offset, "month") for offset in (-1, 0, 1, 2)]
    days = [month + timedelta(days=number - 1) for month in months]
    fitting = [d for d, month in zip(days, months, strict=True) if d.month == month.month and d.weekday() == wanted]
    if len(fitting) != 1 or (wanted, number) == (4, 13):
        return None
    return site.on(fitting[0])


def numbered_day(site: Site) -> Found | None:
    """ "on the 14th": of which month, the tense tells; what recurs monthly has none."""
    number = int(site.group("day"))
    if site.before() not in {"on", "by", "until", "till", "since", "from", "before", "after"}:
        return None
    if not context.follows_freely(site, ""):
        return None
    tense = site.tense
    near = site.words.lower[max(0, site.first - 12) : site.last + 6]
    if (
        tense is Tense.UNKNOWN
        or not _MONTHLY.isdisjoint(near)
        or context.is_habit(site, present=tense is Tense.PRESENT)
    ):
        return None
    step = -1 if tense is Tense.PAST else 1
    for offset in (0, step):
        first = spans.shift(site.today.replace(day=1), offset, "month")
        d = _valid(first.year, first.month, number)
        if d is None:
            return None
        if (d - site.today).days * step > 0:
            return site.on(d, bare=True, tense=tense)
    return None


_MONTHLY = word_set(
    """
    rent salary paid pay payday bill bills due billed invoice invoices monthly charged mortgage subscription
    month wages payroll paycheck statement renews
    """
)


def _valid(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


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
        near = [_valid(site.today.year + offset, month, number) for offset in (-1, 0, 1)]
        wanted = _weekday_number(site.group("weekday"))
        fitting = [d for d in near if d is not None and d.weekday() == wanted]
        if len(fitting) != 1 or abs((fitting[0] - site.today).days) > _FARTHEST_DAYS:
            return None
        return _range(site, fitting[0])
    near_words = site.words.lower[max(0, site.first - 14) : site.last + 8]
    if not _YEARLY.isdisjoint(near_words):
        return None
    tense = site.tense
    d = nearest_by_tense(site.today, tense, month, number)
    if d is None or context.is_habit(site, present=tense is Tense.PRESENT):
        return None
    return _range(site, d, bare=True, tense=tense)


_YEARLY = word_set("born birthday birthdays anniversary birthdate died founded bday b-day")


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
    return context.follows_freely(site, site.before()) or context.is_capital(site, site.last)


def nearest_by_tense(today: date, tense: Tense, month: int, number: int) -> date | None:
    """The next or the last day of that name, by the tense; None where the year is in doubt."""
    if tense is Tense.UNKNOWN:
        return None
    near = [d for offset in (-1, 0, 1) if (d := _valid(today.year + offset, month, number)) is not None]
    if tense is Tense.PAST:
        fitting = [d for d in near if d <= today][-1:]
    else:
        fitting = [d for d in near if d >= today][:1]
    return fitting[0] if fitting and abs((fitting[0] - today).days) <= _FARTHEST_DAYS else None


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

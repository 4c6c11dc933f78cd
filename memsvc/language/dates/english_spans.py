"""What English expressions longer than a day mean: weeks, months, seasons, years, counts of them, and holidays."""

from __future__ import annotations

from datetime import date, timedelta

from memsvc.language import spans
from memsvc.language.dates import context, verbs
from memsvc.language.dates.english_dates import month_number
from memsvc.language.dates.mentions import Granularity
from memsvc.language.dates.site import Found, Site
from memsvc.language.dates.verbs import Tense
from memsvc.language.dates.words import word_list, word_set

NUMBERS = {
    word: number
    for number, word in enumerate(
        word_list(
            """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen twenty
    """
        )
    )
} | {"a": 1, "an": 1}
_SUNDAY, _SATURDAY = 6, 5
_MOST_YEARS = 15
"""Of a count of years that is hardly a round one."""
_VAGUE = word_set(
    """
    about around almost over nearly than some roughly least most maybe like or to approximately ~ ± every
    perhaps only - – another circa and under barely further
    """
)
POSSESSIVES = word_set(
    """
    the my our your his her its their every each very a one two three 's whose
    """
)


def which_unit(site: Site) -> Found | None:
    """ "last week", "this weekend", "next month", "last year"."""
    which, unit = site.group("which"), site.group("unit")
    if site.before() in POSSESSIVES or context.is_capital(site, site.first) or _is_part_of_more(site):
        return None
    if unit == "weekend":
        return _weekend(site, which)
    if which in {"past", "this past", "coming", "this coming"}:
        return None
    step = {"last": -1, "this": 0, "next": 1}[which]
    if unit == "week" and site.today.weekday() == _SUNDAY:
        return None
    d = spans.shift(site.today.replace(day=1) if unit in {"month", "year"} else site.today, step, unit)
    return site.within(d, unit)


def _is_part_of_more(site: Site) -> bool:
    """ "last week of June", "next week or so", "the week after next"."""
    return site.after() in {"of", "after", "last", "next"} or (
        site.after() == "or" and site.after(1) in {"so", "two", "the", "maybe"}
    )


def _weekend(site: Site, which: str) -> Found | None:
    """On a weekday "next weekend" is this week's or next week's, on Monday "this weekend" is either: none there."""
    today = site.today
    saturday = today + timedelta(days=_SATURDAY - today.weekday())
    week = timedelta(weeks=1)
    if today.weekday() >= _SATURDAY:
        steps = {
            "last": -week,
            "past": -week,
            "this past": -week,
            "this": 0 * week,
            "next": week,
            "this coming": week,
            "coming": week,
        }
        if which == "this" and today.weekday() == _SUNDAY and site.tense is not Tense.PAST:
            return None
        return site.within(saturday + steps[which], "weekend")
    if which == "next":
        return None
    if which == "this" and site.tense is Tense.PAST:
        return None
    back = which in {"last", "past", "this past"}
    return site.within(saturday - week if back else saturday, "weekend")


def the_weekend(site: Site) -> Found | None:
    """ "over the weekend", by the tense; on a weekend it may be either."""
    tense = site.tense
    if (
        site.today.weekday() >= _SATURDAY
        or tense not in (Tense.PAST, Tense.FUTURE)
        or site.after() in {"of", "after", "before"}
    ):
        return None
    if context.is_habit(site, present=True):
        return None
    saturday = site.today + timedelta(days=_SATURDAY - site.today.weekday())
    return site.within(saturday - timedelta(weeks=tense is Tense.PAST), "weekend")


def ago(site: Site) -> Found | None:
    """ "three days ago", "a fortnight ago", "two hours ago"."""
    count = _count(site)
    if count is None or site.before() in _VAGUE:
        return None
    unit = site.group("unit")
    if unit == "hour":
        return _hours_ago(site, count)
    if unit == "fortnight":
        count, unit = 2 * count, "week"
    if unit == "year" and count > _MOST_YEARS:
        return None
    if site.group("today"):
        return site.on(spans.shift(site.today, -count, unit))
    return site.within(spans.shift(_anchor(site, unit), -count, unit), unit)


def _anchor(site: Site, unit: str) -> date:
    return site.today.replace(day=1) if unit in {"month", "year"} else site.today


def _hours_ago(site: Site, count: int) -> Found | None:
    if count >= 24:
        return None
    moment = site.base - timedelta(hours=count)
    return Found(spans.hour(moment.date(), moment.hour, site.zone), Granularity.HOUR)


def _count(site: Site) -> int | None:
    word = site.group("n")
    count = int(word) if word.isdigit() else NUMBERS[word]
    return count if count > 0 else None


def in_units(site: Site) -> Found | None:
    """ "in three days", "two weeks from now": only where it is no length of time, as in "done in three days"."""
    count = _count(site)
    if (
        count is None
        or site.before() in _VAGUE | {"once", "twice", "times", "all"}
        or site.after() in {"or", "and", "of", "flat", "-", "–"}
    ):
        return None
    tense = site.tense
    if not site.group("time") and not _looks_ahead(site, tense):
        return None
    if tense is Tense.PAST or (tense is Tense.UNKNOWN and not site.group("time")):
        return None
    unit = site.group("unit")
    if unit == "fortnight":
        count, unit = 2 * count, "week"
    if unit == "year" and count > _MOST_YEARS:
        return None
    if site.group("time").endswith("today"):
        return site.on(spans.shift(site.today, count, unit))
    return site.within(spans.shift(_anchor(site, unit), count, unit), unit)


def _looks_ahead(site: Site, tense: Tense) -> bool:
    verb = site.tenses.verb(site.first, site.last)
    if tense is Tense.PRESENT and site.words.begins_sentence(site.first):
        return True
    if tense is Tense.PRESENT:
        return verb in verbs.EVENT_FORMS or verb in {
            "is",
            "are",
            "am",
            "i'm",
            "we're",
            "it's",
            "he's",
            "she's",
            "they're",
        }
    return tense is Tense.FUTURE and verb not in {"can", "may", "might", "must", "should", "could", "would", "can't"}


def month(site: Site) -> Found | None:
    """A month without a year: "in June", "since March", "last May", "late August"."""
    name = site.group("month")
    number, which = month_number(name), site.group("which")
    if context.is_before_name(site) or context.is_named(site) or context.is_street(site):
        return None
    if which:
        return _which_month(site, which, number)
    if not _governs_month(site, name) or not context.follows_freely(site, ""):
        return None
    tense = site.tense
    if tense is Tense.UNKNOWN or context.is_yearly(site) or context.is_habit(site, present=tense is Tense.PRESENT):
        return None
    if tense is Tense.PRESENT and not _is_event(site):
        return None
    d = _month_by_tense(site.today, tense, number)
    return None if d is None else _bare(site.within(d, "month"), tense)


_EVENT_BE = word_set("is are it's there's i'm we're isn't aren't has have")
_NAMES = frozenset({"april", "may", "june", "august"})


def _is_event(site: Site) -> bool:
    verb = site.tenses.verb(site.first, site.last)
    return (
        verb in verbs.EVENT_FORMS
        or site.before() in {"until", "till", "by"}
        or (verb in _EVENT_BE and not _PLANS.isdisjoint(site.words.lower[max(0, site.first - 10) : site.first]))
    )


_PLANS = word_set(
    """
    wedding exam exams deadline due conference trip interview interviews appointment launch release surgery
    operation move election elections party graduation concert festival hearing trial due scheduled planned
    booked married
    """
)


def _bare(found: Found, tense: Tense) -> Found:
    return Found(found.interval, found.granularity, found.relative, bare=True, tense=tense)


def _governs_month(site: Site, name: str) -> bool:
    if site.group("stage"):
        return True
    before = site.before()
    if before in {"in", "since", "until", "till", "during", "throughout", "between"}:
        return True
    if before == "and" and site.before(3) == "between":
        return True
    return before in {"by", "from", "to", "before", "after"} and name not in _NAMES


def _month_by_tense(today: date, tense: Tense, number: int) -> date | None:
    """The month to come or gone; the current one only early in it, ahead; none where it lies about a year off."""
    if number == today.month:
        return today if tense is not Tense.PAST and today.day <= 15 else None
    ahead = (number - today.month) % 12
    offset = ahead if tense is not Tense.PAST else ahead - 12
    return spans.shift(today.replace(day=1), offset, "month") if -10 <= offset <= 8 else None


def _which_month(site: Site, which: str, number: int) -> Found | None:
    """ "last May" said in June may be this year's: none. "Next June" said in May likewise."""
    today = site.today
    if site.match["month"].islower() and site.group("month") in {"may", "march"}:
        return None
    if which in {"this coming", "coming"}:
        year = today.year + (number <= today.month)
    elif which in {"this past", "past"}:
        year = today.year - (number >= today.month)
    elif which == "this":
        year = today.year
    elif which == "last":
        if number < today.month:
            return None
        year = today.year - 1
    else:
        if number > today.month:
            return None
        year = today.year + 1
    return site.within(date(year, number, 1), "month")


def month_of_year(site: Site) -> Found:
    """ "June 2026"."""
    return site.within(date(int(site.group("year")), month_number(site.group("month")), 1), "month", relative=False)


def month_of_that_year(site: Site) -> Found:
    """ "June last year"."""
    steps = {"last": -1, "this": 0, "next": 1}
    year = site.today.year + steps[site.group("which")]
    return site.within(date(year, month_number(site.group("month")), 1), "month")


def year(site: Site) -> Found | None:
    """A year, where a preposition tells that the number is one."""
    before = site.before()
    if before not in {
        "in",
        "since",
        "during",
        "until",
        "till",
        "by",
        "from",
        "of",
        "before",
        "after",
        "around",
        "early",
        "late",
        "year",
    }:
        return None
    after = site.after()
    if after and after[0].isalnum() and not context.follows_freely(site, ""):
        return None
    return site.within(date(int(site.group("year")), 1, 1), "year", relative=False)

"""What English days near today mean: "yesterday", "last night", "on the 14th"."""

from __future__ import annotations

from datetime import timedelta

from memsvc.language import spans
from memsvc.language.dates import context
from memsvc.language.dates.english_dates import valid
from memsvc.language.dates.site import Found, Site
from memsvc.language.dates.verbs import Tense
from memsvc.language.dates.words import word_set

_SMALL_HOURS = 5
"""Before this hour "tonight" and "last night" may both mean the night that is passing."""


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
    if site.before() in {"week", "weeks", "fortnight", "ago", "month", "year"}:  # "a week tomorrow"
        return True
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
        d = valid(first.year, first.month, number)
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

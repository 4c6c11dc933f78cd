"""What English seasons and holidays mean."""

from __future__ import annotations

from datetime import date

from memsvc.language import spans
from memsvc.language.dates import context, verbs
from memsvc.language.dates.english_spans import POSSESSIVES
from memsvc.language.dates.mentions import Granularity
from memsvc.language.dates.site import Found, Site
from memsvc.language.dates.verbs import Tense
from memsvc.language.dates.words import word_set


def season(site: Site) -> Found | None:
    """A season with its year, with "last", "this" or "next", or by the tense ("in the summer")."""
    name, which = site.group("season") or site.group("named"), site.group("which")
    if site.group("year"):
        return Found(spans.season(int(site.group("year")), name, site.zone), Granularity.SEASON, relative=False)
    if context.is_capital(site, site.first) or site.after() in {
        "of",
        "term",
        "break",
        "school",
        "camp",
        "semester",
        "semesters",
    }:
        return None
    if not context.follows_freely(site, "on"):
        return None
    if not which and site.before() not in _DURING:
        return None
    tense = Tense.UNKNOWN if which else site.tense
    begins = _season_year(site.today, name, which, tense)
    if begins is None or (not which and context.is_habit(site, present=True)):
        return None
    return Found(spans.season(begins, name, site.zone), Granularity.SEASON)


_DURING = frozenset({"in", "over", "during", "until", "since"})


def _season_year(today: date, name: str, which: str, tense: Tense) -> int | None:
    """Year in which the meant season begins; None where two can be meant."""
    first = spans.SEASONS[name]
    if name == "winter":
        return _winter_year(today, which, tense)
    begun, over = today.month >= first, today.month >= first + 3
    years = {
        "this": today.year,
        "this coming": today.year + begun,
        "last": None if over else today.year - 1,
        "past": today.year - (not over),
        "this past": today.year - (not over),
        "next": today.year + 1 if begun else None,
        "coming": today.year + begun,
    }
    if which:
        return years[which]
    ahead, behind = today.year + over, today.year - (not over)
    return None if begun and not over else {Tense.FUTURE: ahead, Tense.PAST: behind}.get(tense)


def _winter_year(today: date, which: str, tense: Tense) -> int | None:
    if today.month in (12, 1, 2):
        current = today.year - (today.month < 3)
        return {"this": current, "last": current - 1, "next": current + 1}.get(which)
    if which == "last":
        return today.year - 1
    if which == "this coming" or (which == "this" and today.month >= 9) or (which == "next" and today.month < 8):
        return today.year
    return None


def holiday(site: Site) -> Found | None:
    """A holiday by its tense, or with "last", "this" or "next" where only one can be meant."""
    name, which = site.group("holiday"), site.group("which")
    if site.group("year"):
        return site.on(spans.holiday(name, int(site.group("year"))), relative=False)
    if not _is_holiday_date(site):
        return None
    tense = _holiday_tense(site, which)
    days = [spans.holiday(name, site.today.year + offset) for offset in (-1, 0, 1)]
    past, ahead = [d for d in days if d <= site.today], [d for d in days if d >= site.today]
    chosen = {Tense.PAST: past[-1:], Tense.FUTURE: ahead[:1], Tense.PRESENT: ahead[:1]}.get(tense)
    if not chosen or not _is_certain(chosen[0], site.today, which):
        return None
    return site.on(chosen[0], bare=not which, tense=tense)


def _holiday_tense(site: Site, which: str) -> Tense:
    if which:
        return Tense.PAST if which in {"last", "this past", "past"} else Tense.FUTURE
    tense = site.tenses.of(site.first, site.last, placed=False) if site.before() == "for" else site.tense
    general = tense is Tense.PRESENT and site.tenses.verb(site.first, site.last) not in verbs.VISITS
    return Tense.UNKNOWN if general or context.is_habit(site, present=True) else tense


def _is_certain(day: date, today: date, which: str) -> bool:
    """Whether only this year's can be meant: "next Christmas" said in November is not certain."""
    apart = abs((day - today).days)
    if which in {"last", "next"}:
        return apart >= _NEAR_DAYS
    return day.year == today.year if which == "this" else apart <= _FARTHEST_DAYS


_NEAR_DAYS, _FARTHEST_DAYS = 90, 330
_ON_HOLIDAY = word_set("on at for over by until till before after since during around from")


def _is_holiday_date(site: Site) -> bool:
    if context.is_before_name(site):
        return False
    if site.group("which"):
        return site.before() not in POSSESSIVES and not context.is_capital(site, site.first)
    return site.before() in _ON_HOLIDAY and context.follows_freely(site, "")

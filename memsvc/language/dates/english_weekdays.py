"""What English weekdays mean: "on Monday", "last Friday", "Friday next week"."""

from __future__ import annotations

from datetime import date, timedelta

from memsvc.language.dates import context
from memsvc.language.dates.site import Found, Site, ahead, back
from memsvc.language.dates.verbs import Tense
from memsvc.language.dates.words import word_set

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_SUNDAY = 6

_RANGES = word_set("to through thru until till - –")

_RECORDED = frozenset({"last", "previous", "latest"})

_LISTS = frozenset({"and", "or", ",", "/", "&"})


def weekday_number(name: str) -> int:
    """Number of a weekday, Monday 0, by its name or abbreviation."""
    return next(i for i, full in enumerate(WEEKDAYS) if full.startswith(name[:3]))


def weekday(site: Site) -> Found | None:
    """A weekday, alone or with "last", "next", "this", also with a part of the day."""
    if not _is_written_out(site):
        return None
    wanted, which = weekday_number(site.group("weekday")), site.group("which")
    if not which:
        return _bare_weekday(site, wanted)
    d = None if _is_picked(site) else _with_which(site, which, wanted)
    return None if d is None else site.on(d, site.group("part"))


def _bare_weekday(site: Site, wanted: int) -> Found | None:
    """By the tense; on the same day of the week it may be today or a week off."""
    if wanted == site.today.weekday() or not context.stands_alone(site) or _is_of_record(site):
        return None
    tense = site.tense
    present = tense is Tense.PRESENT
    recurs = (
        context.is_habit(site, present=present) or _is_recurring_group(site, tense) or (present and _is_denied(site))
    )
    if tense is Tense.UNKNOWN or recurs or (tense is Tense.PAST and site.after() == "instead"):
        return None
    d = back(site.today, wanted) if tense is Tense.PAST else ahead(site.today, wanted)
    return site.on(d, site.group("part"), bare=True, tense=tense)


def _is_of_record(site: Site) -> bool:
    """Whether a label before it says what was done: "Last login: Tuesday" is gone, "Cancelled: Saturday" may be ahead.

    A label has no tense of its own.
    """
    if site.before() != ":":
        return False
    label = [site.before(count) for count in range(2, 6)]
    return label[0].endswith("ed") or not _RECORDED.isdisjoint(label)


def _is_denied(site: Site) -> bool:
    """ "The ferry doesn't run on Sunday" is a timetable; "we don't have a game on Sunday" is a plan."""
    negation = site.tenses.verb(site.first, site.last) in {"don't", "doesn't"}
    return negation and "have" not in site.words.lower[max(0, site.first - 6) : site.first]


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
    named = context.is_before_name(site) or context.is_capital(site, site.first)
    return named or site.after() in {"of", "in", "before"}


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
    return site.on(monday + timedelta(days=weekday_number(site.group("weekday"))), site.group("part"))

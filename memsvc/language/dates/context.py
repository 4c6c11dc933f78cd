"""What the words around an English date say of it: a name, a habit, an attribute of a noun, a street."""

from __future__ import annotations

import re

from memsvc.language.dates.site import Site
from memsvc.language.dates.words import word_set

PREPOSITIONS = word_set(
    """
    on by until till since before after from to for starting beginning around at
    """
)
"""That can stand before a bare weekday that is a date."""
_DETERMINERS = word_set(
    """
    a an the my our your his her its their this that these those some any no every each another other one two
    three four five six first second third fourth last next which what whose most many all both several same
    previous following
    """
)
_FOLLOWING = word_set(
    """
    at in on to and or but for with from by because if when so then after before until till through i we you he
    she it they it's i'm i'll we're we'll i've we've she's he's is isn't was wasn't are were will won't would
    wouldn't can can't could should might may must works work suits suit sounds looks seems does doesn't did
    morning afternoon evening night noon lunchtime midday early late latest instead too also again already
    though although since while where which who that as either only not my our your his her their the a an this
    there here please thanks ok okay maybe probably around about via without right just went goes turned felt
    came starts ends next last per unless than latest we'd i'd anyway yet both alone onwards onward eod cob
    sharp straight everyone everybody nobody someone what how why no yes tomorrow today yesterday midnight
    between during over has have had
    """
)
"""Words behind which a date stands on its own and is no attribute of what follows."""
_ATTRIBUTE_ADJECTIVES = word_set(
    """
    good black blue wet rainy lazy sunny busy crazy quiet taco casual cyber giving fat super manic happy holy
    ash palm easter whit maundy shrove bloody typical random whole entire ordinary average meatless sheer spy
    mad merry big ruby
    """
)
_NAMING = word_set(
    """
    named called name nicknamed mr mr. mrs ms miss dr aunt uncle auntie hi hello hey dear hiya with like is's
    loves cousin sister brother
    """
)
_PERSONS = word_set(
    """
    sister brother daughter son cat dog friend boss cousin aunt niece nephew colleague wife husband mother
    father mum mom dad name horse puppy kitten nickname girlfriend boyfriend neighbour neighbor parrot rabbit
    pet child baby character song film movie album band hamster
    """
)
_SAYING = word_set(
    """
    said says told asked thinks wants loves likes hates and wrote replied texted knows
    """
)
_HABITS = word_set(
    """
    every each always usually normally typically generally regularly often mostly sometimes occasionally
    whenever weekly fortnightly monthly daily weekdays weekends mondays tuesdays wednesdays thursdays fridays
    saturdays sundays annually yearly traditionally alternate rarely seldom
    """
)
_HABITS_OF_PRESENT = word_set("only never open opens close closes closed hours except")
_STREETS = word_set(
    """
    street st road rd avenue ave lane square sq boulevard blvd drive place plaza court bridge station park way
    terrace close
    """
)
_STREETS_BEFORE = word_set(
    """
    rua avenida av calle plaza praça via piazza viale rue place boulevard corso largo straße strasse des
    """
)


def is_capital(site: Site, index: int) -> bool:
    """Whether the token at `index` is a word with a capital that its sentence does not explain."""
    words = site.words
    if not 0 <= index < len(words.tokens) or words.sentences[index] != words.sentences[site.first]:
        return False
    token = words.tokens[index]
    if token in {"I", "I'm", "I'll", "I've", "I'd", "OK", "AM", "PM", "EOD", "COB"} or not token[0].isupper():
        return False
    return not words.begins_sentence(index)


def is_named(site: Site) -> bool:
    """Whether the word of a weekday or month may be a name, or part of one."""
    words = site.words
    if site.before() in _NAMING or (site.before() == "." and site.before(2) in {"mr", "mrs", "ms", "dr"}):
        return True
    if site.after() in {"is", "was", "'s"} and not _PERSONS.isdisjoint(words.lower[site.last : site.last + 5]):
        return True
    if site.after() in _SAYING and site.after() != "and":
        return True
    return bool(
        words.tokens[site.first][0].isupper() and is_capital(site, site.first - 1) and _joined(site, site.first - 1)
    )


def _joined(site: Site, index: int) -> bool:
    """Whether only blanks stand between the token at `index` and the next."""
    words = site.words
    return words.text[words.ends[index] : words.starts[index + 1]].isspace()


def is_before_name(site: Site) -> bool:
    """Whether a word with a capital follows directly: "Sunday Times", "Friday Night Lights"."""
    return is_capital(site, site.last) and _joined(site, site.last - 1)


def is_habit(site: Site, *, present: bool) -> bool:
    """Whether the words around tell of what recurs. `present`: in a clause of the present tense."""
    words = site.words
    sentence = words.sentences[site.first]
    begin, end = max(0, site.first - 14), site.last + 9
    for index in range(begin, min(end, len(words.lower))):
        if words.sentences[index] != sentence:
            continue
        word = words.lower[index]
        if word in _HABITS or (present and word in _HABITS_OF_PRESENT):
            return True
        if word == "a" and words.word(index + 1) in {"week", "month"} and words.word(index - 1) in _COUNTS:
            return True
    return False


_COUNTS = word_set("once twice times days hours evenings nights mornings")


def stands_alone(site: Site) -> bool:
    """Whether a bare weekday is a date of its own: no attribute, not counted from, not picked out by an article."""
    return not (_is_attribute(site) or _is_counted_from(site) or _is_picked_out(site) or _is_told_apart(site)) and (
        follows_freely(site, site.before())
    )


def _is_attribute(site: Site) -> bool:
    """ "Good Friday", "a lazy Sunday", "about Saturday", "at Friday's"."""
    before, second = site.before(), site.before(2)
    if before in _DETERMINERS or before in _ATTRIBUTE_ADJECTIVES or is_named(site):
        return True
    if (before in _NOT_BEFORE and second != "as") or (before == "about" and second not in {"how", "what"}):
        return True
    if _is_title_word(site) or _is_paired_with_name(site) or (before == "on" and _MANY.search(second)):
        return True
    return second in {"a", "an", "another"} and before.endswith(("y", "ful", "ous", "less"))


_MANY = re.compile(r"(?:\w{3}ings|\w(?:ies|ments|tions))$")
"""Nouns of many things: "deliveries on Friday" are those of every Friday."""


def _is_paired_with_name(site: Site) -> bool:
    """ "Crusoe and Friday": joined to a name, a weekday is one too."""
    index = site.first - 2
    if site.before() != "and" or index < 1:
        return False
    token = site.words.tokens[index]
    return token[0].isupper() and not token.lower().endswith("day") and not site.words.begins_sentence(index)


def _is_title_word(site: Site) -> bool:
    """Whether an unknown word with a capital begins the sentence right before: "Pancake Tuesday was fun". A note of a
    time is none: "Dentist Tuesday 15:00"."""
    index = site.first - 1
    if index < 0 or not site.before() or not site.words.tokens[index][0].isupper():
        return False
    known = site.tenses.signal(index) is not None or site.before() in PREPOSITIONS | _FOLLOWING
    return not known and site.words.begins_sentence(index) and not site.after()[:1].isdigit()


def _is_counted_from(site: Site) -> bool:
    """ "A week from Monday", "three weeks ago on Monday", "Monday week"."""
    before, after = site.before(), site.after()
    if before == "ago" or (before in {"on", "from", "after", "before"} and site.before(2) in _COUNTED):
        return True
    return after in {"week", "fortnight"}


def _is_picked_out(site: Site) -> bool:
    """ "Monday of that week", "Friday before last", "Saturday next"."""
    after = site.after()
    return after in {"last", "next", "of"} or (
        after in {"after", "before"} and site.after(1) in {"next", "last", "that"}
    )


def _is_told_apart(site: Site) -> bool:
    """What a day is called, or what it is for: "it's Friday", "is it Friday", "Friday is pizza night"."""
    before, second, after = site.before(), site.before(2), site.after()
    if after == "is" and (site.after(1) in {"when", "usually", "always"} or _is_named_day(site)):
        return True
    if before == "since" and site.match.group().endswith(("'s", "’s")):
        return True
    if (
        before in _BE
        and second in {"day", "night", "off"}
        and _SINGLE_DAYS.isdisjoint((site.before(3), site.before(4)))
    ):
        return True
    called = before in _BE and second in _IDENTIFIED | {""}
    asked = before in _IDENTIFIED and second in _BE
    return before in {"it's", "its", "that's"} or called or asked


def _is_named_day(site: Site) -> bool:
    """Whether what follows names a day that comes back: "Friday is pizza night", "Sunday is my day off"."""
    words = [site.after(count) for count in range(1, 5)]
    if words[0] in {"the", "a"} or "last" in words or "first" in words or "big" in words:
        return False
    return any(word in {"night", "day", "evening"} for word in words)


_SINGLE_DAYS = word_set("last first next big due wedding moving final exam results election delivery")
_COUNTED = word_set("week weeks fortnight days day ago")
_BE = word_set("is was be being 's isn't wasn't")
_NOT_BEFORE = word_set("at of than regarding with without against like as why instead re")
"""Words behind which a bare weekday is no point in time."""
_IDENTIFIED = word_set("it today tomorrow yesterday that this when since it's if")
_ATTRIBUTED = word_set(
    """
    roast roasts school prayers mass service league market nights mornings evenings afternoons brunch person
    people blues club edition paper papers papers' prayer sermon special specials crowd shift shifts meeting
    class classes lunch dinner football game games deadline release movie film
    """
)


def follows_freely(site: Site, before: str) -> bool:
    """Whether what follows a date does not make it an attribute of a noun."""
    after = site.after()
    if not after or not after[0].isalnum() or site.match.group().endswith(("'s", "’s")):
        return True
    if is_before_name(site):
        return before == "on" and site.words.begins_sentence(site.first - 1)
    if after in _FOLLOWING or after[0].isdigit():
        return True
    return before in PREPOSITIONS and after not in _ATTRIBUTED


def is_street(site: Site) -> bool:
    """Whether a date is part of an address: "12 May Street", "Rua 25 de Abril"."""
    if site.after() in _STREETS and not (site.after() == "st" and site.after(1)[:1].isdigit()):
        return True
    return any(
        site.before(count) in _STREETS_BEFORE and site.words.tokens[site.first - count][0].isupper() for count in (1, 2)
    )


def is_yearly(site: Site) -> bool:
    """Whether the words around tell of what comes back each year, or happened in a year that is not said."""
    return not _YEARLY.isdisjoint(site.words.lower[max(0, site.first - 14) : site.last + 8])


_YEARLY = word_set("born birthday birthdays birthdate bday anniversary died founded")

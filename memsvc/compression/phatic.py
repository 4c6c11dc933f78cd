"""Which sentences say nothing worth remembering: greetings, thanks, reactions, questions without a subject.

A sentence is judged by what it does not hold. It says nothing only if each of its words is on the lists below and one
of them greets, thanks, agrees or judges. Persons that something could be told of ("I", "she", "we"), negations, verbs
of doing, numbers and names are on no list, so a sentence with one of them is always kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from memsvc.compression.phatic_words import (
    ASKING,
    ASSENTS,
    CONNECTING,
    GREETINGS,
    IDIOM,
    JUDGING,
    OPENERS,
    PERSONS,
    THANKS,
    WHOLE,
)
from memsvc.compression.reasons import Reason
from memsvc.language.words import tokenize

_CORE = GREETINGS | THANKS | ASSENTS | JUDGING
_ALL = _CORE | CONNECTING
_NO_ANSWER = OPENERS | THANKS | CONNECTING

_IDIOM_CORE = "thanks"
_WORD_CHARACTERS = re.compile(r"[^\W_]+")
_QUESTION_MARK = re.compile(r"[?？؟]")


def nothing_said(sentence: str, *, names: frozenset[str], answering: bool) -> Reason | None:
    """Why a sentence may be left out; None when it says something, or may.

    `names` are the case-folded words of the names of those present: to call somebody is no news. `answering` says that
    the sentence may answer a question: then only what greets or thanks, and neither agrees nor judges, is left out.
    """
    core = _words(sentence, names, idioms=not answering)
    if core is None:
        return None
    if not core:
        return None if answering else Reason.REACTION
    if _QUESTION_MARK.search(sentence):
        return Reason.EMPTY_QUESTION if not answering and all(word in ASKING for word in core) else None
    if not all(word in _ALL for word in core) or _CORE.isdisjoint(core) or _capitalised(sentence, names):
        return None
    if answering and not all(word in _NO_ANSWER for word in core):
        return None
    return _kind(core)


def reacts(sentence: str, *, names: frozenset[str]) -> bool:
    """Whether most of a sentence is reaction, and the rest are words that tell nothing of anybody in particular.

    A clause without a word that judges or greets may ask for something ("Great, bring it"), and so may what agrees
    ("Sure at noon"): neither only reacts. Nor does what is said of a thing in other words ("good, it is cancelled").
    """
    core = _words(sentence, names, idioms=True)
    if not core or _QUESTION_MARK.search(sentence) or _CORE.isdisjoint(core) or not PERSONS.isdisjoint(core):
        return False
    if not ASSENTS.isdisjoint(core):
        return False
    for clause in _CLAUSE.split(sentence):
        words = _words(clause, names, idioms=True) or []
        if _CORE.isdisjoint(words) and not all(word in _ALL for word in words):
            return False
    about_event = not _WISHES.isdisjoint(core) and not all(word in _ALL for word in core)
    telling = (
        about_event
        or _says_of_it(core)
        or any(_NEGATION.fullmatch(word) for word in core)
        or _capitalised(sentence, names)
    )
    return not telling and sum(word in _ALL for word in core) >= _REACTING * len(core)


def _says_of_it(words: Sequence[str]) -> bool:
    """Whether the first word behind a copula that is more than a link neither judges nor greets."""
    behind = False
    for word in words:
        if word in _COPULAS:
            behind = True
        elif behind and word not in CONNECTING:
            if word not in _CORE:
                return True
            behind = False
    return False


def _capitalised(sentence: str, names: frozenset[str]) -> bool:
    """Whether a word after the first has a capital, and so may name something."""
    return any(word[:1].isupper() and word.casefold() not in names for word in _WORD_CHARACTERS.findall(sentence)[1:])


_WISHES = frozenset({"congrats", "congratulations", "luck", "sorry", "enjoy"})
"""What is wished for besides happened, or will: "Congrats on the baby!"."""
_COPULAS = frozenset(
    {"is", "are", "was", "were", "be", "been", "it's", "that's", "this", "it", "that", "there", "there's"}
)
"""Behind them, and behind what they stand for, stands what is said of something."""
_REACTING = 0.6
"""Share of a sentence's words from which it is mostly reaction; a judgement."""
_CLAUSE = re.compile(r"[,;:–—…]|\.\.|\s-\s")
_NEGATION = re.compile(r"not|no|never|none|nothing|nobody|without|cannot|nope|nah|\w+n't|(?:i|we|he|she|they)'\w+")


def _words(sentence: str, names: frozenset[str], *, idioms: bool) -> list[str] | None:
    """The words that decide, set phrases and names of those present left out; None with numbers or code."""
    if any(character.isdigit() or character in "`@/\\=<>{}|#" for character in sentence):
        return None
    letters = "".join(_WORD_CHARACTERS.findall(sentence))
    if idioms and letters in WHOLE:
        return [_IDIOM_CORE]
    plain = sentence.replace("’", "'")
    plain = IDIOM.sub(f" {_IDIOM_CORE} ", plain) if idioms else plain
    return [word for word in tokenize(plain) if word not in names or _NEGATION.fullmatch(word)]


def _kind(words: list[str]) -> Reason:
    for reason, vocabulary in ((Reason.THANKS, THANKS), (Reason.GREETING, GREETINGS)):
        if any(word in vocabulary for word in words):
            return reason
    return Reason.ACKNOWLEDGEMENT if any(word in ASSENTS for word in words) else Reason.REACTION

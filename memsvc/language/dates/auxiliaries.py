"""The tense that English auxiliaries signal: forms of be and have, modals."""

from __future__ import annotations

from collections.abc import Callable

from memsvc.language.dates import past_forms, verbs
from memsvc.language.dates.verbs import Tense
from memsvc.language.dates.words import Words, after_adverbs, word_set

BE_PRESENT = word_set("am is are isn't aren't ain't i'm you're we're they're there's im")
BE_PAST = word_set("was were wasn't weren't")
BE_OR_HAVE = word_set("he's she's it's that's who's what's where's when's everything's everyone's")
HAVE = word_set("have has haven't hasn't i've you've we've they've had hadn't")
WILL = word_set(
    "will won't shall gonna i'll you'll we'll they'll he'll she'll it'll that'll there'll who'll let's wanna"
)
MODALS = word_set("can can't cannot may might must should shouldn't mustn't needn't")
WOULD = word_set("would could wouldn't couldn't i'd you'd he'd she'd we'd they'd it'd that'd")
DO = word_set("do does don't doesn't")
ALL = BE_PRESENT | BE_PAST | BE_OR_HAVE | HAVE | WILL | MODALS | WOULD | DO | {"did", "didn't"}
_GOVERNING = (ALL - BE_PRESENT) | {"to"}
"""Behind these "do" is an infinitive."""
_LIKING = word_set("like love prefer rather suggest say need appreciate")
_OPEN_PAST = word_set(
    """
    going supposed meant due scheduled expected planned planning hoping about to booked set wondering
    thinking looking expecting preparing discussing dreading asking arranging organising organizing booking
    packing
    """
)
"""Behind "was" and "were" they leave open when: "was supposed to", "were hoping"."""
_DETERMINERS = word_set("my your his her our their a the this that its good")
_BEFORE_MAY = word_set("in of since until till by early late mid last next this from to through")
"""Before the month."""


def read(words: Words, index: int) -> Tense | None:
    """The tense that the auxiliary at `index` signals; None when it is no finite verb there."""
    return _READERS[words.lower[index]](words, index)


def is_progressive(word: str) -> bool:
    """Whether a word has the form of a present participle."""
    return len(word) > 4 and word.endswith("ing") and word not in _NO_PARTICIPLES


_NO_PARTICIPLES = word_set("thing something nothing anything morning evening everything during being")


def _was(words: Words, index: int) -> Tense:
    near, back = words.lower[index + 1 : index + 4], words.lower[max(0, index - 3) : index]
    if words.lower[index] in {"wasn't", "weren't"} and words.begins_sentence(index):
        return Tense.UNKNOWN
    return Tense.UNKNOWN if not _OPEN_PAST.isdisjoint(near) or {"wish", "if"} & set(back) else Tense.PAST


def _present(words: Words, index: int) -> Tense:
    near = words.lower[index + 1 : index + 4]
    ahead = near[:1] == ["to"] or any(is_progressive(word) or word == "gonna" for word in near)
    return Tense.FUTURE if ahead else Tense.PRESENT


def _have(words: Words, index: int) -> Tense | None:
    word, before = words.lower[index], words.word(index - 1)
    after = after_adverbs(words, index)
    following = words.word(after)
    if word in {"had", "hadn't"}:
        return Tense.FUTURE if words.word(index + 1) == "better" else Tense.PAST
    if word == "have" and before in {"to", "could", "would", "should", "might", "must"}:
        return None
    if following != "got" and past_forms.is_participle(following):
        return _perfect(words, after)
    if following == "to":
        return Tense.FUTURE
    return _present(words, index) if word in BE_OR_HAVE else Tense.PRESENT


def _perfect(words: Words, participle: int) -> Tense:
    """A perfect says nothing of when, but what it settles lies ahead: "I've booked a table for Saturday"."""
    near = words.lower[participle + 1 : participle + 9]
    verb = words.word(participle + 1) if words.word(participle) == "been" else words.word(participle)
    settled = verb in verbs.SCHEDULING and not {"for", "to", "until", "till"}.isdisjoint(near)
    return Tense.FUTURE if settled else Tense.UNKNOWN


def _modal(words: Words, index: int) -> Tense | None:
    word = words.lower[index]
    if word == "may" and (words.tokens[index] != "may" or words.word(index - 1) in _BEFORE_MAY):
        return None
    after = words.lower[index + 1 : index + 5]
    if "have" in after[:2] and past_forms.is_participle(words.word(index + 2 + after.index("have"))):
        return Tense.UNKNOWN if word.startswith("should") else Tense.PAST
    return Tense.FUTURE


def _would(words: Words, index: int) -> Tense | None:
    """ "Would" reports as well as it proposes: ahead only where it asks, wishes or proposes."""
    word, after = words.lower[index], after_adverbs(words, index)
    following = words.word(after)
    if "have" in (following, words.word(after + 1)):
        return Tense.UNKNOWN
    asks = words.begins_sentence(index) and word in {"would", "could"}
    proposes = word == "could" and (words.word(index - 1) in {"we", "you"} or following == "do")
    suits = word == "would" and following in {"be", "work", "suit"}
    return Tense.FUTURE if following in _LIKING or asks or proposes or suits else Tense.UNKNOWN


def _will(words: Words, index: int) -> Tense | None:
    named = words.tokens[index] == "Will" or (words.lower[index] == "will" and words.word(index - 1) in _DETERMINERS)
    return None if named and not words.begins_sentence(index) else Tense.FUTURE


def _do(words: Words, index: int) -> Tense | None:
    word = words.lower[index]
    if word == "do" and not _GOVERNING.isdisjoint(words.lower[max(0, index - 3) : index]):
        return None
    return Tense.FUTURE if word == "don't" and words.begins_sentence(index) else Tense.PRESENT


def _did(words: Words, index: int) -> Tense | None:
    return Tense.PAST


_READERS: dict[str, Callable[[Words, int], Tense | None]] = {
    word: reader
    for forms, reader in (
        (WOULD, _would), (MODALS, _modal), (WILL, _will), (DO, _do), ({"did", "didn't"}, _did), (HAVE, _have),
        (BE_OR_HAVE, _have), (BE_PRESENT, _present), (BE_PAST, _was),
    )
    for word in forms
}  # fmt: skip

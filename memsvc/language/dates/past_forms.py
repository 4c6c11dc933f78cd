"""Whether an English past form is a finite verb where it stands, or a participle, an adjective or a noun."""

from __future__ import annotations

from memsvc.language.dates import verbs
from memsvc.language.dates.verbs import Tense
from memsvc.language.dates.words import PRONOUNS, SINGULAR_PRONOUNS, Words, word_before, word_set

DETERMINERS = word_set(
    """
    a an the my our your his her its their this that these those some any no every each another two three
    four five six seven eight nine ten several many few more most of very so too as
    """
)
_HELPERS = word_set(
    """
    have has haven't hasn't having i've you've we've they've had hadn't i'd am is are be been being isn't
    aren't ain't i'm you're we're they're he's she's it's that's there's what's was were wasn't weren't get
    gets getting got gotten
    """
)
"""Before a participle."""
_PREPOSITIONS = word_set("in on at by with for from to of about into over under between without newly well")
_ADVERBIAL = word_set("on in at last this yesterday from after before during since")
"""Behind a finite verb rather than behind a participle that stands before its noun."""
_CAUSING = word_set("have has having had get gets getting got need needs want wants")
_PLURAL = word_set("i you we they both people children kids folks all")
_GOT_HAPPENED = word_set(
    """
    married engaged divorced back home up sick ill paid there here it the in out off on fired promoted hired
    laid hurt hit stuck lost through rid together into drunk caught robbed my his her our their some your
    him them us
    """
)
_LEFT_NOUNS = word_set(
    """
    knee hand foot leg arm side ear eye shoulder wrist hip lane turn ankle elbow lung kidney breast wing
    back over overs
    """
)
_OBJECTS = word_set("me him her us them my his our their")


def read(words: Words, index: int) -> Tense | None:
    """The tense that the past form at `index` signals; None when it is no finite verb there."""
    word, before = words.lower[index], word_before(words, index)
    relative = before == "that" and words.word(index + 1) in _ADVERBIAL  # "the rain that began on Sunday"
    if before in _HELPERS or (before in DETERMINERS and not relative) or _is_caused(words, index):
        return None
    if word in verbs.PAST:
        return _irregular(words, index, word, before)
    if word in verbs.PAST_OR_NOUN:
        bitten = word == "bit" and words.word(index + 1) in _OBJECTS
        return Tense.PAST if before in PRONOUNS or bitten else None
    if word in verbs.PAST_OR_BASE:
        return _past_or_base(words, index, before)
    return _regular(words, index, word, before)


def is_participle(word: str) -> bool:
    """Whether a word has the form of a past participle."""
    return word in verbs.PARTICIPLES or word in verbs.PAST or is_regular(word)


def is_regular(word: str) -> bool:
    """Whether a word is a form in -ed of a regular verb."""
    return len(word) > 3 and word.endswith("ed") and word not in verbs.NO_PAST_ED


def _is_caused(words: Words, index: int) -> bool:
    """Whether a participle tells what is had done: "having his knee replaced", "gets her hair cut"."""
    clause = words.clauses[index]
    near = [words.lower[at] for at in range(max(0, index - 4), index) if words.clauses[at] == clause]
    return len(near) > 1 and not _CAUSING.isdisjoint(near[:-1]) and near[-1] not in PRONOUNS | _CAUSING


def _irregular(words: Words, index: int, word: str, before: str) -> Tense | None:
    if word == "got":
        return Tense.PAST if words.word(index + 1) in _GOT_HAPPENED else Tense.UNKNOWN
    if word == "left" and (words.word(index + 1) in _LEFT_NOUNS or before in {"to", "on", "turn"}):
        return None
    return Tense.PAST


def _past_or_base(words: Words, index: int, before: str) -> Tense | None:
    if before in SINGULAR_PRONOUNS:
        return Tense.PAST
    named = index > 0 and words.tokens[index - 1][:1].isupper()
    if before in _PLURAL or named:
        return Tense.UNKNOWN
    return Tense.FUTURE if words.begins_sentence(index) else None


def _regular(words: Words, index: int, word: str, before: str) -> Tense | None:
    after = words.word(index + 1)
    if word == "used":
        return Tense.UNKNOWN if after == "to" else (Tense.PAST if before in PRONOUNS else None)
    if before in _PREPOSITIONS:
        return None
    if word in verbs.SCHEDULING and after in {"for", "to", "until"} and before not in PRONOUNS:
        return Tense.FUTURE if before else Tense.UNKNOWN
    return Tense.PAST

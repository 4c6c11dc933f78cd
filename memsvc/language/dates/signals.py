"""The tense signals of all words of an English text, read in one pass."""

from __future__ import annotations

from memsvc.language.dates import auxiliaries, past_forms, verbs
from memsvc.language.dates.past_forms import DETERMINERS
from memsvc.language.dates.verbs import Tense
from memsvc.language.dates.words import SINGULAR_PRONOUNS, Words, after_adverbs, word_before, word_set

_PLURAL = word_set("i you we they both people children kids folks y'all guys all")
_DAYS = word_set("monday tuesday wednesday thursday friday saturday sunday tomorrow that")
_ASKING = word_set("please pls kindly")
_INVERTED = 3
"""Words from an auxiliary to the verb it governs with the subject between: "did you ever go"."""
_OBJECTS = word_set("work help change cover love rest face head part lunch visit support call play need paint water")
"""Nouns that often are an object without an article: "started work"."""
_PAST_FORMS = verbs.PAST | verbs.PAST_OR_NOUN | verbs.PAST_OR_BASE | {"used"}
_PRESENT_FORMS = verbs.BASE | verbs.THIRD | verbs.THIRD_OR_NOUN | verbs.PROGRESSIVE
_KNOWN = auxiliaries.ALL | _PAST_FORMS | _PRESENT_FORMS | {"to", "about"}
"""Words that can signal a tense, besides forms in -ed and in 's."""
_PLANNED = word_set(
    """
    deadline due appointment appt rsvp eta reminder todo agenda itinerary schedule upcoming reservation
    dentist ooo back until till by
    """
)
_HOURS = word_set("one two three four five six seven eight nine ten eleven twelve noon half quarter")


class Signals:
    """Which words signal a tense, and what stands nearest to each token.

    Attributes:
        of: the tense each token signals, None where it is no finite verb.
        latest: index of the nearest signal at or before each token within its clause, -1 without one.
        following: index of the nearest signal at or after each token, -1 without one.
        first, last: of each clause that has a signal, the index of its first and last.
        mixed: clauses with a past signal and another.
        weak: sentence-initial signals that may be no finite verb: "Work on Monday was fun".
        verbal: sentences with a signal.
        planned: sentences with a word of what is planned, or with a clock time.
        told_past: whether anything in the text signals the past.
    """

    def __init__(self, words: Words) -> None:
        self._words = words
        self.of: list[Tense | None] = [None] * len(words.lower)
        self.latest = [-1] * len(words.lower)
        self.first: dict[int, int] = {}
        self.last: dict[int, int] = {}
        self.mixed: set[int] = set()
        self.weak: set[int] = set()
        self.verbal: set[int] = set()
        self.planned: set[int] = set()
        self.told_past = False
        self._read()
        self.following = self._nearest_following()

    def _read(self) -> None:
        words = self._words
        previous, clause = -1, -1
        for index, word in enumerate(words.lower):
            if words.clauses[index] != clause:
                clause, previous = words.clauses[index], -1
            signal = self._signal(index, word, previous)
            if signal is not None:
                self._note(index, clause, signal, previous)
                previous = index
            elif word in _PLANNED or _is_clock(words, index):
                self.planned.add(words.sentences[index])
            self.latest[index] = previous

    def _note(self, index: int, clause: int, signal: Tense, previous: int) -> None:
        self.of[index] = signal
        self.first.setdefault(clause, index)
        self.last[clause] = index
        self.verbal.add(self._words.sentences[index])
        self.told_past = self.told_past or signal is Tense.PAST
        if previous >= 0 and (signal is Tense.PAST) != (self.of[previous] is Tense.PAST):
            self.mixed.add(clause)

    def _nearest_following(self) -> list[int]:
        found, nearest = [-1] * len(self.of), -1
        for index in range(len(self.of) - 1, -1, -1):
            if self.of[index] is not None:
                nearest = index
            found[index] = nearest
        return found

    def _signal(self, index: int, word: str, previous: int) -> Tense | None:
        words = self._words
        if word not in _KNOWN and not word.endswith(("ed", "'s")):
            return None
        if word in auxiliaries.ALL:
            return auxiliaries.read(words, index)
        if word in _PAST_FORMS or past_forms.is_regular(word):
            return past_forms.read(words, index)
        if word in _PRESENT_FORMS:
            return self._present(index, word, previous)
        if word == "to":
            return self._infinitive(index, previous) if previous >= 0 else None
        return _is_coming(words, index, word)

    def _infinitive(self, index: int, previous: int) -> Tense | None:
        """What is wanted or planned lies ahead; after a past verb, when that is done is open."""
        verb, signal = self._words.lower[previous], self.of[previous]
        following = self._words.word(index + 1)
        if signal is Tense.PAST and verb not in verbs.MOTION and (following in verbs.BASE or following == "be"):
            return Tense.UNKNOWN
        if signal is Tense.PAST and self._words.word(index - 1) in {"asked", "told", "invited", "supposed", "planned"}:
            return Tense.UNKNOWN
        return Tense.FUTURE if signal is Tense.PRESENT and verb in verbs.INTENDING_NOW else None

    def _present(self, index: int, word: str, previous: int) -> Tense | None:
        words = self._words
        token, begins = words.tokens[index], words.begins_sentence(index)
        if token[0].isupper() and not begins and not token.isupper():
            return None
        if word in verbs.PROGRESSIVE:
            self.weak.add(index)
            return Tense.FUTURE if begins else None
        before = word_before(words, index)
        if word in verbs.BASE:
            return self._base_form(index, before, previous)
        return None if before in DETERMINERS else self._third_person(index, word, before, previous)

    def _third_person(self, index: int, word: str, before: str, previous: int) -> Tense | None:
        """A form in -s; where it may be a noun, only as the first verb of its clause or behind a pronoun."""
        if word in verbs.THIRD or self._words.word(index - 1) in _DAYS:
            return Tense.PRESENT
        if not before.isalpha():
            return None
        return Tense.PRESENT if previous < 0 or before in SINGULAR_PRONOUNS else Tense.UNKNOWN

    def _base_form(self, index: int, before: str, previous: int) -> Tense | None:
        words = self._words
        if before in _PLURAL or before in SINGULAR_PRONOUNS:
            inverted = previous >= 0 and index - previous <= _INVERTED and words.lower[previous] in auxiliaries.ALL
            return None if inverted or before in SINGULAR_PRONOUNS else Tense.PRESENT
        if words.begins_sentence(index) or words.word(index - 1) in {":", "•", "*"} or before in _ASKING:
            return self._imperative(index)
        if index > 0 and self.of[index - 1] is Tense.PAST and words.clauses[index - 1] == words.clauses[index]:
            return self._after_past(index)
        if words.clauses[index - 1] != words.clauses[index] or before in {"and", "or", "then", ",", "but"}:
            return self._carried(index)
        plural = len(before) > 3 and before.endswith("s") and not before.endswith(("ss", "'s"))
        return Tense.PRESENT if plural and before not in verbs.THIRD else None

    def _imperative(self, index: int) -> Tense | None:
        words = self._words
        if words.word(index + 1) == "of":
            return None
        if words.lower[index] == "remember":
            return Tense.FUTURE if words.word(index + 1) == "to" else Tense.UNKNOWN
        if words.begins_sentence(index) and words.lower[index] in verbs.BASE_OR_NOUN:
            self.weak.add(index)
        return Tense.UNKNOWN if words.is_question(index) else Tense.FUTURE

    def _after_past(self, index: int) -> Tense | None:
        """A base form behind a past verb is that of the main clause, "the men we hired come on Tuesday", or a noun."""
        words = self._words
        if words.lower[index - 1] in verbs.BARE_INFINITIVE or words.lower[index - 1] in auxiliaries.ALL:
            return None
        return Tense.UNKNOWN if words.lower[index] in verbs.BASE_OR_NOUN - _OBJECTS else Tense.PRESENT

    def _carried(self, index: int) -> Tense | None:
        """A base form after "and" has the tense of the verb before it: "land on Tuesday and leave on Saturday"."""
        words = self._words
        last = self.last.get(words.clauses[index] - 1)
        if last is None or words.sentences[last] != words.sentences[index]:
            return None
        signal = self.of[last]
        return signal if signal is not Tense.PAST else Tense.UNKNOWN


def _is_coming(words: Words, index: int, word: str) -> Tense | None:
    """ "Marta's coming" and "how about" look ahead; a bare genitive is no verb."""
    if word == "about":
        proposes = words.word(index - 1) in {"how", "what"} and words.begins_sentence(index - 1)
        return Tense.FUTURE if proposes else None
    progressive = word.endswith("'s") and auxiliaries.is_progressive(words.word(after_adverbs(words, index)))
    return Tense.FUTURE if progressive else None


def _is_clock(words: Words, index: int) -> bool:
    word = words.lower[index]
    if word == "noon":
        return True
    if not word[0].isdigit():
        return word == "at" and (words.word(index + 1)[:1].isdigit() or words.word(index + 1) in _HOURS)
    return ":" in word or word.endswith(("am", "pm"))

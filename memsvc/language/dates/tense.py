"""The tense of the clause that an English date stands in, read from the words near it.

There is no parse: the finite verb nearest before the date, within its clause, decides; where there is none, the one
after it; where the clause has no verb, that of the clause it hangs on. What cannot be told is UNKNOWN.
"""

from __future__ import annotations

from memsvc.language.dates import ahead_scope, past_scope, verbs
from memsvc.language.dates.past_forms import DETERMINERS
from memsvc.language.dates.signals import Signals
from memsvc.language.dates.verbs import Tense
from memsvc.language.dates.words import Words, word_set

_SUITING = frozenset({"works", "suits", "sounds", "looks"})
_FRONT = word_set(
    """
    on in at by over during since until till from before after and but so or then , ok okay well yes no oh
    also the early late later earlier around about only even again
    """
)
"""Words before a date that begins its sentence."""
_CARRIERS = word_set(
    """
    and or , on in at by the a an my our his her their your to with for from of then also again both not
    later early late next last this until till around about over during only even maybe possibly probably
    between
    """
)
"""Words between a verb and a further date of it."""
_PAST_NOTES = word_set("any good nice fun great much how too lovely thanks thank sorry congrats why which")
"""They begin notes without a verb that may be about the past."""
_FAR = 14


class Tenses:
    """Answers for one text, each in constant time."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._signals = Signals(words)

    def signal(self, index: int) -> Tense | None:
        """The tense that the word at `index` signals, None when it is no finite verb."""
        return self._signals.of[index] if 0 <= index < len(self._signals.of) else None

    def verb(self, first: int, last: int) -> str:
        """The nearest verb before the tokens [first, last) within their clause, else the next; empty without one."""
        found = self._before(first)
        if found < 0:
            found = self._behind(last)
        return self._words.lower[found] if found >= 0 else ""

    def of(self, first: int, last: int, *, placed: bool = True) -> Tense:
        """The tense of the clause around the tokens [first, last) of a date.

        `placed`: whether a preposition of direction before the date matters; not for "gave it to me for Christmas".
        """
        tense = self._of(first, last, placed=placed)
        return ahead_scope.tense_of_date(self._words, tense, self._begin(first), first, last)

    def _begin(self, first: int) -> int:
        """Index of the first token of a date's clause, at most some words before it."""
        begin, clauses = first, self._words.clauses
        while begin > 0 and first - begin < _FAR and clauses[begin - 1] == clauses[first]:
            begin -= 1
        return begin

    def _of(self, first: int, last: int, *, placed: bool) -> Tense:
        left = self._before(first)
        if left >= 0 and left in self._signals.weak:
            return self._of_weak(left, last)
        if left >= 0:
            return self._of_verb(left, first, last, placed=placed)
        for read in (self._right, self._neighbour, self._verbless):
            tense = read(first, last)
            if tense is not None:
                return tense
        return Tense.UNKNOWN

    def _before(self, first: int) -> int:
        if first > 0 and self._words.clauses[first - 1] == self._words.clauses[first]:
            return self._signals.latest[first - 1]
        return -1

    def _behind(self, last: int) -> int:
        """Index of the nearest verb behind the date in its clause, -1 without one."""
        clauses = self._words.clauses
        if last >= len(clauses) or clauses[last] != clauses[last - 1]:
            return -1
        found = self._signals.following[last]
        return found if found >= 0 and clauses[found] == clauses[last] else -1

    def _of_weak(self, left: int, last: int) -> Tense:
        """What begins a sentence may be a noun or a participle: a finite verb behind the date decides."""
        behind = self._behind(last)
        if behind >= 0:
            return self._signals.of[behind] or Tense.UNKNOWN
        following = self._signals.first.get(self._words.clauses[left] + 1)
        same = following is not None and self._words.sentences[following] == self._words.sentences[left]
        past = following is not None and same and self._signals.of[following] is Tense.PAST
        return Tense.UNKNOWN if past else self._signals.of[left] or Tense.UNKNOWN

    def _of_verb(self, left: int, first: int, last: int, *, placed: bool) -> Tense:
        adjacent = self.signal(last)
        if adjacent is not None and self._words.word(first - 1) in verbs.THINKING:
            return adjacent
        tense = self._signals.of[left] or Tense.UNKNOWN
        if tense is not Tense.PAST:
            return tense
        return past_scope.tense_of_date(self._words, left, first, last, placed=placed)

    def _right(self, first: int, last: int) -> Tense | None:
        """The tense of the verb behind; "the class on Monday was cancelled" may be about one to come."""
        words = self._words
        same = last < len(words.lower) and words.clauses[last] == words.clauses[last - 1]
        if same and (words.lower[last] in _SUITING or words.lower[last : last + 2] == ["it", "is"]):
            return Tense.FUTURE
        behind = self._behind(last)
        if behind < 0:
            return None
        signal, near = self._signals.of[behind], words.lower[behind + 1 : behind + 4]
        if signal is Tense.PAST and ("called" in near or not verbs.SETTLING.isdisjoint(near)):
            return Tense.UNKNOWN
        return Tense.UNKNOWN if words.clauses[last] in self._signals.mixed else signal

    def _neighbour(self, first: int, last: int) -> Tense | None:
        """The tense of the clause that a piece without a verb hangs on."""
        words, signals = self._words, self._signals
        clause, sentence = words.clauses[first], words.sentences[first]
        if self._is_fronted(first) and words.word(last) in {",", "-", "–", "—", ":"}:
            following = signals.first.get(clause + 1)
            if following is None or words.sentences[following] != sentence:
                return None
            return Tense.UNKNOWN if clause + 1 in signals.mixed else signals.of[following]
        index, nouns = first - 1, 0
        while index >= 0 and first - index <= _FAR and words.sentences[index] == sentence:
            verb = signals.last.get(words.clauses[index])
            if verb is not None and words.clauses[index] != clause:
                open_past = signals.of[verb] is Tense.PAST and self._is_participial(first)
                return Tense.UNKNOWN if open_past else signals.of[verb]
            if not _is_light(words, index):
                nouns += 1
                if nouns > 1 or not _is_only_noun(words, index):
                    return Tense.UNKNOWN if sentence in signals.verbal else None
            index -= 1
        return Tense.UNKNOWN if index >= 0 and words.sentences[index] == sentence else None

    def _is_participial(self, first: int) -> bool:
        """Whether a piece without a verb tells what goes on behind what is told: "sold the house, moving on Monday"."""
        words, begin = self._words, self._begin(first)
        opening = [word for word in words.lower[begin:first] if word.isalpha()][:1]
        return bool(opening) and (opening[0].endswith("ing") or opening[0] == "back")

    def _is_fronted(self, first: int) -> bool:
        words, index = self._words, first - 1
        while index >= 0 and first - index <= 4 and words.sentences[index] == words.sentences[first]:
            if words.lower[index] not in _FRONT:
                return False
            index -= 1
        return first - index <= 5

    def _verbless(self, first: int, last: int) -> Tense | None:
        """A note without a verb tells what is planned, where it says so and nothing past was told before."""
        sentence = self._words.sentences[first]
        if sentence in self._signals.verbal or self._signals.told_past:
            return None
        if sentence in self._signals.planned:
            return Tense.FUTURE
        begins = [index for index in range(max(0, first - 6), first) if self._words.begins_sentence(index)]
        about_past = any(self._words.lower[index] in _PAST_NOTES for index in begins)
        return Tense.FUTURE if self._words.is_question(first) and not about_past else None


def _is_light(words: Words, index: int) -> bool:
    """Whether a word can stand between a verb and a date that shares it: names, numbers, prepositions, marks."""
    token = words.tokens[index]
    return words.lower[index] in _CARRIERS or token[0].isupper() or token[0].isdigit() or not token[0].isalnum()


def _is_only_noun(words: Words, index: int) -> bool:
    """Whether an unknown word, with an article at most, is all that stands behind a conjunction: too little for a
    clause with a verb of its own ("the truck comes on Monday and the crane on Tuesday")."""
    at = index - 1 if words.word(index - 1) in DETERMINERS else index
    return at > 0 and words.lower[at - 1] in {"and", ",", "or", "then"}

"""The tense of the clause that an English date stands in, read from the words near it.

There is no parse: the finite verb nearest before the date, within its clause, decides; where there is none, the one
after it; where the clause has no verb, that of the clause it hangs on. What cannot be told is UNKNOWN.
"""

from __future__ import annotations

from enum import StrEnum

from memsvc.language.dates import verbs
from memsvc.language.dates.words import Words, word_set


class Tense(StrEnum):
    """When what a clause tells happens. UNKNOWN stands for "cannot be told" as well as for mixed signals."""

    PAST = "past"
    PRESENT = "present"
    FUTURE = "future"
    UNKNOWN = "unknown"


_PRONOUNS = word_set(
    """
    i you we they he she it who everyone everybody someone somebody nobody y'all
    """
)
_SINGULAR = frozenset({"he", "she", "it", "who", "everyone", "everybody", "someone", "somebody", "nobody"})
_PLURAL = frozenset({"i", "you", "we", "they", "both", "people", "children", "kids", "folks", "y'all", "guys", "all"})
_ADVERBS = word_set(
    """
    just already also only finally really still then now both all not never ever probably definitely actually
    recently even almost nearly first soon usually always often sometimes officially hardly barely
    """
)
_DETERMINERS = word_set(
    """
    a an the my our your his her its their this that these those some any no every each another one two three
    four five six seven eight nine ten several many few more most of very so too as
    """
)
_HAVE = word_set(
    """
    have has 've haven't hasn't having i've you've we've they've had hadn't i'd
    """
)
_BE = word_set(
    """
    am is are be been being isn't aren't ain't i'm you're we're they're he's she's it's that's there's what's
    was were wasn't weren't get gets getting got gotten
    """
)
_BE_PRESENT = word_set("am is are isn't aren't ain't i'm you're we're they're there's im")
_BE_OR_HAVE = word_set(
    """
    he's she's it's that's who's what's where's when's everything's everyone's
    """
)
_WILL = word_set(
    """
    will won't shall gonna i'll you'll we'll they'll he'll she'll it'll that'll there'll who'll let's wanna
    """
)
_MODALS = word_set("can can't cannot may might must should shouldn't mustn't needn't")
_WOULD = word_set(
    """
    would could wouldn't couldn't i'd you'd he'd she'd we'd they'd it'd that'd
    """
)
_LIKING = word_set("like love prefer rather suggest say need appreciate")
_OPEN_BE_PAST = word_set(
    """
    going supposed meant due scheduled expected planned planning hoping about to booked set wondering thinking
    looking
    """
)
_SUBJECT_OF_IMPERATIVE = word_set(
    """
    please and then just don't do so but also ok okay pls kindly always never
    """
)
_GOT_HAPPENED = word_set(
    """
    married engaged divorced back home up sick ill paid there here it the in out off on fired promoted hired
    laid hurt hit stuck lost through rid together into drunk caught robbed my his her our their some your him
    them us
    """
)
_RANGES = frozenset({"to", "until", "till", "through"})
_PLACED = word_set("for to until till by before after from")
_LEFT_NOUNS = word_set(
    """
    knee hand foot leg arm side ear eye shoulder wrist hip lane turn ankle elbow lung kidney breast wing back
    over overs
    """
)
_PLANNED = word_set(
    """
    deadline due appointment appt rsvp eta reminder todo agenda itinerary schedule upcoming reservation dentist
    ooo back until till by
    """
)


class Tenses:
    """Tense signals of all words of a text, found in one pass; each question is answered in constant time."""

    def __init__(self, words: Words) -> None:
        self._words = words
        count = len(words.lower)
        self._signals: list[Tense | None] = [None] * count
        self._latest = [-1] * count
        """Index of the nearest signal at or before each token within its clause, -1 where there is none."""
        self._clause_last: dict[int, int] = {}
        self._clause_first: dict[int, int] = {}
        self._mixed: set[int] = set()
        """Clauses that have both a past signal and another."""
        self._weak: set[int] = set()
        """Signals of sentence-initial words that may be nouns: "Work on Monday was fun"."""
        self._plans: set[int] = set()
        """Sentences with a word of what is planned, or with a clock time."""
        self._read()
        self._next = self._following()

    def signal(self, index: int) -> Tense | None:
        """The tense that the word at `index` signals, None when it is no finite verb."""
        return self._signals[index] if 0 <= index < len(self._signals) else None

    def verb(self, first: int, last: int) -> str:
        """The nearest verb before the tokens [first, last) within their clause, else the next; empty without one."""
        found = self._before(first)
        if found < 0 and last < len(self._next) and self._words.clauses[last] == self._words.clauses[last - 1]:
            following = self._next[last]
            found = following if following >= 0 and self._words.clauses[following] == self._words.clauses[last] else -1
        return self._words.lower[found] if found >= 0 else ""

    def of(self, first: int, last: int, *, placed: bool = True) -> Tense:
        """The tense of the clause around the tokens [first, last) of a date.

        `placed`: whether a preposition of direction before the date matters; not for "gave it to me for Christmas".
        """
        left = self._before(first)
        if left >= 0 and left in self._weak and (right := self._right(first, last)) is not None:
            return right
        if left >= 0:
            return self._after_verb(left, first, last, placed=placed)
        tense = self._right(first, last)
        if tense is None:
            tense = self._neighbour(first, last)
        if tense is None:
            tense = self._verbless(first)
        return tense

    def _before(self, first: int) -> int:
        if first > 0 and self._words.clauses[first - 1] == self._words.clauses[first]:
            return self._latest[first - 1]
        return -1

    def _after_verb(self, left: int, first: int, last: int, *, placed: bool) -> Tense:
        words = self._words
        tense = self._signals[left] or Tense.UNKNOWN
        adjacent = self.signal(last)
        if adjacent is not None and words.word(first - 1) in verbs.THINKING:
            return adjacent
        if tense is not Tense.PAST:
            return tense
        verb = words.lower[left]
        if verb in verbs.REPORTING and self._another_verb(left + 1, first):
            return Tense.UNKNOWN
        if self._is_of_object(left, first):
            return Tense.UNKNOWN
        before = words.word(first - 1)
        if placed and before in _PLACED:
            return _placed(verb, before, words.word(last), words.word(first - 3))
        return tense

    def _is_of_object(self, left: int, first: int) -> bool:
        """Whether the date may be that of an event which the verb is about: "cancelled the class on Tuesday",
        "bought a dress for the party on Friday", "heard about the fair on Sunday", "marked Monday's test"."""
        words = self._words
        between = words.lower[max(left + 1, first - _OBJECT) : first]
        if words.word(first).endswith("'s"):
            return True
        if words.word(first - 1) in verbs.SETTLING:
            return True
        if words.lower[left] in verbs.SETTLING and len(between) > 1 and between[0] not in _PARTICLES | _PLACED:
            return words.word(first - 1) not in _PLACED
        return any(
            word in {"about", "for", "of"} and following in _ARTICLES
            for word, following in zip(between, between[1:], strict=False)
        )

    def _another_verb(self, begin: int, end: int) -> bool:
        """Whether a word in -s that may be an unknown verb stands between a verb of saying and the date."""
        window = self._words.lower[begin : min(end, begin + 12)]
        return len(window) > 1 and any(
            word.endswith("s") and len(word) > 3 and word not in _NO_VERBS for word in window[1:]
        )

    def _right(self, first: int, last: int) -> Tense | None:
        clause = self._words.clauses[last - 1]
        if last >= len(self._signals) or self._words.clauses[last] != clause:
            return None
        if self._words.word(last) in _SUITING or self._words.lower[last : last + 2] == ["it", "is"]:
            return Tense.FUTURE
        right = self._next[last]
        if right < 0 or self._words.clauses[right] != clause:
            return None
        return self._verb_after(right, clause)

    def _verb_after(self, right: int, clause: int) -> Tense | None:
        """The tense of the verb behind a date; "the class on Monday was cancelled" may be one to come."""
        words, signal = self._words, self._signals[right]
        settled = not verbs.SETTLING.isdisjoint(words.lower[right + 1 : right + 4])
        if signal is Tense.PAST and (settled or "called" in words.lower[right + 1 : right + 3]):
            return Tense.UNKNOWN
        return Tense.UNKNOWN if clause in self._mixed else signal

    def _neighbour(self, first: int, last: int) -> Tense | None:
        """The tense of the clause that a piece without a verb hangs on."""
        words = self._words
        clause, sentence = words.clauses[first], words.sentences[first]
        following = self._clause_first.get(clause + 1)
        if self._is_fronted(first) and words.word(last) in {",", "-", "–", "—", ":"}:
            if following is not None and words.sentences[following] == sentence:
                return Tense.UNKNOWN if clause + 1 in self._mixed else self._signals[following]
            return None
        index, nouns = first - 1, 0
        bound = max(-1, first - 14)
        while index > bound and words.sentences[index] == sentence:
            verb = self._clause_last.get(words.clauses[index])
            if verb is not None and words.clauses[index] != clause:
                return self._signals[verb]
            if not _is_light(words, index):
                nouns += 1
                if nouns > 1 or not _is_only_noun(words, index):
                    return Tense.UNKNOWN if sentence in self._with_verbs else None
            index -= 1
        return None if index < 0 or words.sentences[index] != sentence else Tense.UNKNOWN

    def _is_fronted(self, first: int) -> bool:
        words, index = self._words, first - 1
        while index >= 0 and first - index <= 4 and words.sentences[index] == words.sentences[first]:
            if words.lower[index] not in _FRONT:
                return False
            index -= 1
        return first - index <= 5

    def _verbless(self, first: int) -> Tense:
        """A note without a verb tells what is planned, where it says so and nothing past was told before."""
        sentence = self._words.sentences[first]
        if sentence in self._with_verbs or not (sentence in self._plans or self._is_question(first)):
            return Tense.UNKNOWN
        return Tense.UNKNOWN if self._told_past else Tense.FUTURE

    def _is_question(self, first: int) -> bool:
        """Whether a sentence ends soon with a question mark: without a verb it is a proposal, "Lunch on Friday?"."""
        words = self._words
        for index in range(first + 1, min(first + 10, len(words.lower))):
            if words.sentences[index] != words.sentences[first]:
                return False
            if words.lower[index] == "?":
                return True
        return False

    def _read(self) -> None:
        words = self._words
        self._with_verbs: set[int] = set()
        self._told_past = False
        previous, clause = -1, -1
        for index, word in enumerate(words.lower):
            if words.clauses[index] != clause:
                clause, previous = words.clauses[index], -1
            signal = self._signal_at(index, word, previous)
            if signal is not None:
                self._note(index, clause, signal, previous)
                previous = index
            elif word in _PLANNED or _is_clock(words, index):
                self._plans.add(words.sentences[index])
            self._latest[index] = previous

    def _note(self, index: int, clause: int, signal: Tense, previous: int) -> None:
        self._signals[index] = signal
        self._clause_first.setdefault(clause, index)
        self._clause_last[clause] = index
        self._with_verbs.add(self._words.sentences[index])
        self._told_past = self._told_past or signal is Tense.PAST
        if previous >= 0 and (signal is Tense.PAST) != (self._signals[previous] is Tense.PAST):
            self._mixed.add(clause)

    def _following(self) -> list[int]:
        found, nearest = [-1] * len(self._signals), -1
        for index in range(len(self._signals) - 1, -1, -1):
            if self._signals[index] is not None:
                nearest = index
            found[index] = nearest
        return found

    def _signal_at(self, index: int, word: str, previous: int) -> Tense | None:
        if word not in _KNOWN and not word.endswith(("ed", "'s")):
            return None
        if (
            word == "about"
            and self._words.word(index - 1) in {"how", "what"}
            and self._words.begins_sentence(index - 1)
        ):
            return Tense.FUTURE
        for read in _READERS:
            found = read(self._words, index, word)
            if found is not _PASS:
                return found if isinstance(found, Tense) else None
        return self._ordinary(index, word, previous)

    def _ordinary(self, index: int, word: str, previous: int) -> Tense | None:
        words = self._words
        before = _before_adverbs(words, index)
        if word == "to" and previous >= 0:
            return self._infinitive(previous)
        if (
            words.tokens[index][0].isupper()
            and not words.begins_sentence(index)
            and words.tokens[index] != word.upper()
        ):
            return None
        if word in verbs.BASE:
            return self._base_form(index, before, previous)
        if word in verbs.THIRD:
            return None if before in _DETERMINERS else Tense.PRESENT
        if word in verbs.THIRD_OR_NOUN and words.word(index - 1) in _DAYS:
            return Tense.PRESENT
        if word in verbs.THIRD_OR_NOUN and before not in _DETERMINERS and before.isalpha():
            if before in _SINGULAR or previous < 0 or before in words.lower[max(0, index - 1) : index]:
                return Tense.PRESENT if previous < 0 or before in _SINGULAR else Tense.UNKNOWN
        return None

    def _infinitive(self, previous: int) -> Tense | None:
        """What is wanted or planned lies ahead; when it was in the past, it is open."""
        verb, signal = self._words.lower[previous], self._signals[previous]
        if signal is Tense.PAST and verb in verbs.INTENDING:
            return Tense.UNKNOWN
        return Tense.FUTURE if signal is Tense.PRESENT and verb in verbs.INTENDING_NOW else None

    def _base_form(self, index: int, before: str, previous: int) -> Tense | None:
        words = self._words
        if before in _PLURAL or before in _SINGULAR:
            inverted = previous >= 0 and index - previous <= _INVERTED and words.lower[previous] in _AUXILIARIES
            return None if inverted or before in _SINGULAR else Tense.PRESENT
        at_start = index == 0 or words.clauses[index - 1] != words.clauses[index] or words.begins_sentence(index)
        if words.lower[index] == "remember":
            return None
        if index > 0 and self._signals[index - 1] is Tense.PAST and words.clauses[index - 1] == words.clauses[index]:
            return self._after_past(index)
        if words.begins_sentence(index) and words.lower[index] in verbs.BASE_OR_NOUN:
            self._weak.add(index)
        if (
            words.begins_sentence(index)
            or words.word(index - 1) in {":", "•", "*"}
            or (before in {"please", "pls", "kindly"} or (before == "don't" and words.begins_sentence(index - 1)))
        ):
            return Tense.FUTURE if not words.word(index + 1) == "of" else None
        if at_start or before in {"and", "or", "then", ",", "but"}:
            return self._carried(index)
        if len(before) > 3 and before.endswith("s") and not before.endswith(("ss", "'s")) and before not in verbs.THIRD:
            return Tense.PRESENT
        return None

    def _after_past(self, index: int) -> Tense | None:
        """A base form behind a past verb is that of the main clause, "the men we hired come on Tuesday", or a noun."""
        words = self._words
        if words.lower[index - 1] in verbs.BARE_INFINITIVE or words.lower[index - 1] in _AUXILIARIES:
            return None
        return Tense.UNKNOWN if words.lower[index] in verbs.BASE_OR_NOUN - _OBJECTS else Tense.PRESENT

    def _carried(self, index: int) -> Tense | None:
        """A base form after "and" has the tense of the verb before it: "arrive on Wednesday and leave on Sunday"."""
        words = self._words
        last = self._clause_last.get(words.clauses[index] - 1)
        if last is None or words.sentences[last] != words.sentences[index]:
            return None
        signal = self._signals[last]
        return signal if signal is not Tense.PAST else Tense.UNKNOWN


_OBJECT = 9
"""Words between a verb and a date that are looked at for an event the verb is about."""
_ARTICLES = word_set("the a an my our your his her its their this that next")
_PARTICLES = word_set("out in into away back up off down over me him her us them it you to from house home")
_INVERTED = 3
"""Words from an auxiliary to the verb it governs with the subject between: "did you ever go"."""
_AUXILIARIES = word_set(
    """
    did didn't do don't does doesn't will won't can can't could couldn't would wouldn't shall should shouldn't
    may might must
    """
)
_OBJECTS = word_set("work help change cover love rest face head part lunch visit support call play need paint water")
"""Nouns that often are an object without an article: "started work"."""
_SUITING = frozenset({"works", "suits", "sounds", "looks"})
_FRONT = word_set(
    """
    on in at by over during since until till from before after and but so or then , ok okay well yes no oh also
    the early late later earlier around about only even again
    """
)
_DAYS = word_set(
    """
    monday tuesday wednesday thursday friday saturday sunday tomorrow that
    """
)
_NO_VERBS = word_set(
    """
    this his its was has does news yes always perhaps us thus plus less his bus gas class
    """
)
_CARRIERS = word_set(
    """
    and or , on in at by the a an my our his her their your to with for from of then also again both not later
    early early late next last this until till around about over during only even maybe possibly probably
    between
    """
)


def _placed(verb: str, before: str, after: str, begin: str) -> Tense:
    """The tense of a date with a preposition of direction after a past verb: "booked a table for Saturday"."""
    if verb not in verbs.SCHEDULING and (
        (before == "from" and after in _RANGES) or (before in _RANGES and begin == "from")
    ):
        return Tense.PAST
    if before in {"for", "to", "until", "till"} and verb in verbs.SCHEDULING:
        return Tense.FUTURE
    if before in {"until", "till"} and verb not in {"got", "gave", "had"}:
        return Tense.PAST
    return Tense.UNKNOWN


def _is_only_noun(words: Words, index: int) -> bool:
    """Whether an unknown word is all that is between a conjunction, with an article at most, and the date's place:
    too short for a clause with a verb of its own ("the truck comes on Monday and the crane on Tuesday")."""
    at = index - 1 if words.word(index - 1) in _DETERMINERS else index
    return at > 0 and words.lower[at - 1] in {"and", ",", "or", "then"}


_HOURS = word_set(
    """
    one two three four five six seven eight nine ten eleven twelve noon half quarter
    """
)


def _is_light(words: Words, index: int) -> bool:
    """Whether a word can stand between a verb and a date that shares it: names, numbers, prepositions, marks."""
    token = words.tokens[index]
    return words.lower[index] in _CARRIERS or token[0].isupper() or token[0].isdigit() or not token[0].isalnum()


def _is_clock(words: Words, index: int) -> bool:
    word = words.lower[index]
    if word == "noon":
        return True
    if not word[0].isdigit():
        return word == "at" and (words.word(index + 1)[:1].isdigit() or words.word(index + 1) in _HOURS)
    return ":" in word or word.endswith(("am", "pm"))


def _before_adverbs(words: Words, index: int) -> str:
    """The word before, adverbs skipped, within the clause; empty at its beginning."""
    clause, at = words.clauses[index], index - 1
    while at >= 0 and index - at <= 3 and words.clauses[at] == clause and words.lower[at] in _ADVERBS:
        at -= 1
    return words.lower[at] if at >= 0 and words.clauses[at] == clause else ""


def _after_adverbs(words: Words, index: int) -> int:
    at = index + 1
    while at < len(words.lower) and at - index <= 3 and words.lower[at] in _ADVERBS:
        at += 1
    return at


class _Pass:
    """Says that a reader does not know the word."""


_PASS = _Pass()


def _read_be(words: Words, index: int, word: str) -> Tense | _Pass | None:
    if word in {"was", "were", "wasn't", "weren't"}:
        near = words.lower[index + 1 : index + 4]
        back = words.lower[max(0, index - 3) : index]
        if word in {"wasn't", "weren't"} and words.begins_sentence(index):
            return Tense.UNKNOWN
        open_ = not _OPEN_BE_PAST.isdisjoint(near) or "wish" in back or "if" in back
        return Tense.UNKNOWN if open_ else Tense.PAST
    if word in _BE_PRESENT:
        return _progressive_or(words, index, Tense.PRESENT)
    if word in _BE_OR_HAVE:
        after = _after_adverbs(words, index)
        if _is_participle(words.word(after)):
            return _perfect(words, after)
        return _progressive_or(words, index, Tense.PRESENT)
    if word.endswith("'s") and _is_progressive(words.word(_after_adverbs(words, index))):
        return Tense.FUTURE
    return _PASS


def _progressive_or(words: Words, index: int, otherwise: Tense) -> Tense:
    near = words.lower[index + 1 : index + 4]
    if any(_is_progressive(word) or word == "gonna" for word in near):
        return Tense.FUTURE
    return Tense.FUTURE if near[:1] == ["to"] else otherwise


def _is_progressive(word: str) -> bool:
    return len(word) > 4 and word.endswith("ing") and word not in {"thing", "something", "nothing", "anything", "morning",
                                                                   "evening", "everything", "during", "being"}  # fmt: skip


def _read_modal(words: Words, index: int, word: str) -> Tense | _Pass | None:
    if word in _WILL:
        named = word == "will" and (words.word(index - 1) in _DETERMINERS or words.tokens[index] == "Will")
        return None if named and not words.begins_sentence(index) else Tense.FUTURE
    if word in _MODALS:
        if word == "may" and (words.tokens[index] != "may" or words.word(index - 1) in _TO_MAY):
            return None
        after = words.lower[index + 1 : index + 5]
        if "have" in after[:2] and _is_participle(words.word(index + 1 + after.index("have") + 1)):
            return Tense.UNKNOWN if word.startswith("should") else Tense.PAST
        return Tense.FUTURE
    return _read_would(words, index, word) if word in _WOULD else _PASS


_TO_MAY = word_set(
    """
    in of since until till by early late mid last next this from to through
    """
)


def _read_would(words: Words, index: int, word: str) -> Tense | None:
    after = _after_adverbs(words, index)
    following = words.word(after)
    if following == "have" or words.word(after + 1) == "have":
        return Tense.UNKNOWN
    if following in _LIKING:
        return Tense.FUTURE
    if words.begins_sentence(index) and word in {"would", "could"}:
        return Tense.FUTURE
    if word == "could" and words.word(index - 1) in {"we", "you"}:
        return Tense.FUTURE
    if following in {"be", "work", "suit"} and word == "would":
        return Tense.FUTURE
    return Tense.UNKNOWN


def _read_have(words: Words, index: int, word: str) -> Tense | _Pass | None:
    if word in {"had", "hadn't"}:
        return Tense.FUTURE if words.word(index + 1) == "better" else Tense.PAST
    if word not in _HAVE or word in {"i'd", "having"}:
        return _PASS
    before = words.word(index - 1)
    if word == "have" and (before in {"to", "could", "would", "should", "might", "must"}):
        return None
    after = _after_adverbs(words, index)
    if words.word(after) == "to":
        return Tense.FUTURE
    if words.word(after) == "got":
        return Tense.PRESENT
    if _is_participle(words.word(after)):
        return _perfect(words, after)
    return Tense.PRESENT


def _is_participle(word: str) -> bool:
    return word in verbs.PARTICIPLES or word in verbs.PAST or _is_ed(word)


def _is_ed(word: str) -> bool:
    return len(word) > 3 and word.endswith("ed") and word not in verbs.NO_PAST_ED


def _perfect(words: Words, participle: int) -> Tense:
    """A perfect says nothing of when, but what it settles lies ahead: "I've booked a table for Saturday"."""
    near = words.lower[participle + 1 : participle + 9]
    verb = words.word(participle + 1) if words.word(participle) == "been" else words.word(participle)
    settled = verb in verbs.SCHEDULING and not _PLACED.isdisjoint(near)
    return Tense.FUTURE if settled else Tense.UNKNOWN


def _read_past(words: Words, index: int, word: str) -> Tense | _Pass | None:
    before = _before_adverbs(words, index)
    if word == "used":
        return Tense.UNKNOWN if words.word(index + 1) == "to" else (Tense.PAST if before in _PRONOUNS else None)
    if word in verbs.PAST:
        return _irregular(words, index, word, before)
    if word == "bit" and words.word(index + 1) in {"me", "him", "her", "us", "them", "my", "his", "our", "their"}:
        return Tense.PAST
    if word in verbs.PAST_OR_NOUN:
        return Tense.PAST if before in _PRONOUNS else (None if before in _DETERMINERS else _PASS)
    if word in verbs.PAST_OR_BASE:
        return _past_or_base(words, index, before)
    return _regular(words, index, word, before) if _is_ed(word) else _PASS


def _is_caused(words: Words, index: int) -> bool:
    """Whether a participle tells what is had done: "having his knee replaced", "gets her hair cut"."""
    clause = words.clauses[index]
    near = [words.lower[at] for at in range(max(0, index - 4), index) if words.clauses[at] == clause]
    return len(near) > 1 and not _CAUSING.isdisjoint(near[:-1]) and near[-1] not in _PRONOUNS | _CAUSING


_CAUSING = word_set("have has having had get gets getting got need needs want wants")


def _irregular(words: Words, index: int, word: str, before: str) -> Tense | None:
    if _is_caused(words, index) or before in _HAVE or before in _BE or before in _DETERMINERS:
        return None
    if word == "got":
        return Tense.PAST if words.word(index + 1) in _GOT_HAPPENED else Tense.UNKNOWN
    if word == "left" and (words.word(index + 1) in _LEFT_NOUNS or before in {"to", "on", "turn"}):
        return None
    return Tense.PAST


def _past_or_base(words: Words, index: int, before: str) -> Tense | _Pass | None:
    if before in _HAVE or before in _BE or before in _DETERMINERS:
        return None
    if before in _SINGULAR:
        return Tense.PAST
    if before in _PLURAL or (index > 0 and words.tokens[index - 1][:1].isupper()):
        return Tense.UNKNOWN
    return _PASS


_PREPOSITIONS = word_set(
    """
    in on at by with for from to of about into over under between without newly well
    """
)


def _regular(words: Words, index: int, word: str, before: str) -> Tense | None:
    if (
        _is_caused(words, index)
        or before in _HAVE
        or before in _BE
        or before in _DETERMINERS
        or before in _PREPOSITIONS
    ):
        return None
    if word in verbs.SCHEDULING and words.word(index + 1) in {"for", "to", "until"} and before not in _PRONOUNS:
        return Tense.FUTURE if before else Tense.UNKNOWN
    return Tense.PAST


def _read_progressive(words: Words, index: int, word: str) -> Tense | _Pass | None:
    if word in verbs.PROGRESSIVE and words.begins_sentence(index):
        return Tense.FUTURE
    return _PASS


_READERS = (_read_be, _read_modal, _read_have, _read_past, _read_progressive)
_KNOWN = frozenset().union(
    _WILL, _MODALS, _WOULD, _HAVE, _BE_PRESENT, _BE_OR_HAVE, {"was", "were", "wasn't", "weren't", "about", "to"},
    verbs.PAST, verbs.PAST_OR_NOUN, verbs.PAST_OR_BASE, verbs.BASE, verbs.THIRD, verbs.THIRD_OR_NOUN, verbs.PROGRESSIVE,
)  # fmt: skip
"""Words that can signal a tense, besides forms in -ed and in 's."""

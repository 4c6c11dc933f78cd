"""Names in scripts with capitals: runs of capitalised words, less those that have a capital for another reason."""

from __future__ import annotations

from collections.abc import Iterator

from memsvc.language import gazetteer
from memsvc.language.cased_kinds import CAMEL, QUOTES, kind_of
from memsvc.language.cased_words import CasedWord, cased_words
from memsvc.language.name_words import (
    BEING,
    BRANDS,
    CALENDAR,
    CODE_ENDINGS,
    COMMON_NAMES,
    CONNECTORS,
    COUNTRIES_IN_CAPITALS,
    DOING,
    ENTITY_NOUNS,
    NEVER,
    ORGANISATIONS,
    PLACE_NOUNS,
    RELATIVES,
    TITLES,
)
from memsvc.language.word_frequency import FUNCTION_ZIPF, is_common, is_ordinary, zipf
from memsvc.types import NameKind

_JOINS = (" ", "-", ". ")
_CAPITALS_SHARE = 0.6
_MIN_CAPITALS = 3
_LONG = 4
_MAX_CONNECTORS = 3
_NEAR = 12
_MIN_ORDINARY = 2
_NEARBY = 40
"""Words behind a sentence's first one among which it may stand again, in lower case."""
_AUXILIARIES = frozenset({"will", "may", "can", "an", "am", "in", "sie"})
_NOUNS_HAVE_CAPITALS = "de"
_ARTICLES = frozenset({"the", "la", "el", "le", "los", "las", "les"})
_INVERTING = frozenset({"did", "does", "was", "is", "has", "had", "will", "would", "can", "could", "should"})
"""Verbs that stand before the subject of a question: a noun there without an article is a name."""
_CALLED = frozenset({"named", "called", "heißt", "namens"})
_SAINTS = frozenset({"st", "saint"})
Span = tuple[int, int, NameKind]


def cased_spans(text: str, language: str) -> Iterator[Span]:
    """Spans of names among the capitalised words of a text."""
    words = cased_words(text)
    reader = _Reader(words, language)
    position = 0
    for i, word in enumerate(words):
        if word.capital and i >= position:
            position = reader.run_end(i)
            yield from reader.names(i, position)


class _Reader:
    """Reads the runs of capitalised words of one text."""

    def __init__(self, words: list[CasedWord], language: str) -> None:
        self._words = words
        self._language = language
        self._given, self._places = gazetteer.given_names(), gazetteer.places()
        self._english = language == "en"
        upper = sum(word.capital and len(word.text) > 1 and word.text.isupper() for word in words)
        self._shouts = upper >= _MIN_CAPITALS and upper >= _CAPITALS_SHARE * len(words)

    def run_end(self, i: int) -> int:
        """The end of the run of capitalised words that begins at `i`, small words within names among them."""
        end = i + 1
        while end < len(self._words):
            following = self._after_connectors(end)
            if following is None or self._splits(end - 1, following):
                return end
            end = following + 1
        return end

    def _after_connectors(self, i: int) -> int | None:
        """The next capitalised word from `i` on, where nothing but blanks and connectors stands before it."""
        for j in range(i, min(i + _MAX_CONNECTORS, len(self._words))):
            word = self._words[j]
            initial = self._words[j - 1].is_initial or self._words[j - 1].folded in TITLES
            if word.gap not in _JOINS or (word.gap == ". " and not initial) or word.opens:
                return None
            if word.capital:
                return j
            if word.folded not in CONNECTORS or self._language == "tr" or (j == i and word.folded in _ARTICLES):
                return None
        return None

    def _splits(self, last: int, following: int) -> bool:
        word, after = self._words[last], self._words[following]
        if word.folded in NEVER and self._language == "tr":
            return True
        if word.suffixed:
            return not (after.folded in PLACE_NOUNS or after.folded in ENTITY_NOUNS)
        if self._is_given(word) and after.folded in self._places and after.folded not in gazetteer.surnames():
            return not self._phrase(last, following + 1)
        joined = following > last + 1
        if joined and self._language == _NOUNS_HAVE_CAPITALS:
            return not self._is_given(word)
        return joined and word.folded in self._given and self._words[last + 1].folded in {"of", "the", "en", "y", "la"}

    def names(self, start: int, end: int) -> Iterator[Span]:
        """Names in the run [start, end): one or none; in a text all in capitals a name each."""
        if self._shouts or (end - start > 1 and self._is_in_title_case(start, end)):
            yield from self._listed_names(start, end)
        else:
            yield from self._name(start, end)

    def _listed_names(self, start: int, end: int) -> Iterator[Span]:
        while start < end:
            stop = next(
                (stop for stop in (start + 3, start + 2) if stop <= end and self._phrase(start, stop)), start + 1
            )
            if stop > start + 1 or self._is_name_in_capitals(self._words[start]):
                yield (
                    self._words[start].start,
                    self._words[stop - 1].end,
                    kind_of(self._words, start, stop, introduced=False),
                )
            start = stop

    def _name(self, start: int, end: int) -> Iterator[Span]:
        introduced = self._is_introduced(start)
        while start < end and self._is_dropped(start, end):
            introduced = introduced or self._words[start].folded in TITLES or self._words[start].folded in RELATIVES
            start += 1
        while start < end and self._is_tail(start, end):
            end -= 1
        while start < end and not introduced and not self._words[start].capital:
            start += 1
        while start < end and not self._words[end - 1].capital:
            end -= 1
        if start < end and self._is_name(start, end, introduced=introduced):
            yield (
                self._words[start].start,
                self._words[end - 1].end,
                kind_of(self._words, start, end, introduced=introduced),
            )

    def _is_introduced(self, i: int) -> bool:
        """Whether a title or what the person is to somebody stands before a word."""
        if not i or self._words[i].gap not in {" ", ", ", ". "}:
            return False
        before = self._words[i - 1].folded
        return before in TITLES or before in RELATIVES

    def _is_dropped(self, i: int, end: int) -> bool:
        """Whether the first word of a run is no part of the name."""
        word = self._words[i]
        alone = i + 1 == end
        if not word.capital:
            return False
        if word.folded in _ARTICLES and not alone:
            return word.opens and not word.gap.endswith(QUOTES) and not self._phrase(i, i + 2)
        if word.folded in TITLES and (alone or word.folded not in _SAINTS):
            return True
        if word.folded in NEVER:
            return (alone or self._is_apart(i)) and not self._is_called(i)
        return not alone and self._is_plain_first(i, end)

    def _is_apart(self, i: int) -> bool:
        """Whether a word that is never a name is no part of the one behind it, as it is in "British Museum"."""
        word, after = self._words[i], self._words[i + 1]
        if word.folded in CALENDAR or not after.capital or self._is_given(after):
            return True
        return word.opens and after.folded not in ENTITY_NOUNS

    def _is_called(self, i: int) -> bool:
        return bool(i) and self._words[i].gap == " " and self._words[i - 1].folded in _CALLED

    def _is_plain_first(self, i: int, end: int) -> bool:
        word = self._words[i]
        if self._language == _NOUNS_HAVE_CAPITALS:
            return not self._phrase(i, i + 2) and (word.folded in COMMON_NAMES or not self._is_listed(word))
        return word.opens and self._is_plain_opening(i, end)

    def _is_plain_opening(self, i: int, end: int) -> bool:
        """Whether a word that begins a sentence, with capitals behind it, is an ordinary one: "Ask Henrik"."""
        word, after = self._words[i], self._words[i + 1]
        if self._phrase(i, min(end, i + 3)) or self._phrase(i, i + 2):
            return False
        if word.folded in self._given and word.folded not in COMMON_NAMES:
            return False
        if word.folded in COMMON_NAMES:
            return after.folded in self._given or word.folded in _AUXILIARIES
        if word.folded in PLACE_NOUNS or word.folded in ENTITY_NOUNS:
            return False
        return self._is_plain(word) or (is_common(word.folded, self._language) and after.folded in self._given)

    def _is_given(self, word: CasedWord) -> bool:
        return gazetteer.is_given_name(word.folded)

    def _is_listed(self, word: CasedWord) -> bool:
        """Whether a word is a name of a list, and not one that the language uses all the time for something else."""
        found = self._is_given(word) or gazetteer.is_place(word.folded) or word.folded in BRANDS
        return found and zipf(word.folded, self._language) < FUNCTION_ZIPF

    def _is_ordinary(self, word: CasedWord) -> bool:
        """Whether a capital within a sentence is no evidence; comparing languages tells it for English."""
        return self._english and is_ordinary(word.folded, self._language)

    def _is_plain(self, word: CasedWord) -> bool:
        """Whether a word that begins a sentence is a word of the language."""
        return is_ordinary(word.folded, "en") if self._english else is_common(word.folded, self._language)

    def _phrase(self, start: int, end: int) -> bool:
        return " ".join(word.folded for word in self._words[start:end]) in self._places

    def _is_tail(self, start: int, end: int) -> bool:
        word = self._words[end - 1]
        if not word.capital:
            return True
        if end - start == 1 and self._is_called(start):
            return False
        if word.folded == "i":
            return self._words[end - 2].folded != "war" or end - start == 1
        return word.folded in NEVER and not (end - start > 1 and self._words[end - 2].folded in NEVER)

    def _is_name(self, start: int, end: int, *, introduced: bool) -> bool:
        word = self._words[start]
        if end - start > 1:
            return self._are_name(start, end, introduced=introduced)
        if self._is_identifier(word):
            return False
        if word.text.isupper():
            return self._is_name_in_capitals(word)
        if self._language == _NOUNS_HAVE_CAPITALS:
            return self._is_german_name(start, introduced=introduced)
        if word.opens:
            return self._opens_as_name(start)
        return introduced or self._is_inner_name(start)

    def _is_inner_name(self, i: int) -> bool:
        """Whether a capitalised word within a sentence is a name; in most languages nothing else has a capital."""
        word, before = self._words[i], self._words[i - 1]
        if self._is_given(word) or self._is_listed(word) or CAMEL.search(word.text):
            return True
        return not self._is_ordinary(word) or (before.folded in _INVERTING and word.gap == " ")

    def _is_identifier(self, word: CasedWord) -> bool:
        return bool(CAMEL.search(word.text)) and word.text.endswith(CODE_ENDINGS)

    def _is_name_in_capitals(self, word: CasedWord) -> bool:
        if word.folded in ORGANISATIONS:
            return not self._shouts or len(word.text) > 3
        if len(word.text) == 1:
            return False
        if word.folded in COUNTRIES_IN_CAPITALS:
            return not self._shouts
        return self._is_listed(word) and word.folded not in COMMON_NAMES and not self._is_ordinary_person(word)

    def _opens_as_name(self, i: int) -> bool:
        """Whether the capitalised word that begins a sentence is a name."""
        word = self._words[i]
        after = self._words[i + 1] if i + 1 < len(self._words) else None
        follows = after.folded if after and not after.opens and after.gap in {" ", ", "} else ""
        if any(other.text == word.folded for other in self._words[i + 1 : i + _NEARBY]):
            return False
        if word.folded in COMMON_NAMES:
            listed = self._is_given(word) or word.folded in self._places
            return listed and (word.suffixed or follows in (DOING if word.folded in _AUXILIARIES else BEING))
        if self._is_listed(word):
            return not self._is_ordinary_person(word) or follows in BEING
        if word.suffixed and self._language == "tr":
            return True
        surname = word.folded in gazetteer.surnames() and not self._is_plain(word)
        return (follows in DOING or word.suffixed) and (surname or not is_common(word.folded, self._language))

    def _is_ordinary_person(self, word: CasedWord) -> bool:
        return self._is_ordinary(word) and word.folded not in self._places

    def _is_german_name(self, i: int, *, introduced: bool) -> bool:
        """Whether a word is a name in a language whose nouns all have capitals."""
        word = self._words[i]
        if introduced:
            titled = bool(i) and self._words[i - 1].folded in TITLES
            listed = self._is_given(word) or word.folded in gazetteer.surnames()
            return titled or listed or not is_common(word.folded, self._language)
        return self._is_listed(word) and word.folded not in COMMON_NAMES

    def _are_name(self, start: int, end: int, *, introduced: bool) -> bool:
        """Whether several capitalised words in a row are a name, and no heading or shout."""
        capitals = [word for word in self._words[start:end] if word.capital]
        if len(capitals) == 1:
            return self._is_name(start, start + 1, introduced=introduced)
        if self._phrase(start, end):
            return True
        listed = any(self._is_listed(word) and word.folded not in COMMON_NAMES for word in capitals)
        if self._language == _NOUNS_HAVE_CAPITALS:
            return listed or introduced
        return True

    def _is_in_title_case(self, start: int, end: int) -> bool:
        """Whether ordinary words have capitals, and no longer word near them is in lower case: "Local Bakery Wins"."""
        if self._phrase(start, end) or not self._english:
            return False
        around = (*self._words[max(0, start - _NEAR) : start], *self._words[end : end + _NEAR])
        if any(not word.capital and len(word.text) >= _LONG for word in around):
            return False
        inner = [word for word in self._words[start:end] if not word.opens and word.folded not in TITLES]
        ordinary = sum(self._is_ordinary(word) or zipf(word.folded, "en") >= FUNCTION_ZIPF for word in inner)
        unlisted = not any(self._is_listed(word) for word in inner)
        return ordinary >= _MIN_ORDINARY or (ordinary == len(inner) and unlisted)

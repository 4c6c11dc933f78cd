"""The words of a text with their places, their sentences and their clauses; made in one pass."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


def word_list(text: str) -> list[str]:
    """The words of a table, in order."""
    return text.split()


def word_set(text: str) -> frozenset[str]:
    """The words of a table."""
    return frozenset(word_list(text))


_TOKEN = re.compile(
    r"\n|\d+(?:[:.]\d+)*(?:st|nd|rd|th|am|pm|h)?(?![^\W_])|\d+|[^\W\d_]+(?:['’][^\W\d_]+)*|[^\w\s]|_", re.IGNORECASE
)
_ABBREVIATIONS = word_set(
    """
    dr mr mrs ms prof st no vs etc approx ca mon tue tues wed thu thur thurs fri sat sun jan feb mar apr jun jul
    aug sep sept oct nov dec
    """
)
_SENTENCE_ENDS = frozenset(".!?…\n")
_CLAUSE_MARKS = frozenset(',;:()[]–—"“”„«»|•')
_CONJUNCTIONS = word_set(
    """
    and but or so because while when whenever where who which that if than though although whereas unless once
    then plus whether as
    """
)
_SUBJECT_CONJUNCTIONS = frozenset({"since", "until", "till", "before", "after"})
"""Prepositions too: they begin a clause where a subject follows."""
_SUBJECTS = word_set(
    """
    i we you he she they it my our your his her their i'm i've i'll we're we've we'll you're you've you'll he's
    she's it's they're they've they'll
    """
)


@dataclass(slots=True)
class Words:
    """Words and marks of a text, in order; a clause is the run of words between two boundaries of a sentence."""

    text: str
    tokens: list[str] = field(default_factory=list)
    """As written."""
    lower: list[str] = field(default_factory=list)
    """Case-folded, with straight apostrophes."""
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    sentences: list[int] = field(default_factory=list)
    """Number of each token's sentence."""
    clauses: list[int] = field(default_factory=list)
    """Number of each token's clause; a mark or conjunction that begins a clause belongs to it."""

    def word(self, index: int) -> str:
        """The case-folded word at `index`, empty beyond the text."""
        return self.lower[index] if 0 <= index < len(self.lower) else ""

    def begins_sentence(self, index: int) -> bool:
        """Whether no word of the same sentence stands before `index`; marks do not count."""
        before = index - 1
        while before >= 0 and self.sentences[before] == self.sentences[index] and index - before <= _MARKS:
            if self.tokens[before][0].isalnum():
                return False
            before -= 1
        return True

    def is_question(self, index: int) -> bool:
        """Whether the sentence of the token at `index` ends with a question mark within ten tokens."""
        for at in range(index + 1, min(index + 10, len(self.lower))):
            if self.sentences[at] != self.sentences[index]:
                return False
            if self.lower[at] == "?":
                return True
        return False


_MARKS = 6
"""Marks before the first word of a sentence that are looked past: bullets, quotes, brackets."""


def split_words(text: str) -> Words:
    """Read the words of `text`; linear in its length."""
    words = Words(text)
    for match in _TOKEN.finditer(text):
        words.tokens.append(match.group())
        words.starts.append(match.start())
        words.ends.append(match.end())
    words.lower = [token.lower().replace("’", "'") for token in words.tokens]
    sentence = clause = 0
    for index, word in enumerate(words.lower):
        if _begins_clause(words, index, word):
            clause += 1
        words.sentences.append(sentence)
        words.clauses.append(clause)
        if word in _SENTENCE_ENDS and _ends_sentence(words, index, word):
            sentence += 1
            clause += 1
    return words


def _begins_clause(words: Words, index: int, word: str) -> bool:
    if word in _CLAUSE_MARKS or word in _CONJUNCTIONS:
        return True
    if word in _SUBJECT_CONJUNCTIONS:
        return words.word(index + 1) in _SUBJECTS
    return word == "-" and _is_spaced(words, index)


def _is_spaced(words: Words, index: int) -> bool:
    text, start, end = words.text, words.starts[index], words.ends[index]
    return text[start - 1 : start].isspace() and text[end : end + 1].isspace()


def _ends_sentence(words: Words, index: int, word: str) -> bool:
    if word != ".":
        return True
    end = words.ends[index]
    if end < len(words.text) and not words.text[end].isspace():
        return words.text[end] in "\"'”’)]*_"
    return index == 0 or words.lower[index - 1] not in _ABBREVIATIONS


PRONOUNS = word_set("i you we they he she it who everyone everybody someone somebody nobody y'all")
SINGULAR_PRONOUNS = word_set("he she it who everyone everybody someone somebody nobody")
_ADVERBS = word_set(
    """
    just already also only finally really still then now both all not never ever probably definitely
    actually recently even almost nearly first soon usually always often sometimes officially hardly barely
    """
)


def word_before(words: Words, index: int) -> str:
    """The word before, adverbs skipped, within the clause; empty at its beginning."""
    clause, at = words.clauses[index], index - 1
    while at >= 0 and index - at <= 3 and words.clauses[at] == clause and words.lower[at] in _ADVERBS:
        at -= 1
    return words.lower[at] if at >= 0 and words.clauses[at] == clause else ""


def after_adverbs(words: Words, index: int) -> int:
    """Index of the next word that is no adverb."""
    at = index + 1
    while at < len(words.lower) and at - index <= 3 and words.lower[at] in _ADVERBS:
        at += 1
    return at

"""Which sentences say nothing worth remembering, and what a sentence can lose at its ends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from memsvc.compression.sentences import Sentence
from memsvc.language.timeline import TimeMention
from memsvc.language.words import tokenize
from memsvc.types import Token


class Reason(StrEnum):
    """Why something was kept, merged or left out."""

    INFORMATIVE = "INFORMATIVE"
    INFORMATIVE_TURN = "INFORMATIVE_TURN"
    ANSWERED = "ANSWERED"
    LOW_ENTROPY = "LOW_ENTROPY"
    LOW_INFORMATION = "LOW_INFORMATION"
    WORDING = "WORDING"
    GREETING = "GREETING"
    THANKS = "THANKS"
    ACKNOWLEDGEMENT = "ACKNOWLEDGEMENT"
    PHATIC = "PHATIC"
    EMPTY_QUESTION = "EMPTY_QUESTION"
    EMPTY = "EMPTY"
    SYSTEM = "SYSTEM"


# Words that greet, thank and agree, and words that judge, encourage or connect without saying what about.
_GREETING_WORDS = (
    "hi hey hello hiya howdy bye goodbye cheers welcome morning afternoon evening night goodnight later ciao"
)
_THANKING_WORDS = "thank thanks thx appreciate"
_ASSENTING_WORDS = """
yes yeah yep yup yea ok okay sure right true exactly definitely absolutely totally indeed agreed agree no nope nah
understood alright certainly
"""
_VAGUE_WORDS = """
awesome great cool nice amazing wonderful fantastic incredible lovely super wow woah whoa oh ah aw aww haha lol good
well glad happy love sound be have do get go look seem know think see hear say tell talk chat feel mean let can will
would could should must may might shall gonna gotta wanna want make take keep come thing stuff way lot bit time day one
kind sort word luck fun congrat congrats congratulation congratulations wish hope guess bet proud excited exciting
interesting impressive sweet beautiful gorgeous fascinating inspiring inspire admire relate understand imagine sorry
worry matter problem course please really so very too much also just even still pretty quite truly actually for bad
tough hard difficult fine perfect brilliant thoughtful kindness rock deserve enjoy care posted update share sharing
long soon catch up not never always ever here there now then again back out together everything something anything
nothing everyone someone anyone guy dude man buddy friend pal idea point job work support special meaningful rewarding
touching cute adorable stunning hang wait remember believe help helpful need give stay safe forward check lucky all
ya yay oof omg phew ugh gosh hooray
"""
_LEADING_WORDS = """
wow|woah|whoa|oh|ah|aw+|hey|hi|hello|yes|yeah|yep|yup|thanks|thank you|thanks so much|thx|haha|lol|well|cool|nice|sure|
ok|okay|great|awesome|anyway|by the way|btw|definitely|absolutely|totally|of course|for sure|hmm+|so|congrats|
exactly|right|amazing|sorry|no worries|no problem|true|you know|oof|omg|oh my|oh my god|oh my gosh|gosh|phew|yay|ugh|
oh wow|oh yeah|oh yes|oh no|aw man|oh man|haha yeah|yeah true|fyi|great news|good news|big news|guess what|plus|also|
seriously|honestly|bye|oh btw|indeed|agreed
"""
# What only says that something is about to be said.
_ANNOUNCEMENT = (
    r"(?:just |i )?wanted to (?:let you know|tell you)(?: that)?\s+|i (?:have|had) to (?:say|tell you)(?: that)?,?\s+|"
    r"since (?:we|the) last (?:talked|spoke|chatted|met|time we (?:talked|spoke|chatted|met)),?\s+"
)
_BARE_INTERJECTION = r"(?:oh |wow |haha |aw+ |yeah |yep |yup )+(?:wow |yeah |yes |man )?(?=\S)"
_GREETINGS = frozenset(_GREETING_WORDS.split())
_THANKS = frozenset(_THANKING_WORDS.split())
_ASSENTS = frozenset(_ASSENTING_WORDS.split())
_EMPTY_WORDS = frozenset(_VAGUE_WORDS.split()) | _GREETINGS | _THANKS | _ASSENTS
_CONTENT = frozenset({"NOUN", "PROPN", "VERB", "ADJ", "NUM", "ADV", "INTJ", "X", "SYM"})
_FIRST_PERSON = frozenset({"i", "me", "my", "mine", "myself", "we", "our", "us", "ours"})
_LEAD = _LEADING_WORDS.replace("\n", "")


def cut_reason(sentence: Sentence, names: frozenset[str], times: Sequence[TimeMention]) -> Reason | None:
    """Why an English sentence may be left out, or None when it says something.

    `names` are the case-folded words of the names of those present: calling somebody by name is no news.
    """
    words = [t for t in sentence.tokens if any(c.isalnum() for c in t.text)]
    if not words:
        return Reason.PHATIC
    if len(words) < 4 and words[0].text.casefold() in _GREETINGS and all(t.pos == "PROPN" for t in words[1:]):
        return Reason.GREETING
    if _has_fact(sentence, words, names, times):
        return None
    if sentence.is_question:
        return (
            None
            if any(t.text.casefold() in _FIRST_PERSON for t in words) and _says(words, names, 2)
            else (Reason.EMPTY_QUESTION)
        )
    if _says(words, names, 1):
        return None
    return _kind(words)


def _has_fact(sentence: Sentence, words: Sequence[Token], names: frozenset[str], times: Sequence[TimeMention]) -> bool:
    if any(sentence.start <= m.start < sentence.end for m in times):
        return True
    if any(any(c.isdigit() for c in t.text) or (t.pos == "NUM" and t.text.casefold() != "one") for t in words):
        return True
    return any(
        sentence.start <= e.start < sentence.end
        and e.label not in ("DATE", "TIME", "ORDINAL", "CARDINAL")
        and not set(tokenize(e.text)) <= names | _EMPTY_WORDS
        for e in sentence.analysis.entities
    )


def _says(words: Iterable[Token], names: frozenset[str], at_least: int) -> bool:
    content = (t for t in words if t.pos in _CONTENT)
    told = sum(not _is_empty(t, names) for t in content)
    return told >= at_least


def _is_empty(token: Token, names: frozenset[str]) -> bool:
    word, lemma = token.text.casefold(), token.lemma.casefold()
    return word in _EMPTY_WORDS or lemma in _EMPTY_WORDS or word in names


def _kind(words: Sequence[Token]) -> Reason:
    said = {t.lemma.casefold() for t in words} | {t.text.casefold() for t in words}
    if said & _THANKS:
        return Reason.THANKS
    if words[0].text.casefold() in _GREETINGS:
        return Reason.GREETING
    return Reason.ACKNOWLEDGEMENT if said & _ASSENTS else Reason.PHATIC


def trim(sentence: Sentence, names: frozenset[str]) -> Sentence:
    """Return the sentence without interjections before it, and without names that only call somebody."""
    called = "|".join(sorted((re.escape(name) for name in names), key=len, reverse=True)) or r"(?!)"
    text = sentence.text
    lead = re.match(
        rf"(?:(?:{_LEAD}|{called})(?: (?:{called}))?\s*(?:[,!.…-]+\s+|\s+-+\s*)"
        rf"|{_ANNOUNCEMENT}|{_BARE_INTERJECTION})+",
        text,
        re.IGNORECASE,
    )
    cut = lead.end() if lead and lead.end() < len(text) and not text.startswith("for ", lead.end()) else 0
    start = sentence.start + cut
    tail = re.search(rf",\s+(?:{called})(?=[.!?…]*$)", text, re.IGNORECASE)
    if tail is None or sentence.start + tail.start() <= start:
        return Sentence(sentence.analysis, sentence.first, sentence.last, start, sentence.end)
    return Sentence(sentence.analysis, sentence.first, sentence.last, start, sentence.start + tail.start())

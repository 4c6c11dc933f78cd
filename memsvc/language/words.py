"""Texts to words: tokens, stop words and stems."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import Stemmer
from wordfreq import available_languages, top_n_list

# Scripts written without spaces between words, and Hangul, whose particles hide the stem: Thai to Myanmar,
# Hangul Jamo, Khmer, kana, ideographs, Hangul syllables, and the ideographs beyond the basic plane.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
# Combining marks that belong to a word, though `\w` does not know them: accents, Hebrew, Arabic, Indic signs.
_MARKS = (
    "\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0963\u0966-\u0dff"
)
_LETTERS = rf"(?:(?![{_UNSPACED}])(?:[^\W_]|[{_MARKS}]))+"
_TOKEN = re.compile(rf"(?P<run>[{_UNSPACED}]+)|{_LETTERS}(?:'{_LETTERS})*")

_CHARACTER = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")

_ASCII_TOKEN = re.compile(r"[a-z0-9]+(?:'[a-z0-9]+)*")
"""What `_TOKEN` finds in folded ASCII, in a tenth of the time."""

_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\uff07\u201b", "'"))

# Every algorithm of Snowball, by the ISO 639-1 codes it serves. Serbian's reads both scripts, and its neighbours.
_ALGORITHMS = {
    "ar": "arabic",
    "bs": "serbian",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "eo": "esperanto",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hr": "serbian",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "st": "sesotho",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}

_LONGEST_STEMMED = 64
"""Characters of a word that is stemmed; longer ones are no words."""

_FREQUENT = 100
"""Most frequent words of a language, which are its stop words: articles, pronouns, prepositions, auxiliaries."""

_WORDFREQ_CODES = {"no": "nb", "sr": "sh", "hr": "sh", "bs": "sh"}

# Left out on purpose: "may" and "will", which are also a month and a name.
_ENGLISH_STOP_WORDS = """
a an the this that these those
i me my mine myself we us our ours ourselves you your yours yourself yourselves
he him his himself she her hers herself it its itself they them their theirs themselves
who whom whose which what when where why how
am is are was were be been being
have has had having do does did doing done
can could might must shall should would
and or but nor so yet if then than because as while although though unless until
of at by for with about against between into through during before after above below
to from up down in out on off over under onto upon within without
again further once here there now just only very too also even ever still
all any both each few more most other others some such same own every either neither
no not none
i'm i'd i'll i've you're you'd you'll you've he'd he'll she'd she'll it'd it'll
we're we'd we'll we've they're they'd they'll they've there'll that'll that'd who'd who'll
isn't aren't wasn't weren't haven't hasn't hadn't don't doesn't didn't
can't cannot couldn't mustn't shouldn't won't wouldn't let
"""

STOP_WORDS: frozenset[str] = frozenset(_ENGLISH_STOP_WORDS.split())
"""English words that carry no content, in the form `tokenize` gives them."""


def tokenize(text: str) -> list[str]:
    """Split a text into case-folded words, without punctuation and without an English possessive `'s`.

    The text is first brought to Unicode NFKC. Runs of scripts without spaces (Chinese, Japanese, Thai, ...) and
    of Hangul become overlapping character bigrams; a run of one character stays that character.
    """
    text = text.translate(_APOSTROPHES)
    if text.isascii():
        return [word.removesuffix("'s") for word in _ASCII_TOKEN.findall(text.lower())]
    folded = unicodedata.normalize("NFKC", text).casefold()
    words: list[str] = []
    for match in _TOKEN.finditer(folded):
        word = match.group()
        if match.lastgroup == "run":
            words.extend(_bigrams(word))
        else:
            words.append(word.removesuffix("'s"))
    return words


def stems(text: str, language: str = "en") -> list[str]:
    """Return the Snowball stems of a text's content words, in order, repeats kept.

    `language` is an ISO 639-1 code; words of a language without a stemmer stay whole.
    """
    return [stem(word, language) for word in content_words(text, language)]


def content_words(text: str, language: str = "en") -> list[str]:
    """Return the words of `tokenize` without the stop words of a language."""
    left_out = stop_words(language)
    return [word for word in tokenize(text) if word not in left_out]


def characters(text: str) -> list[str]:
    """Return the ideographs and the syllables of Hangul in a text, each of which may be a word."""
    return [] if text.isascii() else _CHARACTER.findall(unicodedata.normalize("NFKC", text))


@lru_cache(maxsize=64)
def stop_words(language: str) -> frozenset[str]:
    """Words of a language that carry no content, in the form `tokenize` gives them; none where no list is known.

    Beside English they are the most frequent words that wordfreq counts.
    """
    if language == "en":
        return STOP_WORDS
    code = _WORDFREQ_CODES.get(language, language)
    if code not in available_languages("small"):
        return frozenset()
    frequent = top_n_list(code, _FREQUENT, wordlist="small", ascii_only=False)
    return frozenset(word for word in frequent if not word.isnumeric() and tokenize(word) == [word])


def is_unspaced(text: str) -> bool:
    """Whether a text is all in scripts that are written without spaces between words."""
    return re.fullmatch(rf"[{_UNSPACED}・\s]+", text) is not None


def word_count(text: str) -> int:
    """About how many words a text has: what blanks set apart, and every two characters of a script without blanks."""
    return sum(max(1, len(re.findall(rf"[{_UNSPACED}]", part)) // 2) for part in text.split())


def _bigrams(run: str) -> list[str]:
    if len(run) == 1:
        return [run]
    return [run[i : i + 2] for i in range(len(run) - 1)]


@lru_cache(maxsize=1 << 16)
def stem(word: str, language: str) -> str:
    """Return the Snowball stem of a word that `tokenize` gave; the word itself in a language without a stemmer."""
    algorithm = _ALGORITHMS.get(language)
    if algorithm is None or len(word) > _LONGEST_STEMMED:
        return word
    # A stemmer keeps the word it works on as its own state, so threads must not share one.
    return str(Stemmer.Stemmer(algorithm, 0).stemWord(word))

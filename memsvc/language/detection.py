"""Guesses the language of a text from its script and its function words, without a model."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

UNKNOWN = "und"
"""ISO 639 code of a language that could not be told."""

_FUNCTION_WORDS = {
    "en": "the a an i you he she it we they is are was were am be been have has had do does did not and or but "
    "of to in on at for with from by as this that my your his her our their me him them what how when where who "
    "i'm it's don't i've that's so can will would just if about there all up out",
    "es": "el la los las un una de que y en es por con para su al del se lo como más pero sus le ya me mi yo muy "
    "no está fue soy estoy tengo también hoy ayer nos te",
    "fr": "le la les un une des de du et est que qui dans pour pas sur au avec ce il elle je nous vous ils mais ma "
    "mon j'ai c'est suis à été très ne en se",
    "de": "der die das ein eine und ist nicht ich du er sie wir ihr zu den dem mit auf für von im auch habe bin "
    "war sich es aber wie mein meine heute gestern",
    "it": "il lo la gli le un una di che e è per con non sono ho mi si ma come più del della nel io mio mia ieri",
    "pt": "o os as um uma de que e é em para com não eu meu minha por mais mas se na no do da foi muito ontem",
    "nl": "de het een en is niet ik je hij zij wij van in op te dat met voor zijn maar mijn ben was ook naar",
}
_BY_WORD: dict[str, list[str]] = {}
for _code, _words in _FUNCTION_WORDS.items():
    for _word in _words.split():
        _BY_WORD.setdefault(_word, []).append(_code)

_SCRIPTS = {
    "CYRILLIC": "ru", "GREEK": "el", "HEBREW": "he", "ARABIC": "ar", "DEVANAGARI": "hi", "BENGALI": "bn",
    "TAMIL": "ta", "THAI": "th", "HANGUL": "ko", "HIRAGANA": "ja", "KATAKANA": "ja", "CJK": "zh",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SAMPLE = 400


def detect(text: str) -> str:
    """Return an ISO 639 code; `en` for short texts in Latin script that show no other language."""
    sample = text[:_SAMPLE]
    if not sample.isascii() and (script := _script(sample)):
        return script
    return _latin(sample)


def _script(sample: str) -> str:
    scripts = Counter(unicodedata.name(c, "LATIN").split(maxsplit=1)[0] for c in sample if c.isalpha())
    if not scripts or scripts.most_common(1)[0][0] == "LATIN":
        return ""
    if scripts["HIRAGANA"] or scripts["KATAKANA"]:
        return "ja"
    return _SCRIPTS.get(scripts.most_common(1)[0][0], UNKNOWN)


def _latin(sample: str) -> str:
    words = [word.casefold().replace("’", "'") for word in _WORD.findall(sample)]
    votes = Counter(code for word in words for code in _BY_WORD.get(word, ()))
    if not votes:
        return "en" if len(words) < 8 or sample.isascii() else UNKNOWN
    code, count = votes.most_common(1)[0]
    # One word is no evidence: languages share some, and names look like others.
    return "en" if count < 2 or votes["en"] == count else code

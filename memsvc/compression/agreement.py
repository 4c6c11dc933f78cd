"""Forms of an English verb after its subject was put into the third person."""

from __future__ import annotations

import re

from memsvc.types import Token

_CONTRACTED = {"'m": "is", "'re": "is", "'ve": "has", "'ll": "will"}
_IRREGULAR = {
    "am": "is",
    "are": "is",
    "were": "was",
    "have": "has",
    "do": "does",
    "go": "goes",
    "m": "is",
    "ve": "has",
    "wanna": "wants to",
    "gotta": "has to",
    "gonna": "is going to",
}
_PLURAL = {"am": "are", "'m": "'re", "m": "'re", "was": "were"}
# Their past is spelt like their present, and what people tell is mostly past.
_SAME_PAST = frozenset({"read", "put", "cut", "hit", "set", "let", "cost", "hurt", "quit", "shut", "spread", "beat"})


def third_person(verb: Token, *, bare_is_finite: bool, before_participle: bool = False) -> str | None:
    """Third person singular of a finite verb; None when it stays as it is.

    `bare_is_finite` says that a base form is a present here, `before_participle` that a contracted "'d" is "had".
    """
    word = _plain(verb)
    if word in _CONTRACTED:
        return _CONTRACTED[word]
    if word == "'d":
        return "had" if before_participle or verb.lemma == "have" else "would"
    if word in _IRREGULAR and (verb.tag in ("VBP", "VBD", "VB", "MD") or word == "wanna"):
        return _IRREGULAR[word]
    if word in _SAME_PAST or verb.tag == "MD":
        return None
    if verb.tag != "VBP" and not (verb.tag == "VB" and bare_is_finite):
        return None
    return inflect(verb.text)


def plural(verb: Token) -> str | None:
    """The form after "they" of a verb that followed "I" or "you"; None when it stays as it is."""
    return _PLURAL.get(_plain(verb))


def inflect(verb: str) -> str:
    """Third person singular of a regular verb's base form."""
    if re.search(r"[^aeiou]y$", verb):
        return f"{verb[:-1]}ies"
    return f"{verb}es" if re.search(r"(?:s|x|z|ch|sh|o)$", verb) else f"{verb}s"


def _plain(verb: Token) -> str:
    return verb.text.casefold().replace("’", "'")

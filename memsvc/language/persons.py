"""Whether a text speaks of the one it is said to, and not of the one who says it.

Told by pronouns, so only in languages that do not leave them out.
"""

from __future__ import annotations

from memsvc.language.words import tokenize

# First and second person, all cases; German "Sie" and "Ihr" are left out, which are third persons as well.
_FIRST = {
    "en": "i me my mine myself we us our ours ourselves",
    "de": "ich mich mir mein meine meinem meinen meiner meines wir uns unser unsere unserem unseren unserer",
    "fr": "je j me m moi mon ma mes mien mienne nous notre nos",
    "nl": "ik mij me mijn wij we ons onze",
}
_SECOND = {
    "en": "you your yours yourself yourselves",
    "de": "du dich dir dein deine deinem deinen deiner deines euch euer eure eurem euren",
    "fr": "tu te t toi ton ta tes vous votre vos",
    "nl": "jij je jou jouw u uw jullie",
}
_WORDS = {language: (frozenset(_FIRST[language].split()), frozenset(_SECOND[language].split())) for language in _FIRST}


def is_about_listener(text: str, language: str) -> bool:
    """Whether a text has a pronoun of the second person and none of the first; False where pronouns are left out."""
    first, second = _WORDS.get(language, (frozenset(), frozenset()))
    words = frozenset(word.partition("'")[0] for word in tokenize(text))
    return not words.isdisjoint(second) and words.isdisjoint(first)

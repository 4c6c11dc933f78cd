"""What a question asks for, read from its wording once for the whole retrieval."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from memsvc.language.detection import detect
from memsvc.language.names import find_names
from memsvc.language.words import stems
from memsvc.retrieval.names import Names, question_names


class Asked(StrEnum):
    """The kind of thing that an answer would name."""

    TIME = "time"
    PLACE = "place"
    PERSON = "person"
    NUMBER = "number"
    REPLY = "reply"
    """What the assistant said, suggested or gave."""


def _pattern(spaced: str, unspaced: str) -> re.Pattern[str]:
    """Words of languages with spaces, which stand alone, and of those without."""
    return re.compile(rf"\b(?:{spaced})\b|{unspaced}", re.IGNORECASE)


# English, Spanish, German, French, Arabic; then Chinese and Japanese.
_ASKING = {
    Asked.TIME: _pattern(
        r"when|what (?:date|day|month|year|time)|which (?:day|month|year)|how long|"
        r"cuándo|qué (?:día|fecha|mes|año)|wann|wie lange|an welchem tag|in welche[mr] (?:monat|jahr|woche)|quand|متى",
        r"什么时候|何时|哪天|哪一天|几月|哪一年|いつ|何年|何月|何日",
    ),
    Asked.PLACE: _pattern(
        r"where|(?:which|what) (?:city|country|place|state|town)|dónde|adónde|wo|wohin|woher|où|أين",
        r"哪里|哪儿|什么地方|どこ",
    ),
    Asked.PERSON: _pattern(r"who|whose|whom|quién|quiénes|wer|wem|wen|wessen|qui", r"谁|誰|だれ"),
    Asked.NUMBER: _pattern(
        r"how (?:many|much|often|old)|cuánt[oa]s?|wie (?:viel|viele|oft|alt)|combien|كم",
        r"多少|几个|几次|いくつ|いくら|何人|何回",
    ),
    Asked.REPLY: _pattern(
        r"(?:did|do|have|had|were) you|you(?:['’]ve)? (?:said|told|gave|suggest\w*|recommend\w*|mention\w*|explain\w*|"
        r"advis\w*|propos\w*|list\w*|provid\w*|outlin\w*|describ\w*|wrote|draft\w*)|your (?:advice|answer|explanation|"
        r"suggest\w*|recommend\w*|proposal|example|list|plan|draft|code)|"
        r"(?:was|were|got) (?:i )?(?:recommended|suggested|advised|told)|(?:the|an?) (?:assistant|agent|ai|chatbot)|"
        r"(?:me )?(?:dijiste|sugeriste|recomendaste)|asistente|hast du|haben sie|assistent\w*|as-tu|avez-vous|المساعد",
        r"你(?:说|建议|推荐|给)|助手|アシスタント|(?:教えて|勧めて|提案して)くれ",
    ),
}


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its names, what it asks for, and its content stems without the people it names."""

    text: str
    names: Names
    asks: frozenset[Asked]
    terms: frozenset[str]
    language: str = "en"
    """ISO 639-1 code; the words of memories are compared with the question's as stems of this language."""


def read_question(text: str) -> Question:
    """Read a question from its text."""
    language = detect(text)
    names = question_names(find_names(text, language))
    people = {stem for name in names.people for stem in stems(name, language)}
    terms = frozenset(stems(text, language))
    return Question(
        text=text,
        names=names,
        asks=frozenset(asked for asked, pattern in _ASKING.items() if pattern.search(text)),
        terms=terms - people or terms,
        language=language,
    )

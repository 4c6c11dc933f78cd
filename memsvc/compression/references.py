"""Says in the third person what a speaker said in the first and second, or declines.

The speaker and the addressee are named once in a sentence; after that they are "they" where nobody else can be meant.
"We" is "they" after "Ben said", or the speaker and the companions whom the sentence before has named. A "you" that
means anybody ("it's nice when you win") is "one". A sentence whose pronouns cannot all be resolved with confidence is
not restated: it is quoted instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from memsvc.compression.agreement import plural, third_person
from memsvc.compression.clauses import Clauses
from memsvc.compression.frames import Frame, Voices, frame, is_clause, lacks_subject
from memsvc.compression.second_person import You, meaning
from memsvc.compression.sentences import Edit, Sentence
from memsvc.types import Token

_FIRST = frozenset({"i", "me", "my", "mine", "myself"})
_SECOND = frozenset({"you", "your", "yours", "yourself", "ya", "u"})
_GROUP = {"we": "they", "us": "them", "our": "their", "ours": "theirs", "ourselves": "themselves"}
_UNRESOLVED = frozenset({"ain't", "y'all", "yall", "ur"})
_PERSONS = _FIRST | _SECOND | _UNRESOLVED | _GROUP.keys()
_OTHERS = frozenset({"they", "them", "their", "theirs", "themselves"})
_WRITTEN_OUT = {"'re": "are", "'ve": "have", "'ll": "will", "'d": "had"}
_PEOPLE = {"us": "people", "our": "people's"}
_ONE = {"you": "one", "ya": "one", "u": "one", "your": "one's", "yourself": "oneself"}
_QUOTE = re.compile(r"[\"“”«»]")
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|«[^»]*»')
_TALKING = re.compile(r"we (?:last|had last|'ve last) |since we |the last time we ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Restated:
    """How to say a sentence in the third person: an opening, then the text from `start` on with `edits`.

    `lowers` says that the text begins with a word that has its capital only from beginning the sentence.
    """

    opening: str
    start: int
    edits: tuple[Edit, ...]
    lowers: bool = False


def speaks_of_self(text: str) -> bool:
    """Whether a text has a pronoun of the first person singular."""
    return bool(_words(text) & _FIRST)


def speaks_of_addressee(text: str) -> bool:
    """Whether a text has a pronoun of the second person."""
    return bool(_words(text) & _SECOND)


def needs_voice(text: str) -> bool:
    """Whether a text has pronouns of the first or second person."""
    return bool(_words(text) & _PERSONS) or "let's" in text.casefold().replace("’", "'")


def _words(text: str) -> set[str]:
    return {word.casefold() for word in re.findall(r"[^\W\d_]+", text)}


def restate(sentence: Sentence, voices: Voices, companions: str = "") -> Restated | None:
    """The third person of an English sentence, or None when unsure.

    `companions` are those whom the sentence before puts beside the speaker ("their brother").
    """
    quotes = [m.span() for m in _QUOTED.finditer(sentence.analysis.text, sentence.start, sentence.end)]
    opening = None if sentence.is_question else frame(sentence, voices)
    start = opening.start if opening else sentence.start
    persons = [
        i
        for i in range(sentence.first, sentence.last)
        if (token := sentence.analysis.tokens[i]).text.casefold() in _PERSONS
        and token.start >= start
        and not any(a <= token.start < b for a, b in quotes)
        and sentence.analysis.text[token.end : token.end + 1] != "-"  # "me-time"
    ]
    if sentence.is_question or _QUOTE.search(_QUOTED.sub("", sentence.text)):
        return None if persons or sentence.is_question else Restated("", sentence.start, ())
    if opening is None and persons and lacks_subject(sentence):
        return None
    return _Restatement(sentence, voices, opening, persons, companions).restated()


class _Restatement:
    """Collects the edits of one sentence; `persons` are the indices of the pronouns to resolve."""

    def __init__(
        self, sentence: Sentence, voices: Voices, opening: Frame | None, persons: list[int], companions: str
    ) -> None:
        self._sentence = sentence
        self._voices = voices
        self._companions = companions
        self._opening = opening.opening if opening else ""
        self._start = opening.start if opening else sentence.start
        self._focus = opening.focus if opening else ""
        self._lowers = opening.lowers if opening else False
        self._edits: list[Edit] = list(opening.edits) if opening else []
        self._persons = persons
        self._tokens = sentence.analysis.tokens
        self._clauses = Clauses(sentence)
        self._range = self._clauses.range
        self._agreed: set[int] = set()
        self._was_they = False
        self._others_are_they = bool(self._clauses.words() & _OTHERS) or self._opening.endswith(" they ")
        words = {self._clauses.word(i) for i in persons}
        self._has_group = not words.isdisjoint(_GROUP)
        self._kinds = bool(words & _FIRST) + bool(words & _SECOND)
        if voices.addressee and not self._focus and voices.addressee in self._opening:
            self._kinds = 2
        # Where each person was last spoken of, and who was so as a subject; an opening does so of its focus.
        begin = next((i for i in self._range if self._tokens[i].start >= self._start), sentence.first)
        self._mentioned: dict[str, int] = {self._focus: begin} if self._focus else {}
        if opening and not self._focus and opening.opening.startswith(voices.speaker):
            self._mentioned[voices.speaker] = begin
        self._subjects = set(self._mentioned)
        self._you = self._meaning_of_you()

    def restated(self) -> Restated | None:
        """The whole, None when any pronoun resists."""
        if not all(self._add(i) for i in self._persons):
            return None
        return Restated(self._opening, self._start, tuple(self._edits), self._lowers)

    def _add(self, i: int) -> bool:
        word = self._clauses.word(i)
        if word in _UNRESOLVED:
            return False
        if word in _GROUP:
            return self._group(i)
        if word in _SECOND:
            return self._second(i)
        if word in ("my", "mine"):
            return self._possessive(i, self._voices.speaker)
        if word == "myself":
            return self._replace(i, "themselves")
        return self._personal(i, self._voices.speaker)

    def _second(self, i: int) -> bool:
        word, name = self._clauses.word(i), self._voices.addressee
        if self._you is You.ANYBODY:
            return word in _ONE and (
                self._subject(i, "one") if self._clauses.is_subject(i) else self._replace(i, _ONE[word])
            )
        follower = self._clauses.word(i + 1) if i + 1 in self._range else ""
        if not name or self._you is None or follower in ("guys", "all", "both", "two"):
            return False
        if word in ("your", "yours"):
            return self._possessive(i, name)
        if word == "yourself":
            return name in self._mentioned and self._replace(i, "themselves")
        return self._personal(i, name)

    def _personal(self, i: int, name: str) -> bool:
        return (
            self._subject(i, name)
            if self._clauses.is_subject(i) and self._clauses.word(i) != "me"
            else self._object(i, name)
        )

    def _replace(self, i: int, text: str) -> bool:
        token = self._tokens[i]
        self._edits.append(Edit(token.start, token.end, self._cased(token, text)))
        return True

    def _cased(self, token: Token, text: str) -> str:
        if token.start == self._sentence.start:
            return text[:1].upper() + text[1:]
        return text[:1].lower() + text[1:] if text.startswith("The ") else text

    def _meaning_of_you(self) -> You | None:
        yours = [i for i in self._persons if self._clauses.word(i) in _SECOND]
        if not yours or self._opening or any(self._clauses.word(i) in _FIRST for i in self._persons):
            return You.ADDRESSEE
        found = meaning(self._sentence.text, self._clauses, yours)
        return None if found is You.ANYBODY and self._has_group else found

    def _group(self, i: int) -> bool:
        """ "We" as "they": whom it means, the sentence or "Ben said" before it tells."""
        word = self._clauses.word(i)
        if word in _PEOPLE and self._clauses.has_general_subject():
            return self._replace(i, _PEOPLE[word])
        if self._others_are_they or self._has_plural_subject_before(i):
            return False
        if word == "we" and _TALKING.search(self._sentence.text) and self._is_about_talking(i):
            return bool(self._voices.addressee) and self._both(i, self._voices.addressee)
        first = not self._mentioned
        self._mentioned[self._voices.speaker] = i
        if first and self._companions and word == "we":
            return self._both(i, self._companions)
        if first:
            if self._opening or not is_clause(self._sentence):
                return False
            self._opening, self._lowers = f"{self._voices.speaker} said ", True
        return self._replace(i, _GROUP[word])

    def _both(self, i: int, other: str) -> bool:
        """ "We" as two who are named; a verb contracted to it is written out."""
        verb = self._tokens[i + 1] if i + 1 in self._range else None
        written = _WRITTEN_OUT.get(verb.text.replace("’", "'")) if verb is not None else None
        if verb is not None and written is not None:
            self._edits.append(Edit(verb.start, verb.end, f" {written}"))
        return self._replace(i, f"{self._voices.speaker} and {other}")

    def _is_about_talking(self, i: int) -> bool:
        verb = self._tokens[self._tokens[i].head].lemma.casefold()
        return verb in ("talk", "speak", "chat", "meet", "see", "catch", "hang", "message", "write")

    def _has_plural_subject_before(self, i: int) -> bool:
        before = (self._tokens[k] for k in range(self._sentence.first, i))
        return any(t.dep in ("nsubj", "nsubjpass") and t.tag in ("NNS", "NNPS") for t in before)

    def _may_be_they(self, i: int, name: str) -> bool:
        """Whether "they" at token `i` can only mean the person, who was named before."""
        if name not in self._mentioned or self._others_are_they or self._has_group or name == "one":
            return False
        if self._focus:
            if name != self._focus:
                return False
        elif self._kinds > 1 or (self._opening and name != self._voices.speaker):
            return False
        between = range(self._mentioned[name], i)
        return not any(self._clauses.is_plural(k) for k in between)

    def _is_alone(self, i: int, name: str) -> bool:
        """Whether, besides, nobody else was named or meant since: "Marit asked them" would be unclear."""
        if not self._may_be_they(i, name):
            return False
        between = range(self._mentioned[name] + 1, i)
        return not any(self._tokens[k].tag == "NNP" or self._clauses.word(k) in ("he", "she", "who") for k in between)

    def _possessive(self, i: int, name: str) -> bool:
        persons = _FIRST if name == self._voices.speaker else _SECOND
        if self._clauses.word(i) in ("mine", "yours"):
            self._mentioned[name] = i
            return self._replace(i, f"{name}'s")
        their = self._may_be_they(i, name) or self._follows_own(i, persons)
        self._mentioned[name] = i
        if their:
            return self._replace(i, "their")
        return self._replace(i, f"{name}'" if name.endswith("s'") else f"{name}'s")

    def _follows_own(self, i: int, persons: frozenset[str]) -> bool:
        """Whether the subject nearest before token `i`, or an object after it, is the person the pronoun means."""
        for k in range(i - 1, self._range.start - 1, -1):
            token = self._tokens[k]
            if token.start < self._start:
                return False
            if self._clauses.word(k) in persons and token.tag == "PRP":
                return True
            if (
                self._clauses.is_subject(k)
                and token.pos in ("NOUN", "PROPN", "PRON")
                and token.tag not in ("WDT", "WP")
            ):
                return False
        return False

    def _object(self, i: int, name: str) -> bool:
        token = self._tokens[i]
        if token.dep not in ("dobj", "pobj", "dative", "conj", "nsubj", "ccomp", "attr"):
            return False
        if self._clauses.is_subject(i) and self._clauses.has_joined(i):
            return self._beside_others(i, name)
        if token.dep == "nsubj" and self._tokens[token.head].tag not in ("VB", "VBG", "VBN", "JJ", "IN", "NN"):
            return False  # "let me go", "made me feel": the verb after it is no finite one
        text = "them" if name in self._subjects and self._is_alone(i, name) else name
        self._mentioned[name] = i
        if self._clauses.is_subject(i):
            self._subjects.add(name)
        return self._replace(i, text)

    def _subject(self, i: int, name: str) -> bool:
        token = self._tokens[i]
        if self._clauses.has_joined(i):
            return self._beside_others(i, name)
        group = self._clauses.verbs(i)
        if not group:
            return self._clauses.word(i) != "i" and self._object(i, name) if name != "one" else False
        they = name in self._subjects and self._is_alone(i, name)
        if (link := self._clauses.shared_subject(i)) is not None:
            self._edits.append(Edit(link, token.end, ""))
            they = they and self._was_they
        else:
            told = i - 1 in self._persons  # "I told you I left": "Ben told Ana that Ben left"
            self._replace(i, "they" if they else f"that {name}" if told else name)
        self._was_they = they
        self._subjects.add(name)
        self._mentioned[name] = i
        self._agree(group, they=they)
        simple = len(group) == 1 and self._tokens[group[0]].tag in ("VBP", "VB")
        for other in self._clauses.conjuncts(token.head, simple=simple):
            self._agree(other, they=they)
        return True

    def _beside_others(self, i: int, name: str) -> bool:
        """ "You and Max are": the verb is plural already."""
        self._mentioned[name] = i
        self._subjects.add(name)
        return name != "one" and self._replace(i, name)

    def _agree(self, group: list[int], *, they: bool) -> None:
        first = self._tokens[group[0]]
        if group[0] in self._agreed:
            return
        self._agreed.add(group[0])
        participle = len(group) > 1 and self._tokens[group[1]].tag == "VBN"
        singular = third_person(first, bare_is_finite=len(group) == 1, before_participle=participle)
        form = plural(first) if they else singular
        if form is not None:
            attached = first.start > 0 and not self._sentence.analysis.text[first.start - 1].isspace()
            self._edits.append(Edit(first.start, first.end, f" {form}" if attached and form[0] != "'" else form))

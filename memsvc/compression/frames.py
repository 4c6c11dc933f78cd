"""Openings that make a full statement of a sentence that leaves its subject out: who thanked, asked, has or is.

People say "Thanks for the soup", "Let me know", "Been ill" or "Can't wait"; told by somebody else such a sentence
needs its subject: "Ben thanked Ana for the soup".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from memsvc.compression.agreement import inflect
from memsvc.compression.sentences import Edit, Sentence
from memsvc.types import Token


@dataclass(frozen=True, slots=True)
class Voices:
    """Who speaks and to whom. An empty addressee is unknown."""

    speaker: str
    addressee: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """Words before a sentence, and where the rest of it begins.

    `focus` is whom "they" means in the rest, empty where the opening names nobody but the speaker. `lowers` says
    that the rest began the sentence and now stands within one.
    """

    opening: str
    start: int
    focus: str = ""
    lowers: bool = True
    edits: tuple[Edit, ...] = ()


_THANKS = re.compile(
    r"(?:thanks|thank you|thx)(?: so much| a lot| again| a ton| a bunch)?(?:,? (?-i:[A-Z])\w+,?)? for ", re.IGNORECASE
)
_CONGRATULATIONS = re.compile(
    r"(?:congrats|congratulations)(?: again)?(?:,? (?-i:[A-Z])\w+,?)? (?P<on>on|for) ", re.IGNORECASE
)
_SUGGESTION = re.compile(r"let['’]?s (?:all )?(?=\w)", re.IGNORECASE)
_ADVERBS = r"(?:(?:just|also|still|really|definitely|finally|recently|actually|always|already|only|even) )?"
_FEELING = re.compile(
    r"(?:(?:so|really|very|super|just|always) )?(?:glad|happy|excited|proud|sorry|thrilled|grateful|thankful|stoked)"
    r" (?:you|to|that|for|about|i|we|it|they|he|she|of|your|my|with)\b",
    re.IGNORECASE,
)
_MODAL = re.compile(
    rf"{_ADVERBS}(?:can['’]?t|can ?not|couldn['’]?t|won['’]?t|would(?:n['’]?t)?|will) (?!be\b|have been\b|beat\b|go\b)"
    rf"{_ADVERBS}[a-z]+\b",
    re.IGNORECASE,
)
_PERFECT = re.compile(
    rf"{_ADVERBS}been (?!(?:an?|the|too|so|such|quite|ages|forever|one|two|three)\b)[a-z]+", re.IGNORECASE
)
_NO_SUBJECT = r"(?!(?:you|we|they|he|she|it|i)\b)(?=[a-z])"
_SHOWING = re.compile(
    r"(?:check out|take a look at|have a look at|look at) (?=(?:this|these|my|our|the|some|what|how)\b)", re.IGNORECASE
)
_INTENTION = re.compile(rf"{_ADVERBS}gonna ", re.IGNORECASE)
# What stands first, the words that put its subject there, and whether they stand before it or in its place.
_AUXILIARIES = (
    (
        re.compile(r"haven['’]t (?!talked|spoken|chatted|seen you|heard from)" + _NO_SUBJECT, re.IGNORECASE),
        "hasn't ",
        False,
    ),
    (re.compile(r"didn['’]t " + _NO_SUBJECT, re.IGNORECASE), "didn't ", False),
    (re.compile(r"gotta (?=[a-z])", re.IGNORECASE), "has to ", False),
    (_PERFECT, "has ", True),
    (_INTENTION, "is ", True),
    (_MODAL, "", True),
)
_MENTAL = frozenset({"hope", "love", "miss", "wish", "guess", "bet", "appreciate", "wonder", "think"})
# What was said does these to the speaker: their missing subject is "it".
_IMPERSONAL = frozenset({"sound", "look", "seem", "make", "remind", "feel", "help", "turn", "mean", "depend", "let"})
_SUBJECTS = frozenset({"nsubj", "nsubjpass", "csubj", "expl"})
_ASKING = frozenset({"me", "my", "us"})


def frame(sentence: Sentence, voices: Voices) -> Frame | None:
    """The opening that an English sentence needs, None when it stands by itself."""
    for find in (_thanks, _congratulations, _suggestion, _showing, _dropped, _request):
        found = find(sentence, voices)
        if found is not None:
            return found
    return None


def is_clause(sentence: Sentence) -> bool:
    """Whether the main verb has a subject, so that "Ben said" can stand before it."""
    root = _root(sentence)
    tokens = sentence.analysis.tokens
    subjects = (t for t in tokens[sentence.first : sentence.last] if t.head == root and t.dep in _SUBJECTS)
    return tokens[root].pos in ("VERB", "AUX") and next(subjects, None) is not None


def lacks_subject(sentence: Sentence) -> bool:
    """Whether the main verb has dropped its subject ("Going to see my aunt")."""
    root = _root(sentence)
    before = sentence.analysis.tokens[sentence.first : root]
    subject = any(t.dep in _SUBJECTS and t.start >= sentence.start for t in before)
    return not subject and sentence.analysis.tokens[root].tag in ("VB", "VBP", "VBG", "VBN", "VBD")


def _thanks(sentence: Sentence, voices: Voices) -> Frame | None:
    match = _THANKS.match(sentence.text)
    if match is None:
        return None
    thanked = f"thanked {_inner(voices.addressee)}" if voices.addressee else "is thankful"
    return Frame(f"{voices.speaker} {thanked} for ", sentence.start + match.end(), voices.addressee, lowers=False)


def _congratulations(sentence: Sentence, voices: Voices) -> Frame | None:
    match = _CONGRATULATIONS.match(sentence.text)
    if match is None or not voices.addressee:
        return None
    opening = f"{voices.speaker} congratulated {_inner(voices.addressee)} {match['on']} "
    return Frame(opening, sentence.start + match.end(), voices.addressee, lowers=False)


def _suggestion(sentence: Sentence, voices: Voices) -> Frame | None:
    match = _SUGGESTION.match(sentence.text)
    if match is None:
        return None
    return Frame(f"{voices.speaker} suggested they ", sentence.start + match.end())


def _showing(sentence: Sentence, voices: Voices) -> Frame | None:
    match = _SHOWING.match(sentence.text)
    if match is None:
        return None
    showed = f"showed {_inner(voices.addressee)}" if voices.addressee else "showed"
    return Frame(f"{voices.speaker} {showed} ", sentence.start + match.end(), lowers=False)


def _dropped(sentence: Sentence, voices: Voices) -> Frame | None:
    root, name = _root(sentence), voices.speaker
    for pattern, auxiliary, keeps_words in _AUXILIARIES:
        match = pattern.match(sentence.text)
        if match and (not keeps_words or not _has_subject(sentence, root)):
            start = sentence.start + (0 if keeps_words else match.end())
            return Frame(f"{name} {auxiliary}", start, lowers=keeps_words)
    found = _feeling(sentence, voices)
    return found if found or _has_subject(sentence, root) else _dropped_of_verb(sentence, name, root)


def _feeling(sentence: Sentence, voices: Voices) -> Frame | None:
    return Frame(f"{voices.speaker} is ", sentence.start) if _FEELING.match(sentence.text) else None


def _dropped_of_verb(sentence: Sentence, name: str, root: int) -> Frame | None:
    verb = sentence.analysis.tokens[root]
    lemma = verb.lemma.casefold()
    if not re.fullmatch(_ADVERBS, f"{sentence.analysis.text[sentence.start : verb.start]}", re.IGNORECASE):
        return None
    if verb.text.casefold() in _MENTAL and verb.start == sentence.start:
        return Frame(f"{name} {inflect(verb.text.casefold())} ", min(verb.end + 1, sentence.end), lowers=False)
    if lemma in _IMPERSONAL and verb.tag in ("VBZ", "VBD") and _has_person(sentence):
        return Frame("It ", verb.start)
    if lemma in _IMPERSONAL or any(t.text.casefold() in ("me", "us") for t in _objects(sentence, root)):
        return None
    if verb.tag == "VBG" and not _is_subject_of_another(sentence, root) and (_has_person(sentence) or lemma == "look"):
        return Frame(f"{name} is ", sentence.start)
    return Frame(f"{name} ", sentence.start) if verb.tag == "VBD" and verb.pos == "VERB" else None


def _is_subject_of_another(sentence: Sentence, gerund: int) -> bool:
    """Whether a finite verb after the gerund lacks a subject: "Having her around shows"."""
    tokens = sentence.analysis.tokens
    for i in range(gerund + 1, sentence.last):
        finite = tokens[i].tag in ("VBZ", "VBP", "VBD", "MD") and tokens[i].dep not in (
            "aux",
            "auxpass",
            "relcl",
            "conj",
        )
        if finite and not _has_subject(sentence, i):
            return True
    return False


def _request(sentence: Sentence, voices: Voices) -> Frame | None:
    """An imperative that speaks of those present: "Let me know" is "Ben asked Ana to let Ben know"."""
    root = _root(sentence)
    tokens = sentence.analysis.tokens
    verb = tokens[root]
    before = sentence.analysis.text[sentence.start : verb.start].casefold().replace("’", "'")
    if (
        not voices.addressee
        or verb.tag != "VB"
        or verb.lemma == "guess"
        or _has_subject(sentence, root)
        or not _has_person(sentence)
    ):
        return None
    if not re.fullmatch(r"(?:(?:do|don't|please|just|never|always|so|but|and)[ ,]*)*", before):
        return None
    joined = list(_joined(sentence, root))
    if any(_has_subject(sentence, i) or tokens[i].tag != "VB" for i in joined):
        return None
    words = {t.text.casefold() for t in sentence.tokens}
    denial = "not " if "don't" in before else "never " if "never" in before else ""
    opening = f"{voices.speaker} {'asked' if words & _ASKING else 'told'} {_inner(voices.addressee)} {denial}to "
    return Frame(opening, verb.start, voices.addressee, edits=tuple(_denials(sentence, joined)))


def _denials(sentence: Sentence, verbs: list[int]) -> Iterator[Edit]:
    """ "and don't forget" after "told Ana to" is "and not to forget"."""
    tokens = sentence.analysis.tokens
    for verb in verbs:
        if verb - 2 > sentence.first and tokens[verb - 1].text in ("n't", "n’t") and tokens[verb - 2].lemma == "do":
            yield Edit(tokens[verb - 2].start, tokens[verb - 1].end, "not to")


def _joined(sentence: Sentence, verb: int) -> Iterator[int]:
    tokens = sentence.analysis.tokens
    for i in range(verb + 1, sentence.last):
        if tokens[i].head == verb and tokens[i].dep == "conj" and tokens[i].pos in ("VERB", "AUX"):
            yield i
            yield from _joined(sentence, i)
        elif tokens[i].head == verb and tokens[i].dep in ("ccomp", "parataxis") and tokens[i].tag != "VB":
            yield i  # a full clause after a comma or dash


def _root(sentence: Sentence) -> int:
    tokens = sentence.analysis.tokens
    span = [i for i in range(sentence.first, sentence.last) if tokens[i].start >= sentence.start]
    return next((i for i in span if tokens[i].head == i or tokens[i].head not in span), sentence.first)


def _has_subject(sentence: Sentence, verb: int) -> bool:
    tokens = sentence.analysis.tokens
    return any(tokens[i].head == verb and tokens[i].dep in _SUBJECTS for i in range(sentence.first, verb))


def _objects(sentence: Sentence, verb: int) -> list[Token]:
    tokens = sentence.analysis.tokens[sentence.first : sentence.last]
    return [t for t in tokens if t.head == verb and t.dep in ("dobj", "dative")]


def _has_person(sentence: Sentence) -> bool:
    spoken = ("i", "me", "my", "myself", "you", "your", "yourself", "yours", "us")
    return any(t.text.casefold() in spoken for t in sentence.tokens)


def _inner(name: str) -> str:
    """A name within a sentence: "the user"."""
    return name[:1].lower() + name[1:] if name.startswith("The ") else name

"""The subject, the relation and the filling of a clause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from memsvc.consolidation.claims import ALL, OWN, Claim
from memsvc.consolidation.grammar import Clause, concept, is_first_person
from memsvc.consolidation.lexicon import (
    ASPECT,
    CHANGE,
    CURRENCY,
    KIN,
    LIGHT,
    NOT_OCCUPATION,
    NOUN,
    OCCUPATION,
    RELATION_NOUN,
    RESCHEDULE,
    RIVALS,
    SINGLE,
    STATES,
    VERB,
    words,
)
from memsvc.consolidation.phrase_reader import PhraseReader
from memsvc.consolidation.phrases import Filling, Phrase, Predicate
from memsvc.types import Interval, Token

_HAPPEN = words("be fall leave start begin depart happen stay remain last take")
_PARTICLES = {("call", "off"), ("break", "up"), ("split", "up"), ("give", "up"), ("lay", "off"), ("give", "away")}
_KEEP = words("wear keep have like love want hold leave find see take")
"""Verbs by which a thing is as it was; others make it so."""
_ALWAYS_END = words("quit leave sell lose cancel stop divorce die resign retire fire steal end abandon drop rid")


def predicates(
    clause: Clause, speaker: str, dated: Mapping[int, Interval], before: Sequence[Claim]
) -> Iterator[Predicate]:
    """What the clause says; `dated` are tokens of time expressions, `before` the claims of the clauses before it."""
    reader = _Reader(clause, speaker, dated)
    found = reader.read(before)
    if found is not None:
        yield found
        yield from reader.second(found)


def loosely(clause: Clause, speaker: str, dated: Mapping[int, Interval]) -> Predicate | None:
    """What a sentence of one clause that cannot be read says of the speaker: its last verb, and all that fills it.

    None where it has no verb with a meaning of its own, nothing specific, or is not about the speaker.
    """
    return _Reader(clause, speaker, dated).loosely()


class _Reader(PhraseReader):
    def loosely(self) -> Predicate | None:
        """See `loosely`."""
        tokens, span = self._clause.analysis.tokens, self._clause.span
        verbs = [i for i in span if tokens[i].pos == "VERB" and concept(tokens[i])]
        if not verbs or not any(is_first_person(tokens[i]) for i in span):
            return None
        found = self._collect(i for i in span if i != verbs[-1])
        if not (found.names or found.numbers or any(i in span for i in self._dated)):
            return None
        return self._filled(self._speaker, tokens[verbs[-1]].lemma.casefold(), found, set())

    def read(self, before: Sequence[Claim]) -> Predicate | None:
        clause = self._clause
        if clause.subject is None:  # a date is no subject to the parse: "4 March is my birthday"
            return self._of_pronoun(before) if clause.lemma == "be" else None
        token = clause.token(clause.subject)
        if token.text.casefold() == "there":
            return self._there()
        if token.pos == "PRON" and not is_first_person(token):
            return self._of_pronoun(before) or self._of_it(token)
        subject = Phrase(self._speaker) if self._with_speaker else self._phrase(clause.subject)
        return self._end(subject) or self._predicate(subject)

    def _predicate(self, subject: Phrase) -> Predicate | None:
        clause = self._clause
        if clause.lemma in ("be", "become", "turn", "go") and self._is_copula():
            return self._copula(subject)
        if clause.lemma in ("call", "name") and clause.children(clause.head, "auxpass"):
            return self._named(subject)
        if clause.lemma == "go" and "by" in clause.words and subject.noun and self._filling().names:
            return self._named(subject)
        if clause.lemma == "bear" and clause.children(clause.head, "auxpass") and not self._filling().names:
            return Predicate(subject=subject.path, relation="birthdate", event=True)
        return self._of_noun(subject) if subject.is_attribute else self._of_verb(subject)

    def second(self, first: Predicate) -> Iterator[Predicate]:
        """The title beside an employer: "works at Acme as a nurse"."""
        if first.relation == "job":
            title = self._after("as")
            if title.values:
                yield replace(first, relation="title", values=title.values, names=frozenset(), numbers=frozenset())

    # Subjects.

    def _of_pronoun(self, before: Sequence[Claim]) -> Predicate | None:
        """ "It's my birthday on", "that's my car now": what is mine, with what was named before it."""
        for i in self._clause.children(self._clause.head, "attr"):
            phrase = self._phrase(i)
            if phrase.noun and self._has_owner(i):
                filling = self._filling(skip={i, *self._clause.subject_tree}, words={phrase.head, *phrase.noun.split()})
                if not filling and not any(k in self._dated for k in self._clause.members):
                    filling = self._said_before(before)
                return self._attribute(phrase, filling)
        return None

    def _of_it(self, subject: Token) -> Predicate | None:
        """ "It took me four hours to run the marathon": what the speaker did."""
        clause = self._clause
        mine = [i for i in clause.children(clause.head, "dobj", "dative") if is_first_person(clause.token(i))]
        if subject.text.casefold() != "it" or not mine:
            return None
        inner = clause.children(clause.head, "xcomp", "advcl")
        lemma = clause.token(inner[0]).lemma.casefold() if inner else clause.lemma
        return self._verb(self._speaker, lemma, self._filling(words={lemma}))

    def _said_before(self, before: Sequence[Claim]) -> Filling:
        """What the clause before was filled with, or else what the sentence names outside this clause."""
        if before:
            return Filling(before[-1].values, before[-1].names, before[-1].numbers)
        found = self._collect(i for i in self._clause.span if i not in self._clause.members)
        return Filling(frozenset(), found.names, found.numbers)

    def _there(self) -> Predicate | None:
        """ "There are two kids in my family": the family's member has them."""
        mine = any(is_first_person(self._clause.token(i)) for i in self._clause.members)
        filling = self._filling(words={"family", "home"})
        return self._filled(self._speaker, "have", filling, set()) if mine and filling.numbers else None

    # Kinds of predicate.

    def _is_copula(self) -> bool:
        clause = self._clause
        if clause.lemma == "go":
            return any(concept(clause.token(i)) in STATES for i in clause.children(clause.head))
        return True

    def _copula(self, subject: Phrase) -> Predicate | None:
        clause = self._clause
        if self._completed():
            return None
        for i in clause.children(clause.head, "attr"):
            phrase = self._phrase(i)
            if (
                self._has_owner(i)
                and not is_first_person(clause.token(clause.subject or 0))
                and phrase.noun
                and not self._has_owner(clause.subject or 0)
            ):
                return self._attribute(phrase, self._collect(clause.subject_tree))
        filling = self._filling()
        if subject.head == "name":
            return self._named(subject)
        if subject.is_attribute or (subject.head in KIN and not subject.names and filling.names):
            return self._attribute(subject, filling)
        if clause.past and filling.names and not clause.words.isdisjoint({"in", "at"}):
            return self._filled(subject.path, "visit", filling, set())
        return self._state(subject.path, filling)

    def _named(self, subject: Phrase) -> Predicate | None:
        """ "My dog is called Rex", "my dog's name is Rex"."""
        noun = subject.noun.split()[-1] if subject.noun else ""
        filling = self._filling()
        if not noun or not filling.names:
            return None
        relation = NOUN.get(noun, noun)
        return Predicate(
            subject=subject.owner, relation=relation, names=filling.names, attribute=noun not in KIN or noun in SINGLE
        )

    def _state(self, path: str, filling: Filling) -> Predicate:
        for value in sorted(filling.values):
            if value in STATES:
                return Predicate(subject=path, relation=STATES[value], values=frozenset({value}), names=filling.names)
        if filling.numbers and "kilo" in filling.values:
            return self._filled(path, "weigh", filling, set())
        prepositions = {self._clause.token(i).text.casefold() for i in self._clause.members}
        for value in sorted(filling.values | (prepositions & {"into"})):
            if value in RELATION_NOUN:
                return self._filled(path, RELATION_NOUN[value], filling, {value})
        for value in sorted(filling.values):
            if (
                OCCUPATION.fullmatch(value)
                and value not in NOT_OCCUPATION
                and not filling.names
                and self._is_noun(value)
            ):
                return Predicate(subject=path, relation="title", values=filling.values)
        return self._filled(path, "be", filling, set())

    def _is_noun(self, value: str) -> bool:
        tokens = (self._clause.token(i) for i in self._clause.members)
        return any(token.pos in ("NOUN", "PROPN") and concept(token) == value for token in tokens)

    def _attribute(self, phrase: Phrase, filling: Filling) -> Predicate:
        noun = phrase.noun if phrase.noun in NOUN else phrase.head
        relation = NOUN.get(noun, RELATION_NOUN.get(noun, phrase.noun))
        if relation == "phone number" and not filling.numbers:
            relation = phrase.noun
        dates = any(i in self._dated for i in self._clause.members)
        event = dates and not filling.names and not filling.numbers
        wide = event or relation in ("fly", "visit")
        values = filling.values | (phrase.details if wide else frozenset())
        names = filling.names | (phrase.places if wide else frozenset())
        return Predicate(
            subject=phrase.owner,
            relation=relation,
            values=values - names,
            names=names,
            numbers=filling.numbers,
            attribute=not event
            and (phrase.head not in KIN or phrase.head in SINGLE)
            and (phrase.owned or bool(filling.names or filling.numbers)),
            event=event,
        )

    def _of_noun(self, subject: Phrase) -> Predicate | None:
        clause = self._clause
        if clause.changes or clause.lemma in _HAPPEN or clause.lemma in RESCHEDULE:
            return self._attribute(subject, self._filling())
        relation = VERB.get(clause.lemma, clause.lemma)
        found = self._filled(subject.owner, relation, self._filling(), set(), subject.noun.split())
        return replace(found, thing=subject.noun)

    def _of_verb(self, subject: Phrase) -> Predicate | None:
        clause = self._clause
        for i in clause.children(clause.head, "dobj", "attr"):
            found = self._of_object(subject, i)
            if found is not None:
                return found
        if (made := self._made_so()) is not None:
            return made
        if clause.lemma in LIGHT or (clause.lemma == "go" and "for" in clause.words):
            for value in sorted(self._filling().values):
                if value in RELATION_NOUN:
                    return self._filled(subject.path, RELATION_NOUN[value], self._filling(), {value})
        lemma = self._main_verb()
        filling = self._filling(words={lemma})
        if not filling and (clause.token(clause.head).dep == "relcl" or not clause.words.isdisjoint({"where", "when"})):
            filling = self._governing_subject()
        return self._verb(subject.path, lemma, filling)

    def _governing_subject(self) -> Filling:
        """ "Porto is where I live", "Ajax is the team I support": the subject of the clause that this one completes."""
        tokens = self._clause.analysis.tokens
        above = tokens[self._clause.head].head
        if tokens[above].dep == "attr":
            above = tokens[above].head
        found = [
            i
            for i, t in enumerate(tokens)
            if t.head == above and t.dep in ("nsubj", "csubj") and t.start < tokens[above].start
        ]
        return self._collect(i for i in self._clause.span if i in found or tokens[i].head in found)

    def _completed(self) -> bool:
        """Whether it only points at what a clause within it says of the speaker."""
        tokens = self._clause.analysis.tokens
        inner = {self._clause.head, *self._clause.children(self._clause.head, "attr")}
        return any(
            token.dep in ("nsubj", "nsubjpass")
            and is_first_person(token)
            and tokens[token.head].dep in ("relcl", "advcl", "ccomp")
            and tokens[token.head].head in inner
            for token in tokens
        )

    def _of_object(self, subject: Phrase, i: int) -> Predicate | None:
        """What a light verb, or one of change, says through its object."""
        clause, phrase = self._clause, self._phrase(i)
        lemma = clause.lemma
        head = phrase.head
        if lemma in LIGHT and self._is_of(RELATION_NOUN.get(head, "have")):
            return self._filled(subject.path, RELATION_NOUN[head], self._filling(), {head})
        if lemma in RESCHEDULE and head and any(k in self._dated for k in clause.members):
            return self._attribute(
                replace(phrase, owner=subject.path), self._filling(words={*phrase.noun.split(), *phrase.details})
            )
        if lemma in CHANGE and self._has_owner(i) and head:
            return self._attribute(phrase, self._filling(words=set(phrase.noun.split())))
        if lemma == "have" and head not in KIN and (how := self._how(i)) and not phrase.names:
            return Predicate(subject=subject.path, relation=head, values=how, attribute=True)
        if VERB.get(lemma) == "have" and head and (names := phrase.names or self._called(i)):
            single = head in SINGLE or phrase.noun in NOUN or head not in KIN
            relation = NOUN.get(phrase.noun, NOUN.get(head, head if head in KIN else phrase.noun))
            return Predicate(subject=subject.path, relation=relation, names=names, attribute=single)
        return None

    def _is_of(self, relation: str) -> bool:
        """Whether a light verb with a noun of the relation tells of it; "I do my work on a laptop" names no job."""
        return relation != "have" and (relation != "job" or "on" not in self._clause.words)

    def _made_so(self) -> Predicate | None:
        """ "I dyed my hair red", "I like my coffee black": how what is mine is, at the end of the clause."""
        clause = self._clause
        *_, noun, last = (
            -1,
            -1,
            *(i for i in clause.members if i not in self._dated and clause.token(i).pos != "PUNCT"),
        )
        if noun < 0 or clause.token(noun).pos != "NOUN":
            return None
        # The parse often takes "my room green" for a noun of its own.
        owner = next((k for i in (noun, last) for k in clause.children(i, "poss") if k < noun), None)
        phrase, how = self._phrase(noun), self._collect((last,))
        said = how.names or any(word in RIVALS for word in how.values) or clause.token(last).pos == "ADJ"
        if owner is None or not (how and said and phrase.head) or phrase.head in KIN:
            return None
        phrase = Phrase(self._owner_of(owner), phrase.head, phrase.head, owned=True)
        return replace(self._attribute(phrase, how), begins=clause.lemma not in _KEEP)

    def _how(self, i: int) -> frozenset[str]:
        """What a bare noun is said to be like: "brown hair", not "a brown dog" or "brown eggs"."""
        clause = self._clause
        like = clause.children(i)
        if clause.token(i).tag != "NN" or len(like) != 1 or clause.token(like[0]).dep != "amod":
            return frozenset()
        return self._collect(like).values

    def _called(self, i: int) -> frozenset[str]:
        """Names that a phrase is given: "a dog called Rex"."""
        return frozenset(
            name
            for k in self._clause.children(i, "acl")
            if self._clause.token(k).lemma in ("call", "name")
            for name in self._names(self._clause.below(k))
        )

    def _main_verb(self) -> str:
        """The predicate's lemma, or that of the verb whose course it tells: "started working", "used to live"."""
        clause = self._clause
        if clause.lemma in ASPECT or clause.lemma == "get":
            for i in clause.members:
                token = clause.token(i)
                if token.dep in ("xcomp", "pcomp") and token.pos == "VERB" and i != clause.head:
                    return token.lemma.casefold()
        return clause.lemma

    def _verb(self, path: str, lemma: str, filling: Filling) -> Predicate:
        relation = VERB.get(lemma, lemma)
        if relation == "dislike" or (lemma == "stand" and self._clause.negated):
            found = self._filled(path, "like", filling, {lemma})
            return replace(found, dislikes=not self._clause.negated)
        if lemma in ("eat", "drink", "tolerate") and self._clause.negated and "ca" in self._clause.words:
            return replace(self._filled(path, "allergy", filling, {lemma}), dislikes=True)
        if filling.values & CURRENCY and relation in ("have", "buy"):
            for_what = filling.values - CURRENCY
            if lemma == "pay" and not self._clause.past and "in" in self._clause.words and for_what:
                return Predicate(
                    subject=path, relation=min(for_what), values=filling.values & CURRENCY, numbers=filling.numbers,
                    attribute=True,
                )  # fmt: skip
            relation = "buy"
        if self._lacks(relation, filling):
            relation = lemma
        if relation == "job":
            if not filling.names and (title := self._after("as")).values:
                return self._filled(path, "title", title, set())
            filling = Filling(frozenset(), filling.names, frozenset())
        return self._filled(path, relation, filling, {lemma})

    def _lacks(self, relation: str, filling: Filling) -> bool:
        """Whether the filling is not of the relation's kind: "I live well", "I work on a new laptop"."""
        wanted: dict[str, object] = {
            "home": filling.names or filling.numbers,
            "visit": filling.names,
            "buy": self._clause.lemma != "spend" or filling.numbers,
            "earn": filling.numbers,
            "job": "on" not in self._clause.words,
        }
        return not wanted.get(relation, True)

    # Ends.

    def _end(self, subject: Phrase) -> Predicate | None:
        clause = self._clause
        lemma = clause.lemma
        particles = {clause.token(i).text.casefold() for i in clause.children(clause.head, "prt", "advmod")}
        measured = lemma in ("drop", "end") and (self._filling().numbers or subject.is_attribute)
        ends = (lemma in _ALWAYS_END and not measured and "up" not in particles) or any(
            (lemma, particle) in _PARTICLES for particle in particles
        )
        off = lemma == "be" and bool(subject.noun) and "off" in clause.words
        if clause.negated or not (ends or off):
            return None
        filling = self._filling()
        path = subject.path
        if lemma in ("cancel", "call") or off:
            return self._ended_event(subject, filling)
        if lemma == "die":
            return Predicate(subject=path, relation=ALL, ends=True)
        if lemma in ("break", "split", "divorce"):
            names = (filling.names | subject.names | self._names(clause.members)) - {self._speaker}
            return Predicate(subject=self._speaker_or(path), relation="partner", names=names, ends=True)
        if (inner := self._main_verb()) != lemma:
            return replace(self._verb(path, inner, filling), ends=True)
        return self._ended_thing(subject, lemma, filling)

    def _speaker_or(self, path: str) -> str:
        words = self._clause.words
        return self._speaker if words & {"i", "we"} else path

    def _ended_event(self, subject: Phrase, filling: Filling) -> Predicate:
        phrase = subject
        for i in self._clause.children(self._clause.head, "dobj"):
            phrase = replace(self._phrase(i), owner=subject.path)
        noun = RELATION_NOUN.get(phrase.head, NOUN.get(phrase.head, phrase.noun))
        names = phrase.places | (filling.names if phrase is not subject else frozenset())
        return Predicate(subject=phrase.owner, relation=noun, values=phrase.details, names=names, ends=True)

    def _ended_thing(self, subject: Phrase, lemma: str, filling: Filling) -> Predicate | None:
        leaves_job = lemma in ("resign", "fire", "lay") or "job" in filling.values
        if leaves_job or (lemma in ("quit", "leave") and filling.names and not filling.values):
            return Predicate(subject=subject.path, relation="job", names=filling.names, ends=True)
        if lemma in ("sell", "lose", "steal", "give"):
            words = filling.values | filling.names
            if subject.noun and lemma in ("steal", "sell", "lose"):
                return Predicate(
                    subject=subject.owner, relation=OWN, values=words | set(subject.noun.split()), ends=True
                )
            return Predicate(subject=subject.path, relation=OWN, values=words, ends=True)
        if lemma in ("stop", "quit", "give", "end", "abandon", "drop", "rid"):
            return Predicate(subject=subject.path, relation=OWN, values=filling.values | filling.names, ends=True)
        return None

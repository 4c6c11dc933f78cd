"""Reads what a memory claims: subject, relation, filling and mode of every clause."""

from __future__ import annotations

from memsvc.consolidation.claims import Claim, Mode
from memsvc.consolidation.frames import slots
from memsvc.consolidation.grammar import Clause, clauses, concept, number, recurs
from memsvc.consolidation.lexicon import ADDED, CORRECTION, EVENTS, FUNCTIONAL, HABIT, NOW, REPLACES, SYNONYM
from memsvc.consolidation.phrases import Predicate
from memsvc.consolidation.predicates import loosely, predicates
from memsvc.language.timeline import find_times
from memsvc.types import Analysis, Interval, Memory, Role

PLAIN = 14
"""Words of a sentence up to which a clause of it can end what others say."""
_BEGINNINGS = frozenset({"get", "adopt", "join", "become", "book", "marry"})
"""Verbs that in the past tense tell what holds since."""
_HELD = frozenset({"be", "have", "hold", "get", "own", "earn"})
"""Verbs by which a degree was taken once and for all."""


def speaker_of(memory: Memory) -> str:
    """Whom "I" means in a memory, case-folded: its speaker's first name, else the user or the assistant."""
    if memory.symbolic.speaker.strip():
        return memory.symbolic.speaker.split()[0].casefold()
    return f"the {memory.role or Role.USER}"


def plain_text(memory: Memory) -> str:
    """The text that is read: as it was said, where the memory keeps that."""
    return memory.dense_text or memory.text


def read(memory: Memory, analysis: Analysis) -> tuple[Claim, ...]:
    """The claims of a memory; `analysis` is of `plain_text(memory)`. Empty where nothing could be read."""
    times = find_times(analysis.text, memory.local_time, language=analysis.language)
    dated = {
        i: mention.interval
        for mention in times
        for i, token in enumerate(analysis.tokens)
        if mention.start <= token.start < mention.end and not (recurs(token) and HABIT.search(analysis.text))
    }
    speaker = speaker_of(memory)
    found: list[Claim] = []
    parts = clauses(analysis)
    for clause in parts:
        found += [_claim(clause, predicate, speaker, dated) for predicate in predicates(clause, speaker, dated, found)]
    found = [claim for claim in found if _says_something(claim)]
    for clause in parts:
        if all(claim.sentence != clause.sentence for claim in found):
            predicate = loosely(clause, speaker, dated)
            found += [] if predicate is None else [_claim(clause, predicate, speaker, dated)]
    return tuple(dict.fromkeys(filter(_says_something, found)))


def _says_something(claim: Claim) -> bool:
    return bool(claim.filling or claim.dates or claim.mode is Mode.ENDED)


def _claim(clause: Clause, predicate: Predicate, speaker: str, dated: dict[int, Interval]) -> Claim:
    sentence = _sentence(clause)
    correction = CORRECTION.search(sentence) is not None and not clause.changes
    cued = correction or any(cue.search(sentence) for cue in (NOW, REPLACES))
    return Claim(
        subject=predicate.subject,
        relation=predicate.relation,
        values=predicate.values - {predicate.relation},
        names=predicate.names,
        numbers=predicate.numbers,
        dates=frozenset(dated[i] for i in clause.members if i in dated),
        mode=_mode(clause, predicate),
        negated=clause.denies != predicate.dislikes,
        attribute=predicate.attribute,
        event=predicate.event,
        change=clause.changes or predicate.begins or cued,
        cued=cued,
        over=clause.over,
        correction=correction,
        reported=predicate.subject.split("/")[0] != speaker,
        added=ADDED.search(sentence) is not None,
        replaces=REPLACES.search(sentence) is not None,
        words=frozenset(word for i in clause.members if (word := _word(clause, i))),
        told_past=clause.past,
        thing=predicate.thing,
        slots=slots(clause, dated),
        sentence=clause.sentence,
        plain=_is_plain(clause),
    )


def _word(clause: Clause, i: int) -> str:
    """A content word, the predicate's verb among them whatever it is."""
    token = clause.token(i)
    if number(token):
        return ""
    return SYNONYM.get(clause.lemma, clause.lemma) if i == clause.head else concept(token)


def _mode(clause: Clause, predicate: Predicate) -> Mode:
    denied = clause.denies != predicate.dislikes
    planned = clause.ahead and predicate.relation in FUNCTIONAL and not predicate.event
    if clause.is_unreal or (planned and not (predicate.ends or denied)):
        return Mode.UNREAL
    if predicate.ends or clause.over or (denied and not clause.past):
        return Mode.ENDED
    replaced = REPLACES.search(_sentence(clause)) is not None
    begins = clause.changes or predicate.event or predicate.begins or replaced or clause.lemma in _BEGINNINGS
    current = clause.present or clause.ahead or not clause.words.isdisjoint({"now", "nowadays"})
    happened = predicate.relation in EVENTS and not current
    taken = predicate.relation == "study" and "degree" in clause.words and clause.lemma in _HELD
    over = denied or happened or taken or "used to" in clause.text or (clause.past and not begins)
    return Mode.PAST if over else Mode.ACTUAL


def _is_plain(clause: Clause) -> bool:
    """Whether the clause's sentence is short enough to be about what the clause says."""
    tokens = clause.analysis.tokens
    return sum(tokens[i].pos not in ("PUNCT", "SPACE") for i in clause.span) <= PLAIN


def _sentence(clause: Clause) -> str:
    tokens, span = clause.analysis.tokens, clause.span
    return clause.analysis.text[tokens[span[0]].start : tokens[span[-1]].end]

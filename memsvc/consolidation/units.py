"""Memories as consolidation sees them: with their claims, and the words of their text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from memsvc.consolidation.claims import Claim, Mode
from memsvc.consolidation.grammar import concept, number
from memsvc.consolidation.lexicon import NEGATION, OPINIONS
from memsvc.consolidation.reading import read, speaker_of
from memsvc.ports import Vectors
from memsvc.types import Analysis, Memory

LAST_TOLD = "last_told"
SENTENCE_SOURCES = "sentence_sources"
"""Metadata key of an abstract: ids of the memories that its sentences are taken from, in their order, by blanks; where
one comes from several, those by commas."""
"""Metadata key of a merged memory: ISO time of the last of the memories it was made from."""


@dataclass(frozen=True, slots=True)
class Look:
    """What can be read from a memory alone."""

    claims: tuple[Claim, ...]
    speaker: str
    words: frozenset[str]
    """Content words, numbers and negation of its text: the same words tell the same."""
    readable: bool
    """Whether its claims cover at least half of its sentences."""
    whole: bool
    """Whether its claims cover every sentence, those that only feel something apart, and no sentence says much else."""
    plain: bool
    """Whether it is one short sentence, so that its claims are all that it says."""


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A memory, what was read from it, and its unit vector of shape [dimension]."""

    memory: Memory
    vector: Vectors
    fresh: bool
    look: Look

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What it claims."""
        return self.look.claims

    @property
    def speaker(self) -> str:
        """Who said it."""
        return self.look.speaker

    @property
    def words(self) -> frozenset[str]:
        """As in `Look`."""
        return self.look.words

    @property
    def readable(self) -> bool:
        """As in `Look`."""
        return self.look.readable

    @property
    def whole(self) -> bool:
        """As in `Look`."""
        return self.look.whole

    @property
    def plain(self) -> bool:
        """As in `Look`."""
        return self.look.plain

    @property
    def told(self) -> datetime:
        """When it was first told."""
        return self.memory.event_time

    @property
    def last_told(self) -> datetime:
        """When it was last told."""
        return last_told(self.memory)

    @property
    def order(self) -> tuple[datetime, str]:
        """Units are worked through in this order."""
        return self.told, self.memory.id


def last_told(memory: Memory) -> datetime:
    """When a memory, or the last of those it was merged from, was told."""
    stored = memory.metadata.get(LAST_TOLD)
    if not memory.derived_from or not isinstance(stored, str):
        return memory.event_time
    try:
        told = datetime.fromisoformat(stored)
    except ValueError:  # a caller's own
        return memory.event_time
    return told if told.tzinfo is not None else memory.event_time


def look(memory: Memory, analysis: Analysis) -> Look:
    """Read a memory; `analysis` is of `reading.plain_text(memory)`."""
    claims = read(memory, analysis)
    words = {concept(token) or number(token) for token in analysis.tokens}
    words |= {"not" for token in analysis.tokens if token.text.casefold().replace("’", "'") in NEGATION}
    read_in = {claim.sentence for claim in claims}
    covered, trivial = len(read_in), len(_trivial(analysis) - read_in)
    return Look(
        claims,
        speaker_of(memory),
        frozenset(words) - {""},
        readable=2 * covered >= len(analysis.sentences),
        whole=covered + trivial == len(analysis.sentences) and all(claim.plain for claim in claims),
        plain=len(analysis.sentences) == 1 and all(claim.plain for claim in claims),
    )


def _trivial(analysis: Analysis) -> set[int]:
    """Sentences that say nothing but what somebody feels: "It's great!"."""
    said = ({concept(token) for token in analysis.tokens[a:b]} - {""} for a, b in analysis.sentences)
    return {i for i, words in enumerate(said) if words <= OPINIONS}


def holding(claims: Sequence[Claim]) -> frozenset[tuple[str, str]]:
    """Subject and relation of what has to end before the whole does; a title ends with its job."""
    keys = {(claim.subject, claim.relation) for claim in claims if claim.mode is not Mode.UNREAL}
    jobs = {subject for subject, relation in keys if relation == "job"}
    return frozenset(key for key in keys if not (key[1] == "title" and key[0] in jobs))

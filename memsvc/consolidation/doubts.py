"""Pairs of memories that the rules leave undecided, and what is done where somebody else decides them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from memsvc.consolidation.claims import Mode
from memsvc.consolidation.params import ConsolidationParams
from memsvc.consolidation.succession import Closing, Dispute, Group, Succession
from memsvc.consolidation.units import Unit
from memsvc.types import Memory, SpaceKey


class Relation(StrEnum):
    """How two memories of one user and agent stand to each other."""

    SAME = "same"
    NEWER = "newer"
    """The later one says what holds instead of the earlier one."""
    CONFLICT = "conflict"
    UNRELATED = "unrelated"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Two open groups that the rules neither join nor set apart, the one told first in front."""

    earlier: Group
    later: Group

    @property
    def memories(self) -> tuple[Memory, Memory]:
        """What stands for each."""
        return self.earlier.members[-1].memory, self.later.members[-1].memory


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a judge said about pairs, by their indices."""

    relations: Mapping[int, Relation]
    """How the memories of a pair stand to each other; a pair that it cannot tell is left out."""
    unheard: frozenset[int] = frozenset()
    """Pairs that it was not there to be asked about."""


class Judge(Protocol):
    """Decides what the rules leave open."""

    async def judge(self, space: SpaceKey, pairs: Sequence[tuple[Memory, Memory]]) -> Verdicts:
        """How the memories of each pair, the earlier first, stand to each other."""
        ...


def doubts(told: Succession, params: ConsolidationParams) -> list[Doubt]:
    """The pairs worth asking about: near in meaning, of a common subject, one of them fresh; the nearest first."""
    groups = [group for group in told.groups if group.closed_by is None]
    if len(groups) < 2:
        return []
    vectors = np.stack([group.members[-1].vector for group in groups])
    disputed = {frozenset((id(d.first), id(d.second))) for d in told.disputes}
    found: list[tuple[float, int, int]] = []
    for j, group in enumerate(groups):
        if not group.is_fresh:
            continue
        cosines = vectors @ vectors[j]
        for i in np.flatnonzero(cosines >= params.doubt_cosine).tolist():
            other = groups[i]
            if i == j or (other.is_fresh and i > j) or frozenset((id(group), id(other))) in disputed:
                continue
            if _subjects(group) & _subjects(other):
                found.append((-float(cosines[i]), min(i, j), max(i, j)))
    return [_in_order(groups[i], groups[j]) for _, i, j in sorted(found)[: params.doubts]]


def rule(told: Succession, asked: Sequence[Doubt], relations: Mapping[int, Relation]) -> None:
    """Do what was decided, as far as the memories themselves allow it; a group that a pair before it ended is left."""
    for number, doubt in enumerate(asked):
        earlier, later = doubt.earlier, doubt.later
        if not (earlier.is_open and later.is_open):
            continue
        relation = relations.get(number, Relation.UNRELATED)
        if relation is Relation.SAME and agree(earlier.members[-1], later.members[-1]):
            told.unite(earlier, later)
        elif relation is Relation.NEWER and _is_so(later) and _holds(earlier) and earlier.last_told < later.last_told:
            earlier.closed_by = Closing(
                later, later.members[0].told, "The language model: the later one holds instead."
            )
        elif relation is Relation.CONFLICT and _is_so(later) and _is_so(earlier):
            told.disputes.append(Dispute(earlier, later, "The language model: they contradict each other."))


def unsettled(told: Succession, unheard: Iterable[Doubt]) -> list[Group]:
    """The groups with something fresh whose pairs nobody decided, once `rule` has joined what it joins."""
    units = {id(unit) for doubt in unheard for group in (doubt.earlier, doubt.later) for unit in group.members}
    return [group for group in told.groups if group.is_fresh and any(id(unit) in units for unit in group.members)]


def agree(a: Unit, b: Unit) -> bool:
    """Whether nothing that is plain to see tells two memories apart: names, numbers, dates, negation and mode."""
    modes = [{claim.mode is Mode.UNREAL for claim in unit.claims} for unit in (a, b)]
    negations = [{claim.negated for claim in unit.claims} for unit in (a, b)]
    parts = [
        tuple(frozenset(x for claim in unit.claims for x in getattr(claim, kind)) for unit in (a, b))
        for kind in ("names", "numbers", "dates")
    ]
    one_in_other = all(mine <= theirs or theirs <= mine for mine, theirs in parts)
    return one_in_other and modes[0] == modes[1] and negations[0] == negations[1]


def _in_order(a: Group, b: Group) -> Doubt:
    return (
        Doubt(a, b) if (a.last_told, a.members[0].memory.id) <= (b.last_told, b.members[0].memory.id) else Doubt(b, a)
    )


def _subjects(group: Group) -> set[str]:
    unit = group.members[-1]
    return {claim.subject for claim in unit.claims} or {unit.speaker}


def _is_so(group: Group) -> bool:
    """Whether it says anything of what is or was so: a wish replaces nothing."""
    return any(claim.mode is not Mode.UNREAL for claim in group.members[-1].claims)


def _holds(group: Group) -> bool:
    """Whether it says anything that can be replaced: what happened stays so."""
    return any(claim.mode in (Mode.ACTUAL, Mode.ENDED) for claim in group.members[-1].claims)

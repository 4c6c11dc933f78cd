"""One pass over memories in the order they were told: which repeat, which replace, which contradict earlier ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from memsvc.consolidation.claims import ALL, OWN, UNKNOWN, Claim, Mode, alike, ends, excludes, same
from memsvc.consolidation.frames import Wordings
from memsvc.consolidation.lexicon import NOUN
from memsvc.consolidation.open_claims import contrary, finishes, goes_along, paraphrases, presupposes, replaces
from memsvc.consolidation.params import ConsolidationParams
from memsvc.consolidation.units import Unit, holding

MAX_CANDIDATES = 64
"""Groups that one memory is compared with for one claim: the latest. It bounds the cost of a value said very often."""
MOST = 0.6
"""Share of a group's memories that one has to repeat to join it."""
MAX_COMPARED = 8
"""Members of a group that one memory is compared with."""

_Key = tuple[str, ...]


@dataclass(eq=False, slots=True)
class Group:
    """Memories that say the same. It is closed when all that it claims has ended."""

    members: list[Unit]
    remaining: set[tuple[str, str]]
    closed_by: Closing | None = None

    is_fresh: bool = False
    """Whether any of its memories was not examined before."""
    is_absorbed: bool = False
    """Whether its memories went over to another group."""

    @property
    def is_open(self) -> bool:
        """Whether what it says holds."""
        return self.closed_by is None and not self.is_absorbed

    @property
    def sample(self) -> list[Unit]:
        """The members that a new one is compared with."""
        return self.members[:MAX_COMPARED]

    @property
    def last_told(self) -> datetime:
        """When it was last told; members are in that order, merged ones first."""
        return max(unit.last_told for unit in (*self.sample, self.members[-1]))

    def add(self, unit: Unit) -> None:
        """Take in one more."""
        self.members.append(unit)
        self.is_fresh |= unit.fresh

    def absorb(self, other: Group) -> None:
        """Take in all of another group, which is none any longer."""
        self.members = sorted((*self.members, *other.members), key=lambda unit: unit.order)
        self.remaining |= other.remaining
        self.is_fresh |= other.is_fresh
        other.is_absorbed = True


@dataclass(frozen=True, slots=True)
class Closing:
    """What ended a group: the group that says something newer, since when, and why."""

    winner: Group
    valid_to: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Dispute:
    """Two groups that contradict each other and cannot be ordered."""

    first: Group
    second: Group
    reason: str


@dataclass(slots=True)
class Succession:
    """The groups in the order of their first memories, and the disputes among them."""

    groups: list[Group] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)

    def unite(self, group: Group, other: Group) -> None:
        """Make one of two groups; what `other` ended or disputes, `group` does."""
        group.absorb(other)
        self.groups.remove(other)
        for closed in self.groups:
            if closed.closed_by is not None and closed.closed_by.winner is other:
                closed.closed_by = replace(closed.closed_by, winner=group)
        self.disputes = [_between(dispute, other, group) for dispute in self.disputes]


def succeed(units: Sequence[Unit], params: ConsolidationParams, wordings: Wordings) -> Succession:
    """Work through memories of one user and agent. Pairs of memories that were both examined before are left alone.

    Frames that `wordings` lacks count as unlike, and are noted there.
    """
    sweep = _Sweep(sorted(units, key=lambda unit: unit.order), params, wordings)
    for unit in sweep.units:
        sweep.add(unit)
    return sweep.result


@dataclass(frozen=True, slots=True)
class _Opposition:
    """A claim of a new memory that ends or excludes a claim of an open group."""

    claim: Claim
    group: Group
    old: Claim


class _Sweep:
    def __init__(self, units: Sequence[Unit], params: ConsolidationParams, wordings: Wordings) -> None:
        self.units = units
        self.result = Succession()
        self._vectors = np.stack([unit.vector for unit in units]) if units else np.empty((0, 0))
        self._place = {unit: place for place, unit in enumerate(units)}
        self._cosines: list[float] | None = None
        self._wordings = wordings
        self._params = params
        self._open: defaultdict[_Key, list[Group]] = defaultdict(list)

    def add(self, unit: Unit) -> None:
        self._cosines = None
        oppositions = [found for claim in unit.claims for found in self._opposed(unit, claim)]
        same = self._same(unit, {found.group for found in oppositions})
        if same:
            group = same[0]
            for other in same[1:]:
                self._unite(group, other)
            group.add(unit)
        else:
            group = Group([unit], set(holding(unit.claims)), is_fresh=unit.fresh)
            self.result.groups.append(group)
        for found in oppositions:
            self._oppose(unit, group, found)
        for key in _keys_of(unit):
            if not self._open[key] or self._open[key][-1] is not group:
                self._open[key].append(group)

    def _cosine(self, unit: Unit, member: Unit) -> float:
        """Between the memory that is being added and another one."""
        if self._cosines is None:  # few need them: most memories were compared with each other before
            self._cosines = (self._vectors @ unit.vector).tolist()
        return self._cosines[self._place[member]]

    def _candidates(self, keys: Iterable[_Key], *, fresh: bool) -> Iterator[Group]:
        """Open groups under any of the keys, each once, the latest first; `fresh` False: fresh ones alone."""
        seen: set[Group] = set()
        for key in keys:
            groups = self._open.get(key, [])
            looked_at = closed = 0
            for group in reversed(groups):
                if not group.is_open:
                    closed += 1
                    continue
                if (fresh or group.is_fresh) and group not in seen:
                    seen.add(group)
                    yield group
                looked_at += 1
                if looked_at == MAX_CANDIDATES:
                    break
            if closed > MAX_CANDIDATES:
                groups[:] = [group for group in groups if group.is_open]

    # Repeats.

    def _same(self, unit: Unit, opposed: set[Group]) -> list[Group]:
        """The open groups most of whose memories say the same as this one, the nearest in meaning first."""
        keys = [key for claim in unit.claims for key in _same_keys(claim)] or [("words", *sorted(unit.words))]
        repeated = [
            group
            for group in self._candidates(keys, fresh=unit.fresh)
            if group not in opposed and self._repeats_most(unit, group.sample)
        ]
        return sorted(repeated, key=lambda group: -min(self._cosine(unit, member) for member in group.sample))

    def _unite(self, group: Group, other: Group) -> None:
        """Make one of two groups that one memory repeats."""
        if any(contrary(x, y) for a in group.sample for b in other.sample for x in a.claims for y in b.claims):
            return
        self.result.unite(group, other)
        for key in {key for unit in other.members for key in _keys_of(unit)}:
            self._open[key].append(group)

    def _repeats_most(self, unit: Unit, members: Sequence[Unit]) -> bool:
        """Whether it says the same as most of those that say the same, and contradicts none."""
        may_differ = len(members) - MOST * len(members)
        for member in members:
            if not self._repeats(unit, member):
                if not (unit.plain or member.plain):
                    return False  # One of the two would be lost.
                may_differ -= 1
                if may_differ < 0:
                    return False
        return not any(contrary(x, y) for member in members for x in unit.claims for y in member.claims)

    def _repeats(self, a: Unit, b: Unit) -> bool:
        cosine = self._cosine(a, b)
        if not a.claims or not b.claims:
            return bool(a.words) and a.words == b.words and cosine >= self._params.wording_cosine
        if not (a.readable and b.readable) or cosine < self._params.merge_cosine:
            return False
        if not (a.plain and b.plain) and _contained(a, b) < self._params.contained:
            return False
        few, many = sorted((a, b), key=lambda unit: len(unit.claims))
        strict = cosine < self._params.detail_cosine
        loose = cosine >= self._params.unknown_cosine
        return all(any(self._agree(x, y, strict=strict, loose=loose) for y in many.claims) for x in few.claims)

    def _agree(self, x: Claim, y: Claim, *, strict: bool, loose: bool) -> bool:
        if contrary(x, y):
            return False
        return same(x, y, strict=strict) or (loose and alike(x, y)) or paraphrases(x, y, self._wordings, self._params)

    # Changes.

    def _opposed(self, unit: Unit, claim: Claim) -> list[_Opposition]:
        if claim.mode in (Mode.UNREAL, Mode.PAST) or claim.subject.startswith(UNKNOWN):
            return []
        groups = list(self._candidates([*_opposition_keys(claim), (claim.subject,)], fresh=unit.fresh))
        found = []
        for group in groups:
            claims = (old for member in group.sample for old in member.claims)
            old = next((old for old in claims if self._against(claim, old)), None)
            if old is not None:
                found.append(_Opposition(claim, group, old))
        return found or self._presupposed(claim, groups)

    def _presupposed(self, claim: Claim, groups: Sequence[Group]) -> list[_Opposition]:
        """The one claim that is nearest to what a claim says it replaces, if any is near."""
        best: list[_Opposition] = []
        most = 0.0
        for group in groups:
            for old in (old for member in group.sample for old in member.claims):
                likelihood = presupposes(claim, old, self._wordings, self._params)
                if likelihood > most:
                    best, most = [_Opposition(claim, group, old)], likelihood
        return best

    def _against(self, claim: Claim, old: Claim) -> bool:
        return (claim.plain and old.plain) and (
            ends(claim, old)
            or excludes(claim, old)
            or replaces(claim, old, self._wordings, self._params)
            or finishes(claim, old, self._wordings, self._params)
        )

    def _oppose(self, unit: Unit, group: Group, found: _Opposition) -> None:
        claim, older, old = found.claim, found.group, found.old
        since = _since(claim, unit)
        if since > unit.told or older.closed_by is not None:
            return  # Announced, and not so yet.
        if older.last_told > group.last_told or (older.last_told == unit.told and old.change and not claim.change):
            if claim.mode is Mode.ACTUAL:  # What was told later stands; a later repeat outlives an end.
                _close(group, claim, Closing(older, older.last_told, _reason(old, claim)))
            return
        doubt = _doubt(unit, claim, older)
        if doubt:
            self.result.disputes.append(Dispute(older, group, doubt))
            return
        if claim.correction:
            since = min(since, older.members[0].told)
        closing = Closing(group, since, _reason(claim, old))
        _close(older, old, closing)
        for other, also in list(self._going_along(old, claim, {older, group})):
            if other.last_told <= unit.told:
                _close(other, also, closing)

    def _going_along(self, ended: Claim, by: Claim, but: set[Group]) -> Iterator[tuple[Group, Claim]]:
        """Open groups that tell of the same filling as a claim that another ended."""
        tokens = sorted(ended.filling)
        for group in self._candidates([("filled", *ended.bearer, token) for token in tokens], fresh=True):
            if group not in but:
                claims = (other for member in group.sample for other in member.claims)
                found = next((o for o in claims if goes_along(ended, by, o, self._wordings, self._params)), None)
                if found is not None:
                    yield group, found


def _close(group: Group, claim: Claim, closing: Closing) -> None:
    """End one claim of a group, and the group with its last one; where a sentence is unread or long, it stays."""
    group.remaining.discard((claim.subject, claim.relation))
    if len(group.members) > 1 and len(group.remaining) == 1:
        group.remaining.clear()  # All of it says one thing, in the words of several relations.
    if not group.remaining and all(member.whole for member in group.members):
        group.closed_by = closing


def _since(claim: Claim, unit: Unit) -> datetime:
    """Since when a claim holds: the date that a change states, else when it was told."""
    if claim.change and claim.dates and not claim.event:
        return min(interval.start for interval in claim.dates)
    return unit.told


def _doubt(unit: Unit, claim: Claim, older: Group) -> str:
    """Why it is not clear that the claim is the newer one; empty when it is."""
    if claim.change:
        return ""
    if older.last_told == unit.told:
        return "Both were told at the same time."
    if claim.reported and unit.speaker not in {member.speaker for member in older.members}:
        return "Different speakers say it of somebody else."
    return ""


def _reason(new: Claim, old: Claim) -> str:
    what = old.relation if old.attribute else f'"{old.relation}"'
    if new.mode is Mode.ENDED:
        return f"What was said of {old.subject} ({what}: {_words(old)}) has ended."
    return f"{old.subject} ({what}) was {_words(old)}, newer is {_words(new)}."


def _words(claim: Claim) -> str:
    dates = sorted(f"{interval.start:%d %B %Y}" for interval in claim.dates)
    return " ".join((*sorted(claim.names), *sorted(claim.numbers), *sorted(claim.values), *dates)) or "so"


def _between(dispute: Dispute, other: Group, group: Group) -> Dispute:
    first, second = (group if party is other else party for party in (dispute.first, dispute.second))
    return replace(dispute, first=first, second=second)


def _contained(a: Unit, b: Unit) -> float:
    """Share of the content words of the one with fewer that the other has too."""
    return len(a.words & b.words) / max(1, min(len(a.words), len(b.words)))


def _keys_of(unit: Unit) -> set[_Key]:
    return {key for claim in unit.claims for key in _keys(claim)} | {("words", *sorted(unit.words))}


def _keys(claim: Claim) -> set[_Key]:
    """Under what a claim is found again."""
    keys: set[_Key] = {(claim.subject, claim.relation), (claim.subject,)}
    return (
        keys | set(_same_keys(claim)) | {("thing", claim.subject, token) for token in claim.filling | {claim.relation}}
    )


def _same_keys(claim: Claim) -> list[_Key]:
    """Under what claims that say the same are found: what they are filled with, or their dates."""
    tokens = [*sorted(claim.filling), *sorted(interval.start.isoformat() for interval in claim.dates)]
    keys = [("same", claim.subject, claim.relation, token) for token in tokens]
    return keys + [("filled", *claim.bearer, token) for token in tokens]


def _opposition_keys(claim: Claim) -> list[_Key]:
    """Under what claims that a claim may end or exclude are found."""
    keys: list[_Key] = []
    if claim.relation == ALL:
        keys.append((claim.subject,))
    elif claim.relation in (OWN, "have") and claim.mode is Mode.ENDED:
        for thing in sorted(claim.values | claim.names):
            keys += [("thing", claim.subject, thing), ("thing", claim.subject, NOUN.get(thing, thing))]
            keys.append((f"{claim.subject}/{thing}",))
    elif claim.functional or claim.event:
        keys.append((claim.subject, claim.relation))
    else:
        keys += [key for key in _same_keys(claim) if key[0] == "same"]
    return keys

"""What follows from the deletion, the correction or the replacement of a memory for those consolidation related to it.

- What was made of it is withdrawn at once, whatever else it was made of: it tells what is gone or was wrong. The rest
  of what it was made of is served again.
- What it had superseded is closed by its successor, if it has one, and else holds again.
- What contradicted it no longer does.
- The memories whose place a merged one took tell nothing else than it does, so they are deleted with it.
- The turns that a deleted memory comes from are closed, and searched beside no other memory; see `closing`.

Whatever is served again is due for consolidation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from memsvc.storage.changelog import append_changes
from memsvc.storage.closing import close_turns, forget_neighbours
from memsvc.storage.enqueue import defer_consolidation
from memsvc.storage.memory_query import in_space
from memsvc.storage.memory_writes import defer_index, is_withdrawn, mark_deleted, touch
from memsvc.storage.rows import load_memory, memory_of
from memsvc.storage.tables import ChangeRow, MemoryOriginRow, MemoryRow
from memsvc.types import ChangeKind, Memory, MemoryKind, MemoryState, Scope, SpaceKey, TurnRef

CALLER = "caller"
CONSOLIDATION = "consolidation"
"""Who does all this, as the change log names it."""

_TOLD = "It told a memory that was deleted."
_WRONG = "A memory that it was made of was corrected."
_REPLACED = "A memory that it was made of was replaced by the own words of its turns."
_SERVED_AGAIN = "What had taken its place was withdrawn."
_HOLDS_AGAIN = "The memory that had superseded it was deleted, corrected or replaced."
_INHERITED = "The memory that had superseded it is gone, and another one says the same."
_FORGOTTEN = "What was said beside it was deleted, and is searched no more."
_RECONCILED = "The memory that it contradicted was deleted, corrected or replaced."


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many memories a deletion took, and the turns that those which it was meant for came from."""

    count: int
    turns: frozenset[TurnRef]


def delete_memories(
    session: Session,
    space: SpaceKey,
    rows: Sequence[MemoryRow],
    *,
    actor: str,
    whole: bool,
    now: datetime,
    delay: timedelta | None,
) -> Deleted:
    """Delete memories for a caller, `whole` with those whose place they took. Their turns are the caller's to close."""
    cascade = _Cascade(session, space, now, delay)
    gone = [*rows, *(cascade.inputs_below(rows) if whole else ())]
    told = cascade.made_of(gone)
    mark_deleted(session, space, gone, actor=actor, now=now)
    if told:
        mark_deleted(session, space, told, actor=CONSOLIDATION, now=now, reason=_TOLD)
    cascade.follow(ended=[*gone, *told], withdrawn=told)
    cascade.finish()
    return Deleted(len(gone) + len(told), frozenset(ref for row in gone for ref in memory_of(row).sources))


def close_behind(
    session: Session,
    space: SpaceKey,
    turns: Collection[TurnRef],
    *,
    actor: str,
    now: datetime,
    delay: timedelta | None,
) -> int:
    """Close the turns that deleted memories came from; return how many memories went with them."""
    leftovers = close_turns(session, space, turns)
    if leftovers:
        delete_memories(session, space, leftovers, actor=actor, whole=False, now=now, delay=delay)
    cascade = _Cascade(session, space, now, delay)
    cascade.forget_neighbours(turns)
    cascade.finish()
    return len(leftovers)


def follow_correction(
    session: Session,
    space: SpaceKey,
    row: MemoryRow,
    before: Memory,
    *,
    now: datetime,
    delay: timedelta | None,
) -> None:
    """See to what follows from a caller's correction of a memory, which was as `before` and is as `row` says."""
    cascade = _Cascade(session, space, now, delay)
    wrong = [other for other in cascade.made_of([row]) if other.compressor != CALLER and not is_withdrawn(other)]
    if row.valid_to != before.valid_to:
        cascade.ends[row.id] = row.valid_to
    cascade.follow(ended=wrong, withdrawn=wrong, corrected=row, conflicts=before.conflicts_with)
    cascade.withdraw(wrong)
    cascade.finish()


def follow_replacement(
    session: Session, space: SpaceKey, rows: Sequence[MemoryRow], *, now: datetime, delay: timedelta | None
) -> None:
    """See to what follows from the end of memories in whose place others tell of the same turns; they end after it."""
    cascade = _Cascade(session, space, now, delay)
    made = [other for other in cascade.made_of(rows) if other.compressor != CALLER and not is_withdrawn(other)]
    cascade.follow(ended=[*rows, *made], withdrawn=made)
    cascade.withdraw(made, _REPLACED)
    cascade.finish()


def withdraw_abstracts(
    session: Session, space: SpaceKey, outdated: Collection[str], *, now: datetime, delay: timedelta | None
) -> None:
    """Withdraw episodes and themes that were made of memories which no longer hold, to be made anew of the others."""
    cascade = _Cascade(session, space, now, delay)
    above = [row for row in cascade.above(outdated) if row.kind != MemoryKind.STATEMENT]
    abstracts = [row for row in (*above, *cascade.made_of(above)) if row.state == MemoryState.ACTIVE] if above else []
    if not abstracts:
        return
    cascade.withdraw(abstracts)
    cascade.examine_again(abstracts)
    cascade.finish()


@dataclass(slots=True)
class _Cascade:
    session: Session
    space: SpaceKey
    now: datetime
    delay: timedelta | None
    changed: dict[str, None] = field(default_factory=dict)
    due: set[Scope] = field(default_factory=set)
    ends: dict[str, datetime | None] = field(default_factory=dict)
    """Ends of validity that the caller has just set, by memory id."""

    def inputs_below(self, rows: Sequence[MemoryRow]) -> list[MemoryRow]:
        """The memories whose place the rows took, and those whose place these had taken before."""
        found: dict[str, MemoryRow] = {}
        level = list(rows)
        while level:
            level = [row for row in self._inputs(level) if row.id not in found]
            found |= {row.id: row for row in level}
        return [row for row in found.values() if row.id not in {given.id for given in rows}]

    def made_of(self, rows: Sequence[MemoryRow]) -> list[MemoryRow]:
        """What was made of any of the rows, directly or not."""
        known = {row.id for row in rows}
        found: dict[str, MemoryRow] = {}
        level = {row.id for row in rows}
        while level:
            new = {row.id: row for row in self.above(level) if row.id not in found and row.id not in known}
            found |= new
            level = set(new)
        return list(found.values())

    def above(self, ids: Collection[str]) -> list[MemoryRow]:
        """What was made of any of the memories directly."""
        made = select(MemoryOriginRow.ordinal).where(col(MemoryOriginRow.origin_id).in_(ids))
        return self._rows(col(MemoryRow.ordinal).in_(made), MemoryRow.state != MemoryState.DELETED)

    def withdraw(self, rows: Sequence[MemoryRow], reason: str = _WRONG) -> None:
        """Serve the rows no longer, now or as of any time, until consolidation makes them anew."""
        for row in rows:
            row.state = MemoryState.SUPERSEDED.value
            row.superseded_by, row.supersede_time = "", None
            touch(row, self.now)
        self._log(ChangeKind.SUPERSEDED, rows, reason)

    def follow(
        self,
        *,
        ended: Sequence[MemoryRow],
        withdrawn: Sequence[MemoryRow],
        corrected: MemoryRow | None = None,
        conflicts: Collection[str] = (),
    ) -> None:
        """Settle everything that hung on rows that ended, and on a claim that was corrected."""
        origins = {row.id: row for row in ended}
        void = {**origins, **({corrected.id: corrected} if corrected else {})}
        closed = [row for row in self._closed_by(void) if row.id not in origins]
        inputs = [row for row in closed if row.superseded_by in origins and _is_input(row, origins[row.superseded_by])]
        outdated = [row for row in closed if not _is_input(row, void[row.superseded_by])]
        released = self._release(inputs, origins)
        self._settle(outdated, void, {claim: row for claim, row in released.items() if row is not corrected})
        if corrected is not None and corrected.state == MemoryState.SUPERSEDED and corrected.superseded_by:
            self._reopen([corrected])
        self.examine_again(withdrawn)
        self._reconcile(void, {*conflicts, *(other for row in ended for other in row.conflicts_with)} - void.keys())
        if corrected is not None and corrected.state == MemoryState.ACTIVE:
            self.due.add(_owner(corrected))

    def finish(self) -> None:
        """Queue the jobs for everything that changed."""
        if self.changed:
            defer_index(self.session, self.space, list(self.changed), self.now)
        defer_consolidation(self.session, self.space, self.due, now=self.now, delay=self.delay)

    def forget_neighbours(self, closed: Collection[TurnRef]) -> None:
        """Have nothing found any more by what closed turns beside it say."""
        changed = forget_neighbours(self.session, self.space, closed, self.now)
        self._log(ChangeKind.UPDATED, changed, _FORGOTTEN)

    def _release(self, inputs: Sequence[MemoryRow], origins: dict[str, MemoryRow]) -> dict[str, MemoryRow]:
        """Serve again what a withdrawn merge had replaced, or close it as that was; return the newest of each merge."""
        newest: dict[str, MemoryRow] = {}
        served, closed = [], []
        for row in sorted(inputs, key=lambda row: (row.event_time, row.id)):
            merge = origins[row.superseded_by]
            newest[merge.id] = row
            if merge.superseded_by and merge.superseded_by not in origins:
                row.superseded_by, row.supersede_time = merge.superseded_by, merge.supersede_time
                row.valid_to = merge.valid_to
                touch(row, self.now)
                closed.append(row)
            else:
                served.append(row)
        self._serve(served)
        self._log(ChangeKind.UPDATED, served, _SERVED_AGAIN)
        self._log(ChangeKind.UPDATED, closed, _INHERITED)
        return newest

    def _settle(
        self, outdated: Sequence[MemoryRow], void: dict[str, MemoryRow], released: dict[str, MemoryRow]
    ) -> None:
        """Close what was superseded by a void claim by that claim's successor, or let it hold again."""
        open_again, closed = [], []
        for row in outdated:
            heir = _heir(void[row.superseded_by], void, released)
            if heir:
                row.superseded_by = heir
                touch(row, self.now, indexed=True)
                closed.append(row)
            else:
                open_again.append(row)
        self._reopen(open_again)
        self._log(ChangeKind.UPDATED, closed, _INHERITED)

    def _reopen(self, rows: Sequence[MemoryRow]) -> None:
        for row in rows:
            row.valid_to = self._valid_to_before(row)
        self._serve(rows)
        self._log(ChangeKind.UPDATED, rows, _HOLDS_AGAIN)

    def _serve(self, rows: Sequence[MemoryRow]) -> None:
        for row in rows:
            row.state = MemoryState.ACTIVE.value
            row.superseded_by, row.supersede_time = "", None
            touch(row, self.now)
            row.consolidated_version = 0
            self.due.add(_owner(row))

    def _valid_to_before(self, row: MemoryRow) -> datetime | None:
        """The end of its validity when it was last served, as the caller or the change log has it."""
        if row.id in self.ends:
            return self.ends[row.id]
        changes = self.session.exec(
            select(ChangeRow.memory)
            .where(ChangeRow.tenant == self.space.tenant, ChangeRow.space == self.space.space)
            .where(ChangeRow.memory_id == row.id)
            .order_by(col(ChangeRow.sequence).desc())
        )
        states = (load_memory(dict(change)) for change in changes)
        last = next((memory for memory in states if memory.state is MemoryState.ACTIVE), None)
        return row.valid_to if last is None else last.valid_to

    def examine_again(self, withdrawn: Iterable[MemoryRow]) -> None:
        """Let consolidation look again at what a withdrawn episode or theme stood above."""
        children = {origin for row in withdrawn if row.kind != MemoryKind.STATEMENT for origin in row.derived_from}
        active = self._rows(col(MemoryRow.id).in_(children), MemoryRow.state == MemoryState.ACTIVE) if children else []
        for row in active:
            row.consolidated_version = 0
            self.session.add(row)
            self.due.add(_owner(row))

    def _reconcile(self, void: Collection[str], others: Collection[str]) -> None:
        live = MemoryRow.state != MemoryState.DELETED
        rows = self._rows(col(MemoryRow.id).in_(others), live) if others else []
        changed = [row for row in rows if not set(row.conflicts_with).isdisjoint(void)]
        for row in changed:
            row.conflicts_with = [other for other in row.conflicts_with if other not in void]
            touch(row, self.now, indexed=True)
        self._log(ChangeKind.UPDATED, changed, _RECONCILED)

    def _inputs(self, rows: Sequence[MemoryRow]) -> list[MemoryRow]:
        merges = {row.id: row for row in rows}
        return [row for row in self._closed_by(merges) if _is_input(row, merges[row.superseded_by])]

    def _closed_by(self, ids: Collection[str]) -> list[MemoryRow]:
        return self._rows(col(MemoryRow.superseded_by).in_(ids), MemoryRow.state == MemoryState.SUPERSEDED)

    def _rows(self, *conditions: ColumnElement[bool] | bool) -> list[MemoryRow]:
        query = select(MemoryRow).where(*in_space(self.space), *conditions).order_by(col(MemoryRow.ordinal))
        return list(self.session.exec(query.with_for_update()))

    def _log(self, kind: ChangeKind, rows: Sequence[MemoryRow], reason: str) -> None:
        for row in rows:
            self.session.add(row)
            self.changed[row.id] = None
        changed = [(memory_of(row), row.text) for row in rows]
        append_changes(self.session, self.space, kind, changed, actor=CONSOLIDATION, now=self.now, reason=reason)


def _is_input(row: MemoryRow, successor: MemoryRow) -> bool:
    """Whether the successor was made of the row, rather than saying something newer."""
    return row.id in successor.derived_from


def _heir(claim: MemoryRow, void: dict[str, MemoryRow], released: dict[str, MemoryRow]) -> str:
    """Id of what says now what a void claim said, or something newer; empty if nothing does."""
    seen: set[str] = set()
    while claim.id not in seen:
        seen.add(claim.id)
        if claim.id in released:
            return released[claim.id].id
        if claim.superseded_by not in void:
            return claim.superseded_by
        claim = void[claim.superseded_by]
    return ""


def _owner(row: MemoryRow) -> Scope:
    return Scope(row.user_id, row.agent_id)

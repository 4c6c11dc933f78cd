"""The change log of a space: every change of a memory, numbered without gaps in the order of the commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from memsvc.storage.rows import dump_memory, load_memory
from memsvc.storage.spaces import require_space
from memsvc.storage.tables import ChangeRow, SpaceRow
from memsvc.types import ChangeKind, Memory, SpaceKey


def append_changes(
    session: Session,
    space: SpaceKey,
    kind: ChangeKind,
    changed: Sequence[tuple[Memory, str]],
    *,
    actor: str,
    now: datetime,
    reason: str = "",
) -> None:
    """Append one change for each memory and its text before; the memories are as after the change."""
    if not changed:
        return
    first = _draw(session, space, len(changed))
    rows = [
        {
            "tenant": space.tenant,
            "space": space.space,
            "sequence": sequence,
            "memory_id": memory.id,
            "user_id": memory.scope.user_id,
            "agent_id": memory.scope.agent_id,
            "session_id": memory.scope.session_id,
            "kind": kind.value,
            "time": now,
            "memory": dump_memory(replace(memory, neighbours=())),  # which are other memories' words
            "previous_text": previous_text,
            "actor": actor,
            "reason": reason,
        }
        for sequence, (memory, previous_text) in enumerate(changed, first)
    ]
    session.exec(insert(ChangeRow), params=rows)


def erase_changes(session: Session, space: SpaceKey, memory_ids: Sequence[str]) -> None:
    """Take what the memories said out of their changes so far; sequences, kinds and times stay."""
    rows = session.exec(
        select(ChangeRow)
        .where(ChangeRow.tenant == space.tenant, ChangeRow.space == space.space)
        .where(col(ChangeRow.memory_id).in_(memory_ids))
    )
    for row in rows:
        row.memory = dump_memory(load_memory(row.memory).without_words())
        row.previous_text = ""
        session.add(row)


def _draw(session: Session, space: SpaceKey, count: int) -> int:
    """Take `count` sequences and return the first.

    The update locks the space's row until the commit, so sequences become visible in their order.
    """
    last = session.exec(
        update(SpaceRow)
        .where(col(SpaceRow.tenant) == space.tenant, col(SpaceRow.name) == space.space)
        .values(change_sequence=SpaceRow.change_sequence + count)
        .returning(col(SpaceRow.change_sequence))
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if last is None:
        require_space(session, space)
        raise AssertionError("a space without a row")
    return int(last[0]) - count + 1

"""Which embedding models memories are indexed with, and how far a change from one to another has come."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select

from memsvc.errors import FailedPrecondition, Reason
from memsvc.storage.database import Database
from memsvc.storage.tables import EmbeddingCheckRow, EmbeddingModelRow, MemoryRow
from memsvc.types import EmbeddingCheck, EmbeddingModel, EmbeddingState, SpaceKey

SLOTS = (0, 1)
"""Columns of `memories` that say which version of each is indexed with a model: two models at a time."""


class SqlEmbeddingModels:
    """Implements `ports.EmbeddingModels`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def all(self) -> list[EmbeddingModel]:
        """Every model that memories are indexed with; none as long as only the settings name one, in slot 0."""
        query = select(EmbeddingModelRow).order_by(col(EmbeddingModelRow.slot))
        return await self._db.read(lambda session: [_model_of(row) for row in session.exec(query)])

    async def register(self, target: EmbeddingModel, current: EmbeddingModel) -> EmbeddingModel:
        """Have memories indexed with `target` too, in the slot that is free; its own `slot` and `state` do not count.

        `current` is what the settings name, for a service that never changed its model. Known already, it is returned
        as it stands, whatever its state.

        Raises:
            FailedPrecondition: two models are registered, and `target` is neither; or `target` is unwanted.
        """

        def register(session: Session) -> EmbeddingModel:
            rows = list(session.exec(select(EmbeddingModelRow).with_for_update()))
            if not rows:
                rows = [_row_of(current, 0, EmbeddingState.ACTIVE)]
                session.add(rows[0])
            for row in rows:
                if row.name == target.name and row.state == EmbeddingState.UNWANTED:
                    raise FailedPrecondition(
                        f"the index of {row.name} is being removed; end that first",
                        reason=Reason.EMBEDDINGS_CHANGING,
                    )
                if row.name == target.name:
                    return _model_of(row)
            free = [slot for slot in SLOTS if slot not in {row.slot for row in rows}]
            if not free:
                names = " and ".join(row.name for row in rows)
                raise FailedPrecondition(
                    f"memories are indexed with {names}; end that change first",
                    reason=Reason.EMBEDDINGS_CHANGING,
                )
            session.exec(delete(EmbeddingCheckRow))
            made = _row_of(target, free[0], EmbeddingState.TARGET)
            session.add(made)
            session.flush()
            return _model_of(made)

        return await self._db.write(register)

    async def ready(self, slot: int) -> None:
        """Say that whatever was indexed in this slot before is forgotten, so that its memories are all due."""

        def ready(session: Session) -> None:
            row = session.get_one(EmbeddingModelRow, slot)
            if row.state == EmbeddingState.TARGET:
                row.state = EmbeddingState.FILLING.value
                session.add(row)

        await self._db.write(ready)

    async def activate(self, slot: int) -> None:
        """Have queries answered by the model of this slot; the other one is kept up to date, and old."""

        def activate(session: Session) -> None:
            for row in session.exec(select(EmbeddingModelRow).with_for_update()):
                if row.state != EmbeddingState.UNWANTED:
                    row.state = (EmbeddingState.ACTIVE if row.slot == slot else EmbeddingState.OLD).value
                    session.add(row)

        await self._db.write(activate)

    async def discard(self, slot: int) -> None:
        """Have memories indexed with the model of this slot no more, and its index removed. Idempotent.

        Raises:
            FailedPrecondition: it answers queries.
        """

        def discard(session: Session) -> None:
            row = session.get(EmbeddingModelRow, slot)
            if row is None:
                return
            if row.state == EmbeddingState.ACTIVE:
                raise FailedPrecondition(f"{row.name} answers queries", reason=Reason.EMBEDDINGS_CHANGING)
            row.state = EmbeddingState.UNWANTED.value
            session.add(row)

        await self._db.write(discard)

    async def removed(self, slot: int) -> None:
        """Say that the index of an unwanted model is removed: its slot is free. Idempotent."""
        unwanted = delete(EmbeddingModelRow).where(
            col(EmbeddingModelRow.slot) == slot, col(EmbeddingModelRow.state) == EmbeddingState.UNWANTED
        )

        def removed(session: Session) -> None:
            session.exec(unwanted)

        await self._db.write(removed)

    async def due_count(self, slot: int) -> int:
        """Memories of all spaces whose current version is not indexed in this slot."""
        column = indexed_column(slot)
        query = select(func.count()).select_from(MemoryRow).where(column != col(MemoryRow.version))
        return await self._db.read(lambda session: session.exec(query).one())

    async def record(self, check: EmbeddingCheck) -> None:
        """Keep how a space's index with the new model compares with the one with the old; replaces an earlier check."""
        row = EmbeddingCheckRow(
            tenant=check.space.tenant,
            space=check.space.space,
            points=check.points,
            expected=check.expected,
            sample=check.sample,
            self_recall=check.self_recall,
            overlap=check.overlap,
        )

        def record(session: Session) -> None:
            session.merge(row)

        await self._db.write(record)

    async def checks(self) -> Sequence[EmbeddingCheck]:
        """The last check of every space."""
        query = select(EmbeddingCheckRow).order_by(col(EmbeddingCheckRow.tenant), col(EmbeddingCheckRow.space))

        def load(session: Session) -> list[EmbeddingCheck]:
            return [
                EmbeddingCheck(
                    SpaceKey(row.tenant, row.space), row.points, row.expected, row.sample, row.self_recall, row.overlap
                )
                for row in session.exec(query)
            ]

        return await self._db.read(load)


def indexed_column(slot: int) -> Mapped[int]:
    """The column that says which version of a memory is indexed in this slot."""
    return col((MemoryRow.indexed_version, MemoryRow.indexed_version_1)[slot])


def active_slot(session: Session) -> int:
    """The slot that answers queries."""
    query = select(EmbeddingModelRow.slot).where(EmbeddingModelRow.state == EmbeddingState.ACTIVE)
    return session.exec(query).first() or 0


def _model_of(row: EmbeddingModelRow) -> EmbeddingModel:
    return EmbeddingModel(row.name, row.dimension, row.api_base, row.slot, EmbeddingState(row.state))


def _row_of(model: EmbeddingModel, slot: int, state: EmbeddingState) -> EmbeddingModelRow:
    return EmbeddingModelRow(
        slot=slot, name=model.name, dimension=model.dimension, api_base=model.api_base, state=state.value
    )

"""What is set for the end users of a space, and whose clock counts."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session, col, select

from memsvc.storage.database import Database
from memsvc.storage.spaces import require_space
from memsvc.storage.tables import UserRow
from memsvc.types import SpaceKey, UserSettings


class SqlUserStore:
    """Implements `ports.UserStore`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, space: SpaceKey, user_id: str) -> UserSettings:
        """Return a user's settings, empty ones where nothing was set. Raises NotFound for the space."""

        def find(session: Session) -> UserSettings:
            require_space(session, space)
            row = session.get(UserRow, (space.tenant, space.space, user_id))
            return UserSettings(user_id, row.time_zone if row else "")

        return await self._db.read(find)

    async def set_time_zone(self, space: SpaceKey, user_id: str, time_zone: str) -> UserSettings:
        """Set a user's time zone; an empty one unsets it. Raises NotFound for the space."""

        def change(session: Session) -> UserSettings:
            require_space(session, space)
            row = session.get(UserRow, (space.tenant, space.space, user_id), with_for_update=True)
            row = row or UserRow(tenant=space.tenant, space=space.space, user_id=user_id, time_zone="")
            row.time_zone = time_zone
            session.add(row)
            return UserSettings(user_id, time_zone)

        return await self._db.write(change)

    async def time_zone(self, space: SpaceKey, user_id: str) -> str:
        """Return the zone of a user, else of the space, empty where neither is set. Raises NotFound for the space."""
        return (await self._db.read(lambda session: time_zones(session, space, [user_id])))[user_id]


def time_zones(session: Session, space: SpaceKey, user_ids: Iterable[str]) -> dict[str, str]:
    """The zone of each user, else of the space, empty where neither is set. Raises NotFound for the space."""
    default = require_space(session, space).time_zone
    wanted = dict.fromkeys(user_ids, default)
    rows = session.exec(
        select(UserRow.user_id, UserRow.time_zone).where(
            UserRow.tenant == space.tenant,
            UserRow.space == space.space,
            UserRow.time_zone != "",
            col(UserRow.user_id).in_([user_id for user_id in wanted if user_id]),
        )
    )
    return wanted | dict(rows.all())

"""The one clock of a fleet: that of its database. The machines' own may differ by minutes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session


def fleet_time(session: Session, local: Callable[[], datetime]) -> datetime:
    """The time by which leases run out and jobs fall due: PostgreSQL's, or `local`'s on SQLite: one machine has one."""
    if session.get_bind().dialect.name != "postgresql":
        return local()
    now: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return now

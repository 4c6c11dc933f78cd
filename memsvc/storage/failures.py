"""What a database error means: try the transaction again, come back later, or stored data is damaged."""

from __future__ import annotations

import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from memsvc.errors import Corrupt, MemsvcError, Reason, Unavailable

# Primary result codes, https://www.sqlite.org/rescode.html
_SQLITE_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SQLITE_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_SQLITE_WRITE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY})
_SQLITE_DOWN = _SQLITE_BUSY | {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL}

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_PG_RETRY = ("40", "55P03")
_PG_DAMAGED = ("XX001", "XX002")
_PG_WRITE = ("53100", "58030", "25006")


def is_transient(error: BaseException) -> bool:
    """Whether the same transaction may succeed when it is repeated at once.

    A violated constraint is transient too: every function that writes looks before it inserts, so a violation means
    that another transaction got there first, and a repeat will see what it wrote.
    """
    if isinstance(error, IntegrityError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return _sqlite_code(error) in _SQLITE_BUSY or _sqlstate(error).startswith(_PG_RETRY)


def translated(error: SQLAlchemyError) -> MemsvcError | None:
    """The service's own error for a failure outside of the transaction's code; None for one that is a bug."""
    if isinstance(error, PoolTimeout):
        return Unavailable("every database connection is busy", reason=Reason.DATABASE_UNAVAILABLE)
    if not isinstance(error, DBAPIError):
        return None
    code, state = _sqlite_code(error), _sqlstate(error)
    if code in _SQLITE_DAMAGED or state.startswith(_PG_DAMAGED):
        return Corrupt("the database is damaged")
    if code in _SQLITE_WRITE or state.startswith(_PG_WRITE):
        return Unavailable("the database cannot write", reason=Reason.WRITE_FAILED)
    if code in _SQLITE_DOWN or isinstance(error.orig, psycopg.OperationalError) or error.connection_invalidated:
        return Unavailable("the database does not answer", reason=Reason.DATABASE_UNAVAILABLE)
    return None


def _sqlite_code(error: DBAPIError) -> int:
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else -1


def _sqlstate(error: DBAPIError) -> str:
    return (error.orig.sqlstate or "") if isinstance(error.orig, psycopg.Error) else ""

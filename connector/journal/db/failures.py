"""Telling a failing store from a failing program, and saying where a program failed without quoting data."""

from __future__ import annotations

import sqlite3
import sys
from typing import Final

from connector.base.errors import where as where

_STORE_CODES: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOTADB,
    }
)

# Serialization failure, deadlock, lock timeout: another process was there first, the same work may be tried again.
_CONTENTION_STATES: Final = frozenset({"40001", "40P01", "55P03"})

# Connection lost, resources, shutdown, I/O error, internal error, idle in transaction: the server's side.
_STORE_CLASSES: Final = frozenset({"08", "53", "57", "58", "XX", "25"})


class Busy(Exception):
    """Another process holds the patient this work needs: undone, and done again after the commit."""


def is_store_failure(error: BaseException) -> bool:
    """True when the file, the disk or the server failed or is busy, False when the program was wrong."""
    if isinstance(error, Busy):
        return True
    if isinstance(error, sqlite3.Error):
        # Extended codes keep the primary code in their low byte.
        return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _STORE_CODES
    psycopg = sys.modules.get("psycopg")
    if psycopg is None or not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate or ""
    if not state:
        # Without a state the server never judged the statement: the connection is gone.
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state[:2] in _STORE_CLASSES or state in _CONTENTION_STATES


def is_contention(error: BaseException) -> bool:
    """True when the same work, started again, may well succeed at once."""
    return isinstance(error, Busy) or getattr(error, "sqlstate", None) in _CONTENTION_STATES


def is_database_error(error: BaseException) -> bool:
    """True for any error of the database driver."""
    psycopg = sys.modules.get("psycopg")
    return isinstance(error, sqlite3.Error) or (psycopg is not None and isinstance(error, psycopg.Error))

"""Telling a failing disk from a failing program, and saying where a program failed without quoting data."""

from __future__ import annotations

import sqlite3
from typing import Final

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


def is_store_failure(error: BaseException) -> bool:
    """True when the file or the disk failed, False when the statement or the program was wrong."""
    # Extended codes keep the primary code in their low byte.
    return isinstance(error, sqlite3.Error) and (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _STORE_CODES


def where(error: BaseException) -> str:
    """`module.py:line` where the exception was raised: its text may quote a patient, its place cannot."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"

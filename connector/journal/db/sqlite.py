"""SQLite: one file, one writing connection per process, as many readers as threads."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from connector.journal.db.connection import Dialect
from connector.journal.errors import JournalError

_TUNING: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA cache_size=-32768",
    # What retention lets go of is overwritten, not only forgotten: the file holds identities.
    "PRAGMA secure_delete=ON",
)


class SqliteConnection(sqlite3.Connection):
    """A sqlite3 connection that says what it is; nothing is wrapped on the hot path."""

    dialect: Final[Dialect] = "sqlite"
    usable: Final = True


def open_writer(path: Path, busy_timeout: float) -> SqliteConnection:
    """The one connection that writes: WAL, synchronous=FULL, foreign keys, explicit transactions.

    The file is created with mode 0600 before SQLite sees it; its -wal and -shm inherit that mode.
    Raises JournalError when the file cannot be opened or is not a journal.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        os.chmod(path, 0o600)
        connection = sqlite3.connect(
            path, timeout=busy_timeout, isolation_level=None, check_same_thread=False, factory=SqliteConnection
        )
        connection.row_factory = sqlite3.Row
        for pragma in _TUNING:
            connection.execute(pragma)
    except (OSError, sqlite3.Error) as error:
        raise JournalError("the journal cannot be opened", path=str(path), cause=type(error).__name__) from error
    return connection


def open_reader(path: Path, busy_timeout: float) -> SqliteConnection:
    """A read-only connection, safe to close from any thread. Raises JournalError."""
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=busy_timeout, isolation_level=None,
            check_same_thread=False, factory=SqliteConnection,
        )  # fmt: skip
    except sqlite3.Error as error:
        raise JournalError(f"the journal could not be read: {error}", cause=type(error).__name__) from error
    connection.row_factory = sqlite3.Row
    return connection

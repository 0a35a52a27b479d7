"""Committed state read without a transaction: what a handler looks at before it decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connector.journal import JournalReader
from connector.journal.db.connection import Row


class Rows:
    """The rows of one read, with the two cursor methods the rooms below use."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    def fetchone(self) -> Row | None:
        return self._rows[0] if self._rows else None

    def fetchall(self) -> list[Row]:
        return self._rows


class Snapshot:
    """`execute` over the journal's read-only connection of the current thread."""

    def __init__(self, journal: JournalReader) -> None:
        self._journal = journal

    def execute(self, sql: str, params: Sequence[Any] = ()) -> Rows:
        return Rows(self._journal.query(sql, params))

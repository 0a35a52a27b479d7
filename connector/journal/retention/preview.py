"""What a round would let go of, read without writing anything (`connector retention run --dry-run`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from connector.journal.db.connection import Row
from connector.journal.model import stamp
from connector.journal.reader import JournalReader
from connector.journal.retention.config import Rules
from connector.journal.retention.keeper import Tally
from connector.journal.retention.steps import Step, old_rows
from connector.journal.retention.walks import Walk, walks

_WINDOW: Final = 500


class _Cursor:
    """The rows of one read."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows
        self.rowcount = len(rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def fetchone(self) -> Row | None:
        return self._rows[0] if self._rows else None

    def fetchall(self) -> list[Row]:
        return self._rows


class _Reading:
    def __init__(self, journal: JournalReader) -> None:
        self._journal = journal

    def execute(self, sql: str, params: Sequence[Any] = ()) -> _Cursor:
        return _Cursor(self._journal.query(sql, params))


def preview(journal: JournalReader, rules: Rules, now: datetime) -> Tally:
    """The tally a whole round would end with at `now` (aware), files apart. Raises JournalError."""
    tally = Tally()
    for walk in walks(rules, foresee=True):
        limit = rules.config.limit(walk.part, now)
        if limit is not None:
            tally.add(walk.name, _look(_Reading(journal), walk, stamp(limit), stamp(now)))
    return tally


def _look(sql: _Reading, walk: Walk, limit: str, now: str) -> Step:
    found = sql.execute("SELECT position FROM retention WHERE walk = ?", (walk.name,)).fetchone()
    position = found["position"] if found is not None else 0
    removed = freed = 0
    while rows := old_rows(walk.after(sql, position, _WINDOW), limit, now):
        removed, freed = _count(sql, walk, rows, limit, removed, freed)
        position = rows[-1]["id"]
    again = 0
    while ids := [
        row["id"]
        for row in sql.execute(
            "SELECT id FROM retention_kept WHERE walk = ? AND id > ? ORDER BY id LIMIT ?", (walk.name, again, _WINDOW)
        ).fetchall()
    ]:
        removed, freed = _count(sql, walk, walk.these(sql, ids), limit, removed, freed)
        again = ids[-1]
    return Step(removed, 0, freed)


def _count(sql: _Reading, walk: Walk, rows: Sequence[Any], limit: str, removed: int, freed: int) -> tuple[int, int]:
    free = walk.free(sql, [row for row in rows if walk.ours(row) and row["at"] < limit], limit)
    return removed + len(free), freed + sum(row["size"] for row in rows if row["id"] in free)

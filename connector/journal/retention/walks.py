"""What may go, row by row: four walks over the tables, each from its own position and never back.

A row too old that unfinished work still needs is written down in `retention_kept`, so that the position can go on;
those few are looked at again later. No walk ever needs an index on a date: ids follow arrival.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final, Protocol

from connector.journal.db.connection import Cursor
from connector.journal.messages import MESSAGE, state_of
from connector.journal.retention.config import Part, Rules
from connector.journal.tx import Tx

Rows = Sequence[Any]

_BUSY: Final = "(state <> 'done' OR run <> 0 OR unsettled <> 0)"
_NEWEST_LINE: Final = "SELECT delivery_id, message_id FROM timeline ORDER BY id DESC LIMIT 1"


class Sql(Protocol):
    """A transaction, or a reader where nothing is to be removed."""

    def execute(self, sql: str, params: Sequence[Any] = ...) -> Cursor: ...


class Walk(Protocol):
    """One table, walked by id. Rows have `id`, `at` (stamp: how old) and `size` (bytes it would free)."""

    name: str
    part: Part

    def after(self, sql: Sql, position: int, count: int) -> Rows:
        """The next rows in the order of their ids."""

    def these(self, sql: Sql, ids: Sequence[int]) -> Rows:
        """The rows of these ids that still exist."""

    def free(self, sql: Sql, rows: Rows, limit: str) -> set[int]:
        """Ids that nothing needs any more, among rows older than `limit`."""

    def ours(self, row: Any) -> bool:
        """False for a row another walk takes care of."""

    def remove(self, sql: Tx, row_id: int, now: str) -> None:
        """Lets go of one row. Its bytes are overwritten by the store when it reuses the place."""


class Content:
    """Bytes of messages: emptied, with the day in `purged`; the row itself stays for the timeline and its key."""

    def __init__(self, part: Part, rules: Rules) -> None:
        self.name: str = part
        self.part: Part = part
        self._attachments = frozenset(rules.attachment_routes)

    def after(self, sql: Sql, position: int, count: int) -> Rows:
        return sql.execute(f"{_MESSAGE} WHERE id > ? ORDER BY id LIMIT ?", (position, count)).fetchall()

    def these(self, sql: Sql, ids: Sequence[int]) -> Rows:
        return sql.execute(f"{_MESSAGE} WHERE id IN ({_marks(ids)}) ORDER BY id", tuple(ids)).fetchall()

    def ours(self, row: Any) -> bool:
        return (row["route"] in self._attachments) is (self.part == "attachments")

    def free(self, sql: Sql, rows: Rows, limit: str) -> set[int]:
        ids = [row["id"] for row in rows if (state_of(row), "purge") in MESSAGE.table]
        needed = _column(sql, f"SELECT message_id FROM delivery WHERE message_id IN ({_marks(ids)}) AND {_BUSY}", ids)
        return set(ids) - needed - _failed(sql, ids)

    def remove(self, sql: Tx, row_id: int, now: str) -> None:
        sql.execute(_EMPTY[sql.connection.dialect], (b"", b"", row_id))
        sql.execute(
            "INSERT INTO purged (message_id, at) VALUES (?, ?) ON CONFLICT (message_id) DO NOTHING",
            (row_id, now),
        )


_COLUMNS: Final = "id, key, verdict, routed, type, event, control_id, sender, peer, route, received_at, findings"
_EMPTY: Final = {
    # An UPDATE would leave two small rows on a page of four: only a row taken out and put back joins its neighbours.
    "sqlite": f"REPLACE INTO message ({_COLUMNS}, ack, raw) SELECT {_COLUMNS}, ?, ? FROM message WHERE id = ?",
    "postgresql": "UPDATE message SET ack = ?, raw = ? WHERE id = ?",
}
_MESSAGE: Final = "SELECT id, received_at AS at, verdict, routed, route, length(ack) + length(raw) AS size FROM message"
_ROW: Final = "SELECT id, received_at AS at, verdict, routed, 0 AS size FROM message"


class Deliveries:
    """Finished deliveries, each with its attempts, its lines and the identity of the document it carried."""

    name = "deliveries"
    part: Part = "traces"

    def after(self, sql: Sql, position: int, count: int) -> Rows:
        return sql.execute(f"{_DELIVERY} WHERE id > ? ORDER BY id LIMIT ?", (position, count)).fetchall()

    def these(self, sql: Sql, ids: Sequence[int]) -> Rows:
        return sql.execute(f"{_DELIVERY} WHERE id IN ({_marks(ids)}) ORDER BY id", tuple(ids)).fetchall()

    def ours(self, row: Any) -> bool:
        return True

    def free(self, sql: Sql, rows: Rows, limit: str) -> set[int]:
        newest = _newest_line(sql, "delivery_id")
        return {row["id"] for row in rows if not row["busy"] and row["updated_at"] < limit and row["id"] != newest}

    def remove(self, sql: Tx, row_id: int, now: str) -> None:
        for table in ("attempt", "timeline", "document"):
            sql.execute(f"DELETE FROM {table} WHERE delivery_id = ?", (row_id,))
        sql.execute("DELETE FROM delivery WHERE id = ?", (row_id,))


_DELIVERY: Final = (
    f"SELECT id, created_at AS at, updated_at, CASE WHEN {_BUSY} THEN 1 ELSE 0 END AS busy, 0 AS size FROM delivery"
)


class Messages:
    """Rows of messages whose deliveries are all gone, with their repetitions and lines.

    `foresee` counts as gone the deliveries that the walk before this one would remove.
    """

    name = "messages"
    part: Part = "traces"

    def __init__(self, *, foresee: bool = False) -> None:
        self._foresee = foresee

    def after(self, sql: Sql, position: int, count: int) -> Rows:
        # The newest row stays: ids given again would hide new rows from the positions.
        return sql.execute(
            f"{_ROW} WHERE id > ? AND id < (SELECT max(id) FROM message) ORDER BY id LIMIT ?", (position, count)
        ).fetchall()

    def these(self, sql: Sql, ids: Sequence[int]) -> Rows:
        return sql.execute(f"{_ROW} WHERE id IN ({_marks(ids)}) ORDER BY id", tuple(ids)).fetchall()

    def ours(self, row: Any) -> bool:
        return True

    def free(self, sql: Sql, rows: Rows, limit: str) -> set[int]:
        ids = [row["id"] for row in rows if state_of(row) in MESSAGE.final]
        query = f"SELECT message_id FROM delivery WHERE message_id IN ({_marks(ids)})"
        if self._foresee:
            delivered = _column(sql, f"{query} AND ({_BUSY} OR updated_at >= ?)", ids, limit)
        else:
            delivered = _column(sql, query, ids)
        return set(ids) - delivered - _failed(sql, ids) - {_newest_line(sql, "message_id")}

    def remove(self, sql: Tx, row_id: int, now: str) -> None:
        for table in ("duplicate", "timeline", "purged"):
            sql.execute(f"DELETE FROM {table} WHERE message_id = ?", (row_id,))
        sql.execute("DELETE FROM message WHERE id = ?", (row_id,))


class Lines:
    """Lines of the timeline that belong to no delivery and no message; the others go with theirs."""

    name = "lines"
    part: Part = "traces"

    def after(self, sql: Sql, position: int, count: int) -> Rows:
        return sql.execute(
            f"{_LINE} WHERE id > ? AND id < (SELECT max(id) FROM timeline) ORDER BY id LIMIT ?", (position, count)
        ).fetchall()

    def these(self, sql: Sql, ids: Sequence[int]) -> Rows:
        return sql.execute(f"{_LINE} WHERE id IN ({_marks(ids)}) ORDER BY id", tuple(ids)).fetchall()

    def ours(self, row: Any) -> bool:
        return bool(row["ownerless"])

    def free(self, sql: Sql, rows: Rows, limit: str) -> set[int]:
        return {row["id"] for row in rows}

    def remove(self, sql: Tx, row_id: int, now: str) -> None:
        sql.execute("DELETE FROM timeline WHERE id = ?", (row_id,))


_LINE: Final = (
    "SELECT id, at, CASE WHEN delivery_id IS NULL AND message_id IS NULL THEN 1 ELSE 0 END AS ownerless, 0 AS size"
    " FROM timeline"
)


def walks(rules: Rules, *, foresee: bool = False) -> tuple[Walk, ...]:
    """In the order that lets one round finish: bytes, then deliveries, then the messages they came from."""
    messages = Messages(foresee=foresee)
    return (Content("attachments", rules), Content("content", rules), Deliveries(), messages, Lines())


def _failed(sql: Sql, ids: Sequence[int]) -> set[int]:
    return _column(sql, f"SELECT message_id FROM routing_failure WHERE message_id IN ({_marks(ids)})", ids)


def _newest_line(sql: Sql, column: str) -> int:
    """Owner of the newest line, 0 when it has none: that line stays, so that its id is never given again."""
    row = sql.execute(_NEWEST_LINE).fetchone()
    return int(row[column] or 0) if row is not None else 0


def _column(sql: Sql, query: str, ids: Sequence[int], *others: str) -> set[int]:
    return {row[0] for row in sql.execute(query, (*ids, *others)).fetchall()} if ids else set()


def _marks(ids: Collection[int]) -> str:
    return ",".join("?" * len(ids))

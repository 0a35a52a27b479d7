"""Messages in: one INSERT per message, duplicates told apart in the same transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache

from connector.base.finding import Finding
from connector.journal.model import Incoming, Stored, StoredMessage, stamp, unstamp

Row = tuple[str, str, int, str, str, str, str, str, str, str, str, bytes, bytes]

_VALUES = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT = (
    "INSERT INTO message (id, key, verdict, routed, type, event, control_id, sender, peer, route, received_at,"
    f" findings, ack, raw) VALUES {_VALUES}"
    " ON CONFLICT (key) WHERE verdict = 'accepted' DO NOTHING"
)


def to_row(incoming: Incoming) -> Row:
    """Columns after `id`; a refused message needs no routing."""
    findings = json.dumps([f.as_dict() for f in incoming.findings], ensure_ascii=False) if incoming.findings else "[]"
    return (
        incoming.key,
        incoming.verdict,
        0 if incoming.verdict == "accepted" else 1,
        incoming.type,
        incoming.event,
        incoming.control_id,
        incoming.sender,
        incoming.peer,
        incoming.route,
        stamp(incoming.received_at),
        findings,
        incoming.ack,
        incoming.raw,
    )


def store(connection: sqlite3.Connection, rows: Sequence[Row]) -> list[Stored]:
    """Inserts the rows in order inside the caller's transaction and answers each of them, in order."""
    last = connection.execute("SELECT max(id) FROM message").fetchone()[0] or 0
    before = connection.total_changes
    for start, size in _runs(len(rows)):
        run = rows[start : start + size]
        values = [value for n, row in enumerate(run, last + start + 1) for value in (n, *row)]
        connection.execute(_insert(size), values)
    if connection.total_changes - before == len(rows):
        return [Stored(last + n, False, row[11]) for n, row in enumerate(rows, start=1)]
    kept = {row[0] for row in connection.execute("SELECT id FROM message WHERE id > ?", (last,))}
    return [
        Stored(last + n, False, row[11]) if last + n in kept else _duplicate(connection, row)
        for n, row in enumerate(rows, start=1)
    ]


def _runs(count: int) -> Iterator[tuple[int, int]]:
    """(start, size) of runs of 32, 16, 8, 4, 2 and 1 that cover `count`: few statements to keep compiled."""
    start = 0
    while start < count:
        size = min(32, 1 << (count - start).bit_length() - 1)
        yield start, size
        start += size


@cache
def _insert(count: int) -> str:
    """One statement for `count` rows: the interpreter's lock is given up once, not once a row."""
    return _INSERT.replace(_VALUES, ", ".join([_VALUES] * count))


def _duplicate(connection: sqlite3.Connection, row: Row) -> Stored:
    """The first message's answer; the repetition is counted, never delivered again."""
    first = connection.execute(
        "SELECT id, ack FROM message WHERE key = ? AND verdict = 'accepted'", (row[0],)
    ).fetchone()
    connection.execute(
        "INSERT INTO duplicate (message_id, received_at, peer) VALUES (?, ?, ?)", (first["id"], row[9], row[7])
    )
    return Stored(first["id"], True, first["ack"])


def read(row: sqlite3.Row) -> StoredMessage:
    """The dataclass of a `SELECT * FROM message` row."""
    findings = tuple(Finding(**finding) for finding in json.loads(row["findings"]))
    return StoredMessage(
        row["id"],
        row["raw"],
        row["peer"],
        row["key"],
        row["type"],
        row["event"],
        row["control_id"],
        row["sender"],
        unstamp(row["received_at"]),
        row["route"],
        findings,
    )

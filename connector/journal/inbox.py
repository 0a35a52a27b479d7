"""Messages in: one INSERT per message, duplicates told apart in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

from connector.base.finding import Finding
from connector.journal.db.bulk import runs
from connector.journal.db.connection import Connection
from connector.journal.db.connection import Row as DbRow
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


def store(connection: Connection, rows: Sequence[Row]) -> list[Stored]:
    """Inserts the rows in order inside the caller's transaction and answers each of them, in order."""
    ids = _ids(connection, len(rows))
    inserted = 0
    for start, size in runs(len(rows)):
        run = zip(ids[start : start + size], rows[start : start + size], strict=True)
        values = [value for message_id, row in run for value in (message_id, *row)]
        inserted += connection.execute(_insert(size), values).rowcount
    if inserted == len(rows):
        return [Stored(message_id, False, row[11]) for message_id, row in zip(ids, rows, strict=True)]
    kept = {row[0] for row in connection.execute("SELECT id FROM message WHERE id >= ?", (ids[0],)).fetchall()}
    return [
        Stored(message_id, False, row[11]) if message_id in kept else _duplicate(connection, row)
        for message_id, row in zip(ids, rows, strict=True)
    ]


def _ids(connection: Connection, count: int) -> list[int]:
    """Ids in the order of arrival: the next ones where one process writes, drawn from the sequence where several do."""
    if connection.dialect == "sqlite":
        last = connection.execute("SELECT max(id) FROM message").fetchone()[0] or 0
        return list(range(last + 1, last + count + 1))
    drawn = connection.execute("SELECT nextval('message_id_seq') FROM generate_series(1, ?)", (count,))
    return [row[0] for row in drawn.fetchall()]


@cache
def _insert(count: int) -> str:
    """One statement for `count` rows: the interpreter's lock is given up once, not once a row."""
    return _INSERT.replace(_VALUES, ", ".join([_VALUES] * count))


def _duplicate(connection: Connection, row: Row) -> Stored:
    """The first message's answer; the repetition is counted, never delivered again."""
    first = connection.execute(
        "SELECT id, ack FROM message WHERE key = ? AND verdict = 'accepted'", (row[0],)
    ).fetchone()
    connection.execute(
        "INSERT INTO duplicate (message_id, received_at, peer) VALUES (?, ?, ?)", (first["id"], row[9], row[7])
    )
    # Once retention took the first answer away, the one just made says the same of the same bytes.
    return Stored(first["id"], True, first["ack"] or row[11])


def read(row: DbRow) -> StoredMessage:
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

"""Which delivery of each patient may start: one row of `head` per patient (and lane) that has one.

The row is recomputed for every patient a transaction touched, so that the scheduler reads a short index
instead of the whole queue.
"""

from __future__ import annotations

from collections.abc import Iterable

from connector.journal.db.connection import Connection, Row
from connector.journal.lifecycle import ACTIVE, STARTABLE
from connector.journal.model import DeadLetter

Lane = tuple[int, str]
"""Patient id and lane name."""

_BUSY = (
    "(SELECT 1 FROM delivery AS other WHERE other.patient_id = delivery.patient_id AND other.lane = delivery.lane"
    " AND other.run <> 0 LIMIT 1) AS busy"
)
_FIRST = f"SELECT id, state, due, destination, {_BUSY} FROM delivery WHERE patient_id = ? AND lane = ? AND {ACTIVE}"
_NEXT = {"stop": f"{_FIRST} ORDER BY id LIMIT 1", "pass": f"{_FIRST} AND state <> 'dead' ORDER BY id LIMIT 1"}
_PUT = (
    "INSERT INTO head (patient_id, lane, delivery_id, due, destination) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (patient_id, lane) DO UPDATE SET delivery_id = excluded.delivery_id, due = excluded.due,"
    " destination = excluded.destination"
)
_DROP = "DELETE FROM head WHERE patient_id = ? AND lane = ?"


def refresh(connection: Connection, lanes: Iterable[Lane], dead_letter: DeadLetter) -> None:
    """Recomputes the head of each lane: the smallest active id, if nothing runs and it may start."""
    for lane in lanes:
        head = first(connection, lane, dead_letter)
        if head is not None:
            connection.execute(_PUT, (*lane, head["id"], head["due"], head["destination"]))
        else:
            connection.execute(_DROP, lane)


def first(connection: Connection, lane: Lane, dead_letter: DeadLetter) -> Row | None:
    """`id`, `due` and `destination` of the delivery that may start, as the rows are now; None when none may."""
    head: Row | None = connection.execute(_NEXT[dead_letter], lane).fetchone()
    return head if head is not None and head["state"] in STARTABLE and not head["busy"] else None


def rebuild(connection: Connection, dead_letter: DeadLetter) -> None:
    """All heads from nothing, at start, while nothing runs: the dead letter setting may have changed."""
    passing = " AND state <> 'dead'" if dead_letter == "pass" else ""
    connection.execute("DELETE FROM head")
    connection.execute(
        "INSERT INTO head (patient_id, lane, delivery_id, due, destination)"
        " SELECT d.patient_id, d.lane, d.id, d.due, d.destination FROM delivery d JOIN"
        f" (SELECT min(id) AS id FROM delivery WHERE {ACTIVE}{passing} GROUP BY patient_id, lane) AS first"
        " ON first.id = d.id"
        f" WHERE d.state IN ({','.join('?' * len(STARTABLE))})",
        sorted(STARTABLE),
    )

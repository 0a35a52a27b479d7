"""One delivery and its moves: every change of state is here, with its timeline line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from connector.journal import documents
from connector.journal.db.bulk import runs
from connector.journal.db.connection import Connection, Row
from connector.journal.lifecycle import DELIVERY, Event, LifecycleError, State
from connector.journal.model import stamp, unstamp

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True, repr=False)
class Delivery:
    """A row of `delivery`. Times are aware, UTC.

    run        id of the attempt in progress, 0 when nobody works on it
    unsettled  an external effect may exist that nobody has confirmed
    destination  who is spoken to ("dmp", "identity", …), "" when nobody in particular
    attempts   starts since `since` (creation or last replay)
    """

    id: int
    kind: str
    patient_id: int
    lane: str
    state: State
    due: datetime
    run: int
    unsettled: bool
    attempts: int
    message_id: int | None
    stay: str
    document_id: str
    reason: str
    reason_code: str
    since: datetime
    payload: Payload
    destination: str = ""


def from_row(row: Row) -> Delivery:
    """The dataclass of a `SELECT * FROM delivery` row."""
    return Delivery(
        row["id"],
        row["kind"],
        row["patient_id"],
        row["lane"],
        row["state"],
        unstamp(row["due"]),
        row["run"],
        bool(row["unsettled"]),
        row["attempts"],
        row["message_id"],
        row["stay"],
        row["document_id"],
        row["reason"],
        row["reason_code"],
        unstamp(row["since"]),
        json.loads(row["payload"]),
        row["destination"],
    )


def load(connection: Connection, delivery_id: int) -> Delivery:
    """Raises LifecycleError when there is no such delivery."""
    row = connection.execute("SELECT * FROM delivery WHERE id = ?", (delivery_id,)).fetchone()
    if row is None:
        raise LifecycleError("absent", "load", delivery_id=delivery_id)
    return from_row(row)


_UPDATE = (
    "UPDATE delivery SET state = ?, due = ?, run = ?, unsettled = ?, attempts = ?, reason = ?, reason_code = ?,"
    " since = ?, updated_at = ?, payload = ? WHERE id = ?"
)


def move(
    connection: Connection,
    delivery: Delivery,
    event: Event,
    now: datetime,
    *,
    text: str = "",
    data: Mapping[str, Any] | None = None,
    **changes: Any,
) -> tuple[Delivery, LineRow]:
    """Applies `event` and writes the row; gives the delivery as it is now, and the line still to be written.

    The document it carries moves with it, on the same line (`documents.FOLLOWS`).

    `changes` are fields of Delivery (due, run, unsettled, attempts, reason, reason_code, since, payload);
    `due` is now unless given. Raises LifecycleError when the table has no such move.
    """
    state = DELIVERY.after(delivery.state, event, delivery_id=delivery.id)
    changes.setdefault("due", now)
    moved = replace(delivery, state=state, **changes)
    connection.execute(
        _UPDATE,
        (
            moved.state,
            stamp(moved.due),
            moved.run,
            int(moved.unsettled),
            moved.attempts,
            moved.reason,
            moved.reason_code,
            stamp(moved.since),
            stamp(now),
            _encode(moved.payload),
            moved.id,
        ),
    )
    if moved.document_id:
        followed = documents.follow(connection, moved.id, event, moved.unsettled)
        if followed is not None:
            data = {**(data or {}), "document": followed}
    line = Line(event, DELIVERY.text(event, text, changes.get("reason", "")), delivery.state, state)
    return moved, line_row(now, line, about(moved), data)


@dataclass(frozen=True, slots=True)
class Line:
    """What a timeline line says; the states are "" for a note."""

    event: str
    text: str
    state_from: str = ""
    state_to: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class About:
    """What a timeline line is about: every key it can be found by."""

    patient_id: int | None = None
    delivery_id: int | None = None
    message_id: int | None = None
    stay: str = ""
    document_id: str = ""


def about(delivery: Delivery) -> About:
    return About(delivery.patient_id, delivery.id, delivery.message_id, delivery.stay, delivery.document_id)


LineRow = tuple[str, str, str, str, str, int | None, int | None, int | None, str, str, str]
"""A row of `timeline` without its id, which it gets when the transaction writes its lines together."""

_COLUMNS = "at, event, state_from, state_to, text, patient_id, delivery_id, message_id, stay, document_id, data"
_VALUES = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_encode = json.JSONEncoder(ensure_ascii=False).encode


def line_row(now: datetime, line: Line, keys: About, data: Mapping[str, Any] | None = None) -> LineRow:
    """One line of the timeline, for `write_lines`."""
    return (
        stamp(now),
        line.event,
        line.state_from,
        line.state_to,
        line.text,
        keys.patient_id,
        keys.delivery_id,
        keys.message_id,
        keys.stay,
        keys.document_id,
        _encode(data) if data else "{}",
    )


def write_lines(connection: Connection, rows: Sequence[LineRow]) -> None:
    """Adds lines to the timeline, in order; the only INSERT INTO timeline of the project."""
    for start, size in runs(len(rows)):
        values = [value for row in rows[start : start + size] for value in row]
        connection.execute(_insert(size), values)


@cache
def _insert(count: int) -> str:
    return f"INSERT INTO timeline ({_COLUMNS}) VALUES " + ", ".join([_VALUES] * count)

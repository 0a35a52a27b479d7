"""One timeline: what happened to a document, a patient, a stay, a message, whoever asks (field-notes A.4, row 1).

Lines written by moves and notes come from the `timeline` table; the reception of a message, its routing and its
repetitions are read from the message itself, so that accepting and routing it cost no line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from connector.journal.db.connection import Row
from connector.journal.messages import MESSAGE
from connector.journal.model import JournalError, key_of, unstamp
from connector.journal.reader import JournalReader

DEFAULT_LIMIT: Final = 1000
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True, repr=False)
class TimelineLine:
    """One line. `at` is aware, UTC; `text` is French; the states are "" when the line is no move."""

    at: datetime
    event: str
    text: str
    state_from: str = ""
    state_to: str = ""
    patient_id: int | None = None
    delivery_id: int | None = None
    message_id: int | None = None
    stay: str = ""
    document_id: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    id: int = 0


def timeline(
    journal: JournalReader,
    *,
    patient_id: int | None = None,
    ipp: str = "",
    ins: str = "",
    domain: str = "",
    stay: str = "",
    document_id: str = "",
    control_id: str = "",
    message_id: int | None = None,
    delivery_id: int | None = None,
    limit: int = DEFAULT_LIMIT,
) -> list[TimelineLine]:
    """The newest `limit` lines about exactly one of the keys, oldest first; [] when the key is unknown.

    `ipp` and `ins` are identifier values, in any domain unless `domain` narrows it. Lines of merged patients
    are found from either patient. Raises JournalError when not exactly one key is given.
    """
    given = {
        "patient_id": patient_id,
        "identifier": ipp or ins,
        "stay": stay,
        "document_id": document_id,
        "control_id": control_id,
        "message_id": message_id,
        "delivery_id": delivery_id,
    }
    chosen = [name for name, value in given.items() if value not in (None, "")]
    if len(chosen) != 1 or (ipp and ins):
        raise JournalError("the timeline is searched by exactly one key", field="key", found=chosen, expected=1)
    match chosen[0]:
        case "patient_id" | "identifier":
            known = ipp or ins
            patients = journal.family(patient_id) if patient_id is not None else patients_of(journal, known, domain)
            lines = _lines(journal, "patient_id", patients, limit)
        case "control_id":
            messages = _messages(journal, control_id)
            return _with_reception(journal, _lines(journal, "message_id", messages, limit), messages, limit)
        case "message_id":
            return _with_reception(journal, _lines(journal, "message_id", [message_id], limit), [message_id], limit)
        case key:
            lines = _lines(journal, key, [given[key]], limit)
    messages = sorted({line.message_id for line in lines if line.message_id is not None})
    return _with_reception(journal, lines, messages, limit)


def _messages(journal: JournalReader, control_id: str) -> list[int]:
    """Ids of the messages of this MSH-10. Accepted ones are found by their key, which starts with it (`key_of`)."""
    first, last = key_of(control_id), key_of(control_id)[:-1] + chr(ord(key_of("")[-1]) + 1)
    rows = journal.query(
        "SELECT id FROM message WHERE verdict = 'accepted' AND key >= ? AND key < ? AND control_id = ?"
        " UNION SELECT id FROM message WHERE verdict = 'refused' AND control_id = ? ORDER BY id",
        (first, last, control_id, control_id),
    )
    return [row["id"] for row in rows]


def patients_of(journal: JournalReader, value: str, domain: str = "") -> list[int]:
    """Patients who have this identifier (IPP or INS), in any domain unless one is given, and those merged with them."""
    rows = journal.query(
        "SELECT DISTINCT patient_id FROM identifier WHERE value = ? AND (? = '' OR domain = ?)", (value, domain, domain)
    )
    return list(dict.fromkeys(member for row in rows for member in journal.family(row["patient_id"])))


# The guard after each text key lets SQLite use the partial index of that key.
_GUARD: Final = {"stay": " AND stay <> ''", "document_id": " AND document_id <> ''"}


def _lines(journal: JournalReader, column: str, values: Iterable[Any], limit: int) -> list[TimelineLine]:
    found: list[Row] = []
    for chunk in _chunks(list(values)):
        marks = ",".join("?" * len(chunk))
        found += journal.query(
            f"SELECT * FROM timeline WHERE {column} IN ({marks}){_GUARD.get(column, '')} ORDER BY id DESC LIMIT ?",
            (*chunk, limit),
        )
    return [_from_row(row) for row in found]


# What its routing wrote first says when a message was routed; one that wrote nothing came right after its cause.
_ROUTED: Final = (
    "SELECT m.id, coalesce((SELECT min(t.at) FROM timeline t WHERE t.message_id = m.id"
    " AND t.event NOT IN ('routing-failed','reroute')), (SELECT max(t.at) FROM timeline t"
    " WHERE t.message_id = m.id AND t.event = 'reroute'), m.received_at) AS at"
    " FROM message m WHERE m.id IN ({marks}) AND m.verdict = 'accepted' AND m.routed = 1"
)


def _with_reception(
    journal: JournalReader, lines: list[TimelineLine], messages: Iterable[Any], limit: int
) -> list[TimelineLine]:
    """Adds when each message and its repetitions arrived, sorts, keeps the newest."""
    for chunk in _chunks(list(messages)):
        marks = ",".join("?" * len(chunk))
        lines += map(
            _received,
            journal.query(
                "SELECT id, type, event, control_id, sender, peer, verdict, received_at, findings"
                f" FROM message WHERE id IN ({marks})",
                chunk,
            ),
        )
        lines += map(_routed, journal.query(_ROUTED.format(marks=marks), chunk))
        lines += map(
            _repeated,
            journal.query(f"SELECT message_id, received_at, peer FROM duplicate WHERE message_id IN ({marks})", chunk),
        )
        lines += map(_purged, journal.query(f"SELECT message_id, at FROM purged WHERE message_id IN ({marks})", chunk))
    again = {line.message_id: line.id for line in sorted(lines, key=attrgetter("id")) if line.event == "reroute"}

    def order(line: TimelineLine) -> tuple[datetime, int]:
        """At one instant what the message's row says (id 0) comes before what it caused, a routing after its reason."""
        return line.at, again.get(line.message_id, 0) if line.event == "route" else line.id

    return sorted(lines, key=order)[-limit:]


def _chunks(values: list[Any]) -> Iterable[list[Any]]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))


def _from_row(row: Row) -> TimelineLine:
    return TimelineLine(
        unstamp(row["at"]),
        row["event"],
        row["text"],
        row["state_from"],
        row["state_to"],
        row["patient_id"],
        row["delivery_id"],
        row["message_id"],
        row["stay"],
        row["document_id"],
        json.loads(row["data"]),
        row["id"],
    )


def _received(row: Row) -> TimelineLine:
    name = f"{row['type']}^{row['event']}"
    accepted = row["verdict"] == "accepted"
    text = f"Message {name} reçu et accepté" if accepted else f"Message {name} reçu et refusé"
    data = {
        "control_id": row["control_id"],
        "sender": row["sender"],
        "peer": row["peer"],
        "findings": json.loads(row["findings"]),
    }
    event = "received" if accepted else "rejected"
    begins = "stored" if accepted else "refused"
    return TimelineLine(unstamp(row["received_at"]), event, text, "", begins, message_id=row["id"], data=data)


def _routed(row: Row) -> TimelineLine:
    return TimelineLine(unstamp(row["at"]), "route", MESSAGE.texts["route"], "stored", "routed", message_id=row["id"])


def _repeated(row: Row) -> TimelineLine:
    text = "Même message reçu de nouveau, réponse identique, rien de renvoyé"
    at, message_id = unstamp(row["received_at"]), row["message_id"]
    return TimelineLine(at, "duplicate", text, message_id=message_id, data={"peer": row["peer"]})


def _purged(row: Row) -> TimelineLine:
    text = MESSAGE.texts["purge"]
    return TimelineLine(unstamp(row["at"]), "purge", text, message_id=row["message_id"])

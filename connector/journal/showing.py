"""One delivery as a person looks at it: facts, attempts, timeline; identities and content only when revealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from connector.journal.audit.operators import operator_act
from connector.journal.deliveries import Payload
from connector.journal.lifecycle import LifecycleError
from connector.journal.model import unstamp
from connector.journal.queue import OPEN, Entry, Wanted, find
from connector.journal.reader import JournalReader
from connector.journal.store import Journal
from connector.journal.timeline import TimelineLine, timeline

FACTS: Final = frozenset(
    (
        "index", "unique_id", "action", "sender", "event", "set_id", "signature_id", "submission_time", "sent_at",
        "success", "code", "table", "control_id", "event_time",
    )
)  # fmt: skip
"""What a payload may show: technical facts. Any other key may hold an identity or a server's words about one."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. Times are aware, UTC; `ended_at` is None while it lasts; `node` is the process that made it."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    reason: str
    node: str


@dataclass(frozen=True, slots=True, repr=False)
class Revealed:
    """Who and what the delivery is about: (domain, value) of each identifier, and the message's text as received."""

    identifiers: tuple[tuple[str, str], ...]
    payload: Payload
    content: str


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """Everything known of one delivery. `payload` has the keys of FACTS only, `hidden` names the others."""

    entry: Entry
    document_state: str
    message: Mapping[str, str]
    payload: Payload
    hidden: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    lines: tuple[TimelineLine, ...]
    revealed: Revealed | None = None


def show(journal: JournalReader, delivery_id: int) -> Shown:
    """The delivery without identity nor content. Raises LifecycleError when there is none."""
    found = find(journal, Wanted(states=(*OPEN, "done"), ids=(delivery_id,)), 1)
    if not found:
        raise LifecycleError("absent", "show", delivery_id=delivery_id)
    payload = journal.delivery(delivery_id).payload
    documents = journal.query("SELECT state FROM document WHERE delivery_id = ?", (delivery_id,))
    return Shown(
        found[0],
        documents[0]["state"] if documents else "",
        _message(journal, found[0].message_id),
        {key: value for key, value in payload.items() if key in FACTS},
        tuple(key for key in payload if key not in FACTS),
        _attempts(journal, delivery_id),
        tuple(timeline(journal, delivery_id=delivery_id)),
    )


def reveal(journal: Journal, delivery_id: int, reason: str, operator: str) -> Shown:
    """The delivery with the patient's identifiers and the content, once the act is in the audit trail.

    Raises LifecycleError when there is no such delivery: then nothing was revealed.
    """
    shown = show(journal, delivery_id)
    journal.transact(lambda tx: operator_act(tx, "reveal", delivery_id=delivery_id, reason=reason, operator=operator))
    identifiers = journal.query(
        "SELECT domain, value FROM identifier WHERE patient_id = ? ORDER BY domain, value", (shown.entry.patient_id,)
    )
    raw = journal.query("SELECT raw FROM message WHERE id = ?", (shown.entry.message_id,))
    revealed = Revealed(
        tuple((row["domain"], row["value"]) for row in identifiers),
        journal.delivery(delivery_id).payload,
        bytes(raw[0]["raw"]).decode("utf-8", "replace").replace("\r", "\n") if raw else "",
    )
    return replace(shown, revealed=revealed)


def _message(journal: JournalReader, message_id: int | None) -> dict[str, Any]:
    rows = journal.query(
        "SELECT id, type, event, control_id, sender, received_at FROM message WHERE id = ?", (message_id,)
    )
    return {key: rows[0][key] for key in rows[0].keys()} if rows else {}  # noqa: SIM118 - a Row is no mapping


def _attempts(journal: JournalReader, delivery_id: int) -> tuple[Attempt, ...]:
    rows = journal.query("SELECT * FROM attempt WHERE delivery_id = ? ORDER BY id", (delivery_id,))
    return tuple(
        Attempt(
            row["number"],
            unstamp(row["started_at"]),
            unstamp(row["ended_at"]) if row["ended_at"] else None,
            row["outcome"],
            row["reason"],
            row["node"],
        )
        for row in rows
    )

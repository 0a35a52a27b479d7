"""What waits for a person: held, refused and dead deliveries, and messages the router could not treat."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from connector.journal.model import unstamp
from connector.journal.reader import JournalReader

WorkState = Literal["held", "refused", "dead", "routing-failed"]
ALL: Final[tuple[WorkState, ...]] = ("held", "refused", "dead", "routing-failed")

_DELIVERIES: Final = (
    "SELECT id, kind, patient_id, message_id, stay, document_id, state, reason, reason_code, unsettled, updated_at"
    " FROM delivery WHERE state IN ('held','refused','dead') AND state IN (?, ?, ?) ORDER BY id LIMIT ?"
)
_MESSAGES: Final = "SELECT message_id, at, reason FROM routing_failure ORDER BY message_id LIMIT ?"


@dataclass(frozen=True, slots=True, repr=False)
class WorkItem:
    """One entry. `delivery_id` is None for a message whose routing failed; `since` is aware, UTC.

    `unsettled` warns that the document may already be at the far end: a replay will ask first.
    """

    state: WorkState
    reason: str
    since: datetime
    message_id: int | None
    delivery_id: int | None = None
    kind: str = ""
    patient_id: int | None = None
    stay: str = ""
    document_id: str = ""
    reason_code: str = ""
    unsettled: bool = False


def worklist(journal: JournalReader, states: Collection[WorkState] = ALL, limit: int = 10_000) -> list[WorkItem]:
    """Entries in these states: untreated messages first, then deliveries in their order of creation."""
    items: list[WorkItem] = []
    if "routing-failed" in states:
        items += [
            WorkItem("routing-failed", row["reason"], unstamp(row["at"]), row["message_id"])
            for row in journal.query(_MESSAGES, (limit,))
        ]
    items += [
        WorkItem(
            row["state"],
            row["reason"],
            unstamp(row["updated_at"]),
            row["message_id"],
            row["id"],
            row["kind"],
            row["patient_id"],
            row["stay"],
            row["document_id"],
            row["reason_code"],
            bool(row["unsettled"]),
        )
        for row in journal.query(_DELIVERIES, (*(s if s in states else "" for s in ALL[:3]), limit))
    ]
    return items[:limit]

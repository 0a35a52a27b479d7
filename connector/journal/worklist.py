"""What waits for a person: held, refused and dead deliveries, and messages the router could not treat."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, cast

from connector.journal.lifecycle import State
from connector.journal.model import unstamp
from connector.journal.queue import Entry, Wanted, find
from connector.journal.reader import JournalReader

WorkState = Literal["held", "refused", "dead", "routing-failed"]
DELIVERIES: Final[tuple[State, ...]] = ("held", "refused", "dead")
ALL: Final[tuple[WorkState, ...]] = ("held", "refused", "dead", "routing-failed")

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
    wanted = [state for state in DELIVERIES if state in states]
    entries = [entry for state in wanted for entry in find(journal, Wanted(states=(state,)), limit)]
    items += [_item(entry) for entry in sorted(entries, key=lambda entry: entry.id)]
    return items[:limit]


def _item(entry: Entry) -> WorkItem:
    return WorkItem(
        cast("WorkState", entry.state),
        entry.reason,
        entry.updated_at,
        entry.message_id,
        entry.id,
        entry.kind,
        entry.patient_id,
        entry.stay,
        entry.document_id,
        entry.reason_code,
        entry.unsettled,
    )

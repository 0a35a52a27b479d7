"""Reading the queue: which deliveries, how many by destination and state, since when.

Everything is read from the rows that drive the work, through `delivery_open` (state, id, destination, since) or the
index of a patient or a document: a count is never kept aside, so it is never wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from connector.journal.db.connection import Row
from connector.journal.lifecycle import State
from connector.journal.model import stamp, unstamp
from connector.journal.reader import JournalReader

OPEN: Final[tuple[State, ...]] = ("dead", "refused", "held", "sending", "retry", "running", "queued")
"""Every state but the final one, what needs a person first."""

# Textually as in the index: SQLite matches partial indexes by their text.
_IS_OPEN: Final = "state <> 'done'"
_COLUMNS: Final = (
    "id, kind, destination, state, run, unsettled, attempts, due, created_at, updated_at, patient_id, message_id, lane,"
    " stay, document_id, reason, reason_code"
)
_COUNTS: Final = (
    f"SELECT state, destination, count(*) AS n, min(since) AS oldest FROM delivery WHERE {_IS_OPEN}"
    " GROUP BY state, destination ORDER BY destination, state"
)


@dataclass(frozen=True, slots=True, repr=False)
class Wanted:
    """Which deliveries: every field given narrows the choice.

    states          in this order; all but `done` by default
    patients        patient ids, as `patients_of` gives them; None is anybody, () nobody
    code            beginning of the reason code ("configuration", "identity.not-qualified")
    created_before  aware
    """

    states: Sequence[State] = OPEN
    ids: Sequence[int] | None = None
    patients: Sequence[int] | None = None
    document_id: str = ""
    destination: str | None = None
    kind: str = ""
    code: str = ""
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One delivery as the queue shows it, without its payload. Times are aware, UTC.

    running    a worker is on it now
    unsettled  its effect may exist at the far end: what is done next asks first
    """

    id: int
    kind: str
    destination: str
    state: State
    running: bool
    unsettled: bool
    attempts: int
    due: datetime
    created_at: datetime
    updated_at: datetime
    patient_id: int
    message_id: int | None
    lane: str
    stay: str
    document_id: str
    reason: str
    reason_code: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many deliveries of one destination are in one state, and since when the oldest is there: created or
    replayed (UTC)."""

    destination: str
    state: State
    count: int
    oldest: datetime


def counts(journal: JournalReader) -> list[Count]:
    """The queue by destination and state, `done` left out; one query, so one instant."""
    return [Count(row["destination"], row["state"], row["n"], unstamp(row["oldest"])) for row in journal.query(_COUNTS)]


def find(journal: JournalReader, wanted: Wanted, limit: int) -> list[Entry]:
    """The first `limit` deliveries wanted: state after state, oldest first."""
    found: list[Entry] = []
    for page in pages(journal, wanted, limit):
        found += page
        if len(found) >= limit:
            break
    return found[:limit]


def pages(journal: JournalReader, wanted: Wanted, size: int) -> Iterator[list[Entry]]:
    """The deliveries wanted, at most `size` at a time, each page read when it is asked for.

    In a state, a page starts after the last id of the one before: what is moved on the way is not seen twice.
    """
    for state in wanted.states:
        after = 0
        while page := _page(journal, wanted, state, after, size):
            yield page
            after = page[-1].id
            if len(page) < size:
                break


def count(journal: JournalReader, wanted: Wanted) -> int:
    """How many deliveries are wanted."""
    total = 0
    for state in wanted.states:
        where, params, _ = _where(wanted, state, 0)
        total += journal.query(f"SELECT count(*) AS n FROM delivery WHERE {where}", params)[0]["n"]
    return total


def _page(journal: JournalReader, wanted: Wanted, state: State, after: int, size: int) -> list[Entry]:
    where, params, order = _where(wanted, state, after)
    sql = f"SELECT {_COLUMNS} FROM delivery WHERE {where} ORDER BY {order} LIMIT ?"
    rows = journal.query(sql, (*params, size))
    return [_entry(row) for row in rows]


def _where(wanted: Wanted, state: State, after: int) -> tuple[str, list[Any], str]:
    """Condition, its values and the order of what is wanted in one state, past the id `after`."""
    if _narrowed(wanted) or state == "done":
        terms, order = ["state = ? AND id > ?"], "id"
        params: list[Any] = [state, after]
    else:
        # A range on both columns of delivery_open: with `state = ?` PostgreSQL may walk the whole history by id.
        terms, order = [f"{_IS_OPEN} AND (state, id) > (?, ?) AND state <= ?"], "state, id"
        params = [state, after, state]
    for column, values in (("id", wanted.ids), ("patient_id", wanted.patients)):
        if values is not None:
            terms.append(f"{column} IN ({','.join('?' * len(values)) or 'NULL'})")
            params += values
    if wanted.document_id:
        terms.append("document_id = ? AND document_id <> ''")
        params.append(wanted.document_id)
    if wanted.destination is not None:
        terms.append("destination = ?")
        params.append(wanted.destination)
    if wanted.kind:
        terms.append("kind = ?")
        params.append(wanted.kind)
    if wanted.code:
        terms.append("substr(reason_code, 1, ?) = ?")
        params += (len(wanted.code), wanted.code)
    if wanted.created_before is not None:
        terms.append("created_at < ?")
        params.append(stamp(wanted.created_before))
    return " AND ".join(terms), params, order


def _narrowed(wanted: Wanted) -> bool:
    """Whether a key of few deliveries is given: then its own index serves, not that of the whole queue."""
    return wanted.ids is not None or wanted.patients is not None or bool(wanted.document_id)


def _entry(row: Row) -> Entry:
    return Entry(
        row["id"],
        row["kind"],
        row["destination"],
        row["state"],
        row["run"] != 0,
        bool(row["unsettled"]),
        row["attempts"],
        unstamp(row["due"]),
        unstamp(row["created_at"]),
        unstamp(row["updated_at"]),
        row["patient_id"],
        row["message_id"],
        row["lane"],
        row["stay"],
        row["document_id"],
        row["reason"],
        row["reason_code"],
    )

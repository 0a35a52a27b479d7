"""How much waits, and since when: counted from the rows that drive the work, whatever the size of the history.

Every statement reads an index that holds unfinished work only (delivery_open, head_due), or begins where the router is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from connector.journal import JournalReader
from connector.journal.model import unstamp
from connector.watch.model import Waiting

# The second term is textually the condition of delivery_open: SQLite matches partial indexes by their text.
_WORKLIST: Final = "state IN ('held','refused','dead') AND state <> 'done'"

_CODES: Final = (
    f"SELECT state, reason_code, count(*) AS n, min(updated_at) AS oldest FROM delivery WHERE {_WORKLIST}"
    " AND state <> 'refused' GROUP BY state, reason_code"
)
_STARTABLE: Final = (
    "SELECT head.destination AS destination, min(delivery.since) AS oldest FROM head"
    " JOIN delivery ON delivery.id = head.delivery_id GROUP BY head.destination"
)
_FAILED: Final = (
    "SELECT destination, count(*) AS n FROM delivery WHERE state IN ('retry','sending') AND state <> 'done' AND run = 0"
    " GROUP BY destination"
)
_UNROUTED: Final = (
    "SELECT count(*) AS n, min(received_at) AS oldest FROM message"
    " WHERE id > (SELECT min(position) FROM routing) AND routed = 0"
)
_ROUTING: Final = "SELECT count(*) AS n, min(at) AS oldest FROM routing_failure"


def unrouted(journal: JournalReader) -> Waiting | None:
    """Accepted messages the router has not seen yet."""
    return _waiting(journal, _UNROUTED)


def routing_failures(journal: JournalReader) -> Waiting | None:
    return _waiting(journal, _ROUTING)


def codes(journal: JournalReader) -> dict[str, dict[str, Waiting]]:
    """Per state (held, dead) and reason code, what waits for a person."""
    found: dict[str, dict[str, Waiting]] = {"held": {}, "dead": {}}
    for row in journal.query(_CODES):
        found[row["state"]][row["reason_code"]] = Waiting(row["n"], unstamp(row["oldest"]))
    return found


def startable(journal: JournalReader) -> dict[str, datetime]:
    """Per destination, since when the oldest delivery that could start waits: what waits behind it does not count."""
    return {row["destination"]: unstamp(row["oldest"]) for row in journal.query(_STARTABLE)}


def failed(journal: JournalReader) -> dict[str, int]:
    """Per destination, deliveries that were tried in vain and wait for their next turn."""
    return {row["destination"]: row["n"] for row in journal.query(_FAILED)}


def _waiting(journal: JournalReader, sql: str) -> Waiting | None:
    row = journal.query(sql)[0]
    return Waiting(row["n"], unstamp(row["oldest"])) if row["n"] else None


def size(journal: JournalReader) -> int:
    """Bytes of the journal: its files, or its database on the server."""
    path = journal.config.url.path
    if path is None:
        return int(journal.query("SELECT pg_database_size(current_database()) AS n")[0]["n"])
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())

"""From stored messages to deliveries: the router sees each accepted message once, in id order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from connector.journal import messages
from connector.journal.db.connection import Dialect
from connector.journal.db.failures import is_store_failure, where
from connector.journal.inbox import read
from connector.journal.model import StoredMessage, stamp
from connector.journal.reader import JournalReader
from connector.journal.tx import Tx

Router = Callable[[Tx, StoredMessage], None]

_log = structlog.get_logger(__name__)
# On SQLite a position instead of an index: storing a message touches one page less, no row is searched twice.
# On PostgreSQL listeners may commit out of order, so the flag is asked, with an index of its own.
_NEXT: Final[dict[Dialect, str]] = {
    "sqlite": "SELECT id FROM message WHERE id > (SELECT position FROM routing) AND routed = 0 ORDER BY id LIMIT ?",
    "postgresql": "SELECT id FROM message WHERE routed = 0 ORDER BY id LIMIT ?",
}
_UNSEEN: Final[dict[Dialect, str]] = {
    "sqlite": "SELECT 1 FROM message WHERE id > (SELECT position FROM routing) LIMIT 1",
    "postgresql": "SELECT 1 FROM message WHERE routed = 0 LIMIT 1",
}
_ONE_AT_A_TIME: Final = "SELECT pg_try_advisory_xact_lock(-1)"
"""Messages are routed by one process at a time, so that a patient's messages keep their order."""


def has_unrouted(journal: JournalReader) -> bool:
    """Whether there may be messages the router has not seen."""
    return bool(journal.query(_UNSEEN[journal.config.url.dialect]))


def has_unrouted_before(journal: JournalReader, message_id: int) -> bool:
    """Whether the router has still to see an accepted message up to `message_id`."""
    known = " AND id > (SELECT position FROM routing)" if journal.config.url.dialect == "sqlite" else ""
    return bool(journal.query(f"SELECT 1 FROM message WHERE routed = 0 AND id <= ?{known} LIMIT 1", (message_id,)))


def route_batch(tx: Tx, router: Router, limit: int, seconds: float) -> bool:
    """Routes up to `limit` messages, for about `seconds` at most; True when more are waiting.

    The flag moves in the same transaction as what the router wrote: a crash routes the batch again from
    the same state. A message its router cannot treat goes to the worklist, the others go on.
    """
    deadline = time.monotonic() + seconds
    dialect = tx.connection.dialect
    if dialect == "postgresql" and not tx.execute(_ONE_AT_A_TIME).fetchone()[0]:
        return False
    waiting = [row["id"] for row in tx.execute(_NEXT[dialect], (limit + 1,)).fetchall()]
    done = _route_together(tx, router, waiting[:limit], deadline) or _route_apart(tx, router, waiting[:limit], deadline)
    more = done < len(waiting)
    if dialect == "sqlite":
        position = waiting[done - 1] if more else tx.execute("SELECT max(id) FROM message").fetchone()[0]
        tx.execute("UPDATE routing SET position = ?", (position or 0,))
    return more


def _route_together(tx: Tx, router: Router, waiting: Sequence[int], deadline: float) -> int:
    """Routes what the time allows under one savepoint; 0, and nothing done, when one of them fails."""
    done = 0
    try:
        with tx.savepoint("together"):
            for message_id in waiting:
                _route_one(tx, router, message_id)
                done += 1
                # The writer serves the listeners too: a slow router must not hold their acknowledgements.
                if time.monotonic() > deadline:
                    break
    except Exception as error:
        if is_store_failure(error):
            raise
        # Which one, and why, is said by routing them one by one.
        return 0
    return done


def _route_apart(tx: Tx, router: Router, waiting: Sequence[int], deadline: float) -> int:
    """Routes each message under its own savepoint: the one that fails goes to the worklist, the others go on."""
    done = 0
    for message_id in waiting:
        try:
            with tx.savepoint("route"):
                _route_one(tx, router, message_id)
        except Exception as error:
            if is_store_failure(error):
                raise
            _log.error("routing failed", message_id=message_id, error=type(error).__name__, where=where(error))
            _to_worklist(tx, message_id, error)
        done += 1
        if time.monotonic() > deadline:
            break
    return done


def _route_one(tx: Tx, router: Router, message_id: int) -> None:
    row = tx.execute("SELECT * FROM message WHERE id = ?", (message_id,)).fetchone()
    router(tx, read(row))
    messages.route(tx.connection, row)


def _to_worklist(tx: Tx, message_id: int, error: Exception) -> None:
    reason = f"Message accepté mais non traité ({type(error).__name__}) : à reprendre après correction"
    tx.execute(
        "INSERT INTO routing_failure (message_id, at, reason) VALUES (?, ?, ?)"
        " ON CONFLICT (message_id) DO UPDATE SET at = excluded.at, reason = excluded.reason",
        (message_id, stamp(tx.now), reason),
    )
    data = {"error": type(error).__name__, "where": where(error)}
    tx.move_message(message_id, "routing-failed", text=reason, data=data)

"""From stored messages to deliveries: the router sees each accepted message once, in id order."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from connector.journal.db.failures import is_store_failure, where
from connector.journal.inbox import read
from connector.journal.model import StoredMessage, stamp
from connector.journal.tx import Tx

Router = Callable[[Tx, StoredMessage], None]

_log = structlog.get_logger(__name__)
_NEXT: Final = "SELECT id FROM message WHERE id > (SELECT position FROM routing) AND routed = 0 ORDER BY id LIMIT ?"
UNSEEN: Final = "SELECT 1 FROM message WHERE id > (SELECT position FROM routing) LIMIT 1"
"""Whether there is anything after the position up to which every message was looked at.

A position instead of an index: storing a message touches one page less, and no row is searched twice.
"""


def route_batch(tx: Tx, router: Router, limit: int, seconds: float) -> bool:
    """Routes up to `limit` messages, for about `seconds` at most; True when more are waiting.

    The flag moves in the same transaction as what the router wrote: a crash routes the batch again from
    the same state. A message its router cannot treat goes to the worklist, the others go on.
    """
    deadline = time.monotonic() + seconds
    waiting = [row["id"] for row in tx.execute(_NEXT, (limit + 1,))]
    done = 0
    for message_id in waiting[:limit]:
        _route_one(tx, router, message_id)
        done += 1
        # The writer serves the listeners too: a slow router must not hold their acknowledgements.
        if time.monotonic() > deadline:
            break
    more = done < len(waiting)
    position = waiting[done - 1] if more else tx.execute("SELECT max(id) FROM message").fetchone()[0]
    tx.execute("UPDATE routing SET position = ?", (position or 0,))
    return more


def _route_one(tx: Tx, router: Router, message_id: int) -> None:
    message = read(tx.execute("SELECT * FROM message WHERE id = ?", (message_id,)).fetchone())
    try:
        with tx.savepoint("route"):
            router(tx, message)
    except Exception as error:
        if is_store_failure(error):
            raise
        _log.error("routing failed", message_id=message_id, error=type(error).__name__, where=where(error))
        _to_worklist(tx, message_id, error)
    tx.execute("UPDATE message SET routed = 1 WHERE id = ?", (message_id,))


def _to_worklist(tx: Tx, message_id: int, error: Exception) -> None:
    reason = f"Message accepté mais non traité ({type(error).__name__}) : à reprendre après correction"
    tx.execute(
        "INSERT INTO routing_failure (message_id, at, reason) VALUES (?, ?, ?)"
        " ON CONFLICT (message_id) DO UPDATE SET at = excluded.at, reason = excluded.reason",
        (message_id, stamp(tx.now), reason),
    )
    tx.note(
        "routing-failed", reason, message_id=message_id, data={"error": type(error).__name__, "where": where(error)}
    )

"""What a former release left waiting because it did not serve it: taken up by this one."""

from __future__ import annotations

from connector.flows.routing_codes import NOT_SERVED, PUBLICATION
from connector.journal import Journal, Tx


def take_up_not_served(journal: Journal) -> int:
    """Replacements and deletions kept in order by the first two releases go back to their place. Gives how many."""

    def release(tx: Tx) -> int:
        rows = tx.execute(
            "SELECT id FROM delivery WHERE state = 'held' AND kind = ? AND reason_code = ? ORDER BY id LIMIT 500",
            (PUBLICATION, NOT_SERVED),
        ).fetchall()
        for row in rows:
            reason = "remplacements et suppressions sont servis par cette version"
            tx.move(tx.delivery(row["id"]), "release", reason=reason, reason_code="")
        return len(rows)

    total = 0
    while released := journal.transact(release):
        total += released
    return total

"""The document a replacement or a deletion is about: what the registry calls it, or why that is not known.

TD3.1b gives the entryUUID of a uniqueId (dmp-interface a.8, a.10); it is asked at each attempt, as it changes with each
version of the metadata.
"""

from __future__ import annotations

from typing import Final

from connector.flows.asked import Asked
from connector.flows.routing_codes import DELETION_UNKNOWN, PREDECESSOR_UNKNOWN, PREDECESSOR_WAITING
from connector.flows.snapshot import Snapshot
from connector.journal import Hold, Journal, Tx
from connector.patients.versions import load_version

NOT_SENT: Final = "urn:uuid:00000000-0000-0000-0000-000000000000"
"""Stands for the entryUUID of a document that only a rehearsal knows."""

_ON_ITS_WAY = ("received", "waiting", "sending", "in-doubt")


class Predecessors:
    """Asks the registry, and the journal for what it cannot know yet."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def of_replacement(self, asked: Asked) -> str | Hold:
        """entryUUID of the document to replace; a Hold when it waits itself, or when nobody knows it."""
        if self._waits(asked):
            return Hold("Le document à remplacer attend encore d'être envoyé", PREDECESSOR_WAITING)
        known = load_version(Snapshot(self._journal), asked.replaces)
        if asked.rehearsal and known is not None and known.state == "rehearsed":
            return NOT_SENT
        text = "Prédécesseur inconnu : le registre du DMP ne connaît pas le document à remplacer"
        return self._reference(asked, asked.replaces) or Hold(f"{text} ({asked.replaces})", PREDECESSOR_UNKNOWN)

    def of_deletion(self, asked: Asked) -> str | Hold:
        """entryUUID of the document to delete; a Hold when the registry does not know it."""
        text = "Le registre du DMP ne connaît pas le document à supprimer"
        return self._reference(asked, asked.unique_id) or Hold(f"{text} ({asked.unique_id})", DELETION_UNKNOWN)

    def _reference(self, asked: Asked, unique_id: str) -> str | Hold | None:
        found = asked.feeder.dmp.find_stored(asked.ins, asked.caller, unique_id)
        if len(found) > 1:
            text = f"Le registre connaît ce document {len(found)} fois sous le même identifiant : à vérifier"
            return Hold(text, "unknown.found-twice")
        return found[0].entry_uuid if found else None

    def _waits(self, asked: Asked) -> bool:
        marks = ",".join("?" * len(_ON_ITS_WAY))
        rows = self._journal.query(
            f"SELECT 1 FROM document WHERE unique_id = ? AND action <> 'delete' AND delivery_id <> ?"
            f" AND state IN ({marks}) LIMIT 1",
            (asked.replaces, asked.job.delivery_id, *_ON_ITS_WAY),
        )
        return bool(rows)


def withdraw_waiting(tx: Tx, asked: Asked) -> int:
    """What still waited to be sent of a document to delete never leaves. Gives how many deliveries were closed."""
    rows = tx.execute(
        "SELECT d.id FROM document x JOIN delivery d ON d.id = x.delivery_id WHERE x.unique_id = ?"
        " AND x.action <> 'delete' AND d.state IN ('held', 'refused', 'dead') AND d.unsettled = 0",
        (asked.unique_id,),
    ).fetchall()
    for row in rows:
        tx.settle(row["id"], "Suppression demandée par l'émetteur avant l'envoi")
    return len(rows)

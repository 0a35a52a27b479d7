"""The document a replacement or a deletion is about: what the registry calls it, or why that is not known.

TD3.1b gives the entryUUID of a uniqueId (dmp-interface a.8, a.10); it is asked at each attempt, as it changes with each
version of the metadata.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connector.base.errors import ServerRefusal, SoapFault
from connector.flows.asked import Asked
from connector.flows.routing_codes import DELETION_UNKNOWN, PREDECESSOR_UNKNOWN, PREDECESSOR_WAITING
from connector.flows.snapshot import Snapshot
from connector.journal import Hold, Journal, Tx
from connector.patients.versions import load_version

NOT_SENT: Final = "urn:uuid:00000000-0000-0000-0000-000000000000"
"""Stands for the entryUUID of a document that only a rehearsal knows."""

_ON_ITS_WAY = ("received", "waiting", "sending", "in-doubt")


_LEAVING = ("queued", "retry", "sending")
WITHDRAWN: Final = "Suppression demandée par l'émetteur avant l'envoi"
"""Reason of a sending that a deletion closed."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What a deletion does to a document of ours that has not left.

    withdrawn  its sending was closed, now or by an earlier attempt at the same deletion
    comes_first  its sending was let go meanwhile: the deletion follows it
    """

    withdrawn: bool
    comes_first: bool


class Predecessors:
    """Asks the registry, and the journal for what it cannot know yet."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def of_replacement(self, asked: Asked) -> str | Hold:
        """entryUUID of the document to replace; a Hold when it waits itself, or when nobody knows it."""
        if self._waits(asked):
            return Hold("Le document à remplacer attend encore d'être envoyé", PREDECESSOR_WAITING)
        if asked.rehearsal and self._rehearsed(asked.replaces):
            return NOT_SENT
        # A message of two documents replaces both or none (hl7v2-interface §3.7).
        for unique_id in asked.also_replaced:
            if not self._rehearsed(unique_id) and self._reference(asked, unique_id) is None:
                return _unknown(unique_id)
        return self._reference(asked, asked.replaces) or _unknown(asked.replaces)

    def of_deletion(self, asked: Asked) -> str | Hold:
        """entryUUID of the document to delete; a Hold when the registry does not know it."""
        if asked.rehearsal and self._rehearsed(asked.unique_id):
            return NOT_SENT
        text = "Le registre du DMP ne connaît pas le document à supprimer"
        return self._reference(asked, asked.unique_id) or Hold(f"{text} ({asked.unique_id})", DELETION_UNKNOWN)

    def is_deleted(self, asked: Asked, entry_uuid: str = "") -> bool:
        """Whether a deletion sent before was obeyed; `entry_uuid` is asked for when not known.

        False also when the registry does not say: not every one serves this question. Raises TransportError.
        """
        try:
            found = entry_uuid or self._reference(asked, asked.unique_id)
            if isinstance(found, Hold):
                return False
            return not found or asked.feeder.dmp.is_deleted(asked.ins, asked.caller, found)
        except (ServerRefusal, SoapFault):
            return False

    def _reference(self, asked: Asked, unique_id: str) -> str | Hold | None:
        found = asked.feeder.dmp.find_stored(asked.ins, asked.caller, unique_id)
        if len(found) > 1:
            text = f"Le registre connaît ce document {len(found)} fois sous le même identifiant : à vérifier"
            return Hold(text, "unknown.found-twice")
        return found[0].entry_uuid if found else None

    def _rehearsed(self, unique_id: str) -> bool:
        known = load_version(Snapshot(self._journal), unique_id)
        return known is not None and known.state == "rehearsed"

    def _waits(self, asked: Asked) -> bool:
        marks = ",".join("?" * len(_ON_ITS_WAY))
        rows = self._journal.query(
            f"SELECT 1 FROM document WHERE unique_id = ? AND action <> 'delete' AND delivery_id <> ?"
            f" AND state IN ({marks}) LIMIT 1",
            (asked.replaces, asked.job.delivery_id, *_ON_ITS_WAY),
        )
        return bool(rows)


def _unknown(unique_id: str) -> Hold:
    text = "Prédécesseur inconnu : le registre du DMP ne connaît pas le document à remplacer"
    return Hold(f"{text} ({unique_id})", PREDECESSOR_UNKNOWN)


def withdraw_waiting(tx: Tx, asked: Asked) -> Withdrawal:
    """What still waited to be sent of a document to delete never leaves."""
    rows = tx.execute(
        "SELECT d.id, d.state, d.reason, d.run, d.unsettled FROM document x JOIN delivery d ON d.id = x.delivery_id"
        " WHERE x.unique_id = ? AND x.action <> 'delete' ORDER BY d.id",
        (asked.unique_id,),
    ).fetchall()
    withdrawn = any(row["state"] == "done" and row["reason"] == WITHDRAWN for row in rows)
    for row in rows:
        if row["state"] in ("held", "refused", "dead") and not row["unsettled"] and not row["run"]:
            tx.settle(row["id"], WITHDRAWN)
            withdrawn = True
    first = any(row["state"] in _LEAVING and row["id"] < asked.job.delivery_id for row in rows)
    return Withdrawal(withdrawn, first)

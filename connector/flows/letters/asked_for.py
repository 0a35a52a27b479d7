"""What was asked of the documents of a patient: sendings and deletions, those that wait or were refused included.

The versions the DMP took are in `patients.versions`; here is what the journal keeps of the asking itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from connector.flows.letters.stored import ON_ITS_WAY
from connector.journal import JournalReader
from connector.journal.db.connection import Row

_DELIVERIES: Final = (
    "SELECT d.id, d.document_id, d.state, d.reason, d.reason_code, d.updated_at, d.payload, x.state AS document,"
    " x.action AS action FROM delivery d LEFT JOIN document x ON x.delivery_id = d.id WHERE d.kind = 'publication'"
    " AND d.patient_id IN (SELECT patient_id FROM delivery WHERE document_id = ? AND kind = 'publication'"
    " UNION SELECT patient_id FROM version WHERE unique_id = ?) ORDER BY d.id"
)


@dataclass(frozen=True, slots=True)
class AskedFor:
    """The last sending of a document and the last asking for its deletion, None where there was none.

    set_id, number, replaces  as its CDA says; "" and 0 where it says nothing
    """

    unique_id: str
    set_id: str = ""
    number: int = 0
    replaces: str = ""
    own: Row | None = None
    deletion: Row | None = None

    @property
    def on_its_way(self) -> bool:
        return self.own is not None and self.own["document"] in ON_ITS_WAY


def asked_for(journal: JournalReader, unique_id: str) -> dict[str, AskedFor]:
    """By uniqueId, every document asked for of the patient whose document this is, in the order they came."""
    found: dict[str, AskedFor] = {}
    for row in journal.query(_DELIVERIES, (unique_id, unique_id)):
        payload: Mapping[str, Any] = json.loads(row["payload"])
        chain = payload.get("chain", {})
        name = str(row["document_id"])
        known = found.get(name, AskedFor(name))
        deletes = (row["action"] or payload.get("action")) == "delete"
        found[name] = AskedFor(
            name,
            chain.get("set_id", known.set_id),
            chain.get("number", known.number),
            chain.get("replaces", "") or known.replaces,
            known.own if deletes else row,
            row if deletes else known.deletion,
        )
    return found


def successor_on_its_way(asked: Iterable[AskedFor], unique_id: str, own: str) -> str:
    """uniqueId of another document than `own` that is on its way to replace this one, "" when there is none."""
    going = (one.unique_id for one in asked if one.on_its_way and one.replaces == unique_id and one.unique_id != own)
    return next(going, "")

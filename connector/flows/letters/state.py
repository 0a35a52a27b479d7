"""What became of a document, for whoever handed it in: its state in the journal, why, and its chain of versions."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from connector.flows.snapshot import Snapshot
from connector.journal import JournalReader
from connector.patients.versions import chain_of

LetterStatus = Literal[
    "received", "waiting", "sending", "in-doubt", "published", "refused", "given-up", "settled",
    "replaced", "deleted", "rehearsed",
]  # fmt: skip

_WORDS: Final[dict[str, str]] = {
    "received": "reçu, en file",
    "waiting": "en attente",
    "sending": "en cours d'envoi",
    "in-doubt": "peut-être arrivé, vérification en cours",
    "published": "dans le DMP",
    "refused": "refusé",
    "given-up": "abandonné, intervention nécessaire",
    "settled": "réglé à la main",
    "replaced": "remplacé dans le DMP par une version plus récente",
    "deleted": "supprimé du DMP",
    "rehearsed": "mode ombre : serait parti",
}

_DELIVERIES: Final = (
    "SELECT d.state, d.reason, d.reason_code, d.updated_at, d.payload, x.state AS document, x.action AS action"
    " FROM delivery d LEFT JOIN document x ON x.delivery_id = d.id"
    " WHERE d.document_id = ? AND d.kind = 'publication' ORDER BY d.id DESC"
)
_OF_DELIVERY: Final[dict[str, LetterStatus]] = {
    "done": "rehearsed",
    "held": "waiting",
    "refused": "refused",
    "dead": "given-up",
}


@dataclass(frozen=True, slots=True)
class Link:
    """One version of the chain."""

    unique_id: str
    number: int
    state: str
    replaces: str
    replaced_by: str


@dataclass(frozen=True, slots=True)
class LetterState:
    """`text` and `reason` are French, without identity; `updated` is ISO, UTC.

    deletion   state of the deletion that was asked for, "" when none was
    """

    unique_id: str
    status: LetterStatus
    text: str
    reason: str
    code: str
    updated: str
    deletion: str
    chain: tuple[Link, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def letter_state(journal: JournalReader, unique_id: str) -> LetterState | None:
    """The state of a document, None when nobody handed it to this connector. Raises JournalError."""
    rows = journal.query(_DELIVERIES, (unique_id,))
    chain = tuple(
        Link(one.unique_id, one.number, one.state, one.replaces, one.replaced_by)
        for one in chain_of(Snapshot(journal), unique_id)
    )
    own = next((row for row in rows if _action(row) != "delete"), None)
    deletion = next((row for row in rows if _action(row) == "delete"), None)
    stands = next((link.state for link in chain if link.unique_id == unique_id), "")
    if own is None and deletion is None and not stands:
        return None
    status = _status(stands, own)
    row = own or deletion
    return LetterState(
        unique_id,
        status,
        _WORDS[status],
        str(row["reason"]) if row is not None and status in ("waiting", "refused", "given-up", "in-doubt") else "",
        str(row["reason_code"]) if row is not None and status in ("waiting", "refused", "given-up") else "",
        str(row["updated_at"]) if row is not None else "",
        str(deletion["state"]) if deletion is not None else "",
        chain,
    )


def _action(row: Any) -> str:
    return str(row["action"] or json.loads(row["payload"]).get("action", ""))


def _status(stands: str, own: Any) -> LetterStatus:
    """What the DMP took goes before what was asked; a rehearsal has no document of its own."""
    match stands:
        case "replaced":
            return "replaced"
        case "deleted":
            return "deleted"
        case "published":
            return "published"
    if own is None:
        return "in-doubt"
    if own["document"]:
        status: LetterStatus = own["document"]
        return status
    return _OF_DELIVERY.get(own["state"], "received")

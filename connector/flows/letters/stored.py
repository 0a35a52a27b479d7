"""What the journal keeps of a document: its bytes while they are kept, and where it stands."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from connector.cda.errors import CdaError
from connector.cda.header import read_header
from connector.cda.model import full_id
from connector.hl7.er7 import parse
from connector.hl7.model import Action
from connector.hl7.volet import read_document
from connector.journal import JournalReader
from connector.journal.db.connection import Row
from connector.journal.documents import DocumentState, can_be_resubmitted

Standing = Literal["open", "under-way", "published", "replaced", "deleting", "deleted", "settled"]
"""'open': nothing of it is on its way, it may be handed in (again). 'deleting': its deletion was asked for and is on
its way. 'deleted': it was taken back from the DMP, or before it ever left. 'settled': a person closed its sending."""

ON_ITS_WAY: Final[frozenset[DocumentState]] = frozenset({"received", "waiting", "sending", "in-doubt"})

_LAST: Final = (
    "SELECT x.state, x.delivery_id, d.message_id FROM document x JOIN delivery d ON d.id = x.delivery_id"
    " WHERE x.unique_id = ? AND x.action {is_} 'delete' ORDER BY d.id DESC LIMIT 1"
)
_VERSION: Final[dict[str, Standing]] = {"published": "published", "replaced": "replaced", "deleted": "deleted"}


@dataclass(frozen=True, slots=True)
class Handed:
    """The last time the same bytes were handed over for the same action."""

    state: DocumentState
    delivery_id: int
    message_id: int


def standing_of(journal: JournalReader, unique_id: str, message_id: int = 0) -> Standing:
    """Where a document of ours stands; `message_id` is that of its handing, which may not be routed yet."""
    versions = journal.query("SELECT state FROM version WHERE unique_id = ?", (unique_id,))
    stands = _VERSION.get(versions[0]["state"]) if versions else None
    if stands in ("replaced", "deleted"):
        return stands
    own = _last(journal, unique_id, deletion=False)
    deletion = _last(journal, unique_id, deletion=True)
    if deletion is not None and (own is None or deletion["delivery_id"] > own["delivery_id"]):
        if deletion["state"] == "published":
            return "deleted"
        if deletion["state"] in ON_ITS_WAY:
            return "deleting"
    if stands is not None:
        return stands
    if own is not None:
        if own["state"] == "settled":
            return "settled"
        return "open" if can_be_resubmitted(own["state"]) else "under-way"
    unrouted = journal.query("SELECT 1 FROM message WHERE id = ? AND routed = 0", (message_id,))
    return "under-way" if unrouted else "open"


def handed_before(journal: JournalReader, unique_id: str, action: Action, content: bytes) -> Handed | None:
    """What became of these very bytes, handed over before for the same action; None when they never were."""
    rows = journal.query(
        "SELECT x.state, x.delivery_id, d.message_id FROM document x JOIN delivery d ON d.id = x.delivery_id"
        " WHERE x.unique_id = ? AND x.action = ? AND x.sha256 = ?",
        (unique_id, action, hashlib.sha256(content).hexdigest()),
    )
    return Handed(rows[0]["state"], rows[0]["delivery_id"], rows[0]["message_id"] or 0) if rows else None


def deletion_of(journal: JournalReader, unique_id: str) -> Handed | None:
    """The last deletion that was asked for, None when none was."""
    row = _last(journal, unique_id, deletion=True)
    return None if row is None else Handed(row["state"], row["delivery_id"], row["message_id"] or 0)


def _last(journal: JournalReader, unique_id: str, *, deletion: bool) -> Row | None:
    rows = journal.query(_LAST.format(is_="=" if deletion else "<>"), (unique_id,))
    return rows[0] if rows else None


def stored_document(journal: JournalReader, unique_id: str) -> bytes:
    """The CDA as it was last handed in; b"" when the journal never had it, or keeps its bytes no longer."""
    rows = journal.query(
        "SELECT DISTINCT m.id, m.raw FROM delivery d JOIN message m ON m.id = d.message_id"
        " WHERE d.document_id = ? AND d.kind = 'publication' ORDER BY m.id DESC LIMIT 1",
        (unique_id,),
    )
    raw = bytes(rows[0]["raw"] or b"") if rows else b""
    if not raw:
        return b""
    # accepted once: neither the environment nor the day changes what it carries
    request = read_document(parse(raw), environment="test", today=date(2000, 1, 1))
    return next((part.content for part in request.documents if _is(part.content, unique_id)), b"")


def _is(content: bytes, unique_id: str) -> bool:
    try:
        return full_id(read_header(content).id) == unique_id
    except CdaError:
        return False

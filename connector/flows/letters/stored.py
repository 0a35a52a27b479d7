"""What the journal keeps of a document: its bytes while they are kept, and where it stands."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal

from connector.cda.errors import CdaError
from connector.cda.header import read_header
from connector.cda.model import full_id
from connector.hl7.er7 import parse
from connector.hl7.volet import read_document
from connector.journal import JournalReader
from connector.journal.documents import can_be_resubmitted

Standing = Literal["open", "under-way", "published", "replaced", "deleted"]
"""'open': nothing of it is on its way, it may be handed in (again)."""

_LAST: Final = (
    "SELECT x.state, d.message_id FROM document x JOIN delivery d ON d.id = x.delivery_id"
    " WHERE x.unique_id = ? AND x.action <> 'delete' ORDER BY x.id DESC LIMIT 1"
)


def standing_of(journal: JournalReader, unique_id: str, message_id: int = 0) -> Standing:
    """Where a document of ours stands; `message_id` is that of its handing, which may not be routed yet."""
    versions = journal.query("SELECT state FROM version WHERE unique_id = ?", (unique_id,))
    match versions[0]["state"] if versions else "":
        case "published":
            return "published"
        case "replaced":
            return "replaced"
        case "deleted":
            return "deleted"
    rows = journal.query(_LAST, (unique_id,))
    if rows:
        return "open" if can_be_resubmitted(rows[0]["state"]) or rows[0]["state"] == "settled" else "under-way"
    unrouted = journal.query("SELECT 1 FROM message WHERE id = ? AND routed = 0", (message_id,))
    return "under-way" if unrouted else "open"


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

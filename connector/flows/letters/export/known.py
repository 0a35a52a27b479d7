"""Whether a document is in the pipeline or in the DMP already, and whether it says the same as the letter in hand."""

from __future__ import annotations

from typing import Final, Literal

from connector.flows.letters.export.model import Failure, Ready
from connector.flows.letters.making import document_oid
from connector.flows.letters.stored import handed_before, standing_of
from connector.flows.snapshot import Snapshot
from connector.journal import JournalReader
from connector.patients.letters import made_of

_OTHER: Final = (
    "cet identifiant de document a déjà servi pour un autre contenu : une nouvelle version se remet par letters replace"
)


def known(journal: JournalReader, ready: Ready) -> Literal["new", "same"] | Failure:
    """'same': handed over before, by this export or by anybody; how it ended is in the journal. A failure when another
    letter has this name. 'new': nothing forbids it here, the desk may."""
    if standing_of(journal, ready.document_id) not in ("under-way", "published"):
        return "new"
    if _same(journal, ready):
        return "same"
    return Failure("remise", "id", _OTHER, unit=ready.unit, type=ready.type)


def _same(journal: JournalReader, ready: Ready) -> bool:
    """Data are told by their digest: what admissions said since may have changed the bytes made of them."""
    made = made_of(Snapshot(journal), ready.source) if ready.source else None
    if made is not None:
        return made.digest == ready.source_digest
    if ready.source and ready.document_id == document_oid(ready.source):
        # its name is its content, or its key, and a kill came before the journal heard of it
        return True
    return any(handed_before(journal, ready.document_id, action, ready.cda) for action in ("create", "replace"))

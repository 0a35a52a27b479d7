"""What is known already of a document that somebody asks something of: said at once, not in the worklist later."""

from __future__ import annotations

from typing import Final

from connector.flows.letters.asked_for import asked_for, successor_on_its_way
from connector.flows.letters.making import MadeLetter
from connector.flows.letters.model import Asking, LetterReceipt, Source
from connector.flows.letters.stored import Standing, deletion_of, handed_before, standing_of
from connector.flows.snapshot import Snapshot
from connector.hl7.model import Action
from connector.journal import JournalReader, Tx
from connector.journal.audit.operators import operator_act
from connector.letter.errors import Fault, LetterError, fault
from connector.patients.letters import Made
from connector.patients.state import Sql
from connector.patients.versions import load_version

_PAST: Final[dict[Standing, str]] = {
    "replaced": "a été remplacé depuis",
    "deleted": "a été supprimé depuis",
    "deleting": "est en cours de suppression",
    "settled": "a été clos à la main, son envoi n'aura pas lieu",
}


class ConflictError(LetterError):
    """The past of the document forbids it."""


# -- a letter handed in again ------------------------------------------------------------------------------------------


def known_data(journal: JournalReader, known: Made, source: Source) -> LetterReceipt | None:
    """What is said of data handed in before: the same content is the same letter, another one needs to be said a new
    version. None when it may be handed in (again)."""
    standing = standing_of(journal, known.unique_id, known.message_id)
    same = known.digest == source.digest
    match standing:
        case "open":
            return None
        case "settled" if not same:
            return None
        case "under-way" | "published" if same:
            return LetterReceipt("known", known.unique_id, message_id=known.message_id)
        case "under-way" | "published":
            text = "cette clé a déjà servi pour un autre contenu : une nouvelle version est un remplacement"
            return _refused(known.unique_id, fault("key", text, "le même contenu"))
    text = f"le document fait de cette source {_PAST[standing]} : une autre lettre a une autre clé"
    return _refused(known.unique_id, fault("key", text, "une autre clé"))


def known_cda(journal: JournalReader, made: MadeLetter, action: Action) -> LetterReceipt | None:
    """The same for a CDA, which its own id names."""
    standing = standing_of(journal, made.unique_id)
    before = handed_before(journal, made.unique_id, action, made.cda)
    match standing:
        case "open":
            return None
        case "settled" if before is None:
            return None
        case "under-way" | "published" if before is not None:
            return LetterReceipt("known", made.unique_id, action, before.message_id)
        case "under-way" | "published":
            text = "cet identifiant de document a déjà servi pour un autre contenu : une nouvelle version a le sien"
            return _refused(made.unique_id, fault("id", text, "le même contenu, ou un autre identifiant"))
    text = f"ce document {_PAST[standing]} : un autre document a un autre identifiant"
    return _refused(made.unique_id, fault("id", text, "un autre identifiant"))


# -- a replacement -----------------------------------------------------------------------------------------------------


def check_predecessor(journal: JournalReader, replaced: str, own: str) -> None:
    """Raises ConflictError when the document to replace can take no successor any more, or has one on its way.

    What this connector never heard of may be replaced: the DMP knows.
    """
    match standing_of(journal, replaced):
        case "deleted":
            text, expected = "le document à remplacer a été supprimé", "une lettre nouvelle"
        case "deleting":
            text, expected = "la suppression du document à remplacer est demandée", "une lettre nouvelle"
        case "replaced":
            text, expected = "le document à remplacer l'a déjà été", _in_force(Snapshot(journal), replaced)
        case _:
            other = successor_on_its_way(asked_for(journal, replaced).values(), replaced, own)
            if not other:
                return
            text, expected = "un remplacement de ce document est déjà en route : c'est lui qu'il faut remplacer", other
    raise ConflictError([fault("replaces", text, expected)])


def _in_force(sql: Sql, replaced: str) -> str:
    """The version that stands at the end of the chain, as far as it is known."""
    seen = [replaced]
    while (version := load_version(sql, seen[-1])) is not None and version.replaced_by not in ("", *seen):
        seen.append(version.replaced_by)
    return f"la version en vigueur : {seen[-1]}"


# -- a deletion --------------------------------------------------------------------------------------------------------


def known_deletion(journal: JournalReader, unique_id: str) -> LetterReceipt | None:
    """What is said of a deletion that was asked for before, None when it may be asked for.

    Raises ConflictError when the document can be deleted no more.
    """
    match standing_of(journal, unique_id):
        case "deleting":
            asked = deletion_of(journal, unique_id)
            return LetterReceipt("known", unique_id, "delete", asked.message_id if asked else 0)
        case "deleted":
            raise ConflictError([fault("unique_id", "ce document est déjà supprimé", "un document en vigueur")])
        case "replaced":
            text = "ce document a été remplacé, il n'y a plus rien à supprimer sous cet identifiant"
            raise ConflictError([fault("unique_id", text, _in_force(Snapshot(journal), unique_id))])
    return None


def check_deletion(journal: JournalReader, unique_id: str, cda: bytes) -> None:
    """Raises ConflictError when a person closed this very deletion: it is not begun again from here."""
    before = handed_before(journal, unique_id, "delete", cda)
    if before is not None and before.state == "settled":
        text = "la suppression de ce document a été réglée à la main (connector queue settle)"
        raise ConflictError([fault("unique_id", text, f"le travail n° {before.delivery_id} de la file")])


def remember_asking(tx: Tx, unique_id: str, asking: Asking) -> None:
    """Who asks for a deletion and why: a line of the document's story, and one of the audit trail."""
    last = tx.execute(
        "SELECT patient_id, stay FROM delivery WHERE document_id = ? ORDER BY id DESC LIMIT 1", (unique_id,)
    ).fetchone()
    why = f" : {asking.reason}" if asking.reason else ""
    tx.note(
        "suppression demandée",
        f"Suppression demandée par {asking.operator} ({asking.entry}){why}",
        patient_id=last["patient_id"] if last is not None else None,
        stay=last["stay"] if last is not None else "",
        document_id=unique_id,
        data={"operator": asking.operator, "entry": asking.entry},
    )
    said = f"{asking.entry} : {asking.reason}" if asking.reason else asking.entry
    operator_act(tx, "letter.delete", reason=said, operator=asking.operator, unique_ids=(unique_id,))


def _refused(unique_id: str, finding: Fault) -> LetterReceipt:
    return LetterReceipt("refused", unique_id, findings=(finding,), conflict=True)

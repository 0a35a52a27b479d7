"""What an ITI-41 points at in the registry, beyond the shared state rules: the replaced document's author, folders.

Folders exist in the `ihe` profile only; no DMP source uses them (dmp-interface c.1). ihe-rules D-47, D.6
12002 and 12326.
"""

from __future__ import annotations

from collections.abc import Iterator

from connector.base.finding import Finding
from connector.rules import names
from connector.rules.case import Case, Fault, finding
from connector.rules.model import RegistryObject
from connector.simulator.document_rights import is_author
from connector.simulator.folders import is_folder, patient_of, unique_id_of
from connector.simulator.model import VerifiedAssertion
from connector.simulator.registry_store import RegistryStore


def judge_links(case: Case, store: RegistryStore, caller: VerifiedAssertion | None) -> tuple[Finding, ...]:
    """Findings that need the registry's memory; the store's lock is held."""
    replaced = () if caller is None or case.settings.ihe_pure else tuple(_replaced(case, store, caller))
    return (*replaced, *_members(case, store), *_unique_ids(case, store))


def _replaced(case: Case, store: RegistryStore, caller: VerifiedAssertion) -> Iterator[Finding]:
    """Only an author may replace: the one who speaks wrote the document that goes (EX_2.1-1140)."""
    own = (caller.resource_ins, caller.resource_oid)
    for link in case.associations:
        known = store.entry(link.target) if link.association_type in names.DEPRECATING else None
        # Another patient's document is D-47c's business.
        if known is not None and known.patient == own and not is_author(known.item, caller):
            fault = Fault(link.id, "auteurs du document remplacé", "un autre auteur", "l'appelant parmi les auteurs")
            yield finding("RPLC-1", "dmp-interface a.7 EX_2.1-1140, c.7", fault, "XDSRepositoryMetadataError")


def _members(case: Case, store: RegistryStore) -> Iterator[Finding]:
    """Ends of HasMember that are already in the registry: known, of the same patient, a document not deprecated."""
    inside = {item.id for item in case.provided.objects}
    sender = patient_of(case.set) if case.set is not None else ("", "")
    for link in case.associations:
        if link.association_type != names.HAS_MEMBER:
            continue
        for attribute, end in (("sourceObject", link.source), ("targetObject", link.target)):
            if end in inside or not end.startswith("urn:uuid:"):
                continue
            found = _known(store, end)
            if found is None:
                fault = Fault(link.id, f"Association/@{attribute}", end, "un objet du registre")
                yield finding("FLD-1", "ihe-rules D.2 D-47", fault, "UnresolvedReferenceException")
            elif patient_of(found) != sender:
                fault = Fault(link.id, f"Association/@{attribute}", "un autre patient", "le patient du lot")
                yield finding("FLD-2", "ihe-rules D.6 12002", fault, "XDSPatientIdDoesNotMatch")
            elif attribute == "targetObject" and found.status != names.APPROVED:
                fault = Fault(link.id, "availabilityStatus de la cible", found.status, names.APPROVED)
                yield finding("FLD-3", "ihe-rules D.1", fault, "XDSRegistryDeprecatedDocumentError")
            elif attribute == "sourceObject" and not is_folder(found):
                fault = Fault(link.id, "Association/@sourceObject", found.kind, "un Folder du registre")
                yield finding("FLD-1", "ihe-rules D.2 D-34", fault, "XDSRepositoryMetadataError")


def _known(store: RegistryStore, object_id: str) -> RegistryObject | None:
    entry = store.entry(object_id)
    return store.package(object_id) if entry is None else entry.item


def _unique_ids(case: Case, store: RegistryStore) -> Iterator[Finding]:
    """The uniqueId of a folder is new, and no set takes a folder's (D-47)."""
    if not case.settings.duplicate_check:
        return
    for item in case.provided.of_kind("RegistryPackage"):
        known = store.packages_by_unique_id(unique_id_of(item))
        if any(is_folder(item) or is_folder(found) for found in known):
            fault = Fault(item.id, "uniqueId", unique_id_of(item), "un uniqueId jamais reçu")
            yield finding("FLD-4", "ihe-rules D.1, D.2 D-47", fault, "XDSDuplicateUniqueIdInRegistry")

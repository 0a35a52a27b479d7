"""Rules on the state of the registry: patient, duplicates, replacement (ihe-rules D-47, D-50, D.1; a.7, a.11).

They run under the store's lock, just before the commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from connector.base.finding import Finding
from connector.rules import names
from connector.rules.case import (
    METADATA_ERROR,
    Case,
    Fault,
    finding,
    label,
    patient_id,
    unique_id,
)
from connector.rules.forms import read_cx
from connector.rules.model import RegistryObject


class KnownEntry(Protocol):
    """A registered DocumentEntry as state rules need it. `hash` is lower-case SHA-1 hex."""

    @property
    def item(self) -> RegistryObject: ...
    @property
    def ins(self) -> str: ...
    @property
    def hash(self) -> str: ...


class RegistryView(Protocol):
    """What the rules may ask the registry's state."""

    def entry(self, entry_uuid: str) -> KnownEntry | None: ...
    def by_unique_id(self, unique_id: str) -> tuple[KnownEntry, ...]: ...
    def has_set(self, unique_id: str) -> bool: ...
    def has_object(self, object_id: str) -> bool: ...


class KnownPatient(Protocol):
    """The patient whom the assertion names; `dmp` is ACTIVE, CLOSED or ABSENT."""

    @property
    def dmp(self) -> str: ...


def judge_state(case: Case, view: RegistryView, patient: KnownPatient | None) -> tuple[Finding, ...]:
    """Findings that need the registry's memory; `patient` is the one the VIHF names."""
    return (*_patient(patient), *_duplicates(case, view), *_targets(case, view), *_preassigned(case, view))


def _patient(patient: KnownPatient | None) -> Iterator[Finding]:
    if patient is None or patient.dmp == "ABSENT":
        fault = Fault("", "patientId", "pas de DMP", "un patient qui a un DMP")
        yield finding("D-47a", "ihe-rules D.2 D-47", fault, "XDSUnknownPatientId")
    elif patient.dmp == "CLOSED":
        fault = Fault("", "patientId", "DMP fermé", "un DMP ouvert")
        yield finding("DMP-20", "dmp-interface a.11", fault, "DMPClosed")


def _duplicates(case: Case, view: RegistryView) -> Iterator[Finding]:
    if not case.settings.duplicate_check:
        # A second signature never has the hash of the first: any rule here would hide a document sent twice.
        return
    reference, duplicate = "ihe-rules D.1", "XDSDuplicateUniqueIdInRegistry"
    for item in case.sets:
        if view.has_set(unique_id(item)):
            fault = Fault(item.id, "SubmissionSet.uniqueId", unique_id(item), "un uniqueId jamais reçu")
            yield finding("DUP-1", reference, fault, duplicate)
    for item in case.identified:
        owned = view.has_set(unique_id(item)) if item.kind == "ExtrinsicObject" else view.by_unique_id(unique_id(item))
        if owned:
            expected = "un uniqueId qui n'est pas celui d'un objet d'une autre sorte"
            fault = Fault(item.id, f"{label(item)}.uniqueId", unique_id(item), expected)
            yield finding("D-47f", "ihe-rules D.2 D-47", fault, duplicate)
    for item in case.entries:
        known = view.by_unique_id(unique_id(item))
        if not known:
            continue
        computed = case.hashes.get(item.id)
        if computed is not None and all(entry.hash != computed for entry in known):
            fault = Fault(item.id, "DocumentEntry.hash", "un autre contenu", f"le contenu déposé ({known[-1].hash})")
            yield finding("DUP-2", reference, fault, "XDSNonIdenticalHash")
        else:
            fault = Fault(item.id, "DocumentEntry.uniqueId", unique_id(item), "un document jamais déposé")
            yield finding("DUP-3", "dmp-interface, simulator specification TD2.1", fault, duplicate)


def _targets(case: Case, view: RegistryView) -> Iterator[Finding]:
    inside = {item.id for item in case.provided.objects}
    for link in case.associations:
        # A symbolic id that resolves nowhere is D-41's business.
        inward = link.target in inside or not link.target.startswith("urn:uuid:")
        if inward or link.association_type not in names.RELATIONSHIPS:
            continue
        known = view.entry(link.target)
        if known is None:
            fault = Fault(link.id, "Association/@targetObject", link.target, "l'entryUUID d'un document du registre")
            yield finding("D-47b", "ihe-rules D.1, D.2 D-47", fault, "UnresolvedReferenceException")
            continue
        if case.set is not None and known.ins != read_cx(patient_id(case.set)).value:
            fault = Fault(link.id, "Association/@targetObject", link.target, "un document du même patient")
            yield finding("D-47c", "ihe-rules D.1", fault, "XDSPatientIdDoesNotMatch")
        if known.item.status != names.APPROVED:
            fault = Fault(link.id, "availabilityStatus de la cible", known.item.status, names.APPROVED)
            yield finding("D-47d", "ihe-rules D.1, D.2 D-47", fault, "XDSRegistryDeprecatedDocumentError")
        yield from _same_replacement(case, link, known)


def _same_replacement(case: Case, link: RegistryObject, known: KnownEntry) -> Iterator[Finding]:
    """The CDA of the new version names the document that the RPLC association replaces (a.7, replacement)."""
    if link.association_type != names.RPLC or case.settings.ihe_pure or not case.settings.check_content:
        return
    for entry in (item for item in case.documents if item.id == link.source):
        cda, wanted = case.cda_of(entry), unique_id(known.item)
        said = () if cda is None else cda.replaces
        if wanted not in said:
            fault = Fault(entry.id, "relatedDocument/parentDocument/id", " ".join(said) or "absent", f"root = {wanted}")
            yield finding("DMP-21", "dmp-interface a.7, c.7", fault, METADATA_ERROR)


def _preassigned(case: Case, view: RegistryView) -> Iterator[Finding]:
    for item in case.provided.objects:
        if item.id and view.has_object(item.id):
            fault = Fault(item.id, f"{item.kind}/@id", item.id, "un entryUUID jamais attribué")
            yield finding("D-47e", "ihe-rules D.2 D-47", fault, METADATA_ERROR)

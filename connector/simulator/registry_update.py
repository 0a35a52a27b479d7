"""ITI-57 against the registry's state: TD3.3a and b (metadata), TD3.3c (deletion), TD3.3d (archives).

The message is judged by the shared rules (connector.rules.update), the state here: what is changed is in force, of the
patient, and the caller's to change. dmp-interface a.10, d.2; ihe-rules D.3 D-64 to D-71. Whether an archived document
keeps that status when its metadata change is not written: it does here (UNCERTAIN).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from connector.base.finding import Finding
from connector.rules import names
from connector.rules.case import Case, Fault, RuleSettings, finding, unique_id
from connector.rules.model import RegistryObject
from connector.rules.profiles import judge, judge_revision
from connector.rules.update import UPDATE_ERROR, VERSION_ERROR, Current, Revision
from connector.simulator.answers import as_errors
from connector.simulator.directory import Patient
from connector.simulator.document_rights import may_refer, restrictions, why_not_change
from connector.simulator.folders import is_folder, patient_of, unique_id_of, with_node
from connector.simulator.model import RegistryErrorItem, RegistryRefusal, SoapRequest, VerifiedAssertion
from connector.simulator.registry_case import case_of
from connector.simulator.registry_changes import Registrar
from connector.simulator.registry_reader import read_submit_objects
from connector.simulator.registry_store import RegistryStore
from connector.simulator.rights import denied, status_right
from connector.simulator.world import World

NO_PROPAGATION = ("no",)
_IN_FORCE = frozenset({names.APPROVED, names.ARCHIVED})


@dataclass(frozen=True, slots=True)
class Operation:
    """One change of one object. `known` is the version that the message names, `right` its row of d.2.

    `new` is the next version (TD3.3a, b), None for a change of status to `status`.
    """

    link: RegistryObject
    known: RegistryObject
    right: str
    new: RegistryObject | None = None
    status: str = ""

    @property
    def unmasks(self) -> bool:
        return self.new is not None and names.MASKED in restrictions(self.known) - restrictions(self.new)


@dataclass(frozen=True, slots=True)
class Updates:
    """Judges and applies one ITI-57 at a time."""

    store: RegistryStore
    registrar: Registrar
    world: World
    settings: RuleSettings

    def accept(
        self, request: SoapRequest, caller: VerifiedAssertion | None, patient: Patient | None
    ) -> tuple[RegistryErrorItem, ...]:
        """Applies the request, all or nothing, and returns its warnings.

        `patient` is the VIHF's, with `caller`. Raises RegistryRefusal with every finding, SimFault for a right missing.
        """
        provided = read_submit_objects(request.body)
        case = replace(case_of(provided, {}, caller, self.settings), transaction="ITI-57")
        findings = judge(case)
        with self.store.lock:
            revision = Revision(case, self._current(caller, patient))
            findings += judge_revision(revision)
            _refuse_if_any(findings)
            operations = tuple(_operations(revision))
            findings += tuple(self._state(case, operations))
            _refuse_if_any(findings)
            if caller is not None and patient is not None:
                _check_rights(operations, caller, patient)
                findings += tuple(_visibility(operations))
            _refuse_if_any(findings)
            self._commit(case, operations)
        return as_errors(findings)

    def _current(self, caller: VerifiedAssertion | None, patient: Patient | None) -> Current:
        """What the caller may name; a document masked to it does not exist for it."""

        def named(item: RegistryObject | None) -> RegistryObject | None:
            if item is None or caller is None or patient is None or patient_of(item) != (patient.ins, patient.oid):
                return item
            return item if may_refer(item, patient, caller) else None

        def by_id(object_id: str) -> RegistryObject | None:
            entry = self.store.entry(object_id)
            return named(self.store.package(object_id) if entry is None else entry.item)

        def by_lid(lid: str) -> RegistryObject | None:
            versions = self.store.versions(lid)
            return named(versions[-1]) if versions else None

        return Current(by_lid, by_id)

    def _state(self, case: Case, operations: tuple[Operation, ...]) -> Iterator[Finding]:
        for item in case.sets:
            if self.store.has_set(unique_id(item)):
                fault = Fault(item.id, "SubmissionSet.uniqueId", unique_id(item), "un uniqueId jamais reçu")
                yield finding("DUP-1", "ihe-rules D.1", fault, "XDSDuplicateUniqueIdInRegistry")
        for item in case.provided.objects:
            if item.id and self.store.has_object(item.id):
                fault = Fault(item.id, f"{item.kind}/@id", item.id, "un entryUUID jamais attribué")
                yield finding("D-47e", "ihe-rules D.2 D-47", fault, UPDATE_ERROR)
        sender = patient_of(case.set) if case.set is not None else ("", "")
        for operation in operations:
            known = operation.known
            if known.kind != "ExtrinsicObject" and not is_folder(known):
                fault = Fault(operation.link.id, "Association/@targetObject", known.kind, "un document ou un Folder")
                yield finding("UPD-6", "ihe-rules D.1", fault, "XDSObjectTypeError")
            if patient_of(known) != sender:
                fault = Fault(operation.link.id, "patientId de la cible", "un autre patient", "le patient du lot")
                yield finding("UPD-1", "ihe-rules D.1", fault, "XDSPatientIdDoesNotMatch")
            if not self.store.latest(known):
                fault = Fault(operation.link.id, "Association/@targetObject", known.id, "la dernière version")
                yield finding("UPD-2", "ihe-rules D.6 15802b", fault, VERSION_ERROR)
            elif operation.new is not None and known.status not in _IN_FORCE:
                fault = Fault(operation.new.id, "availabilityStatus en vigueur", known.status, "Approved ou Archived")
                yield finding("UPD-3", "dmp-interface a.10, c.9", fault, UPDATE_ERROR)

    def _commit(self, case: Case, operations: tuple[Operation, ...]) -> None:
        successors = {found.new.id: found for found in operations if found.new is not None}
        stay = [
            key for key, found in successors.items() if found.link.values("AssociationPropagation") == NO_PROPAGATION
        ]
        change = self.registrar.update(
            [with_node(item, case.provided) for item in case.provided.objects],
            previous={key: found.known for key, found in successors.items()},
            statuses={found.known.id: found.status for found in operations if found.new is None},
            without_links=stay,
        )
        self.store.commit(change)
        for operation in operations:
            self.world.record_acceptance(unique_id_of(operation.known), operation.right)


def _refuse_if_any(findings: tuple[Finding, ...]) -> None:
    if any(item.blocking for item in findings):
        raise RegistryRefusal(as_errors(findings))


def _operations(revision: Revision) -> Iterator[Operation]:
    """What a message without fault asks for; associations that are submitted alone are kept, and are no operation."""
    for link in revision.case.associations:
        if link.association_type == names.UPDATE_STATUS:
            known = revision.current.by_id(link.target)
            if known is not None:
                status = link.first("NewStatus")
                yield Operation(link, known, status_right(status), status=status)
    sets = {item.id for item in revision.case.sets}
    links = (link for link in revision.case.associations if link.association_type == names.HAS_MEMBER)
    members = {link.target: link for link in links if link.source in sets}
    for new, known in revision.pairs():
        yield Operation(members[new.id], known, _right_of_version(known, new), new)


def _right_of_version(known: RegistryObject, new: RegistryObject) -> str:
    """TD3.3a masks and unmasks, TD3.3b makes visible; a message that does both is judged as the first."""
    changed = restrictions(known) ^ restrictions(new)
    return "TD3.3b" if changed and names.MASKED not in changed else "TD3.3a"


def _check_rights(operations: tuple[Operation, ...], caller: VerifiedAssertion, patient: Patient) -> None:
    for found in operations:
        reason = why_not_change(found.right, found.known, patient, caller, unmasks=found.unmasks)
        if reason:
            raise denied(f"{found.right} : {reason}")


def _visibility(operations: tuple[Operation, ...]) -> Iterator[Finding]:
    """In the DMP a new version only changes who sees, and never hides from the patient what was visible (a.10)."""
    for found in operations:
        if found.new is None:
            continue
        before, after = restrictions(found.known), restrictions(found.new)
        if before == after:
            fault = Fault(found.new.id, "confidentialityCode", "inchangé", "une restriction de plus ou de moins")
            yield finding("UPD-4", "dmp-interface a.10", fault, UPDATE_ERROR)
        hidden = after - before - {names.MASKED}
        if hidden:
            seen, expected = " ".join(sorted(hidden)), "TD3.3b rend visible, sans retour (EX_3.3-1045)"
            fault = Fault(found.new.id, "confidentialityCode", seen, expected)
            yield finding("UPD-5", "dmp-interface a.10", fault, "LocalPolicyRestrictionError")

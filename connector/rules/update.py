"""Rules of a metadata update, ITI-57 (ihe-rules D.3 D-64…D-71, D.2 D-37; dmp-interface a.10).

Two forms: a change of status (UpdateAvailabilityStatus association) and a new version of an entry (HasMember with
PreviousVersion). What needs the version in force is judged apart, against `Current`: the registry's own objects in the
simulator, the entry just found in the client.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from connector.rules import names
from connector.rules.case import Case, Fault, Rule, label, patient_id, unique_id
from connector.rules.forms import read_cx
from connector.rules.model import RegistryObject
from connector.rules.shape import is_uuid_urn

UPDATE_ERROR = "XDSMetadataUpdateError"
OPERATION_ERROR = "XDSMetadataUpdateOperationError"
VERSION_ERROR = "XDSMetadataVersionError"
UNRESOLVED = "UnresolvedReferenceException"

STATUSES_LEFT = frozenset({names.APPROVED, names.ARCHIVED})
STATUSES_TAKEN = frozenset({names.APPROVED, names.ARCHIVED, names.DELETED})
"""What a change of status may leave and take in the DMP (a.10, TD3.3c and TD3.3d)."""


def _of_type(case: Case, kind: str) -> tuple[RegistryObject, ...]:
    return tuple(item for item in case.associations if item.association_type == kind)


def _versions(case: Case) -> tuple[RegistryObject, ...]:
    """The new versions in the message: entries and folders."""
    return (*case.entries, *case.folders)


def _members(case: Case) -> tuple[RegistryObject, ...]:
    """HasMember associations from the set to a new version."""
    sets, updated = {item.id for item in case.sets}, {item.id for item in _versions(case)}
    links = _of_type(case, names.HAS_MEMBER)
    return tuple(item for item in links if item.source in sets and item.target in updated)


def _status_change(case: Case) -> Iterator[Fault]:
    sets = {item.id for item in case.sets}
    known = names.IHE_STATUSES if case.settings.ihe_pure else names.STATUSES
    for item in _of_type(case, names.UPDATE_STATUS):
        if item.source not in sets:
            yield Fault(item.id, "Association/@sourceObject", item.source, "le SubmissionSet")
        read: list[str] = []
        for name in ("OriginalStatus", "NewStatus"):
            values = item.values(name)
            read += values
            if len(values) != 1 or values[0] not in known:
                yield Fault(item.id, name, " ".join(values), "exactement un statut connu")
        if len(read) == 2 and read[0] == read[1]:
            yield Fault(item.id, "NewStatus", read[1], "un autre statut que OriginalStatus")
    links = {item.id for item in case.associations}
    for item in _of_type(case, names.SUBMIT_ASSOCIATION):
        if item.target not in links:
            yield Fault(item.id, "Association/@targetObject", item.target, "une association du message")


def _logical_id(case: Case) -> Iterator[Fault]:
    for item in _versions(case):
        if not is_uuid_urn(item.lid) or item.lid == item.id:
            yield Fault(item.id, "logicalId (@lid)", item.lid or "absent", "l'urn:uuid: du document, différent de l'id")


def _previous_version(case: Case) -> Iterator[Fault]:
    for item in _members(case):
        values = item.values("PreviousVersion")
        if len(values) != 1 or not _is_version(values[0]):
            yield Fault(item.id, "PreviousVersion", " ".join(values) or "absent", "exactement un numéro de version")


def _is_version(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) > 0


def _membership(case: Case) -> Iterator[Fault]:
    linked = {item.target for item in _members(case)}
    for item in _versions(case):
        if item.id not in linked:
            yield Fault(item.id, "HasMember", "absent", "une association HasMember depuis le SubmissionSet")


def _operations(case: Case) -> Iterator[Fault]:
    lids = {item.id: item.lid for item in _versions(case)}
    touched = [lids[item.target] or item.target for item in _members(case)]
    touched += [item.target for item in _of_type(case, names.UPDATE_STATUS)]
    touched += [item.target for item in _of_type(case, names.SUBMIT_ASSOCIATION)]
    # A version without its HasMember is an operation too, badly written: D-66.
    if not touched and not _versions(case):
        yield Fault("", "opération", "aucune", "un changement de statut ou une nouvelle version")
    for value, count in Counter(touched).items():
        if count > 1:
            yield Fault(value, "opération", f"{count} opérations", "une seule opération par objet")


def _propagation(case: Case) -> Iterator[Fault]:
    for item in case.associations:
        values = item.values("AssociationPropagation")
        if values and values not in (("yes",), ("no",)):
            yield Fault(item.id, "AssociationPropagation", " ".join(values), "yes ou no")


def _served_statuses(case: Case) -> Iterator[Fault]:
    for item in _of_type(case, names.UPDATE_STATUS):
        original, new = item.first("OriginalStatus"), item.first("NewStatus")
        if original in names.STATUSES - STATUSES_LEFT:
            yield Fault(item.id, "OriginalStatus", original, "Approved ou Archived")
        if new in names.STATUSES - STATUSES_TAKEN:
            yield Fault(item.id, "NewStatus", new, "Approved, Archived ou Deleted")


UPDATE_RULES: tuple[Rule[Case], ...] = (
    Rule("D-37", "ihe-rules D.2 D-37, dmp-interface a.10", _status_change, UPDATE_ERROR),
    Rule("D-64", "ihe-rules D.3 D-64", _logical_id, "XDSInvalidRequestException"),
    Rule("D-65", "ihe-rules D.3 D-65, dmp-interface a.10", _previous_version, VERSION_ERROR),
    Rule("D-66", "ihe-rules D.3 D-66", _membership, "XDSMetadataAnnotationError"),
    Rule("D-67", "ihe-rules D.3 D-67", _operations, OPERATION_ERROR),
    Rule("D-71", "ihe-rules D.3 D-71", _propagation, UPDATE_ERROR),
)
SERVED_UPDATE_RULES: tuple[Rule[Case], ...] = (
    Rule("DMP-30", "dmp-interface a.10, c.9", _served_statuses, UPDATE_ERROR),
)


# -- against the version in force -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Current:
    """What is in force: `by_lid` gives the latest version of a logicalId, `by_id` the object of an entryUUID."""

    by_lid: Callable[[str], RegistryObject | None]
    by_id: Callable[[str], RegistryObject | None]


@dataclass(frozen=True, slots=True)
class Revision:
    """An update and what it updates."""

    case: Case
    current: Current

    def pairs(self) -> Iterator[tuple[RegistryObject, RegistryObject]]:
        """Each new version with the one in force, where there is one."""
        for item in _versions(self.case):
            known = self.current.by_lid(item.lid)
            if known is not None:
                yield item, known


def _latest_version(revision: Revision) -> Iterator[Fault]:
    new = {item.id: item for item in _versions(revision.case)}
    for link in _members(revision.case):
        said, lid = link.first("PreviousVersion"), new[link.target].lid
        known = revision.current.by_lid(lid)
        if not is_uuid_urn(lid):
            continue  # D-64
        if known is None:
            yield Fault(link.target, "logicalId (@lid)", lid, "le logicalId d'un objet du registre")
        elif _is_version(said) and said != (known.version or "1"):
            yield Fault(link.id, "PreviousVersion", said, f"la version en vigueur ({known.version or '1'})")


def _status_in_force(revision: Revision) -> Iterator[Fault]:
    for item in _of_type(revision.case, names.UPDATE_STATUS):
        known, said = revision.current.by_id(item.target), item.first("OriginalStatus")
        if known is None:
            expected = "l'entryUUID d'un objet du registre"
            yield Fault(item.id, "Association/@targetObject", item.target, expected, UNRESOLVED)
        elif said and said != known.status:
            yield Fault(item.id, "OriginalStatus", said, f"le statut en vigueur ({known.status})")


def _same_patient(revision: Revision) -> Iterator[Fault]:
    for new, known in revision.pairs():
        if _identity(new) != _identity(known):
            yield Fault(new.id, f"{label(new)}.patientId", "un autre patient", "le patient de la version en vigueur")


def _identity(item: RegistryObject) -> tuple[str, str]:
    cx = read_cx(patient_id(item))
    return cx.value, cx.oid


def _same_content(revision: Revision) -> Iterator[Fault]:
    for new, known in revision.pairs():
        if new.object_type != known.object_type:
            yield Fault(new.id, "objectType", new.object_type, known.object_type)
        if unique_id(new) != unique_id(known):
            yield Fault(new.id, f"{label(new)}.uniqueId", unique_id(new), unique_id(known))
        for name in ("repositoryUniqueId", "hash", "size"):
            said, wanted = new.first(name).lower(), known.first(name).lower()
            if said and wanted and said != wanted:
                yield Fault(new.id, f"{label(new)}.{name}", said, wanted)


_SERVER_SLOTS = frozenset({"repositoryUniqueId", "hash", "size"})


def _visibility_only(revision: Revision) -> Iterator[Fault]:
    for new, known in revision.pairs():
        for attribute, said, wanted in (
            ("title", new.name or "", known.name or ""),
            ("codes", _codes(new), _codes(known)),
            ("slots", _slots(new), _slots(known)),
        ):
            if said != wanted:
                yield Fault(new.id, f"{label(new)} ({attribute})", "une autre valeur", "la valeur en vigueur")


def _codes(item: RegistryObject) -> frozenset[tuple[str, str, str]]:
    kept = (found for found in item.classifications if found.scheme != names.CONFIDENTIALITY)
    return frozenset((found.scheme, found.representation or "", found.system) for found in kept)


def _slots(item: RegistryObject) -> frozenset[tuple[str, tuple[str, ...]]]:
    # The order of the values of sourcePatientInfo is not kept by the DMP (c.3).
    return frozenset((slot.name, tuple(sorted(slot.values))) for slot in item.slots if slot.name not in _SERVER_SLOTS)


REVISION_RULES: tuple[Rule[Revision], ...] = (
    Rule("D-65", "ihe-rules D.3 D-65", _latest_version, VERSION_ERROR),
    Rule("D-37", "ihe-rules D.2 D-37, D.6 15802b", _status_in_force, UPDATE_ERROR),
    Rule("D-68", "ihe-rules D.3 D-68", _same_patient, "XDSPatientIDReconciliationError"),
    Rule("D-70", "ihe-rules D.3 D-70", _same_content, UPDATE_ERROR),
)
DMP_REVISION_RULES: tuple[Rule[Revision], ...] = (
    Rule("DMP-31", "dmp-interface a.10 (TD3.3a, TD3.3b)", _visibility_only, UPDATE_ERROR, "warning"),
)

"""Rules on the shape of any object of the message: slots, ids, classifications, order (ihe-rules D.2, D-01…D-46)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from connector.base.oid import is_oid
from connector.rules import names
from connector.rules.case import Case, Fault, Rule, label, unique_id, unique_scheme
from connector.rules.forms import is_dtm, is_home_community, is_mime_type
from connector.rules.model import RegistryObject, Slot

LONG_NAME = 256
"""Longest slot name or value of ebRIM 3.0 (LongName)."""

LONGEST_ID = 128
"""Characters of a uniqueId (ihe-rules D-04)."""

_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ORDER = ("Slot", "Name", "Description", "VersionInfo", "Classification", "ExternalIdentifier")
_LIST_CONTENT = frozenset({"ExtrinsicObject", "RegistryPackage", "Association", "Classification", "ObjectRef"})
_DTM_SLOTS = ("creationTime", "serviceStartTime", "serviceStopTime", "submissionTime", "lastUpdateTime")

STANDARD_SLOTS = frozenset(
    {
        *_DTM_SLOTS,
        "hash",
        "size",
        "languageCode",
        "legalAuthenticator",
        "sourcePatientId",
        "sourcePatientInfo",
        "repositoryUniqueId",
        "URI",
        "intendedRecipient",
        "documentAvailability",
        "codingScheme",
        "authorPerson",
        "authorInstitution",
        "authorRole",
        "authorSpecialty",
        "authorTelecommunication",
        "SubmissionSetStatus",
        "OriginalStatus",
        "NewStatus",
        "PreviousVersion",
        "AssociationPropagation",
    }
)


def is_kept(slot: Slot) -> bool:
    """Slots outside the standard and outside `urn:` are told (D-43) and not saved."""
    return slot.name in STANDARD_SLOTS or slot.name.startswith("urn:")


def is_uuid_urn(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def _every_slot(item: RegistryObject) -> Iterator[tuple[Slot, ...]]:
    yield item.slots
    for classification in item.classifications:
        yield classification.slots


def _slots(case: Case) -> Iterator[Fault]:
    for item in case.provided.objects:
        for group in _every_slot(item):
            yield from _repeated(item, group)
            for slot in group:
                length = max(len(slot.name), *map(len, slot.values)) if slot.values else len(slot.name)
                if length > LONG_NAME:
                    yield Fault(item.id, slot.name, f"{length} caractères", f"au plus {LONG_NAME} caractères")


def _repeated(item: RegistryObject, group: tuple[Slot, ...]) -> Iterator[Fault]:
    found = {slot.name for slot in group}
    if len(found) == len(group) and "" not in found:
        return
    for name, count in Counter(slot.name for slot in group).items():
        if not name:
            yield Fault(item.id, "Slot/@name", "", "un nom de slot")
        elif count > 1:
            yield Fault(item.id, name, f"{count} slots", "un seul slot de ce nom")


def _one_set(case: Case) -> Iterator[Fault]:
    if len(case.sets) != 1:
        yield Fault("", "SubmissionSet", str(len(case.sets)), "exactement un SubmissionSet")


def _unique_ids_of_objects(case: Case) -> Iterator[Fault]:
    ids = [item.id for item in case.provided.objects]
    ids += [found.id for item in case.provided.objects for found in item.classifications]
    ids += [found.id for item in case.provided.objects for found in item.identifiers]
    ids += [item.id for item in case.provided.classifications]
    for value, count in Counter(ids).items():
        if value and count > 1:
            yield Fault(value, "id", f"{count} fois", "un id unique dans le message")


def _has_unique_id(case: Case) -> Iterator[Fault]:
    for item in case.identified:
        found = item.identified(unique_scheme(item))
        if len(found) != 1 or not 0 < len(found[0].value) <= LONGEST_ID:
            seen = f"{len(found[0].value)} caractères" if len(found) == 1 else f"{len(found)} identifiants"
            yield Fault(item.id, f"{label(item)}.uniqueId", seen, "un uniqueId de 1 à 128 caractères")


def _unique_ids_differ(case: Case) -> Iterator[Fault]:
    counted = Counter(unique_id(item) for item in case.identified)
    for value, count in counted.items():
        if value and count > 1:
            yield Fault("", "uniqueId", f"{value} ({count} fois)", "un uniqueId différent par objet")


def _unique_id_form(case: Case) -> Iterator[Fault]:
    for item in (*case.sets, *case.folders):
        value = unique_id(item)
        if 0 < len(value) <= LONGEST_ID and not is_oid(value):
            yield Fault(item.id, f"{label(item)}.uniqueId", value, "un OID d'au plus 64 caractères")
    for item in case.entries:
        root, _, extension = unique_id(item).partition("^")
        if 0 < len(unique_id(item)) <= LONGEST_ID and (
            not is_oid(root) or len(extension) > 16 or not extension.isascii()
        ):
            expected = "un OID d'au plus 64 caractères, avec ou sans ^extension de 16 caractères"
            yield Fault(item.id, "DocumentEntry.uniqueId", unique_id(item), expected)


def _set_status(case: Case) -> Iterator[Fault]:
    for item in (*case.sets, *case.folders):
        if item.status not in ("", names.APPROVED):
            yield Fault(item.id, f"{label(item)}.availabilityStatus", item.status, names.APPROVED)


def _classifications(case: Case) -> Iterator[Fault]:
    for item in case.provided.objects:
        for found in item.classifications:
            attribute = names.CODED_SCHEMES.get(found.scheme, "")
            if found.classified_object != item.id:
                yield Fault(
                    item.id, f"{attribute or 'Classification'}/@classifiedObject", found.classified_object, item.id
                )
            if not attribute:
                continue
            schemes = found.values("codingScheme")
            if len(schemes) != 1 or not schemes[0]:
                yield Fault(item.id, f"{attribute}/codingScheme", f"{len(schemes)} valeurs", "exactement une valeur")
            if not found.representation:
                yield Fault(item.id, f"{attribute}/@nodeRepresentation", "", "le code")
            if not found.name:
                yield Fault(item.id, f"{attribute}/Name", "", "le libellé du code")


def _object_type(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        if item.object_type != names.STABLE:
            yield Fault(item.id, "DocumentEntry.objectType", item.object_type, names.STABLE)


def _title(case: Case) -> Iterator[Fault]:
    for item in case.identified:
        if item.name is not None and len(item.name) > 128:
            yield Fault(item.id, f"{label(item)}.title", f"{len(item.name)} caractères", "au plus 128 caractères")


def _mime_type(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        if not is_mime_type(item.mime_type):
            yield Fault(item.id, "DocumentEntry.mimeType", item.mime_type, "un type MIME (type/sous-type)")
        listed = (case.settings.codes or {}).get("mimeType")
        if listed is not None and item.mime_type not in {code for code, _, _ in listed}:
            yield Fault(item.id, "DocumentEntry.mimeType", item.mime_type, "un type de la liste du domaine")


def _entry_status(case: Case) -> Iterator[Fault]:
    for item in case.entries:
        if item.status and item.status not in names.STATUSES:
            yield Fault(item.id, "DocumentEntry.availabilityStatus", item.status, "un statut connu, ou rien")


def _logical_ids(case: Case) -> Iterator[Fault]:
    for value, count in Counter(item.lid for item in case.provided.objects).items():
        if value and count > 1:
            yield Fault("", "logicalId", f"{value} ({count} fois)", "un logicalId unique dans le message")


def _full_metadata(case: Case) -> Iterator[Fault]:
    for item in case.provided.objects:
        if names.LIMITED_METADATA & {*case.provided.node_of(item), *(c.scheme for c in item.classifications)}:
            yield Fault(item.id, "limitedMetadata", "présent", "des métadonnées complètes (réservé à XDR et XDM)")


def _home_community(case: Case) -> Iterator[Fault]:
    for item in case.provided.objects:
        if item.home and not is_home_community(item.home):
            yield Fault(item.id, "homeCommunityId", item.home, "urn:oid: suivi d'un OID")


def _inline(case: Case) -> Iterator[Fault]:
    for document in case.provided.documents:
        if document.inline:
            yield Fault(document.id, "Document", "contenu dans l'élément", "un xop:Include (MTOM, EX_2.1-1260)")


def _uuid_form(case: Case) -> Iterator[Fault]:
    known = {item.id for item in case.provided.objects}
    for item in case.provided.objects:
        if item.id.lower().startswith("urn:uuid:") and not is_uuid_urn(item.id):
            yield Fault(item.id, f"{item.kind}/@id", item.id, "urn:uuid: en minuscules")
    for item in case.associations:
        for attribute, value in (("sourceObject", item.source), ("targetObject", item.target)):
            if value not in known and not is_uuid_urn(value):
                yield Fault(
                    item.id, f"Association/@{attribute}", value, "un id du message ou un urn:uuid: en minuscules"
                )


def _known_slots(case: Case) -> Iterator[Fault]:
    for item in case.provided.objects:
        for group in _every_slot(item):
            for slot in group:
                if slot.name and not is_kept(slot):
                    yield Fault(item.id, slot.name, "slot hors norme", "un slot de la norme, ou urn:…")


def _identifier_names(case: Case) -> Iterator[Fault]:
    for item in case.identified:
        for found in item.identifiers:
            expected = names.IDENTIFIER_NAMES.get(found.scheme)
            if expected is None:
                yield Fault(item.id, "ExternalIdentifier/@identificationScheme", found.scheme, "un schéma de la norme")
            elif found.name != expected:
                yield Fault(item.id, "ExternalIdentifier/Name", found.name or "", expected)
            if found.registry_object != item.id:
                yield Fault(item.id, "ExternalIdentifier/@registryObject", found.registry_object, item.id)


def _times(case: Case) -> Iterator[Fault]:
    for item in case.identified:
        for name in _DTM_SLOTS:
            for value in item.values(name):
                if not is_dtm(value):
                    yield Fault(item.id, name, value, "4 à 14 chiffres, une date qui existe")


def _order(case: Case) -> Iterator[Fault]:
    for tag in case.provided.order:
        if tag not in _LIST_CONTENT:
            yield Fault("", "RegistryObjectList", tag, "ExtrinsicObject, RegistryPackage, Association, Classification")
    for item in case.provided.objects:
        unknown = [tag for tag in item.children if tag not in _ORDER]
        ranks = [_ORDER.index(tag) for tag in item.children if tag in _ORDER]
        if unknown or ranks != sorted(ranks):
            yield Fault(item.id, item.kind, " ".join(dict.fromkeys(item.children)), " ".join(_ORDER))


SHAPE_RULES: tuple[Rule[Case], ...] = (
    Rule("D-46", "ihe-rules D.2 D-46", _order),
    Rule("D-01", "ihe-rules D.2 D-01", _slots),
    Rule("D-02", "ihe-rules D.2 D-02", _one_set),
    Rule("D-03", "ihe-rules D.2 D-03", _unique_ids_of_objects),
    Rule("D-04", "ihe-rules D.2 D-04", _has_unique_id),
    Rule("D-05", "ihe-rules D.2 D-05", _unique_ids_differ, "XDSRepositoryDuplicateUniqueIdInMessage"),
    Rule("D-06", "ihe-rules D.2 D-06", _unique_id_form),
    Rule("D-08", "ihe-rules D.2 D-08", _set_status),
    Rule("D-21", "ihe-rules D.2 D-21", _classifications),
    Rule("D-24", "ihe-rules D.2 D-24", _object_type),
    Rule("D-25", "ihe-rules D.2 D-25", _title),
    Rule("D-26", "ihe-rules D.2 D-26", _mime_type),
    Rule("D-27", "ihe-rules D.2 D-27", _entry_status),
    Rule("D-28", "ihe-rules D.2 D-28, dmp-interface a.7 EX_2.1-1260", _inline),
    Rule("D-29", "ihe-rules D.2 D-29", _logical_ids),
    Rule("D-31", "ihe-rules D.2 D-31", _full_metadata),
    Rule("D-39", "ihe-rules D.2 D-39", _home_community),
    Rule("D-41", "ihe-rules D.2 D-41", _uuid_form),
    Rule("D-43", "ihe-rules D.2 D-43", _known_slots, "XDSExtraMetadataNotSaved", "warning"),
    Rule("D-44", "ihe-rules D.2 D-44", _identifier_names),
    Rule("D-45", "ihe-rules D.2 D-45", _times),
)

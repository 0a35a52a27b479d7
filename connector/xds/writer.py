"""XDS metadata to ebRIM.

Children in schema order: Slot, Name, Description, VersionInfo, Classification, ExternalIdentifier.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from connector.base.ns import RIM, q
from connector.xds import constants as c
from connector.xds.model import HAS_MEMBER, Association, DocumentEntry, Submission, SubmissionSet
from connector.xds.slots import (
    CLASSIFICATION,
    DESCRIPTION,
    NAME,
    VERSION_INFO,
    add_author,
    add_code,
    add_identifier,
    add_slot,
    add_text,
    new_ids,
)

REGISTRY_OBJECT_LIST = q(RIM, "RegistryObjectList")
EXTRINSIC_OBJECT = q(RIM, "ExtrinsicObject")
REGISTRY_PACKAGE = q(RIM, "RegistryPackage")
ASSOCIATION = q(RIM, "Association")

DOCUMENT_CODES = (
    (c.ENTRY_CLASS, "class_code"),
    (c.ENTRY_TYPE, "type_code"),
    (c.ENTRY_FORMAT, "format_code"),
    (c.ENTRY_FACILITY_TYPE, "facility_type"),
    (c.ENTRY_PRACTICE_SETTING, "practice_setting"),
)


def add_submission(parent: etree._Element, submission: Submission) -> etree._Element:
    """A RegistryObjectList: the set, its node classification, the entries, the associations, in that order."""
    listing = etree.SubElement(parent, REGISTRY_OBJECT_LIST)
    ids = new_ids()
    add_submission_set(listing, submission.submission_set, ids)
    for entry in submission.entries:
        add_entry(listing, entry, ids)
    for association in submission.associations:
        add_association(listing, association)
    return listing


def add_submission_set(parent: etree._Element, value: SubmissionSet, ids: Iterator[int]) -> None:
    """The RegistryPackage, then the classification that makes it a submission set (dmp-interface c.2)."""
    owner = value.entry_uuid
    node = etree.SubElement(parent, REGISTRY_PACKAGE, _present(id=owner, status=value.status))
    add_slot(node, "submissionTime", (value.submission_time,))
    add_text(node, NAME, value.title)
    add_text(node, DESCRIPTION, value.comments)
    for author in value.authors:
        add_author(node, owner, c.SET_AUTHOR, author, ids)
    add_code(node, owner, c.SET_CONTENT_TYPE, value.content_type, ids)
    add_identifier(node, owner, c.SET_PATIENT_ID, "XDSSubmissionSet.patientId", value.patient_id, ids)
    add_identifier(node, owner, c.SET_SOURCE_ID, "XDSSubmissionSet.sourceId", value.source_id, ids)
    add_identifier(node, owner, c.SET_UNIQUE_ID, "XDSSubmissionSet.uniqueId", value.unique_id, ids)
    etree.SubElement(
        parent, CLASSIFICATION, id=f"cl{next(ids):03d}", classifiedObject=owner, classificationNode=c.SET_NODE
    )


def add_entry(parent: etree._Element, entry: DocumentEntry, ids: Iterator[int]) -> None:
    """The ExtrinsicObject of one document (dmp-interface c.3); empty attributes are not written."""
    owner = entry.entry_uuid
    attributes = _present(
        id=owner,
        lid=entry.logical_id,
        home=entry.home,
        objectType=entry.object_type,
        status=entry.status,
        mimeType=entry.mime_type,
    )
    node = etree.SubElement(parent, EXTRINSIC_OBJECT, attributes)
    for name, values in entry_slots(entry):
        add_slot(node, name, values)
    add_text(node, NAME, entry.title)
    add_text(node, DESCRIPTION, entry.comments)
    if entry.version:
        etree.SubElement(node, VERSION_INFO, versionName=entry.version)
    for author in entry.authors:
        add_author(node, owner, c.ENTRY_AUTHOR, author, ids)
    for scheme, attribute in DOCUMENT_CODES:
        add_code(node, owner, scheme, getattr(entry, attribute), ids)
    for code in entry.confidentiality:
        add_code(node, owner, c.ENTRY_CONFIDENTIALITY, code, ids)
    for code in entry.event_codes:
        add_code(node, owner, c.ENTRY_EVENT, code, ids)
    add_identifier(node, owner, c.ENTRY_PATIENT_ID, "XDSDocumentEntry.patientId", entry.patient_id, ids)
    add_identifier(node, owner, c.ENTRY_UNIQUE_ID, "XDSDocumentEntry.uniqueId", entry.unique_id, ids)


def entry_slots(entry: DocumentEntry) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every slot of an entry in the order written, the unknown ones last."""
    yield "creationTime", (entry.creation_time,)
    yield "languageCode", (entry.language,)
    yield "legalAuthenticator", (entry.legal_authenticator,)
    yield "serviceStartTime", (entry.service_start,)
    yield "serviceStopTime", (entry.service_stop,)
    yield "sourcePatientId", (entry.source_patient_id,)
    yield "sourcePatientInfo", entry.source_patient_info
    yield c.REFERENCE_ID_LIST, entry.reference_ids
    yield "hash", (entry.hash,)
    yield "size", ("" if entry.size is None else str(entry.size),)
    yield "repositoryUniqueId", (entry.repository_id,)
    yield "URI", (entry.uri,)
    yield from entry.extra_slots


def add_association(parent: etree._Element, value: Association) -> None:
    """source --type--> target with its slots (dmp-interface c.7)."""
    node = etree.SubElement(
        parent,
        ASSOCIATION,
        id=value.id,
        associationType=value.type,
        sourceObject=value.source,
        targetObject=value.target,
        objectType=c.ASSOCIATION_OBJECT,
    )
    for name, values in value.slots:
        add_slot(node, name, values)


def has_member(identifier: str, set_id: str, target: str) -> Association:
    """SubmissionSet → member submitted with it (ihe-rules D-34: SubmissionSetStatus Original)."""
    return Association(identifier, HAS_MEMBER, set_id, target, (("SubmissionSetStatus", ("Original",)),))


def _present(**attributes: str) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if value}

"""ebRIM to XDS metadata: one pass over each object, dispatch by tag and scheme, no XPath.

Tolerant by design: what is missing reads as "", unknown slots go to `extra_slots`, foreign elements are skipped.
Measured by benchmarks/xds_read.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

from connector.base.ns import RIM, q
from connector.xds import constants as c
from connector.xds.model import Association, Author, Code, DocumentEntry, Folder, SubmissionSet
from connector.xds.slots import (
    CLASSIFICATION,
    DESCRIPTION,
    EXTERNAL_IDENTIFIER,
    NAME,
    SLOT,
    VERSION_INFO,
    localized,
    read_author,
    read_code,
    slot_values,
)
from connector.xds.writer import ASSOCIATION, EXTRINSIC_OBJECT, REGISTRY_PACKAGE

OBJECT_REF = q(RIM, "ObjectRef")

_SINGLE_SLOTS = {
    "creationTime": "creation_time",
    "languageCode": "language",
    "legalAuthenticator": "legal_authenticator",
    "serviceStartTime": "service_start",
    "serviceStopTime": "service_stop",
    "sourcePatientId": "source_patient_id",
    "hash": "hash",
    "repositoryUniqueId": "repository_id",
    "URI": "uri",
}
_LIST_SLOTS = {"sourcePatientInfo": "source_patient_info", c.REFERENCE_ID_LIST: "reference_ids"}
_CODES = {
    c.ENTRY_CLASS: "class_code",
    c.ENTRY_TYPE: "type_code",
    c.ENTRY_FORMAT: "format_code",
    c.ENTRY_FACILITY_TYPE: "facility_type",
    c.ENTRY_PRACTICE_SETTING: "practice_setting",
}
_IDENTIFIERS = {c.ENTRY_UNIQUE_ID: "unique_id", c.ENTRY_PATIENT_ID: "patient_id"}


@dataclass(slots=True)
class RegistryObjects:
    """What a RegistryObjectList held; unknown objects are left out."""

    entries: list[DocumentEntry] = field(default_factory=list)
    submission_sets: list[SubmissionSet] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    associations: list[Association] = field(default_factory=list)
    references: list[str] = field(default_factory=list)


def read_objects(listing: etree._Element) -> RegistryObjects:
    """Everything of a RegistryObjectList."""
    found = RegistryObjects()
    for child in listing:
        tag = child.tag
        if tag == EXTRINSIC_OBJECT:
            found.entries.append(read_entry(child))
        elif tag == REGISTRY_PACKAGE:
            package = read_submission_set(child)
            if package is not None:
                found.submission_sets.append(package)
            elif (folder := read_folder(child)) is not None:
                found.folders.append(folder)
        elif tag == ASSOCIATION:
            found.associations.append(read_association(child))
        elif tag == OBJECT_REF:
            found.references.append(child.get("id") or "")
    return found


def read_entry(node: etree._Element) -> DocumentEntry:
    """One ExtrinsicObject. `size` that is not a number is kept in `extra_slots`."""
    get = node.get
    single: dict[str, str] = {}
    multiple: dict[str, tuple[str, ...]] = {}
    codes: dict[str, Code] = {}
    authors: list[Author] = []
    confidentiality: list[Code] = []
    events: list[Code] = []
    extra: list[tuple[str, tuple[str, ...]]] = []
    size: int | None = None
    for child in node:
        tag = child.tag
        if tag == SLOT:
            name = child.get("name") or ""
            values = slot_values(child)
            attribute = _SINGLE_SLOTS.get(name)
            if attribute is not None:
                if values and attribute not in single:
                    single[attribute] = values[0]
            elif name in _LIST_SLOTS:
                attribute = _LIST_SLOTS[name]
                multiple[attribute] = multiple.get(attribute, ()) + tuple(values)
            elif name == "size" and size is None and values and is_size(values[0]):
                size = int(values[0])
            elif values:
                extra.append((name, tuple(values)))
        elif tag == CLASSIFICATION:
            scheme = child.get("classificationScheme") or ""
            attribute = _CODES.get(scheme)
            if attribute is not None:
                codes.setdefault(attribute, read_code(child))
            elif scheme == c.ENTRY_CONFIDENTIALITY:
                confidentiality.append(read_code(child))
            elif scheme == c.ENTRY_AUTHOR:
                authors.append(read_author(child))
            elif scheme == c.ENTRY_EVENT:
                events.append(read_code(child))
        elif tag == EXTERNAL_IDENTIFIER:
            attribute = _IDENTIFIERS.get(child.get("identificationScheme") or "")
            if attribute is not None:
                single[attribute] = child.get("value") or ""
        elif tag == NAME:
            single["title"] = localized(child)
        elif tag == DESCRIPTION:
            single["comments"] = localized(child)
        elif tag == VERSION_INFO:
            single["version"] = child.get("versionName") or ""
    text = single.get
    return DocumentEntry(
        entry_uuid=get("id") or "",
        unique_id=text("unique_id", ""),
        patient_id=text("patient_id", ""),
        mime_type=get("mimeType") or "",
        class_code=codes.get("class_code"),
        type_code=codes.get("type_code"),
        format_code=codes.get("format_code"),
        facility_type=codes.get("facility_type"),
        practice_setting=codes.get("practice_setting"),
        confidentiality=tuple(confidentiality),
        creation_time=text("creation_time", ""),
        language=text("language", ""),
        source_patient_id=text("source_patient_id", ""),
        title=text("title", ""),
        comments=text("comments", ""),
        authors=tuple(authors),
        legal_authenticator=text("legal_authenticator", ""),
        event_codes=tuple(events),
        service_start=text("service_start", ""),
        service_stop=text("service_stop", ""),
        source_patient_info=multiple.get("source_patient_info", ()),
        reference_ids=multiple.get("reference_ids", ()),
        hash=text("hash", ""),
        size=size,
        repository_id=text("repository_id", ""),
        logical_id=get("lid") or "",
        version=text("version", ""),
        status=get("status") or "",
        uri=text("uri", ""),
        home=get("home") or "",
        object_type=get("objectType") or "",
        extra_slots=tuple(extra),
    )


def is_size(value: str) -> bool:
    """A size we can hold: 1 to 18 ASCII digits, so that no hostile number costs time."""
    return len(value) <= 18 and value.isascii() and value.isdigit()


def read_submission_set(node: etree._Element) -> SubmissionSet | None:
    """A RegistryPackage that carries a submission set's identifiers; None for a folder.

    The node classification may sit inside the package or beside it, so the identifiers decide.
    """
    identifiers: dict[str, str] = {}
    authors: list[Author] = []
    content_type: Code | None = None
    title = comments = submission_time = ""
    for child in node:
        tag = child.tag
        if tag == EXTERNAL_IDENTIFIER:
            identifiers[child.get("identificationScheme") or ""] = child.get("value") or ""
        elif tag == CLASSIFICATION:
            scheme = child.get("classificationScheme")
            if scheme == c.SET_AUTHOR:
                authors.append(read_author(child))
            elif scheme == c.SET_CONTENT_TYPE:
                content_type = read_code(child)
        elif tag == SLOT and child.get("name") == "submissionTime":
            submission_time = next(iter(slot_values(child)), "")
        elif tag == NAME:
            title = localized(child)
        elif tag == DESCRIPTION:
            comments = localized(child)
    if c.SET_UNIQUE_ID not in identifiers and c.SET_SOURCE_ID not in identifiers:
        return None
    return SubmissionSet(
        entry_uuid=node.get("id") or "",
        unique_id=identifiers.get(c.SET_UNIQUE_ID, ""),
        source_id=identifiers.get(c.SET_SOURCE_ID, ""),
        patient_id=identifiers.get(c.SET_PATIENT_ID, ""),
        submission_time=submission_time,
        content_type=content_type,
        authors=tuple(authors),
        title=title,
        comments=comments,
        status=node.get("status") or "",
    )


def read_folder(node: etree._Element) -> Folder | None:
    """A RegistryPackage that carries a folder's identifiers; None for anything else."""
    identifiers: dict[str, str] = {}
    codes: list[Code] = []
    title = comments = last_update = version = ""
    for child in node:
        tag = child.tag
        if tag == EXTERNAL_IDENTIFIER:
            identifiers[child.get("identificationScheme") or ""] = child.get("value") or ""
        elif tag == CLASSIFICATION and child.get("classificationScheme") == c.FOLDER_CODE:
            codes.append(read_code(child))
        elif tag == SLOT and child.get("name") == "lastUpdateTime":
            last_update = next(iter(slot_values(child)), "")
        elif tag == NAME:
            title = localized(child)
        elif tag == DESCRIPTION:
            comments = localized(child)
        elif tag == VERSION_INFO:
            version = child.get("versionName") or ""
    if c.FOLDER_UNIQUE_ID not in identifiers and c.FOLDER_PATIENT_ID not in identifiers:
        return None
    return Folder(
        entry_uuid=node.get("id") or "",
        unique_id=identifiers.get(c.FOLDER_UNIQUE_ID, ""),
        patient_id=identifiers.get(c.FOLDER_PATIENT_ID, ""),
        codes=tuple(codes),
        title=title,
        comments=comments,
        last_update=last_update,
        logical_id=node.get("lid") or "",
        version=version,
        status=node.get("status") or "",
        home=node.get("home") or "",
    )


def read_association(node: etree._Element) -> Association:
    slots = tuple((child.get("name") or "", tuple(slot_values(child))) for child in node if child.tag == SLOT)
    return Association(
        id=node.get("id") or "",
        type=node.get("associationType") or "",
        source=node.get("sourceObject") or "",
        target=node.get("targetObject") or "",
        slots=slots,
    )

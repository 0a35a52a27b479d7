"""XDS metadata as frozen values (ihe-rules D.2, dmp-interface c.2 to c.9).

Composite attributes (CX, XCN, XON) are kept as their HL7 text: the profile ('ihe' or 'dmp') decides their form.
Times are DTM digits in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
DEPRECATED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"
ARCHIVED = "urn:asip:ci-sis:2010:StatusType:Archived"
DELETED = "urn:asip:ci-sis:2010:StatusType:Deleted"

STATUS_SUCCESS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
STATUS_FAILURE = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"
STATUS_PARTIAL = "urn:ihe:iti:2007:ResponseStatusType:PartialSuccess"

HAS_MEMBER = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
RPLC = "urn:ihe:iti:2007:AssociationType:RPLC"
APND = "urn:ihe:iti:2007:AssociationType:APND"
XFRM = "urn:ihe:iti:2007:AssociationType:XFRM"
XFRM_RPLC = "urn:ihe:iti:2007:AssociationType:XFRM_RPLC"
SIGNS = "urn:ihe:iti:2007:AssociationType:signs"
UPDATE_STATUS = "urn:ihe:iti:2010:AssociationType:UpdateAvailabilityStatus"

STABLE = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
ON_DEMAND = "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"


@dataclass(frozen=True, slots=True)
class Code:
    """A coded attribute: nodeRepresentation, codingScheme slot, Name."""

    code: str
    scheme: str
    display: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Author:
    """One author classification; every value is the HL7 text of its slot."""

    person: str = ""
    institutions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    specialties: tuple[str, ...] = ()
    telecoms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class DocumentEntry:
    """An ExtrinsicObject. `entry_uuid` may be symbolic at submission; server-side fields are "" before."""

    entry_uuid: str
    unique_id: str
    patient_id: str
    mime_type: str
    class_code: Code | None
    type_code: Code | None
    format_code: Code | None
    facility_type: Code | None
    practice_setting: Code | None
    confidentiality: tuple[Code, ...]
    creation_time: str
    language: str
    source_patient_id: str
    title: str = ""
    comments: str = ""
    authors: tuple[Author, ...] = ()
    legal_authenticator: str = ""
    event_codes: tuple[Code, ...] = ()
    service_start: str = ""
    service_stop: str = ""
    source_patient_info: tuple[str, ...] = ()
    reference_ids: tuple[str, ...] = ()
    hash: str = ""
    size: int | None = None
    repository_id: str = ""
    logical_id: str = ""
    version: str = ""
    status: str = ""
    uri: str = ""
    home: str = ""
    object_type: str = STABLE
    extra_slots: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class SubmissionSet:
    """The RegistryPackage classified as submission set."""

    entry_uuid: str
    unique_id: str
    source_id: str
    patient_id: str
    submission_time: str
    content_type: Code | None
    authors: tuple[Author, ...] = ()
    title: str = ""
    comments: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Folder:
    """The RegistryPackage classified as folder; `last_update` is DTM digits in UTC."""

    entry_uuid: str
    unique_id: str
    patient_id: str
    codes: tuple[Code, ...] = ()
    title: str = ""
    comments: str = ""
    last_update: str = ""
    logical_id: str = ""
    version: str = ""
    status: str = ""
    home: str = ""


@dataclass(frozen=True, slots=True)
class Association:
    """source --type--> target, with its slots (SubmissionSetStatus…)."""

    id: str
    type: str
    source: str
    target: str
    slots: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """What one ITI-41 registers, or one ITI-57 changes."""

    submission_set: SubmissionSet
    entries: tuple[DocumentEntry, ...]
    associations: tuple[Association, ...]


@dataclass(frozen=True, slots=True)
class RegistryError:
    """One RegistryError, verbatim. `severity` is 'error' or 'warning'."""

    code: str
    context: str
    severity: str = "error"
    location: str = ""


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """ITI-18 answer: LeafClass objects, or references only."""

    status: str
    entries: tuple[DocumentEntry, ...] = ()
    references: tuple[str, ...] = ()
    submission_sets: tuple[SubmissionSet, ...] = ()
    folders: tuple[Folder, ...] = ()
    associations: tuple[Association, ...] = ()
    errors: tuple[RegistryError, ...] = ()

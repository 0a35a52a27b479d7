"""The stored queries of XDS.b as values: one class per query, one line per parameter (ihe-rules D.5, rows 1 to 14).

A tuple is an OR. A tuple of tuples is an AND of ORs: each inner one leaves as a slot of its own (D-90). Times are aware
datetimes, the lower bound inclusive, the upper exclusive (D-94). Patients are CX texts, written as the profile wants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Final

from connector.base.hl7time import utc_digits
from connector.xds import constants as c
from connector.xds.model import APPROVED, Code
from connector.xds.query_text import Profile, coded, patient_cx, quote, quoted_list


class Kind(Enum):
    """How a parameter is written: a patient's CX, one text, an OR, an AND of ORs, a time, a number."""

    PATIENT = "patient"
    TEXT = "text"
    TEXTS = "texts"
    CODES = "codes"
    TEXTS_AND = "texts and"
    CODES_AND = "codes and"
    TIME = "time"
    NUMBER = "number"


def slot(name: str, kind: Kind, *, required: bool = False) -> Mapping[str, Any]:
    """What a field is on the wire, kept in its metadata."""
    return {"slot": name, "kind": kind, "required": required}


_ENTRY: Final = "$XDSDocumentEntry"
_SET: Final = "$XDSSubmissionSet"
_FOLDER: Final = "$XDSFolder"

Codes = tuple[Code, ...]
Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """What all queries share. Raises ValueError when a required list is empty, or not exactly one of `choice` given.

    home    the community asked, `urn:oid:` + OID; "" outside cross-community exchanges (D-92)
    """

    query_id: ClassVar[str] = ""
    choice: ClassVar[Texts] = ()

    home: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        given = [name for name in self.choice if getattr(self, name)]
        if self.choice and len(given) != 1:
            raise ValueError(f"{type(self).__name__} wants {' or '.join(self.choice)}, not both")
        for item in fields(self):
            if item.metadata.get("required") and not getattr(self, item.name):
                raise ValueError(f"{type(self).__name__} wants {item.name}")

    def slots(self, profile: Profile) -> Iterator[tuple[str, list[str]]]:
        """Name and values of each slot, empty parameters left out."""
        for item in fields(self):
            if item.metadata:
                for values in _values(getattr(self, item.name), item.metadata["kind"], profile):
                    if values:
                        yield item.metadata["slot"], values


def _values(value: Any, kind: Kind, profile: Profile) -> Iterator[list[str]]:
    """The values of each slot of one parameter; more than one slot only for an AND."""
    match kind:
        case Kind.PATIENT:
            yield [quote(patient_cx(value, profile))] if value else []
        case Kind.TEXT:
            yield [quote(value)] if value else []
        case Kind.TEXTS:
            yield quoted_list(value)
        case Kind.CODES:
            yield quoted_list(coded(value))
        case Kind.TEXTS_AND:
            yield from (quoted_list(alternatives) for alternatives in value)
        case Kind.CODES_AND:
            yield from (quoted_list(coded(alternatives)) for alternatives in value)
        case Kind.TIME:
            yield [utc_digits(value)] if value is not None else []
        case Kind.NUMBER:
            yield [str(value)] if value is not None else []


@dataclass(frozen=True, slots=True)
class FindDocuments(StoredQuery):
    """Documents of one patient; None as patient lets the DMP take the INS of the VIHF (RG_3010)."""

    query_id: ClassVar[str] = c.FIND_DOCUMENTS

    patient_id: str | None = field(metadata=slot(f"{_ENTRY}PatientId", Kind.PATIENT))
    statuses: Texts = field(default=(APPROVED,), metadata=slot(f"{_ENTRY}Status", Kind.TEXTS, required=True))
    created_from: datetime | None = field(default=None, metadata=slot(f"{_ENTRY}CreationTimeFrom", Kind.TIME))
    created_to: datetime | None = field(default=None, metadata=slot(f"{_ENTRY}CreationTimeTo", Kind.TIME))
    service_start_from: datetime | None = field(default=None, metadata=slot(f"{_ENTRY}ServiceStartTimeFrom", Kind.TIME))
    service_start_to: datetime | None = field(default=None, metadata=slot(f"{_ENTRY}ServiceStartTimeTo", Kind.TIME))
    service_stop_from: datetime | None = field(default=None, metadata=slot(f"{_ENTRY}ServiceStopTimeFrom", Kind.TIME))
    service_stop_to: datetime | None = field(default=None, metadata=slot(f"{_ENTRY}ServiceStopTimeTo", Kind.TIME))
    class_codes: Codes = field(default=(), metadata=slot(f"{_ENTRY}ClassCode", Kind.CODES))
    type_codes: Codes = field(default=(), metadata=slot(f"{_ENTRY}TypeCode", Kind.CODES))
    practice_settings: Codes = field(default=(), metadata=slot(f"{_ENTRY}PracticeSettingCode", Kind.CODES))
    facility_types: Codes = field(default=(), metadata=slot(f"{_ENTRY}HealthcareFacilityTypeCode", Kind.CODES))
    format_codes: Codes = field(default=(), metadata=slot(f"{_ENTRY}FormatCode", Kind.CODES))
    event_codes: tuple[Codes, ...] = field(default=(), metadata=slot(f"{_ENTRY}EventCodeList", Kind.CODES_AND))
    confidentiality: tuple[Codes, ...] = field(
        default=(), metadata=slot(f"{_ENTRY}ConfidentialityCode", Kind.CODES_AND)
    )
    authors: Texts = field(default=(), metadata=slot(f"{_ENTRY}AuthorPerson", Kind.TEXTS))
    entry_types: Texts = field(default=(), metadata=slot(f"{_ENTRY}Type", Kind.TEXTS))
    metadata_level: int | None = field(default=None, metadata=slot("$MetadataLevel", Kind.NUMBER))


@dataclass(frozen=True, slots=True)
class FindDocumentsByReferenceId(FindDocuments):
    """As FindDocuments, for documents that name a reference: an order, an accession number, a study (CXi texts)."""

    query_id: ClassVar[str] = c.FIND_DOCUMENTS_BY_REFERENCE_ID

    reference_ids: tuple[Texts, ...] = field(
        default=(), metadata=slot(f"{_ENTRY}ReferenceIdList", Kind.TEXTS_AND, required=True)
    )


@dataclass(frozen=True, slots=True)
class FindSubmissionSets(StoredQuery):
    """Submission sets of one patient; `author` may hold `%` as in SQL."""

    query_id: ClassVar[str] = c.FIND_SUBMISSION_SETS

    patient_id: str | None = field(metadata=slot(f"{_SET}PatientId", Kind.PATIENT))
    statuses: Texts = field(default=(APPROVED,), metadata=slot(f"{_SET}Status", Kind.TEXTS, required=True))
    source_ids: Texts = field(default=(), metadata=slot(f"{_SET}SourceId", Kind.TEXTS))
    submitted_from: datetime | None = field(default=None, metadata=slot(f"{_SET}SubmissionTimeFrom", Kind.TIME))
    submitted_to: datetime | None = field(default=None, metadata=slot(f"{_SET}SubmissionTimeTo", Kind.TIME))
    author: str = field(default="", metadata=slot(f"{_SET}AuthorPerson", Kind.TEXT))
    content_types: Codes = field(default=(), metadata=slot(f"{_SET}ContentType", Kind.CODES))


@dataclass(frozen=True, slots=True)
class FindFolders(StoredQuery):
    """Folders of one patient."""

    query_id: ClassVar[str] = c.FIND_FOLDERS

    patient_id: str | None = field(metadata=slot(f"{_FOLDER}PatientId", Kind.PATIENT))
    statuses: Texts = field(default=(APPROVED,), metadata=slot(f"{_FOLDER}Status", Kind.TEXTS, required=True))
    updated_from: datetime | None = field(default=None, metadata=slot(f"{_FOLDER}LastUpdateTimeFrom", Kind.TIME))
    updated_to: datetime | None = field(default=None, metadata=slot(f"{_FOLDER}LastUpdateTimeTo", Kind.TIME))
    codes: tuple[Codes, ...] = field(default=(), metadata=slot(f"{_FOLDER}CodeList", Kind.CODES_AND))


@dataclass(frozen=True, slots=True)
class GetAll(StoredQuery):
    """Everything the registry has of one patient."""

    query_id: ClassVar[str] = c.GET_ALL

    patient_id: str | None = field(metadata=slot("$patientId", Kind.PATIENT))
    statuses: Texts = field(default=(APPROVED,), metadata=slot(f"{_ENTRY}Status", Kind.TEXTS, required=True))
    set_statuses: Texts = field(default=(APPROVED,), metadata=slot(f"{_SET}Status", Kind.TEXTS, required=True))
    folder_statuses: Texts = field(default=(APPROVED,), metadata=slot(f"{_FOLDER}Status", Kind.TEXTS, required=True))
    format_codes: Codes = field(default=(), metadata=slot(f"{_ENTRY}FormatCode", Kind.CODES))
    confidentiality: tuple[Codes, ...] = field(
        default=(), metadata=slot(f"{_ENTRY}ConfidentialityCode", Kind.CODES_AND)
    )
    entry_types: Texts = field(default=(), metadata=slot(f"{_ENTRY}Type", Kind.TEXTS))


@dataclass(frozen=True, slots=True)
class GetDocuments(StoredQuery):
    """Documents by uniqueId, entryUUID or logical id: exactly one of them (ihe-rules D-85)."""

    query_id: ClassVar[str] = c.GET_DOCUMENTS
    choice: ClassVar[Texts] = ("unique_ids", "entry_uuids", "logical_ids")

    unique_ids: Texts = field(default=(), metadata=slot(f"{_ENTRY}UniqueId", Kind.TEXTS))
    entry_uuids: Texts = field(default=(), metadata=slot(f"{_ENTRY}EntryUUID", Kind.TEXTS))
    logical_ids: Texts = field(default=(), metadata=slot(f"{_ENTRY}LogicalID", Kind.TEXTS))
    metadata_level: int | None = field(default=None, metadata=slot("$MetadataLevel", Kind.NUMBER))


@dataclass(frozen=True, slots=True)
class GetFolders(StoredQuery):
    """Folders by entryUUID, uniqueId or logical id: exactly one of them."""

    query_id: ClassVar[str] = c.GET_FOLDERS
    choice: ClassVar[Texts] = ("entry_uuids", "unique_ids", "logical_ids")

    entry_uuids: Texts = field(default=(), metadata=slot(f"{_FOLDER}EntryUUID", Kind.TEXTS))
    unique_ids: Texts = field(default=(), metadata=slot(f"{_FOLDER}UniqueId", Kind.TEXTS))
    logical_ids: Texts = field(default=(), metadata=slot(f"{_FOLDER}LogicalID", Kind.TEXTS))


@dataclass(frozen=True, slots=True)
class GetAssociations(StoredQuery):
    """Associations from or to any of these objects."""

    query_id: ClassVar[str] = c.GET_ASSOCIATIONS

    uuids: Texts = field(metadata=slot("$uuid", Kind.TEXTS, required=True))


@dataclass(frozen=True, slots=True)
class GetDocumentsAndAssociations(StoredQuery):
    """Documents by entryUUID or uniqueId, with the associations they are in."""

    query_id: ClassVar[str] = c.GET_DOCUMENTS_AND_ASSOCIATIONS
    choice: ClassVar[Texts] = ("entry_uuids", "unique_ids")

    entry_uuids: Texts = field(default=(), metadata=slot(f"{_ENTRY}EntryUUID", Kind.TEXTS))
    unique_ids: Texts = field(default=(), metadata=slot(f"{_ENTRY}UniqueId", Kind.TEXTS))


@dataclass(frozen=True, slots=True)
class GetSubmissionSets(StoredQuery):
    """The sets that hold any of these documents or folders."""

    query_id: ClassVar[str] = c.GET_SUBMISSION_SETS

    uuids: Texts = field(metadata=slot("$uuid", Kind.TEXTS, required=True))


@dataclass(frozen=True, slots=True)
class GetSubmissionSetAndContents(StoredQuery):
    """One set, by entryUUID or uniqueId, with what it submitted."""

    query_id: ClassVar[str] = c.GET_SUBMISSION_SET_AND_CONTENTS
    choice: ClassVar[Texts] = ("entry_uuid", "unique_id")

    entry_uuid: str = field(default="", metadata=slot(f"{_SET}EntryUUID", Kind.TEXT))
    unique_id: str = field(default="", metadata=slot(f"{_SET}UniqueId", Kind.TEXT))
    format_codes: Codes = field(default=(), metadata=slot(f"{_ENTRY}FormatCode", Kind.CODES))
    confidentiality: tuple[Codes, ...] = field(
        default=(), metadata=slot(f"{_ENTRY}ConfidentialityCode", Kind.CODES_AND)
    )
    entry_types: Texts = field(default=(), metadata=slot(f"{_ENTRY}Type", Kind.TEXTS))


@dataclass(frozen=True, slots=True)
class GetFolderAndContents(StoredQuery):
    """One folder, by entryUUID or uniqueId, with the documents in it."""

    query_id: ClassVar[str] = c.GET_FOLDER_AND_CONTENTS
    choice: ClassVar[Texts] = ("entry_uuid", "unique_id")

    entry_uuid: str = field(default="", metadata=slot(f"{_FOLDER}EntryUUID", Kind.TEXT))
    unique_id: str = field(default="", metadata=slot(f"{_FOLDER}UniqueId", Kind.TEXT))
    format_codes: Codes = field(default=(), metadata=slot(f"{_ENTRY}FormatCode", Kind.CODES))
    confidentiality: tuple[Codes, ...] = field(
        default=(), metadata=slot(f"{_ENTRY}ConfidentialityCode", Kind.CODES_AND)
    )
    entry_types: Texts = field(default=(), metadata=slot(f"{_ENTRY}Type", Kind.TEXTS))


@dataclass(frozen=True, slots=True)
class GetFoldersForDocument(StoredQuery):
    """The folders one document is in, by its entryUUID or uniqueId."""

    query_id: ClassVar[str] = c.GET_FOLDERS_FOR_DOCUMENT
    choice: ClassVar[Texts] = ("entry_uuid", "unique_id")

    entry_uuid: str = field(default="", metadata=slot(f"{_ENTRY}EntryUUID", Kind.TEXT))
    unique_id: str = field(default="", metadata=slot(f"{_ENTRY}UniqueId", Kind.TEXT))


@dataclass(frozen=True, slots=True)
class GetRelatedDocuments(StoredQuery):
    """Documents tied to one document by associations of these types (URNs)."""

    query_id: ClassVar[str] = c.GET_RELATED_DOCUMENTS
    choice: ClassVar[Texts] = ("entry_uuid", "unique_id")

    association_types: Texts = field(metadata=slot("$AssociationTypes", Kind.TEXTS, required=True))
    entry_uuid: str = field(default="", metadata=slot(f"{_ENTRY}EntryUUID", Kind.TEXT))
    unique_id: str = field(default="", metadata=slot(f"{_ENTRY}UniqueId", Kind.TEXT))
    entry_types: Texts = field(default=(), metadata=slot(f"{_ENTRY}Type", Kind.TEXTS))


QUERIES: Final[tuple[type[StoredQuery], ...]] = (
    FindDocuments,
    FindSubmissionSets,
    FindFolders,
    GetAll,
    GetDocuments,
    GetFolders,
    GetAssociations,
    GetDocumentsAndAssociations,
    GetSubmissionSets,
    GetSubmissionSetAndContents,
    GetFolderAndContents,
    GetFoldersForDocument,
    GetRelatedDocuments,
    FindDocumentsByReferenceId,
)
"""In the order of ihe-rules D.5."""

"""The fourteen stored queries of ITI-18 as data (ihe-rules D.5): which parameters, how many values, which exclude.

Names and ids are the standard's; nothing here reads or judges (see query.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "code", "time", "status", "patient", "number"]

D = "$XDSDocumentEntry"
S = "$XDSSubmissionSet"
F = "$XDSFolder"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a stored query.

    required  must be there; `dmp_optional`: not in France, where the assertion names the patient (RG_3010, a.8)
    many      a list in parentheses, possibly over several Values: OR
    repeats   may come as several slots: AND between them (D-90)
    """

    name: str
    kind: Kind = "text"
    required: bool = False
    many: bool = False
    repeats: bool = False
    dmp_optional: bool = False


@dataclass(frozen=True, slots=True)
class StoredQuery:
    """`one_of`: exactly one of these parameters must be there (empty: no such condition)."""

    id: str
    name: str
    parameters: tuple[Parameter, ...]
    one_of: tuple[str, ...] = ()

    def parameter(self, name: str) -> Parameter | None:
        return next((item for item in self.parameters if item.name == name), None)


def _window(prefix: str, *stems: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(f"{prefix}{stem}{side}", "time") for stem in stems for side in ("From", "To"))


def _patient(name: str) -> Parameter:
    return Parameter(name, "patient", required=True, dmp_optional=True)


def _status(prefix: str) -> Parameter:
    return Parameter(prefix + "Status", "status", required=True, many=True)


def _lists(prefix: str, *stems: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(prefix + stem, many=True) for stem in stems)


_CONFIDENTIALITY = Parameter(D + "ConfidentialityCode", "code", many=True, repeats=True)
_FORMAT = Parameter(D + "FormatCode", "code", many=True)
_TYPE = Parameter(D + "Type", many=True)
_UUIDS = Parameter("$uuid", required=True, many=True)
_LEVEL = Parameter("$MetadataLevel", "number")
_CONTENT_FILTERS = (_FORMAT, _CONFIDENTIALITY, _TYPE)

_DOCUMENT_FILTERS = (
    _patient(D + "PatientId"),
    _status(D),
    *(
        Parameter(D + stem, "code", many=True)
        for stem in ("ClassCode", "TypeCode", "PracticeSettingCode", "HealthcareFacilityTypeCode")
    ),
    _FORMAT,
    Parameter(D + "EventCodeList", "code", many=True, repeats=True),
    _CONFIDENTIALITY,
    *_window(D, "CreationTime", "ServiceStartTime", "ServiceStopTime"),
    Parameter(D + "AuthorPerson", many=True),
    _TYPE,
    _LEVEL,
)

FIND_DOCUMENTS = StoredQuery("urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d", "FindDocuments", _DOCUMENT_FILTERS)
FIND_SUBMISSION_SETS = StoredQuery(
    "urn:uuid:f26abbcb-ac74-4422-8a30-edb644bbc1a9",
    "FindSubmissionSets",
    (
        _patient(S + "PatientId"),
        Parameter(S + "SourceId", many=True),
        *_window(S, "SubmissionTime"),
        Parameter(S + "AuthorPerson"),
        Parameter(S + "ContentType", "code", many=True),
        _status(S),
    ),
)
FIND_FOLDERS = StoredQuery(
    "urn:uuid:958f3006-baad-4929-a4de-ff1114824431",
    "FindFolders",
    (
        _patient(F + "PatientId"),
        *_window(F, "LastUpdateTime"),
        Parameter(F + "CodeList", "code", many=True, repeats=True),
        _status(F),
    ),
)
GET_ALL = StoredQuery(
    "urn:uuid:10b545ea-725c-446d-9b95-8aeb444eddf3",
    "GetAll",
    (_patient("$patientId"), _status(D), _status(S), _status(F), *_CONTENT_FILTERS),
)
GET_DOCUMENTS = StoredQuery(
    "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4",
    "GetDocuments",
    (*_lists(D, "EntryUUID", "UniqueId", "LogicalID"), _LEVEL),
    one_of=(D + "EntryUUID", D + "UniqueId", D + "LogicalID"),
)
GET_FOLDERS = StoredQuery(
    "urn:uuid:5737b14c-8a1a-4539-b659-e03a34a5e1e4",
    "GetFolders",
    _lists(F, "EntryUUID", "UniqueId", "LogicalID"),
    one_of=(F + "EntryUUID", F + "UniqueId", F + "LogicalID"),
)
GET_ASSOCIATIONS = StoredQuery("urn:uuid:a7ae438b-4bc2-4642-93e9-be891f7bb155", "GetAssociations", (_UUIDS,))
GET_DOCUMENTS_AND_ASSOCIATIONS = StoredQuery(
    "urn:uuid:bab9529a-4a10-40b3-a01f-f68a615d247a",
    "GetDocumentsAndAssociations",
    _lists(D, "EntryUUID", "UniqueId"),
    one_of=(D + "EntryUUID", D + "UniqueId"),
)
GET_SUBMISSION_SETS = StoredQuery("urn:uuid:51224314-5390-4169-9b91-b1980040715a", "GetSubmissionSets", (_UUIDS,))
GET_SUBMISSION_SET_AND_CONTENTS = StoredQuery(
    "urn:uuid:e8e3cb2c-e39c-46b9-99e4-c12f57260b83",
    "GetSubmissionSetAndContents",
    (Parameter(S + "EntryUUID"), Parameter(S + "UniqueId"), *_CONTENT_FILTERS),
    one_of=(S + "EntryUUID", S + "UniqueId"),
)
GET_FOLDER_AND_CONTENTS = StoredQuery(
    "urn:uuid:b909a503-523d-4517-8acf-8e5834dfc4c7",
    "GetFolderAndContents",
    (Parameter(F + "EntryUUID"), Parameter(F + "UniqueId"), *_CONTENT_FILTERS),
    one_of=(F + "EntryUUID", F + "UniqueId"),
)
GET_FOLDERS_FOR_DOCUMENT = StoredQuery(
    "urn:uuid:10cae35a-c7f9-4cf5-b61e-fc3278ffb578",
    "GetFoldersForDocument",
    (Parameter(D + "EntryUUID"), Parameter(D + "UniqueId")),
    one_of=(D + "EntryUUID", D + "UniqueId"),
)
GET_RELATED_DOCUMENTS = StoredQuery(
    "urn:uuid:d90e5407-b356-4d91-a89f-873917b4b0e6",
    "GetRelatedDocuments",
    (
        Parameter(D + "EntryUUID"),
        Parameter(D + "UniqueId"),
        Parameter("$AssociationTypes", required=True, many=True),
        _TYPE,
    ),
    one_of=(D + "EntryUUID", D + "UniqueId"),
)
FIND_BY_REFERENCE = StoredQuery(
    "urn:uuid:12941a89-e02e-4be5-967c-ce4bfc8fe492",
    "FindDocumentsByReferenceId",
    (*_DOCUMENT_FILTERS, Parameter(D + "ReferenceIdList", required=True, many=True, repeats=True)),
)

QUERIES: Mapping[str, StoredQuery] = {
    query.id: query
    for query in (
        FIND_DOCUMENTS,
        FIND_SUBMISSION_SETS,
        FIND_FOLDERS,
        GET_ALL,
        GET_DOCUMENTS,
        GET_FOLDERS,
        GET_ASSOCIATIONS,
        GET_DOCUMENTS_AND_ASSOCIATIONS,
        GET_SUBMISSION_SETS,
        GET_SUBMISSION_SET_AND_CONTENTS,
        GET_FOLDER_AND_CONTENTS,
        GET_FOLDERS_FOR_DOCUMENT,
        GET_RELATED_DOCUMENTS,
        FIND_BY_REFERENCE,
    )
}
"""By id, in the order of D.5 rows 1 to 14."""

OTHER_TRANSACTIONS: Mapping[str, str] = {
    "urn:uuid:3d1bdb10-39a2-11de-89c2-2f44d94eaa9f": "FindDocumentsForMultiplePatients",
    "urn:uuid:50d3f5ac-39a2-11de-a1ca-b366239e58df": "FindFoldersForMultiplePatients",
    "urn:uuid:1191642d-86c4-42d8-b784-f95445f9f0d5": "FindDocumentsByReferenceIdForMultiplePatients",
}
"""Queries that exist, in ITI-51 only (D-81)."""

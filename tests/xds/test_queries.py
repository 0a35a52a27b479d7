"""The fourteen stored queries: their identifiers, each parameter as it leaves, and what a query refuses to be."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.base.errors import CodecError, SettingsError
from connector.base.ns import RIM, q
from connector.xds import queries
from connector.xds.iti18 import build_query
from connector.xds.model import APPROVED, DEPRECATED, HAS_MEMBER, RPLC, Code
from connector.xds.queries import QUERIES, Kind, StoredQuery
from connector.xds.query_params import make_query, parameter_names, query_named
from connector.xds.query_text import quoted_list, read_code, read_texts
from tests.xds.samples import PATIENT
from tests.xds.test_requests import slots

TABLE = {
    "FindDocuments": (
        "14d4debf-8f97-4251-9a74-a90016b0af0d",
        "PatientId Status ClassCode TypeCode PracticeSettingCode HealthcareFacilityTypeCode FormatCode EventCodeList "
        "ConfidentialityCode CreationTimeFrom CreationTimeTo ServiceStartTimeFrom ServiceStartTimeTo "
        "ServiceStopTimeFrom ServiceStopTimeTo AuthorPerson Type $MetadataLevel",
    ),
    "FindSubmissionSets": (
        "f26abbcb-ac74-4422-8a30-edb644bbc1a9",
        "$XDSSubmissionSetPatientId $XDSSubmissionSetSourceId $XDSSubmissionSetSubmissionTimeFrom "
        "$XDSSubmissionSetSubmissionTimeTo $XDSSubmissionSetAuthorPerson $XDSSubmissionSetContentType "
        "$XDSSubmissionSetStatus",
    ),
    "FindFolders": (
        "958f3006-baad-4929-a4de-ff1114824431",
        "$XDSFolderPatientId $XDSFolderLastUpdateTimeFrom $XDSFolderLastUpdateTimeTo $XDSFolderCodeList "
        "$XDSFolderStatus",
    ),
    "GetAll": (
        "10b545ea-725c-446d-9b95-8aeb444eddf3",
        "$patientId Status $XDSSubmissionSetStatus $XDSFolderStatus FormatCode ConfidentialityCode Type",
    ),
    "GetDocuments": ("5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4", "EntryUUID UniqueId LogicalID $MetadataLevel"),
    "GetFolders": (
        "5737b14c-8a1a-4539-b659-e03a34a5e1e4",
        "$XDSFolderEntryUUID $XDSFolderUniqueId $XDSFolderLogicalID",
    ),
    "GetAssociations": ("a7ae438b-4bc2-4642-93e9-be891f7bb155", "$uuid"),
    "GetDocumentsAndAssociations": ("bab9529a-4a10-40b3-a01f-f68a615d247a", "EntryUUID UniqueId"),
    "GetSubmissionSets": ("51224314-5390-4169-9b91-b1980040715a", "$uuid"),
    "GetSubmissionSetAndContents": (
        "e8e3cb2c-e39c-46b9-99e4-c12f57260b83",
        "$XDSSubmissionSetEntryUUID $XDSSubmissionSetUniqueId FormatCode ConfidentialityCode Type",
    ),
    "GetFolderAndContents": (
        "b909a503-523d-4517-8acf-8e5834dfc4c7",
        "$XDSFolderEntryUUID $XDSFolderUniqueId FormatCode ConfidentialityCode Type",
    ),
    "GetFoldersForDocument": ("10cae35a-c7f9-4cf5-b61e-fc3278ffb578", "EntryUUID UniqueId"),
    "GetRelatedDocuments": ("d90e5407-b356-4d91-a89f-873917b4b0e6", "EntryUUID UniqueId $AssociationTypes Type"),
    "FindDocumentsByReferenceId": (
        "12941a89-e02e-4be5-967c-ce4bfc8fe492",
        "PatientId Status ClassCode TypeCode PracticeSettingCode HealthcareFacilityTypeCode FormatCode EventCodeList "
        "ConfidentialityCode CreationTimeFrom CreationTimeTo ServiceStartTimeFrom ServiceStartTimeTo "
        "ServiceStopTimeFrom ServiceStopTimeTo AuthorPerson Type $MetadataLevel ReferenceIdList",
    ),
}
"""ihe-rules D.5, written again by hand; a bare name begins with $XDSDocumentEntry."""


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.__name__)
def test_each_query_has_its_identifier_and_every_parameter(query: type[StoredQuery]) -> None:
    identifier, names = TABLE[query.__name__]
    assert query.query_id == f"urn:uuid:{identifier}"
    expected = {name if name.startswith("$") else f"$XDSDocumentEntry{name}" for name in names.split()}
    assert set(parameter_names(query)) == expected


def test_the_fourteen_are_there_once() -> None:
    assert len(TABLE) == len(QUERIES) == len({query.query_id for query in QUERIES}) == 14


VALUES: dict[Kind, tuple[Any, str]] = {
    Kind.PATIENT: (PATIENT, "'279035121518989^^^&1.2.250.1.213.1.4.10&ISO'"),
    Kind.TEXT: ("O'Neill%", "'O''Neill%'"),
    Kind.TEXTS: (("a", "b"), "('a','b')"),
    Kind.CODES: ((Code("c", "1.2"), Code("d", "1.2")), "('c^^1.2','d^^1.2')"),
    Kind.TEXTS_AND: ((("a",), ("b", "c")), "('a')|('b','c')"),
    Kind.CODES_AND: (((Code("c", "1.2"),), (Code("d", "1.2"),)), "('c^^1.2')|('d^^1.2')"),
}
"""A value of each kind, and what leaves in the IHE profile (slots of an AND parted by a bar)."""


def full(query: type[StoredQuery]) -> list[tuple[str, str, str]]:
    """(field, name, value expected) of every parameter that can stand together with the others."""
    chosen = query.choice[:1]
    return [
        (item.name, item.metadata["slot"], VALUES[item.metadata["kind"]][1])
        for item in fields(query)
        if item.metadata and item.metadata["kind"] in VALUES and item.name not in set(query.choice) - set(chosen)
    ]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.__name__)
def test_every_parameter_leaves_as_its_kind_wants(query: type[StoredQuery]) -> None:
    kinds = {item.name: item.metadata["kind"] for item in fields(query) if item.metadata}
    wanted = full(query)
    built = build_query(query(**{name: VALUES[kinds[name]][0] for name, _, _ in wanted}), profile="ihe")
    found: dict[str, str] = {}
    for name, values in slots(built):
        found[name] = f"{found[name]}|{','.join(values)}" if name in found else ",".join(values)
    assert found == {slot: value for _, slot, value in wanted}


@pytest.mark.parametrize("query", [query for query in QUERIES if query.choice], ids=lambda query: query.__name__)
def test_exactly_one_identifier_and_not_two(query: type[StoredQuery]) -> None:
    rest: dict[str, Any] = {"association_types": (RPLC,)} if query is queries.GetRelatedDocuments else {}
    kinds = {item.name: item.metadata["kind"] for item in fields(query) if item.metadata}
    with pytest.raises(ValueError, match="not both"):
        query(**rest)
    with pytest.raises(ValueError, match="not both"):
        query(**rest, **{name: VALUES[kinds[name]][0] for name in query.choice[:2]})


@pytest.mark.parametrize(
    ("query", "given"),
    [
        (queries.FindDocuments, {"patient_id": PATIENT, "statuses": ()}),
        (queries.FindDocumentsByReferenceId, {"patient_id": PATIENT}),
        (queries.GetAll, {"patient_id": PATIENT, "folder_statuses": ()}),
        (queries.GetAssociations, {"uuids": ()}),
        (queries.GetRelatedDocuments, {"association_types": (), "unique_id": "1.2"}),
    ],
)
def test_a_required_list_is_not_empty(query: type[StoredQuery], given: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match="wants"):
        query(**given)


def test_the_community_asked_is_an_attribute_of_the_query() -> None:
    root = build_query(queries.GetDocuments(unique_ids=("1.2",), home="urn:oid:1.2.3"))
    assert root[1].get("home") == "urn:oid:1.2.3"
    assert root[1].tag == q(RIM, "AdhocQuery")


# -- from names and texts ----------------------------------------------------------------------------------------------


def wire(name: str, *params: tuple[str, str]) -> list[tuple[str, list[str]]]:
    return slots(build_query(make_query(query_named(name), params), profile="ihe"))


def test_parameters_as_a_request_writes_them_and_as_a_person_does() -> None:
    person = (("XDSDocumentEntryPatientId", PATIENT), ("xdsdocumententrystatus", "Approved"))
    request = (
        ("$XDSDocumentEntryPatientId", f"'{PATIENT}'"),
        ("$XDSDocumentEntryStatus", f"('{APPROVED}')"),
    )
    assert wire("finddocuments", *person) == wire("FindDocuments", *request)


def test_what_is_given_again_is_an_or_or_an_and() -> None:
    found = wire(
        "FindDocuments",
        ("$XDSDocumentEntryPatientId", PATIENT),
        ("$XDSDocumentEntryStatus", "approved"),
        ("$XDSDocumentEntryStatus", "deprecated"),
        ("$XDSDocumentEntryEventCodeList", "('CT^^1.2', 'MR^^1.2')"),
        ("$XDSDocumentEntryEventCodeList", "IMP^^1.3"),
        ("$XDSDocumentEntryCreationTimeFrom", "20260101"),
        ("$MetadataLevel", "1"),
    )
    assert ("$XDSDocumentEntryStatus", [f"('{APPROVED}','{DEPRECATED}')"]) in found
    assert ("$XDSDocumentEntryCreationTimeFrom", ["20260101000000"]) in found
    assert ("$MetadataLevel", ["1"]) in found
    events = [values for name, values in found if name == "$XDSDocumentEntryEventCodeList"]
    assert events == [["('CT^^1.2','MR^^1.2')"], ["('IMP^^1.3')"]]


def test_short_names_of_associations_and_types() -> None:
    found = wire(
        "GetRelatedDocuments",
        ("$XDSDocumentEntryUniqueId", "1.2"),
        ("$AssociationTypes", "RPLC"),
        ("$AssociationTypes", "HasMember"),
        ("$XDSDocumentEntryType", "stable"),
    )
    assert ("$AssociationTypes", [f"('{RPLC}','{HAS_MEMBER}')"]) in found
    assert ("$XDSDocumentEntryType", ["('urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1')"]) in found


@pytest.mark.parametrize(
    ("query", "params", "name"),
    [
        ("FindEverything", (), "--query"),
        ("FindDocuments", (("$XDSFolderStatus", "approved"),), "--param"),
        ("FindDocuments", (), "$XDSDocumentEntryPatientId"),
        ("FindDocuments", (("$XDSDocumentEntryClassCode", "10"),), "$XDSDocumentEntryClassCode"),
        ("FindDocuments", (("$XDSDocumentEntryClassCode", "('10^^1.2'"),), "$XDSDocumentEntryClassCode"),
        ("FindDocuments", (("$XDSDocumentEntryCreationTimeTo", "soon"),), "$XDSDocumentEntryCreationTimeTo"),
        ("FindDocuments", (("$MetadataLevel", "one"),), "$MetadataLevel"),
        ("FindDocuments", (("$XDSDocumentEntryPatientId", "('a','b')"),), "$XDSDocumentEntryPatientId"),
        ("GetDocuments", (), "GetDocuments"),
        ("GetAssociations", (), "GetAssociations"),
    ],
)
def test_what_cannot_be_a_query_is_named(query: str, params: tuple[tuple[str, str], ...], name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        make_query(query_named(query), params)
    assert refused.value.context["name"] == name


@given(st.lists(st.text(alphabet="ab'\u00e9, ()", max_size=12), min_size=1, max_size=12))
def test_what_is_written_as_a_list_reads_back(items: list[str]) -> None:
    assert [text for value in quoted_list(items) for text in read_texts(value)] == items


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader_of_lists(text: str) -> None:
    for read in (read_texts, read_code):
        with suppress(CodecError):
            read(text)

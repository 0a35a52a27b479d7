"""Each rule of an ITI-18 and an ITI-43: good request, one mistake, that rule alone (ihe-rules D.3, D.4, D.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from connector.base.ns import QUERY, RIM, XDSB, q
from connector.rules.case import apply
from connector.rules.model import Slot
from connector.rules.query import QUERY_RULES, QueryRequest, judge_query
from connector.rules.query_shapes import OTHER_TRANSACTIONS, QUERIES, Parameter, StoredQuery
from connector.rules.retrieve import RETRIEVE_RULES
from connector.simulator.request_reader import read_query_request, read_retrieve_request
from connector.xds.iti18 import build_query
from connector.xds.model import Code
from connector.xds.queries import QUERIES as CLIENT_QUERIES
from connector.xds.queries import Kind
from connector.xds.queries import StoredQuery as ClientQuery
from connector.xds.query_text import Profile
from tests.rules.sample import CX, ENTRY_UUID, OID, SAMPLES, new_slot, remove

P = "$XDSDocumentEntry"
ERROR, NUMBER = "XDSRegistryError", "XDSStoredQueryParamNumber"
GET_DOCUMENTS = "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"
Change = Callable[[etree._Element], object]


def query(profile: str) -> etree._Element:
    return etree.fromstring((SAMPLES / f"iti18-{profile}.xml").read_bytes())


def adhoc(root: etree._Element) -> etree._Element:
    found = root.find(q(RIM, "AdhocQuery"))
    assert found is not None
    return found


def slot(root: etree._Element, name: str) -> etree._Element:
    return next(item for item in adhoc(root) if item.get("name") == name)


def put(name: str, *values: str) -> Change:
    """One more slot, or the same one with other values."""

    def change(root: etree._Element) -> None:
        for item in [item for item in adhoc(root) if item.get("name") == name]:
            adhoc(root).remove(item)
        adhoc(root).append(new_slot(name, *values))

    return change


def again(name: str, *values: str) -> Change:
    return lambda root: adhoc(root).append(new_slot(name, *values))


def return_type(value: str) -> Change:
    def change(root: etree._Element) -> None:
        option = root.find(q(QUERY, "ResponseOption"))
        assert option is not None
        option.set("returnType", value)

    return change


def two_ids(root: etree._Element) -> None:
    adhoc(root).set("id", GET_DOCUMENTS)
    adhoc(root).append(new_slot(P + "UniqueId", "('2.25.1002')"))
    adhoc(root).append(new_slot(P + "EntryUUID", f"('{ENTRY_UUID}')"))


ROWS: list[tuple[str, str, Change]] = [
    ("D-80", ERROR, return_type("Everything")),
    ("D-81", "XDSUnknownStoredQuery", lambda root: adhoc(root).set("id", "urn:uuid:0")),
    ("D-81", ERROR, lambda root: adhoc(root).set("id", next(iter(OTHER_TRANSACTIONS)))),
    ("D-82", ERROR, again("XDSDocumentEntryClassCode", "('10^^1.2.250.1.213.1.1.4.1')")),
    ("D-82", NUMBER, again(P + "TypeCode", "('11490-0^^2.16.840.1.113883.6.1')")),
    ("D-83", "XDSStoredQueryMissingParam", lambda root: remove(slot(root, P + "Status"))),
    ("D-83", "XDSStoredQueryMissingParam", lambda root: adhoc(root).set("id", GET_DOCUMENTS)),
    ("D-84", NUMBER, put(P + "CreationTimeFrom", "2025", "2026")),
    ("D-85", NUMBER, two_ids),
    ("D-86", ERROR, put(P + "TypeCode", "'11490-0^^2.16.840.1.113883.6.1'")),
    ("D-86", ERROR, put(P + "TypeCode", "()")),
    ("D-86", ERROR, put(P + "TypeCode", "('it's^^2.16.840.1.113883.6.1')")),
    ("D-86", ERROR, put(P + "PatientId", CX["ihe"])),
    ("D-86", ERROR, put(P + "PatientId", f"('{CX['ihe']}')")),
    ("D-87", ERROR, put(P + "TypeCode", "('11490-0')")),
    ("D-88", ERROR, put(P + "ServiceStartTimeFrom", "'20241121'")),
    ("D-88", ERROR, put(P + "ServiceStartTimeFrom", "20261122")),
    ("D-88", ERROR, put("$MetadataLevel", "'1'")),
    ("D-89", ERROR, put(P + "Status", "('urn:status:fine')")),
    ("D-91", ERROR, put(P + "PatientId", "'279035121518989'")),
    ("D-91", ERROR, put(P + "PatientId", f"'279035121518989^^^CHU&{OID}&ISO'")),
    ("D-39", ERROR, lambda root: adhoc(root).set("home", "1.2.3")),
]


def rules_of(root: etree._Element, profile: str) -> set[tuple[str, str]]:
    wire = etree.fromstring(etree.tostring(root))
    return {(f.rule, f.code) for f in judge_query(read_query_request(wire, ihe_pure=profile == "ihe"))}


@pytest.mark.parametrize("profile", ["dmp", "ihe"])
@pytest.mark.parametrize(("rule", "code", "change"), ROWS, ids=[f"{i}-{row[0]}" for i, row in enumerate(ROWS)])
def test_one_mistake_breaks_its_rule_and_no_other(profile: str, rule: str, code: str, change: Change) -> None:
    root = query(profile)
    assert rules_of(root, profile) == set()
    change(root)
    assert rules_of(root, profile) == {(rule, code)}


def test_every_rule_of_the_list_is_broken_by_some_row() -> None:
    assert {rule.id for rule in QUERY_RULES} == {row[0] for row in ROWS}


def test_profiles_differ_by_the_patient_and_the_statuses() -> None:
    typed, bare = query("dmp"), query("ihe")
    assert rules_of(typed, "ihe") == {("D-91", ERROR)}
    assert rules_of(bare, "dmp") == set()
    remove(slot(typed, P + "PatientId"))
    remove(slot(bare, P + "PatientId"))
    assert rules_of(typed, "dmp") == set()
    assert rules_of(bare, "ihe") == {("D-83", "XDSStoredQueryMissingParam")}
    archived = put(P + "Status", "('urn:asip:ci-sis:2010:StatusType:Archived')")
    archived(typed)
    assert rules_of(typed, "dmp") == set()


def test_and_between_slots_or_inside_one_over_several_values() -> None:
    request = read_query_request(query("dmp"), ihe_pure=False)
    assert request.values[P + "EventCodeList"] == (
        ("CT^^1.2.250.1.213.1.1.5.618",),
        ("MR^^1.2.250.1.213.1.1.5.618",),
    )
    split = QueryRequest(GET_DOCUMENTS, "LeafClass", (Slot(P + "UniqueId", ("('2.25.1','it''s')", "('2.25.3')")),))
    assert split.values[P + "UniqueId"] == (("2.25.1", "it's", "2.25.3"),)
    assert judge_query(split) == ()


def test_a_finding_names_no_patient() -> None:
    root = query("dmp")
    put(P + "PatientId", "(279035121518989)")(root)
    found = judge_query(read_query_request(root, ihe_pure=False))
    assert not any("279035121518989" in item.text + item.found for item in found)


GOOD = {
    "text": "'2.25.1'",
    "code": "10^^1.2.250.1.213.1.1.4.1",
    "time": "20261121",
    "status": "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved",
    "patient": f"'{CX['ihe']}'",
    "number": "1",
}


def good_slot(parameter: Parameter) -> Slot:
    value = GOOD[parameter.kind]
    if parameter.many:
        value = "('" + value.strip("'") + "')"
    return Slot(parameter.name, (value,))


def good_request(shape: StoredQuery) -> QueryRequest:
    wanted = [item for item in shape.parameters if item.required or item.name in shape.one_of[:1]]
    return QueryRequest(shape.id, "LeafClass", tuple(map(good_slot, wanted)), ihe_pure=True)


@pytest.mark.parametrize("shape", QUERIES.values(), ids=[shape.name for shape in QUERIES.values()])
def test_each_of_the_fourteen_queries_has_its_minimum_and_all_its_parameters(shape: StoredQuery) -> None:
    least = good_request(shape)
    assert judge_query(least) == ()
    every = [item for item in shape.parameters if item.name not in shape.one_of[1:]]
    assert judge_query(QueryRequest(shape.id, "ObjectRef", tuple(map(good_slot, every)), ihe_pure=True)) == ()
    for missing in least.slots:
        rest = tuple(item for item in least.slots if item is not missing)
        found = judge_query(QueryRequest(shape.id, "LeafClass", rest, ihe_pure=True))
        assert [item.rule for item in found] == ["D-83"]
    if shape.one_of:
        both = (*least.slots, *(good_slot(item) for item in shape.parameters if item.name == shape.one_of[1]))
        assert [f.rule for f in judge_query(QueryRequest(shape.id, "LeafClass", both, ihe_pure=True))] == ["D-85"]


def test_there_are_fourteen_queries() -> None:
    assert len(QUERIES) == 14


# -- ITI-43 ------------------------------------------------------------------------------------------------------------


def retrieve() -> etree._Element:
    return etree.fromstring((SAMPLES / "iti43.xml").read_bytes())


def text(path: str, value: str) -> Change:
    def change(root: etree._Element) -> None:
        found = root.find(f"{q(XDSB, 'DocumentRequest')}/{q(XDSB, path)}")
        assert found is not None
        found.text = value

    return change


def stranger(root: etree._Element) -> None:
    etree.SubElement(root[0], q(XDSB, "HomeCommunityId")).text = "1.2.3"


LINES: list[tuple[str, str, Change]] = [
    ("D-60", "XDSRepositoryError", text("RepositoryUniqueId", "")),
    ("D-60", "XDSRepositoryError", text("DocumentUniqueId", " ")),
    ("D-60", "XDSRepositoryError", lambda root: [root.remove(child) for child in list(root)]),  # type: ignore[func-returns-value]
    ("D-61", "XDSUnknownRepositoryId", text("RepositoryUniqueId", "1.2.250.1.999")),
    ("D-62", "XDSDocumentUniqueIdError", text("DocumentUniqueId", ENTRY_UUID)),
    ("D-39", "XDSRepositoryError", stranger),
]


@pytest.mark.parametrize(("rule", "code", "change"), LINES, ids=[f"{i}-{row[0]}" for i, row in enumerate(LINES)])
def test_one_mistake_in_a_retrieval(rule: str, code: str, change: Change) -> None:
    ours = frozenset({"1.2.250.1.213.4.1.1.1.2"})
    root = retrieve()
    assert apply(RETRIEVE_RULES, read_retrieve_request(root, ours)) == ()
    change(root)
    assert {(f.rule, f.code) for f in apply(RETRIEVE_RULES, read_retrieve_request(root, ours))} == {(rule, code)}


def test_a_client_that_knows_no_repository_still_wants_an_oid() -> None:
    root = retrieve()
    text("RepositoryUniqueId", "the repository")(root)
    assert [found.rule for found in apply(RETRIEVE_RULES, read_retrieve_request(root))] == ["D-61"]


# -- what the client asks ----------------------------------------------------------------------------------------------

VALUES: dict[Kind, Any] = {
    Kind.PATIENT: CX["dmp"],
    Kind.TEXT: "it's one",
    Kind.TEXTS: (ENTRY_UUID, "2.25.1002"),
    Kind.CODES: (Code("10", "1.2.250.1.213.1.1.4.1"),),
    Kind.TEXTS_AND: (("a",), ("b", "c")),
    Kind.CODES_AND: ((Code("CT", "1.2.3"),), (Code("MR", "1.2.3"), Code("US", "1.2.3"))),
    Kind.TIME: datetime(2026, 11, 21, tzinfo=UTC),
    Kind.NUMBER: 1,
}


@pytest.mark.parametrize("profile", ["dmp", "ihe"])
@pytest.mark.parametrize("kind", CLIENT_QUERIES, ids=[kind.__name__ for kind in CLIENT_QUERIES])
def test_a_query_of_the_client_with_every_parameter_breaks_no_rule(kind: type[ClientQuery], profile: Profile) -> None:
    filled: dict[str, Any] = {
        item.name: VALUES[item.metadata["kind"]]
        for item in fields(kind)
        if item.metadata and item.name not in kind.choice[1:] and "status" not in item.name
    }
    raw = etree.tostring(build_query(kind(**filled), profile=profile))
    request = read_query_request(etree.fromstring(raw), ihe_pure=profile == "ihe")
    assert judge_query(request) == ()
    assert len(request.known) == len(request.slots)

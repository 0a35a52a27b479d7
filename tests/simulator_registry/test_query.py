"""ITI-18: parameters (D-80…D-96), windows, codes, rights of view, both return types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

import pytest
from lxml import etree

from connector.base.ns import QUERY, RIM, q
from connector.rules import names as n
from connector.rules.query_shapes import D, S
from connector.simulator.model import RegistryRefusal, VerifiedAssertion
from tests.simulator_registry.samples import INS, ITI_18, OID, OTHER_INS, Desk, Sample, assertion, reader, request

FIND = "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"
GET = "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"
FIND_SETS = "urn:uuid:f26abbcb-ac74-4422-8a30-edb644bbc1a9"
GET_LINKS = "urn:uuid:a7ae438b-4bc2-4642-93e9-be891f7bb155"
GET_BOTH = "urn:uuid:bab9529a-4a10-40b3-a01f-f68a615d247a"
BY_REFERENCE = "urn:uuid:12941a89-e02e-4be5-967c-ce4bfc8fe492"
APPROVED = f"('{n.APPROVED}')"
Slots = Sequence[tuple[str, Sequence[str]]] | Mapping[str, str]


def query_body(identifier: str, slots: Slots, return_type: str = "LeafClass") -> etree._Element:
    pairs = [(name, [value]) for name, value in slots.items()] if isinstance(slots, Mapping) else slots
    written = "".join(
        f'<rim:Slot name="{escape(name)}"><rim:ValueList>'
        + "".join(f"<rim:Value>{escape(value)}</rim:Value>" for value in values)
        + "</rim:ValueList></rim:Slot>"
        for name, values in pairs
    )
    return etree.fromstring(
        f'<query:AdhocQueryRequest xmlns:query="{QUERY}" xmlns:rim="{RIM}">'
        f'<query:ResponseOption returnComposedObjects="true" returnType="{return_type}"/>'
        f'<rim:AdhocQuery id="{identifier}">{written}</rim:AdhocQuery></query:AdhocQueryRequest>'
    )


def ask(
    desk: Desk,
    identifier: str,
    slots: Slots,
    *,
    return_type: str = "LeafClass",
    who: VerifiedAssertion | None = None,
) -> etree._Element:
    return desk.registry.handle(request(ITI_18, query_body(identifier, slots, return_type), who or reader())).body


def find(desk: Desk, who: VerifiedAssertion | None = None, **filters: str) -> list[str]:
    """Titles found by FindDocuments; keyword CreationTimeFrom stands for $XDSDocumentEntryCreationTimeFrom."""
    slots = {D + "Status": APPROVED} | {D + name: value for name, value in filters.items()}
    body = ask(desk, FIND, slots, who=who)
    return [titles(item) for item in body.iter(q(RIM, "ExtrinsicObject"))]


def titles(item: etree._Element) -> str:
    found = item.find(f"{q(RIM, 'Name')}/{q(RIM, 'LocalizedString')}")
    return "" if found is None else found.get("value", "")


@pytest.fixture
def filled(desk: Desk) -> Desk:
    registry = desk.registry
    registry.seed(b"<a/>", ins=INS, type_code="11502-2", title="bio", creation_time="20260301", unique_id="2.25.1")
    registry.seed(
        b"<b/>",
        ins=INS,
        type_code="18748-4",
        title="radio",
        creation_time="20260601120000",
        service_start="20260531",
        event_codes="CT^1.2.250.1.213.1.1.5.618^Scanner;HEAD^1.2.250.1.213.1.1.5.695^Tête",
        reference_id="A7^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:accession",
        unique_id="2.25.2",
    )
    registry.seed(
        b"<c/>", ins=INS, type_code="11490-0", title="masked", confidentiality="N MASQUE_PS", unique_id="2.25.3"
    )
    registry.seed(b"<d/>", ins=OTHER_INS, type_code="11490-0", title="other", unique_id="2.25.4")
    return desk


def test_only_this_patients_visible_documents(filled: Desk) -> None:
    assert find(filled) == ["bio", "radio"]
    assert find(filled, PatientId=f"'{INS}^^^&{OID}&ISO^NH'") == ["bio", "radio"]
    assert find(filled, PatientId=f"'{INS}^^^&{OID}&ISO'") == ["bio", "radio"]


def test_signature_documents_never_show_in_lists(desk: Desk) -> None:
    desk.provide(Sample())
    assert len(desk.registry.documents(INS)) == 2
    assert find(desk, who=reader(name_id="801234564895")) == ["Lettre de liaison à la sortie"]


def test_masked_document_shows_to_its_author_and_to_the_treating_doctor(filled: Desk) -> None:
    assert find(filled, who=reader(name_id="801234567866")) == ["bio", "radio", "masked"]
    filled.world.change_patient(INS, doctors=("801234564895",))
    assert find(filled) == ["bio", "radio", "masked"]


def test_masked_document_shows_to_the_structure_that_wrote_it(filled: Desk) -> None:
    slots = {D + "UniqueId": "('2.25.3')"}
    for structure, count in (("1120459876", "1"), ("1120456789", "0")):
        who = assertion(name_id="1120456789/automate", structure=structure)
        body = ask(filled, GET, slots, return_type="ObjectRef", who=who)
        assert body.get("totalResultCount") == count


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"TypeCode": "('11502-2^^2.16.840.1.113883.6.1')"}, ["bio"]),
        ({"TypeCode": "('11502-2^^2.16.840.1.113883.6.1','18748-4^^2.16.840.1.113883.6.1')"}, ["bio", "radio"]),
        ({"TypeCode": "('11502-2^^1.2.3')"}, []),
        ({"ClassCode": "('31^^1.2.250.1.213.1.1.4.1')"}, ["radio"]),
        ({"FormatCode": "('urn:ihe:iti:xds-sd:pdf:2008^^1.3.6.1.4.1.19376.1.2.3')"}, ["bio", "radio"]),
        ({"ConfidentialityCode": "('R^^2.16.840.1.113883.5.25')"}, []),
        ({"EventCodeList": "('CT^^1.2.250.1.213.1.1.5.618','MR^^1.2.250.1.213.1.1.5.618')"}, ["radio"]),
        ({"AuthorPerson": "('%DIAZ%')"}, ["bio", "radio"]),
        ({"AuthorPerson": "('%diaz')"}, []),
        ({"Type": f"('{n.STABLE}')"}, ["bio", "radio"]),
        ({"Type": "('urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248')"}, []),
        ({"CreationTimeFrom": "20260301"}, ["bio", "radio"]),
        ({"CreationTimeFrom": "20260301000001"}, ["radio"]),
        ({"CreationTimeTo": "20260301"}, []),
        ({"CreationTimeTo": "20260302"}, ["bio"]),
        ({"CreationTimeFrom": "2026", "CreationTimeTo": "20260601120000"}, ["bio"]),
        ({"CreationTimeTo": "20260601120001"}, ["bio", "radio"]),
        ({"ServiceStartTimeFrom": "20260531", "ServiceStartTimeTo": "20260601"}, ["radio"]),
        ({"ServiceStopTimeFrom": "2000"}, []),
    ],
)
def test_filters(filled: Desk, filters: dict[str, str], expected: list[str]) -> None:
    assert find(filled, None, **filters) == expected


def test_repeated_slots_are_and(filled: Desk) -> None:
    status = (D + "Status", [APPROVED])
    ct, head = "('CT^^1.2.250.1.213.1.1.5.618')", "('HEAD^^1.2.250.1.213.1.1.5.695')"
    none = "('MR^^1.2.250.1.213.1.1.5.618')"
    for second, count in ((head, "1"), (none, "0")):
        slots = [status, (D + "EventCodeList", [ct]), (D + "EventCodeList", [second])]
        assert ask(filled, FIND, slots).get("totalResultCount") == count


def test_several_values_in_one_slot_are_or(filled: Desk) -> None:
    values = ["('11502-2^^2.16.840.1.113883.6.1')", "('18748-4^^2.16.840.1.113883.6.1')"]
    assert ask(filled, FIND, [(D + "Status", [APPROVED]), (D + "TypeCode", values)]).get("totalResultCount") == "2"


def test_status_decides(filled: Desk) -> None:
    entry = filled.registry.documents(INS)[0]
    filled.registry.store.set_status(entry.item.id, n.ARCHIVED)
    assert find(filled) == ["radio"]
    body = ask(filled, FIND, {D + "Status": f"('{n.APPROVED}','{n.ARCHIVED}')"})
    assert body.get("totalResultCount") == "2"


def test_unknown_parameters_are_ignored(filled: Desk) -> None:
    assert find(filled, SomethingElse="('x')") == ["bio", "radio"]


def test_references_only(filled: Desk) -> None:
    slots = {D + "UniqueId": "('2.25.2')"}
    body = ask(filled, GET, slots, return_type="ObjectRef", who=assertion())
    entry = filled.registry.store.by_unique_id("2.25.2")[0]
    assert [item.get("id") for item in body.iter(q(RIM, "ObjectRef"))] == [entry.item.id]
    assert list(body.iter(q(RIM, "ExtrinsicObject"))) == []


def test_leaf_class_is_complete(filled: Desk) -> None:
    item = next(ask(filled, GET, {D + "UniqueId": "('2.25.2')"}).iter(q(RIM, "ExtrinsicObject")))
    assert item.get("lid") == item.get("id")
    assert item.get("status") == n.APPROVED
    assert item.get("isOpaque") == "false"
    version = item.find(q(RIM, "VersionInfo"))
    assert version is not None
    assert version.get("versionName") == "1"
    names = {slot.get("name") for slot in item.findall(q(RIM, "Slot"))}
    assert {"hash", "size", "repositoryUniqueId", "creationTime"} <= names


def test_get_documents_never_crosses_patients(filled: Desk) -> None:
    assert ask(filled, GET, {D + "UniqueId": "('2.25.1','2.25.4')"}).get("totalResultCount") == "1"
    theirs = filled.registry.documents(OTHER_INS)[0].item.id
    assert ask(filled, GET, {D + "EntryUUID": f"('{theirs}')"}).get("totalResultCount") == "0"


def test_by_logical_id(filled: Desk) -> None:
    lid = filled.registry.documents(INS)[0].item.lid
    assert ask(filled, GET, {D + "LogicalID": f"('{lid}')"}).get("totalResultCount") == "1"


def test_sets_then_links_then_documents(filled: Desk) -> None:
    window = {S + "Status": APPROVED, S + "SubmissionTimeFrom": "20260601", S + "SubmissionTimeTo": "20260602"}
    packages = list(ask(filled, FIND_SETS, window).iter(q(RIM, "RegistryPackage")))
    assert len(packages) == 1
    links = ask(filled, GET_LINKS, {"$uuid": f"('{packages[0].get('id')}')"})
    (link,) = links.iter(q(RIM, "Association"))
    entry = filled.registry.store.entry(link.get("targetObject", ""))
    assert entry is not None
    assert entry.unique_id == "2.25.2"


def test_documents_and_associations(filled: Desk) -> None:
    body = ask(filled, GET_BOTH, {D + "UniqueId": "('2.25.1')"})
    assert [len(list(body.iter(q(RIM, tag)))) for tag in ("ExtrinsicObject", "Association")] == [1, 1]


def test_links_to_masked_documents_do_not_show(filled: Desk) -> None:
    masked = filled.registry.store.by_unique_id("2.25.3")[0].item.id
    assert ask(filled, GET_LINKS, {"$uuid": f"('{masked}')"}).get("totalResultCount") == "0"


def test_by_reference_id(filled: Desk) -> None:
    wanted = "('A7^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:accession')"
    slots = {D + "Status": APPROVED, D + "ReferenceIdList": wanted}
    assert ask(filled, BY_REFERENCE, slots).get("totalResultCount") == "1"
    slots[D + "ReferenceIdList"] = "('B8')"
    assert ask(filled, BY_REFERENCE, slots).get("totalResultCount") == "0"


STATUS = (D + "Status", [APPROVED])
BAD: list[tuple[str, str, str, Slots]] = [
    ("D-81", "XDSUnknownStoredQuery", "urn:uuid:00000000-0000-4000-8000-000000000000", {}),
    ("D-82", "XDSRegistryError", FIND, [STATUS, ("patientId", ["'x'"])]),
    ("D-82", "XDSStoredQueryParamNumber", FIND, [STATUS, STATUS]),
    ("D-83", "XDSStoredQueryMissingParam", FIND, {}),
    ("D-83", "XDSStoredQueryMissingParam", GET, {}),
    ("D-84", "XDSStoredQueryParamNumber", FIND, [STATUS, (D + "CreationTimeFrom", ["2025", "2026"])]),
    ("D-85", "XDSStoredQueryParamNumber", GET, {D + "UniqueId": "('1')", D + "EntryUUID": "('2')"}),
    ("D-86", "XDSRegistryError", FIND, {D + "Status": f"'{n.APPROVED}'"}),
    ("D-86", "XDSRegistryError", GET, {D + "UniqueId": "()"}),
    ("D-86", "XDSRegistryError", GET, {D + "UniqueId": "('a' 'b')"}),
    ("D-86", "XDSRegistryError", FIND, [STATUS, (D + "PatientId", [f"('{INS}^^^&{OID}&ISO^NH')"])]),
    ("D-87", "XDSRegistryError", FIND, [STATUS, (D + "TypeCode", ["('11502-2')"])]),
    ("D-88", "XDSRegistryError", FIND, [STATUS, (D + "CreationTimeFrom", ["2026-01-01"])]),
    ("D-88", "XDSRegistryError", FIND, [STATUS, (D + "CreationTimeFrom", ["2026"]), (D + "CreationTimeTo", ["2025"])]),
    ("D-89", "XDSRegistryError", FIND, {D + "Status": "('Approved')"}),
    ("D-91", "XDSRegistryError", FIND, [STATUS, (D + "PatientId", [f"'{INS}'"])]),
]


@pytest.mark.parametrize(("rule", "code", "identifier", "slots"), BAD, ids=[f"{i}-{b[0]}" for i, b in enumerate(BAD)])
def test_parameter_rules(filled: Desk, rule: str, code: str, identifier: str, slots: Slots) -> None:
    with pytest.raises(RegistryRefusal) as refused:
        ask(filled, identifier, slots)
    assert [(error.location.split(" ")[0], error.code) for error in refused.value.errors] == [(rule, code)]


def test_return_type(filled: Desk) -> None:
    with pytest.raises(RegistryRefusal) as refused:
        ask(filled, FIND, [STATUS], return_type="RegistryObject")
    assert refused.value.errors[0].code == "XDSRegistryError"


def test_not_a_query(filled: Desk) -> None:
    with pytest.raises(RegistryRefusal) as refused:
        filled.registry.handle(request(ITI_18, etree.fromstring("<x/>"), reader()))
    assert refused.value.errors[0].location.startswith("D-80")


def test_too_many_results(filled: Desk) -> None:
    filled.registry.max_results = 1
    with pytest.raises(RegistryRefusal) as refused:
        find(filled)
    assert refused.value.errors[0].code == "XDSTooManyResults"
    assert ask(filled, FIND, [STATUS], return_type="ObjectRef").get("totalResultCount") == "2"


def test_another_patient_than_the_assertions(filled: Desk) -> None:
    with pytest.raises(RegistryRefusal) as refused:
        find(filled, PatientId=f"'{OTHER_INS}^^^&{OID}&ISO^NH'")
    assert refused.value.errors[0].code == "XDSPatientIdDoesNotMatch"
    assert OTHER_INS not in refused.value.errors[0].context


@pytest.mark.parametrize(("status", "code"), [("CLOSED", "DMPClosed"), ("ABSENT", "XDSUnknownPatientId")])
def test_no_open_dmp(filled: Desk, status: str, code: str) -> None:
    filled.world.set_dmp(INS, status)  # type: ignore[arg-type]
    with pytest.raises(RegistryRefusal) as refused:
        find(filled)
    assert refused.value.errors[0].code == code


def test_doubled_quote_inside_a_value(filled: Desk) -> None:
    assert find(filled, AuthorPerson="('%D''IAZ%','%DIAZ%')") == ["bio", "radio"]

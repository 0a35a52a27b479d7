"""The fourteen stored queries in the `ihe` profile, without VIHF: folders, contents, relations (ihe-rules D.5, D.6)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from connector.base.ns import RIM, RS, XDSB, q
from connector.rules import names as n
from connector.rules.model import RegistryObject
from connector.rules.query_shapes import QUERIES, D, F, S
from connector.simulator.config import QUERY_NAMES, SimConfig
from connector.simulator.folders import LAST_UPDATE, is_folder
from connector.simulator.model import RegistryErrorItem, RegistryRefusal, SimFault, SoapRequest
from tests.simulator_registry.pure import OTHER_CX, PureSample, ids, pure_desk
from tests.simulator_registry.samples import INS, ITI_18, ITI_43, OID, OTHER_INS, Desk, Sample, reader, request
from tests.simulator_registry.test_query import APPROVED, Slots, query_body
from tests.simulator_registry.updates import ITI_57, association, submit

ID = {query.name: query.id for query in QUERIES.values()}
PATIENT = f"'{INS}^^^&{OID}&ISO'"
FOLDER_UID, FIRST, SECOND = "2.25.70", "2.25.1002", "2.25.2002"
CODE = "EPISODE^^1.2.250.1.999.9"


def provide(desk: Desk, sample: Sample) -> None:
    desk.repository.handle(_anonymous(desk, sample))


def refused(desk: Desk, sample: Sample) -> list[tuple[str, str]]:
    with pytest.raises(RegistryRefusal) as error:
        provide(desk, sample)
    return _told(error.value.errors)


def _told(errors: tuple[RegistryErrorItem, ...]) -> list[tuple[str, str]]:
    return [(item.location.split(" ")[0], item.code) for item in errors]


def _anonymous(desk: Desk, sample: Sample) -> SoapRequest:
    sample.caller = None  # type: ignore[assignment]
    return sample.request(desk.folder / "received")


def ask(desk: Desk, query: str, slots: Slots, return_type: str = "LeafClass") -> etree._Element:
    return desk.registry.handle(request(ITI_18, query_body(ID[query], slots, return_type), None)).body


def counts(body: etree._Element) -> tuple[int, int, int]:
    """Entries, packages, associations."""
    documents, packages, links = (len(ids(body, tag)) for tag in ("ExtrinsicObject", "RegistryPackage", "Association"))
    return documents, packages, links


def entry_id(desk: Desk, unique_id: str) -> str:
    return desk.registry.store.by_unique_id(unique_id)[-1].item.id


def folder(desk: Desk, unique_id: str = FOLDER_UID) -> RegistryObject:
    return desk.registry.store.packages_by_unique_id(unique_id)[-1]


@pytest.fixture
def domain(tmp_path: Path) -> Desk:
    """A document in a folder; an hour later another one appended to it; then one of another patient."""
    desk = pure_desk(tmp_path / "pure")
    provide(desk, PureSample(1, folder=FOLDER_UID))
    desk.now += timedelta(hours=1)
    second = PureSample(2)
    second.link("as9", n.APND, "Document01", entry_id(desk, FIRST))
    provide(desk, second)
    provide(desk, PureSample(3, patient=OTHER_CX))
    return desk


# -- the queries ------------------------------------------------------------------------------------------------------


def test_every_query_is_exercised_here_or_in_test_query() -> None:
    assert len(QUERY_NAMES) == 14


def test_find_folders(domain: Desk) -> None:
    base = {F + "PatientId": PATIENT, F + "Status": APPROVED}
    assert counts(ask(domain, "FindFolders", base)) == (0, 1, 0)
    assert counts(ask(domain, "FindFolders", base | {F + "CodeList": f"('{CODE}')"})) == (0, 1, 0)
    assert counts(ask(domain, "FindFolders", base | {F + "CodeList": "('OTHER^^1.2')"})) == (0, 0, 0)
    updated = folder(domain).first(LAST_UPDATE)
    assert counts(ask(domain, "FindFolders", base | {F + "LastUpdateTimeFrom": updated})) == (0, 1, 0)
    assert counts(ask(domain, "FindFolders", base | {F + "LastUpdateTimeTo": updated})) == (0, 0, 0)


def test_two_code_lists_are_and(domain: Desk) -> None:
    slots = [(F + "PatientId", [PATIENT]), (F + "Status", [APPROVED])]
    both = [(F + "CodeList", [f"('{CODE}')"]), (F + "CodeList", ["('OTHER^^1.2')"])]
    assert counts(ask(domain, "FindFolders", [*slots, *both])) == (0, 0, 0)


def test_get_all(domain: Desk) -> None:
    slots = {"$patientId": PATIENT} | {prefix + "Status": APPROVED for prefix in (D, S, F)}
    body = ask(domain, "GetAll", slots)
    # Two sets and a folder; HasMember to three members and to the folder's own link, that link, and the APND.
    assert counts(body) == (2, 3, 6)
    none = slots | {D + "FormatCode": "('nothing^^1.2.3')"}
    assert counts(ask(domain, "GetAll", none))[0] == 0
    only_archived = slots | {D + "Status": f"('{n.DEPRECATED}')"}
    assert counts(ask(domain, "GetAll", only_archived))[0] == 0


def test_get_folders(domain: Desk) -> None:
    found = folder(domain)
    for name, value in (("UniqueId", FOLDER_UID), ("EntryUUID", found.id), ("LogicalID", found.lid)):
        assert ids(ask(domain, "GetFolders", {F + name: f"('{value}')"}), "RegistryPackage") == [found.id]
    a_set = next(item for item in domain.registry.store.packages() if not is_folder(item))
    assert counts(ask(domain, "GetFolders", {F + "EntryUUID": f"('{a_set.id}')"})) == (0, 0, 0)


def test_get_submission_sets(domain: Desk) -> None:
    body = ask(domain, "GetSubmissionSets", {"$uuid": f"('{entry_id(domain, FIRST)}','{folder(domain).id}')"})
    assert counts(body) == (0, 1, 2)
    assert counts(ask(domain, "GetSubmissionSets", {"$uuid": "('urn:uuid:unknown')"})) == (0, 0, 0)


def test_get_submission_set_and_contents(domain: Desk) -> None:
    slots = {S + "UniqueId": "'2.25.1001'"}
    body = ask(domain, "GetSubmissionSetAndContents", slots)
    # The set, its document, its folder; HasMember to each and to the folder's link, which is a member too.
    assert counts(body) == (1, 2, 4)
    filtered = slots | {D + "ConfidentialityCode": "('R^^2.16.840.1.113883.5.25')"}
    assert counts(ask(domain, "GetSubmissionSetAndContents", filtered))[0] == 0
    by_id = {S + "EntryUUID": f"'{ids(body, 'RegistryPackage')[0]}'"}
    assert counts(ask(domain, "GetSubmissionSetAndContents", by_id)) == counts(body)


def test_get_folder_and_contents(domain: Desk) -> None:
    slots = {F + "UniqueId": f"'{FOLDER_UID}'"}
    body = ask(domain, "GetFolderAndContents", slots)
    assert counts(body) == (1, 1, 1)
    assert ids(body, "ExtrinsicObject") == [entry_id(domain, FIRST)]
    filtered = slots | {D + "FormatCode": "('nothing^^1.2.3')"}
    assert counts(ask(domain, "GetFolderAndContents", filtered)) == (0, 1, 0)


def test_get_folders_for_document(domain: Desk) -> None:
    first = ask(domain, "GetFoldersForDocument", {D + "UniqueId": f"'{FIRST}'"})
    assert ids(first, "RegistryPackage") == [folder(domain).id]
    assert counts(ask(domain, "GetFoldersForDocument", {D + "UniqueId": f"'{SECOND}'"})) == (0, 0, 0)


def test_get_related_documents(domain: Desk) -> None:
    slots = {D + "UniqueId": f"'{FIRST}'", "$AssociationTypes": f"('{n.APND}')"}
    body = ask(domain, "GetRelatedDocuments", slots)
    assert set(ids(body, "ExtrinsicObject")) == {entry_id(domain, FIRST), entry_id(domain, SECOND)}
    assert counts(body) == (2, 0, 1)
    assert counts(ask(domain, "GetRelatedDocuments", slots | {"$AssociationTypes": f"('{n.RPLC}')"})) == (0, 0, 0)


def test_get_associations_and_documents(domain: Desk) -> None:
    first = entry_id(domain, FIRST)
    # Its set, its folder, and what is appended to it.
    assert counts(ask(domain, "GetAssociations", {"$uuid": f"('{first}')"})) == (0, 0, 3)
    body = ask(domain, "GetDocumentsAndAssociations", {D + "EntryUUID": f"('{first}')"})
    assert counts(body) == (1, 0, 3)


def test_find_submission_sets_by_source(domain: Desk) -> None:
    slots = {S + "PatientId": PATIENT, S + "Status": APPROVED}
    assert counts(ask(domain, "FindSubmissionSets", slots)) == (0, 2, 0)
    assert counts(ask(domain, "FindSubmissionSets", slots | {S + "SourceId": "('2.25.7')"})) == (0, 2, 0)
    assert counts(ask(domain, "FindSubmissionSets", slots | {S + "SourceId": "('2.25.8')"})) == (0, 0, 0)
    assert counts(ask(domain, "FindSubmissionSets", slots | {S + "AuthorPerson": "'%THOMAS%'"})) == (0, 2, 0)
    assert counts(ask(domain, "FindSubmissionSets", slots | {S + "ContentType": "('03^^1.2.250.1.213.2.2')"}))[1] == 2


def test_object_refs_only(domain: Desk) -> None:
    body = ask(domain, "GetFolderAndContents", {F + "UniqueId": f"'{FOLDER_UID}'"}, "ObjectRef")
    assert counts(body) == (0, 0, 0)
    assert len(ids(body, "ObjectRef")) == 3


VALUES = st.sampled_from([PATIENT, APPROVED, f"('{FIRST}')", "('a','b')", "'x'", "2026", "1", "('10^^1.2')", "()", ""])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_parameters_are_answered_or_refused(domain: Desk, data: st.DataObject) -> None:
    query = data.draw(st.sampled_from(list(QUERIES.values())))
    named = data.draw(st.lists(st.sampled_from([item.name for item in query.parameters]), max_size=6))
    slots = [
        (name, [data.draw(VALUES | st.text(st.characters(min_codepoint=32, max_codepoint=0x7E)))]) for name in named
    ]
    assert outcome(domain, query.name, slots) in ("answered", "refused")


def outcome(desk: Desk, query: str, slots: Slots) -> str:
    try:
        ask(desk, query, slots)
    except RegistryRefusal as refusal:
        return "refused" if refusal.errors else "refused without a reason"
    return "answered"


# -- one patient, not too many ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["FindDocuments", "FindSubmissionSets", "FindFolders", "GetAll"])
def test_without_a_vihf_the_patient_is_required(domain: Desk, query: str) -> None:
    slots = {prefix + "Status": APPROVED for prefix in (D, S, F)}
    with pytest.raises(RegistryRefusal) as error:
        ask(domain, query, slots)
    assert _told(error.value.errors) == [("D-83", "XDSStoredQueryMissingParam")]


def test_a_result_of_two_patients(domain: Desk) -> None:
    slots = {D + "UniqueId": f"('{FIRST}','2.25.3002')"}
    with pytest.raises(RegistryRefusal) as error:
        ask(domain, "GetDocuments", slots)
    assert [item.code for item in error.value.errors] == ["XDSResultNotSinglePatient"]
    assert len(ids(ask(domain, "GetDocuments", slots, "ObjectRef"), "ObjectRef")) == 2


def test_an_unknown_patient_has_nothing(domain: Desk) -> None:
    slots = {D + "PatientId": "'nobody^^^&1.2.3&ISO'", D + "Status": APPROVED}
    assert counts(ask(domain, "FindDocuments", slots)) == (0, 0, 0)


def test_the_same_id_in_another_domain_is_another_patient(domain: Desk) -> None:
    slots = {D + "PatientId": f"'{INS}^^^&1.2.3&ISO'", D + "Status": APPROVED}
    assert counts(ask(domain, "FindDocuments", slots)) == (0, 0, 0)


def test_too_many_results(domain: Desk, tmp_path: Path) -> None:
    domain.registry.max_results = 1
    with pytest.raises(RegistryRefusal) as error:
        ask(domain, "GetFolderAndContents", {F + "UniqueId": f"'{FOLDER_UID}'"})
    assert [item.code for item in error.value.errors] == ["XDSTooManyResults"]
    assert Desk(tmp_path / "x", SimConfig(folder=tmp_path / "x", max_results=7)).registry.max_results == 7


def test_only_the_served_queries(tmp_path: Path) -> None:
    desk = pure_desk(tmp_path, queries=frozenset({"FindDocuments"}))
    with pytest.raises(RegistryRefusal) as error:
        ask(desk, "FindFolders", {F + "PatientId": PATIENT, F + "Status": APPROVED})
    assert _told(error.value.errors) == [("D-81", "XDSUnknownStoredQuery")]
    assert counts(ask(desk, "FindDocuments", {D + "PatientId": PATIENT, D + "Status": APPROVED})) == (0, 0, 0)


# -- folders over time ------------------------------------------------------------------------------------------------


def test_adding_to_a_folder_moves_its_last_update(domain: Desk) -> None:
    before = folder(domain).first(LAST_UPDATE)
    domain.now += timedelta(hours=1)
    provide(domain, PureSample(4, member_of=folder(domain).id))
    assert folder(domain).first(LAST_UPDATE) > before
    assert counts(ask(domain, "GetFolderAndContents", {F + "UniqueId": f"'{FOLDER_UID}'"})) == (2, 1, 2)
    again = Desk(domain.folder, domain.context.config)
    assert folder(again) == folder(domain)


def test_a_replacement_inherits_the_folder(domain: Desk) -> None:
    domain.now += timedelta(hours=1)
    before = folder(domain).first(LAST_UPDATE)
    provide(domain, PureSample(4).replacing(entry_id(domain, FIRST)))
    body = ask(domain, "GetFoldersForDocument", {D + "UniqueId": "'2.25.4002'"})
    assert ids(body, "RegistryPackage") == [folder(domain).id]
    assert folder(domain).first(LAST_UPDATE) > before
    assert domain.registry.fate(FIRST).replaced_by == "2.25.4002"


def test_an_addendum_does_not_inherit_the_folder(domain: Desk) -> None:
    assert counts(ask(domain, "GetFoldersForDocument", {D + "UniqueId": f"'{SECOND}'"})) == (0, 0, 0)


def test_a_folder_of_another_patient(domain: Desk) -> None:
    sample = PureSample(4, patient=OTHER_CX, member_of=folder(domain).id)
    assert refused(domain, sample) == [("FLD-2", "XDSPatientIdDoesNotMatch")]


def test_a_folder_that_is_not_there(domain: Desk) -> None:
    sample = PureSample(4, member_of="urn:uuid:00000000-0000-4000-8000-000000000009")
    assert ("FLD-1", "UnresolvedReferenceException") in refused(domain, sample)


def test_a_set_is_no_folder(domain: Desk) -> None:
    a_set = next(item for item in domain.registry.store.packages_of(INS) if not is_folder(item))
    assert ("FLD-1", "XDSRepositoryMetadataError") in refused(domain, PureSample(4, member_of=a_set.id))


def test_an_existing_document_joins_a_folder(domain: Desk) -> None:
    """NIST 12326, and a reference to what the set did not bring."""
    sample = PureSample(4).link("as4", n.HAS_MEMBER, folder(domain).id, entry_id(domain, SECOND))
    sample.link("as5", n.HAS_MEMBER, "SubmissionSet01", entry_id(domain, SECOND), "Reference")
    provide(domain, sample)
    assert counts(ask(domain, "GetFolderAndContents", {F + "UniqueId": f"'{FOLDER_UID}'"})) == (2, 1, 2)


def test_a_deprecated_document_joins_nothing(domain: Desk) -> None:
    domain.registry.store.set_status(entry_id(domain, SECOND), n.DEPRECATED)
    sample = PureSample(4).link("as4", n.HAS_MEMBER, folder(domain).id, entry_id(domain, SECOND))
    assert refused(domain, sample) == [("FLD-3", "XDSRegistryDeprecatedDocumentError")]


def test_a_folder_unique_id_is_new(domain: Desk) -> None:
    assert refused(domain, PureSample(4, folder=FOLDER_UID)) == [("FLD-4", "XDSDuplicateUniqueIdInRegistry")]


def next_folder(desk: Desk, previous: str = "1") -> etree._Element:
    """A new version of the folder, hand-written: another title, NIST 20000."""
    package = PureSample(5, folder=FOLDER_UID).object("Folder01")
    package.set("lid", folder(desk).lid)
    next(package.iter(q(RIM, "LocalizedString"))).set("value", "Episode clos")
    slots = {"SubmissionSetStatus": "Original", "PreviousVersion": previous}
    link = association("as1", n.HAS_MEMBER, "SubmissionSet01", "Folder01", slots)
    return submit(PureSample(5).object("SubmissionSet01"), package, link)


def test_a_folder_has_versions(domain: Desk) -> None:
    first = folder(domain)
    domain.registry.handle(request(ITI_57, next_folder(domain), None))
    second = folder(domain)
    assert (second.name, second.version, second.lid) == ("Episode clos", "2", first.lid)
    assert domain.registry.store.package(first.id).status == n.DEPRECATED  # type: ignore[union-attr]
    slots = {F + "PatientId": PATIENT, F + "Status": APPROVED}
    assert ids(ask(domain, "FindFolders", slots), "RegistryPackage") == [second.id]
    by_id = {F + "EntryUUID": f"'{second.id}'"}
    assert counts(ask(domain, "GetFolderAndContents", by_id)) == (1, 1, 1)


def test_an_older_version_of_a_folder(domain: Desk) -> None:
    with pytest.raises(RegistryRefusal) as error:
        domain.registry.handle(request(ITI_57, next_folder(domain, "7"), None))
    assert _told(error.value.errors) == [("D-65", "XDSMetadataVersionError")]


# -- feed and retrieval without VIHF ----------------------------------------------------------------------------------


def test_patient_not_fed(tmp_path: Path) -> None:
    unknown = "nobody^^^&amp;1.2.250.1.999.1&amp;ISO"
    assert refused(pure_desk(tmp_path), PureSample(patient=unknown)) == [("D-47a", "XDSUnknownPatientId")]


def test_a_patient_of_a_hospital_domain(tmp_path: Path) -> None:
    desk = pure_desk(tmp_path)
    domain = next(p for p in desk.world.patients() if p.ins == INS).identifiers[0]
    patient = f"{domain.value}^^^&amp;{domain.universal_id}&amp;ISO"
    desk.world.change_patient(INS, identifiers=(type(domain)(domain.value, "", "1.2.250.1.999.1"),))
    provide(desk, PureSample(patient=patient.replace(f"&amp;{domain.universal_id}&amp;", "&amp;1.2.250.1.999.1&amp;")))
    slots = {D + "PatientId": f"'{domain.value}^^^&1.2.250.1.999.1&ISO'", D + "Status": APPROVED}
    assert counts(ask(desk, "FindDocuments", slots)) == (1, 0, 0)


def retrieve(desk: Desk, *documents: str) -> etree._Element:
    lines = "".join(
        f"<DocumentRequest><RepositoryUniqueId>{n.REPOSITORY_ID}</RepositoryUniqueId>"
        f"<DocumentUniqueId>{item}</DocumentUniqueId></DocumentRequest>"
        for item in documents
    )
    body = etree.fromstring(f'<RetrieveDocumentSetRequest xmlns="{XDSB}">{lines}</RetrieveDocumentSetRequest>')
    return desk.repository.handle(request(ITI_43, body, None)).body


def test_retrieval(domain: Desk) -> None:
    body = retrieve(domain, FIRST, SECOND, "2.25.99")
    assert len(list(body.iter(q(XDSB, "DocumentResponse")))) == 2
    (head,) = body.iter(q(RS, "RegistryResponse"))
    assert head.get("status") == n.PARTIAL_SUCCESS
    assert [item.get("errorCode") for item in body.iter(q(RS, "RegistryError"))] == ["XDSDocumentUniqueIdError"]


@pytest.mark.parametrize(
    ("documents", "code"),
    [(("2.25.99",), "XDSDocumentUniqueIdError"), ((FIRST, "2.25.3002"), "XDSResultNotSinglePatient")],
)
def test_refused_retrieval(domain: Desk, documents: tuple[str, ...], code: str) -> None:
    with pytest.raises(RegistryRefusal) as error:
        retrieve(domain, *documents)
    assert [item.code for item in error.value.errors] == [code]


def test_a_vihf_still_closes_the_domain_to_its_patient(domain: Desk) -> None:
    body = query_body(ID["GetDocuments"], {D + "UniqueId": "('2.25.3002')"})
    answer = domain.registry.handle(request(ITI_18, body, reader())).body
    assert list(answer.iter(q(RIM, "ExtrinsicObject"))) == []


def test_by_default_nobody_comes_in_without_a_vihf(desk: Desk) -> None:
    with pytest.raises(SimFault):
        desk.registry.handle(request(ITI_18, query_body(ID["GetDocuments"], {D + "UniqueId": "('1')"}), None))
    assert desk.registry.documents(OTHER_INS) == ()

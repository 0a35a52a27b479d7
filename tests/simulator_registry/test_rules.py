"""Good sample + one mutation = the expected rule and code, and nothing else (ihe-rules D.2, dmp-interface c)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from connector.base.ns import RIM, q
from connector.rules import names as n
from connector.simulator.config import SimConfig
from connector.simulator.registry_case import SECRET_SESSION
from tests.simulator_registry.samples import CDA, CONFIDENTIALITY, INS, OID, OTHER_INS, Desk, Sample, assertion, cda

META = "XDSRepositoryMetadataError"
SET, DOC, SIG = "SubmissionSet01", "Document01", "Signature01"
TYPE = "f0306f51-975f-434e-a61c-c59651d33983"
CLASS = "41a5887f-8865-4c09-adf7-e362475b143a"
FORMAT = "a09d5840-386c-46f2-b5ad-9c3699a4309d"
HOUSE = "1120459876"

Mutation = Callable[[Sample], object]
PERSON = "801234564895^THOMAS^Eric^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"


def attribute(owner: str, name: str, value: str) -> Mutation:
    return lambda s: s.object(owner).set(name, value)


def slot(owner: str, name: str, *values: str) -> Mutation:
    return lambda s: s.slot(owner, name, *values)


def uid(owner: str, value: str) -> Mutation:
    name = "XDSSubmissionSet.uniqueId" if owner == SET else "XDSDocumentEntry.uniqueId"
    return lambda s: s.identifier(owner, name, value)


def patient(owner: str, value: str) -> Mutation:
    name = "XDSSubmissionSet.patientId" if owner == SET else "XDSDocumentEntry.patientId"
    return lambda s: s.identifier(owner, name, value)


def every_patient(value: str) -> Mutation:
    return lambda s: [patient(owner, value)(s) for owner in (SET, DOC, SIG)]


def caller(**changes: object) -> Mutation:
    def change(s: Sample) -> None:
        s.caller = assertion(**changes)

    return change


def content(document: bytes) -> Mutation:
    def change(s: Sample) -> None:
        s.document = document

    return change


def author(owner: str, name: str, *values: str) -> Mutation:
    return lambda s: s.author_slot(owner, name, *values)


def both(*mutations: Mutation) -> Mutation:
    return lambda s: [mutation(s) for mutation in mutations]


def double_slot(s: Sample) -> None:
    item = s.object(DOC)
    found = item.find(q(RIM, "Slot"))
    assert found is not None
    copy = type(s)().object(DOC).find(q(RIM, "Slot"))
    assert copy is not None
    copy.set("name", "urn:x:twice")
    found.addprevious(copy)
    again = type(s)().object(DOC).find(q(RIM, "Slot"))
    assert again is not None
    again.set("name", "urn:x:twice")
    found.addprevious(again)


def second_set(s: Sample) -> None:
    package = Sample().object(SET)
    other = "SubmissionSet02"
    for element in package.iter():
        for name, value in element.attrib.items():
            if value == SET:
                element.set(name, other)
        if element.get("id", "").startswith(("set-n", SET)):
            element.set("id", "second-" + element.get("id", ""))
    package.set("id", other)
    next(e for e in package.iter() if e.get("value") == "2.25.1001").set("value", "2.25.2001")
    s.objects.insert(1, package)


def same_ids(s: Sample) -> None:
    first, second = s.object(DOC).findall(q(RIM, "Classification"))[:2]
    second.set("id", first.get("id", ""))


def no_unique_id(s: Sample) -> None:
    item = s.object(DOC)
    identifiers = item.findall(q(RIM, "ExternalIdentifier"))
    item.remove(identifiers[1])


def swap_order(s: Sample) -> None:
    item = s.object(DOC)
    name = item.find(q(RIM, "Name"))
    assert name is not None
    item.insert(0, name)


def identifier_name(s: Sample) -> None:
    found = s.object(DOC).findall(q(RIM, "ExternalIdentifier"))[0]
    next(found.iter(q(RIM, "LocalizedString"))).set("value", "patientId")


def code_without_scheme(s: Sample) -> None:
    found = s.codes(DOC, "2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4")[0]
    element = found.find(q(RIM, "Slot"))
    assert element is not None
    found.remove(element)


def event(s: Sample) -> None:
    s.add_code(DOC, "2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4", "IMP", "2.16.840.1.113883.5.4")


def inline(s: Sample) -> None:
    document = s.documents()[0]
    for child in list(document):
        document.remove(child)
    document.text = "PENsaW5pY2FsRG9jdW1lbnQvPg=="


def author_node(s: Sample) -> None:
    s.codes(DOC, "93606bcf-9494-43ec-9b4e-a7748d1a838d")[0].set("nodeRepresentation", "THOMAS")


def documented_member(s: Sample) -> None:
    link = s.object("as1")
    link.append(Sample().codes(DOC, CLASS)[0])
    link[-1].set("classificationScheme", n.ASSOCIATION_DOCUMENTATION)
    link[-1].set("classifiedObject", "as1")
    link[-1].set("id", "as1-c")


def lonely_document(s: Sample) -> None:
    s.remove(s.documents()[1])


def extra_part(s: Sample) -> None:
    s.extra_parts["stray@test"] = b"nobody asked for this"


def document_with_other_case(s: Sample) -> None:
    s.documents()[0].set("id", "document01")


def no_author(s: Sample) -> None:
    s.remove(s.codes(DOC, "93606bcf-9494-43ec-9b4e-a7748d1a838d")[0])


def second_document(s: Sample) -> None:
    """The same entry again under other ids: two documents beside the signature."""
    entry = Sample().object(DOC)
    for element in entry.iter():
        for name, value in element.attrib.items():
            element.set(name, str(value).replace(DOC, "Document02"))
    next(e for e in entry.iter() if e.get("value") == "2.25.1002").set("value", "2.25.1004")
    s.objects.insert(2, entry)
    s.link("as9", n.HAS_MEMBER, SET, "Document02", "Original")
    document = Sample().documents()[0]
    document.set("id", "Document02")
    document[0].set("href", "cid:second@test")
    s.root.append(document)
    s.extra_parts["second@test"] = cda("2.25.1004")


def reverse_confidentiality(s: Sample) -> None:
    s.add_code(DOC, CONFIDENTIALITY, "MASQUE_PS", "1.2.250.1.213.1.1.4.13")
    first, second = s.codes(DOC, CONFIDENTIALITY)
    second.addnext(first)


def mask(*codes: str) -> Mutation:
    return lambda s: [s.add_code(DOC, CONFIDENTIALITY, code, "1.2.250.1.213.1.1.4.13") for code in codes]


def secret(s: Sample) -> None:
    s.caller = assertion(attributes={SECRET_SESSION: ("INVISIBLE_REPRESENTANTS_LEGAUX",)})


# rule, code, mutation, and the other rules that the same mistake cannot help breaking.
TABLE: list[tuple[str, str, Mutation, frozenset[str]]] = []


def breaks(rule: str, mutation: Mutation, code: str = META, also: Iterable[str] = ()) -> None:
    TABLE.append((rule, code, mutation, frozenset(also)))


breaks("D-01", double_slot)
breaks("D-01", slot(DOC, "", "x"))
breaks("D-01", slot(DOC, "urn:x:long", "x" * 257))
breaks("D-02", second_set)
breaks("D-03", same_ids)
breaks("D-04", no_unique_id, also={"D-06", "DMP-08", "SIG-08"})
breaks("D-04", uid(SET, "2.25." + "1" * 130), also={"D-06"})
breaks("D-05", uid(SIG, "2.25.1002"), "XDSRepositoryDuplicateUniqueIdInMessage")
breaks("D-06", uid(SET, "2.25.01"))
breaks("D-06", uid(SIG, "not an oid"), also={"DMP-08"})
breaks("D-07", slot(SET, "submissionTime"))
breaks("D-07", lambda s: s.identifier(SET, "XDSSubmissionSet.sourceId", "ward 7"))
breaks("D-07", lambda s: s.remove(s.codes(SET, "aa543740-bdda-424e-8c96-df4873be8500")[0]))
breaks("D-08", attribute(SET, "status", n.DEPRECATED))
breaks("D-09", author_node)
breaks("D-09", author(DOC, "authorPerson", PERSON, PERSON))
breaks("D-09", author(DOC, "authorPerson", "^^Eric"), also={"DMP-05"})
breaks("D-11", slot(DOC, "creationTime"))
breaks("D-11", slot(DOC, "creationTime", "20261120090000", "20261120090000"))
breaks("D-12", slot(DOC, "serviceStopTime", "20261101"))
breaks("D-12", slot(DOC, "serviceStopTime", "20261120", "20261121"))
breaks("D-13", slot(DOC, "hash", "abc"), also={"D-48"})
breaks("D-14", slot(DOC, "size", "-5"), also={"D-48"})
breaks("D-15", slot(DOC, "languageCode", "français"))
breaks("D-15", slot(DOC, "languageCode"))
breaks("D-16", slot(DOC, "legalAuthenticator", PERSON, PERSON), also={"DMP-13"})
breaks("D-17", slot(DOC, "sourcePatientId", "000003"), also={"DMP-11"})
breaks("D-17", slot(DOC, "sourcePatientInfo", "PID-19|1"))
breaks("D-18", slot(DOC, "urn:ihe:iti:xds:2013:referenceIdList", "A7"))
breaks("D-19", slot(DOC, "URI", ""))
breaks("D-20", lambda s: s.remove(s.codes(DOC, CLASS)[0]))
breaks("D-20", lambda s: s.add_code(DOC, TYPE, "34112-3", "2.16.840.1.113883.6.1"))
breaks("D-20", lambda s: s.remove(s.codes(DOC, CONFIDENTIALITY)[0]), also={"DMP-06"})
breaks("D-21", both(event, code_without_scheme))
breaks("D-21", lambda s: s.codes(DOC, CLASS)[0].set("classifiedObject", SET))
breaks("D-21", lambda s: s.codes(DOC, CLASS)[0].remove(s.codes(DOC, CLASS)[0][1]))
breaks("D-22", every_patient(f"279035121518989^^^CHU&{OID}&ISO^NH"))
breaks("D-22", every_patient("279035121518989^^^&1.2.250&UUID^NH"), also={"DMP-01", "DMP-11", "DMP-18"})
breaks("D-24", attribute(DOC, "objectType", "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"))
breaks("D-25", lambda s: next(s.object(DOC).iter(q(RIM, "LocalizedString"))).set("value", "t" * 129))
breaks("D-26", attribute(DOC, "mimeType", "text"), also={"DMP-13", "SIG-10"})
breaks("D-27", attribute(DOC, "status", "urn:status:fine"))
breaks("D-28", inline, also={"D-38a", "D-38b", "SIG-08"})
breaks("D-32", patient(DOC, f"{OTHER_INS}^^^&{OID}&ISO^NH"), "XDSPatientIdDoesNotMatch", also={"DMP-01", "DMP-18"})
breaks("D-33", attribute("as3", "associationType", "urn:other"), also={"DMP-03", "D-40"})
breaks("D-33", documented_member)
breaks("D-34", slot("as1", "SubmissionSetStatus", "New"))
breaks("D-35", attribute("as3", "sourceObject", SET), "UnresolvedReferenceException", also={"D-40", "DMP-03"})
breaks("D-38a", lonely_document, "XDSMissingDocument", also={"D-38b"})
breaks("D-38b", extra_part, "XDSMissingDocumentMetadata")
breaks("D-38b", document_with_other_case, "XDSMissingDocumentMetadata", also={"D-38a", "SIG-08"})
breaks("D-40", lambda s: s.remove(s.object("as2")))
breaks("D-40", lambda s: s.link("as8", n.HAS_MEMBER, SET, DOC, "Original"))
breaks("D-41", attribute("as3", "targetObject", "Nowhere"), also={"DMP-03"})
breaks("D-41", lambda s: s.link("as8", n.RPLC, DOC, "urn:uuid:ABCDEF00-0000-4000-8000-000000000000"), also={"D-47b"})
breaks("D-42", lambda s: s.code(DOC, TYPE, "00000-0"), also={"DMP-19"})
breaks("D-42", lambda s: s.code(SET, "aa543740-bdda-424e-8c96-df4873be8500", "no such"))
breaks("D-43", slot(DOC, "wardColour", "blue"), "XDSExtraMetadataNotSaved")
breaks("D-44", identifier_name)
breaks("D-45", slot(DOC, "creationTime", "2026-11-20"))
breaks("D-45", slot(DOC, "creationTime", "20261320"))
breaks("D-46", swap_order)
breaks("D-48", slot(DOC, "hash", "0" * 40))
breaks("D-48", slot(DOC, "size", "1"))
breaks("DMP-01", caller(resource_ins=OTHER_INS), "XDSPatientIdDoesNotMatch")
breaks("DMP-02", both(second_document), also={"SIG-08"})
breaks("DMP-02", lambda s: s.code(SIG, FORMAT, "urn:ihe:iti:dsg:detached:2014"), also={"D-42", "DMP-03", "DMP-07"})
breaks("DMP-03", lambda s: s.remove(s.object("as3")))
breaks("DMP-03", slot("as3", "SubmissionSetStatus", "Reference"))
breaks("DMP-03", slot("as1", "SubmissionSetStatus", "Reference"))
breaks("DMP-04", caller(structure="1120459876"))
breaks("DMP-04", caller(mode="DIRECTE", name_id="801234567897"))
breaks("DMP-05", author(DOC, "authorPerson", PERSON.replace("Eric", "")))
breaks("DMP-05", author(SET, "authorPerson", PERSON.replace("THOMAS", "")))
breaks("DMP-06", reverse_confidentiality)
breaks("DMP-07", mask("MASQUE_PS", "INVISIBLE_PATIENT"))
breaks("DMP-07", lambda s: s.add_code(DOC, CONFIDENTIALITY, "R", "2.16.840.1.113883.5.25"))
breaks("DMP-08", uid(DOC, "2.25.1002^7"))
breaks("DMP-09", author(DOC, "authorPerson", PERSON.replace("IDNPS", "RPPS")))
breaks("DMP-09", slot(DOC, "legalAuthenticator", PERSON.replace("1.71.4.2.1", "1.71.4.2.2")))
breaks("DMP-10", author(SIG, "authorInstitution", "Organisation-Y^^^^^&1.2.250.1.71.4.2.2&ISO^XX^^^1120456789"))
breaks("DMP-11", every_patient(f"279035121518989^^^&{OID}&ISO^PI"))
breaks("DMP-11", slot(DOC, "sourcePatientId", "000003^^^&1.2.250.1.999.1&ISO^XX"))
breaks("DMP-12", slot(SIG, "languageCode", "fr-FR"))
breaks("DMP-12", lambda s: s.remove(s.codes(SIG, CONFIDENTIALITY)[2]))
breaks("DMP-13", slot(DOC, "legalAuthenticator"))
breaks("DMP-13", slot(DOC, "serviceStartTime"))
breaks("DMP-13", slot(SET, "submissionTime", "20261121"))
breaks("DMP-14", no_author, also={"DMP-04"})
breaks("DMP-14", author(DOC, "authorPerson"))
breaks("DMP-15", secret)
breaks("DMP-17", content(CDA.replace(b'id root="2.25.1002"', b'id extension="1" root="2.25.1002"')))
breaks("DMP-17", content(cda("2.25.1")))
breaks("DMP-18", content(CDA.replace(INS.encode(), OTHER_INS.encode())), "XDSPatientIdDoesNotMatch")
breaks("DMP-19", content(CDA.replace(b"11490-0", b"11502-2")))
breaks("DMP-16", author(DOC, "authorSpecialty", "SM26"))


@pytest.mark.parametrize(("rule", "code", "mutation", "also"), TABLE, ids=[f"{i}-{r[0]}" for i, r in enumerate(TABLE)])
def test_one_mistake_breaks_its_rule(
    desk: Desk, rule: str, code: str, mutation: Mutation, also: frozenset[str]
) -> None:
    sample = Sample()
    mutation(sample)
    told = list(desk.told(sample))
    assert (rule, code) in told
    assert {found for found, _ in told} <= {rule} | also


def test_context_names_attribute_value_and_expectation_but_nobody(desk: Desk) -> None:
    sample = Sample()
    patient(DOC, f"{OTHER_INS}^^^&{OID}&ISO^NH")(sample)
    slot(DOC, "sourcePatientInfo", "PID-19|277076322082910")(sample)
    sample.code(DOC, TYPE, "00000-0")
    contexts = [item.context for item in desk.refusals(sample)]
    wrong_code = next(text for text in contexts if text.startswith("D-42 : DocumentEntry."))
    assert "typeCode" in wrong_code
    assert "00000-0" in wrong_code
    assert "JDV_J66" in wrong_code
    assert not any(OTHER_INS in text for text in contexts)


def test_all_findings_are_told_first_one_first(desk: Desk) -> None:
    sample = Sample()
    slot(DOC, "creationTime", "yesterday")(sample)
    sample.code(DOC, TYPE, "00000-0")
    mask("MASQUE_PS", "INVISIBLE_PATIENT")(sample)
    assert [rule for rule, _ in desk.told(sample)] == ["D-45", "D-42", "DMP-07", "DMP-19"]


def test_warning_alone_does_not_refuse_and_the_slot_is_not_saved(desk: Desk) -> None:
    sample = Sample()
    slot(DOC, "wardColour", "blue")(sample)
    assert [item.severity for item in desk.refusals(sample)] == ["Warning"]
    documents = desk.registry.documents(INS)
    assert len(documents) == 2
    assert not any(entry.item.values("wardColour") for entry in documents)


def test_mask_and_invisible_is_a_parameter(desk: Desk) -> None:
    sample = Sample()
    mask("MASQUE_PS", "INVISIBLE_PATIENT")(sample)
    desk.repository.settings = replace(desk.repository.settings, mask_and_invisible=True)
    assert list(desk.told(sample)) == []


def test_content_is_judged_by_parameter(desk: Desk) -> None:
    desk.repository.settings = replace(desk.repository.settings, check_content=False)
    assert list(desk.told(Sample(document=cda("2.25.1")))) == []


def test_several_documents_when_allowed(desk: Desk) -> None:
    sample = Sample()
    second_document(sample)
    desk.repository.settings = replace(desk.repository.settings, documents_per_set=0, manifest_strict=False)
    assert list(desk.told(sample)) == []


def test_ihe_profile_refuses_french_forms_and_asks_no_signature(desk: Desk) -> None:
    pure = Desk(desk.folder / "pure", SimConfig(folder=desk.folder / "pure", ihe_pure=True))
    assert {rule for rule, _ in pure.told(Sample())} == {"D-09", "D-22", "D-40"}
    sample = Sample()
    every_patient(f"279035121518989^^^&{OID}&ISO")(sample)
    for owner in (SET, DOC, SIG):
        author(owner, "authorInstitution", f"Organisation-Y^^^^^&{n.STRUCTURE_OID}&ISO^^^^{HOUSE}")(sample)
        author(owner, "authorSpecialty", "G15_10/SM26^^^&1.2.250.1.213.1.1.4.5&ISO")(sample)
    sample.remove(sample.object("as3"))
    sample.signature = b"<not/>"
    assert list(pure.told(sample)) == []

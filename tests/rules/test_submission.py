"""Each rule of an ITI-41 or ITI-42: a good message, one mistake, and that rule alone speaks (ihe-rules D.2, D.8)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from connector.base.ns import RIM, q
from connector.rules import names as n
from connector.rules.case import Transaction
from connector.rules.profiles import rules_of
from tests.rules.sample import (
    CX,
    DOC,
    FOLDER,
    INS,
    OID,
    OTHER_INS,
    PERSON,
    SET,
    SIG,
    Mutation,
    Sample,
    new_slot,
    remove,
)

META = "XDSRepositoryMetadataError"
REFERENCES = "urn:ihe:iti:xds:2013:referenceIdList"
RESTRICTION = "1.2.250.1.213.1.1.4.13"
OTHER_PATIENT = {"dmp": f"{OTHER_INS}^^^&{OID}&ISO^NH", "ihe": f"{OTHER_INS}^^^&{OID}&ISO"}
PATIENT_SCHEMES = {SET: n.SET_PATIENT_ID, DOC: n.DOC_PATIENT_ID, SIG: n.DOC_PATIENT_ID, FOLDER: n.FOLDER_PATIENT_ID}

TABLE: list[tuple[str, str, str, Mutation]] = []


def breaks(rule: str, mutation: Mutation, code: str = META, profiles: str = "dmp ihe") -> None:
    """One row per profile in which the mistake can be made."""
    TABLE.extend((profile, rule, code, mutation) for profile in profiles.split())


def every_patient(value: str) -> Mutation:
    def change(s: Sample) -> None:
        for owner, scheme in PATIENT_SCHEMES.items():
            if any(item.get("id") == owner for item in s.objects):
                s.value(owner, scheme, value)

    return change


def document_uid(value: str) -> Mutation:
    """In the metadata and in the document."""

    def change(s: Sample) -> None:
        s.value(DOC, n.DOC_UNIQUE_ID, value)
        s.said(unique_id=value)

    return change


def same_logical_ids(s: Sample) -> None:
    for owner in (SET, DOC):
        s.object(owner).set("lid", "urn:uuid:lid")


def doubled_slot(s: Sample) -> None:
    for _ in range(2):
        s.object(DOC).insert(0, new_slot("urn:x:twice", "once"))


def second_set(s: Sample) -> None:
    added = s.clone(SET, "SubmissionSet02")
    for item in added.findall(q(RIM, "Classification")):
        item.set("id", "second-" + item.get("id", ""))
    next(item for item in added.iter() if item.get("value") == "2.25.1001").set("value", "2.25.2001")


def same_ids(s: Sample) -> None:
    first, second = s.object(DOC).findall(q(RIM, "Classification"))[:2]
    second.set("id", first.get("id", ""))


def inline(s: Sample) -> None:
    document = s.documents()[0]
    s.parts.pop("document@test")
    document.remove(document[0])
    document.text = "PENsaW5pY2FsRG9jdW1lbnQvPg=="


def no_part(s: Sample) -> None:
    s.parts.pop("document@test")


def no_document(s: Sample) -> None:
    no_part(s)
    remove(s.documents()[0])


def stray_part(s: Sample) -> None:
    s.parts["stray@test"] = s.parts["document@test"]


def title(text: str) -> Mutation:
    return lambda s: next(s.object(DOC).iterchildren(q(RIM, "Name")))[0].set("value", text)


def event(s: Sample) -> etree._Element:
    return s.add_code(DOC, n.EVENT_CODE, "IMP", "2.16.840.1.113883.5.4")


def event_without_system(s: Sample) -> None:
    added = event(s)
    added.remove(added[0])


def event_without_label(s: Sample) -> None:
    added = event(s)
    added.remove(added[1])


def documented_member(s: Sample) -> None:
    added = event(s)
    added.set("classificationScheme", n.ASSOCIATION_DOCUMENTATION)
    added.set("classifiedObject", "as1")
    s.object("as1").append(added)


def swapped_order(s: Sample) -> None:
    item = s.object(DOC)
    name = item.find(q(RIM, "Name"))
    assert name is not None
    item.insert(0, name)


def foreign_element(s: Sample) -> None:
    etree.SubElement(s.objects, q(RIM, "Service"), id="service")


def limited(s: Sample) -> None:
    added = event(s)
    del added.attrib["classificationScheme"]
    added.set("classificationNode", "urn:uuid:ab9b591b-83ab-4d03-8f5d-f93b1fb92e85")


def normal_last(s: Sample) -> None:
    s.add_code(DOC, n.CONFIDENTIALITY, "MASQUE_PS", RESTRICTION)
    first, second = s.codes(DOC, n.CONFIDENTIALITY)
    second.addnext(first)


def restricted(*codes: str) -> Mutation:
    return lambda s: [s.add_code(DOC, n.CONFIDENTIALITY, code, RESTRICTION) for code in codes]


def domain_codes(**lists: tuple[str, str, str]) -> Mutation:
    def change(s: Sample) -> None:
        listed = {attribute: frozenset({code}) for attribute, code in lists.items()}
        s.settings = replace(s.settings, codes=listed)

    return change


breaks("D-01", doubled_slot)
breaks("D-01", lambda s: s.slot(DOC, "", "x"))
breaks("D-01", lambda s: s.slot(DOC, "urn:x:long", "x" * 257))
breaks("D-02", second_set)
breaks("D-03", same_ids)
breaks("D-04", lambda s: remove(s.identifier(DOC, n.DOC_UNIQUE_ID)))
breaks("D-04", lambda s: s.value(SET, n.SET_UNIQUE_ID, "2.25." + "1" * 130))
breaks("D-04", lambda s: remove(s.identifier(FOLDER, n.FOLDER_UNIQUE_ID)), profiles="ihe")
breaks("D-05", lambda s: s.value(SET, n.SET_UNIQUE_ID, "2.25.1002"), "XDSRepositoryDuplicateUniqueIdInMessage")
breaks("D-06", lambda s: s.value(SET, n.SET_UNIQUE_ID, "2.25.01"))
breaks("D-06", lambda s: s.value(FOLDER, n.FOLDER_UNIQUE_ID, "folder 7"), profiles="ihe")
breaks("D-06", document_uid("not an oid"))
breaks("D-07", lambda s: s.slot(SET, "submissionTime"))
breaks("D-07", lambda s: s.value(SET, n.SET_SOURCE_ID, "ward 7"))
breaks("D-07", lambda s: remove(s.codes(SET, n.SET_CONTENT_TYPE)[0]))
breaks("D-08", lambda s: s.object(SET).set("status", n.DEPRECATED))
breaks("D-09", lambda s: s.codes(DOC, n.DOC_AUTHOR)[0].set("nodeRepresentation", "THOMAS"))
breaks("D-09", lambda s: s.author(DOC, "authorPerson", PERSON, PERSON), profiles="dmp")
breaks("D-09", lambda s: s.author(DOC, "authorPerson", "^^Eric"))
breaks("D-09", lambda s: s.author(DOC, "authorRole", "^MED"))
breaks("D-09", lambda s: s.author(DOC, "authorTelecommunication", "^PRN^Internet"))
breaks("D-09", lambda s: s.author(DOC, "authorTelecommunication", "0102030405"))
breaks("D-09", lambda s: s.author(DOC, "authorInstitution", "Y^^^^^&1.2.3&ISO^IDNST^^^112"), profiles="ihe")
breaks("D-09", lambda s: s.author(DOC, "authorInstitution", "Y^^^^^^^^^112"), profiles="ihe")
breaks("D-09", lambda s: s.author(DOC, "authorSpecialty", "SM26^Médecin^1.2.250.1.213.1.1.4.5"), profiles="ihe")
breaks("D-10", lambda s: s.slot(SET, "intendedRecipient", "||"))
breaks("D-10", lambda s: s.slot(SET, "intendedRecipient", "|^^Eric|"))
breaks("D-11", lambda s: s.slot(DOC, "creationTime"))
breaks("D-11", lambda s: s.slot(DOC, "creationTime", "20261120090000", "20261120090000"))
breaks("D-12", lambda s: s.slot(DOC, "serviceStopTime", "20261101"))
breaks("D-12", lambda s: s.slot(DOC, "serviceStopTime", "20261120", "20261121"))
breaks("D-13", lambda s: s.slot(DOC, "hash", "abc"))
breaks("D-14", lambda s: s.slot(DOC, "size", "-5"))
breaks("D-15", lambda s: s.slot(DOC, "languageCode", "français"))
breaks("D-15", lambda s: s.slot(DOC, "languageCode"))
breaks("D-16", lambda s: s.slot(DOC, "legalAuthenticator", PERSON, PERSON), profiles="dmp")
breaks("D-16", lambda s: s.slot(DOC, "legalAuthenticator", "^^Eric"))
breaks("D-17", lambda s: s.slot(DOC, "sourcePatientId", "000003"))
breaks("D-17", lambda s: s.slot(DOC, "sourcePatientInfo", "PID-19|1"))
breaks("D-18", lambda s: s.slot(DOC, REFERENCES, "A7"))
breaks("D-19", lambda s: s.slot(DOC, "URI", ""))
breaks("D-20", lambda s: remove(s.codes(DOC, n.CLASS_CODE)[0]))
breaks("D-20", lambda s: s.add_code(DOC, n.TYPE_CODE, "34112-3", "2.16.840.1.113883.6.1"))
breaks("D-20", lambda s: remove(s.codes(DOC, n.CONFIDENTIALITY)[0]))
breaks("D-21", event_without_system)
breaks("D-21", event_without_label)
breaks("D-21", lambda s: event(s).set("nodeRepresentation", ""))
breaks("D-21", lambda s: s.codes(DOC, n.CLASS_CODE)[0].set("classifiedObject", SET))
breaks("D-22", every_patient(f"{INS}^^^CHU&{OID}&ISO"), profiles="ihe")
breaks("D-22", every_patient(CX["dmp"]), profiles="ihe")
breaks("D-22", every_patient(f"{INS}^^^CHU&{OID}&ISO^NH"), profiles="dmp")
breaks("D-22", every_patient(f"{INS}^^^&1.2.250&UUID^NH"), profiles="dmp")
breaks("D-23", lambda s: s.slot(DOC, "repositoryUniqueId", "the repository"))
breaks("D-24", lambda s: s.object(DOC).set("objectType", "urn:uuid:34268e47-fdf5-41a6-ba33-82133c465248"))
breaks("D-25", title("t" * 129))
breaks("D-26", lambda s: s.object(DOC).set("mimeType", "text"))
breaks("D-26", domain_codes(mimeType=("application/pdf", "", "")))
breaks("D-27", lambda s: s.object(DOC).set("status", "urn:status:fine"))
breaks("D-28", inline)
breaks("D-29", same_logical_ids)
breaks("D-30", lambda s: remove(s.codes(FOLDER, n.FOLDER_CODES)[0]), profiles="ihe")
breaks("D-30", lambda s: remove(next(s.object(FOLDER).iterchildren(q(RIM, "Name")))), profiles="ihe")
breaks("D-30", lambda s: s.slot(FOLDER, "lastUpdateTime", "20261121"), profiles="ihe")
breaks("D-31", limited)
breaks("D-32", lambda s: s.value(DOC, n.DOC_PATIENT_ID, OTHER_PATIENT[s.profile]), "XDSPatientIdDoesNotMatch")
breaks(
    "D-32",
    lambda s: s.value(FOLDER, n.FOLDER_PATIENT_ID, OTHER_PATIENT["ihe"]),
    "XDSPatientIdDoesNotMatch",
    profiles="ihe",
)
breaks("D-33", lambda s: s.link("urn:other", DOC, "urn:uuid:0b7a3a7e-3c43-4cbb-9a0b-1c6a1f0e7d02"))
breaks("D-33", documented_member)
breaks("D-34", lambda s: s.slot("as1", "SubmissionSetStatus", "New"))
breaks("D-34", lambda s: s.slot("as1", "SubmissionSetStatus"))
breaks(
    "D-35",
    lambda s: s.link(n.APND, SET, "urn:uuid:0b7a3a7e-3c43-4cbb-9a0b-1c6a1f0e7d02"),
    "UnresolvedReferenceException",
)
breaks("D-38a", no_document, "XDSMissingDocument")
breaks("D-38a", no_part, "XDSMissingDocument")
breaks("D-38b", stray_part, "XDSMissingDocumentMetadata")
breaks("D-39", lambda s: s.object(DOC).set("home", "1.2.250.1.999"))
breaks("D-40", lambda s: remove(s.object("as1")), profiles="dmp")
breaks("D-40", lambda s: s.link(n.HAS_MEMBER, SET, DOC, SubmissionSetStatus="Original"))
breaks("D-40", lambda s: s.link(n.APND, DOC, DOC))
breaks("D-40", lambda s: s.link(n.APND, DOC, SET))
breaks("D-41", lambda s: s.link(n.APND, DOC, "Nowhere"))
breaks("D-41", lambda s: s.link(n.RPLC, DOC, "urn:uuid:ABCDEF00-0000-4000-8000-000000000000"))
breaks("D-42", lambda s: s.codes(DOC, n.FACILITY_TYPE)[0].set("nodeRepresentation", "SA999"), profiles="dmp")
breaks("D-42", lambda s: s.codes(SET, n.SET_CONTENT_TYPE)[0].set("nodeRepresentation", "no such"), profiles="dmp")
breaks("D-42", domain_codes(classCode=("10", "1.2.250.1.213.1.1.4.1", "Another label")), profiles="ihe")
breaks("D-42", domain_codes(typeCode=("11490-0", "another system", "Lettre de liaison à la sortie")), profiles="ihe")
breaks("D-43", lambda s: s.slot(DOC, "wardColour", "blue"), "XDSExtraMetadataNotSaved")
breaks("D-44", lambda s: s.identifier(DOC, n.DOC_PATIENT_ID)[0][0].set("value", "patientId"))
breaks("D-44", lambda s: s.identifier(SET, n.SET_SOURCE_ID).set("registryObject", DOC))
breaks("D-45", lambda s: s.slot(DOC, "creationTime", "2026-11-20"))
breaks("D-45", lambda s: s.slot(DOC, "creationTime", "20261320"))
breaks("D-46", swapped_order)
breaks("D-46", foreign_element)
breaks("D-48", lambda s: s.slot(DOC, "hash", "0" * 40))
breaks("D-48", lambda s: s.slot(DOC, "size", "1"))
breaks("D-69", lambda s: s.slot("as1", "PreviousVersion", "1"))
breaks("D-69", lambda s: s.link(n.UPDATE_STATUS, SET, "urn:uuid:0b7a3a7e-3c43-4cbb-9a0b-1c6a1f0e7d02"))

breaks("DMP-01", lambda s: s.speak(ins=OTHER_INS), "XDSPatientIdDoesNotMatch", "dmp")
breaks("DMP-02", Sample.second_document, META, "dmp")
breaks("DMP-03", lambda s: remove(s.object("as3")), META, "dmp")
breaks("DMP-03", lambda s: s.slot("as3", "SubmissionSetStatus", "Reference"), META, "dmp")
breaks("DMP-03", lambda s: s.slot("as1", "SubmissionSetStatus", "Reference"), META, "dmp")
breaks("DMP-04", lambda s: s.speak(structure="1120459876"), META, "dmp")
breaks("DMP-04", lambda s: s.speak(mode="DIRECTE", name_id="801234567897"), META, "dmp")
breaks("DMP-05", lambda s: s.author(DOC, "authorPerson", PERSON.replace("Eric", "")), META, "dmp")
breaks("DMP-05", lambda s: s.author(SET, "authorPerson", PERSON.replace("THOMAS", " ")), META, "dmp")
breaks("DMP-06", normal_last, META, "dmp")
breaks("DMP-07", restricted("MASQUE_PS", "INVISIBLE_PATIENT"), META, "dmp")
breaks("DMP-07", lambda s: s.add_code(DOC, n.CONFIDENTIALITY, "R", "2.16.840.1.113883.5.25"), META, "dmp")
breaks("DMP-08", document_uid("2.25.1002^7"), META, "dmp")
breaks("DMP-09", lambda s: s.author(DOC, "authorPerson", PERSON.replace("IDNPS", "RPPS")), META, "dmp")
breaks("DMP-09", lambda s: s.slot(DOC, "legalAuthenticator", PERSON.replace("4.2.1", "4.2.2")), META, "dmp")
breaks("DMP-10", lambda s: s.author(SIG, "authorInstitution", "Y^^^^^&1.2.250.1.71.4.2.2&ISO^XX^^^1"), META, "dmp")
breaks("DMP-11", every_patient(f"{INS}^^^&{OID}&ISO^PI"), META, "dmp")
breaks("DMP-11", lambda s: s.slot(DOC, "sourcePatientId", "000003^^^&1.2.250.1.999.1&ISO^XX"), META, "dmp")
breaks("DMP-12", lambda s: s.slot(SIG, "languageCode", "fr-FR"), META, "dmp")
breaks("DMP-12", lambda s: remove(s.codes(SIG, n.CONFIDENTIALITY)[2]), META, "dmp")
breaks("DMP-13", lambda s: s.slot(DOC, "legalAuthenticator"), META, "dmp")
breaks("DMP-13", lambda s: s.slot(DOC, "serviceStartTime"), META, "dmp")
breaks("DMP-13", lambda s: s.slot(SET, "submissionTime", "20261121"), META, "dmp")
breaks("DMP-13", lambda s: s.object(DOC).set("mimeType", "application/pdf"), META, "dmp")
breaks("DMP-14", lambda s: remove(s.codes(DOC, n.DOC_AUTHOR)[0]), META, "dmp")
breaks("DMP-14", lambda s: s.author(DOC, "authorPerson"), META, "dmp")
breaks("DMP-15", lambda s: s.speak(secret=True), META, "dmp")
breaks("DMP-16", lambda s: s.author(DOC, "authorSpecialty", "SM26"), META, "dmp")
breaks("DMP-17", lambda s: s.said(unique_id="2.25.1002^1"), META, "dmp")
breaks("DMP-18", lambda s: s.said(patients=frozenset({(OID, OTHER_INS)})), "XDSPatientIdDoesNotMatch", "dmp")
breaks("DMP-19", lambda s: s.said(type=("11502-2", "2.16.840.1.113883.6.1")), META, "dmp")


@pytest.mark.parametrize("profile", ["dmp", "ihe"])
def test_the_good_sample_breaks_nothing(profile: str) -> None:
    assert Sample(f"iti41-{profile}", "ITI-41").judge() == ()


@pytest.mark.parametrize(
    ("profile", "rule", "code", "mutation"), TABLE, ids=[f"{i}-{row[1]}-{row[0]}" for i, row in enumerate(TABLE)]
)
def test_one_mistake_breaks_its_rule_and_no_other(profile: str, rule: str, code: str, mutation: Mutation) -> None:
    sample = Sample(f"iti41-{profile}", "ITI-41")
    mutation(sample)
    assert {(found.rule, found.code) for found in sample.judge()} == {(rule, code)}


REGISTER = [
    ("D-13", lambda s: s.slot(DOC, "hash")),
    ("D-14", lambda s: s.slot(DOC, "size")),
    ("D-23", lambda s: s.slot(DOC, "repositoryUniqueId")),
    ("D-11", lambda s: s.slot(DOC, "creationTime")),
]


@pytest.mark.parametrize(("rule", "mutation"), REGISTER, ids=[row[0] for row in REGISTER])
def test_a_registration_needs_what_the_repository_computes(rule: str, mutation: Mutation) -> None:
    sample = Sample("iti42-ihe", "ITI-42")
    assert sample.judge() == ()
    mutation(sample)
    assert {(found.rule, found.code) for found in sample.judge()} == {(rule, "XDSRegistryMetadataError")}


def test_the_same_unique_id_twice_has_the_code_of_its_transaction() -> None:
    sample = Sample("iti42-ihe", "ITI-42")
    sample.value(SET, n.SET_UNIQUE_ID, "2.25.1002")
    assert [found.code for found in sample.judge()] == ["XDSRegistryDuplicateUniqueIdInMessage"]


@pytest.mark.parametrize("profile", ["dmp", "ihe"])
def test_every_rule_of_the_list_is_broken_by_some_row(profile: str) -> None:
    transaction: Transaction = "ITI-41"
    listed = {rule.id for rule in rules_of(transaction, ihe_pure=profile == "ihe")}
    assert listed - {row[1] for row in TABLE if row[0] == profile} <= ({"D-30"} if profile == "dmp" else set())


def test_a_finding_names_attribute_value_and_expectation_but_nobody() -> None:
    sample = Sample("iti41-dmp", "ITI-41")
    sample.value(DOC, n.DOC_PATIENT_ID, OTHER_PATIENT["dmp"])
    sample.slot(DOC, "sourcePatientInfo", f"PID-19|{OTHER_INS}")
    sample.codes(DOC, n.FACILITY_TYPE)[0].set("nodeRepresentation", "SA999")
    found = sample.judge()
    listed = next(item for item in found if item.rule == "D-42")
    assert listed.field == "DocumentEntry.healthcareFacilityTypeCode (Document01)"
    assert listed.found == "SA999^^1.2.250.1.71.4.2.4"
    assert listed.text == "Un code n'est pas dans la liste en vigueur."
    assert "JDV_J61" in listed.expected
    assert listed.reference.startswith("ihe-rules D.2")
    assert not any(OTHER_INS in item.text or OTHER_INS in item.found for item in found)


def test_a_domain_without_signature_asks_none_and_one_with_accepts_it() -> None:
    unsigned = Sample("iti41-dmp", "ITI-41")
    unsigned.settings = replace(unsigned.settings, signed=False)
    for owner in ("as2", "as3", SIG):
        remove(unsigned.object(owner))
    remove(unsigned.documents()[1])
    unsigned.parts.pop("signature@test")
    assert unsigned.judge() == ()
    signed = Sample("iti41-ihe", "ITI-41")
    signed.settings = replace(signed.settings, signed=True)
    signed.link(n.SIGNS, DOC, SET, SubmissionSetStatus="Original")
    assert signed.judge() == ()

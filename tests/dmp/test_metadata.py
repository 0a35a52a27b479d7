"""CDA header and message → metadata: the good letter attribute by attribute, then one mutation per rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.cda.model import CdaHeader, CdaPerson, Coded, InstanceId, ServiceEvent
from connector.dmp import forms
from connector.dmp.config import DmpConfig
from connector.dmp.errors import DmpMetadataError
from connector.dmp.facts import DocumentFacts
from connector.dmp.facts import national as as_national
from connector.dmp.metadata import build_entry, build_submission_set, software_id, source_patient_info
from connector.dmp.rules import Draft, check
from connector.hl7.model import Authority, Flags, Identifier, Organization, Provider, Sender
from connector.ins.model import Traits
from connector.xds.model import Author, Code, DocumentEntry, SubmissionSet
from tests.dmp.samples import CONFIG, DOCTOR, FACTS, HEADER, IDS, INS, NATIONAL, OTHER_INS, SENDER, STAY

IHE = replace(CONFIG, profile="ihe")


def entry(header: CdaHeader = HEADER, facts: DocumentFacts = FACTS, config: DmpConfig = CONFIG) -> DocumentEntry:
    return build_entry(header, facts, INS, config, entry_uuid="Document01")


def submission_set(facts: DocumentFacts = FACTS, config: DmpConfig = CONFIG, feeding: str = "") -> SubmissionSet:
    return build_submission_set(
        entry(facts=facts, config=config),
        facts,
        config,
        set_uuid="SubmissionSet01",
        unique_id=IDS.set_id,
        submission_time=IDS.submission_time,
        feeding=feeding,
    )


THOMAS = "801234564895^THOMAS^Eric^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
ORGANISATION = "Organisation-Y^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1120456789"
PATIENT = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"


def test_a_discharge_letter_attribute_by_attribute() -> None:
    assert entry() == DocumentEntry(
        entry_uuid="Document01",
        unique_id="1.2.250.1.999.1.1.42",
        patient_id=PATIENT,
        mime_type="text/xml",
        class_code=Code("10", "1.2.250.1.213.1.1.4.1", "Compte rendu"),
        type_code=Code("11490-0", "2.16.840.1.113883.6.1", "Lettre de liaison à la sortie"),
        format_code=entry().format_code,
        facility_type=Code("SA01", "1.2.250.1.71.4.2.4", "Etablissement public de santé"),
        practice_setting=Code("ETABLISSEMENT", "1.2.250.1.213.1.1.4.9", "Etablissement de santé"),
        confidentiality=(Code("N", "2.16.840.1.113883.5.25", "Normal"),),
        creation_time="20260110083000",
        language="fr-FR",
        source_patient_id="000003^^^&1.2.250.1.999.5&ISO^PI",
        title="Lettre de liaison à la sortie",
        authors=(
            Author(
                person=THOMAS,
                institutions=(ORGANISATION,),
                specialties=("G15_10/SM26^Médecin - Qualifié en Médecine Générale (SM)^1.2.250.1.213.1.1.4.5",),
            ),
        ),
        legal_authenticator=THOMAS,
        event_codes=(Code("IMP", "2.16.840.1.113883.5.4", "Hospitalisation"),),
        service_start="20260105070000",
        service_stop="20260110080000",
        source_patient_info=("PID-5|PAT-TROIS^DOMINIQUE^^^^^L", "PID-7|19790328", "PID-8|F"),
    )
    format_code = entry().format_code
    assert format_code is not None
    assert (format_code.code, format_code.scheme) == ("urn:asip:ci-sis:ldl-ses:2017", "1.2.250.1.213.1.1.4.2.282")


def test_the_submission_set_comes_from_the_sender_and_the_stay() -> None:
    assert submission_set() == SubmissionSet(
        entry_uuid="SubmissionSet01",
        unique_id="2.25.1001",
        source_id="1.2.250.1.999.9.1",
        patient_id=PATIENT,
        submission_time="20261121093000",
        content_type=submission_set().content_type,
        authors=(Author(person=THOMAS, institutions=(ORGANISATION,), specialties=entry().authors[0].specialties),),
    )
    content_type = submission_set().content_type
    assert content_type is not None
    assert content_type.code == "03"


def test_a_sending_software_is_its_structure_and_a_device() -> None:
    facts = replace(FACTS, sender=Sender(None, SENDER.organization, "PACS-2"))
    person = submission_set(facts).authors[0].person
    assert person == "3120456789/PACS-2^dmp-connector^PFI^^^^^^&1.2.250.1.71.4.2.1&ISO^U^^^RI"


def test_a_software_that_says_no_structure_belongs_to_the_one_that_feeds() -> None:
    facts = replace(FACTS, sender=Sender(None, None, "DEV1"))
    (author,) = submission_set(facts, feeding="1120456789").authors
    assert author.person == "3120456789/DEV1^dmp-connector^PFI^^^^^^&1.2.250.1.71.4.2.1&ISO^U^^^RI"
    assert author.institutions == ()
    assert submission_set(facts).authors[0].person == "^dmp-connector^PFI^^^^^^^U"
    assert check(Draft(HEADER, facts, INS, CONFIG)) == ()


@pytest.mark.parametrize(
    ("sender", "national"),
    [
        (
            Sender(Provider("10000023084", "HODA", "Adam", NATIONAL, "RPPS"), Organization("Y", id="300017985")),
            Sender(Provider("810000023084", "HODA", "Adam", NATIONAL, "RPPS"), Organization("Y", id="1300017985")),
        ),
        (Sender(Provider("10000023084", "HODA", "Adam", Authority("", "2.25.1", "ISO")), None), None),
        (Sender(None, Organization("Y", Authority("", "2.25.1", "ISO"), "FINEG", "300017985")), None),
        (SENDER, None),
        (Sender(None, None, "DEV1"), None),
    ],
)
def test_the_sender_of_a_message_is_known_by_national_identifiers(sender: Sender, national: Sender | None) -> None:
    """`national` None: nothing changes."""
    assert as_national(sender) == (national or sender)


@pytest.mark.parametrize(("structure", "expected"), [("1120456789", "3120456789/x"), ("278901234", "278901234/x")])
def test_finess_changes_prefix_between_structure_and_person(structure: str, expected: str) -> None:
    assert software_id(structure, "x") == expected


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (Flags(), ["N"]),
        (Flags(masque_ps=True), ["N", "MASQUE_PS"]),
        (
            Flags(invisible_patient=True, invisible_rep_legaux=True),
            ["N", "INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX"],
        ),
    ],
)
def test_the_switches_follow_the_documents_own_confidentiality(flags: Flags, expected: list[str]) -> None:
    found = entry(facts=replace(FACTS, flags=flags)).confidentiality
    assert [code.code for code in found] == expected
    assert {code.scheme for code in found[1:]} <= {"1.2.250.1.213.1.1.4.13"}
    assert all(code.display for code in found)


@pytest.mark.parametrize(
    ("patient_class", "expected"), [("I", "03"), ("O", "07"), ("R", "19"), ("N", "97"), ("E", "07"), ("P", "97")]
)
def test_content_type_from_the_patient_class(patient_class: str, expected: str) -> None:
    found = submission_set(replace(FACTS, patient_class=patient_class)).content_type
    assert found is not None
    assert (found.code, found.scheme) == (expected, "1.2.250.1.213.2.2")


def test_the_hospitals_number_needs_an_oid_else_the_documents_then_the_ins() -> None:
    local = replace(FACTS, ipp=Identifier("000003", Authority("CHU-X", "000897406", "N"), "PI"))
    assert entry(facts=local).source_patient_id == "000003^^^&1.2.250.1.999.5&ISO^PI"
    bare = replace(HEADER, patient_ids=HEADER.patient_ids[:1])
    assert entry(bare, local).source_patient_id == PATIENT


def test_a_used_name_is_a_second_line() -> None:
    lines = source_patient_info(Traits(birth_name="PAT-TROIS", first_given="DOMINIQUE", used_name="NESSI"))
    assert lines == ("PID-5|PAT-TROIS^DOMINIQUE^^^^^L", "PID-5|NESSI^DOMINIQUE^^^^^D")


def test_an_internal_identifier_of_the_legal_authenticator_is_of_type_ei() -> None:
    internal = replace(DOCTOR, id=InstanceId("1.2.250.1.71.4.2.1", "3120456789/7"))
    assert entry(replace(HEADER, legal_authenticator=internal)).legal_authenticator.endswith("&ISO^D^^^EI")


def test_a_device_author_and_a_role() -> None:
    device = CdaPerson(InstanceId("1.2.250.1.71.4.2.1", "3120456789/7"), "LIS", "Model-1", device=True,
                       function=Coded("PCP", "2.16.840.1.113883.5.88", "Médecin traitant"))  # fmt: skip
    author = entry(replace(HEADER, authors=(device,))).authors[0]
    assert author.person == "3120456789/7^LIS^Model-1^^^^^^&1.2.250.1.71.4.2.1&ISO^U^^^RI"
    assert author.roles == ("Médecin traitant",)
    assert author.institutions == ()


def test_a_self_presenting_document_has_its_own_media_type() -> None:
    assert entry(replace(HEADER, self_presenting=True)).mime_type == "application/xslt+xml"


def test_the_ihe_profile_drops_what_france_adds() -> None:
    header = replace(HEADER, id=InstanceId("1.2.250.1.999.1.1", "42"))
    found = entry(header, config=IHE)
    assert found.unique_id == "1.2.250.1.999.1.1^42"
    assert found.patient_id == "279035121518989^^^&1.2.250.1.213.1.4.10&ISO"
    assert found.source_patient_id == "000003^^^&1.2.250.1.999.5&ISO"
    (author,) = found.authors
    assert author.person == "801234564895^THOMAS^Eric^^^^^^&1.2.250.1.71.4.2.1&ISO"
    assert author.institutions == ("Organisation-Y^^^^^&1.2.250.1.71.4.2.2&ISO^^^^1120456789",)
    assert author.specialties == ("G15_10/SM26^^^&1.2.250.1.213.1.1.4.5&ISO",)


PERSON_WITHOUT_GIVEN = Provider("801234564895", "THOMAS", "", NATIONAL, "IDNPS")
H, F = "header", "facts"
MUTATIONS: list[tuple[str, str, dict[str, Any], str]] = [
    ("DMP-UNIQUEID", H, {"id": InstanceId("1.2.250.1.999.1.1", "42")}, "ClinicalDocument/id"),
    ("DMP-UNIQUEID", H, {"id": InstanceId("not-an-oid")}, "ClinicalDocument/id/@root"),
    ("DMP-PATIENT", H, {"patient_ids": (InstanceId(OTHER_INS.oid, OTHER_INS.value),)}, "recordTarget/patientRole/id"),
    ("DMP-TYPE", H, {"code": Coded("00000-0", "2.16.840.1.113883.6.1")}, "ClinicalDocument/code"),
    ("DMP-FORMAT", H, {"templates": ()}, "ClinicalDocument/templateId"),
    ("DMP-AUTHOR", H, {"authors": ()}, "author"),
    ("RG_2230", H, {"authors": (replace(DOCTOR, given=" "),)}, "author[1]/assignedAuthor/assignedPerson/name/given"),
    ("RG_2230", H, {"authors": (DOCTOR, replace(DOCTOR, family=""))},
     "author[2]/assignedAuthor/assignedPerson/name/family"),
    ("DMP-LEGAL", H, {"legal_authenticator": None}, "legalAuthenticator/assignedEntity/id"),
    ("DMP-LEGAL", H, {"legal_authenticator": replace(DOCTOR, id=None)}, "legalAuthenticator/assignedEntity/id"),
    ("DMP-CONFIDENTIALITY", H, {"confidentiality": Coded("R", "2.16.840.1.113883.5.25")},
     "ClinicalDocument/confidentialityCode"),
    ("DMP-FACILITY", H, {"facility": None}, "componentOf/encompassingEncounter/location/healthCareFacility/code"),
    ("DMP-SETTING", H, {"service_events": (replace(STAY, setting=None),)},
     "documentationOf[1]/serviceEvent/performer/…/standardIndustryClassCode"),
    ("DMP-DATE", H, {"effective_time": "yesterday"}, "ClinicalDocument/effectiveTime"),
    ("DMP-DATE", H, {"service_events": (replace(STAY, low=""),)},
     "documentationOf[1]/serviceEvent/effectiveTime/low"),
    ("D-12", H, {"service_events": (replace(STAY, high="20260101"),)},
     "documentationOf[1]/serviceEvent/effectiveTime/high"),
    ("DMP-HEADER", H, {"title": ""}, "ClinicalDocument/title"),
    ("DMP-HEADER", H, {"language": ""}, "ClinicalDocument/languageCode"),
    ("EX_2.1-1050", F, {"flags": Flags(masque_ps=True, invisible_patient=True)}, "OBX MASQUE_PS, INVISIBLE_PATIENT"),
    ("DMP-SENDER", F, {"sender": None}, "PRT (PRT-4 = SB)"),
    ("RG_2230", F, {"sender": Sender(PERSON_WITHOUT_GIVEN, SENDER.organization)}, "PRT-5 (PRT-4 = SB)"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "where", "change", "field"), MUTATIONS)
def test_one_mutation_one_refusal(rule: str, where: str, change: dict[str, Any], field: str) -> None:
    header = replace(HEADER, **change) if where == H else HEADER
    facts = replace(FACTS, **change) if where == F else FACTS
    with pytest.raises(DmpMetadataError) as refused:
        entry(header, facts)
    finding = next(f for f in refused.value.findings if f.rule == rule)
    assert (finding.field, finding.severity) == (field, "error")
    assert finding.found
    assert finding.expected
    assert refused.value.context["field"] == refused.value.findings[0].field
    assert INS.value not in str(refused.value)
    assert OTHER_INS.value not in str(refused.value)


def test_every_blocking_finding_is_reported_at_once() -> None:
    with pytest.raises(DmpMetadataError) as refused:
        entry(replace(HEADER, title="", facility=None, authors=()))
    assert [f.rule for f in refused.value.findings] == ["DMP-AUTHOR", "DMP-FACILITY", "DMP-HEADER"]


def test_a_type_outside_the_dmp_list_but_known_to_the_cisis_only_warns() -> None:
    from connector import codes

    outside = next(c for c in codes.load("J07") if c.code not in codes.load("J66") and codes.class_code(c.code))
    draft = Draft(replace(HEADER, code=Coded(outside.code, outside.system, "x")), FACTS, INS, CONFIG)
    assert [(f.rule, f.severity) for f in check(draft)] == [("DMP-TYPE", "warning")]


def test_a_sender_the_document_does_not_know_has_neither_role_nor_specialty() -> None:
    other = replace(SENDER, person=Provider("801234567897", "HODA", "Adam", NATIONAL, "IDNPS"))
    (author,) = submission_set(replace(FACTS, sender=other)).authors
    assert (author.roles, author.specialties) == ((), ())


def test_a_practice_setting_of_the_cisis_only_warns_and_says_which_list() -> None:
    header = replace(HEADER, service_events=(replace(STAY, setting=Coded("ESSMS", "1.2.250.1.213.1.1.4.9")),))
    (finding,) = check(Draft(header, FACTS, INS, CONFIG))
    assert (finding.rule, finding.severity) == ("DMP-SETTING", "warning")
    assert finding.expected == "un code de JDV_J62_PracticeSettingCode_DMP (version 20230922120000, du 2023-09-22)"
    assert "JDV_J04_XdsPracticeSettingCode_CISIS (version 20240927120000, du 2024-09-27)" in finding.text


def test_a_type_without_class_is_asked_not_guessed() -> None:
    implant = replace(HEADER, code=Coded("101881-1", "2.16.840.1.113883.6.1", "Carte d'implant"))
    with pytest.raises(DmpMetadataError) as refused:
        entry(implant)
    assert [f.rule for f in refused.value.findings] == ["DMP-CLASS"]


def test_without_a_default_an_unknown_patient_class_blocks() -> None:
    strict = replace(CONFIG, default_content_type="")
    with pytest.raises(DmpMetadataError) as refused:
        entry(facts=replace(FACTS, patient_class=""), config=strict)
    assert [f.rule for f in refused.value.findings] == ["DMP-CONTENT-TYPE"]


def test_both_masks_when_the_dmp_allows_them() -> None:
    flags = Flags(masque_ps=True, invisible_patient=True)
    found = entry(facts=replace(FACTS, flags=flags), config=replace(CONFIG, masked_and_invisible_allowed=True))
    assert [code.code for code in found.confidentiality] == ["N", "MASQUE_PS", "INVISIBLE_PATIENT"]


def test_a_document_without_ins_takes_the_messages() -> None:
    header = replace(HEADER, patient_ids=(InstanceId("1.2.250.1.999.5", "000003"),))
    assert entry(header).patient_id == PATIENT


def test_second_service_event_adds_its_code_only() -> None:
    second = ServiceEvent(code=Coded("18842-5", "2.16.840.1.113883.6.1", "Discharge"))
    found = entry(replace(HEADER, service_events=(STAY, second, ServiceEvent())))
    assert [code.code for code in found.event_codes] == ["IMP", "18842-5"]
    assert found.service_start == "20260105070000"


def test_an_organization_without_identifier_keeps_its_name_only() -> None:
    assert forms.xon("Labo", "", profile="dmp") == "Labo"
    facts = replace(FACTS, sender=Sender(SENDER.person, Organization("Labo")))
    assert submission_set(facts).authors[0].institutions == ("Labo",)


@given(st.text(max_size=30))
def test_a_name_never_opens_a_component(name: str) -> None:
    text = forms.xcn("1", name, "x", oid="1.2", name_type="D", id_type="IDNPS", profile="dmp")
    assert text.count("^") == 12
    assert text.split("^")[8] == "&1.2&ISO"

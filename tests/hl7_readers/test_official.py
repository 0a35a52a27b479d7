"""The agency's own messages as oracles (hl7v2-interface §8); skipped visibly when their folder is absent."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from connector.hl7.conformance import check_message
from connector.hl7.er7 import parse
from connector.hl7.model import Admission, DocumentRequest
from connector.hl7.pam import read_admission
from connector.hl7.structure import check_header, check_segments, route
from connector.hl7.volet import VoletRefusal, read_document

TODAY = date(2026, 11, 21)
CONSENT = "Consentement_DMP_PAMFR"
MDM = "Trans_Doc-CDA-HL7V2/MDM"
ORU = "Trans_Doc-CDA-HL7V2/ORU"
LPS = "Trans_LPS_CDA_MSSante"

FILES = {
    "S0": "SGL/admission.er7",
    "S1": "SGL/sortie.er7",
    "S2": f"{CONSENT}/ConsentementConsultation_NonOppositionAlimentation.er7",
    "S3": f"{CONSENT}/NonConsentementConsultation_NonOppositionAlimentation.er7",
    "S4": f"{CONSENT}/NonConsentementConsultation_OppositionAlimentation.er7",
    "S5": f"{CONSENT}/NonRecueillieConsentementConsultation_NonOppositionAlimentation.er7",
    "S6": f"{CONSENT}/NonRecueillieConsentementConsultation_NonRecueillieOppositionAlimentation.er7",
    "S7": f"{MDM}/Remplacement-MDM/ack.er7",
    "S8": f"{MDM}/Remplacement-MDM/message_MDM_CR_Radio_RPLC_N1.er7",
    "S9": f"{MDM}/Suppression-MDM/ack.er7",
    "S10": f"{MDM}/Suppression-MDM/message_MDM_CR_Radio_DEL_N1.er7",
    "S11": f"{MDM}/Transmission-initiale-MDM/message_MDM_CR_Radio_INIT_N1.er7",
    "S12": f"{MDM}/Transmission-initiale-MDM/message_MDM_CR_Radio_INIT_N1_Base64.er7",
    "S13": f"{ORU}/Remplacement-ORU/message_ORU_CR_Bio_RPLC_N3_SEGUR.hl7",
    "S14": f"{ORU}/Suppression-ORU/message_ORU_CR_Bio_DEL_N3_SEGUR.hl7",
    "S15": f"{ORU}/Transmission-initiale-ORU/message_ORU_CR_Bio_INIT_N3_SEGUR.hl7",
    "S16": f"{LPS}/Remplacement-MDM/ack.er7",
    "S17": f"{LPS}/Remplacement-MDM/message_MDM__LPS_MSS_CR_Radio_RPLC_N1.er7",
    "S18": f"{LPS}/Suppression-MDM/ack.er7",
    "S19": f"{LPS}/Suppression-MDM/message_MDM__LPS_MSS_CR_Radio_DEL_N1.er7",
    "S20": f"{LPS}/Transmission-initiale-MDM/ack.er7",
    "S21": f"{LPS}/Transmission-initiale-MDM/message_MDM__LPS_MSS_CR_Radio_INIT_N1.er7",
    "S22": f"{LPS}/Transmission-initiale-MDM/message_MDM__LPS_MSS_CR_Radio_INIT_N1_Base64.er7",
}
ADMISSIONS = ["S0", "S1", "S2", "S3", "S4", "S5", "S6"]
DOCUMENTS = ["S8", "S10", "S11", "S12", "S13", "S14", "S15"]
ACKS = ["S7", "S9", "S16", "S18", "S20"]
SISTER = ["S17", "S19", "S21", "S22"]


@pytest.fixture
def raw(official_data: Path, sample: str) -> bytes:
    return (official_data / "ans-messages" / FILES[sample]).read_bytes()


def admission_of(raw: bytes) -> Admission:
    return read_admission(parse(raw), environment="test", today=TODAY)


def request_of(raw: bytes) -> DocumentRequest:
    return read_document(parse(raw), environment="test", today=TODAY)


@pytest.mark.parametrize("sample", [*ADMISSIONS, *DOCUMENTS, *ACKS])
def test_accepted_before_the_acknowledgement(raw: bytes, sample: str) -> None:
    message = parse(raw)
    assert check_header(message.header) is None
    assert check_segments(message.header, message.names()) is None
    expected = "adt-act" if sample in ADMISSIONS else "ack" if sample in ACKS else "document"
    assert route(message.header) == expected


@pytest.mark.parametrize("sample", SISTER)
def test_the_sister_volet_is_refused(raw: bytes, sample: str) -> None:
    with pytest.raises(VoletRefusal) as caught:
        request_of(raw)
    assert caught.value.ack_code == "AE"
    assert [(e.code, e.app_code) for e in caught.value.errors] == [("207", "906")]


@pytest.mark.parametrize("sample", ADMISSIONS)
def test_identity_of_every_admission(raw: bytes, sample: str) -> None:
    admission = admission_of(raw)
    assert [(i.value, i.type, i.authority.key()) for i in admission.identifiers] == [
        ("000003", "PI", "000897406"),
        ("279035121518989", "INS", "1.2.250.1.213.1.4.10"),
    ]
    ipp, ins = admission.identifiers
    assert (ipp.authority.namespace, ipp.authority.type, ins.effective) == ("CHU-X", "N", "20101207")
    traits = admission.traits
    assert (traits.birth_name, traits.first_given, traits.given_names) == ("PAT-TROIS", "DOMINIQUE", "DOMINIQUE")
    assert (traits.birth_date, traits.sex, traits.birth_place) == ("19790328", "F", "63220")
    assert admission.qualification.qualified
    assert admission.qualification.warnings == ()
    assert not admission.dead
    assert admission.header.processing_id == "D"
    assert admission.stay.patient_class == "I"


@pytest.mark.parametrize(
    ("sample", "account", "visit", "feeding", "consultation", "day"),
    [
        ("S2", "24000006", "000897406", "INO", "IC", "20240306"),
        ("S3", "24000007", "000197406", "INO", "INC", "20240307"),
        ("S4", "24000008", "000297406", "IO", "INC", "20240309"),
        ("S5", "24000009", "000597406", "INO", "NA", "20240310"),
        ("S6", "24000010", "000997406", "NA", "NA", "20240311"),
    ],
)
def test_consent_samples(
    raw: bytes, sample: str, account: str, visit: str, feeding: str, consultation: str, day: str
) -> None:
    admission = admission_of(raw)
    consent, stay, movement, proof = admission.consent, admission.stay, admission.movement, admission.proof
    assert consent is not None
    collected = f"{day}111154"
    assert (consent.dmp_status, consent.dmp_status_time) == ("ACTIF", collected)
    assert (consent.feeding, consent.feeding_time) == (feeding, "" if feeding == "NA" else collected)
    assert (consent.consultation, consent.consultation_time) == (
        consultation,
        "" if consultation == "NA" else collected,
    )
    assert stay.account is not None
    assert stay.visit is not None
    assert (stay.account.value, stay.account.type, stay.visit.value, stay.visit.type) == (account, "AN", visit, "VN")
    assert stay.admitted == f"{day}110000"
    assert [(d.role, d.id, d.family, d.id_type) for d in admission.doctors] == [
        ("attending", "801234567897", "Réault", "IDNPS"),
        ("admitting", "801234567897", "Réault", "IDNPS"),
        ("declared", "10000023084", "AGNES", "RPPS"),
    ]
    assert movement is not None
    assert (movement.id, movement.start, movement.action, movement.historic, movement.nature) == (
        "312",
        f"{day}110000",
        "INSERT",
        "N",
        "HMS",
    )
    assert (movement.unit.id, movement.unit.name) == ("6268", "Chir V")
    assert proof is not None
    assert (proof.sms_consent, proof.corrected_date, proof.obtained_by, proof.insi_date) == (
        "Y",
        "N",
        "INSI",
        "20211201",
    )


@pytest.mark.parametrize("sample", ["S1"])
def test_discharge_has_no_consent_and_a_shifted_movement(raw: bytes, sample: str) -> None:
    admission = admission_of(raw)
    assert (admission.event, admission.consent, admission.proof) == ("A03", None, None)
    assert admission.movement is not None
    assert (admission.movement.action, admission.movement.unit.id) == ("INSERT", "8782")


SHA = {
    "S8": (246_324, "9e53257b591028f910bd1afe2fbcc9b7010aef8475ff8159cd33fedc2c380a9b"),
    "S14": (456_698, "b6527257245c1ff51e0f14163ab8c41a3c52c15faedeea5e59a058e824c29e38"),
    "S15": (217_807, "6a7c91dce679d76617921429d046e40f5d48aa2c22d10682adafc68e6bab40ff"),
}


@pytest.mark.parametrize("sample", list(SHA))
def test_payloads_to_the_byte(raw: bytes, sample: str) -> None:
    (part,) = request_of(raw).documents
    assert (len(part.content), hashlib.sha256(part.content).hexdigest()) == SHA[sample]


@pytest.mark.parametrize(
    ("sample", "action", "type_code", "status", "repaired"),
    [
        ("S8", "replace", "18748-4", "C", False),
        ("S10", "delete", "18748-4", "D", True),
        ("S11", "create", "18748-4", "F", False),
        ("S12", "create", "18748-4", "F", False),
        ("S13", "replace", "11502-2", "C", True),
        ("S14", "delete", "11502-2", "D", False),
        ("S15", "create", "11502-2", "F", False),
    ],
)
def test_action_type_and_padding(
    raw: bytes, sample: str, action: str, type_code: str, status: str, repaired: bool
) -> None:
    request = request_of(raw)
    (part,) = request.documents
    assert (request.action, part.type_code, part.type_system, part.result_status) == (action, type_code, "LN", status)
    assert request.volet == "2.1"
    assert ("VOLET-BASE64" in {f.rule for f in request.findings}) == repaired
    assert part.content.lstrip().startswith(b"<") == (sample != "S11")


@pytest.mark.parametrize("sample", DOCUMENTS)
def test_identity_of_every_document_message(raw: bytes, sample: str) -> None:
    request = request_of(raw)
    assert request.qualification.qualified
    assert request.qualification.ins is not None
    assert request.qualification.ins.cx() == "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"
    assert request.stay.account is not None
    assert (request.stay.account.value, request.stay.patient_class, request.stay.unit) == ("405660", "I", "UFNEPH")
    assert request.stay.number() == "000897406@120456789"


@pytest.mark.parametrize("sample", ["S8"])
def test_replacement_oracle(raw: bytes, sample: str) -> None:
    request = request_of(raw)
    assert request.document_id == "1.2.250.1.71.4.2.2.120456789.71024000082"
    assert request.replaced_id == "1.2.250.1.71.4.2.2.120456789.71024000081"
    flags = request.flags
    assert (flags.masque_ps, flags.invisible_patient, flags.invisible_rep_legaux) == (False, False, False)
    assert (flags.connexion_secrete, flags.modif_conf_code) == (True, True)
    assert (flags.dest_dmp, flags.dest_mssante_ps, flags.dest_mssante_pat) == (True, True, False)
    assert (flags.ack_reception, flags.ack_lecture_mss) == (False, False)
    assert request.sender is not None
    assert request.sender.person is not None
    assert request.sender.organization is not None
    assert (request.sender.person.id, request.sender.person.authority.oid) == ("801234564895", "1.2.250.1.71.4.2.1")
    assert (request.sender.organization.id, request.sender.organization.type) == ("300017985", "FINEG")
    assert [(r.role, r.address) for r in request.recipients] == [("RCT", "adam.hoda@test-ci-sis.mssante.fr")]
    ((code, body),) = request.mail_bodies
    assert code == "CORPSMAIL_PS"
    assert body.endswith("M.Dupont")


@pytest.mark.parametrize("sample", ["S15"])
def test_creation_oracle(raw: bytes, sample: str) -> None:
    request = request_of(raw)
    flags = request.flags
    assert (request.document_id, request.replaced_id) == ("", "")
    assert (flags.dest_dmp, flags.dest_mssante_ps, flags.dest_mssante_pat) == (True, True, True)
    assert (flags.ack_reception, flags.ack_lecture_mss, flags.connexion_secrete) == (True, True, False)
    assert [(r.role, r.address) for r in request.recipients] == [
        ("RCT", "adam.hoda@test-ci-sis.mssante.fr"),
        ("RCT", "27707279035121518989@patient.mssante.fr"),
        ("REPLY", "adam.hoda@test-ci-sis.mssante.fr"),
    ]
    assert "VOLET-PRT-RCT" in {finding.rule for finding in request.findings}
    assert request.sender is not None
    assert request.sender.person is not None
    assert (request.sender.person.id, request.sender.person.family) == ("801234567866", "DIAZ")
    ((_, body),) = request.mail_bodies
    assert body.endswith("M.Dupon")


@pytest.mark.parametrize("sample", list(FILES))
def test_conformance_of_the_official_messages(raw: bytes, sample: str) -> None:
    errors = {(finding.rule, finding.field) for finding in check_message(raw) if finding.blocking}
    if sample in SISTER:
        assert errors == {("ACK-207", "MSH^1^21")}
    elif sample == "S1":
        # Its ZBE is one field too long (§9.2-25).
        assert errors == {("PROFIL-REQUIS", "ZBE[1]-4"), ("PROFIL-REQUIS", "ZBE[1]-9")}
    else:
        assert errors == set()

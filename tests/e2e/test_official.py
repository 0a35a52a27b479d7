"""The agency's own messages over MLLP: each answer is the one the digest expects (hl7v2-interface §8)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Site

CONSENT = "Consentement_DMP_PAMFR"
MDM = "Trans_Doc-CDA-HL7V2/MDM"
ORU = "Trans_Doc-CDA-HL7V2/ORU"
LPS = "Trans_LPS_CDA_MSSante"

ADMISSIONS = {
    "S0": ("SGL/admission.er7", "succeed"),
    "S2": (f"{CONSENT}/ConsentementConsultation_NonOppositionAlimentation.er7", "succeed"),
    "S3": (f"{CONSENT}/NonConsentementConsultation_NonOppositionAlimentation.er7", "ZFA-11 = INC"),
    "S4": (f"{CONSENT}/NonConsentementConsultation_OppositionAlimentation.er7", "ZFA-11 = INC"),
    "S5": (f"{CONSENT}/NonRecueillieConsentementConsultation_NonOppositionAlimentation.er7", "ZFA-11 = NA"),
    "S6": (f"{CONSENT}/NonRecueillieConsentementConsultation_NonRecueillieOppositionAlimentation.er7", "ZFA-11 = NA"),
}
DOCUMENTS = {
    "S8": (f"{MDM}/Remplacement-MDM/message_MDM_CR_Radio_RPLC_N1.er7", "AA", "", ""),
    "S10": (f"{MDM}/Suppression-MDM/message_MDM_CR_Radio_DEL_N1.er7", "AA", "", ""),
    "S11": (f"{MDM}/Transmission-initiale-MDM/message_MDM_CR_Radio_INIT_N1.er7", "AE", "102", ""),
    "S12": (f"{MDM}/Transmission-initiale-MDM/message_MDM_CR_Radio_INIT_N1_Base64.er7", "AA", "", ""),
    "S13": (f"{ORU}/Remplacement-ORU/message_ORU_CR_Bio_RPLC_N3_SEGUR.hl7", "AA", "", ""),
    "S14": (f"{ORU}/Suppression-ORU/message_ORU_CR_Bio_DEL_N3_SEGUR.hl7", "AE", "207", "904"),
    "S15": (f"{ORU}/Transmission-initiale-ORU/message_ORU_CR_Bio_INIT_N3_SEGUR.hl7", "AA", "", ""),
    "S17": (f"{LPS}/Remplacement-MDM/message_MDM__LPS_MSS_CR_Radio_RPLC_N1.er7", "AE", "207", "906"),
    "S19": (f"{LPS}/Suppression-MDM/message_MDM__LPS_MSS_CR_Radio_DEL_N1.er7", "AE", "207", "906"),
    "S21": (f"{LPS}/Transmission-initiale-MDM/message_MDM__LPS_MSS_CR_Radio_INIT_N1.er7", "AE", "207", "906"),
    "S22": (f"{LPS}/Transmission-initiale-MDM/message_MDM__LPS_MSS_CR_Radio_INIT_N1_Base64.er7", "AE", "207", "906"),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site")) as one:
        one.log_on()
        yield one


def read(official_data: Path, name: str) -> bytes:
    return (official_data / "ans-messages" / name).read_bytes()


@pytest.mark.parametrize("number", ADMISSIONS)
def test_an_admission_is_acknowledged_and_only_s0_and_s2_consult(
    shared: Site, official_data: Path, number: str
) -> None:
    name, expected = ADMISSIONS[number]
    before = shared.query("SELECT coalesce(max(id), 0) FROM message")[0][0]
    assert shared.send(read(official_data, name)).code == "AA"
    # the identity, then the reading of the DMP
    lines = shared.wait(lambda found: [x.state_to for x in found].count("done") == 2, message_id=int(before) + 1)
    events = [line.event for line in lines]
    if expected == "succeed":
        assert "TD3.1" in events
        assert "TD3.2" in events
    else:
        assert "TD0.2" in events
        assert "TD3.1" not in events
        assert expected in lines[-1].text


def test_a_discharge_is_acknowledged_and_closes_the_stay(shared: Site, official_data: Path) -> None:
    assert shared.send(read(official_data, "SGL/sortie.er7")).code == "AA"
    shared.wait(lambda found: any(line.event == "reçu" for line in found), control_id="3995")
    assert shared.query("SELECT status FROM stay WHERE stay = '000897406@000897406'") == [("closed",)]


@pytest.mark.parametrize("number", DOCUMENTS)
def test_a_document_gets_the_answer_of_the_digest(shared: Site, official_data: Path, number: str) -> None:
    name, code, error, application = DOCUMENTS[number]
    ack = shared.send(read(official_data, name))
    assert ack.code == code, ack.errors
    assert ack.control_id == "015"
    if code == "AE":
        assert (ack.errors[0].code, ack.errors[0].app_code) == (error, application)


def test_a_refused_message_is_kept_with_its_reason(shared: Site, official_data: Path) -> None:
    raw = read(official_data, DOCUMENTS["S14"][0])
    shared.send(raw)
    rows = shared.query("SELECT raw, findings FROM message WHERE verdict = 'refused' AND findings LIKE '%ACK-904%'")
    assert rows
    assert bytes(rows[0][0]) == raw

"""The document volet: a good ORU and a good MDM, then one field changed gives exactly the named ERR."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.base.errors import CodecError
from connector.hl7.er7 import Er7Error, parse
from connector.hl7.model import DocumentRequest
from connector.hl7.volet import VoletRefusal, read_document
from connector.ins.model import Environment
from tests.hl7_readers.messages import ADT, BASE64, CDA, MDM, META, ORU, edit, insert, switch, without

TODAY = date(2026, 11, 21)
V20, V12 = "2.0^CISIS_CDA_HL7_V2", "1.2^CISIS_CDA_HL7_V1"

Err = tuple[str, str, str]
"""ERR-2, ERR-3.1, ERR-5.1."""


def read(message: str, environment: Environment = "test") -> DocumentRequest:
    return read_document(parse(message.encode()), environment=environment, today=TODAY)


def refused(message: str) -> list[Err]:
    """Errors of an AE; fails when the message is accepted."""
    with pytest.raises(VoletRefusal) as caught:
        read(message)
    assert caught.value.ack_code == "AE"
    return [(error.location, error.code, error.app_code) for error in caught.value.errors]


def rules(request: DocumentRequest) -> set[str]:
    return {finding.rule for finding in request.findings}


def test_good_oru() -> None:
    request = read(ORU)
    assert (request.action, request.volet, request.document_id, request.replaced_id) == ("create", "2.1", "", "")
    (part,) = request.documents
    assert (part.type_code, part.type_system, part.label) == ("11502-2", "LN", "CR d'examens biologiques")
    assert part.content == CDA
    assert part.result_status == "F"
    assert request.qualification.qualified
    assert request.stay.number() == "000297406@000897406"
    assert request.findings == ()
    assert not request.no_reply


def test_good_oru_flags_and_mail() -> None:
    request = read(ORU)
    flags = request.flags
    assert (flags.dest_dmp, flags.ack_reception) == (True, True)
    others = (flags.masque_ps, flags.invisible_patient, flags.invisible_rep_legaux, flags.connexion_secrete)
    assert others == (False, False, False, False)
    assert (flags.modif_conf_code, flags.dest_mssante_ps, flags.dest_mssante_pat, flags.ack_lecture_mss) == (False,) * 4
    assert request.mail_bodies == (("CORPSMAIL_PS", "Cher confrère, le compte rendu est joint."),)


def test_good_oru_sender_and_recipients() -> None:
    request = read(ORU)
    assert request.sender is not None
    assert request.sender.person is not None
    assert request.sender.organization is not None
    assert (request.sender.person.id, request.sender.person.id_type) == ("801234564895", "IDNPS")
    assert (request.sender.organization.id, request.sender.organization.type) == ("1120456789", "IDNST")
    assert [(r.role, r.address) for r in request.recipients] == [
        ("RCT", "adam.hoda@test-ci-sis.mssante.fr"),
        ("RCT", "279035121518989@patient.mssante.fr"),
        ("REPLY", "adam.hoda@test-ci-sis.mssante.fr"),
    ]
    patient = request.recipients[1].person
    assert patient is not None
    assert patient.authority.oid == "1.2.250.1.213.1.4.10"


def test_good_mdm_replacement() -> None:
    request = read(MDM)
    assert request.action == "replace"
    assert request.document_id == "1.2.250.1.71.4.2.2.120456789.82"
    assert request.replaced_id == "1.2.250.1.71.4.2.2.120456789.81"
    assert request.findings == ()


def as_action(message: str, order: str, status: str, event: str) -> str:
    return edit(edit(edit(message, "ORC-1", order), "OBX-11", status), "MSH-9", f"MDM^{event}^MDM_T02")


@pytest.mark.parametrize(
    ("order", "status", "event", "action"),
    [("NW", "F", "T02", "create"), ("RO", "C", "T10", "replace"), ("CA", "D", "T04", "delete")],
)
def test_actions_that_agree(order: str, status: str, event: str, action: str) -> None:
    request = read(as_action(MDM, order, status, event))
    assert request.action == action
    assert request.replaced_id == ("" if action == "create" else "1.2.250.1.71.4.2.2.120456789.81")


@pytest.mark.parametrize("order", ["NW", "RO", "CA"])
@pytest.mark.parametrize("status", ["F", "C", "D"])
@pytest.mark.parametrize("event", ["T02", "T10", "T04"])
def test_actions_that_disagree_are_refused_on_orc_1(order: str, status: str, event: str) -> None:
    if (order, status, event) in {("NW", "F", "T02"), ("RO", "C", "T10"), ("CA", "D", "T04")}:
        assert read(as_action(MDM, order, status, event))
    else:
        assert refused(as_action(MDM, order, status, event)) == [("ORC^1^1", "207", "906")]


SECOND = f"OBX|1|ED|11502-2||^^^^{BASE64}||||||F"
DISAGREES: Err = ("ORC^1^1", "207", "906")

ORU_MUTATIONS: dict[str, tuple[str, list[Err]]] = {
    "no identifier": (edit(ORU, "PID-3", ""), [("PID^1^3", "101", "")]),
    "no name": (edit(ORU, "PID-5", ""), [("PID^1^5", "101", "")]),
    "no class": (edit(ORU, "PV1-2", ""), [("PV1^1^2", "101", "")]),
    "no INS": (edit(ORU, "PID-3", "000003^^^CHU-X&000897406&N^PI"), [("PID^1^3", "207", "903")]),
    "no birth name": (edit(ORU, "PID-5", "NESSI^RUTH^^^^^D"), [("PID^1^5^1^1", "207", "905")]),
    "no given name": (edit(ORU, "PID-5", "PAT-TROIS^^^^^^L"), [("PID^1^5^1^2", "207", "905")]),
    "no birth date": (edit(ORU, "PID-7", ""), [("PID^1^7", "207", "905")]),
    "deleted sex": (edit(ORU, "PID-8", '""'), [("PID^1^8", "207", "905")]),
    "no birth place": (edit(ORU, "PID-11", ""), [("PID^1^11", "207", "905")]),
    "no order": (edit(ORU, "ORC-1", ""), [("ORC^1^1", "101", "")]),
    "old order": (edit(ORU, "ORC-1", "SC"), [DISAGREES]),
    "order of another action": (edit(ORU, "ORC-1", "CA"), [DISAGREES]),
    "status of another action": (edit(ORU, "OBX-11", "C"), [DISAGREES]),
    "unknown status": (edit(ORU, "OBX-11", "P"), [DISAGREES]),
    "no ordered type": (edit(ORU, "OBR-4", ""), [("OBR^1^4", "101", "")]),
    "another ordered type": (edit(ORU, "OBR-4", "34555-3^x^LN"), [("OBR^1^4", "207", "906")]),
    "no document type": (edit(ORU, "OBX-3", ""), [("OBX^1^3", "101", "")]),
    "empty payload": (edit(ORU, "OBX-5", "^TEXT^XML^Base64^"), [("OBX^1^5^1^5", "101", "")]),
    "payload in clear": (edit(ORU, "OBX-5", "^TEXT^XML^Base64^<ClinicalDocument/>"), [("OBX^1^5^1^5", "102", "")]),
    "cut payload": (edit(ORU, "OBX-5", "^TEXT^XML^Base64^QUJDR"), [("OBX^1^5^1^5", "102", "")]),
    "document is not ED": (edit(ORU, "OBX-2", "TX"), [("OBX^1", "100", "")]),
    "no sender": (without(ORU, "PRT||UC||SB"), [("PRT^1", "101", "")]),
    "empty sender": (edit(edit(ORU, "PRT-5", ""), "PRT-8", ""), [("PRT^1", "101", "")]),
    "unreadable switch": (switch(ORU, "MASQUE_PS", "O"), [(f"OBX^{META['MASQUE_PS']}^5^1^1", "103", "")]),
    "empty destination": (switch(ORU, "DESTDMP", ""), [(f"OBX^{META['DESTDMP']}^5", "101", "")]),
    "no destination": (without(ORU, "OBX|7"), [("OBX^1", "101", "")]),
    "mail only": (
        switch(switch(ORU, "DESTDMP", "N"), "DESTMSSANTEPS", "Y"),
        [(f"OBX^{META['DESTMSSANTEPS']}^5", "207", "906")],
    ),
    "mail to the patient only": (
        switch(switch(ORU, "DESTDMP", "N"), "DESTMSSANTEPAT", "Y"),
        [(f"OBX^{META['DESTMSSANTEPAT']}^5", "207", "906")],
    ),
    "switch said twice": (
        ORU + "\rOBX|13|CE|MASQUE_PS^x^MetaDMPMSS||Y||||||F",
        [("OBX^13^3", "198", "")],
    ),
    "three documents": (
        insert(insert(ORU, "OBX|1|", SECOND), "OBX|1|", SECOND),
        [("OBX^3", "198", "")],
    ),
    "sister volet": (edit(ORU, "MSH-21", "1.1^CISIS_CDA_HL7_LPS"), [("MSH^1^21", "207", "906")]),
    "missing segment": (without(ORU, "ORC"), [("ORC^1", "100", "")]),
    "old version": (edit(ORU, "MSH-12", "2.3"), [("MSH^1^12", "203", "")]),
}  # fmt: skip

MDM_MUTATIONS: dict[str, tuple[str, list[Err]]] = {
    "no document id": (edit(MDM, "TXA-12", ""), [("TXA^1^12", "101", "")]),
    "no replaced id": (edit(MDM, "TXA-13", ""), [("TXA^1^13", "101", "")]),
    "event of another action": (edit(MDM, "MSH-9", "MDM^T02^MDM_T02"), [DISAGREES]),
    "two documents": (
        insert(MDM, "OBX|1|", f"OBX|1|ED|18748-4||^^^^{BASE64}||||||C"),
        [("OBX^2", "198", "")],
    ),
}


@pytest.mark.parametrize("name", ORU_MUTATIONS)
def test_one_change_of_the_oru_gives_its_error(name: str) -> None:
    message, errors = ORU_MUTATIONS[name]
    assert refused(message) == errors


@pytest.mark.parametrize("name", MDM_MUTATIONS)
def test_one_change_of_the_mdm_gives_its_error(name: str) -> None:
    message, errors = MDM_MUTATIONS[name]
    assert refused(message) == errors


def test_several_faults_are_told_at_once() -> None:
    message = edit(edit(edit(ORU, "PV1-2", ""), "PID-8", ""), "OBX-5", "^^^^***")
    assert refused(message) == [("PID^1^8", "207", "905"), ("PV1^1^2", "101", ""), ("OBX^1^5^1^5", "102", "")]


def test_the_location_counts_obx_in_the_message_not_obx_1() -> None:
    message = insert(ORU, "OBX|1|", "OBX|9|ED|11502-2||^^^^***||||||F")
    assert refused(message) == [("OBX^2^5^1^5", "102", "")]


def test_a_refusal_never_quotes_the_patient() -> None:
    with pytest.raises(VoletRefusal) as caught:
        read(edit(edit(ORU, "PID-8", ""), "PID-3", "000003^^^CHU-X&000897406&N^PI"))
    told = str(caught.value) + str(caught.value.errors) + str(caught.value.findings)
    for secret in ("PAT-TROIS", "279035121518989", "000003", "19790328"):
        assert secret not in told


def test_an_ins_that_is_not_qualified_is_accepted_and_said() -> None:
    request = read(edit(ORU, "PID-32", "PROV"))
    assert request.qualification.reasons == ("INS-STATUT: PID-32 = PROV",)
    assert read(ORU, "production").qualification.ins is None


def test_without_the_dmp_the_patient_may_be_poorly_known() -> None:
    message = switch(edit(edit(ORU, "PID-3", "000003^^^CHU-X&000897406&N^PI"), "PID-7", ""), "DESTDMP", "N")
    request = read(without(message, "PRT"))
    assert request.sender is None
    assert rules(request) == {"VOLET-DEST"}


def test_two_documents_of_an_oru() -> None:
    second = base64.b64encode(b"<ClinicalDocument xmlns='urn:hl7-org:v3'>2</ClinicalDocument>").decode()
    message = insert(ORU, "PRT||UC||REPLY", f"OBX|1|ED|11502-2^x^LN||^TEXT^XML^Base64^{second}||||||F")
    request = read(message)
    assert [part.content for part in request.documents] == [CDA, base64.b64decode(second)]
    assert refused(message.replace("||||||F\rOBX|2|", "||||||C\rOBX|2|")) == [DISAGREES]


Change = Callable[[str], str]
TOLERATED: dict[str, tuple[Change, str]] = {
    "no padding": (lambda m: edit(m, "OBX-5", "^TEXT^XML^Base64^QUI"), "VOLET-BASE64"),
    "no visit number": (lambda m: edit(m, "PV1-19", ""), "VOLET-PV1-19"),
    "status shifted to OBX-10": (lambda m: edit(edit(m, "OBX-10", "F"), "OBX-11", ""), "VOLET-OBX-11"),
    "no status": (lambda m: edit(m, "OBX-11", ""), "VOLET-OBX-11"),
    "no profile": (lambda m: edit(m, "MSH-21", ""), "VOLET-MSH-21"),
    "newer profile": (lambda m: edit(m, "MSH-21", "3.0^CISIS_CDA_HL7_V3"), "VOLET-MSH-21"),
    "empty acknowledgement switch": (lambda m: switch(m, "ACK_RECEPTION", ""), "VOLET-META"),
    "no acknowledgement switch": (lambda m: without(m, "OBX|10"), "VOLET-META"),
    "mail beside the DMP": (lambda m: switch(m, "DESTMSSANTEPS", "Y"), "VOLET-MSS"),
    "two senders": (lambda m: insert(m, "PRT||UC||SB", "PRT||UC||SB|801234567866^DIAZ^Thierry"), "VOLET-PRT-SB"),
    "sender without structure": (lambda m: edit(m, "PRT-8", ""), "VOLET-PRT-SB"),
    "bad matricule of a recipient": (lambda m: edit(m, "PRT[3]-5", f"{'2' * 20}^^^^^^^^^^^^INS"), "VOLET-PRT-RCT"),
    "unreadable mail body": (lambda m: edit(m, "OBX[12]-5", "^TEXT^^Base64^***"), "VOLET-MAIL"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLERATED)
def test_tolerated_with_a_warning(name: str) -> None:
    change, rule = TOLERATED[name]
    request = read(change(ORU))
    assert request.action == "create"
    assert rule in rules(request)
    assert not any(finding.blocking for finding in request.findings)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: edit(m, "OBX-5", f"^text^xml^BASE64^{BASE64}"),
        lambda m: edit(m, "OBX-5", BASE64),
        lambda m: edit(m, "OBX-5", f"^TEXT^XML^Base64^{BASE64[:40]} {BASE64[40:]}"),
        lambda m: edit(m, "MSH-21", "2.1^ CISIS_CDA_HL7_V2"),
        lambda m: edit(m, "OBX[7]-3", "DESTDMP"),
        lambda m: edit(m, "OBX[7]-3", " destdmp ^x^MetaDMPMSS "),
        lambda m: edit(m, "OBX[7]-5", "y"),
        lambda m: edit(m, "PRT-4", "SB^Send by^participation"),
        lambda m: edit(m, "PRT-4", "SB"),
        lambda m: edit(m, "PID-5", "PAT-TROIS^DOMINIQUE"),
        lambda m: m.replace("\r", "\n") + "\n\n",
        lambda m: m.replace("\r", "\r\n"),
    ],
)
def test_tolerated_in_silence(change: Change) -> None:
    request = read(change(ORU))
    assert request.documents[0].content == CDA
    assert request.flags.dest_dmp is True
    assert request.findings == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("15", "^NET^X.400^a.b@mssante.fr"),
        ("15", "a.b@mssante.fr"),
        ("14", "^^X.400^a.b@mssante.fr"),
        ("16", "^^X.400^a.b@mssante.fr"),
    ],
)
def test_recipient_address_wherever_it_slid(field: str, value: str) -> None:
    message = edit(edit(ORU, "PRT[2]-15", ""), f"PRT[2]-{field}", value)
    assert read(message).recipients[0].address == "a.b@mssante.fr"


def test_no_reply_wanted() -> None:
    assert read(insert(ORU, "OBX|9|", "NTE|1|||FIN")).no_reply
    assert not read(insert(ORU, "OBX|8|", "NTE|1|||FIN")).no_reply


class TestDocumentIds:
    def test_extension_form(self) -> None:
        request = read(edit(MDM, "TXA-12", "A71024^^1.2.250.1.71.4.2.2^ISO"))
        assert request.document_id == "1.2.250.1.71.4.2.2^A71024"

    def test_replacing_itself_is_reported(self) -> None:
        assert "VOLET-TXA-13" in rules(read(edit(MDM, "TXA-13", "1.2.250.1.71.4.2.2.120456789.82")))

    def test_another_type_in_txa_is_reported(self) -> None:
        assert rules(read(edit(MDM, "TXA-2", "11502-2"))) == {"VOLET-TYPE"}


class TestOlderVolets:
    """§7: what 2.0 and 1.2 did not carry is not demanded of them."""

    def test_2_0_oru_with_its_old_order_code(self) -> None:
        message = edit(edit(ORU, "MSH-21", V20), "ORC-1", "SC")
        assert (read(message).action, read(message).volet) == ("create", "2.0")
        assert read(edit(edit(message, "OBX-11", "D"), "PV1-3", "")).action == "delete"

    def test_2_0_mdm_without_order(self) -> None:
        message = without(without(edit(MDM, "MSH-21", V20), "ORC"), "OBR")
        assert read(message).action == "replace"
        assert refused(edit(message, "OBX-11", "D")) == [("OBX^1^11", "207", "906")]
        assert read(edit(message, "OBX-11", "")).action == "replace"

    def test_2_0_still_names_its_sender_and_its_type(self) -> None:
        message = edit(edit(ORU, "MSH-21", V20), "ORC-1", "SC")
        assert refused(without(message, "PRT||UC||SB")) == [("PRT^1", "101", "")]
        assert refused(edit(message, "OBR-4", "34555-3")) == [("OBR^1^4", "207", "906")]

    def test_2_0_without_birth_place_only_warns(self) -> None:
        request = read(edit(edit(edit(ORU, "MSH-21", V20), "ORC-1", "SC"), "PID-11", ""))
        assert rules(request) == {"VOLET-PID-11"}
        assert not request.qualification.qualified

    def test_1_2_action_is_in_obx_11_alone(self) -> None:
        message = edit(edit(MDM, "MSH-21", V12), "ORC-1", "SC")
        assert read(edit(message, "MSH-9", "MDM^T02")).action == "replace"
        assert refused(edit(message, "OBX-11", "")) == [("OBX^1^11", "101", "")]

    def test_1_2_lab_panel_and_missing_sender_are_tolerated(self) -> None:
        message = edit(edit(edit(ORU, "MSH-21", V12), "ORC-1", "SC"), "OBR-4", "34555-3^x^LN")
        request = read(without(message, "PRT"))
        assert request.documents[0].type_code == "11502-2"
        assert rules(request) == {"VOLET-TYPE"}

    @pytest.mark.parametrize(
        ("current", "older", "field"),
        [
            ("INVISIBLE_REP_LEGAUX", "INVISIBLE_REPRESENTANTS_LEGAUX", "invisible_rep_legaux"),
            ("INVISIBLE_REP_LEGAUX", "INVISIBLE_REPRENSANTS_LEGAUX", "invisible_rep_legaux"),
            ("MODIF_CONF_CODE", "MODIF_CONFIDENTIALITYCODE", "modif_conf_code"),
            ("ACK_LECTURE_MSS", "ACK_LECTURE", "ack_lecture_mss"),
        ],
    )
    def test_older_switch_names(self, current: str, older: str, field: str) -> None:
        message = edit(switch(ORU, current, "Y"), f"OBX[{META[current]}]-3", older)
        assert getattr(read(message).flags, field) is True


def test_another_message_type_is_a_programming_error() -> None:
    with pytest.raises(CodecError):
        read(ADT)


def test_a_large_document_is_read_in_linear_time() -> None:
    content = b"<ClinicalDocument>" + b"x" * 8_000_000 + b"</ClinicalDocument>"
    request = read(edit(ORU, "OBX-5", f"^TEXT^XML^Base64^{base64.b64encode(content).decode()}"))
    assert request.documents[0].content == content


_CHARS = st.sampled_from(list('|^~\\&\r"09AYNFé '))


@given(st.sampled_from([ORU, MDM]), st.lists(st.tuples(st.integers(60, 2000), _CHARS), max_size=25))
def test_random_damage_is_read_or_refused(message: str, changes: list[tuple[int, str]]) -> None:
    text = list(message)
    for index, char in changes:
        text[index % len(text)] = char
    try:
        request = read("".join(text))
    except (VoletRefusal, Er7Error, CodecError):
        return
    assert request.documents
    assert request.action in ("create", "replace", "delete")

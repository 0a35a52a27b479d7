"""ITI-57 over HTTPS: the answer, what the simulator remembers, faults programmed on it, clients without VIHF."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import replace

import pytest
from lxml import etree

from connector.simulator.config import SimConfig
from connector.simulator.faults import FaultRule
from connector.simulator.server import Simulator
from tests.simulator.rig import (
    ACTIONS,
    AIR,
    DOCTOR,
    INS,
    OID,
    SOAP,
    STRUCTURE,
    WSA,
    Client,
    Reply,
    Vihf,
    envelope,
    path_of,
    query_body,
    retrieve_body,
    update_body,
)
from tests.simulator.test_core_faults import control

RS = "{urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0}"
SUCCESS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"
FAILURE = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"
DELETED = "urn:asip:ci-sis:2010:StatusType:Deleted"
ARCHIVED = "urn:asip:ci-sis:2010:StatusType:Archived"
APPROVED = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"
UID = "2.25.44"
CUT = (http.client.RemoteDisconnected, ConnectionResetError)


def seeded(sim: Simulator, unique_id: str = UID, structure: str = STRUCTURE, **facts: str) -> str:
    """An existing letter of the caller's structure; returns its entryUUID."""
    house = f"Organisation-Y^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^{structure}"
    person = "801234564895^THOMAS^Eric^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
    known = {"author_institution": house, "author_person": person, "type_code": "11490-0", "title": "Lettre"} | facts
    return sim.registry.seed(b"<letter/>", ins=INS, unique_id=unique_id, **known)


def delete(client: Client, entry_uuid: str, vihf: Vihf | None = None, set_uid: str = "2.25.901") -> Reply:
    return client.soap("update", update_body(target=entry_uuid, set_uid=set_uid), vihf)


def status(reply: Reply) -> str:
    return reply.find(f".//{RS}RegistryResponse").get("status", "")


def codes(reply: Reply) -> list[str]:
    return [item.get("errorCode", "") for item in reply.root.iter(f"{RS}RegistryError")]


# -- the answer and the memory ----------------------------------------------------------------------------------------


def test_a_deletion_from_the_wire_to_the_record(client: Client) -> None:
    sim = client.sim
    reply = delete(client, seeded(sim))
    assert (reply.status, status(reply)) == (200, SUCCESS)
    assert reply.text(f".//{{{WSA}}}Action") == "urn:ihe:iti:2010:UpdateDocumentSet-Response"
    assert sim.log.lines()[-1].transaction == "ITI-57"
    code, fate = control(sim, "GET", f"documents/{UID}")
    assert code == 200
    assert (fate["status"], fate["operations"], fate["version"], fate["accepted"]) == (DELETED, {"TD3.3c": 1}, 1, 0)


def test_the_record_of_an_unknown_document(client: Client) -> None:
    code, fate = control(client.sim, "GET", "documents/2.25.9")
    assert (code, fate["accepted"], fate["status"], fate["operations"]) == (200, 0, "", {})


def test_a_refusal_keeps_the_shape_of_the_answer(client: Client) -> None:
    reply = delete(client, "urn:uuid:00000000-0000-4000-8000-000000000001")
    assert (reply.status, status(reply), codes(reply)) == (200, FAILURE, ["UnresolvedReferenceException"])
    assert reply.text(f".//{{{WSA}}}Action") == "urn:ihe:iti:2010:UpdateDocumentSet-Response"
    assert client.sim.log.lines()[-1].outcome == "UnresolvedReferenceException"


def test_a_right_on_the_document_is_a_fault(client: Client) -> None:
    reply = delete(client, seeded(client.sim, structure="1120459876"))
    assert reply.fault[0] == "DMPAccessDeniedByRightsService"
    assert "structure" in reply.fault[1]


def test_update_on_the_repository_path_is_refused(client: Client) -> None:
    assertion = Vihf().signed(client.sim.pki)
    text = envelope(ACTIONS["update"], update_body(), f'<w:Security xmlns:w="{_WSSE}">{assertion}</w:Security>')
    reply = client.post(path_of("submit"), text.encode())
    assert reply.root.find(f".//{{{SOAP}}}Fault") is not None


_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"


# -- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", ["cut-before", "cut-after", "cut-during"])
def test_a_lost_answer_before_and_after_the_effect(client: Client, effect: str) -> None:
    entry = seeded(client.sim)
    client.sim.faults.add(FaultRule(effect, transaction="ITI-57"))  # type: ignore[arg-type]
    with pytest.raises((*CUT, http.client.IncompleteRead)):
        delete(client, entry)
    happened = effect != "cut-before"
    assert client.sim.registry.fate(UID).operations == ({"TD3.3c": 1} if happened else {})
    again = delete(client, entry, set_uid="2.25.902")
    assert status(again) == (FAILURE if happened else SUCCESS)
    assert client.sim.registry.fate(UID).operations == {"TD3.3c": 1}


@pytest.mark.parametrize("code", ["XDSRegistryBusy", "XDSRegistryOutOfResources"])
def test_busy(client: Client, code: str) -> None:
    entry = seeded(client.sim)
    client.sim.faults.add(FaultRule("registry-error", transaction="ITI-57", code=code))
    reply = delete(client, entry)
    assert (status(reply), codes(reply)) == (FAILURE, [code])
    assert client.sim.registry.fate(UID).status == APPROVED
    assert status(delete(client, entry)) == SUCCESS


def test_a_warning_lets_it_happen(client: Client) -> None:
    rule = FaultRule("registry-error", transaction="ITI-57", code="XDSExtraMetadataNotSaved", severity="Warning")
    client.sim.faults.add(rule)
    reply = delete(client, seeded(client.sim))
    assert (status(reply), codes(reply)) == (SUCCESS, ["XDSExtraMetadataNotSaved"])


@pytest.mark.parametrize(("effect", "happened"), [("fault", False), ("fault-after", True)])
def test_a_soap_fault(client: Client, effect: str, happened: bool) -> None:
    client.sim.faults.add(FaultRule(effect, transaction="ITI-57", text="panne"))  # type: ignore[arg-type]
    assert delete(client, seeded(client.sim)).fault[1] == "panne"
    assert bool(client.sim.registry.fate(UID).operations) is happened


@pytest.mark.parametrize(("effect", "happened"), [("http-500", False), ("proxy-error", False), ("empty-answer", True)])
def test_what_is_not_soap(client: Client, effect: str, happened: bool) -> None:
    client.sim.faults.add(FaultRule(effect, transaction="ITI-57"))  # type: ignore[arg-type]
    reply = delete(client, seeded(client.sim))
    assert b"Envelope" not in reply.raw
    assert bool(client.sim.registry.fate(UID).operations) is happened


def test_a_stranger_answer(client: Client) -> None:
    client.sim.faults.add(FaultRule("wrong-relates-to", transaction="ITI-57"))
    reply = delete(client, seeded(client.sim))
    assert reply.text(f".//{{{WSA}}}RelatesTo") != "urn:uuid:6f3f1f3e-0c0a-4c0e-9d52-7a53a2b5f001"
    assert client.sim.registry.fate(UID).status == DELETED


def test_a_document_is_selected_though_the_message_names_only_its_entry(client: Client) -> None:
    other, wanted = seeded(client.sim, "2.25.45"), seeded(client.sim)
    client.sim.faults.add(FaultRule("registry-error", unique_id=UID, code="XDSRegistryBusy"))
    assert status(delete(client, other)) == SUCCESS
    assert codes(delete(client, wanted, set_uid="2.25.902")) == ["XDSRegistryBusy"]


# -- what a caller sees -----------------------------------------------------------------------------------------------


def listed(client: Client, vihf: Vihf) -> int:
    reply = client.soap("registry", query_body(), vihf)
    return int(
        reply.find(".//{urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0}AdhocQueryResponse").get("totalResultCount", "")
    )


NURSE = (("60", "1.2.250.1.71.1.2.7", "G15"),)


def test_the_matrix_closes_classes(config: SimConfig) -> None:
    matrix = config.folder.parent / "matrix.csv"
    matrix.write_text("profession,savoir-faire,classCodes\n10,,10 11\n60,,31\n", encoding="utf-8")
    with Simulator(replace(config, matrix_file=matrix)) as sim:
        client = Client(sim)
        sim.world.authorize(INS, DOCTOR)
        seeded(sim)
        nurse = replace(AIR, roles=NURSE)
        assert (listed(client, AIR), listed(client, nurse)) == (1, 0)
        assert client.soap("retrieve", retrieve_body(UID), AIR).status == 200
        assert client.soap("retrieve", retrieve_body(UID), nurse).fault[0] == "XDSDocumentUniqueIdError"


def test_masked_documents_in_emergency(client: Client) -> None:
    seeded(client.sim, confidentiality="N MASQUE_PS")
    emergency = replace(AIR, purpose="bris_de_glace")
    assert listed(client, emergency) == 0
    client.sim.world.change_patient(INS, masked_in_emergency=True)
    assert listed(client, emergency) == 1
    client.sim.world.authorize(INS, "801234567897")
    assert listed(client, replace(AIR, name_id="801234567897")) == 0


def test_what_is_hidden_from_the_patient_shows_to_professionals(client: Client) -> None:
    client.sim.world.authorize(INS, "801234567897")
    seeded(client.sim, confidentiality="N INVISIBLE_PATIENT")
    seeded(client.sim, "2.25.45", confidentiality="N INVISIBLE_REPRESENTANTS_LEGAUX")
    assert listed(client, replace(AIR, name_id="801234567897")) == 2


@pytest.mark.parametrize(("new", "expected"), [("Deprecated", 0), (ARCHIVED, 0), (DELETED, 0), (APPROVED, 1)], ids=str)
def test_states_in_lists_and_retrievals(client: Client, new: str, expected: int) -> None:
    entry = seeded(client.sim)
    state = new if ":" in new else "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"
    client.sim.registry.store.set_status(entry, state)
    client.sim.world.authorize(INS, DOCTOR)
    assert listed(client, AIR) == expected
    # d.2 row TD3.2: ordinary, archived, obsolete and deleted documents open alike.
    assert client.soap("retrieve", retrieve_body(UID), AIR).status == 200


# -- secret connection ------------------------------------------------------------------------------------------------

_SECRET = (
    '<saml:Attribute Name="urn:oasis:names:tc:xspa:1.0:resource:patient:hl7:confidentiality-code">'
    "<saml:AttributeValue>INVISIBLE_REPRESENTANTS_LEGAUX</saml:AttributeValue></saml:Attribute>"
)


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({}, ""),
        ({"minors": False}, "VIHF-SECRET"),
        ({"majority_age": 18}, "VIHF-SECRET-AGE"),
        ({"majority_age": 99}, ""),
    ],
)
def test_secret_connection(config: SimConfig, settings: dict[str, int], rule: str) -> None:
    with Simulator(replace(config, **settings)) as sim:  # type: ignore[arg-type]
        client = Client(sim)
        client.exists(Vihf(extra=_SECRET))
        assert client.last_rule() == rule


# -- an IHE client ----------------------------------------------------------------------------------------------------


@pytest.fixture
def domain(config: SimConfig) -> Iterator[Client]:
    with Simulator(replace(config, ihe_pure=True, assertion_required=False)) as simulator:
        yield Client(simulator)
        assert [event for event in simulator.log.events() if event[0] == "internal"] == []


def bare(client: Client, service: str, body: str) -> Reply:
    return client.post(path_of(service), envelope(ACTIONS[service], body, "").encode())


def test_an_ihe_client_needs_no_vihf(domain: Client) -> None:
    entry = seeded(domain.sim)
    found = bare(domain, "registry", query_body().replace("ISO^NH", "ISO"))
    assert found.find(".//{urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0}ExtrinsicObject").get("id") == entry
    assert bare(domain, "retrieve", retrieve_body(UID)).parts[1] == b"<letter/>"
    deprecated = "urn:oasis:names:tc:ebxml-regrep:StatusType:Deprecated"
    body = update_body(deprecated, entry, patient=f"{INS}^^^&{OID}&ISO").replace("^IDNST", "").replace("^D^^^IDNPS", "")
    assert status(bare(domain, "update", body)) == SUCCESS
    assert domain.sim.registry.fate(UID).status == deprecated
    assert domain.sim.log.lines()[-1].mode == ""


def test_an_unknown_document_is_told_in_the_answer(domain: Client) -> None:
    reply = bare(domain, "retrieve", retrieve_body("2.25.9"))
    assert codes(reply) == ["XDSDocumentUniqueIdError"]


def test_a_vihf_that_is_sent_is_judged_all_the_same(domain: Client) -> None:
    seeded(domain.sim)
    reply = domain.soap(
        "registry", query_body().replace("ISO^NH", "ISO"), tamper=lambda text: text.replace("THOMAS", "X")
    )
    assert etree.QName(reply.find(f".//{{{SOAP}}}Fault")).localname == "Fault"


def test_without_the_setting_a_vihf_is_required(client: Client) -> None:
    assert bare(client, "registry", query_body()).fault[0] == "wsse:InvalidSecurity"

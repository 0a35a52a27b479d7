"""TD0.2 and TD0.3: existence, authorisation, their states and their refusals (dmp-interface a.3, a.4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.simulator.config import SimConfig
from connector.simulator.server import Simulator
from tests.simulator.rig import AIR, DOCTOR, INS, OID, STRUCTURE, Client, Reply, Vihf, td02_body, td03_body

V3 = "{urn:hl7-org:v3}"
HAB = "{urn:si-dmp-habilitations}"


def authorization(reply: Reply) -> str:
    for line in reply.root.iter(f"{V3}attentionLine"):
        if line.find(f"{V3}keyWordText").get("code") == "AUTORISATION":  # type: ignore[union-attr]
            return str(line.find(f"{V3}value").get("code"))  # type: ignore[union-attr]
    raise AssertionError("no AUTORISATION line")


def query_code(reply: Reply) -> str | None:
    return reply.find(f".//{V3}queryResponseCode").get("code")


def set_authorization(client: Client, action: str = "AJOUT", vihf: Vihf = AIR, role: str = "") -> tuple[str, str]:
    reply = client.soap("habilitations", td03_body(action, role), vihf)
    return reply.text(f".//{HAB}output/{HAB}status"), reply.text(f".//{HAB}output/{HAB}context")


def test_active_dmp_with_its_traits(shared: Client) -> None:
    reply = shared.exists()
    assert query_code(reply) == "OK"
    patient = reply.find(f".//{V3}patient")
    assert patient.find(f"{V3}id").attrib == {"root": OID, "extension": INS}  # type: ignore[union-attr]
    assert patient.find(f"{V3}statusCode").get("code") == "active"  # type: ignore[union-attr]
    names = {name.get("qualifier"): name.text for name in patient.iter(f"{V3}family")}
    assert names == {"SP": "PAT-TROIS", "BR": "PAT-TROIS"}
    assert reply.find(f".//{V3}birthTime").get("value") == "19790328"
    assert reply.find(f".//{V3}acknowledgement").get("typeCode") == "AA"
    assert reply.find(f".//{V3}targetMessage/{V3}id").get("extension") == "question-1"
    assert reply.find(f".//{V3}queryAck/{V3}queryId").get("extension") == "requete-1"
    assert reply.find(f".//{V3}processingCode").get("code") == "P"


def test_closed_dmp(client: Client) -> None:
    client.sim.world.set_dmp(INS, "CLOSED")
    reply = client.exists()
    assert query_code(reply) == "OK"
    assert reply.find(f".//{V3}patient/{V3}statusCode").get("code") == "terminated"
    assert client.sim.log.lines()[-1].outcome == "CLOSED"


def test_no_dmp_and_unknown_patient(client: Client) -> None:
    client.sim.world.set_dmp(INS, "ABSENT")
    assert query_code(client.exists()) == "NF"
    stranger = "180017512345678"
    vihf = Vihf(resource=f"{stranger}^^^&{OID}&ISO^NH")
    reply = client.soap("patients", td02_body(ins=stranger), vihf)
    assert query_code(reply) == "NF"
    assert reply.root.find(f".//{V3}patientPerson") is None


def test_authorization_states(client: Client) -> None:
    world, lifetime = client.sim.world, client.sim.config.authorization_lifetime
    assert authorization(client.exists(AIR)) == "NON_EXISTE"
    world.authorize(INS, DOCTOR)
    assert authorization(client.exists(AIR)) == "VALIDE"
    world.authorize(INS, DOCTOR, datetime.now(UTC) - lifetime - timedelta(seconds=1))
    assert authorization(client.exists(AIR)) == "EXPIRE"
    world.block(INS, DOCTOR)
    assert authorization(client.exists(AIR)) == "INTERDIT"
    world.block(INS, DOCTOR, blocked=False)
    assert authorization(client.exists(AIR)) == "EXPIRE"


def test_authorization_lifetime_is_a_setting(config: SimConfig) -> None:
    with Simulator(replace(config, authorization_lifetime=timedelta(0))) as sim:
        client = Client(sim)
        sim.world.authorize(INS, DOCTOR)
        assert authorization(client.exists(AIR)) == "EXPIRE"


def test_staff_and_structure_share_the_structure_s_authorization(client: Client) -> None:
    staff = replace(AIR, roles=(("SECRETARIAT_MEDICAL", "1.2.250.1.213.1.1.4.6", "A00"),))
    assert set_authorization(client, vihf=staff)[0] == "DMPOk"
    assert client.sim.world.authorization(INS, STRUCTURE) is not None
    assert authorization(client.exists(AIR)) == "NON_EXISTE"
    assert authorization(client.exists(staff)) == "VALIDE"


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("TEST_EXST", "CNSLT_DATA", "reasonCode"),
        ('ITSVersion="XML_1.0"', 'ITSVersion="XML_2.0"', "ITSVersion"),
        ('extension="PRPA_IN201307UV02"', 'extension="PRPA_IN201305UV02"', "interactionId/@extension"),
        ('<acceptAckCode code="AL"/>', '<acceptAckCode code="NE"/>', "acceptAckCode"),
        ('<processingModeCode code="T"/>', "", "processingModeCode"),
        ("1.2.250.1.213.4.1.1.1", "1.2.3", "receiver"),
        ('<creationTime value="20261121120000"/>', "", "creationTime"),
        ('<queryId root="1.2.3" extension="requete-1"/>', "", "queryId"),
        ("<patientIdentifier>", "<patientIdentifier><value root='1.2' extension='1'/>", "patientIdentifier"),
    ],
)
def test_malformed_td02(shared: Client, old: str, new: str, text: str) -> None:
    body = td02_body()
    assert old in body
    reply = shared.soap("patients", body.replace(old, new))
    assert reply.fault[1].startswith("Requête mal formée")
    assert text in reply.fault[1]


def test_wrong_root_elements(shared: Client) -> None:
    assert "PRPA_IN201307UV02 attendu" in shared.soap("patients", "<x/>").fault[1]
    assert "setAuthorization attendu" in shared.soap("habilitations", "<x/>", AIR).fault[1]


def test_add_repeat_remove(client: Client) -> None:
    assert set_authorization(client) == ("DMPOk", "Autorisation ajoutée")
    status, text = set_authorization(client)
    assert (status, "aucune action" in text) == ("DMPOk", True)
    assert authorization(client.exists(AIR)) == "VALIDE"
    assert set_authorization(client, "SUPPRESSION") == ("DMPOk", "Autorisation supprimée")
    assert authorization(client.exists(AIR)) == "NON_EXISTE"
    status, text = set_authorization(client, "SUPPRESSION")
    assert (status, "aucune action" in text) == ("DMPOk", True)


def test_renewal_of_an_expired_authorization(client: Client) -> None:
    client.sim.world.authorize(INS, DOCTOR, datetime(2020, 1, 1, tzinfo=UTC))
    assert set_authorization(client) == ("DMPOk", "Autorisation ajoutée")
    assert authorization(client.exists(AIR)) == "VALIDE"


def test_authorization_survives_a_restart(config: SimConfig) -> None:
    with Simulator(config) as sim:
        set_authorization(Client(sim))
    with Simulator(config) as sim:
        assert authorization(Client(sim).exists(AIR)) == "VALIDE"


def test_treating_doctor(client: Client) -> None:
    assert set_authorization(client, role="MEDECIN_TRAITANT")[0] == "DMPOk"
    reply = client.exists(AIR)
    lines = {
        line.find(f"{V3}keyWordText").get("code"): line.find(f"{V3}value")  # type: ignore[union-attr]
        for line in reply.root.iter(f"{V3}attentionLine")
    }
    assert lines["STATUT_MT"].get("value") == "true"  # type: ignore[union-attr]
    nurse = replace(AIR, roles=(("60", "1.2.250.1.71.1.2.7", "G15"),))
    refused = client.soap("habilitations", td03_body(role="MEDECIN_TRAITANT"), nurse)
    assert refused.fault[0] == "DMPAccessDeniedByRightsService"


def test_blocked_professional_cannot_add(client: Client) -> None:
    client.sim.world.block(INS, DOCTOR)
    reply = client.soap("habilitations", td03_body(), AIR)
    assert reply.fault[0] == "DMPAccessDeniedByRightsService"
    assert client.sim.world.authorization(INS, DOCTOR) is None


@pytest.mark.parametrize(("state", "status"), [("CLOSED", "DMPClosed"), ("ABSENT", "DMPPatientNotFound")])
def test_no_authorization_without_an_open_dmp(client: Client, state: str, status: str) -> None:
    client.sim.world.change_patient(INS, dmp=state)
    assert set_authorization(client)[0] == status


@pytest.mark.parametrize("body", [td03_body("AUTRE"), td03_body(role="AUTRE")])
def test_malformed_td03(shared: Client, body: str) -> None:
    assert shared.soap("habilitations", body, AIR).fault[1].startswith("Requête mal formée")

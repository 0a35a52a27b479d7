"""Who may call what: structure certificate, AIR, emergency modes (dmp-interface d.2, [526], [606])."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulator.rig import ACTIONS as ACTION_OF
from tests.simulator.rig import (
    AIR,
    DOCTOR,
    INS,
    Client,
    Reply,
    Vihf,
    envelope,
    multipart,
    path_of,
    query_body,
    retrieve_body,
    secured,
    td02_body,
    td03_body,
    update_body,
)
from tests.simulator.test_core_wire import SUBMIT, XOP

DENIED = "DMPAccessDeniedByRightsService"
ES = Vihf()
STAFF = replace(AIR, roles=(("99", "1.2.250.1.213.1.6.1.140", "R291"), ("GENR01", "1.2.250.1.213.1.6.1.19", "R22")))

NURSE = (("60", "1.2.250.1.71.1.2.7", "G15"),)
_RIGHTS = ("TD0.2", "TD0.3", "TD2.1", "TD3.1", "TD3.1b", "TD3.2", "TD3.3a", "TD3.3c", "TD3.3d")
_CERTIFICATE = {"TD0.2", "TD2.1", "TD3.1b", "TD3.3c"}
_EMERGENCY = {"TD0.2", "TD3.1", "TD3.1b", "TD3.2", "TD3.3c"}


def call(client: Client, right: str, vihf: Vihf) -> Reply:
    match right:
        case "TD0.2":
            return client.soap("patients", td02_body(), vihf)
        case "TD0.3":
            return client.soap("habilitations", td03_body(), vihf)
        case "TD2.1":
            root = envelope(ACTION_OF["submit"], SUBMIT.format(XOP.format("d1")), secured(vihf.signed(client.sim.pki)))
            return client.post(path_of("submit"), *multipart(root, {"d1": b"<a/>"}))
        case "TD3.1":
            return client.soap("registry", query_body("LeafClass"), vihf)
        case "TD3.1b":
            return client.soap("registry", query_body("ObjectRef"), vihf)
        case "TD3.2":
            return client.soap("retrieve", retrieve_body(), vihf)
        case "TD3.3a":
            return client.soap("update", update_body().replace("UpdateAvailabilityStatus", "SubmitAssociation"), vihf)
        case "TD3.3c":
            return client.soap("update", update_body(), vihf)
        case "TD3.3d":
            return client.soap("update", update_body("urn:asip:ci-sis:2010:StatusType:Archived"), vihf)
    raise AssertionError(right)


@pytest.mark.parametrize(
    ("name", "vihf", "allowed"),
    [
        ("structure certificate", ES, _CERTIFICATE),
        ("structure certificate, centre 15", replace(ES, purpose="centre_15"), _CERTIFICATE),
        ("structure certificate, bris de glace", replace(ES, purpose="bris_de_glace"), set()),
        ("AIR", AIR, set(_RIGHTS) - {"TD2.1"}),
        ("AIR, centre 15", replace(AIR, purpose="centre_15"), _EMERGENCY | {"TD3.3d"}),
        ("AIR, bris de glace", replace(AIR, purpose="bris_de_glace"), _EMERGENCY | {"TD3.3d"}),
        ("AIR, nurse, bris de glace", replace(AIR, purpose="bris_de_glace", roles=NURSE), _EMERGENCY),
        ("AIR, staff", STAFF, {"TD0.2", "TD0.3", "TD3.1b", "TD3.3c"}),
    ],
)
def test_rights_table(client: Client, name: str, vihf: Vihf, allowed: set[str]) -> None:
    client.sim.world.authorize(INS, DOCTOR)
    answered = set()
    for right in _RIGHTS:
        if DENIED not in call(client, right, vihf).raw.decode():
            answered.add(right)
    assert answered == allowed, name


@pytest.mark.parametrize("right", ["TD3.1", "TD3.2", "TD3.3a", "TD3.3d"])
def test_consultation_needs_a_valid_authorization(client: Client, right: str) -> None:
    refused = call(client, right, AIR)
    assert refused.fault[0] == DENIED
    assert "NON_EXISTE" in refused.fault[1]
    client.sim.world.authorize(INS, DOCTOR)
    assert DENIED not in call(client, right, AIR).raw.decode()
    client.sim.world.block(INS, DOCTOR)
    assert "bloqué" in call(client, right, AIR).fault[1]


def test_emergency_needs_no_authorization_but_blocking_stays(client: Client) -> None:
    emergency = replace(AIR, purpose="bris_de_glace")
    assert call(client, "TD3.1", emergency).status == 200
    client.sim.world.block(INS, DOCTOR)
    assert call(client, "TD3.1", emergency).fault[0] == DENIED


@pytest.mark.parametrize(
    ("purpose", "flag"), [("bris_de_glace", "opposed_bris_de_glace"), ("centre_15", "opposed_centre_15")]
)
def test_opposition_of_the_patient(client: Client, purpose: str, flag: str) -> None:
    client.sim.world.change_patient(INS, **{flag: True})
    reply = call(client, "TD3.1", replace(AIR, purpose=purpose))
    assert reply.fault[0] == DENIED
    assert "oppose" in reply.fault[1]


def test_feeding_needs_no_authorization(client: Client) -> None:
    client.sim.world.block(INS, DOCTOR)
    assert DENIED not in call(client, "TD2.1", ES).raw.decode()


def test_deleting_needs_no_authorization(client: Client) -> None:
    assert DENIED not in call(client, "TD3.3c", AIR).raw.decode()

"""Programmed faults: selectors, effects on the wire, the control API."""

from __future__ import annotations

import http.client
import json
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.simulator.config import SimConfig
from connector.simulator.faults import FaultRule, Faults, rule_from_json
from connector.simulator.server import Simulator
from tests.simulator.rig import (
    AIR,
    DOCTOR,
    INS,
    MESSAGE_ID,
    OTHER_INS,
    WSA,
    Client,
    query_body,
    retrieve_body,
    td03_body,
)

V3 = "{urn:hl7-org:v3}"
CUT = (http.client.RemoteDisconnected, ConnectionResetError)


def control(sim: Simulator, method: str, path: str, data: object = None) -> tuple[int, Any]:
    port = int(sim.urls["control"].split(":")[2].split("/")[0])
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as made:
        made.request(method, f"/control/{path}", json.dumps(data) if data is not None else None)
        response = made.getresponse()
        return response.status, json.loads(response.read())


# -- selectors --------------------------------------------------------------------------------------------------------


def fired(
    rule: FaultRule, calls: int = 5, transaction: str = "TD0.2", ins: str = INS, documents: str = "2.25.1"
) -> str:
    faults = Faults([rule])
    return "".join("x" if faults.take(transaction, ins, [documents]) else "." for _ in range(calls))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (FaultRule("fault"), "x...."),
        (FaultRule("fault", times=0), "xxxxx"),
        (FaultRule("fault", times=2), "xx..."),
        (FaultRule("fault", nth=3), "..x.."),
        (FaultRule("fault", nth=2, times=3), ".xxx."),
        (FaultRule("fault", nth=4, times=0), "...xx"),
        (FaultRule("fault", transaction="ITI-41"), "....."),
        (FaultRule("fault", transaction="TD0.2"), "x...."),
        (FaultRule("fault", ins=OTHER_INS), "....."),
        (FaultRule("fault", ins=INS), "x...."),
        (FaultRule("fault", unique_id="2.25.2"), "....."),
        (FaultRule("fault", unique_id="2.25.1"), "x...."),
    ],
)
def test_selectors(rule: FaultRule, expected: str) -> None:
    assert fired(rule) == expected


def test_the_oldest_rule_wins_whether_it_names_the_document_or_not() -> None:
    faults = Faults([FaultRule("fault", code="A"), FaultRule("fault", code="B", unique_id="2.25.1")])
    faults.add(FaultRule("fault", code="C"))
    taken = [faults.take("ITI-41", INS, ["2.25.2", "2.25.1"]) for _ in range(4)]
    assert [rule.code if rule else "" for rule in taken] == ["A", "B", "C", ""]
    assert faults.remove(2)
    assert [rule["code"] for rule in faults.describe()] == ["A", "C"]


def test_first_matching_rule_wins_and_the_next_takes_over() -> None:
    faults = Faults([FaultRule("fault", code="A"), FaultRule("fault", code="B")])
    taken = [faults.take("TD0.2", INS, []) for _ in range(3)]
    assert [rule.code if rule else "" for rule in taken] == ["A", "B", ""]


@pytest.mark.parametrize(
    "data", [{}, {"effect": "autre"}, {"effect": "fault", "quoi": 1}, {"effect": "fault", "times": "1"}]
)
def test_rules_are_checked(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"effect|unknown|wrong"):
        rule_from_json(data)


# -- effects ----------------------------------------------------------------------------------------------------------


def test_soap_fault(client: Client) -> None:
    client.sim.faults.add(FaultRule("fault", code="Sender", subcode="DMPInvalidCertificate", text="non"))
    assert client.exists().fault == ("DMPInvalidCertificate", "non")
    assert client.sim.log.lines()[-1].fault == "fault"
    assert client.exists().status == 200


def test_registry_error_in_each_shape(client: Client) -> None:
    client.sim.world.authorize(INS, DOCTOR)
    client.sim.faults.add(FaultRule("registry-error", code="XDSRegistryBusy", text="plus tard", times=0))
    query = client.soap("registry", query_body(), AIR)
    assert query.root.find(".//{urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0}AdhocQueryResponse") is not None
    retrieve = client.soap("retrieve", retrieve_body(), AIR)
    assert retrieve.root.find(".//{urn:ihe:iti:xds-b:2007}RetrieveDocumentSetResponse") is not None
    for reply in (query, retrieve):
        error = reply.find(".//{urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0}RegistryError")
        assert error.get("errorCode") == "XDSRegistryBusy"
        assert error.get("codeContext") == "plus tard"
        assert "ResponseStatusType:Failure" in (reply.parts[0] if reply.parts else reply.raw).decode()
    assert client.sim.log.lines()[-1].outcome == "XDSRegistryBusy"


def test_registry_warning_leaves_the_answer_alone(client: Client) -> None:
    client.sim.faults.add(
        FaultRule("registry-error", code="XDSExtraMetadataNotSaved", text="lacune", severity="Warning")
    )
    text = client.soap("registry", query_body("ObjectRef")).raw.decode()
    assert "ResponseStatusType:Success" in text
    assert "ErrorSeverityType:Warning" in text


def test_acknowledgement_and_status(client: Client) -> None:
    client.sim.faults.add(FaultRule("ack", transaction="TD0.2", code="DMPClosed", text="fermé"))
    client.sim.faults.add(FaultRule("status", transaction="TD0.3", code="DMPAutre", text="libre"))
    reply = client.exists()
    assert reply.find(f".//{V3}acknowledgement").get("typeCode") == "AE"
    assert reply.find(f".//{V3}acknowledgementDetail/{V3}code").get("code") == "DMPClosed"
    assert b"DMPAutre" in client.soap("habilitations", td03_body(), AIR).raw
    assert client.sim.world.authorization(INS, DOCTOR) is None


def test_cut_before_nothing_happened(client: Client) -> None:
    client.sim.faults.add(FaultRule("cut-before"))
    with pytest.raises(CUT):
        client.soap("habilitations", td03_body(), AIR)
    assert client.sim.world.authorization(INS, DOCTOR) is None
    assert client.sim.log.lines()[-1].outcome == "cut"


def test_cut_after_everything_happened(client: Client) -> None:
    client.sim.faults.add(FaultRule("cut-after"))
    with pytest.raises(CUT):
        client.soap("habilitations", td03_body(), AIR)
    assert client.sim.world.authorization(INS, DOCTOR) is not None


def test_cut_during(client: Client) -> None:
    client.sim.faults.add(FaultRule("cut-during"))
    with pytest.raises(http.client.IncompleteRead):
        client.exists()


def test_cut_in_headers_everything_happened(client: Client) -> None:
    client.sim.faults.add(FaultRule("cut-in-headers"))
    reply = client.soap("habilitations", td03_body(), AIR)
    assert (reply.status, reply.raw) == (200, b"")
    assert client.sim.world.authorization(INS, DOCTOR) is not None


def test_cut_then_accept_happens_after_the_cut(client: Client) -> None:
    client.sim.faults.add(FaultRule("cut-then-accept", seconds=0.3))
    started = time.monotonic()
    with pytest.raises(CUT):
        client.soap("habilitations", td03_body(), AIR)
    assert time.monotonic() - started < 0.3
    assert client.sim.world.authorization(INS, DOCTOR) is None
    while client.sim.world.authorization(INS, DOCTOR) is None:
        assert time.monotonic() - started < 5.0
        time.sleep(0.01)
    assert time.monotonic() - started >= 0.3


def test_hang_after_happens_at_once_and_is_told_late(client: Client) -> None:
    client.sim.faults.add(FaultRule("hang-after", seconds=0.3))
    seen: list[bool] = []
    watcher = threading.Timer(0.15, lambda: seen.append(client.sim.world.authorization(INS, DOCTOR) is not None))
    watcher.start()
    started = time.monotonic()
    assert client.soap("habilitations", td03_body(), AIR).status == 200
    assert time.monotonic() - started >= 0.3
    assert seen == [True]


@pytest.mark.parametrize(
    ("rule", "status", "start"),
    [
        (FaultRule("proxy-error-after"), 502, b"<!DOCTYPE html>"),
        (FaultRule("proxy-error-after", code="504"), 504, b"<!DOCTYPE html>"),
        (FaultRule("empty-answer"), 200, b""),
        (FaultRule("garbage-answer"), 200, b"<!DOCTYPE html>"),
    ],
)
def test_the_answer_is_lost_and_everything_happened(client: Client, rule: FaultRule, status: int, start: bytes) -> None:
    client.sim.faults.add(rule)
    reply = client.soap("habilitations", td03_body(), AIR)
    assert (reply.status, reply.raw[: len(start) or 1]) == (status, start)
    assert client.sim.world.authorization(INS, DOCTOR) is not None


def test_a_fault_after_everything_happened(client: Client) -> None:
    client.sim.faults.add(FaultRule("fault-after", subcode="siram_100", text="trop tard"))
    assert client.soap("habilitations", td03_body(), AIR).fault == ("siram_100", "trop tard")
    assert client.sim.world.authorization(INS, DOCTOR) is not None


def test_a_proxy_that_lost_the_server(client: Client) -> None:
    client.sim.faults.add(FaultRule("proxy-error", code="504"))
    reply = client.soap("habilitations", td03_body(), AIR)
    assert (reply.status, reply.content_type) == (504, "text/html; charset=utf-8")
    assert client.sim.world.authorization(INS, DOCTOR) is None
    assert client.sim.log.lines()[-1].outcome == "http-504"


def test_http_500_without_soap(client: Client) -> None:
    client.sim.faults.add(FaultRule("http-500"))
    reply = client.exists()
    assert (reply.status, reply.content_type, reply.raw) == (500, "text/plain; charset=utf-8", b"Internal Server Error")


def test_wrong_relates_to(client: Client) -> None:
    client.sim.faults.add(FaultRule("wrong-relates-to"))
    assert client.exists().text(f".//{{{WSA}}}RelatesTo") not in ("", MESSAGE_ID)


def test_truncated_multipart(client: Client) -> None:
    client.sim.world.authorize(INS, DOCTOR)
    client.sim.faults.add(FaultRule("truncated-multipart", transaction="ITI-43"))
    raw = client.soap("retrieve", retrieve_body(), AIR).raw
    assert raw
    assert not raw.rstrip().endswith(b"--")


def test_delay(client: Client) -> None:
    client.sim.faults.add(FaultRule("delay", seconds=0.3))
    started = time.monotonic()
    assert client.exists().status == 200
    assert time.monotonic() - started >= 0.3


def test_stop_ends_a_delay(config: SimConfig) -> None:
    with Simulator(config) as sim:
        sim.faults.add(FaultRule("delay", seconds=60))
        ended: list[type[Exception]] = []

        def call() -> None:
            try:
                Client(sim).exists()
            except (OSError, http.client.HTTPException) as error:
                ended.append(type(error))

        caller = threading.Thread(target=call)
        caller.start()
        while not sim.faults.describe()[0]["fired"]:
            time.sleep(0.005)
        started = time.monotonic()
        sim.stop()
        caller.join(5)
        assert time.monotonic() - started < 1.5
        assert len(ended) == 1


# -- control API and file ---------------------------------------------------------------------------------------------


def test_control_api(client: Client) -> None:
    sim = client.sim
    status, body = control(sim, "POST", "faults", {"effect": "http-500", "ins": INS, "times": 0})
    assert (status, body) == (201, {"ids": [1]})
    assert client.exists().raw == b"Internal Server Error"
    _, rules = control(sim, "GET", "faults")
    assert [(rule["id"], rule["effect"], rule["fired"], rule["for_one_patient"]) for rule in rules] == [
        (1, "http-500", 1, True)
    ]
    assert INS not in json.dumps(rules)
    assert control(sim, "DELETE", "faults/1")[0] == 200
    assert control(sim, "DELETE", "faults/1")[0] == 404
    assert client.exists().status == 200
    control(sim, "POST", "faults", [{"effect": "delay"}, {"effect": "fault"}])
    assert control(sim, "DELETE", "faults")[0] == 200
    assert control(sim, "GET", "faults") == (200, [])


def test_control_refuses_nonsense(sim: Simulator) -> None:
    assert control(sim, "POST", "faults", {"effect": "autre"})[0] == 400
    assert control(sim, "POST", "patients", {"ins": INS, "dmp": "AUTRE"})[0] == 400
    assert control(sim, "POST", "patients", {"ins": "x", "dmp": "CLOSED"})[0] == 404
    assert control(sim, "POST", "psc-tokens", {"professional": "x"})[0] == 400
    assert control(sim, "GET", "autre")[0] == 404


def test_control_log_acceptances_and_world(client: Client) -> None:
    sim = client.sim
    client.exists()
    _, log = control(sim, "GET", "log")
    assert [(call["transaction"], call["outcome"], call["mode"]) for call in log["calls"]] == [
        ("TD0.2", "ACTIVE", "INDIRECTE")
    ]
    sim.world.record_acceptance("2.25.7")
    sim.world.record_acceptance("2.25.7")
    assert control(sim, "GET", "acceptances") == (200, {"2.25.7": 2})
    assert control(sim, "POST", "patients", {"ins": INS, "dmp": "CLOSED"})[0] == 200
    client.exists()
    assert sim.log.lines()[-1].outcome == "CLOSED"
    assert control(sim, "GET", "urls")[1]["base"] == sim.urls["base"]


def test_faults_of_a_file(config: SimConfig, tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text(json.dumps([{"effect": "http-500"}, {"effect": "fault", "text": "ensuite"}]))
    with Simulator(replace(config, faults_file=file)) as sim:
        client = Client(sim)
        assert client.exists().raw == b"Internal Server Error"
        assert client.exists().fault == ("", "ensuite")
    file.write_text("{}")
    with pytest.raises(ValueError, match="JSON list"):
        Simulator(replace(config, faults_file=file))

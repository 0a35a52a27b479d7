"""ITI-45: the same six cases in HL7v3, and malformed queries (ihe-rules D-100…D-108)."""

from __future__ import annotations

import pytest
from lxml import etree

from connector.base.ns import HL7V3, q
from connector.simulator.identity import IdentityServer
from connector.simulator.identity_book import Domain
from tests.simulator_registry.samples import INS, OID, Desk, request

CHU_OID, LAB_OID = "000897406", "1.2.250.1.999.5"
ACTION = "urn:hl7-org:v3:PRPA_IN201309UV02"


def query(root: str, extension: str, *wanted: str) -> str:
    sources = "".join(
        f'<dataSource><value root="{item}"/><semanticsText>DataSource.id</semanticsText></dataSource>'
        for item in wanted
    )
    return (
        f'<PRPA_IN201309UV02 xmlns="{HL7V3}" ITSVersion="XML_1.0"><id root="1.2.3" extension="m1"/>'
        '<creationTime value="20261121100000"/>'
        '<interactionId root="2.16.840.1.113883.1.6" extension="PRPA_IN201309UV02"/>'
        '<processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="AL"/>'
        '<receiver typeCode="RCV"><device classCode="DEV"><id root="1.2.4"/></device></receiver>'
        '<sender typeCode="SND"><device classCode="DEV"><id root="1.2.5"/></device></sender>'
        '<controlActProcess classCode="CACT" moodCode="EVN"><code code="PRPA_TE201309UV02"/><queryByParameter>'
        '<queryId root="1.2.3" extension="q1"/><statusCode code="new"/><responsePriorityCode code="I"/><parameterList>'
        f'{sources}<patientIdentifier><value root="{root}" extension="{extension}"/>'
        "<semanticsText>Patient.id</semanticsText></patientIdentifier></parameterList></queryByParameter>"
        "</controlActProcess></PRPA_IN201309UV02>"
    )


@pytest.fixture
def server(desk: Desk) -> IdentityServer:
    return IdentityServer(desk.context, [Domain("LABO-Y", LAB_OID)])


def ask(server: IdentityServer, text: str) -> etree._Element:
    reply = server.handle(request(ACTION, etree.fromstring(text), None))
    assert reply.action == "urn:hl7-org:v3:PRPA_IN201310UV02"
    return reply.body


def outcome(body: etree._Element) -> tuple[str, str]:
    return code(body, f"{q(HL7V3, 'acknowledgement')}/{q(HL7V3, 'typeCode')}"), code(
        body, f"{q(HL7V3, 'controlActProcess')}/{q(HL7V3, 'queryAck')}/{q(HL7V3, 'queryResponseCode')}"
    )


def code(body: etree._Element, path: str) -> str:
    found = body.find(path)
    return "" if found is None else found.get("code", "")


def details(body: etree._Element) -> list[tuple[str, str]]:
    return [
        (code(item, q(HL7V3, "code")), item.findtext(q(HL7V3, "location")) or "")
        for item in body.iter(q(HL7V3, "acknowledgementDetail"))
    ]


def identifiers(body: etree._Element) -> list[tuple[str, str]]:
    return [
        (item.get("root", ""), item.get("extension", ""))
        for patient in body.iter(q(HL7V3, "patient"))
        for item in patient.findall(q(HL7V3, "id"))
    ]


def test_found_with_and_without_data_source(server: IdentityServer) -> None:
    for wanted in ((CHU_OID,), ()):
        body = ask(server, query(OID, INS, *wanted))
        assert outcome(body) == ("AA", "OK")
        assert identifiers(body) == [(CHU_OID, "000003")]
    person = next(body.iter(q(HL7V3, "patientPerson")))
    assert person[0].get("nullFlavor") == "NA"


def test_echo(server: IdentityServer) -> None:
    body = ask(server, query(OID, INS, CHU_OID))
    target = body.find(f"{q(HL7V3, 'acknowledgement')}/{q(HL7V3, 'targetMessage')}/{q(HL7V3, 'id')}")
    assert target is not None
    assert (target.get("root"), target.get("extension")) == ("1.2.3", "m1")
    acknowledged = body.find(f"{q(HL7V3, 'controlActProcess')}/{q(HL7V3, 'queryAck')}/{q(HL7V3, 'queryId')}")
    assert acknowledged is not None
    assert acknowledged.get("extension") == "q1"
    assert len(list(body.iter(q(HL7V3, "queryByParameter")))) == 1
    assert code(body, q(HL7V3, "acceptAckCode")) == "NE"


def test_known_but_nothing_there(server: IdentityServer) -> None:
    body = ask(server, query(OID, INS, LAB_OID))
    assert outcome(body) == ("AA", "NF")
    assert identifiers(body) == []


@pytest.mark.parametrize(
    ("root", "extension", "wanted", "locations"),
    [
        (CHU_OID, "999", (OID,), ["patientIdentifier/value/@extension"]),
        ("1.9.9", "1", (OID,), ["patientIdentifier/value/@root"]),
        (OID, INS, ("1.9.9", CHU_OID, "1.9.8"), ["dataSource[1]/value", "dataSource[3]/value"]),
    ],
)
def test_unknown(
    server: IdentityServer, root: str, extension: str, wanted: tuple[str, ...], locations: list[str]
) -> None:
    body = ask(server, query(root, extension, *wanted))
    assert outcome(body) == ("AE", "AE")
    assert [(code_, location.rpartition("parameterList/")[2]) for code_, location in details(body)] == [
        ("204", location) for location in locations
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<processingModeCode code="T"/>', ""),
        ('acceptAckCode code="AL"', 'acceptAckCode code="NE"'),
        ('statusCode code="new"', 'statusCode code="done"'),
        ('<id root="1.2.3" extension="m1"/>', ""),
        (f' extension="{INS}"', ""),
        ("queryByParameter", "queryContinuation"),
    ],
)
def test_malformed(server: IdentityServer, old: str, new: str) -> None:
    body = ask(server, query(OID, INS).replace(old, new))
    assert outcome(body) == ("AE", "QE")
    assert [item for item, _ in details(body)] == ["SYN113"]


def test_another_message(server: IdentityServer) -> None:
    assert outcome(ask(server, f'<PRPA_IN201301UV02 xmlns="{HL7V3}"/>')) == ("AR", "QE")


def test_programmed_internal_failure(server: IdentityServer) -> None:
    server.internal_failures = 1
    body = ask(server, query(OID, INS))
    assert outcome(body) == ("AE", "QE")
    assert details(body)[0][0] == "INTERR"
    assert outcome(ask(server, query(OID, INS))) == ("AA", "OK")

"""ITI-45: the query on the wire, the answers of a scripted SOAP peer, one mutation per thing that must be believed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lxml import etree

from connector.base.errors import ServerRefusal, SettingsError, TransportError
from connector.pix.client import open_client
from connector.pix.errors import PixAnswerError
from connector.pix.model import Case, CrossReference, Domain, PixAnswer
from connector.pix.v3 import PixV3Client
from connector.pix.v3_answer import read_answer
from connector.pix.v3_query import V3Query, build_query
from tests.pix.kit import INS, INS_DOMAIN, INS_OID, LOCAL, LOCAL_OID, NOW, RECEIVER, SENDER, counting_uuids, v3_config
from tests.soap.conftest import client_context
from tests.soap.kit import echo
from tests.soap.peer import Peer, Reply, Tls

QUERY = V3Query("000003", LOCAL, (INS_DOMAIN, LOCAL), "m1", "q1", NOW)
V3 = {"v": "urn:hl7-org:v3"}
PATIENT = f'<id root="{INS_OID}" extension="{INS}"/>'
VALUE = "/PRPA_IN201309UV02/controlActProcess/queryByParameter/parameterList"


def answer(
    ack: str = "AA",
    status: str = "OK",
    ids: str = PATIENT,
    details: str = "",
    *,
    message: str = "m1",
    query: str = "q1",
    others: str = "",
) -> str:
    subject = (
        '<subject typeCode="SUBJ"><registrationEvent classCode="REG" moodCode="EVN"><statusCode code="active"/>'
        f'<subject1 typeCode="SBJ"><patient classCode="PAT">{ids}<statusCode code="active"/>'
        f'<patientPerson><name nullFlavor="NA"/>{others}</patientPerson></patient></subject1>'
        "</registrationEvent></subject>"
    )
    return (
        '<PRPA_IN201310UV02 xmlns="urn:hl7-org:v3" ITSVersion="XML_1.0"><id root="1.2.3"/>'
        f'<acknowledgement><typeCode code="{ack}"/><targetMessage><id root="{SENDER}" extension="{message}"/>'
        f'</targetMessage>{details}</acknowledgement><controlActProcess classCode="CACT" moodCode="EVN">'
        f'{subject if ids else ""}<queryAck><queryId root="{SENDER}" extension="{query}"/>'
        f'<queryResponseCode code="{status}"/></queryAck></controlActProcess></PRPA_IN201310UV02>'
    )


def detail(location: str, code: str = "204", text: str = "Unknown key identifier") -> str:
    return (
        f'<acknowledgementDetail typeCode="E"><code code="{code}"/><text>{text}</text>'
        f"<location>{location}</location></acknowledgementDetail>"
    )


def read(text: str) -> PixAnswer:
    return read_answer(etree.fromstring(text), QUERY, v3_config())


def test_query_is_what_the_profile_asks() -> None:
    body = build_query(QUERY, v3_config())

    def one(path: str, name: str) -> str:
        found = body.findall(path, V3)
        assert len(found) == 1
        return found[0].get(name, "")

    assert etree.QName(body).localname == "PRPA_IN201309UV02"
    assert body.get("ITSVersion") == "XML_1.0"
    assert [etree.QName(child).localname for child in body] == [
        "id",
        "creationTime",
        "interactionId",
        "processingCode",
        "processingModeCode",
        "acceptAckCode",
        "receiver",
        "sender",
        "controlActProcess",
    ]
    assert (one("v:id", "root"), one("v:id", "extension")) == (SENDER, "m1")
    assert one("v:creationTime", "value") == "20261121213000+0100"
    assert one("v:processingModeCode", "code") == "T"
    assert one("v:acceptAckCode", "code") == "AL"
    assert one("v:receiver/v:device/v:id", "root") == RECEIVER
    assert one("v:sender/v:device/v:id", "root") == SENDER
    assert one("v:controlActProcess/v:code", "code") == "PRPA_TE201309UV02"
    parameters = "v:controlActProcess/v:queryByParameter/"
    assert one(parameters + "v:statusCode", "code") == "new"
    assert one(parameters + "v:responsePriorityCode", "code") == "I"
    value = parameters + "v:parameterList/v:patientIdentifier/v:value"
    assert (one(value, "root"), one(value, "extension")) == (LOCAL_OID, "000003")
    sources = body.findall(parameters + "v:parameterList/v:dataSource/v:value", V3)
    assert [source.get("root") for source in sources] == [INS_OID, LOCAL_OID]


def test_domain_without_oid_needs_a_setting() -> None:
    with pytest.raises(SettingsError) as missing:
        build_query(QUERY, v3_config(local_oids={}))
    assert missing.value.context["name"] == "pix.local_oids.CHU-X"


def test_found_with_local_namespace_given_back() -> None:
    ids = PATIENT + f'<id root="{LOCAL_OID}" extension="000003"/><id root="{LOCAL_OID}" extension="000004"/>'
    found = read(answer(ids=ids))
    assert found.case is Case.FOUND
    assert found.identifiers == (
        CrossReference(INS_OID, "", INS, universal_type="ISO"),
        CrossReference(LOCAL_OID, "CHU-X", "000004", universal_type="ISO"),
    )


def test_other_ids_count_too() -> None:
    others = '<asOtherIDs classCode="PAT"><id root="1.2.9" extension="X7" assigningAuthorityName="LABO"/></asOtherIDs>'
    assert [i.namespace for i in read(answer(others=others)).identifiers] == ["", "LABO"]


def test_several() -> None:
    found = read(answer(ids=PATIENT + f'<id root="{INS_OID}" extension="277076322082910"/>'))
    assert found.case is Case.SEVERAL
    assert len(found.identifiers) == 2


def test_not_found() -> None:
    assert read(answer(status="NF", ids="")).case is Case.NO_CROSS_REFERENCE


def test_acknowledgement_code_as_an_attribute() -> None:
    text = answer().replace('<acknowledgement><typeCode code="AA"/>', '<acknowledgement typeCode="AA">')
    assert read(text).case is Case.FOUND


@pytest.mark.parametrize(
    ("location", "case"),
    [
        (f"{VALUE}/patientIdentifier/value", Case.UNKNOWN_ID),
        (f"{VALUE}/PatientIdentifier[1]/value/@extension", Case.UNKNOWN_ID),
        (f"{VALUE}/patientIdentifier/value/@root", Case.UNKNOWN_QUERY_DOMAIN),
        (f"{VALUE}/dataSource[1]/value", Case.UNKNOWN_WANTED_DOMAIN),
        (f"{VALUE}/DataSource[2]/value/@root", Case.UNKNOWN_WANTED_DOMAIN),
    ],
)
def test_unknown_cases_by_their_location(location: str, case: Case) -> None:
    found = read(answer("AE", "AE", "", detail(location)))
    assert found.case is case
    assert found.errors[0].location == location


REFUSALS = {
    "AR": (answer("AR", "AE", "", detail("", "200", "no")), "200"),
    "CR": (answer("CR", "", ""), ""),
    "AE other code": (answer("AE", "AE", "", detail(f"{VALUE}/patientIdentifier/value", "INTERR")), "INTERR"),
    "AE other place": (answer("AE", "AE", "", detail("/somewhere")), "204"),
    "QE": (answer("AA", "QE", "", detail("", "SYN113")), "SYN113"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_keep_the_server_words(name: str) -> None:
    text, code = REFUSALS[name]
    with pytest.raises(ServerRefusal) as refusal:
        read(text)
    assert refusal.value.code == code


MUTATIONS = {
    "another interaction": (answer().replace("PRPA_IN201310UV02", "PRPA_IN201306UV02"), "soap:Body"),
    "no acknowledgement": (answer().replace("acknowledgement>", "other>"), "acknowledgement"),
    "another message": (answer(message="m2"), "targetMessage/id"),
    "another sender": (answer().replace(f'<id root="{SENDER}"', '<id root="1.2.4"'), "targetMessage/id"),
    "another query": (answer(query="q2"), "queryAck/queryId"),
    "found nobody": (answer(ids=""), "patient/id"),
    "found no value": (answer(ids='<id root="1.2" nullFlavor="UNK"/>'), "patient/id"),
    "unheard code": (answer(ack="ZZ"), "acknowledgement, queryResponseCode"),
    "unheard status": (answer(status="ZZ"), "acknowledgement, queryResponseCode"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_one_mutation_is_one_disbelief(name: str) -> None:
    text, field = MUTATIONS[name]
    with pytest.raises(PixAnswerError) as refused:
        read(text)
    assert refused.value.context["field"] == field


# --- over TLS ---------------------------------------------------------------------------------------------------


def ask(tls: Tls, body: bytes | Callable[..., bytes], status: int = 200) -> PixAnswer:
    with Peer(Reply(status, body=body), context=tls.server) as peer:
        service = open_client(
            v3_config(peer.url),
            tls=client_context(tls.folder, "client", tls.ca),
            clock=lambda: NOW,
            uuid_factory=counting_uuids(),
        )
        assert isinstance(service, PixV3Client)
        try:
            return service.query("000003", LOCAL)
        finally:
            service.close()


IDS = {"message": "00000000-0000-0000-0000-000000000001", "query": "00000000-0000-0000-0000-000000000002"}


def test_question_and_answer(tls: Tls) -> None:
    assert ask(tls, echo(answer(**IDS))).identifiers[0].value == INS


def test_fault_is_a_refusal(tls: Tls) -> None:
    fault = (
        "<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Reason><s:Text xml:lang='fr'>panne</s:Text>"
        "</s:Reason></s:Fault>"
    )
    with pytest.raises(ServerRefusal) as refusal:
        ask(tls, echo(fault), 500)
    assert (refusal.value.code, refusal.value.text) == ("Receiver", "panne")
    assert refusal.value.errors[0].channel == "fault"


def test_http_error_is_a_transport_error(tls: Tls) -> None:
    with pytest.raises(TransportError) as error:
        ask(tls, b"no", 503)
    assert error.value.context["http_status"] == 503


def test_domains_are_compared_by_universal_id_then_namespace() -> None:
    assert LOCAL.same_as(Domain("OTHER", "000897406"))
    assert LOCAL.same_as(Domain("CHU-X"))
    assert not LOCAL.same_as(Domain("CHU-X", "1.2.3"))
    assert not Domain().same_as(Domain())

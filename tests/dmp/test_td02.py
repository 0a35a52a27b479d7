"""TD0.2: the request byte for byte, answers by hand, one mutation each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connector.base.errors import CodecError, ServerError, ServerRefusal
from connector.base.xmlsafe import parse_xml
from connector.dmp import td02
from connector.dmp.td02 import Existence
from tests.dmp.samples import INS, NOW

REQUEST = (
    b'<PRPA_IN201307UV02 xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    b'ITSVersion="XML_1.0"><id root="1.2.250.1.999.9" extension="m-1"/><creationTime value="20261121093015"/>'
    b'<interactionId root="2.16.840.1.113883.1.6" extension="PRPA_IN201307UV02"/><processingCode code="D"/>'
    b'<processingModeCode code="T"/><acceptAckCode code="AL"/>'
    b'<receiver typeCode="RCV"><device classCode="DEV" determinerCode="INSTANCE"><id root="1.2.250.1.213.4.1.1.1"/>'
    b"<softwareName>DMP</softwareName></device></receiver>"
    b'<sender typeCode="SND"><device classCode="DEV" determinerCode="INSTANCE"><id root="1.2.250.1.999.9"/>'
    b"<softwareName>dmp-connector</softwareName></device></sender>"
    b'<controlActProcess classCode="CACT" moodCode="EVN"><reasonCode code="TEST_EXST" '
    b'codeSystem="1.2.250.1.213.1.1.4.11" displayName="Test d\'existence de dossier"/>'
    b'<queryByParameter><queryId root="1.2.250.1.999.9" extension="q-1"/><statusCode code="new"/>'
    b'<parameterList><dataSource xsi:nil="true"/><patientIdentifier>'
    b'<value root="1.2.250.1.213.1.4.10" extension="279035121518989"/><semanticsText>Patient.id</semanticsText>'
    b"</patientIdentifier></parameterList></queryByParameter></controlActProcess></PRPA_IN201307UV02>"
)

ANSWER = """<PRPA_IN201308UV02 xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <attentionLine><keyWordText code="AUTORISATION" codeSystem="1.2.250.1.213.4.1.2.6.1"/>
    <value xsi:type="CV" code="VALIDE" codeSystem="1.2.250.1.213.4.1.2.6.2"/></attentionLine>
  <attentionLine><keyWordText code="STATUT_MT" codeSystem="1.2.250.1.213.4.1.2.6.3"/>
    <value xsi:type="BL" value="false"/></attentionLine>
  <acknowledgement typeCode="AA"/>
  <controlActProcess><subject><registrationEvent><statusCode code="completed"/><subject1><patient>
    <id root="1.2.250.1.213.1.4.10" extension="279035121518989"/><statusCode code="active"/>
    <patientPerson><name><family qualifier="BR">PAT-TROIS</family></name></patientPerson>
    <subjectOf><administrativeObservation><code code="RATTACHEMENT_ENS"/><value xsi:type="BL" value="true"/>
    </administrativeObservation></subjectOf>
  </patient></subject1></registrationEvent></subject>
  <queryAck><queryResponseCode code="OK"/></queryAck></controlActProcess></PRPA_IN201308UV02>"""

FOUND = Existence("ACTIVE", "VALIDE", False, True)


def parse(xml: str) -> Existence:
    return td02.parse(parse_xml(xml.encode()))


def mutate(old: str, new: str) -> str:
    assert ANSWER.count(old) == 1
    return ANSWER.replace(old, new)


def test_the_request_byte_for_byte() -> None:
    body = td02.build(INS, lps_oid="1.2.250.1.999.9", lps_name="dmp-connector", now=NOW, message="m-1", query="q-1")
    assert etree.tostring(body) == REQUEST


def test_an_open_dmp() -> None:
    assert parse(ANSWER) == FOUND


def test_the_traits_of_the_answer_are_nowhere_in_the_value() -> None:
    assert "PAT-TROIS" not in repr(parse(ANSWER))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('code="VALIDE"', 'code="EXPIRE"', Existence("ACTIVE", "EXPIRE", False, True)),
        ('code="VALIDE"', 'code="INTERDIT"', Existence("ACTIVE", "INTERDIT", False, True)),
        ('code="VALIDE"', 'code="NON_EXISTE"', Existence("ACTIVE", "NON_EXISTE", False, True)),
        ('code="AUTORISATION"', 'code="AUTRE"', Existence("ACTIVE", "", False, True)),
        ('value="false"', 'value="true"', Existence("ACTIVE", "VALIDE", True, True)),
        ('value="false"', "", Existence("ACTIVE", "VALIDE", None, True)),
        ('code="RATTACHEMENT_ENS"', 'code="AUTRE"', Existence("ACTIVE", "VALIDE", False, None)),
        ('code="active"', 'code="terminated"', Existence("CLOSED", "VALIDE", False, True)),
        (
            '<queryResponseCode code="OK"/>',
            '<queryResponseCode code="NF"/>',
            Existence("ABSENT", "VALIDE", False, True),
        ),
        ('<acknowledgement typeCode="AA"/>', '<acknowledgement><typeCode code="AA"/></acknowledgement>', FOUND),
    ],
)
def test_each_fact_is_read(old: str, new: str, expected: Existence) -> None:
    assert parse(mutate(old, new)) == expected


DETAIL = (
    '<acknowledgement typeCode="AE"><acknowledgementDetail><code code="DMPClosed"/><text>DMP <b>fermé</b></text>'
    "<location>x</location></acknowledgementDetail><acknowledgementDetail><code code='OTHER' displayName='autre'/>"
    "</acknowledgementDetail></acknowledgement>"
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            '<acknowledgement typeCode="AA"/>',
            DETAIL,
            (
                ServerError("DMPClosed", "DMP fermé", location="x", channel="ack"),
                ServerError("OTHER", "autre", channel="ack"),
            ),
        ),
        ('typeCode="AA"', 'typeCode="AE"', (ServerError("AE", "", channel="ack"),)),
        ('<queryResponseCode code="OK"/>', '<queryResponseCode code="QE"/>', (ServerError("QE", "", channel="ack"),)),
    ],
)
def test_a_negative_acknowledgement_is_a_refusal_in_the_servers_words(
    old: str, new: str, expected: tuple[ServerError, ...]
) -> None:
    with pytest.raises(ServerRefusal) as refused:
        parse(mutate(old, new))
    assert refused.value.errors == expected


@pytest.mark.parametrize(
    ("xml", "field"),
    [
        ("<other/>", "soap:Body/*"),
        (mutate('<acknowledgement typeCode="AA"/>', ""), "acknowledgement"),
        (mutate('code="active"', 'code="nullified"'), "patient/statusCode"),
    ],
)
def test_an_answer_of_another_shape_is_not_understood(xml: str, field: str) -> None:
    with pytest.raises(CodecError) as refused:
        parse(xml)
    assert refused.value.context["field"] == field


@given(st.data())
def test_a_damaged_answer_is_read_or_refused_never_a_crash(data: st.DataObject) -> None:
    root = parse_xml(ANSWER.encode())
    nodes = list(root.iter())
    for _ in range(data.draw(st.integers(1, 4))):
        node = data.draw(st.sampled_from(nodes))
        if data.draw(st.booleans()):
            node.clear()
        else:
            for name in list(node.attrib):
                del node.attrib[name]
    try:
        outcome: object = td02.parse(root)
    except (CodecError, ServerRefusal) as error:
        outcome = error
    assert isinstance(outcome, Existence | CodecError | ServerRefusal)

"""ITI-45 in HL7v3: PRPA_IN201309UV02 in, PRPA_IN201310UV02 out (hl7v2-interface §2.7, ihe-rules D-100…D-108)."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from connector.base.hl7time import utc_digits
from connector.base.ns import HL7V3, XSI, q
from connector.simulator.identity_book import CrossReferences, IdentityBook

REQUEST = "PRPA_IN201309UV02"
ANSWER = "PRPA_IN201310UV02"
ANSWER_ACTION = f"urn:hl7-org:v3:{ANSWER}"
SERVER_OID = "1.2.250.1.213.4.1.1.9"
_PARAMETERS = "/PRPA_IN201309UV02/controlActProcess/queryByParameter/parameterList"


@dataclass(frozen=True, slots=True)
class Detail:
    """One acknowledgementDetail: code and XPath location."""

    code: str
    location: str


_NOTHING = CrossReferences("no-cross-reference")


@dataclass(frozen=True, slots=True)
class _Verdict:
    ack: str
    query: str
    details: tuple[Detail, ...] = ()
    found: CrossReferences = _NOTHING


def answer(body: etree._Element, book: IdentityBook, message_id: str, now: datetime, *, fail: bool) -> etree._Element:
    """The whole answer. `message_id` is our id/@extension, `now` aware UTC; `fail` simulates an internal failure."""
    query = body.find(f"{q(HL7V3, 'controlActProcess')}/{q(HL7V3, 'queryByParameter')}")
    return _write(body, query, _judge(body, query, book, fail), message_id, now)


def _judge(body: etree._Element, query: etree._Element | None, book: IdentityBook, fail: bool) -> _Verdict:
    if body.tag != q(HL7V3, REQUEST):
        return _Verdict("AR", "QE", (Detail("SYN113", "/"),))
    if fail:
        return _Verdict("AE", "QE", (Detail("INTERR", "/"),))
    broken = tuple(Detail("SYN113", location) for location in _malformed(body, query))
    if broken or query is None:
        return _Verdict("AE", "QE", broken)
    value = query.find(f".//{q(HL7V3, 'patientIdentifier')}/{q(HL7V3, 'value')}")
    assert value is not None
    sources = query.findall(f".//{q(HL7V3, 'dataSource')}/{q(HL7V3, 'value')}")
    wanted = [("", source.get("root", "")) for source in sources]
    found = book.cross_reference(value.get("extension", ""), ("", value.get("root", "")), wanted)
    match found.case:
        case "unknown-id":
            return _Verdict("AE", "AE", (Detail("204", f"{_PARAMETERS}/patientIdentifier/value/@extension"),))
        case "unknown-query-domain":
            return _Verdict("AE", "AE", (Detail("204", f"{_PARAMETERS}/patientIdentifier/value/@root"),))
        case "unknown-wanted-domain":
            details = tuple(Detail("204", f"{_PARAMETERS}/dataSource[{n}]/value") for n in found.unknown_wanted)
            return _Verdict("AE", "AE", details)
    return _Verdict("AA", "OK" if found.identifiers else "NF", (), found)


def _malformed(body: etree._Element, query: etree._Element | None) -> list[str]:
    """XPaths of what an ITI-45 cannot do without (D-110, the essential part)."""
    missing = []
    identifier = body.find(q(HL7V3, "id"))
    if identifier is None or not identifier.get("root"):
        missing.append(f"/{REQUEST}/id/@root")
    for name, wanted in (("processingModeCode", "T"), ("acceptAckCode", "AL")):
        element = body.find(q(HL7V3, name))
        if element is None or element.get("code") != wanted:
            missing.append(f"/{REQUEST}/{name}/@code")
    if query is None:
        return [*missing, f"/{REQUEST}/controlActProcess/queryByParameter"]
    status = query.find(q(HL7V3, "statusCode"))
    if query.find(q(HL7V3, "queryId")) is None or status is None or status.get("code") != "new":
        missing.append(f"/{REQUEST}/controlActProcess/queryByParameter")
    values = query.findall(f".//{q(HL7V3, 'patientIdentifier')}/{q(HL7V3, 'value')}")
    if len(values) != 1 or not values[0].get("root") or not values[0].get("extension"):
        missing.append(f"{_PARAMETERS}/patientIdentifier/value")
    return missing


def _write(
    body: etree._Element, query: etree._Element | None, verdict: _Verdict, message_id: str, now: datetime
) -> etree._Element:
    root = etree.Element(q(HL7V3, ANSWER), {"ITSVersion": "XML_1.0"}, nsmap={"hl7": HL7V3, "xsi": XSI})
    _add(root, "id", root=SERVER_OID, extension=message_id)
    _add(root, "creationTime", value=utc_digits(now))
    _add(root, "interactionId", root="2.16.840.1.113883.1.6", extension=ANSWER)
    _add(root, "processingCode", code="P")
    _add(root, "processingModeCode", code="T")
    _add(root, "acceptAckCode", code="NE")
    for kind, ours in (("receiver", False), ("sender", True)):
        device = _add(_add(root, kind, typeCode="RCV" if kind == "receiver" else "SND"), "device", classCode="DEV")
        device.set("determinerCode", "INSTANCE")
        _add(device, "id", root=SERVER_OID if ours else _sender_of(body))
    _acknowledgement(root, body, verdict)
    act = _add(root, "controlActProcess", classCode="CACT", moodCode="EVN")
    _add(act, "code", code="PRPA_TE201310UV02", codeSystem="2.16.840.1.113883.1.6")
    if verdict.found.identifiers:
        _subject(act, verdict.found)
    acknowledged = _add(act, "queryAck")
    query_id = None if query is None else query.find(q(HL7V3, "queryId"))
    if query_id is not None:
        acknowledged.append(copy.deepcopy(query_id))
    _add(acknowledged, "queryResponseCode", code=verdict.query)
    if query is not None:
        act.append(copy.deepcopy(query))
    return root


def _acknowledgement(root: etree._Element, body: etree._Element, verdict: _Verdict) -> None:
    acknowledgement = _add(root, "acknowledgement")
    _add(acknowledgement, "typeCode", code=verdict.ack)
    target = body.find(q(HL7V3, "id"))
    if target is not None:
        message = _add(acknowledgement, "targetMessage")
        message.append(copy.deepcopy(target))
    for detail in verdict.details:
        element = _add(acknowledgement, "acknowledgementDetail", typeCode="E")
        _add(element, "code", code=detail.code, codeSystem="2.16.840.1.113883.12.357")
        _add(element, "location").text = detail.location


def _subject(act: etree._Element, found: CrossReferences) -> None:
    subject = _add(act, "subject", typeCode="SUBJ")
    event = _add(subject, "registrationEvent", classCode="REG", moodCode="EVN")
    _add(event, "statusCode", code="active")
    patient = _add(_add(event, "subject1", typeCode="SBJ"), "patient", classCode="PAT")
    for item in found.identifiers:
        _add(patient, "id", root=item.universal_id, extension=item.value, assigningAuthorityName=item.namespace)
    _add(patient, "statusCode", code="active")
    person = _add(patient, "patientPerson", classCode="PSN", determinerCode="INSTANCE")
    # No name is known here (D-108).
    _add(person, "name", nullFlavor="NA")
    custodian = _add(event, "custodian", typeCode="CST")
    _add(_add(custodian, "assignedEntity", classCode="ASSIGNED"), "id", root=SERVER_OID)


def _sender_of(body: etree._Element) -> str:
    found = body.find(f"{q(HL7V3, 'sender')}/{q(HL7V3, 'device')}/{q(HL7V3, 'id')}")
    return found.get("root", "") if found is not None else ""


def _add(parent: etree._Element, local: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, q(HL7V3, local), attributes)

"""TD0.2: does this patient have a DMP, is it open, may the caller consult it (dmp-interface a.3).

The identity traits of the answer are never read: a caller may neither show nor reuse them (RG_0320).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from lxml import etree

from connector.base.errors import CodecError, ServerError, ServerRefusal
from connector.base.hl7time import utc_digits
from connector.base.ns import HL7V3, XSI, q
from connector.ins.model import MatriculeIns

DMP_OID = "1.2.250.1.213.4.1.1.1"
_INTERACTIONS = "2.16.840.1.113883.1.6"
_REASONS = "1.2.250.1.213.1.1.4.11"
# lxml's stubs forget that None is the default namespace.
_NAMESPACES: dict[Any, str] = {None: HL7V3, "xsi": XSI}
_ACCEPTED = frozenset({"AA", "CA"})

Status = Literal["ACTIVE", "CLOSED", "ABSENT"]
_PATIENT_STATUS: dict[str, Status] = {"active": "ACTIVE", "terminated": "CLOSED"}


@dataclass(frozen=True, slots=True)
class Existence:
    """The DMP as the caller may know it.

    authorization       VALIDE, EXPIRE, INTERDIT, NON_EXISTE, "" when the answer does not say; other values verbatim
    medecin_traitant    the caller is the "médecin traitant DMP"; None when the answer does not say
    attached_to_mes     attached to Mon espace santé; None when the answer does not say
    """

    status: Status
    authorization: str = ""
    medecin_traitant: bool | None = None
    attached_to_mes: bool | None = None


def build(ins: MatriculeIns, *, lps_oid: str, lps_name: str, now: datetime, message: str, query: str) -> etree._Element:
    """The PRPA_IN201307UV02 asking for existence; `message` and `query` are the two unique extensions (uuids)."""
    root = etree.Element(q(HL7V3, "PRPA_IN201307UV02"), nsmap=_NAMESPACES)
    root.set("ITSVersion", "XML_1.0")
    _add(root, "id", root=lps_oid, extension=message)
    _add(root, "creationTime", value=utc_digits(now))
    _add(root, "interactionId", root=_INTERACTIONS, extension="PRPA_IN201307UV02")
    _add(root, "processingCode", code="D")
    _add(root, "processingModeCode", code="T")
    _add(root, "acceptAckCode", code="AL")
    _device(root, "receiver", "RCV", DMP_OID, "DMP")
    _device(root, "sender", "SND", lps_oid, lps_name)
    process = _add(root, "controlActProcess", classCode="CACT", moodCode="EVN")
    _add(process, "reasonCode", code="TEST_EXST", codeSystem=_REASONS, displayName="Test d'existence de dossier")
    by = _add(process, "queryByParameter")
    _add(by, "queryId", root=lps_oid, extension=query)
    _add(by, "statusCode", code="new")
    parameters = _add(by, "parameterList")
    _add(parameters, "dataSource").set(q(XSI, "nil"), "true")
    identifier = _add(parameters, "patientIdentifier")
    _add(identifier, "value", root=ins.oid, extension=ins.value)
    _add(identifier, "semanticsText").text = "Patient.id"
    return root


def parse(node: etree._Element) -> Existence:
    """What a PRPA_IN201308UV02 says. Raises ServerRefusal (channel 'ack') and CodecError."""
    if node.tag != q(HL7V3, "PRPA_IN201308UV02"):
        raise CodecError(
            "unexpected answer element", field="soap:Body/*", found=str(node.tag), expected="PRPA_IN201308UV02"
        )
    _refuse_errors(node)
    found = _code(node, "controlActProcess/queryAck/queryResponseCode")
    if found == "NF":
        return _existence("ABSENT", node)
    if found != "OK":
        raise ServerRefusal((ServerError(found or "queryResponseCode", "", channel="ack"),))
    patient = next(iter(node.iter(q(HL7V3, "patient"))), None)
    value = "" if patient is None else _code(patient, "statusCode")
    if value not in _PATIENT_STATUS:
        raise CodecError(
            "unknown state of a DMP", field="patient/statusCode", found=value, expected="active | terminated"
        )
    return _existence(_PATIENT_STATUS[value], node)


def _refuse_errors(node: etree._Element) -> None:
    acknowledgement = node.find(q(HL7V3, "acknowledgement"))
    if acknowledgement is None:
        raise CodecError("answer without acknowledgement", field="acknowledgement", found="absent", expected="one")
    # The normative form is a child element; the published samples carry an attribute.
    code = _code(acknowledgement, "typeCode") or acknowledgement.get("typeCode") or ""
    if code in _ACCEPTED:
        return
    details = tuple(
        ServerError(_code(detail, "code"), _detail_text(detail), location=_text(detail, "location"), channel="ack")
        for detail in acknowledgement.iterchildren(q(HL7V3, "acknowledgementDetail"))
    )
    raise ServerRefusal(details or (ServerError(code, "", channel="ack"),))


def _existence(status: Status, node: etree._Element) -> Existence:
    authorization = ""
    medecin_traitant = attached = None
    for line in node.iter(q(HL7V3, "attentionLine")):
        keyword = _code(line, "keyWordText")
        value = line.find(q(HL7V3, "value"))
        if value is not None and keyword == "AUTORISATION":
            authorization = value.get("code") or ""
        elif value is not None and keyword == "STATUT_MT":
            medecin_traitant = _boolean(value)
    for observation in node.iter(q(HL7V3, "administrativeObservation")):
        value = observation.find(q(HL7V3, "value"))
        if value is not None and _code(observation, "code") == "RATTACHEMENT_ENS":
            attached = _boolean(value)
    return Existence(status, authorization, medecin_traitant, attached)


def _boolean(value: etree._Element) -> bool | None:
    return {"true": True, "false": False}.get(value.get("value") or "")


def _add(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, q(HL7V3, name), attributes)


def _device(root: etree._Element, role: str, type_code: str, oid: str, software: str) -> None:
    device = _add(_add(root, role, typeCode=type_code), "device", classCode="DEV", determinerCode="INSTANCE")
    _add(device, "id", root=oid)
    _add(device, "softwareName").text = software


def _code(node: etree._Element, path: str) -> str:
    found = node.find("/".join(q(HL7V3, step) for step in path.split("/")))
    return "" if found is None else found.get("code") or ""


def _text(node: etree._Element, name: str) -> str:
    found = node.find(q(HL7V3, name))
    return "" if found is None else "".join(str(part) for part in found.itertext()).strip()


def _detail_text(detail: etree._Element) -> str:
    """The server's sentence: `text`, else the label of the code."""
    code = detail.find(q(HL7V3, "code"))
    return _text(detail, "text") or ("" if code is None else code.get("displayName") or "")

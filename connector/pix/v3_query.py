"""PRPA_IN201309UV02, the ITI-45 query (hl7v2-interface §2.7, ihe-rules D-110)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from connector.base import ns
from connector.base.hl7time import local_ts
from connector.base.ns import q
from connector.pix.config import PixConfig
from connector.pix.model import Domain

INTERACTION = "PRPA_IN201309UV02"
TRIGGER = "PRPA_TE201309UV02"
HL7_INTERACTIONS = "2.16.840.1.113883.1.6"


@dataclass(frozen=True, slots=True, repr=False)
class V3Query:
    """One question; `message_id` and `query_id` are extensions under the sender's OID; `now` is aware."""

    value: str
    domain: Domain
    wanted: tuple[Domain, ...]
    message_id: str
    query_id: str
    now: datetime


def build_query(query: V3Query, config: PixConfig) -> etree._Element:
    """The body. Raises SettingsError when a domain has no OID and `local_oids` gives it none."""
    root = etree.Element(q(ns.HL7V3, INTERACTION), nsmap={None: ns.HL7V3}, ITSVersion="XML_1.0")  # type: ignore[dict-item]
    _add(root, "id", root=config.sender_oid, extension=query.message_id)
    _add(root, "creationTime", value=local_ts(query.now))
    _add(root, "interactionId", root=HL7_INTERACTIONS, extension=INTERACTION)
    _add(root, "processingCode", code=config.processing_id)
    _add(root, "processingModeCode", code="T")
    _add(root, "acceptAckCode", code="AL")
    for role, code, oid in (("receiver", "RCV", config.receiver_oid), ("sender", "SND", config.sender_oid)):
        device = _add(_add(root, role, typeCode=code), "device", classCode="DEV", determinerCode="INSTANCE")
        _add(device, "id", root=oid)
    act = _add(root, "controlActProcess", classCode="CACT", moodCode="EVN")
    _add(act, "code", code=TRIGGER, codeSystem=HL7_INTERACTIONS)
    parameters = _add(act, "queryByParameter")
    _add(parameters, "queryId", root=config.sender_oid, extension=query.query_id)
    _add(parameters, "statusCode", code="new")
    _add(parameters, "responsePriorityCode", code="I")
    listed = _add(parameters, "parameterList")
    for domain in query.wanted:
        _parameter(listed, "dataSource", "DataSource.id", root=config.oid_of(domain))
    _parameter(listed, "patientIdentifier", "Patient.id", root=config.oid_of(query.domain), extension=query.value)
    return root


def _parameter(parent: etree._Element, name: str, meaning: str, **value: str) -> None:
    element = _add(parent, name)
    _add(element, "value", **value)
    _add(element, "semanticsText").text = meaning


def _add(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, q(ns.HL7V3, name), attributes)

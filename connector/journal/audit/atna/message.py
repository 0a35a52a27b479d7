"""One line as a DICOM audit message (PS3.15 A.5, as IHE ITI-20 wants it).

Two things differ from the IHE tables, because the line names no patient: a query object carries no query text, and the
patient is the keyed hash of the INS unless the settings ask for the INS itself.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from connector.journal.audit.atna.events import OURS, Coded, Event, event_of
from connector.journal.audit.entry import AuditEntry
from connector.journal.audit.reading import AuditLine

RFC3881: Final = "RFC-3881"
SOURCE: Final = Coded("110153", "DCM", "Source Role ID")
DESTINATION: Final = Coded("110152", "DCM", "Destination Role ID")
PATIENT_NUMBER: Final = Coded("2", RFC3881, "Patient Number")
REPORT_NUMBER: Final = Coded("9", RFC3881, "Report Number")
URI: Final = Coded("12", RFC3881, "URI")
INS_HASH: Final = Coded("ins-hash", OURS, "Keyed hash of the INS")
SEALED_LINE: Final = Coded("audit-line", OURS, "Line of the audit trail and its seal")
SUBMISSION_SET: Final = Coded(
    "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd", "IHE XDS Metadata", "submission set classificationNode"
)
FIND_DOCUMENTS: Final = "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d"
GET_DOCUMENTS: Final = "urn:uuid:5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4"
ANONYMOUS: Final = "http://www.w3.org/2005/08/addressing/anonymous"

_OUTCOMES: Final = {"success": "0", "partial": "4", "failed": "4", "refused": "8", "unknown": "8", "": "0"}
"""EventOutcomeIndicator: success; minor failure, done in part or tried again; serious failure."""
_NOT_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class AuditSource:
    """Who speaks: AuditSourceID, AuditEnterpriseSiteID ("" none), the name of this machine."""

    source_id: str
    site_id: str
    host: str


def build_message(line: AuditLine, source: AuditSource, ins: str = "") -> bytes:
    """The AuditMessage as UTF-8 XML. `ins` is the patient's CX where it may be named, "" for the hash of the line."""
    entry, event = line.entry, event_of(line.entry)
    root = etree.Element("AuditMessage")
    _event(root, entry, event)
    _participants(root, entry, event, source)
    identification = _add(root, "AuditSourceIdentification", AuditEnterpriseSiteID=source.site_id)
    identification.set("AuditSourceID", _clean(source.source_id))
    _add(identification, "AuditSourceTypeCode", **{"csd-code": "4"})
    _objects(root, line, event, ins)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _event(root: etree._Element, entry: AuditEntry, event: Event) -> None:
    element = _add(
        root,
        "EventIdentification",
        EventActionCode=event.action,
        EventDateTime=f"{entry.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
        EventOutcomeIndicator=_OUTCOMES[entry.outcome],
    )
    _coded(element, "EventID", event.id)
    for kind in event.types:
        _coded(element, "EventTypeCode", kind)
    if entry.outcome not in ("", "success"):
        _add(element, "EventOutcomeDescription").text = _clean(f"{entry.outcome} {entry.code}".strip())


def _participants(root: etree._Element, entry: AuditEntry, event: Event, source: AuditSource) -> None:
    soap = entry.destination.startswith(("https://", "http://"))
    ours = _participant(root, ANONYMOUS if soap else source.source_id, not entry.operator, source.host)
    ours.set("AlternativeUserID", _clean(source.source_id))
    _coded(ours, "RoleIDCode", DESTINATION if event.inbound else SOURCE)
    if entry.operator or entry.name_id:
        person = _participant(root, entry.operator or entry.name_id, True)
        if entry.structure:
            person.set("AlternativeUserID", _clean(entry.structure))
    if entry.destination:
        far = _participant(root, entry.destination, False, urlsplit(entry.destination).hostname or "")
        _coded(far, "RoleIDCode", SOURCE if event.inbound else DESTINATION)


def _participant(root: etree._Element, user: str, requestor: bool, host: str = "") -> etree._Element:
    element = _add(root, "ActiveParticipant", UserID=user, UserIsRequestor=str(requestor).lower())
    if host:
        element.set("NetworkAccessPointID", _clean(host))
        element.set("NetworkAccessPointTypeCode", "2" if _is_ip(host) else "1")
    return element


def _objects(root: etree._Element, line: AuditLine, event: Event, ins: str) -> None:
    entry = line.entry
    exchange = {"MessageID": entry.message_id, "RelatesTo": entry.relates_to}
    if ins or entry.ins_hash:
        _object(root, "1", "1", PATIENT_NUMBER if ins else INS_HASH, ins or entry.ins_hash)
    if event.query is not None:
        _object(root, "2", "24", event.query, _query_id(entry), **exchange)
    if entry.set_id:
        _object(root, "2", "20", SUBMISSION_SET, entry.set_id, **exchange)
    for unique_id in entry.unique_ids:
        _object(root, "2", "3", REPORT_NUMBER, unique_id, **({} if event.query or entry.set_id else exchange))
    details = {"reason": entry.reason, "delivery": "" if entry.delivery_id is None else str(entry.delivery_id)}
    log = _object(root, "2", "13", SEALED_LINE, f"{line.number}:{line.mac}", **details)
    # after the IDTypeCode, as the schema orders them
    name = etree.Element("ParticipantObjectName")
    name.text = "Security Audit Log"
    log.insert(1, name)


def _query_id(entry: AuditEntry) -> str:
    if entry.transaction in ("TD3.1", "TD3.1b"):
        return GET_DOCUMENTS if entry.unique_ids else FIND_DOCUMENTS
    return entry.message_id or entry.transaction


def _object(root: etree._Element, kind: str, role: str, id_type: Coded, value: str, **details: str) -> etree._Element:
    element = _add(
        root,
        "ParticipantObjectIdentification",
        ParticipantObjectID=value,
        ParticipantObjectTypeCode=kind,
        ParticipantObjectTypeCodeRole=role,
    )
    _coded(element, "ParticipantObjectIDTypeCode", id_type)
    for name, text in details.items():
        if text:
            encoded = b64encode(text.encode("utf-8", "replace")).decode()
            _add(element, "ParticipantObjectDetail", type=name, value=encoded)
    return element


def _coded(parent: etree._Element, tag: str, value: Coded) -> None:
    attributes = {"csd-code": value.code, "codeSystemName": value.system, "originalText": value.text}
    _add(parent, tag, **attributes)


def _add(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, tag)
    for name, value in attributes.items():
        if value:
            element.set(name, _clean(value))
    return element


def _clean(text: str) -> str:
    """What XML cannot hold is replaced: one odd character from outside must not stop the lines behind it."""
    return _NOT_XML.sub("\ufffd", text)


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

"""Reads what the connector needs of a ClinicalDocument, by XML structure only (cda-lettre-de-liaison §1, §5)."""

from __future__ import annotations

from functools import lru_cache

from lxml import etree

from connector.base.errors import CodecError
from connector.base.ns import HL7V3, q
from connector.base.xmlsafe import parse_xml
from connector.cda.errors import CdaError
from connector.cda.model import BodyKind, CdaHeader, Coded, InstanceId, Order, ServiceEvent
from connector.cda.nodes import attribute, child, children, coded, instance_id, instance_ids, text
from connector.cda.people import read_authenticator, read_author, read_organization, read_traits

__all__ = ["CDA_CAP", "CdaError", "clinical_document", "read_header"]

CDA_CAP = 64 * 1024 * 1024
"""Bytes accepted by default: a level-1 letter carries its PDF in base64."""

_KEPT_BYTES = 64 * 1024
"""Of 64 documents at most 4 MiB are held: longer ones are read each time."""

ROOT = q(HL7V3, "ClinicalDocument")
_STYLESHEET = "{http://www.w3.org/1999/XSL/Transform}stylesheet"
_ACCESSION = "{urn:dicom-org:ps3-20}accessionNumber"
_CONTENT = "{urn:asip-sante:ci-sis}Contenu"
_FORMS = ((b"%PDF", "PDF"), (b"PK\x03\x04", "ZIP archive"), (b"{\\rtf", "RTF"), (b"MSH|", "HL7v2 message"))


def read_header(content: bytes, *, cap: int = CDA_CAP) -> CdaHeader:
    """The header of a CDA, self-presenting or not.

    Absent optional elements give "" or None. Raises CdaError (`field`, `found`, `expected`) when the bytes are not
    well-formed XML of at most `cap` bytes without DOCTYPE, when the document is no ClinicalDocument, or when an
    element that the CDA schema demands is missing or void.
    """
    # one letter is read at the door, when routed and when sent: its header is kept from one to the next
    return _kept(content, cap) if len(content) <= _KEPT_BYTES else _read(content, cap)


@lru_cache(maxsize=64)
def _kept(content: bytes, cap: int) -> CdaHeader:
    return _read(content, cap)


def _read(content: bytes, cap: int) -> CdaHeader:
    root = _parse(content, cap)
    document = clinical_document(root)
    targets = list(children(document, "recordTarget"))
    if len(targets) != 1:
        raise CdaError(
            "a document concerns one patient", field="recordTarget", found=str(len(targets)), expected="exactly one"
        )
    patient_role = child(targets[0], "patientRole")
    events = tuple(_service_event(node) for node in children(document, "documentationOf/serviceEvent"))
    return CdaHeader(
        id=_required_id(document),
        set_id=instance_id(document, "setId"),
        version=attribute(document, "value", "versionNumber"),
        templates=instance_ids(document, "templateId"),
        code=_required_code(document, "code"),
        title=text(document, "title"),
        effective_time=_required(attribute(document, "value", "effectiveTime"), "effectiveTime/@value"),
        confidentiality=_required_code(document, "confidentialityCode"),
        language=attribute(document, "code", "languageCode"),
        patient_ids=instance_ids(patient_role),
        traits=read_traits(child(patient_role, "patient")),
        authors=tuple(read_author(node) for node in children(document, "author")),
        custodian=read_organization(child(document, "custodian/assignedCustodian/representedCustodianOrganization")),
        legal_authenticator=read_authenticator(child(document, "legalAuthenticator")),
        service_events=events,
        facility=coded(document, "componentOf/encompassingEncounter/location/healthCareFacility/code"),
        replaced_id=_replaced(document),
        body=_body(document),
        body_media_type=attribute(document, "mediaType", "component/nonXMLBody/text"),
        self_presenting=root is not document or _inline_stylesheet(root),
        orders=tuple(_order(node) for node in children(document, "inFulfillmentOf/order")),
        encounter_ids=instance_ids(child(document, "componentOf/encompassingEncounter")),
        encounter_code=coded(document, "componentOf/encompassingEncounter/code"),
    )


def _parse(content: bytes, cap: int) -> etree._Element:
    for magic, form in _FORMS:
        if content.startswith(magic):
            raise CdaError(f"not a CDA but a {form}", field="document", found=form, expected="a ClinicalDocument")
    try:
        return parse_xml(content, cap=cap, huge=True, what="CDA")
    except CodecError as error:
        raise CdaError(error.message, **error.context) from error


def clinical_document(root: etree._Element) -> etree._Element:
    """The ClinicalDocument: the root itself, or what a stylesheet that presents it carries in `Contenu`.

    Raises CdaError when there is none.
    """
    if root.tag == ROOT:
        return root
    carried = root.findall(f"{_CONTENT}/{ROOT}") if root.tag == _STYLESHEET else []
    if len(carried) == 1:
        return carried[0]
    raise CdaError(
        "the root is not a ClinicalDocument",
        field="/*",
        found=f"{root.tag} carrying {len(carried)} ClinicalDocument" if root.tag == _STYLESHEET else str(root.tag),
        expected=ROOT,
    )


def _inline_stylesheet(root: etree._Element) -> bool:
    """True when an xml-stylesheet instruction points into the document itself."""
    return any(
        isinstance(node, etree._ProcessingInstruction)
        and node.target == "xml-stylesheet"
        and str(node.get("href", "")).startswith("#")
        for node in root.itersiblings(preceding=True)
    )


def _service_event(event: etree._Element) -> ServiceEvent:
    low = attribute(event, "value", "effectiveTime/low") or attribute(event, "value", "effectiveTime")
    return ServiceEvent(
        code=coded(event, "code"),
        low=low,
        high=attribute(event, "value", "effectiveTime/high"),
        setting=coded(event, "performer/assignedEntity/representedOrganization/standardIndustryClassCode"),
    )


def _order(order: etree._Element) -> Order:
    number = order.find(_ACCESSION)
    accession = InstanceId(attribute(number, "root"), attribute(number, "extension")) if number is not None else None
    return Order(instance_id(order), accession if accession is not None and accession.root else None)


def _replaced(document: etree._Element) -> InstanceId | None:
    for related in children(document, "relatedDocument"):
        if attribute(related, "typeCode") == "RPLC":
            return instance_id(related, "parentDocument/id")
    return None


def _body(document: etree._Element) -> BodyKind:
    if child(document, "component/structuredBody") is not None:
        return "structured"
    return "non-xml" if child(document, "component/nonXMLBody") is not None else "none"


def _required_id(document: etree._Element) -> InstanceId:
    found = instance_id(document)
    if found is None:
        raise CdaError("the document has no id", field="id/@root", found="none", expected="an OID")
    return found


def _required_code(document: etree._Element, name: str) -> Coded:
    found = coded(document, name)
    if found is None:
        raise CdaError(f"{name} is missing or void", field=f"{name}/@code", found="none", expected="a code")
    return found


def _required(value: str, field: str) -> str:
    if not value:
        raise CdaError(f"{field} is missing or void", field=field, found="none", expected="a value")
    return value

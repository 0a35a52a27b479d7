"""A received ITI-41 as the rules see it: parts weighed, CDA headers read, the assertion reduced to its facts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from lxml import etree

from connector.base.errors import CodecError
from connector.base.ns import HL7V3, q
from connector.base.xmlsafe import parse_xml
from connector.rules.case import Case, CdaFacts, Part, RuleSettings, Speaker
from connector.rules.model import Provided
from connector.simulator.model import PartFile, VerifiedAssertion

SECRET_SESSION = "urn:oasis:names:tc:xspa:1.0:resource:patient:hl7:confidentiality-code"
"""Attribute of the VIHF that only a minor's secret connection carries (dmp-interface b.5)."""

CDA_CAP = 64 * 1024 * 1024


def case_of(
    provided: Provided, files: Mapping[str, PartFile], assertion: VerifiedAssertion | None, settings: RuleSettings
) -> Case:
    """The case of a request whose `files`, by Content-ID, are on disk. Everything is computed from their bytes."""
    parts = {cid: _part(file, look=settings.check_content) for cid, file in files.items()}
    return Case(provided, parts, None if assertion is None else speaker_of(assertion), settings)


def speaker_of(assertion: VerifiedAssertion) -> Speaker:
    return Speaker(
        mode=assertion.mode,
        structure=assertion.structure,
        name_id=assertion.name_id,
        ins=assertion.resource_ins,
        oid=assertion.resource_oid,
        secret=bool(assertion.attributes.get(SECRET_SESSION)),
    )


def read_cda(content: bytes) -> CdaFacts | None:
    """The facts of a ClinicalDocument; None for other content or unreadable XML (SIG-10 says so)."""
    try:
        root = parse_xml(content, cap=CDA_CAP, huge=True, what="CDA")
    except CodecError:
        return None
    if root.tag != q(HL7V3, "ClinicalDocument"):
        return None
    identifier, code = root.find(q(HL7V3, "id")), root.find(q(HL7V3, "code"))
    replaced = f"{q(HL7V3, 'relatedDocument')}[@typeCode='RPLC']/{q(HL7V3, 'parentDocument')}/{q(HL7V3, 'id')}"
    patients = root.iterfind(f"{q(HL7V3, 'recordTarget')}/{q(HL7V3, 'patientRole')}/{q(HL7V3, 'id')}")
    return CdaFacts(
        unique_id="^".join(filter(None, (_get(identifier, "root"), _get(identifier, "extension")))),
        patients=frozenset((_get(item, "root"), _get(item, "extension")) for item in patients),
        type=None if code is None else (_get(code, "code"), _get(code, "codeSystem")),
        replaces=tuple(_get(item, "root") for item in root.iterfind(replaced)),
    )


def _part(file: PartFile, *, look: bool) -> Part:
    # A file handed over without its digest is weighed here; the reader of the wire does it while receiving.
    sha1 = file.sha1
    if not sha1:
        with file.path.open("rb") as stream:
            sha1 = hashlib.file_digest(stream, "sha1").hexdigest()
    return Part(file.size, sha1, read_cda(file.path.read_bytes()) if look else None)


def _get(element: etree._Element | None, attribute: str) -> str:
    return "" if element is None else element.get(attribute, "")

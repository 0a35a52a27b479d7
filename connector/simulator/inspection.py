"""A file of metadata or a captured SOAP message, judged as the simulator would: its own reader, the shared rules.

Bare elements (SubmitObjectsRequest, ProvideAndRegisterDocumentSetRequest, RegistryObjectList, AdhocQueryRequest,
RetrieveDocumentSetRequest and the three answers), SOAP envelopes around them, and multipart bodies with their
documents. What needs the memory of a registry, or the signature of an assertion, is not judged here. Of the DMP's own
TD0.2 and TD0.3 the addressing alone is judged: no numbered rule is about what they hold.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lxml import etree

from connector.base.errors import CodecError
from connector.base.finding import Finding
from connector.base.ns import DMP_HABILITATIONS, HL7V3, LCM, QUERY, RIM, RS, SOAP12, WSA, XDSB, XOP, q
from connector.base.xmlsafe import parse_xml
from connector.rules import names
from connector.rules.answers import OUTCOME_RULES, RESULT_RULES, RETRIEVED_RULES
from connector.rules.case import (
    Case,
    Fault,
    Part,
    RuleSettings,
    Transaction,
    apply,
    finding,
    is_signature,
)
from connector.rules.model import Provided
from connector.rules.profiles import judge
from connector.rules.query import judge_query
from connector.rules.retrieve import RETRIEVE_RULES
from connector.rules.soap import SOAP_RULES, Head
from connector.simulator.mime import MimePart, read_parts
from connector.simulator.model import RegistryRefusal
from connector.simulator.registry_case import read_cda
from connector.simulator.registry_reader import read_list, read_provide_and_register, read_submit_objects
from connector.simulator.request_reader import (
    read_outcome,
    read_query_request,
    read_result,
    read_retrieve_request,
    read_retrieved,
)
from connector.simulator.wire import must_understand

Profile = Literal["dmp", "ihe"]

OF_THE_DMP = {q(HL7V3, "PRPA_IN201307UV02"): "TD0.2", q(DMP_HABILITATIONS, "setAuthorization"): "TD0.3"}
"""Requests about the record itself, by the element they hold (dmp-interface a.3, a.4)."""

INS_OIDS = frozenset({f"1.2.250.1.213.1.4.{arc}" for arc in (8, 9, 10, 11)})
"""Domains of the INS, test ones included (dmp-interface b.11): a file does not say which environment it is for."""

PART_CAP = 64 * 1024 * 1024
ROOT_CAP = 16 * 1024 * 1024
REGISTER_ACTION = "urn:ihe:iti:2007:RegisterDocumentSet-b"

_BOUNDARY = re.compile(rb"(?:\A|\r\n)--([^\r\n]{1,200})\r\n")


@dataclass(frozen=True, slots=True)
class Inspection:
    """`kind` is the transaction ("ITI-41", "ITI-41 answer"…), "metadata", or "unknown" when nothing could be read."""

    kind: str
    findings: tuple[Finding, ...]


def inspect(raw: bytes, *, profile: Profile) -> Inspection:
    """Every finding of `raw` in a profile, first one first. Never raises for what it is given."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            root, parts, root_type = _open(raw, Path(folder))
        return _judged(root, parts, root_type, ihe_pure=profile == "ihe")
    except CodecError as error:
        fault = Fault("", str(error.context.get("field", "message")), str(error.context.get("found", "")), "un message")
        return _unknown(fault)
    except RegistryRefusal as refusal:
        fault = Fault("", "RegistryObjectList", refusal.errors[0].context, "des métadonnées ebRIM")
        return _unknown(fault)


def _unknown(fault: Fault) -> Inspection:
    return Inspection("unknown", (finding("D-46", "ihe-rules D.2 D-46", fault, "XDSRegistryMetadataError"),))


def _open(raw: bytes, folder: Path) -> tuple[etree._Element, dict[str, Part] | None, str]:
    """Root element, parts by Content-ID (None: not a multipart), Content-Type of the root part.

    HTTP headers kept in front are skipped. Raises CodecError.
    """
    boundary = None if raw.lstrip().startswith(b"<") else _BOUNDARY.search(raw)
    if boundary is None:
        return parse_xml(raw[max(raw.find(b"<"), 0) :], cap=ROOT_CAP, what="message"), None, ""
    parts = read_parts(io.BytesIO(raw), boundary[1].decode("ascii", "replace").strip(), folder, part_cap=PART_CAP)
    if not parts:
        raise CodecError("multipart without a part", field="multipart", found="0 part", expected="a root part")
    # Without its Content-Type header a body does not say which part is the root: the first is (RFC 2387).
    root = next((part for part in parts if part.content_type.startswith("application/xop+xml")), None) or parts[0]
    files = {part.cid: _part(part) for part in parts if part is not root}
    return parse_xml(root.path.read_bytes(), cap=ROOT_CAP, what="message"), files, root.content_type


def _part(part: MimePart) -> Part:
    return Part(part.size, part.sha1, read_cda(part.path.read_bytes()))


def _judged(root: etree._Element, parts: dict[str, Part] | None, root_type: str, *, ihe_pure: bool) -> Inspection:
    if root.tag != q(SOAP12, "Envelope"):
        return _body(root, parts, "", ihe_pure=ihe_pure)
    body = next((child for child in root.iterfind(f"{q(SOAP12, 'Body')}/*") if isinstance(child.tag, str)), None)
    if body is None:
        return _unknown(Fault("", "soap:Body", "vide", "un élément"))
    head = _head(root, etree.QName(body).localname, root_type)
    if body.tag in OF_THE_DMP:
        return Inspection(OF_THE_DMP[body.tag], apply(SOAP_RULES, head))
    inside = _body(body, parts, head.action, ihe_pure=ihe_pure)
    return Inspection(inside.kind, apply(SOAP_RULES, head) + inside.findings)


def _head(envelope: etree._Element, body: str, root_type: str) -> Head:
    header = f"{q(SOAP12, 'Header')}/"
    action = envelope.find(header + q(WSA, "Action"))
    understood = action is not None and must_understand(action)
    action_text, message_id, to = (
        (envelope.findtext(header + q(WSA, name)) or "").strip() for name in ("Action", "MessageID", "To")
    )
    # It points at parts that are not in the file: the capture kept the envelope alone.
    cut_out = not root_type and next(envelope.iter(q(XOP, "Include")), None) is not None
    return Head(action_text, understood, message_id, to, body, root_type, cut_out)


def _body(body: etree._Element, parts: Mapping[str, Part] | None, action: str, *, ihe_pure: bool) -> Inspection:
    tag = body.tag
    if tag == q(XDSB, "ProvideAndRegisterDocumentSetRequest"):
        kind: Transaction = "metadata" if parts is None else "ITI-41"
        findings = _metadata(read_provide_and_register(body), kind, parts, ihe_pure=ihe_pure)
        return Inspection("ITI-41", findings)
    if tag in (q(LCM, "SubmitObjectsRequest"), q(RIM, "RegistryObjectList")):
        provided = read_submit_objects(body) if tag == q(LCM, "SubmitObjectsRequest") else read_list(body)
        kind = _transaction(provided, action)
        # A file of metadata may come from an exchange that signs nothing (XDM): it is judged for what it holds.
        signed = None if kind != "metadata" else _holds_signature(provided)
        return Inspection(kind, _metadata(provided, kind, None, ihe_pure=ihe_pure, signed=signed))
    if tag == q(QUERY, "AdhocQueryRequest"):
        return Inspection("ITI-18", judge_query(read_query_request(body, ihe_pure=ihe_pure)))
    if tag == q(XDSB, "RetrieveDocumentSetRequest"):
        return Inspection("ITI-43", apply(RETRIEVE_RULES, read_retrieve_request(body)))
    return _answer(body, parts)


def _transaction(provided: Provided, action: str) -> Transaction:
    """What a SubmitObjectsRequest is: its action says it, else what it holds."""
    if action == REGISTER_ACTION:
        return "ITI-42"
    updates = any(
        item.lid
        or item.association_type in (names.UPDATE_STATUS, names.SUBMIT_ASSOCIATION)
        or item.values("PreviousVersion")
        for item in provided.objects
    )
    return "ITI-57" if updates or action else "metadata"


def _holds_signature(provided: Provided) -> bool:
    signs = any(item.association_type == names.SIGNS for item in provided.objects)
    return signs or any(is_signature(item) for item in provided.of_kind("ExtrinsicObject"))


def _metadata(
    provided: Provided,
    transaction: Transaction,
    parts: Mapping[str, Part] | None,
    *,
    ihe_pure: bool,
    signed: bool | None = None,
) -> tuple[Finding, ...]:
    settings = RuleSettings(ins_oids=INS_OIDS, documents_per_set=0, ihe_pure=ihe_pure, signed=signed)
    return judge(Case(provided, parts or {}, None, settings, transaction))


def _answer(body: etree._Element, parts: Mapping[str, Part] | None) -> Inspection:
    if body.tag == q(RS, "RegistryResponse"):
        return Inspection("ITI-41 answer", apply(OUTCOME_RULES, read_outcome(body, "ITI-41")))
    if body.tag == q(QUERY, "AdhocQueryResponse"):
        findings = apply(OUTCOME_RULES, read_outcome(body, "ITI-18")) + apply(RESULT_RULES, read_result(body))
        return Inspection("ITI-18 answer", findings)
    response = body.find(q(RS, "RegistryResponse"))
    if body.tag == q(XDSB, "RetrieveDocumentSetResponse") and response is not None:
        findings = apply(OUTCOME_RULES, read_outcome(response, "ITI-43"))
        if parts is not None:
            findings += tuple(found for item in read_retrieved(body, parts) for found in apply(RETRIEVED_RULES, item))
        return Inspection("ITI-43 answer", findings)
    return _unknown(Fault("", "élément", etree.QName(body).localname, "une requête ou une réponse XDS"))

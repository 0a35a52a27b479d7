"""SOAP 1.2 and MTOM as the simulator reads and writes them (dmp-interface a.1, a.7, a.9; ihe-rules D-52)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote

from lxml import etree

from connector.base.errors import CodecError, LimitError
from connector.base.ns import SOAP12, WSA, WSSE, XDSB, XOP, q
from connector.base.xmlsafe import parse_xml
from connector.simulator.http import HttpResponse
from connector.simulator.mime import MimePart, media_type, read_parts
from connector.simulator.model import PartFile, ReplyPart, SimFault

ROOT_CAP = 16 * 1024 * 1024
ANONYMOUS = "http://www.w3.org/2005/08/addressing/anonymous"
FAULT_ACTION = "http://www.w3.org/2005/08/addressing/fault"
MISSING_ADDRESSING = "A required header representing a Message Addressing Property is not present"
_BLOCK = 256 * 1024
_UNDERSTOOD = frozenset({WSA, WSSE})


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request as received. `header` and `body` are soap:Header and the first child of soap:Body."""

    root: etree._Element
    header: etree._Element
    body: etree._Element
    raw_root: bytes
    parts: Mapping[str, PartFile]
    mtom: bool
    action: str
    message_id: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: the first child of soap:Body, the documents, and how it is told on the wire."""

    body: etree._Element
    action: str
    message_id: str
    relates_to: str
    parts: Sequence[ReplyPart] = ()
    multipart: bool = False
    status: int = 200


def read_request(stream: BinaryIO, content_type: str, folder: Path, *, part_cap: int) -> Envelope:
    """The envelope of one HTTP body; documents are left as files in `folder`. Raises SimFault for every defect."""
    kind, parameters = media_type(content_type)
    try:
        if kind == "multipart/related":
            raw, parts = _read_related(stream, parameters, folder, part_cap)
            mtom = True
        elif kind == "application/soap+xml":
            raw, parts, mtom = stream.read(ROOT_CAP + 1), {}, False
        else:
            raise _sender("Content-Type inattendu : application/soap+xml ou multipart/related est attendu")
        root = parse_xml(raw, cap=ROOT_CAP, what="SOAP envelope")
    except LimitError as error:
        raise _sender(f"Message trop volumineux : {error.message}") from error
    except CodecError as error:
        raise _sender(f"Message illisible : {error.message}") from error
    return _envelope(root, raw, parts, mtom, parameters.get("action", ""))


def _read_related(
    stream: BinaryIO, parameters: Mapping[str, str], folder: Path, part_cap: int
) -> tuple[bytes, dict[str, PartFile]]:
    for name in ("boundary", "start", "type"):
        if not parameters.get(name):
            raise _sender(f"multipart/related sans paramètre {name}")
    if parameters["type"].lower() != "application/xop+xml":
        raise _sender("multipart/related : type application/xop+xml attendu")
    if parameters.get("start-info", "application/soap+xml").lower() != "application/soap+xml":
        raise _sender("multipart/related : start-info application/soap+xml attendu")
    parts = read_parts(stream, parameters["boundary"], folder, part_cap=max(part_cap, ROOT_CAP))
    start = parameters["start"].removeprefix("<").removesuffix(">")
    root = next((part for part in parts if part.cid == start), None)
    if root is None:
        raise _sender("multipart/related : le paramètre start ne désigne aucune partie")
    inner, inner_parameters = media_type(root.content_type)
    inner_type = inner_parameters.get("type", "").lower()
    if inner != "application/xop+xml" or not inner_type.startswith("application/soap+xml"):
        raise _sender('La partie racine doit être application/xop+xml; type="application/soap+xml"')
    documents = [part for part in parts if part is not root]
    for part in documents:
        if not part.cid:
            raise _sender("Partie MIME sans Content-ID")
        if part.size > part_cap:
            raise _sender(f"Document trop volumineux : {part.size} octets, maximum {part_cap}")
    if root.size > ROOT_CAP:
        raise _sender("Partie racine trop volumineuse")
    return root.path.read_bytes(), {part.cid: _part_file(part) for part in documents}


def _part_file(part: MimePart) -> PartFile:
    return PartFile(part.path, part.size, part.content_type, part.sha1)


def _envelope(
    root: etree._Element, raw: bytes, parts: Mapping[str, PartFile], mtom: bool, http_action: str
) -> Envelope:
    if root.tag != q(SOAP12, "Envelope"):
        raise SimFault("VersionMismatch", "", "Enveloppe SOAP 1.2 attendue")
    headers, bodies = root.findall(q(SOAP12, "Header")), root.findall(q(SOAP12, "Body"))
    if len(headers) != 1 or len(bodies) != 1:
        # Without a header the addressing properties are missing too, which is what CXF says first.
        raise _addressing("MessageAddressingHeaderRequired", MISSING_ADDRESSING)
    children = [child for child in bodies[0] if isinstance(child.tag, str)]
    if len(children) != 1:
        raise _sender("soap:Body doit contenir exactement un élément")
    header, warnings = headers[0], []
    for block in header:
        if isinstance(block.tag, str) and etree.QName(block).namespace not in _UNDERSTOOD and must_understand(block):
            raise SimFault("MustUnderstand", "", f"En-tête non compris : {etree.QName(block).localname}")
    message_id, action = _property(header, "MessageID"), _property(header, "Action")
    if http_action and http_action != action:
        raise _addressing("ActionMismatch", "Le paramètre action de Content-Type diffère de wsa:Action")
    if header.find(q(WSA, "To")) is None:
        warnings.append("wsa:To absent")
    action_block = header.find(q(WSA, "Action"))
    if action_block is not None and not must_understand(action_block):
        warnings.append("wsa:Action sans mustUnderstand")
    return Envelope(root, header, children[0], raw, parts, mtom, action, message_id, tuple(warnings))


def _property(header: etree._Element, name: str) -> str:
    found = header.findall(q(WSA, name))
    text = (found[0].text or "").strip() if found else ""
    if not text:
        raise _addressing("MessageAddressingHeaderRequired", MISSING_ADDRESSING)
    if len(found) > 1:
        raise _addressing("InvalidAddressingHeader", f"wsa:{name} est présent plusieurs fois")
    return text


def must_understand(block: etree._Element) -> bool:
    """soap:mustUnderstand of a header block. The samples write it unqualified (dmp-interface a.1): both forms count."""
    return any(block.get(name) in ("true", "1") for name in ("mustUnderstand", q(SOAP12, "mustUnderstand")))


def require_mtom(envelope: Envelope) -> None:
    """ITI-41: multipart and exactly one xop:Include in each Document (EX_2.1-1260, D-52). Raises SimFault."""
    documents = envelope.body.findall(f".//{q(XDSB, 'Document')}")
    inline = any(len(list(document.iter(q(XOP, "Include")))) != 1 for document in documents)
    if not envelope.mtom or inline:
        raise _sender("MTOM/XOP obligatoire : chaque Document désigne une partie par xop:Include")


def included_cid(element: etree._Element) -> str:
    """Content-ID named by the xop:Include inside `element`, percent-decoded; "" when there is none."""
    include = next(element.iter(q(XOP, "Include")), None)
    href = "" if include is None else (include.get("href") or "")
    return unquote(href.removeprefix("cid:")) if href.startswith("cid:") else ""


def include(cid: str) -> etree._Element:
    """`xop:Include` of an answer, percent-encoded (`%3A`, `%40`) as the DMP writes it (a.9)."""
    return etree.Element(q(XOP, "Include"), {"href": f"cid:{quote(cid, safe='')}"}, nsmap={"xop": XOP})


def fault_body(fault: SimFault) -> etree._Element:
    """soap:Fault of a refusal. A subcode `wsa:…`/`wsse:…` keeps its prefix bound, any other is a bare name."""
    body = etree.Element(q(SOAP12, "Fault"), nsmap={"soap": SOAP12, "wsa": WSA, "wsse": WSSE})
    code = etree.SubElement(body, q(SOAP12, "Code"))
    etree.SubElement(code, q(SOAP12, "Value")).text = f"soap:{fault.code}"
    if fault.subcode:
        subcode = etree.SubElement(code, q(SOAP12, "Subcode"))
        etree.SubElement(subcode, q(SOAP12, "Value")).text = fault.subcode
    reason = etree.SubElement(body, q(SOAP12, "Reason"))
    text = etree.SubElement(reason, q(SOAP12, "Text"))
    text.set("{http://www.w3.org/XML/1998/namespace}lang", "fr")
    text.text = fault.text
    return body


def envelope_bytes(answer: Answer) -> bytes:
    """The SOAP answer: wsa Action, MessageID, To anonymous, RelatesTo (a.1), then the body."""
    envelope = etree.Element(q(SOAP12, "Envelope"), nsmap={"soap": SOAP12, "wsa": WSA})
    header = etree.SubElement(envelope, q(SOAP12, "Header"))
    for name, text in (
        ("Action", answer.action),
        ("MessageID", answer.message_id),
        ("To", ANONYMOUS),
        ("RelatesTo", answer.relates_to),
    ):
        if text:
            etree.SubElement(header, q(WSA, name)).text = text
    etree.SubElement(envelope, q(SOAP12, "Body")).append(answer.body)
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")


def http_response(answer: Answer, boundary: str) -> HttpResponse:
    """The HTTP answer, documents streamed from their files. `boundary` is unique to this answer."""
    root = envelope_bytes(answer)
    soap_type = "application/soap+xml"
    if not (answer.multipart or answer.parts):
        content_type = f'{soap_type}; charset=UTF-8; action="{answer.action}"'
        return HttpResponse(answer.status, content_type, (root,), len(root))
    start = f"racine.{boundary}@simulateur"
    blocks: list[bytes | Path] = [
        _part_head(boundary, f'application/xop+xml; charset=UTF-8; type="{soap_type}"', start)
    ]
    blocks.append(root)
    for part in answer.parts:
        blocks += [b"\r\n" + _part_head(boundary, part.content_type, part.cid), part.path]
    blocks.append(f"\r\n--{boundary}--\r\n".encode())
    length = sum(len(block) if isinstance(block, bytes) else block.stat().st_size for block in blocks)
    content_type = (
        f'multipart/related; type="application/xop+xml"; boundary="{boundary}"; '
        f'start="<{start}>"; start-info="{soap_type}"; action="{answer.action}"'
    )
    return HttpResponse(answer.status, content_type, _stream(blocks), length)


def _part_head(boundary: str, content_type: str, cid: str) -> bytes:
    return (
        f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: binary\r\n"
        f"Content-ID: <{cid}>\r\n\r\n"
    ).encode()


def _stream(blocks: Sequence[bytes | Path]) -> Iterator[bytes]:
    for block in blocks:
        if isinstance(block, bytes):
            yield block
            continue
        with block.open("rb") as file:
            while data := file.read(_BLOCK):
                yield data


def _sender(text: str) -> SimFault:
    return SimFault("Sender", "", text)


def _addressing(subcode: str, text: str) -> SimFault:
    return SimFault("Sender", f"wsa:{subcode}", text)

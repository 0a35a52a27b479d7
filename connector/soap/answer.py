"""The answer in: envelope, addressing, fault; pure functions over bytes already read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType

from lxml import etree

from connector.base import ns
from connector.base.errors import CodecError, SoapFault
from connector.base.ns import q
from connector.base.xmlsafe import parse_xml
from connector.soap.errors import RelatesToMismatch, UnreadableAnswer
from connector.soap.mtom_read import bare_cid
from connector.soap.parts import Part

UNSPECIFIED = "http://www.w3.org/2005/08/addressing/unspecified"
_ENVELOPES = {q(ns.SOAP12, "Envelope"): ns.SOAP12, q(ns.SOAP11, "Envelope"): ns.SOAP11}


@dataclass(slots=True, repr=False)
class SoapAnswer:
    """What came back: `body` is the first child of soap:Body, `parts` the attachments by bare Content-ID.

    `date` is the server's HTTP Date (aware, UTC) or None; `seconds` from the call to the last byte read.
    Attachments may be files: use it as a context manager, or call `close()`, when they are no longer needed.
    """

    body: etree._Element
    parts: dict[str, Part] = field(default_factory=dict)
    message_id: str = ""
    relates_to: str = ""
    action: str = ""
    date: datetime | None = None
    seconds: float = 0.0
    http_status: int = 200

    def part(self, href: str) -> Part:
        """The part an xop:Include points at. Raises CodecError when the answer does not carry it."""
        found = self.parts.get(bare_cid(href))
        if found is None:
            raise CodecError("xop:Include without its part", field="xop:Include/@href", found=href, expected="a part")
        return found

    def close(self) -> None:
        for part in self.parts.values():
            part.delete()

    def __enter__(self) -> SoapAnswer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def envelope_of(data: bytes, cap: int) -> tuple[etree._Element, str]:
    """(envelope, SOAP namespace). Raises CodecError when `data` is not a SOAP 1.1 or 1.2 envelope."""
    root = parse_xml(data, cap=cap, what="SOAP envelope")
    namespace = _ENVELOPES.get(str(root.tag))
    if namespace is None:
        raise CodecError(
            "not a SOAP envelope", field="root element", found=str(root.tag)[:80], expected="soap:Envelope"
        )
    return root, namespace


def body_of(envelope: etree._Element, namespace: str) -> etree._Element:
    """First element of soap:Body. Raises UnreadableAnswer when there is none."""
    body = envelope.find(q(namespace, "Body"))
    first = next((child for child in body if isinstance(child.tag, str)), None) if body is not None else None
    if first is None:
        raise UnreadableAnswer("empty SOAP body", field="soap:Body", found="nothing", expected="one element")
    return first


def fault_of(body: etree._Element, namespace: str, http_status: int, date: datetime | None) -> SoapFault | None:
    """The SoapFault of a soap:Fault (1.1 or 1.2), None for any other body.

    Code and subcode are the server's local names, the text its own words; `context` has `detail` (the XML text of
    the detail element, at most 16 KiB), `qcode` and `qsubcode` (as written, prefix included) and `date`; the client
    adds `relates_to`.
    """
    if body.tag != q(namespace, "Fault"):
        return None
    if namespace == ns.SOAP12:
        qcode = _text(body, "Code/Value", namespace)
        qsubcode = _text(body, "Code/Subcode/Value", namespace)
        reasons = [r for r in body.iterfind(_path("Reason/Text", namespace)) if (r.text or "").strip()]
        french = [r for r in reasons if (r.get("{http://www.w3.org/XML/1998/namespace}lang") or "").startswith("fr")]
        text = ((french or reasons)[0].text or "").strip() if reasons else ""
        detail = body.find(q(namespace, "Detail"))
    else:
        # SOAP 1.1 children are in no namespace; a sample of the DMP mixes 1.1 envelopes in (dmp-interface a.1).
        qcode, qsubcode = (body.findtext("faultcode") or "").strip(), ""
        text = (body.findtext("faultstring") or "").strip()
        detail = body.find("detail")
    return SoapFault(
        _local(qcode),
        _local(qsubcode),
        text,
        http_status=http_status,
        detail=etree.tostring(detail, encoding="unicode", with_tail=False)[:16384] if detail is not None else "",
        qcode=qcode,
        qsubcode=qsubcode,
        date=date,
    )


def addressing_of(envelope: etree._Element, namespace: str) -> tuple[str, tuple[str, ...], str]:
    """(MessageID, every RelatesTo, Action) of the answer; "" or empty where the server gave none."""
    header = envelope.find(q(namespace, "Header"))
    if header is None:
        return "", (), ""
    relates = tuple((e.text or "").strip() for e in header.iterfind(q(ns.WSA, "RelatesTo")))
    message_id = (header.findtext(q(ns.WSA, "MessageID")) or "").strip()
    return message_id, relates, (header.findtext(q(ns.WSA, "Action")) or "").strip()


def check_relates_to(found: tuple[str, ...], expected: str, *, fault: bool) -> None:
    """Raises RelatesToMismatch when the answer names another message (D-52, D-107).

    An absent header passes: the HTTP exchange itself links both. A fault may say 'unspecified', as WS-Addressing
    allows when the request's own headers could not be read.
    """
    if not found or expected in found or (fault and UNSPECIFIED in found):
        return
    raise RelatesToMismatch(found=found[0][:200], expected=expected)


def http_date(value: str | None) -> datetime | None:
    """Aware UTC datetime of an HTTP Date header, None when absent or unreadable."""
    if not value:
        return None
    try:
        parsed = parsedate_to_datetime(value)
    except ValueError:
        return None
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _path(path: str, namespace: str) -> str:
    return "/".join(q(namespace, step) for step in path.split("/"))


def _text(element: etree._Element, path: str, namespace: str) -> str:
    return (element.findtext(_path(path, namespace)) or "").strip()


def _local(qname: str) -> str:
    return qname.rpartition(":")[2]

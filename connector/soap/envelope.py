"""The envelope out: addressing headers, and the two places where bytes are spliced in at serialisation.

Neither the signed assertion nor the body is ever re-parented: lxml would rewrite prefixes that a signature or an
`xsi:type` relies on (stack.md §1). A placeholder stands for each in the tree; the bytes take its place on the wire.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from connector.base import ns
from connector.base.errors import CodecError
from connector.base.ns import q
from connector.base.xmlsafe import parse_xml
from connector.soap.limits import MIB, MustUnderstand

ANONYMOUS = "http://www.w3.org/2005/08/addressing/anonymous"
ASSERTION_CAP = MIB

_HEADER_NAMESPACES = {"wsa": ns.WSA, "wsse": ns.WSSE, "soap-env": ns.SOAP12}


@dataclass(frozen=True, slots=True, repr=False)
class Splice:
    """Bytes to put in the place of `marker`, a text that occurs nowhere else."""

    marker: str
    content: bytes


def addressing_headers(message_id: str, to: str, action: str, form: MustUnderstand) -> list[etree._Element]:
    """wsa:MessageID, To, ReplyTo (anonymous), Action, in the order the DMP's samples have them (dmp-interface a.1)."""
    must = q(ns.SOAP12, "mustUnderstand") if form == "qualified" else "mustUnderstand"
    reply_to = _header(ns.WSA, "ReplyTo")
    reply_to.set(must, "true")
    etree.SubElement(reply_to, q(ns.WSA, "Address")).text = ANONYMOUS
    headers = [_header(ns.WSA, "MessageID", message_id), _header(ns.WSA, "To", to), reply_to]
    headers.append(_header(ns.WSA, "Action", action))
    headers[-1].set(must, "true")
    return headers


def security_header(marker: str) -> etree._Element:
    """wsse:Security holding the placeholder of the assertion; nothing else is signed or stamped (a.1)."""
    return _header(ns.WSSE, "Security", marker)


def check_assertion(assertion: bytes) -> bytes:
    """The same bytes, once known to be one XML element that can stand inside an envelope.

    Raises CodecError: malformed, with a DOCTYPE or an XML declaration (illegal inside another document), not UTF-8.
    """
    # libxml2 would guess UTF-16 by itself; the envelope around is UTF-8.
    if assertion.startswith(b"<?") or not assertion.startswith(b"<") or b"\0" in assertion:
        raise CodecError(
            "assertion is not the bytes of one element",
            field="wsse:Security",
            found=repr(assertion[:6]),
            expected="the saml:Assertion element alone, without XML declaration, in UTF-8",
        )
    parse_xml(assertion, cap=ASSERTION_CAP, what="assertion")
    return assertion


def serialise(envelope: etree._Element, splices: list[Splice]) -> bytes:
    """UTF-8 bytes of the envelope with an XML declaration, every placeholder replaced.

    Raises CodecError when a placeholder is not found exactly once: a lost assertion must not leave unnoticed.
    """
    data = etree.tostring(envelope, encoding="UTF-8", xml_declaration=True)
    for splice in splices:
        marker = splice.marker.encode("ascii")
        if data.count(marker) != 1:
            raise CodecError(
                "placeholder lost in the envelope",
                field="soap:Envelope",
                found=f"{data.count(marker)} placeholders",
                expected="exactly one",
            )
        data = data.replace(marker, splice.content)
    return data


def _header(namespace: str, local: str, text: str = "") -> etree._Element:
    element = etree.Element(q(namespace, local), nsmap=_HEADER_NAMESPACES)
    if text:
        element.text = text
    return element

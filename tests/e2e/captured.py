"""What the simulator received, read again from the raw HTTP bodies: nothing here is parsed and written anew."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from cryptography import x509
from lxml import etree

from connector.base.ns import RIM, SAML2, SOAP12, WSA, XDSB, XOP, q

PROVIDE = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
ENTRY_UNIQUE_ID = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"
_ASSERTION = re.compile(rb"<(\w+:)?Assertion[\s>].*</\1Assertion>", re.DOTALL)


@dataclass(frozen=True)
class Captured:
    """One request: `root` and `parts` (by bare Content-ID) are slices of `body`, byte for byte.

    `client` is the certificate of the TLS connection it came by.
    """

    content_type: str
    body: bytes
    root: bytes
    parts: dict[str, bytes]
    client: x509.Certificate | None

    @property
    def assertion(self) -> bytes:
        """The one assertion of the envelope, cut out of the text."""
        (found,) = _ASSERTION.finditer(self.root)
        return found.group(0)

    @property
    def envelope(self) -> etree._Element:
        return etree.fromstring(self.root)

    def addressing(self) -> dict[str, list[etree._Element]]:
        """Headers of WS-Addressing by local name."""
        header = self.envelope.find(q(SOAP12, "Header"))
        assert header is not None
        found: dict[str, list[etree._Element]] = {}
        for element in header:
            if etree.QName(element).namespace == WSA:
                found.setdefault(etree.QName(element).localname, []).append(element)
        return found

    @property
    def action(self) -> str:
        (action,) = self.addressing()["Action"]
        return action.text or ""

    def attributes(self) -> dict[str, list[str]]:
        """Attributes of the assertion: texts, or `code^codeSystem` of a coded value."""
        found: dict[str, list[str]] = {}
        for attribute in etree.fromstring(self.assertion).iter(q(SAML2, "Attribute")):
            values = found.setdefault(str(attribute.get("Name")), [])
            for value in attribute.iterfind(q(SAML2, "AttributeValue")):
                coded = next(iter(value), None)
                text = value.text or ""
                values.append(text if coded is None else f"{coded.get('code')}^{coded.get('codeSystem')}")
        return found

    def documents(self) -> dict[str, bytes]:
        """Content of each document of an ITI-41, by its uniqueId: metadata, Document/@id, xop:Include, part."""
        body = self.envelope
        unique_ids = {
            str(entry.get("id")): str(identifier.get("value"))
            for entry in body.iter(q(RIM, "ExtrinsicObject"))
            for identifier in entry.iter(q(RIM, "ExternalIdentifier"))
            if identifier.get("identificationScheme") == ENTRY_UNIQUE_ID
        }
        found = {}
        for document in body.iter(q(XDSB, "Document")):
            (include,) = document.iter(q(XOP, "Include"))
            cid = unquote(str(include.get("href")).removeprefix("cid:"))
            found[unique_ids[str(document.get("id"))]] = self.parts[cid]
        return found


def read_captures(folder: Path) -> list[Captured]:
    """Every request under `folder`, in order of arrival."""
    return [_read(file) for file in sorted(folder.glob("*.body"))]


def _read(file: Path) -> Captured:
    body, content_type = file.read_bytes(), file.with_suffix(".content-type").read_text(encoding="utf-8")
    pem = file.with_suffix(".client.pem")
    client = x509.load_pem_x509_certificate(pem.read_bytes()) if pem.exists() else None
    boundary = re.search(r'boundary="?([^";]+)', content_type)
    if not content_type.startswith("multipart/related"):
        return Captured(content_type, body, body, {}, client)
    assert boundary is not None
    delimiter = b"--" + boundary.group(1).encode()
    first, *blocks, last = (b"\r\n" + body).split(b"\r\n" + delimiter)
    assert (first, last) == (b"", b"--\r\n")
    parts = {}
    for block in blocks:
        head, _, content = block.partition(b"\r\n\r\n")
        cid = re.search(rb"Content-ID: <([^>]+)>", head)
        assert cid is not None
        parts[cid.group(1).decode()] = content
    start = re.search(r'start="<([^>]+)>"', content_type)
    assert start is not None
    return Captured(content_type, body, parts.pop(start.group(1)), parts, client)

"""MTOM over TLS: what a document looks like on the wire, and that it comes back whole, without filling memory."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from lxml import etree

from connector.base.errors import CodecError, SoapFault
from connector.soap.mtom_write import MultipartBody
from connector.soap.parts import Attachment, xop_href
from connector.soap.transport import WireEvent
from tests.soap.kit import client, counting_uuids, echo, envelope, message_id
from tests.soap.peer import Peer, Reply, Seen, Tls

XDSB = "urn:ihe:iti:xds-b:2007"
PROVIDE = "ProvideAndRegisterDocumentSet-b"
ACTION = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"


def provide(*hrefs: str) -> etree._Element:
    root = etree.Element(f"{{{XDSB}}}ProvideAndRegisterDocumentSetRequest", nsmap={"xds": XDSB})
    for href in hrefs:
        document = etree.SubElement(root, f"{{{XDSB}}}Document")
        etree.SubElement(document, "{http://www.w3.org/2004/08/xop/include}Include", href=href)
    return root


def retrieve() -> etree._Element:
    return etree.Element(f"{{{XDSB}}}RetrieveDocumentSetRequest")


def mime(request: Seen) -> list[Message]:
    """The standard library's own reading of what arrived."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + request.body).get_payload()
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, Message)]


def test_request_is_what_the_interface_asks(tls: Tls, tmp_path: Path) -> None:
    letter = tmp_path / "letter.xml"
    letter.write_bytes(b"<ClinicalDocument/>\r\n--MIME\r\n")
    attachments = [
        Attachment("doc:1@connector", "text/xml", letter),
        Attachment("signature@connector", "application/octet-stream", b"\r\n<Signature/>\n"),
    ]
    with Peer(Reply(body=echo()), context=tls.server) as peer:
        service = client(peer, tls, "repository", uuid_factory=counting_uuids())
        service.call(PROVIDE, provide(*(a.href() for a in attachments)), attachments=attachments)
        seen = peer.seen[0]
    root, first, second = mime(seen)
    outer = Message()
    outer["Content-Type"] = seen.headers["content-type"]
    assert outer.get_content_type() == "multipart/related"
    assert outer.get_param("type") == "application/xop+xml"
    assert outer.get_param("start-info") == "application/soap+xml"
    assert outer.get_param("action") == ACTION
    assert outer.get_param("start") == root["Content-ID"].strip("<>") or outer.get_param("start") == root["Content-ID"]
    assert outer.get_param("boundary") == "MIME-00000000000000000000000000000002"
    assert root["Content-Type"] == f'application/xop+xml; charset=UTF-8; type="application/soap+xml"; action="{ACTION}"'
    assert (first["Content-ID"], first["Content-Type"]) == ("<doc:1@connector>", "text/xml")
    assert second["Content-Transfer-Encoding"] == "binary"
    assert b'href="cid:doc%3A1@connector"' in seen.body
    assert seen.body.count(letter.read_bytes() + b"\r\n--MIME-") == 1
    assert seen.body.count(b"\r\n\r\n\r\n<Signature/>\n\r\n--MIME-") == 1


def test_retrieve_can_ask_in_mtom_without_attachment(tls: Tls) -> None:
    with Peer(Reply(body=echo()), context=tls.server) as peer:
        client(peer, tls, "repository").call("RetrieveDocumentSet", retrieve(), mtom=True)
        (root,) = mime(peer.seen[0])
    assert b"RetrieveDocumentSetRequest" in root.get_payload(decode=True)


def test_answer_parts_by_encoded_href(tls: Tls) -> None:
    content = b"\r\n%PDF-1.4\r\n--uuid:1 fake\r\n%%EOF\r\n"

    def body(request: Seen) -> bytes:
        root = envelope(f'<r:RetrieveDocumentSetResponse xmlns:r="{XDSB}"/>', message_id(request))
        doc = b"--uuid:1\r\nContent-Type: text/xml\r\nContent-ID: <urn:uuid:9@x>\r\n\r\n" + content + b"\r\n"
        return doc + b"--uuid:1\r\nContent-ID: <root>\r\n\r\n" + root + b"\r\n--uuid:1--\r\n"

    kind = 'multipart/related; type="application/xop+xml"; start="<root>"; boundary="uuid:1"'
    events: list[WireEvent] = []
    with Peer(Reply(content_type=kind, body=body), context=tls.server) as peer:
        service = client(peer, tls, "repository", on_wire=events.append)
        with service.call("RetrieveDocumentSet", retrieve()) as answer:
            part = answer.part("cid:urn%3Auuid%3A9%40x")
            assert part.read() == content
            assert part.sha1 == hashlib.sha1(content).hexdigest()
            with pytest.raises(CodecError):
                answer.part("cid:absent")
        service.call("RetrieveDocumentSet", retrieve()).close()
        assert peer.connections == 1
    assert events[1].attachments == (("urn:uuid:9@x", "text/xml", len(content)),)


def test_fault_inside_multipart(tls: Tls) -> None:
    fault = (
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>XDSDocumentUniqueIdError</s:Value></s:Subcode>"
        "</s:Code><s:Reason><s:Text xml:lang='fr'>Document inconnu</s:Text></s:Reason></s:Fault>"
    )

    def body(request: Seen) -> bytes:
        return b"--b\r\nContent-ID: <r>\r\n\r\n" + envelope(fault, message_id(request)) + b"\r\n--b--"

    with (
        Peer(Reply(500, "multipart/related; boundary=b", body), context=tls.server) as peer,
        pytest.raises(SoapFault) as refused,
    ):
        client(peer, tls, "repository").call("RetrieveDocumentSet", retrieve())
    assert (refused.value.code, refused.value.subcode) == ("Sender", "XDSDocumentUniqueIdError")
    assert refused.value.text == "Document inconnu"


def test_missing_file_and_header_injection_never_leave(tls: Tls, tmp_path: Path) -> None:
    with Peer(Reply(body=echo()), context=tls.server) as peer:
        service = client(peer, tls, "repository")
        for attachment in (
            Attachment("a", "text/xml", tmp_path / "absent"),
            Attachment("a>\r\nX: y", "text/xml", b""),
            Attachment("a", "text/xml\r\nX: y", b""),
        ):
            with pytest.raises(CodecError):
                service.call(PROVIDE, provide(), attachments=[attachment])
        assert peer.seen == []


def test_length_is_exact_and_body_can_be_iterated_again(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"x" * 700_000)
    body = MultipartBody(
        b"<r/>", [Attachment("a", "a/b", file), Attachment("b", "a/b", b"")], boundary="B", action="urn:a"
    )
    once, twice = list(body), list(body)
    assert sum(map(len, once)) == len(body)
    assert once == twice
    assert max(map(len, once)) <= 256 * 1024


@pytest.mark.parametrize("change", [b"x" * 9, b"x" * 11])
def test_a_document_that_changes_while_sent_breaks_the_request(tmp_path: Path, change: bytes) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"x" * 10)
    body = MultipartBody(b"<r/>", [Attachment("a", "a/b", file)], boundary="B", action="urn:a")
    file.write_bytes(change)
    with pytest.raises(OSError, match="changed size"):
        list(body)


def test_href_is_escaped_like_a_url() -> None:
    assert xop_href("urn:uuid:1 é@x") == "cid:urn%3Auuid%3A1%20%C3%A9@x"


def test_fifty_megabytes_both_ways_in_constant_memory() -> None:
    """RSS in a process of its own: the peer runs in another, so that only the client is weighed."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.soap.weigh", "50"], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    figures = dict(line.split("=") for line in done.stdout.split())
    assert figures["sent_sha256"] == figures["received_sha256"] == figures["file_sha256"]
    assert float(figures["sent_mib"]) < 8
    assert float(figures["received_mib"]) < 8

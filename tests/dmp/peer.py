"""A scripted SOAP peer on a real socket: it answers what the test wrote, in order, and keeps what it received."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SOAP_TYPE = "application/soap+xml; charset=UTF-8"


@dataclass(frozen=True)
class Reply:
    """One scripted answer. `cut` drops the connection without a byte; `parts` makes it multipart."""

    body: str = ""
    status: int = 200
    parts: tuple[tuple[str, bytes], ...] = ()
    cut: bool = False
    date: str = ""


@dataclass
class Received:
    path: str
    content_type: str
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass
class Peer:
    url: str = ""
    script: list[Reply] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)

    def answers(self, *replies: Reply) -> None:
        self.script.extend(replies)


def envelope(body: str, relates_to: str) -> bytes:
    return (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing">'
        f"<s:Header><wsa:RelatesTo>{relates_to}</wsa:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def fault(subcode: str, text: str) -> Reply:
    return Reply(
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value xmlns:d='urn:d'>d:"
        f"{subcode}</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang='fr'>{text}</s:Text></s:Reason></s:Fault>",
        status=500,
    )


def multipart(root: bytes, parts: Sequence[tuple[str, bytes]]) -> tuple[str, bytes]:
    boundary = "b-" + hashlib.sha1(root, usedforsecurity=False).hexdigest()
    blocks = [b'Content-Type: application/xop+xml; type="application/soap+xml"\r\nContent-ID: <root>\r\n\r\n' + root]
    blocks += [
        f"Content-Type: text/xml\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <{cid}>\r\n\r\n".encode() + data
        for cid, data in parts
    ]
    delimiter = f"--{boundary}".encode()
    body = b"".join(delimiter + b"\r\n" + block + b"\r\n" for block in blocks) + delimiter + b"--\r\n"
    kind = f'multipart/related; type="application/xop+xml"; start="<root>"; boundary="{boundary}"'
    return kind, body


@contextmanager
def serving() -> Iterator[Peer]:
    peer = Peer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            peer.received.append(Received(self.path, self.headers["Content-Type"], body))
            reply = peer.script.pop(0)
            if reply.cut:
                self.close_connection = True
                return
            found = re.search(rb"MessageID[^>]*>([^<]+)<", body)
            data = envelope(reply.body, found.group(1).decode() if found else "")
            kind = SOAP_TYPE
            if reply.parts:
                kind, data = multipart(data, reply.parts)
            self.send_response_only(reply.status)
            if reply.date:
                self.send_header("Date", reply.date)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    peer.url = f"http://127.0.0.1:{server.server_address[1]}/services"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

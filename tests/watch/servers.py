"""Where notices arrive: a small SMTP server (STARTTLS or TLS, AUTH) and an HTTPS server, both on real sockets."""

from __future__ import annotations

import base64
import json
import socketserver
import ssl
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from tests.hl7_core.certificates import Pem


class MailServer:
    """`mails` as parsed; `down` answers 451 to every MAIL FROM; `tls` speaks TLS from the first byte."""

    def __init__(self, pem: Pem, *, tls: bool = False) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.down = False
        self.password = "secret"
        self.refused: set[str] = set()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem.certificate, pem.key)
        owner = self

        class Handler(_SmtpSession):
            server_of_test = owner
            tls_context = context
            tls_first = tls

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Quiet(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is no news."""


class _SmtpSession(socketserver.StreamRequestHandler):
    server_of_test: ClassVar[MailServer]
    tls_context: ClassVar[ssl.SSLContext]
    tls_first: ClassVar[bool]

    def handle(self) -> None:
        self._secure = self.tls_first
        if self.tls_first:
            self._wrap()
        self._say("220 test")
        self._known = False
        while line := self.rfile.readline():
            words = line.decode().strip()
            if not self._answer(words.split(" ", 1)[0].upper(), words):
                return

    def _answer(self, verb: str, words: str) -> bool:
        owner = self.server_of_test
        if verb == "EHLO":
            self._recipients: list[str] = []
            self._say("250-test\r\n250-AUTH PLAIN" + ("" if self._secure else "\r\n250-STARTTLS") + "\r\n250 8BITMIME")
        elif verb == "STARTTLS":
            self._say("220 go")
            self._wrap()
            self._secure = True
        elif verb == "AUTH":
            self._known = base64.b64decode(words.split()[-1]).decode().split("\0")[2] == owner.password
            self._say("235 in" if self._known else "535 no")
        elif verb == "MAIL":
            self._say("451 later" if owner.down else "250 ok" if self._known else "530 who")
        elif verb == "RCPT":
            address = words.partition("<")[2].rstrip(">")
            if address in owner.refused:
                self._say("550 unknown")
            else:
                self._recipients.append(address)
                self._say("250 ok")
        elif verb == "DATA":
            self._say("354 go")
            data = b"".join(iter(self.rfile.readline, b".\r\n"))
            owner.recipients.append(self._recipients)
            owner.mails.append(message_from_bytes(data, policy=policy.default))
            self._say("250 taken")
        elif verb == "QUIT":
            self._say("221 bye")
            return False
        else:
            self._say("250 ok")
        return True

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def _wrap(self) -> None:
        self.rfile.close()
        self.wfile.close()
        self.request = self.connection = self.tls_context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


class HookServer:
    """`received` are the JSON bodies, `raw` (headers, body); `status` is what it answers."""

    def __init__(self, pem: Pem) -> None:
        self.received: list[dict[str, Any]] = []
        self.raw: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                owner.raw.append((dict(self.headers), body))
                if owner.status < 300:
                    owner.received.append(json.loads(body))
                self.send_response(owner.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing on the test's output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem.certificate, pem.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}/alerts"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

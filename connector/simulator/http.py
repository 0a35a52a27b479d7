"""A small threading HTTPS server: TLS 1.2 of the DMP channel, keep-alive, bodies streamed to disk, silent.

One thread per connection, handshake included, so a slow client never blocks the others. `stop()` closes every open
connection and returns in well under a second. Nothing is printed: handshake failures go to `on_event`.
"""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, cast

from cryptography import x509

from connector.base.clock import Clock, utc_now
from connector.simulator.pki import PairFiles

# The LPS channel of PDT-INF-579 (dmp-interface f), in OpenSSL's spelling.
DMP_SUITES = (
    "ECDHE-RSA-AES256-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305",
)
_BLOCK = 64 * 1024
_DRAIN = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request; header names are lower case; `body` is at position 0 and closed by the server.

    `hang_up` closes the connection now, before the application has ended.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: BinaryIO
    size: int
    client_certificate: x509.Certificate | None
    hang_up: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One answer. `body` blocks add up to `length` bytes.

    `cut` closes the connection without a byte, `cut_in_headers` in the middle of a header; `cut_after` closes it after
    that many body bytes.
    """

    status: int
    content_type: str = "text/plain; charset=utf-8"
    body: Iterable[bytes] = ()
    length: int = 0
    cut: bool = False
    cut_in_headers: bool = False
    cut_after: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def simple_response(status: int, body: bytes, content_type: str = "text/plain; charset=utf-8") -> HttpResponse:
    return HttpResponse(status, content_type, (body,), len(body))


Application = Callable[[HttpRequest], HttpResponse]
EventSink = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """`body` bytes of one request; above `threshold` it lives in a file of `folder`; `idle` seconds of silence."""

    body: int
    threshold: int
    folder: Path
    idle: float = 60.0


def mutual_tls(server: PairFiles, client_ca: Path) -> ssl.SSLContext:
    """TLS 1.2 and the four suites only; a client certificate for clientAuth issued by `client_ca` is required."""
    context = plain_tls(server)
    context.set_ciphers(":".join(DMP_SUITES))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(client_ca)
    return context


def plain_tls(server: PairFiles) -> ssl.SSLContext:
    """TLS 1.2 or above without client certificate (Pro Santé Connect)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(server.certificate, server.key)
    return context


class HttpServer(socketserver.ThreadingTCPServer):
    """`HttpServer(host, port, application, limits, tls=…).start()`; `.port`; `.stop()`.

    `clock` writes the Date header, by which a client watches its own clock.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(
        self,
        host: str,
        port: int,
        application: Application,
        limits: HttpLimits,
        *,
        tls: ssl.SSLContext | None = None,
        on_event: EventSink = lambda _event, _text: None,
        clock: Clock = utc_now,
    ) -> None:
        self.application = application
        self.clock = clock
        self._closing = False
        self.limits = limits
        self.tls = tls
        self.on_event = on_event
        self._open: dict[socket.socket, threading.Thread] = {}
        self._open_lock = threading.Lock()
        self._thread: threading.Thread | None = None
        limits.folder.mkdir(parents=True, exist_ok=True)
        super().__init__((host, port), _Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def start(self) -> None:
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), name="simulator-http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Closes the listener and every connection, waits for the threads (bounded)."""
        self._closing = True
        self.shutdown()
        self.server_close()
        with self._open_lock:
            threads = list(self._open.values())
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + 0.8
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread is not None:
            self._thread.join(1.0)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Runs in the connection's thread: handshake first, then requests until the connection ends."""
        connection = cast(socket.socket, request)
        with self._open_lock:
            self._open[connection] = threading.current_thread()
        try:
            connection.settimeout(self.limits.idle)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None:
                secure = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                with self._open_lock:
                    self._open[secure] = self._open.pop(connection)
                connection = secure
                secure.do_handshake()
            if not self._closing:
                self.finish_request(connection, client_address)
        except ssl.SSLError as error:
            self.on_event("tls", error.reason or "SSL error")
        except OSError as error:
            self.on_event("connection", type(error).__name__)
        finally:
            with self._open_lock:
                self._open.pop(connection, None)
            self.shutdown_request(connection)


class _BadBody(Exception):
    """The body cannot be read: answer `status` and close."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "simulateur-dmp"
    sys_version = ""
    wbufsize = _BLOCK
    server: HttpServer

    def setup(self) -> None:
        super().setup()
        self.client_certificate: x509.Certificate | None = None
        if isinstance(self.request, ssl.SSLSocket):
            der = self.request.getpeercert(binary_form=True)
            self.client_certificate = x509.load_der_x509_certificate(der) if der else None

    def log_message(self, format: str, *args: Any) -> None:
        """The base class prints to stderr; the simulator has its own log."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        moment = self.server.clock() if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
        return format_datetime(moment.astimezone(UTC), usegmt=True)

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        limits = self.server.limits
        with tempfile.SpooledTemporaryFile(max_size=limits.threshold, dir=str(limits.folder)) as body:
            try:
                size = self._read_body(cast(BinaryIO, body), limits.body)
            except _BadBody as bad:
                self.close_connection = True
                self._send(simple_response(bad.status, bad.status.phrase.encode()))
                return
            body.seek(0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = HttpRequest(
                self.command, self.path, headers, cast(BinaryIO, body), size, self.client_certificate, self._hang_up
            )
            self._send(self.server.application(request))

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            # The other side may have left first.
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, response: HttpResponse) -> None:
        if response.cut_in_headers:
            self.wfile.write(f"HTTP/1.1 {response.status} OK\r\nContent-Type: {response.content_type[:9]}".encode())
            self.wfile.flush()
        if response.cut or response.cut_in_headers:
            self._hang_up()
            return
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(response.length))
        for name, value in response.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        left = response.length if response.cut_after is None else response.cut_after
        for block in response.body:
            self.wfile.write(block[:left])
            left -= min(left, len(block))
        self.wfile.flush()
        if response.cut_after is not None:
            self.close_connection = True

    def _read_body(self, out: BinaryIO, cap: int) -> int:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._read_chunked(out, cap)
        declared = self.headers.get("Content-Length", "0")
        if not (declared.isascii() and declared.isdigit()):
            raise _BadBody(HTTPStatus.BAD_REQUEST)
        if int(declared) > cap:
            self._drain(int(declared))
            raise _BadBody(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        self._copy(out, int(declared))
        return int(declared)

    def _read_chunked(self, out: BinaryIO, cap: int) -> int:
        total = 0
        while True:
            line = self.rfile.readline(1024)
            digits = line.split(b";")[0].strip()
            if not line.endswith(b"\n") or not digits or len(digits) > 8:
                raise _BadBody(HTTPStatus.BAD_REQUEST)
            try:
                size = int(digits, 16)
            except ValueError as error:
                raise _BadBody(HTTPStatus.BAD_REQUEST) from error
            total += size
            if size < 0 or total > cap:
                raise _BadBody(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            self._copy(out, size)
            if size == 0:
                # Trailer fields, if any, end with an empty line.
                while self.rfile.readline(8192).strip():
                    continue
                return total
            if self.rfile.readline(4).strip():
                raise _BadBody(HTTPStatus.BAD_REQUEST)

    def _drain(self, size: int) -> None:
        """Reads away a refused body, up to a bound: an answer sent over unread bytes would be lost in a reset."""
        left = min(size, _DRAIN)
        while left:
            block = self.rfile.read(min(_BLOCK, left))
            if not block:
                return
            left -= len(block)

    def _copy(self, out: BinaryIO, size: int) -> None:
        while size:
            block = self.rfile.read(min(_BLOCK, size))
            if not block:
                raise ConnectionError("body ends early")
            out.write(block)
            size -= len(block)

"""A scripted TLS peer: keeps the exact bytes of every request, answers exact bytes, cuts and waits on order."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

BLOCK = 256 * 1024


@dataclass
class Seen:
    """One request as it arrived. `body` stays empty when the peer only counts (`keep=False`)."""

    line: str
    headers: dict[str, str]
    body: bytes
    size: int
    connection: int


@dataclass
class Reply:
    """`body` is written after a status line and headers; `raw` replaces everything. Delays are in seconds."""

    status: int = 200
    content_type: str = "application/soap+xml; charset=UTF-8"
    body: bytes | Callable[[Seen], bytes] = b""
    blocks: Callable[[], Iterable[bytes]] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    raw: bytes | None = None
    delay: float = 0.0
    cut_after: int | None = None
    close: bool = False
    before_reading: bool = False


class Peer:
    """Serves `replies` in order, the last one for ever; one thread per connection."""

    def __init__(self, *replies: Reply, context: ssl.SSLContext | None, keep: bool = True) -> None:
        self.replies = list(replies)
        self.seen: list[Seen] = []
        self.connections = 0
        self._keep = keep
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._stopping = False
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._context else 'http'}://localhost:{self.port}/service"

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._accepting.join(10)
        self._listener.close()
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                connection.close()
        for thread in self._threads:
            thread.join(10)
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopping:
                connection.close()
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection, self.connections))
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket, number: int) -> None:
        connection = plain
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(plain, server_side=True)
                self._open.append(connection)
            while self._one(connection, number):
                pass
        except OSError:
            return
        finally:
            connection.close()

    def _one(self, connection: socket.socket, number: int) -> bool:
        index = min(len(self.seen), len(self.replies) - 1)
        reply = self.replies[index]
        if reply.before_reading:
            connection.recv(1)
            self._write(connection, reply, Seen("", {}, b"", 0, number))
            return False
        request = self._read(connection, number)
        if request is None:
            return False
        self.seen.append(request)
        time.sleep(reply.delay)
        self._write(connection, reply, request)
        return not (reply.close or reply.cut_after is not None)

    def _read(self, connection: socket.socket, number: int) -> Seen | None:
        data = bytearray()
        while b"\r\n\r\n" not in data:
            block = connection.recv(65536)
            if not block:
                return None
            data += block
        head, _, rest = bytes(data).partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (f.partition(":") for f in fields)}
        expected = int(headers["content-length"])
        body = bytearray(rest)
        size = len(rest)
        while size < expected:
            block = connection.recv(BLOCK)
            if not block:
                return None
            size += len(block)
            if self._keep:
                body += block
        return Seen(line, headers, bytes(body), size, number)

    def _write(self, connection: socket.socket, reply: Reply, request: Seen) -> None:
        if reply.raw is not None:
            connection.sendall(reply.raw)
            return
        body = reply.body(request) if callable(reply.body) else reply.body
        length = len(body) if reply.length is None else reply.length
        fields = {"Content-Type": reply.content_type, "Content-Length": str(length), **reply.headers}
        head = f"HTTP/1.1 {reply.status} Scripted\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items()) + "\r\n"
        data = head.encode("latin-1") + body
        connection.sendall(data if reply.cut_after is None else data[: len(head) + reply.cut_after])
        for block in reply.blocks() if reply.blocks else ():
            connection.sendall(block)


@dataclass(frozen=True)
class Tls:
    """A throw-away authority with one server and one client certificate."""

    ca: Path
    server: ssl.SSLContext
    client: ssl.SSLContext
    folder: Path

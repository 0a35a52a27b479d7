"""An audit record repository on loopback: real TLS, frames parsed by hand, connections it can cut as told."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from lxml import etree

from tests.hl7_core.certificates import Authority, Pem

_HEADER = re.compile(
    rb"<(?P<pri>\d+)>1 (?P<time>\S+) (?P<host>\S+) (?P<app>\S+) (?P<proc>\S+) (?P<msgid>\S+)"
    rb' \[meta sequenceId="(?P<sequence>\d+)"\] \xef\xbb\xbf'
)


@dataclass(frozen=True)
class Received:
    """One frame, split."""

    header: dict[str, str]
    message: etree._Element

    @property
    def number(self) -> int:
        return int(self.header["sequence"])


def parse(frame: bytes) -> Received:
    match = _HEADER.match(frame)
    assert match is not None, frame[:200]
    header = {name: value.decode("ascii") for name, value in match.groupdict().items()}
    return Received(header, etree.fromstring(frame[match.end() :]))


@dataclass
class Collector:
    """The first connections are reset, each after as many frames as `cut_after` says; the next ones live.

    Before it cuts it stops reading for `pause` seconds: what comes meanwhile is lost.
    `polite` answers an orderly end of the connection, as TLS wants it.
    """

    authority: Authority
    server: Pem
    cut_after: list[int] = field(default_factory=list)
    client_required: bool = False
    polite: bool = True
    pause: float = 0.0
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.server.certificate, self.server.key)
        if self.client_required:
            self._context.load_verify_locations(self.authority.file)
            self._context.verify_mode = ssl.CERT_REQUIRED
        self._lock = threading.Lock()
        self._stopping = False

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._stopping = False
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            self._thread.join(10)
        self._listener.close()

    def numbers(self) -> list[int]:
        """Line numbers in the order they came, repetitions included."""
        with self._lock:
            return [received.number for received in self.received]

    def _accept(self) -> None:
        while not self._stopping:
            plain, _ = self._listener.accept()
            with plain:
                self._meet(plain)

    def _meet(self, plain: socket.socket) -> None:
        if self._stopping:
            return
        self.connections += 1
        cut = self.cut_after.pop(0) if self.cut_after else None
        with contextlib.suppress(OSError):
            self._serve(plain, cut)

    def _serve(self, plain: socket.socket, cut: int | None) -> None:
        plain.settimeout(5)
        with self._context.wrap_socket(plain, server_side=True) as connection:
            connection.settimeout(0.05)
            self._read(connection, cut)

    def _read(self, connection: ssl.SSLSocket, cut: int | None) -> None:
        data, frames = b"", 0
        while not self._stopping:
            if cut is not None and frames >= cut:
                time.sleep(self.pause)
                # a reset: what the kernel still holds is lost, as when the machine dies
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            try:
                block = connection.recv(700)
            except TimeoutError:
                continue
            if not block:
                if self.polite:
                    connection.settimeout(2)
                    connection.unwrap()
                return
            data += block
            while (end := _end(data)) and end <= len(data) and (cut is None or frames < cut):
                frame, data = data[data.index(b" ") + 1 : end], data[end:]
                frames += 1
                with self._lock:
                    self.received.append(parse(frame))


def _end(data: bytes) -> int:
    """Where the first frame of `data` ends, 0 while its count has not come."""
    count, space, _ = data.partition(b" ")
    assert not count or count.isdigit(), data[:50]
    return len(count) + 1 + int(count) if space else 0

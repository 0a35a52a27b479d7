"""A far end over MLLP that counts what reached it whole, and what was cut."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections import Counter

START, END = b"\x0b", b"\x1c\r"


class FarEnd:
    """Takes `SEND n …` and `ASK n`. `stall` closed: nothing more is read of the messages that come."""

    def __init__(self) -> None:
        self.whole: Counter[int] = Counter()
        self.order: list[int] = []
        self.cut: list[int] = []
        self.begun = threading.Event()
        self.flow = threading.Event()
        self.flow.set()
        self._lock = threading.Lock()
        far = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    far._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

            def server_bind(self) -> None:
                # A small window: a long message cannot hide whole in the kernel.
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
                super().server_bind()

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.flow.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _serve(self, connection: socket.socket) -> None:
        data = bytearray()
        while True:
            block = connection.recv(8192)
            if not block:
                break
            data += block
            self.begun.set()
            self.flow.wait(60)
            if data.endswith(END):
                connection.sendall(START + self._answer(bytes(data)) + END)
                data.clear()
        if data:
            with self._lock:
                self.cut.append(_number(bytes(data)))

    def _answer(self, message: bytes) -> bytes:
        number = _number(message)
        with self._lock:
            if message.startswith(START + b"ASK"):
                return b"YES" if self.whole[number] else b"NO"
            self.whole[number] += 1
            self.order.append(number)
            return b"OK"


def _number(message: bytes) -> int:
    return int(message.split(b" ", 2)[1].rstrip(END))

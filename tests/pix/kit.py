"""What the PIX tests share: the official test patient, a scripted MLLP peer, answers written by hand."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from connector.pix.config import PixConfig
from connector.pix.model import Domain

NOW = datetime(2026, 11, 21, 20, 30, 0, tzinfo=UTC)
INS = "279035121518989"
INS_OID = "1.2.250.1.213.1.4.10"
LOCAL = Domain("CHU-X", "000897406", "N")
LOCAL_OID = "1.2.250.1.999.1"
INS_DOMAIN = Domain("", INS_OID, "ISO")
SENDER, RECEIVER = "1.2.250.1.999.2", "1.2.250.1.999.3"


def counting_uuids() -> Callable[[], uuid.UUID]:
    numbers: Iterator[int] = iter(range(1, 1 << 20))
    return lambda: uuid.UUID(int=next(numbers))


def v2_config(port: int = 1, **changes: Any) -> PixConfig:
    values: dict[str, Any] = {"host": "127.0.0.1", "port": port, "timeout": 3.0, "ins_domain": INS_OID}
    return PixConfig("v2", **(values | changes))


def v3_config(url: str = "https://localhost/", **changes: Any) -> PixConfig:
    values: dict[str, Any] = {
        "url": url,
        "timeout": 3.0,
        "ins_domain": INS_OID,
        "sender_oid": SENDER,
        "receiver_oid": RECEIVER,
        "local_oids": {"CHU-X": LOCAL_OID},
    }
    return PixConfig("v3", **(values | changes))


class MllpPeer:
    """Answers every framed message with `reply(message)`; None closes the connection instead."""

    def __init__(self, reply: Callable[[bytes], bytes | None]) -> None:
        self.reply = reply
        self.seen: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._run)
        self._stopping = False
        self._thread.start()

    def __enter__(self) -> MllpPeer:
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        with socket.create_connection(("127.0.0.1", self.port)):
            self._thread.join(10)
        self._listener.close()

    def _run(self) -> None:
        while not self._stopping:
            connection, _ = self._listener.accept()
            with connection:
                connection.settimeout(5)
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        data = bytearray()
        while not self._stopping:
            try:
                block = connection.recv(65536)
            except OSError:
                return
            if not block:
                return
            data += block
            while b"\x1c\r" in data:
                message, _, rest = bytes(data).partition(b"\x1c\r")
                data = bytearray(rest)
                self.seen.append(message.removeprefix(b"\x0b"))
                answer = self.reply(self.seen[-1])
                if answer is None:
                    return
                connection.sendall(b"\x0b" + answer + b"\x1c\r")

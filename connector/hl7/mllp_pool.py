"""Several MLLP connections to one far end, for callers in several threads."""

from __future__ import annotations

import ssl
from queue import Empty, LifoQueue

from connector.hl7.mllp_client import MllpClient


class MllpPool:
    """At most `size` connections, opened when needed; the last used goes first, so that a quiet hour keeps one busy."""

    def __init__(self, host: str, port: int, timeout: float, tls: ssl.SSLContext | None = None, *, size: int) -> None:
        self._idle: LifoQueue[MllpClient] = LifoQueue()
        for _ in range(size):
            self._idle.put(MllpClient(host, port, timeout, tls))

    def exchange(self, raw: bytes) -> bytes:
        """The reply to `raw`, as `MllpClient.exchange`; waits its turn while all connections are taken."""
        client = self._idle.get()
        try:
            return client.exchange(raw)
        finally:
            self._idle.put(client)

    def close(self) -> None:
        """Closes the connections nobody uses just now; the next exchange opens a new one."""
        idle: list[MllpClient] = []
        try:
            while True:
                idle.append(self._idle.get_nowait())
        except Empty:
            for client in idle:
                client.close()
                self._idle.put(client)

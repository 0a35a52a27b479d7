"""A blocking MLLP client for worker threads: one persistent connection, one exchange at a time."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from types import TracebackType
from typing import Self

from connector.base import guard
from connector.base.errors import TransportError
from connector.hl7.framing import Framer, FramingStats, Oversized, frame


class MllpClient:
    """Sends a message and waits for its reply, reconnecting when the far end closed an idle connection.

    `timeout` (seconds) bounds a whole exchange, connection included. Thread safe: exchanges take turns.
    """

    def __init__(
        self,
        host: str,
        port: int,
        timeout: float = 30.0,
        tls: ssl.SSLContext | None = None,
        *,
        max_reply: int = 16 * 1024 * 1024,
    ) -> None:
        self._address = (host, port)
        self._timeout = timeout
        self._tls = tls
        self._max_reply = max_reply
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def exchange(self, raw: bytes) -> bytes:
        """The reply to `raw`, both without frames.

        Raises TransportError: `sent` is False only when no byte of `raw` can have reached the far end; True on a
        timeout, a cut or an unreadable reply after that. Raises CodecError when `raw` holds FS CR, and
        FenceLost when the guard forbids the next piece.
        """
        data = memoryview(frame(raw))
        with self._lock:
            deadline = time.monotonic() + self._timeout
            fresh = self._ready(deadline)
            try:
                try:
                    self._send(data, deadline)
                except TransportError as error:
                    if fresh or error.sent:
                        raise
                    # The idle connection died unnoticed and took nothing: once more, on a new one.
                    self._drop()
                    self._ready(deadline)
                    self._send(data, deadline)
                return self._receive(deadline)
            except BaseException:
                # A late reply must never be taken for the answer to the next message, nor half a message precede it.
                self._drop()
                raise

    def close(self) -> None:
        """Closes the connection; the next exchange opens a new one."""
        with self._lock:
            self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ready(self, deadline: float) -> bool:
        """Makes sure there is a connection; True when it is a new one."""
        if self._socket is not None and _is_quiet(self._socket):
            return False
        self._drop()
        try:
            plain = socket.create_connection(self._address, timeout=self._left(deadline, sent=False))
        except OSError as error:
            raise self._failure("cannot connect", error, sent=False) from error
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = self._tls.wrap_socket(plain, server_hostname=self._address[0]) if self._tls else plain
        except OSError as error:
            plain.close()
            raise self._failure("TLS refused", error, sent=False) from error
        return True

    def _send(self, data: memoryview, deadline: float) -> None:
        connection = self._connected()
        done = 0
        while done < len(data):
            try:
                connection.settimeout(self._left(deadline, sent=done > 0))
                size = guard.may_leave(connection, len(data) - done)
                done += connection.send(data[done : done + min(size, guard.CHUNK)])
            except OSError as error:
                raise self._failure("connection broken while sending", error, sent=done > 0) from error

    def _receive(self, deadline: float) -> bytes:
        connection = self._connected()
        framer = Framer(self._max_reply, FramingStats())
        while True:
            try:
                connection.settimeout(self._left(deadline, sent=True))
                data = connection.recv(256 * 1024)
            except OSError as error:
                raise self._failure("no reply", error, sent=True) from error
            if not data:
                raise self._failure("connection closed before the reply", None, sent=True)
            framer.feed(data)
            reply = framer.next()
            if isinstance(reply, Oversized):
                raise self._failure("reply too large", None, sent=True)
            if reply is not None:
                if framer.buffered:
                    # more than the answer came: what follows on this connection could be anybody's
                    self._drop()
                return reply

    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise self._failure("not connected", None, sent=False)
        return self._socket

    def _left(self, deadline: float, *, sent: bool) -> float:
        left = deadline - time.monotonic()
        if left <= 0:
            raise self._failure("time is up", None, sent=sent)
        return left

    def _failure(self, cause: str, error: OSError | None, *, sent: bool) -> TransportError:
        host, port = self._address
        detail = f": {type(error).__name__}" if error is not None else ""
        return TransportError(f"MLLP {host}:{port}: {cause}{detail}", sent=sent, host=host, port=port, cause=cause)

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _is_quiet(connection: socket.socket) -> bool:
    """False when something waits to be read: end of stream, or a reply nobody asked for."""
    try:
        # A real read: with TLS a readable socket may only hold a session ticket.
        connection.settimeout(0)
        connection.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False
    return False

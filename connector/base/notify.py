"""What a service tells its manager: the datagrams of sd_notify(3), without its library.

Nothing is sent when NOTIFY_SOCKET is not set; a manager that does not listen never stops the work.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import Final

_PATIENCE: Final = 0.5
"""Seconds a full socket may hold the caller up."""


class Notifier:
    """Sends to `address`: a path, or "@name" in the abstract namespace; "" sends nothing."""

    def __init__(self, address: str = "", *, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._monotonic_ns = monotonic_ns

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Notifier:
        """The manager named by NOTIFY_SOCKET."""
        return cls(environment.get("NOTIFY_SOCKET", ""))

    def ready(self, status: str) -> bool:
        """Start, or reload, is over."""
        return self._send(READY="1", STATUS=status)

    def reloading(self) -> bool:
        """Settings are being read again; `ready` ends it. The time lets the manager tell this reload from a former."""
        return self._send(RELOADING="1", MONOTONIC_USEC=str(self._monotonic_ns() // 1000))

    def stopping(self, status: str) -> bool:
        return self._send(STOPPING="1", STATUS=status)

    def status(self, text: str) -> bool:
        """One line for `systemctl status`."""
        return self._send(STATUS=text)

    def alive(self) -> bool:
        """Puts the watchdog off until its next term."""
        return self._send(WATCHDOG="1")

    def _send(self, **facts: str) -> bool:
        """True when the manager took it."""
        if not self._address:
            return False
        lines = "\n".join(f"{name}={' '.join(value.splitlines())}" for name, value in facts.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(_PATIENCE)
                sender.connect(self._address)
                sender.sendall(lines.encode())
        except OSError:
            return False
        return True


def watchdog_seconds(environment: Mapping[str, str] = os.environ, pid: int | None = None) -> float:
    """Seconds after which a silent process is killed (WATCHDOG_USEC), 0 when nobody watches this one."""
    watched = environment.get("WATCHDOG_PID", "")
    if watched and watched != str(os.getpid() if pid is None else pid):
        return 0.0
    try:
        return max(int(environment.get("WATCHDOG_USEC", "0")), 0) / 1_000_000
    except ValueError:
        return 0.0

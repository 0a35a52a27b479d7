"""Whoever works for a delivery may lose it to another worker; from then on not one byte of it may leave.

The engine sets a check around each handler (`guarded`), the transports call it before each request and between the
chunks of a body (`check`): a process stopped beyond its lease and resumed never completes a request.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

CHUNK: Final = 256 * 1024
"""Bytes between two checks, at most."""
_LAST: Final = 16 * 1024
"""Bytes a socket ready for writing takes at once: the end of a request leaves whole, right after its check."""

_check: ContextVar[Callable[[], None] | None] = ContextVar("guard_check", default=None)


class FenceLost(BaseException):
    """Another worker owns the delivery by now, or may: stop, send nothing more, record no outcome.

    Not an Exception, like asyncio.CancelledError: nobody who deals with failures may take it for one.
    """

    def __init__(self, message: str, **context: Any) -> None:
        super().__init__(message)
        self.message = message
        self.context: dict[str, Any] = context


@contextmanager
def guarded(check: Callable[[], None]) -> Iterator[None]:
    """Within the block, in this thread, `check` is asked before anything leaves; it raises FenceLost to forbid it."""
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


def check() -> None:
    """To call right before bytes leave. Raises FenceLost; does nothing outside a guarded block."""
    current = _check.get()
    if current is not None:
        current()


def may_leave(connection: socket.socket, left: int) -> int:
    """How many of the `left` bytes of a request may be given to `connection` now.

    Waits for the socket first (its own timeout, TimeoutError): a far end that reads slowly must not make the last
    bytes wait behind their check. Raises FenceLost.
    """
    if _check.get() is None:
        return left
    timeout = connection.gettimeout()
    poll = select.poll()
    poll.register(connection, select.POLLOUT)
    if not poll.poll(None if timeout is None else timeout * 1000):
        raise TimeoutError("timed out")
    check()
    return left if left <= _LAST else min(CHUNK, left - _LAST)

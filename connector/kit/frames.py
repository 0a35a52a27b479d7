"""What goes through the pipes between the daemon and a worker: 4 bytes of length, big-endian, then that many bytes."""

from __future__ import annotations

import os
import select
import struct
import time
from typing import Final

_LENGTH: Final = struct.Struct(">I")
_BLOCK: Final = 1 << 16


class PipeClosed(Exception):
    """The other process is gone."""


class PipeLate(Exception):
    """The other process did not answer, or read, in time."""


def send(fd: int, payload: bytes, deadline: float | None = None) -> None:
    """Writes one frame. `deadline` is in time.monotonic() seconds and needs a non-blocking `fd`.

    Raises PipeClosed, PipeLate.
    """
    left = memoryview(_LENGTH.pack(len(payload)) + payload)
    while left:
        _wait(fd, select.POLLOUT, deadline)
        try:
            left = left[os.write(fd, left[:_BLOCK]) :]
        except BlockingIOError:
            continue
        except OSError as error:
            raise PipeClosed from error


def receive(fd: int, deadline: float | None = None) -> bytes:
    """Reads one frame. Raises PipeClosed at the end of the pipe, PipeLate."""
    return _exactly(fd, _LENGTH.unpack(_exactly(fd, _LENGTH.size, deadline))[0], deadline)


def _exactly(fd: int, count: int, deadline: float | None) -> bytes:
    found = bytearray()
    while len(found) < count:
        _wait(fd, select.POLLIN, deadline)
        try:
            block = os.read(fd, min(_BLOCK, count - len(found)))
        except BlockingIOError:
            continue
        except OSError as error:
            raise PipeClosed from error
        if not block:
            raise PipeClosed
        found += block
    return bytes(found)


def _wait(fd: int, event: int, deadline: float | None) -> None:
    if deadline is None:
        return
    poll = select.poll()
    poll.register(fd, event)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise PipeLate

"""MLLP frames out of a byte stream (hl7v2-interface §1.1, stack.md §6). Pure: bytes in, frames out.

A frame is VT, message, FS CR. FS alone is data. Bytes outside frames are garbage, counted and skipped, except the
blanks some senders add. A second `VT MSH` inside a frame means the first one was cut: reading restarts there.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.base.errors import CodecError

VT = b"\x0b"
END = b"\x1c\r"
HEAD = 4096
"""Bytes kept of a frame above the limit: enough to answer its MSH."""

_RESTART = b"\x0bMSH"
_BLANKS = b"\r\n \t\x00\x1c"


@dataclass(frozen=True, slots=True)
class Oversized:
    """A frame above the limit: its first bytes only, the rest was read and thrown away."""

    head: bytes


@dataclass(slots=True)
class FramingStats:
    """What was skipped: runs of bytes outside frames, frames cut by the next one, frames above the limit."""

    garbage_bytes: int = 0
    garbage_runs: int = 0
    cut_frames: int = 0
    oversized_frames: int = 0


def frame(message: bytes) -> bytes:
    """`message` between VT and FS CR. Raises CodecError when it holds FS CR: it would end early at the far end."""
    if END in message:
        raise CodecError("message cannot be framed", field="message", found="FS CR inside", expected="no FS CR")
    return b"\x0b%b\x1c\r" % message


class Framer:
    """Incremental reader: `feed` bytes, then `next` until it gives None. Linear, and never above one frame limit.

    `buffered` is the number of bytes held, `partial` is True while a begun frame waits for its end.
    """

    __slots__ = ("_buffer", "_discarding", "_head", "_max_frame", "_scanned", "_start", "stats")

    def __init__(self, max_frame: int, stats: FramingStats) -> None:
        self._max_frame = max_frame
        self._buffer = bytearray()
        self._start = 0  # first unread byte of the buffer
        self._scanned = 0  # no END starts before this offset
        self._discarding = False
        self._head = b""
        self.stats = stats

    @property
    def buffered(self) -> int:
        return len(self._buffer) - self._start

    @property
    def partial(self) -> bool:
        return self._discarding or self.buffered > 0

    def feed(self, data: bytes) -> None:
        """Adds received bytes."""
        self._buffer += data

    def next(self) -> bytes | Oversized | None:
        """The next whole frame without its marks, or an Oversized, or None when more bytes are needed."""
        if self._discarding:
            return self._discard()
        if not self._find_start():
            return None
        buffer, start = self._buffer, self._start
        end = buffer.find(END, max(self._scanned, start + 1))
        if end < 0:
            self._scanned = max(len(buffer) - 1, start + 1)
            # VT, the message, and perhaps the first half of the end mark.
            if len(buffer) - start > self._max_frame + 2:
                return self._begin_discard()
            self._drop_read()
            return None
        self._start = self._scanned = end + 2
        if end - start - 1 > self._max_frame:
            self.stats.oversized_frames += 1
            return Oversized(bytes(buffer[start + 1 : start + 1 + HEAD]))
        found = bytes(memoryview(buffer)[start + 1 : end])
        if self._start == len(buffer):
            self._clear()
        return self._without_cut(found)

    def _find_start(self) -> bool:
        """Moves to the next VT, counting what is skipped. False when there is none yet."""
        buffer, start = self._buffer, self._start
        if start < len(buffer) and buffer[start] == 0x0B:
            return True
        begin = buffer.find(VT, start)
        skipped = bytes(buffer[start:] if begin < 0 else buffer[start:begin])
        if skipped.strip(_BLANKS):
            self.stats.garbage_bytes += len(skipped)
            self.stats.garbage_runs += 1
        if begin < 0:
            self._clear()
            return False
        self._start = begin
        return True

    def _without_cut(self, found: bytes) -> bytes:
        """A frame freed from doubled VT and from a cut frame before it."""
        if VT not in found:
            return found
        restart = found.rfind(_RESTART)
        if restart >= 0:
            if found[:restart].strip(VT):
                self.stats.cut_frames += 1
            return found[restart + 1 :]
        return found.lstrip(VT)

    def _begin_discard(self) -> Oversized | None:
        self.stats.oversized_frames += 1
        self._head = bytes(self._buffer[self._start + 1 : self._start + 1 + HEAD])
        self._discarding = True
        return self._discard()

    def _discard(self) -> Oversized | None:
        """Throws bytes away up to the end of the frame, keeping one byte in case it is half of the end mark."""
        buffer = self._buffer
        end = buffer.find(END, self._start)
        if end < 0:
            last = buffer[-1:]
            self._clear()
            if last == b"\x1c":
                self._buffer += last
            return None
        self._start = self._scanned = end + 2
        self._discarding = False
        head, self._head = self._head, b""
        return Oversized(head)

    def _drop_read(self) -> None:
        """Forgets bytes already given out, so the buffer holds the current frame only."""
        if self._start:
            del self._buffer[: self._start]
            self._scanned = max(self._scanned - self._start, 0)
            self._start = 0

    def _clear(self) -> None:
        self._buffer.clear()
        self._start = self._scanned = 0

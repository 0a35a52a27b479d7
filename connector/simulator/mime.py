"""multipart/related read from a stream, part after part, each byte kept (CRLF tails and look-alike boundaries too).

The simulator's own reader: it shares nothing with the client's (design rule 10). RFC 2046 §5.1.1, RFC 2387.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import BinaryIO

from connector.base.errors import CodecError, LimitError

_BLOCK = 64 * 1024
_HEADER_CAP = 16 * 1024
_MAX_PARTS = 200
_BINARY = frozenset({"", "binary", "8bit", "7bit"})


@dataclass(frozen=True, slots=True)
class MimePart:
    """One part on disk. `cid` has no angle brackets, "" when the part has no Content-ID."""

    cid: str
    content_type: str
    path: Path
    size: int
    sha1: str


def media_type(value: str) -> tuple[str, dict[str, str]]:
    """`type/subtype` in lower case and its parameters (names in lower case, values unquoted)."""
    message = Message()
    message["Content-Type"] = value
    parameters = {name.lower(): text for name, text in message.get_params(failobj=[])[1:]}
    return message.get_content_type(), parameters


def read_parts(stream: BinaryIO, boundary: str, folder: Path, *, part_cap: int) -> list[MimePart]:
    """Every part of the body, written under `folder` as `part-<n>`.

    Raises CodecError (no delimiter, missing closing delimiter, encoded part, two parts with one Content-ID) and
    LimitError (a part above `part_cap` bytes, too many parts or headers).
    """
    parts: list[MimePart] = []
    reader = _Reader(stream, boundary)
    reader.skip_preamble()
    while reader.next_part():
        if len(parts) == _MAX_PARTS:
            raise LimitError(
                "too many MIME parts", field="multipart", found=f"more than {_MAX_PARTS}", limit=_MAX_PARTS
            )
        headers = BytesHeaderParser().parsebytes(reader.headers())
        encoding = str(headers.get("Content-Transfer-Encoding", "")).strip().lower()
        if encoding not in _BINARY:
            raise CodecError("encoded MIME part", field="Content-Transfer-Encoding", found=encoding, expected="binary")
        path = folder / f"part-{len(parts)}"
        digest, size = hashlib.sha1(usedforsecurity=False), 0
        with path.open("wb") as file:
            for block in reader.content():
                size += len(block)
                if size > part_cap:
                    raise LimitError("MIME part too large", field="part", found=f"over {part_cap}", limit=part_cap)
                digest.update(block)
                file.write(block)
        cid = str(headers.get("Content-ID", "")).strip().removeprefix("<").removesuffix(">")
        if cid and any(part.cid == cid for part in parts):
            raise CodecError("Content-ID used twice", field="Content-ID", found="duplicate", expected="unique")
        parts.append(MimePart(cid, str(headers.get("Content-Type", "")), path, size, digest.hexdigest()))
    return parts


class _Reader:
    """A window over the stream; a delimiter is CRLF + `--boundary` + blanks + CRLF, or closing `--`."""

    def __init__(self, stream: BinaryIO, boundary: str) -> None:
        self._stream = stream
        # A CRLF put in front lets the very first delimiter look like the others.
        self._window = b"\r\n"
        self._delimiter = b"\r\n--" + boundary.encode("ascii", "replace")
        self._closed = False
        self._ended = False

    def skip_preamble(self) -> None:
        for _block in self.content():
            continue

    def next_part(self) -> bool:
        return not self._closed

    def headers(self) -> bytes:
        # The delimiter's own CRLF was left in the window: a part may have no header at all.
        while (end := self._window.find(b"\r\n\r\n")) < 0:
            if len(self._window) > _HEADER_CAP:
                raise LimitError("MIME headers too large", field="part", found="headers", limit=_HEADER_CAP)
            if not self._more():
                raise _truncated()
        head, self._window = self._window[2 : end + 4], self._window[end + 4 :]
        return head

    def content(self) -> Iterator[bytes]:
        """Bytes up to the next real delimiter, which is consumed; only its trailing CRLF stays."""
        keep = len(self._delimiter)
        while True:
            at = self._window.find(self._delimiter)
            if at < 0:
                if len(self._window) > keep:
                    yield self._window[:-keep]
                    self._window = self._window[-keep:]
                if not self._more():
                    raise _truncated()
                continue
            kind = self._classify(at + keep)
            if kind == "content":
                yield self._window[: at + 2]
                self._window = self._window[at + 2 :]
                continue
            if at:
                yield self._window[:at]
            after = self._window[at + keep :]
            self._closed = kind == "close"
            self._window = after if self._closed else after[after.find(b"\r\n") :]
            return

    def _classify(self, start: int) -> str:
        """'part', 'close' or 'content' (a longer line that only begins like the delimiter)."""
        while True:
            tail = self._window[start : start + 256]
            if tail.startswith(b"--"):
                return "close"
            line, found, _rest = tail.partition(b"\r\n")
            if found:
                return "part" if not line.strip(b" \t") else "content"
            if line.strip(b" \t\r-") or len(tail) >= 256:
                return "content"
            if not self._more():
                raise _truncated()

    def _more(self) -> bool:
        if self._ended:
            return False
        block = self._stream.read(_BLOCK)
        self._ended = not block
        self._window += block
        return bool(block)


def _truncated() -> CodecError:
    return CodecError(
        "multipart body ends early", field="multipart", found="end of stream", expected="closing delimiter"
    )

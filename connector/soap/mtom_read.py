"""MTOM in: a streaming multipart/related splitter.

zeep's own reader strips CR and LF at both ends of binary parts, takes the first part as root whatever `start` says
and holds the document seven times in memory (stack.md §1): this one does none of it. Rules from RFC 2046 §5.1.1
(delimiter lines), RFC 2387 (`start`), RFC 2392 (cid).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from urllib.parse import unquote

from connector.soap.errors import AnswerTooLarge, UnreadableAnswer
from connector.soap.limits import SoapLimits
from connector.soap.parts import Part, Spool

_DELIMITER_END = re.compile(rb"(--)?[ \t]*(\r\n|\Z)")
_PADDING_CAP = 256
_PLAIN_ENCODINGS = frozenset({"", "binary", "8bit", "7bit"})


@dataclass(slots=True)
class Multipart:
    """A split answer: the bytes of the root part, the other parts by bare Content-ID."""

    root: bytes = b""
    parts: dict[str, Part] = field(default_factory=dict)

    def delete(self) -> None:
        for part in self.parts.values():
            part.delete()


def bare_cid(value: str) -> str:
    """Content-ID as a dictionary key: no brackets, no `cid:`, percent escapes decoded (dmp-interface a.9)."""
    text = value.strip()
    if text[:4].lower() == "cid:":
        text = text[4:]
    return unquote(text.strip("<>"))


def parameters(content_type: str) -> dict[str, str]:
    """Lower-case parameters of a Content-Type, unquoted; the media type itself is under the key ""."""
    message = Message()
    message["Content-Type"] = content_type.replace("\r", " ").replace("\n", " ")
    pairs = message.get_params(failobj=[])
    found = {str(name).lower(): str(value) for name, value in pairs[1:]}
    found[""] = message.get_content_type()
    return found


def read_multipart(blocks: Iterable[bytes], content_type: str, limits: SoapLimits) -> Multipart:
    """Splits a multipart/related stream; the epilogue is read to the end so that the connection can be kept.

    Raises UnreadableAnswer (no boundary, cut before the closing delimiter, no root part, a transfer encoding that is
    not an identity) and AnswerTooLarge. Nothing spooled is left behind by an error.
    """
    given = parameters(content_type)
    boundary = given.get("boundary", "")
    if not boundary:
        raise UnreadableAnswer("multipart answer without boundary", field="Content-Type", found="", expected="boundary")
    splitter = _Splitter(blocks, boundary.encode("latin-1", "replace"), limits)
    answer = Multipart()
    try:
        _collect(splitter, bare_cid(given["start"]) if given.get("start") else None, limits, answer)
    except BaseException:
        answer.delete()
        raise
    return answer


def _collect(splitter: _Splitter, start: str | None, limits: SoapLimits, answer: Multipart) -> None:
    root_seen = False
    count = 0
    while splitter.next_part():
        count += 1
        if count > limits.parts:
            raise _too_large("number of parts", count, limits.parts)
        headers = splitter.headers()
        cid = bare_cid(headers.get("content-id", ""))
        encoding = headers.get("content-transfer-encoding", "").lower()
        if encoding not in _PLAIN_ENCODINGS:
            raise UnreadableAnswer(
                "part in an encoding MTOM does not use",
                field="Content-Transfer-Encoding",
                found=encoding[:40],
                expected="binary",
            )
        # Without `start`, RFC 2387 says the first part is the root.
        if not root_seen and (cid == start if start is not None else count == 1):
            root_seen = True
            answer.root = b"".join(splitter.content(limits.root, "root part"))
            continue
        spool = Spool(limits.spool_threshold, limits.spool_folder)
        try:
            for block in splitter.content(limits.part, "part"):
                spool.write(block)
        except BaseException:
            spool.abandon()
            raise
        if (key := cid or f"part-{count}") in answer.parts:
            spool.abandon()
            raise UnreadableAnswer("two parts of one name", field="Content-ID", found="twice", expected="unique")
        answer.parts[key] = spool.finish(key, headers.get("content-type", "application/octet-stream"))
    if not root_seen:
        raise UnreadableAnswer("root part missing", field="start", found=f"{count} parts", expected="the part it names")


class _Splitter:
    """Walks a byte stream delimiter by delimiter, holding one block at most."""

    def __init__(self, blocks: Iterable[bytes], boundary: bytes, limits: SoapLimits) -> None:
        self._blocks = iter(blocks)
        self._delimiter = b"\r\n--" + boundary
        # The very first delimiter has no line before it: lend it one.
        self._buffer = bytearray(b"\r\n")
        self._limits = limits
        self._total = 0
        self._preamble = True
        self._closed = False

    def next_part(self) -> bool:
        """Moves to the next part (past the preamble the first time); False after the closing delimiter."""
        if self._preamble:
            self._preamble = False
            for _ in self.content(self._limits.part_headers, "preamble"):
                pass
        if self._closed:
            self._buffer.clear()
            while self._fill():
                self._buffer.clear()
        return not self._closed

    def headers(self) -> dict[str, str]:
        """MIME headers of the part just reached, names in lower case, values unfolded."""
        while (end := self._header_end()) is None:
            if len(self._buffer) > self._limits.part_headers:
                raise _too_large("part headers", len(self._buffer), self._limits.part_headers)
            self._need()
        block = bytes(self._buffer[:end])
        if len(block) > self._limits.part_headers:
            raise _too_large("part headers", len(block), self._limits.part_headers)
        del self._buffer[:end]
        found: dict[str, str] = {}
        for line in re.sub(rb"\r\n[ \t]+", b" ", block).split(b"\r\n"):
            name, colon, value = line.decode("latin-1").partition(":")
            if colon:
                found[name.strip().lower()] = value.strip()
        return found

    def content(self, cap: int, what: str) -> Iterator[bytes]:
        """Blocks up to the next true delimiter, which is consumed; CR and LF of the content are kept."""
        size = 0
        keep = len(self._delimiter) - 1
        while True:
            at = self._buffer.find(self._delimiter)
            if at >= 0 and (end := self._delimiter_end(at)) is not None:
                take, done = at, True
            elif at >= 0:
                # Resembles the boundary but the line goes on: content; a true one starts 2 bytes later at best.
                take, done = at + 2, False
            else:
                take, done = max(0, len(self._buffer) - keep), False
            size += take
            if size > cap:
                raise _too_large(what, size, cap)
            if take:
                with memoryview(self._buffer) as view:
                    block = bytes(view[:take])
                yield block
            if done:
                assert end is not None
                del self._buffer[:end]
                return
            del self._buffer[:take]
            if at < 0:
                self._need()

    def _delimiter_end(self, at: int) -> int | None:
        """Index after the delimiter line that starts at `at`, None when it is only content that resembles one."""
        after = at + len(self._delimiter)
        while True:
            line = bytes(self._buffer[after : after + _PADDING_CAP])
            complete = b"\r\n" in line or len(line) == _PADDING_CAP or line.strip(b"-\r \t") != b""
            if complete or not self._fill():
                break
        match = _DELIMITER_END.match(line)
        if match is None or (match.group(2) == b"" and match.group(1) is None):
            return None
        self._closed = match.group(1) is not None
        return after + match.end()

    def _header_end(self) -> int | None:
        if self._buffer.startswith(b"\r\n"):
            return 2
        at = self._buffer.find(b"\r\n\r\n")
        return None if at < 0 else at + 4

    def _need(self) -> None:
        if not self._fill():
            raise UnreadableAnswer(
                "multipart answer cut before its closing delimiter",
                field="multipart",
                found=f"{self._total} bytes",
                expected="a closing delimiter",
            )

    def _fill(self) -> bool:
        block = next((b for b in self._blocks if b), b"")
        self._total += len(block)
        if self._total > self._limits.total:
            raise _too_large("answer", self._total, self._limits.total)
        self._buffer += block
        return bool(block)


def _too_large(what: str, found: int, limit: int) -> AnswerTooLarge:
    return AnswerTooLarge(
        f"{what} above its limit", field=what, found=str(found), expected=f"at most {limit}", limit=limit
    )

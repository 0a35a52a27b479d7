"""MTOM out: a multipart/related body of known length, produced block by block (dmp-interface a.7, ihe-rules D-52)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.base.errors import CodecError
from connector.soap.parts import Attachment

CRLF = b"\r\n"


class MultipartBody:
    """A sized iterable: `len()` is the exact Content-Length, iterating never holds more than one block of a document.

    The root part comes first and is named by `start`. It can be iterated again: files are reopened each time.
    """

    def __init__(self, root: bytes, attachments: Sequence[Attachment], *, boundary: str, action: str) -> None:
        self._boundary = boundary
        self._action = action
        self._root_cid = f"root.{boundary}@connector"
        root_type = f'application/xop+xml; charset=UTF-8; type="application/soap+xml"; action="{action}"'
        self._root = self._head(self._root_cid, root_type) + root
        self._parts = [(self._head(a.cid, a.content_type), a, a.size()) for a in attachments]
        self._end = CRLF + b"--" + boundary.encode("ascii") + b"--" + CRLF

    @property
    def content_type(self) -> str:
        return (
            f'multipart/related; type="application/xop+xml"; start="<{self._root_cid}>"; '
            f'start-info="application/soap+xml"; boundary="{self._boundary}"; action="{self._action}"'
        )

    def __len__(self) -> int:
        parts = sum(len(CRLF) + len(head) + size for head, _, size in self._parts)
        return len(self._root) + parts + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        yield self._root
        for head, attachment, size in self._parts:
            yield CRLF + head
            yield from attachment.blocks(size)
        yield self._end

    def _head(self, cid: str, content_type: str) -> bytes:
        for field, value in (("Content-ID", cid), ("Content-Type", content_type), ("action", self._action)):
            # A line break here would let a caller's value write MIME headers of its own.
            if not value.isascii() or not value.isprintable() or (field != "Content-Type" and set(value) & set('<>" ')):
                raise CodecError(
                    f"{field} cannot be written in a MIME header",
                    field=field,
                    found=repr(value),
                    expected="printable ASCII",
                )
        head = (
            f"--{self._boundary}\r\nContent-Type: {content_type}\r\n"
            f"Content-Transfer-Encoding: binary\r\nContent-ID: <{cid}>\r\n\r\n"
        )
        return head.encode("ascii")

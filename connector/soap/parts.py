"""Attachments out and parts in: documents as bytes or files, never base64, never whole in memory above a threshold."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from connector.base.errors import ConnectorError
from connector.soap.limits import BLOCK


@dataclass(frozen=True, slots=True, repr=False)
class Attachment:
    """A document to send as a binary MIME part; `source` is its bytes or the file that holds them.

    `cid` is the bare Content-ID, without `cid:` nor angle brackets: `href()` is what xop:Include wants.
    """

    cid: str
    content_type: str
    source: bytes | Path

    def href(self) -> str:
        return xop_href(self.cid)

    def size(self) -> int:
        """Bytes to come. Raises OSError when the file is gone."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    def blocks(self, expected: int) -> Iterator[bytes]:
        """The content in blocks of 256 KiB; raises OSError when the file is no longer `expected` bytes long."""
        if isinstance(self.source, bytes):
            yield self.source
            return
        left = expected
        with self.source.open("rb") as file:
            while block := file.read(min(BLOCK, left) or 1):
                left -= len(block)
                if left < 0:
                    break
                yield block
        if left != 0:
            # Content-Length is already on the wire: better a broken request than one padded or cut in silence.
            raise OSError("document changed size while it was being sent")


def xop_href(cid: str) -> str:
    """`cid:` URL of a Content-ID (RFC 2392: escaped like any URL)."""
    return "cid:" + quote(cid, safe="@._-+!$*")


class Part:
    """One binary part of an answer, in memory or in a temporary file that dies with this object.

    `sha1` is 40 lower-case hex digits, computed while the part was received; `size` is in bytes.
    """

    __slots__ = ("__weakref__", "_finalizer", "cid", "content_type", "data", "path", "sha1", "size")

    def __init__(
        self, cid: str, content_type: str, size: int, sha1: str, *, data: bytes | None = None, path: Path | None = None
    ) -> None:
        self.cid = cid
        self.content_type = content_type
        self.size = size
        self.sha1 = sha1
        self.data = data
        self.path = path
        self._finalizer = weakref.finalize(self, _unlink, path) if path is not None else None

    def open(self) -> BinaryIO:
        """A fresh reader from the first byte. Raises ConnectorError after `delete()`."""
        if self.data is not None:
            return io.BytesIO(self.data)
        if self.path is None:
            raise ConnectorError("part already deleted", field="part", found=self.cid)
        return self.path.open("rb")

    def read(self) -> bytes:
        """The whole content in memory: for parts known to be small."""
        with self.open() as file:
            return file.read()

    def delete(self) -> None:
        """Forgets the content and removes the temporary file; calling it twice is harmless."""
        if self._finalizer is not None:
            self._finalizer()
        self.data = None
        self.path = None


class Spool:
    """Collects one part: memory up to `threshold` bytes, then a private temporary file; sha1 on the fly."""

    def __init__(self, threshold: int, folder: Path | None) -> None:
        self._threshold = threshold
        self._folder = folder
        self._memory = bytearray()
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self.size = 0

    def write(self, block: bytes | bytearray | memoryview) -> None:
        self._sha1.update(block)
        self.size += len(block)
        if self._file is None and self.size > self._threshold:
            # mkstemp creates the file readable by this user alone.
            handle, name = tempfile.mkstemp(prefix="xop-", dir=self._folder)
            self._path = Path(name)
            self._file = os.fdopen(handle, "wb", buffering=BLOCK)
            self._file.write(self._memory)
            self._memory.clear()
        if self._file is None:
            self._memory += block
        else:
            self._file.write(block)

    def finish(self, cid: str, content_type: str) -> Part:
        """The part, complete. The spool must not be used afterwards."""
        if self._file is None:
            return Part(cid, content_type, self.size, self._sha1.hexdigest(), data=bytes(self._memory))
        self._file.close()
        return Part(cid, content_type, self.size, self._sha1.hexdigest(), path=self._path)

    def abandon(self) -> None:
        """Drops what was received: the answer is being refused."""
        if self._file is not None:
            self._file.close()
            _unlink(self._path)


def _unlink(path: Path | None) -> None:
    if path is not None:
        with suppress(FileNotFoundError):
            path.unlink()

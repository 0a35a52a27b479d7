"""Digest of a document as the manifest of the set signature wants it: C14N 1.0 with comments (dmp-interface c.8).

Equal to `xmllint --huge --c14n FILE | sha1sum`, comments and instructions outside the root included.
"""

from __future__ import annotations

import hashlib
from typing import IO, Literal, cast

from lxml import etree

from connector.base.errors import CodecError
from connector.base.xmlsafe import parse_xml

DOCUMENT_CAP = 64 * 1024 * 1024
"""Bytes of the largest document signed by default."""

Algorithm = Literal["sha1", "sha256"]


class _HashSink:
    """A file that only hashes: the canonical form of a 50 MB document never exists as a whole."""

    def __init__(self, algorithm: Algorithm) -> None:
        # SHA-1 is what the DMP's samples carry; its choice is a setting.
        self.hash = hashlib.new(algorithm, usedforsecurity=False)

    def write(self, data: bytes) -> None:
        self.hash.update(data)

    def digest(self) -> bytes:
        return self.hash.digest()


def manifest_digest(content: bytes, algorithm: Algorithm = "sha1", cap: int = DOCUMENT_CAP) -> bytes:
    """Digest (20 or 32 bytes) of the canonical form of an XML document of at most `cap` bytes.

    A letter whose weight is its base64 body costs four times its size in memory, the letter itself not counted.
    Raises LimitError above the cap, CodecError on malformed XML, on a DOCTYPE, and on XML without canonical form.
    """
    sink = _HashSink(algorithm)
    tree = parse_xml(content, cap=cap, huge=True, what="document").getroottree()
    try:
        tree.write_c14n(cast(IO[bytes], sink), with_comments=True)
    except etree.C14NError as error:
        raise CodecError(
            "the document has no canonical form",
            field="document",
            found="XML that C14N 1.0 refuses",
            expected="absolute namespace names",
        ) from error
    return sink.digest()


def binary_digest(content: bytes, algorithm: Algorithm = "sha1") -> bytes:
    """Digest of the bytes as they are, for a document that is not XML (DICOM KOS)."""
    return hashlib.new(algorithm, content, usedforsecurity=False).digest()

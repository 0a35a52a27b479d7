"""Digest of a document as the manifest of the set signature wants it: C14N 1.0 with comments (dmp-interface c.8).

Equal to `xmllint --huge --c14n FILE | sha1sum`, comments and instructions outside the root included.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import IO, Literal, cast

from lxml import etree

from connector.base.errors import CodecError
from connector.base.xmlsafe import parse_xml, parse_xml_file

DOCUMENT_CAP = 64 * 1024 * 1024
"""Bytes of the largest document signed by default."""

Algorithm = Literal["sha1", "sha256"]


LONG_TEXT = 1024 * 1024
"""Characters from which a text is hashed apart from the tree: a level-1 letter is one text of the size of its PDF."""

_BLOCK = 256 * 1024
_MARKER = b"text-hashed-apart"


class _HashSink:
    """A file that only hashes: the canonical form of a 50 MB document never exists as a whole."""

    def __init__(self, algorithm: Algorithm) -> None:
        # SHA-1 is what the DMP's samples carry; its choice is a setting.
        self.hash = hashlib.new(algorithm, usedforsecurity=False)

    def write(self, data: bytes) -> None:
        self.hash.update(data)

    def write_text(self, text: str) -> None:
        """`text` as C14N 1.0 §2.3 writes a text node."""
        for start in range(0, len(text), _BLOCK):
            block = text[start : start + _BLOCK].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            self.write(block.replace("\r", "&#xD;").encode())

    def digest(self) -> bytes:
        return self.hash.digest()


def manifest_digest(content: bytes | Path, algorithm: Algorithm = "sha1", cap: int = DOCUMENT_CAP) -> bytes:
    """Digest (20 or 32 bytes) of the canonical form of an XML document (bytes, or their file) of at most `cap` bytes.

    A letter whose weight is its base64 body costs twice its size in memory, its bytes not counted when given as such.
    Raises LimitError above the cap, CodecError on malformed XML, on a DOCTYPE, and on XML without canonical form;
    OSError on a file that cannot be read.
    """
    if isinstance(content, Path):
        root = parse_xml_file(content, cap=cap, huge=True, what="document")
    else:
        root = parse_xml(content, cap=cap, huge=True, what="document")
    sink = _HashSink(algorithm)
    try:
        _canonicalise(root, sink)
    except etree.C14NError as error:
        raise CodecError(
            "the document has no canonical form",
            field="document",
            found="XML that C14N 1.0 refuses",
            expected="absolute namespace names",
        ) from error
    return sink.digest()


def _canonicalise(root: etree._Element, sink: _HashSink) -> None:
    """C14N with comments of the whole document; its long texts leave the tree on the way.

    libxml2 holds each text three times over while it writes it: the rest is written around a marker instead.
    """
    tree = root.getroottree()
    taken = [(element, text) for element in root.iter(etree.Element) if len(text := element.text or "") >= LONG_TEXT]
    if not taken:
        tree.write_c14n(cast(IO[bytes], sink), with_comments=True)
        return
    for element, _ in taken:
        element.text = _MARKER.decode()
    rest = io.BytesIO()
    tree.write_c14n(rest, with_comments=True)
    first, *others = rest.getvalue().split(_MARKER)
    if len(others) != len(taken):
        # The document itself has the marker somewhere: only the costly way is left.
        for element, text in taken:
            element.text = text
        tree.write_c14n(cast(IO[bytes], sink), with_comments=True)
        return
    sink.write(first)
    for (_, text), other in zip(taken, others, strict=True):
        sink.write_text(text)
        sink.write(other)


def binary_digest(content: bytes, algorithm: Algorithm = "sha1") -> bytes:
    """Digest of the bytes as they are, for a document that is not XML (DICOM KOS)."""
    return hashlib.new(algorithm, content, usedforsecurity=False).digest()

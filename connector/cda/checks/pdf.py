"""What a PDF carries that a viewer acts upon, and whether it says to be PDF/A; its bytes are searched, not executed."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Final

_OBJECT_STREAM: Final = re.compile(rb"/ObjStm\b.{0,512}?stream\r?\n", re.DOTALL)
_STREAM: Final = re.compile(rb"stream\r?\n")
_END: Final = b"endstream"
_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_INFLATED: Final = 32 * 1024 * 1024
"""Bytes of compressed objects looked at."""
_BLOCK: Final = 64 * 1024

_ENCRYPTED: Final = re.compile(rb"/Encrypt\b")
_ACTS: Final = (
    (re.compile(rb"/(JavaScript|JS)\b"), "JavaScript"),
    (re.compile(rb"/Launch\b"), "lancement de programme"),
    (re.compile(rb"/(EmbeddedFiles?|Filespec)\b"), "fichier joint"),
)
_PDFA: Final = re.compile(rb"pdfaid:part\s*(?:=\s*[\"']|>)\s*[1-4]")


def acts(content: bytes) -> tuple[str, ...]:
    """What is in the PDF that a document to be read should not have, in French."""
    looked = b"\n".join(_names(content))
    return tuple(what for pattern, what in _ACTS if pattern.search(looked))


def encrypted(content: bytes) -> bool:
    """True when its trailer names an encryption, with a password or without: it is never inside a compressed object."""
    return _ENCRYPTED.search(_unescaped(b"".join(_between_streams(content)))) is not None


def locked(content: bytes) -> bool:
    """True when a password is asked for before anything is read. A PDF that only forbids printing opens."""
    if not encrypted(content):
        return False
    # 18 MB, for the few that are encrypted
    from pypdf import PasswordType, PdfReader

    try:
        return PdfReader(BytesIO(content)).decrypt("") == PasswordType.NOT_DECRYPTED
    except Exception:  # noqa: BLE001 - whatever the library stumbles on, a viewer may too
        return True


def claims_pdfa(content: bytes) -> bool:
    """True when its metadata say PDF/A, any part. In PDF/A they are never compressed."""
    return _PDFA.search(content) is not None


def _names(content: bytes) -> Iterator[bytes]:
    """The file without its streams, then its compressed objects; names unescaped (`/J#61vaScript`)."""
    yield _unescaped(b"".join(_between_streams(content)))
    left = _INFLATED
    for found in _OBJECT_STREAM.finditer(content):
        inflated = _inflated(memoryview(content)[found.end() :], left)
        left -= len(inflated)
        yield _unescaped(inflated)
        if left <= 0:
            return


def _between_streams(content: bytes) -> Iterator[bytes]:
    """An image of ten megabytes is stepped over, not read."""
    start = 0
    while found := _STREAM.search(content, start):
        end = content.find(_END, found.end())
        if end < 0:
            break
        yield content[start : found.start()]
        start = end + len(_END)
    yield content[start:]


def _inflated(data: memoryview, limit: int) -> bytes:
    """What `data` begins with, inflated up to `limit` bytes; what is found before an error counts.

    In blocks: given the whole rest of the file, zlib would copy it at each of its thousand objects.
    """
    inflater, found = zlib.decompressobj(), bytearray()
    for start in range(0, len(data), _BLOCK):
        try:
            found += inflater.decompress(data[start : start + _BLOCK], limit - len(found))
        except zlib.error:
            break
        if inflater.eof or len(found) >= limit:
            break
    return bytes(found)


def _unescaped(content: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), content)

"""What a PDF carries that a viewer acts upon, and whether it says to be PDF/A; its bytes are searched, not executed."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Final

_OBJECT_STREAM: Final = re.compile(rb"/ObjStm\b.{0,512}?stream\r?\n", re.DOTALL)
_STREAM: Final = re.compile(rb"stream\r?\n.*?endstream", re.DOTALL)
_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_INFLATED: Final = 32 * 1024 * 1024
"""Bytes of compressed objects looked at."""

_ACTS: Final = (
    (re.compile(rb"/Encrypt\b"), "chiffrement"),
    (re.compile(rb"/(JavaScript|JS)\b"), "JavaScript"),
    (re.compile(rb"/Launch\b"), "lancement de programme"),
    (re.compile(rb"/(EmbeddedFiles?|Filespec)\b"), "fichier joint"),
)
_PDFA: Final = re.compile(rb"pdfaid:part\s*(?:=\s*[\"']|>)\s*[1-4]")


def acts(content: bytes) -> tuple[str, ...]:
    """What is in the PDF that a document to be read should not have, in French."""
    looked = b"\n".join(_names(content))
    return tuple(what for pattern, what in _ACTS if pattern.search(looked))


def claims_pdfa(content: bytes) -> bool:
    """True when its metadata say PDF/A, any part. In PDF/A they are never compressed."""
    return _PDFA.search(content) is not None


def _names(content: bytes) -> Iterator[bytes]:
    """The file without its streams, then its compressed objects; names unescaped (`/J#61vaScript`)."""
    yield _unescaped(_STREAM.sub(b"", content))
    left = _INFLATED
    for found in _OBJECT_STREAM.finditer(content):
        try:
            inflated = zlib.decompressobj().decompress(content[found.end() :], left)
        except zlib.error:
            continue
        left -= len(inflated)
        yield _unescaped(inflated)
        if left <= 0:
            return


def _unescaped(content: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), content)

"""Images as PDF/A-1 takes them: no transparency. What is transparent is laid on white."""

from __future__ import annotations

import base64
import binascii
import json
import struct
import zlib
from dataclasses import dataclass
from typing import Final

import typst

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_WITH_ALPHA: Final = (4, 6)
_LARGEST: Final = 40_000_000
"""Pixels of an image that is embedded as it is."""
_LAID: Final = 1_500_000
"""Pixels of an image that is laid on white: each is worked on here, and again by the typesetter."""
_ON_WHITE: Final = b"""#set page(width: auto, height: auto, margin: 0pt, fill: white)
#image(bytes(json(bytes(sys.inputs.image))), width: float(sys.inputs.width) * 1pt)"""


@dataclass(frozen=True, slots=True, repr=False)
class Image:
    """`content` is a PNG or JPEG without alpha, `width` in pixels."""

    content: bytes
    width: int


def opaque_image(source: str) -> Image | None:
    """The image of a `data:` address, None when it cannot be shown on paper: damaged, or too many pixels."""
    try:
        content = base64.b64decode(source.partition(",")[2], validate=True)
        width, height, transparent = _measure(content)
    except (binascii.Error, ValueError, struct.error, IndexError):
        return None
    pixels = width * height
    if not 0 < pixels <= (_LAID if transparent else _LARGEST):
        return None
    if not transparent:
        return Image(content, width)
    laid = _on_white(content, width)
    return None if laid is None else Image(laid, width)


def _measure(content: bytes) -> tuple[int, int, bool]:
    """Width, height, whether any of it may be transparent. Raises ValueError and its like on what is no image."""
    if content.startswith(_PNG):
        width, height, _, colour = struct.unpack_from(">IIBB", content, 16)
        return width, height, colour in _WITH_ALPHA or b"tRNS" in content
    if content.startswith(b"GIF8"):
        width, height = struct.unpack_from("<HH", content, 6)
        return width, height, True
    return (*_jpeg_size(content), False)


def _jpeg_size(content: bytes) -> tuple[int, int]:
    at = 2
    while content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        at += 2 + max(length, 2)
    raise ValueError("no frame")


def _on_white(content: bytes, width: int) -> bytes | None:
    """The typesetter draws it on a white page, as a PNG of 8 bits with an alpha of 255 all over: which is dropped."""
    inputs = {"image": json.dumps(list(content)), "width": str(width)}
    try:
        drawn = typst.compile(_ON_WHITE, format="png", ppi=72, ignore_system_fonts=True, sys_inputs=inputs)
    except typst.TypstError:
        return None
    assert isinstance(drawn, bytes)
    width, height = struct.unpack_from(">II", drawn, 16)
    rows = _rows(zlib.decompress(b"".join(_chunks(drawn, b"IDAT"))), width, height)
    packed = bytearray()
    for row in rows:
        rgb = bytearray(width * 3)
        for colour in range(3):
            rgb[colour::3] = row[colour::4]
        packed += b"\0" + rgb
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return _PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(bytes(packed), 9)) + _chunk(b"IEND", b"")


def _rows(data: bytes, width: int, height: int) -> list[bytearray]:
    """RGBA rows of PNG scan lines, unfiltered (PNG specification, 9.2)."""
    step, size = 4, width * 4
    above, rows = bytearray(size), []
    for y in range(height):
        start = y * (size + 1)
        kind, row = data[start], bytearray(data[start + 1 : start + 1 + size])
        match kind:
            case 1:
                for x in range(step, size):
                    row[x] = (row[x] + row[x - step]) & 255
            case 2:
                row = bytearray((a + b) & 255 for a, b in zip(row, above, strict=True))
            case 3:
                for x in range(size):
                    left = row[x - step] if x >= step else 0
                    row[x] = (row[x] + (left + above[x]) // 2) & 255
            case 4:
                for x in range(size):
                    left, corner = (row[x - step], above[x - step]) if x >= step else (0, 0)
                    row[x] = (row[x] + _paeth(left, above[x], corner)) & 255
        rows.append(row)
        above = row
    return rows


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda near: abs(guess - near))


def _chunks(png: bytes, name: bytes) -> list[bytes]:
    found, at = [], len(_PNG)
    while at + 8 <= len(png):
        length = int.from_bytes(png[at : at + 4])
        if png[at + 4 : at + 8] == name:
            found.append(png[at + 8 : at + 8 + length])
        at += 12 + length
    return found


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

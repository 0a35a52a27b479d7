"""What base64 content claims to be, and what it is."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Final

_SPACE: Final = bytes.maketrans(b"\t\r\n", b"   ")


def decoded(text: str) -> bytes | None:
    """Bytes of base64 text, white space allowed anywhere; None for anything RFC 4648 §4 does not allow.

    Strict: no other alphabet, padding where it belongs, no bits left over, not empty.
    """
    try:
        packed = text.encode("ascii").translate(_SPACE).replace(b" ", b"")
        content = base64.b64decode(packed, validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None
    # the last group again: unused bits that are not zero decode too, and two texts would be one document
    tail = len(content) % 3 or 3
    same = base64.b64encode(content[-tail:]) == packed[-4:] and len(packed) % 4 == 0
    return content if content and same else None


def _text(content: bytes) -> bool:
    try:
        return not any(ord(char) < 32 and char not in "\t\r\n\f" for char in content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return not any(byte < 32 and byte not in b"\t\r\n\f" for byte in content)


def _pdf(content: bytes) -> bool:
    return content.startswith(b"%PDF-1.") and b"%%EOF" in content[-2048:]


def _jpeg(content: bytes) -> bool:
    return content.startswith(b"\xff\xd8\xff") and content.rstrip(b"\0\r\n ").endswith(b"\xff\xd9")


def _tiff(content: bytes) -> bool:
    return content.startswith((b"II*\0", b"MM\0*")) and len(content) > 8


def _rtf(content: bytes) -> bool:
    return content.startswith(b"{\\rtf1") and content.rstrip(b"\0\r\n ").endswith(b"}")


MEDIA: Final[Mapping[str, Callable[[bytes], bool]]] = {
    "application/pdf": _pdf,
    "text/plain": _text,
    "text/rtf": _rtf,
    "image/jpeg": _jpeg,
    "image/tiff": _tiff,
}
"""Whether content is what its media type says, for those a level-1 body may have (ASS_A12)."""

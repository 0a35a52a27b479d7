"""What base64 content claims to be, and what it is."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from connector.cda.nodes import child

_BLANKS: Final = b"\t\r\n "


@dataclass(frozen=True, slots=True, repr=False)
class Body:
    """What a level-1 document carries, decoded once for every rule: it is most of the document.

    text     nonXMLBody/text, None in a document of another level
    blank    nothing is written in it
    content  its bytes, None when they are not base64
    """

    text: etree._Element | None = None
    blank: bool = True
    content: bytes | None = None


def read_body(clinical: etree._Element) -> Body:
    """The body of a ClinicalDocument; comments and processing instructions are no content."""
    text = child(clinical, "component/nonXMLBody/text")
    if text is None:
        return Body()
    written = str(text.xpath("string()")) if len(text) else text.text or ""
    return Body(text, not written or written.isspace(), decoded(written))


def decoded(text: str) -> bytes | None:
    """Bytes of base64 text, white space allowed anywhere; None for anything RFC 4648 §4 does not allow.

    Strict: no other alphabet, padding where it belongs, no bits left over, not empty.
    """
    try:
        return _strict(text)
    except ValueError:
        # a line end, or what follows: the copies are made only when there is something to drop
        pass
    try:
        return _strict(text.encode("ascii").translate(None, _BLANKS))
    except ValueError:
        return None


def _strict(packed: str | bytes) -> bytes | None:
    content = binascii.a2b_base64(packed, strict_mode=True)
    # the last group again: unused bits that are not zero decode too, and two texts would be one document
    tail = base64.b64encode(content[-(len(content) % 3 or 3) :])
    last = packed[-4:] if isinstance(packed, bytes) else packed[-4:].encode("ascii")
    return content if content and last == tail and len(packed) % 4 == 0 else None


_OTHERS: Final = (
    b"%PDF-",
    b"PK\x03\x04",
    b"{\\rtf",
    b"\xff\xd8\xff",
    b"\x89PNG",
    b"GIF8",
    b"II*\0",
    b"MM\0*",
    b"\xd0\xcf\x11\xe0",
)
"""What files that are no text begin with."""


def _text(content: bytes) -> bool:
    if content.startswith(_OTHERS):
        return False
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

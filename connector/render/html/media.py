"""What can be shown of the images and files a document holds, and what is only offered."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final, Literal

from lxml import etree

from connector.base.finding import Finding
from connector.base.ns import HL7V3, q
from connector.cda.checks.media import MEDIA, decoded
from connector.render.html.model import Attachment, R, warning
from connector.render.html.rtf import rtf_text

_HOLDERS: Final = etree.XPath(
    "descendant::v3:observationMedia/v3:value | v3:component/v3:nonXMLBody/v3:text", namespaces={"v3": HL7V3}
)
_MAGIC: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF87a": "image/gif", b"GIF89a": "image/gif",
}  # fmt: skip
_EXTENSIONS: Final = {
    "application/pdf": "pdf", "text/plain": "txt", "text/rtf": "rtf", "image/jpeg": "jpg", "image/png": "png",
    "image/gif": "gif", "image/tiff": "tif",
}  # fmt: skip
_CALLED: Final = {"pdf": "PDF", "txt": "texte", "rtf": "RTF", "tif": "TIFF", "jpg": "JPEG", "png": "PNG", "gif": "GIF"}
_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, repr=False)
class _Shown:
    """`kind`: 'image' and 'text' are in the page, 'file' is spoken of, 'none' cannot be read."""

    kind: Literal["image", "text", "file", "none"]
    name: str
    text: str = ""


def settle_media(document: etree._Element) -> tuple[list[Finding], tuple[Attachment, ...]]:
    """Marks each holder of media with what the stylesheet shows for it, and empties it."""
    findings: list[Finding] = []
    attachments: list[Attachment] = []
    holders = _HOLDERS(document)
    for holder in holders if isinstance(holders, list) else []:
        if not isinstance(holder, etree._Element):
            continue
        media_type, content = holder.get("mediaType", "text/plain").strip().lower(), _content(holder)
        shown = _settle(media_type, content, len(attachments) + 1)
        if content is not None and (shown.kind == "file" or (shown.kind == "text" and media_type == "text/rtf")):
            attachments.append(Attachment(_file_name(media_type, len(attachments) + 1), media_type, content))
            holder.set(q(R, "file"), attachments[-1].name)
        if shown.kind == "none":
            findings.append(_unreadable(holder, media_type))
        _mark(holder, shown, media_type, content)
    return findings, tuple(attachments)


def _content(holder: etree._Element) -> bytes | None:
    written = str(holder.xpath("string()"))
    if holder.get("representation") == "B64":
        return decoded(written)
    return written.encode() if written.strip() else None


def _settle(media_type: str, content: bytes | None, rank: int) -> _Shown:
    if content is None:
        return _Shown("none", "Un contenu de ce document n'est pas lisible ou n'y est pas.")
    if media_type in ("image/png", "image/jpeg", "image/gif"):
        if not _image_type(content):
            return _Shown("none", "Une image de ce document n'est pas lisible.")
        return _Shown("image", f"Image du document ({_size(content)})")
    name = f"{_file_name(media_type, rank)} ({_called(media_type)}, {_size(content)})"
    if media_type == "text/plain" and MEDIA["text/plain"](content):
        return _Shown("text", name, _decode(content))
    if media_type == "text/rtf" and MEDIA["text/rtf"](content):
        return _Shown("text", name, rtf_text(content))
    return _Shown("file", name)


def _mark(holder: etree._Element, shown: _Shown, media_type: str, content: bytes | None) -> None:
    for child in list(holder):
        holder.remove(child)
    holder.text = None
    holder.set(q(R, "kind"), shown.kind)
    holder.set(q(R, "name"), shown.name)
    if shown.kind == "image" and content is not None:
        holder.set(q(R, "src"), f"data:{_image_type(content)};base64,{base64.b64encode(content).decode()}")
    elif shown.kind == "text":
        holder.set(q(R, "text"), _NO_XML.sub("\ufffd", shown.text))


def _image_type(content: bytes) -> str:
    """By its first bytes: announced types are wrong in official examples too. "" when it is none that a page shows."""
    return next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), "")


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _file_name(media_type: str, rank: int) -> str:
    return f"piece-{rank}.{_EXTENSIONS.get(media_type, 'bin')}"


def _called(media_type: str) -> str:
    return _CALLED.get(_EXTENSIONS.get(media_type, ""), "type inconnu")


def _size(content: bytes) -> str:
    size = len(content)
    return f"{size} octets" if size < 1000 else f"{round(size / 1000)} ko" if size < 10**6 else f"{size / 10**6:.1f} Mo"


def _unreadable(holder: etree._Element, media_type: str) -> Finding:
    return warning(
        "RENDER-03",
        etree.QName(holder).localname,
        "un contenu illisible ou absent",
        f"un contenu {media_type[:40]} dans le document",
        "Un contenu du document ne peut pas être montré",
    )

"""ITI-43: documents asked by repository and uniqueId, content found by URL-decoded cid (dmp-interface a.9)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Protocol
from urllib.parse import unquote

from lxml import etree

from connector.base.errors import CodecError
from connector.base.ns import XDSB, XOP, q
from connector.xds.model import DocumentEntry, RegistryError
from connector.xds.responses import REGISTRY_RESPONSE, expect, parse_registry_response

_RESPONSE = q(XDSB, "DocumentResponse")
_INCLUDE = q(XOP, "Include")


class Content(Protocol):
    """A received MIME part: `sha1` is lower-case hex, `size` in bytes."""

    @property
    def size(self) -> int: ...
    @property
    def sha1(self) -> str: ...
    def open(self) -> BinaryIO: ...


@dataclass(frozen=True, slots=True, repr=False)
class InlineContent:
    """Base64 text found where a peer should have put an `xop:Include`."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def sha1(self) -> str:
        return hashlib.sha1(self.data, usedforsecurity=False).hexdigest()

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)


@dataclass(frozen=True, slots=True)
class DocumentRequest:
    """One line of a request."""

    repository_id: str
    unique_id: str
    home: str = ""


@dataclass(frozen=True, slots=True)
class DocumentResponse:
    """One document of the answer; `content` is still on disk or in the part it came in."""

    repository_id: str
    unique_id: str
    mime_type: str
    content: Content
    home: str = ""


@dataclass(frozen=True, slots=True)
class RetrieveAnswer:
    """Documents and errors; both may be present (PartialSuccess, ihe-rules D-62)."""

    status: str
    documents: tuple[DocumentResponse, ...]
    errors: tuple[RegistryError, ...] = ()


def build_request(documents: Iterable[DocumentRequest]) -> etree._Element:
    """The RetrieveDocumentSetRequest; homeCommunityId only when known (absent from the DMP)."""
    root = etree.Element(q(XDSB, "RetrieveDocumentSetRequest"), nsmap={"xds": XDSB})
    for document in documents:
        line = etree.SubElement(root, q(XDSB, "DocumentRequest"))
        if document.home:
            etree.SubElement(line, q(XDSB, "HomeCommunityId")).text = document.home
        etree.SubElement(line, q(XDSB, "RepositoryUniqueId")).text = document.repository_id
        etree.SubElement(line, q(XDSB, "DocumentUniqueId")).text = document.unique_id
    return root


def parse_response(node: etree._Element, parts: Mapping[str, Content]) -> RetrieveAnswer:
    """The RetrieveDocumentSetResponse; `parts` are keyed by Content-ID without angle brackets.

    Raises CodecError when a document points at no part, or when the answer is something else.
    """
    expect(node, q(XDSB, "RetrieveDocumentSetResponse"))
    outcome = node.find(REGISTRY_RESPONSE)
    if outcome is None:
        raise CodecError("answer without outcome", field="RegistryResponse", found="absent", expected="one element")
    response = parse_registry_response(outcome)
    by_cid = {unquote(cid): part for cid, part in parts.items()}
    documents = tuple(_read_document(child, by_cid) for child in node.iterchildren(_RESPONSE))
    return RetrieveAnswer(response.status, documents, response.errors)


def check_content(document: DocumentResponse, entry: DocumentEntry) -> None:
    """CodecError when the bytes are not those announced (ihe-rules D-63); a value left unknown is not judged."""
    if entry.size is not None and document.content.size != entry.size:
        raise CodecError(
            "document size differs from its metadata",
            field="size",
            found=str(document.content.size),
            expected=str(entry.size),
            unique_id=entry.unique_id,
        )
    if entry.hash and document.content.sha1 != entry.hash.lower():
        raise CodecError(
            "document hash differs from its metadata",
            field="hash",
            found=document.content.sha1,
            expected=entry.hash.lower(),
            unique_id=entry.unique_id,
        )


def _read_document(node: etree._Element, by_cid: Mapping[str, Content]) -> DocumentResponse:
    holder = node.find(q(XDSB, "Document"))
    if holder is None:
        raise CodecError("document missing from the answer", field="Document", found="absent", expected="one element")
    return DocumentResponse(
        repository_id=_text(node, "RepositoryUniqueId"),
        unique_id=_text(node, "DocumentUniqueId"),
        mime_type=_text(node, "mimeType"),
        content=_content(holder, by_cid),
        home=_text(node, "HomeCommunityId"),
    )


def _content(holder: etree._Element, by_cid: Mapping[str, Content]) -> Content:
    include = holder.find(_INCLUDE)
    if include is not None:
        href = include.get("href") or ""
        part = by_cid.get(unquote(href.removeprefix("cid:")))
        if part is None:
            raise CodecError(
                "document part missing", field="xop:Include/@href", found=href[:200], expected="a MIME part"
            )
        return part
    try:
        return InlineContent(base64.b64decode("".join((holder.text or "").split()), validate=True))
    except (binascii.Error, ValueError) as error:
        raise CodecError(
            "document neither a part nor base64", field="Document", found="other text", expected="xop:Include"
        ) from error


def _text(node: etree._Element, name: str) -> str:
    return (node.findtext(q(XDSB, name)) or "").strip()

"""TD3.2 on disk: what was asked, what came, what is missing (dmp-interface a.9, ihe-rules D-62, D-63)."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.base.errors import CodecError, ServerError, ServerRefusal
from connector.base.oid import is_oid
from connector.xds.iti43 import DocumentRequest, DocumentResponse, check_content
from connector.xds.model import DocumentEntry

BATCH = 20
"""Documents per request: the batch size the DMP recommends for queries (dmp-interface f)."""


@dataclass(frozen=True, slots=True, repr=False)
class Retrieved:
    """One document on disk; `sha1` is lower-case hex of its bytes, `size` in bytes."""

    entry: DocumentEntry
    path: Path
    size: int
    sha1: str
    media_type: str


class PartialRetrieval(ServerRefusal):
    """Some documents were refused or did not come: `retrieved` are on disk, `missing` are not."""

    def __init__(
        self, errors: tuple[ServerError, ...], retrieved: list[Retrieved], missing: tuple[DocumentEntry, ...]
    ) -> None:
        super().__init__(errors, retrieved=len(retrieved), missing=len(missing))
        self.retrieved = retrieved
        self.missing = missing


def request_lines(entries: Sequence[DocumentEntry], default_repository: str) -> list[DocumentRequest]:
    """One line per entry; its own repository when the registry named one."""
    return [DocumentRequest(e.repository_id or default_repository, e.unique_id, e.home) for e in entries]


def save(documents: Sequence[DocumentResponse], entries: Sequence[DocumentEntry], folder: Path) -> list[Retrieved]:
    """Checks each content against its metadata, then streams it into `folder`, one file per uniqueId.

    Raises CodecError on bytes that are not those
    announced and on a document nobody asked for.
    """
    by_id = {entry.unique_id: entry for entry in entries}
    saved = []
    for document in documents:
        entry = by_id.get(document.unique_id)
        if entry is None:
            raise CodecError(
                "document nobody asked for",
                field="DocumentUniqueId",
                found=document.unique_id[:128],
                expected="one asked",
            )
        check_content(document, entry)
        saved.append(_write(document, entry, folder))
    return saved


def file_stem(unique_id: str) -> str:
    """The uniqueId when it is an OID, else its digest: text of a server never becomes a path."""
    return unique_id if is_oid(unique_id) else hashlib.sha256(unique_id.encode()).hexdigest()


def _write(document: DocumentResponse, entry: DocumentEntry, folder: Path) -> Retrieved:
    media_type = document.mime_type or entry.mime_type
    sha1, size = document.content.sha1, document.content.size
    target = folder / f"{file_stem(entry.unique_id)}{mimetypes.guess_extension(media_type, strict=False) or '.bin'}"
    # A reader of the folder never sees half a document.
    partial = target.with_name(f"{target.name}.part")
    with document.content.open() as source, partial.open("wb") as file:
        shutil.copyfileobj(source, file)
    os.replace(partial, target)
    return Retrieved(entry, target, size, sha1, media_type)

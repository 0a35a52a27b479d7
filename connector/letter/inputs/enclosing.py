"""A file and a header: the plain data of a level 1 letter (cda-lettre-de-liaison §4)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from connector.letter.errors import LetterError, fault
from connector.letter.model.body import EXTENSIONS


def enclose(content: bytes, name: str, header: Mapping[str, Any]) -> dict[str, Any]:
    """Header data with the file as body; `name` gives the media type by its extension.

    A text that is not UTF-8 is taken as Windows-1252, as French software writes it, and rewritten in UTF-8.
    Raises LetterError for an unknown extension, a header that already has a body, or one of another kind of letter.
    """
    media_type = EXTENSIONS.get(PurePath(name).suffix.lower())
    faults = []
    if media_type is None:
        faults.append(fault("body", "le type de fichier n'est pas accepté", ", ".join(EXTENSIONS), "autre extension"))
    if header.get("body") is not None:
        faults.append(fault("body", "l'en-tête contient déjà un corps", "un en-tête seul", "présent"))
    if header.get("kind", "unstructured") != "unstructured":
        faults.append(fault("kind", "un fichier et son en-tête font une lettre de niveau 1", "unstructured", "autre"))
    if faults:
        raise LetterError(faults)
    body = _in_utf8(content) if media_type == "text/plain" else content
    return {
        **header,
        "kind": "unstructured",
        "body": {"media_type": media_type, "content": base64.b64encode(body).decode("ascii")},
    }


def _in_utf8(content: bytes) -> bytes:
    try:
        return content.decode("utf-8-sig").encode()
    except UnicodeDecodeError:
        # Five bytes have no meaning in Windows-1252: then the text is refused by the model, not repaired.
        try:
            return content.decode("cp1252").encode()
        except UnicodeDecodeError:
            return content

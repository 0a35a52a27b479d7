"""The body of a level 1 letter: one file, inline (cda-lettre-de-liaison §4)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from connector.cda.checks.pdf import locked
from connector.letter.model.base import Broken, Plain, refusal
from connector.letter.model.text import visible

MediaType = Literal["application/pdf", "text/plain", "text/rtf", "image/jpeg", "image/tiff"]

EXTENSIONS: Final[dict[str, MediaType]] = {
    ".pdf": "application/pdf",
    ".txt": "text/plain",
    ".rtf": "text/rtf",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
}
"""Media type of a body by the extension of its file, lower case."""

_OPENINGS: Final[dict[str, tuple[bytes, ...]]] = {
    "application/pdf": (b"%PDF-",),
    "text/rtf": (b"{\\rtf",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/tiff": (b"II*\x00", b"MM\x00*"),
}


def _content(value: Any) -> Any:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        try:
            return base64.b64decode("".join(value.split()), validate=True)
        except (binascii.Error, ValueError):
            raise refusal("le contenu n'est pas en base64", "du base64", "autre chose") from None
    raise refusal("le contenu n'est pas lisible", "du base64", "autre chose")


Content = Annotated[
    bytes,
    BeforeValidator(_content),
    PlainSerializer(lambda value: base64.b64encode(value).decode("ascii"), return_type=str),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
    Field(repr=False),
]
"""Bytes of the file; base64 text in plain data."""


class Body(Plain):
    """Le corps d'un document de niveau 1 : un fichier PDF, texte, RTF, JPEG ou TIFF."""

    media_type: MediaType
    """Type du contenu."""
    content: Content
    """Contenu du fichier, en base64."""

    def broken(self) -> Iterator[Broken]:
        if not self.content:
            yield Broken("content", "le fichier est vide", "un contenu", "vide")
        elif self.media_type == "text/plain":
            try:
                text = self.content.decode("utf-8")
            except UnicodeDecodeError:
                yield Broken("content", "le texte n'est pas en UTF-8", "un texte en UTF-8", "autre codage")
                return
            if not visible(text):
                yield Broken("content", "le texte est vide", "un texte qui se lit", "vide")
        elif not self.content.startswith(_OPENINGS[self.media_type]):
            yield Broken("content", "le fichier n'est pas du type annoncé", self.media_type, "autre contenu")
        elif self.media_type == "application/pdf" and locked(self.content):
            # What only forbids printing or copying opens without a password: not PDF/A, which CDA-35 says.
            yield Broken("content", "le PDF ne s'ouvre pas sans mot de passe", "un PDF sans mot de passe", "chiffré")
